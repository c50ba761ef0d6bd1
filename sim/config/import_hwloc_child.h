/*
 * A topology while it is being described: for the files of the sandboxed side only.
 */
#pragma once

#include "config/import_hwloc.h"

#include <hwloc.h>

struct hwloc_describer {
    hwloc_topology_t t;
    GString *out;
    guint nr_cpus, nr_nodes;
    hwloc_obj_t pus[CPU_MAX]; /* by os_index */
    hwloc_obj_t nodes[NODE_MAX];
    int32_t cpu_node[CPU_MAX];
    GHashTable *llcs; /* object -> number + 1 */
    gint64 l1d, l2, llc, line;
};

/* Fills in how fast each CPU is, if one measure is given for all kinds of CPUs. Returns the name of
 * the measure, "unknown", or NULL if there is one kind only. */
const char *describe_capacities(struct hwloc_describer *c, gint64 *capacity);

/* The matrix named NUMALatency, else the first of nodes that is a latency from the OS. */
void describe_distances(struct hwloc_describer *c);

void describe_attributes(struct hwloc_describer *c);

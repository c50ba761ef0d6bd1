/*
 * A `numactl --hardware` listing as it was read, before anything is assumed. import_numactl.c reads
 * it, import_numactl_build.c makes the machine.
 */
#pragma once

#include "config/import.h"

struct listed_node {
    uint32_t os_index;
    unsigned line, column;   /* where it was first named */
    bool has_cpus, has_size; /* a line was seen, even if it is empty */
    struct cpumask *cpus;
    uint64_t size_mib;
};

struct listing {
    const char *file;
    struct arena *arena;
    struct diag *diag;
    guint nr_nodes;
    struct listed_node nodes[NODE_MAX]; /* in the order of their numbers */
    bool has_available;                 /* "available: N nodes (LIST)" was seen */
    bool says_no_distances;
    guint nr_columns, nr_rows; /* of the distance table */
    uint32_t columns[NODE_MAX];
    uint32_t rows[NODE_MAX];
    uint8_t distances[NODE_MAX * NODE_MAX]; /* in the order of the table */
    guint nr_unknown;                       /* lines that were skipped */
};

/* False: messages are in diag. */
bool listing_read(struct listing *l, const char *text, gsize len);

/* The node with that number, or NULL. */
struct listed_node *listing_node(struct listing *l, uint32_t os_index);

/*
 * What foreign formats can say about a machine, whichever tool said it: the one struct that every
 * reader of CPUs, caches and nodes fills in, and the one place that makes a machine of it. So all
 * formats share the same rules for what is missing, and one machine comes out the same from all.
 *
 * Ids need only be equal where the thing is the same; they are numbered anew in the order of the
 * CPUs. -1 (MACHINE_NONE) is unknown.
 */
#pragma once

#include "config/import.h"

struct described_cpu {
    int32_t os_index, allowed, package, die, core, cluster, l2, llc, node;
    int64_t capacity; /* in no unit; 0: unknown */
    bool offline;
};

struct described_node {
    int32_t os_index, allowed, kind, package;
    int64_t mem_bytes;
};

struct description {
    const char *source, *attributes; /* "hwloc", "hwloc's memory attributes" */
    const char *vendor, *model, *architecture, *product, *capacity_basis; /* NULL: not told */
    int64_t family, l1d_bytes, l2_bytes, llc_bytes, line_bytes;
    int64_t nr_left_out; /* CPUs of the machine that the tree has no object for */
    guint nr_cpus, nr_nodes;
    struct described_cpu *cpus;   /* by os_index */
    struct described_node *nodes; /* by os_index */
    bool zero_is_unknown;         /* a node of 0 bytes is one whose size was left out */
    bool chose_nodes;             /* several nodes are local to a CPU: a rule took one */
    bool has_matrix;
    int64_t *matrix;     /* nr_nodes^2 */
    int64_t *latency_ns; /* nr_nodes^2, row = node of the CPU, 0: unknown */
    int64_t *bandwidth;  /* nr_nodes^2, MiB/s, 0: unknown */
    guint nr_notes;
    const char **notes;
    const char *refusal; /* instead of all the above: why libhwloc did not take it */
};

/* Room for so many nodes; their os_index is still to be filled in. */
void description_set_nodes(struct description *h, guint nr, struct arena *a);
void description_note(struct description *h, struct arena *a, const char *fmt, ...)
    SIM_PRINTF(3, 4);

/* CPUs of several cores that share an L2 are a cluster, unless one is told. */
void description_find_clusters(struct description *h);

/*
 * Capacities that are highest frequencies count only where kinds of CPUs differ by more than the
 * few per cent that separate the best cores of one kind, and where every online CPU has one.
 */
void description_settle_frequencies(struct description *h);

/* NULL: a message is in diag. */
struct machine *description_build(const struct description *h, const char *file, const char *name,
                                  struct arena *a, struct diag *d);

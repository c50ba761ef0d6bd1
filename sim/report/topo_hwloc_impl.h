/* The tree of hwloc objects that a machine is, for topo_hwloc*.c. */
#pragma once

#include "report/topo_hwloc.h"

/* In the order of nesting, where two things have the same CPUs. */
enum hw_type {
    HW_MACHINE,
    HW_PACKAGE,
    HW_DIE,
    HW_GROUP,
    HW_L3,
    HW_CLUSTER,
    HW_L2,
    HW_L1,
    HW_CORE,
    HW_PU
};

struct hw_object {
    enum hw_type type;
    int32_t number; /* os_index; -1: none */
    guint weight;
    struct cpumask *cpus;
    nodemask nodes;      /* of its CPUs and of the memory attached to it */
    GPtrArray *children; /* in the order of their first CPU */
    nodemask memory;     /* nodes that are its memory children */
};

struct hw_tree {
    const struct machine *m;
    struct arena *arena; /* of the objects */
    GPtrArray *objects;  /* struct hw_object *, the machine first */
    guint gp_index;      /* the next */
};

/* Things that overlap without one being in the other cannot be in a tree: the later is left out. */
void hw_tree_build(struct hw_tree *t, const struct machine *m);
void hw_tree_clear(struct hw_tree *t);

/*
 * Inside the static policies: nodes with their free CPUs and room, threads with the node that they
 * were dealt to.
 */
#pragma once

#include "kernel/mm.h"
#include "models/placement/models.h"

struct place_node {
    const struct cpumask *cpus; /* online ones */
    uint32_t nr_cpus, nr_free;  /* CPUs not dealt yet */
    uint64_t room;              /* bytes not promised yet */
    int32_t memory;             /* the node that memory of this node's threads goes to */
};

/* Threads of a process, in order. */
struct place_process {
    int32_t first, last; /* nodes of the first and the last thread; -1: none yet */
    nodemask nodes;
    uint32_t nr, cap;
    int32_t *node_of;
};

struct place {
    const struct placement_ops *ops;
    nodemask cpu_nodes, memory_nodes;
    struct place_node *nodes;
    struct place_process *processes;
    uint32_t nr_processes;
    int32_t turn;                /* spread: the last node dealt to */
    struct mempolicy everywhere; /* where threads are not dealt */
    uint32_t threads_overridden, regions_overridden, squeezed;
    int (*deal)(struct kernel *k, struct place *pl, struct place_process *pp);
};

/* The node itself, or the nearest that has memory. */
int place_memory_near(const struct kernel *k, const struct place *pl, int node);
/* As many pages in a row as a node's bandwidth is that of the slowest; in smallest numbers. */
struct mempolicy place_by_bandwidth(const struct kernel *k, nodemask nodes);
/* What was overridden, and what did not fit. */
void place_tell(struct kernel *k, const struct place *pl);

struct place *place_new(struct kernel *k, const struct placement_ops *ops);
/* The state of p's process; makes it. */
struct place_process *place_process_of(struct kernel *k, struct place *pl,
                                       const struct process *pr);
/* Deals one more thread of its process and binds it to its node's CPUs. */
void place_task(struct kernel *k, struct place *pl, struct task *p);

int deal_pack(struct kernel *k, struct place *pl, struct place_process *pp);
int deal_spread(struct kernel *k, struct place *pl, struct place_process *pp);

/* Binds one region, all of its slices, by the nodes of its threads. */
void place_region(struct kernel *k, struct place *pl, struct region *r);
/* The part of a region that belongs to a thread made later. */
void place_region_of(struct kernel *k, struct place *pl, struct region *r, uint32_t member);
/* Frees the region of what the workload said. */
void place_override_region(struct kernel *k, struct place *pl, struct region *r);

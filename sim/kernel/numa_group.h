/*
 * NUMA groups: tasks whose faults show that they share memory are judged together
 * (kernel/sched/fair.c: struct numa_group; numa-balancing.md 1.14 to 1.18).
 *
 * A group has the sums of its members' decayed faults, by node of the page and by node of the CPU.
 * It is begun by a task's first shared fault, grows when a member of a smaller group meets a member
 * of it, and is left by exec or exit only; groups never split.
 *
 * Model assumption: where two groups of one size meet, the kernel lets the one at the lower address
 * join, which differs from boot to boot. Here the older group joins, or, with
 * numa_balancing.quirks=NO_GROUP_TIE, the younger.
 */
#pragma once

#include "kernel/numa.h"

struct numa_group {
    uint32_t order;    /* of creation: unique in the run */
    uint32_t gid;      /* pid of the task that began it */
    uint32_t nr_tasks; /* and references: members are the only ones who hold any */
    uint32_t active_nodes;
    uint64_t max_faults_cpu, total_faults;
    uint64_t *faults;        /* as task_numa.faults, NUMA_MEM and NUMA_CPU only */
    struct numa_group *next; /* of those in use, or of the free ones */
    struct numa_group **prev;
};

/* Pages of a node that the group's members found there, and their weighted faults on its CPUs. */
static inline uint64_t
group_faults(const struct kernel *k, const struct numa_group *g, int node)
{
    const uint64_t *f =
        &g->faults[2 * ((uint32_t)NUMA_MEM * k->machine->nr_nodes + (uint32_t)node)];

    return f[NUMA_SHARED] + f[NUMA_PRIVATE];
}
static inline uint64_t
group_faults_cpu(const struct kernel *k, const struct numa_group *g, int node)
{
    const uint64_t *f =
        &g->faults[2 * ((uint32_t)NUMA_CPU * k->machine->nr_nodes + (uint32_t)node)];

    return f[NUMA_SHARED] + f[NUMA_PRIVATE];
}

/* MEM faults of one kind (NUMA_SHARED, NUMA_PRIVATE) on all nodes. */
uint64_t group_faults_kind(const struct kernel *k, const struct numa_group *g, int kind);

/*
 * p took a shared fault on a page that `last_cpu` touched last, as the task with these low bits of
 * a pid. p gets a group if it has none, and joins that of the task that runs there now if the rules
 * say so. Returns how the fault is booked: NUMA_PRIVATE if a join was refused because the two share
 * no address space (`shared`: the mapping itself is shared between processes).
 */
int task_numa_group(struct kernel *k, struct task *p, int last_cpu, int last_pid, bool shared);
/* exec or exit: the task's part is taken out. */
void numa_group_leave(struct kernel *k, struct task *p);

void numa_group_count_active_nodes(struct kernel *k, struct numa_group *g);
static inline bool
numa_is_active_node(const struct kernel *k, const struct numa_group *g, int node)
{
    return group_faults_cpu(k, g, node) * 3 > g->max_faults_cpu;
}

/* ---- scores (numa_score.c) ---- */

/* 1000 x the share of the task's, or its group's, faults on and near a node; `dist`: how far the
 * move would go, which limits "near" on backplane machines. 0 if nothing is known. */
int64_t task_weight(const struct kernel *k, const struct task *p, int node, uint32_t dist);
int64_t group_weight(const struct kernel *k, const struct task *p, int node, uint32_t dist);
/* Where on machines that are not directly connected the group is best off; `node` on others. */
int preferred_group_nid(const struct kernel *k, const struct task *p, int node);
/* The nearest node with CPUs; itself if it has some. */
int numa_nearest_cpu_node(const struct kernel *k, int node);

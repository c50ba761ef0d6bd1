/*
 * Automatic NUMA balancing: scanning, hinting faults, page migration, preferred nodes
 * (kernel/sched/fair.c, mm/mempolicy.c). Facts: numa-balancing.md section 1.
 *
 * This first form has no groups: a task is judged by its own faults, so active nodes, nearby-node
 * scores and tiering are not modelled. Utilisation of nodes is taken from queue lengths.
 */
#pragma once

#include "kernel/mm.h"

/* Parts of task_numa.faults, in kernel order; *BUF: raw counts since the last placement. */
enum numa_faults_kind { NUMA_MEM, NUMA_CPU, NUMA_MEMBUF, NUMA_CPUBUF, NUMA_KIND_NR };
enum { NUMA_SHARED = 0, NUMA_PRIVATE = 1 };
enum { NUMA_REMOTE = 0, NUMA_LOCAL = 1, NUMA_FAILED = 2 };
enum { NUMA_NO_NODE = -1 };

struct task_numa {
    uint64_t scan_seq;                     /* numa_scan_seq: last pass seen */
    uint64_t scan_period, scan_period_max; /* ms */
    uint64_t node_stamp;                   /* ns of task runtime */
    uint64_t migrate_retry;                /* jiffies */
    int32_t preferred;                     /* node, NUMA_NO_NODE: none */
    bool move_wanted;                      /* a fault asked for a move to the preferred node */
    uint64_t total_faults;
    uint64_t *faults;      /* [kind][node][priv], NULL until the first fault */
    uint64_t *faults_room; /* what `faults` will point to */
    uint64_t locality[3];  /* remote, local, failed; 4 KiB pages */
    uint64_t pages_migrated;
    sim_time last_placement;
    uint64_t last_sum_exec;
};

static inline uint64_t *
numa_faults(const struct kernel *k, const struct task_numa *n, enum numa_faults_kind kind, int node)
{
    return &n->faults[2 * ((uint32_t)kind * k->machine->nr_nodes + (uint32_t)node)];
}

void numa_init(struct kernel *k);
void numa_task_init(struct kernel *k, struct task *p, const struct task *parent);
/* From the tick of a fair task: queue the scan if it is due; the scan runs and is charged at once.
 */
void task_tick_numa(struct kernel *k, struct rq *rq, struct task *p);
/* From when on a tick finds something to do for task_tick_numa() if p keeps running; SIM_NEVER if
 * off. */
sim_time numa_tick_due(const struct kernel *k, const struct rq *rq, const struct task *p);

/* The marked pages of [first, end), all of `slice`, are touched by p on rq: each is decided upon,
 * migrated, accounted. Returns the ns that it cost. */
sim_time numa_fault_pages(struct kernel *k, struct rq *rq, struct task *p, struct region *r,
                          uint32_t slice, uint64_t first, uint64_t end);
/* After the faults of a stretch: p may move towards its preferred node. */
void numa_fault_done(struct kernel *k, struct task *p);

/* p moved from one CPU to another (any reason). */
void numa_task_migrated(struct kernel *k, struct task *p, int from, int to);

/* A fair task enters or leaves a queue: nr_numa_running, nr_preferred_running. */
static inline void
account_numa_enqueue(struct rq *rq, const struct task *p)
{
    if (p->numa == NULL || p->numa->preferred == NUMA_NO_NODE)
        return;
    rq->nr_numa_running++;
    rq->nr_preferred_running += p->numa->preferred == rq->node;
}
static inline void
account_numa_dequeue(struct rq *rq, const struct task *p)
{
    if (p->numa == NULL || p->numa->preferred == NUMA_NO_NODE)
        return;
    rq->nr_numa_running--;
    rq->nr_preferred_running -= p->numa->preferred == rq->node;
}

/* ---- between the numa files ---- */

/* Periods in ms; see numa.c. */
uint64_t numa_scan_min(const struct kernel *k, const struct mm *mm);
uint64_t numa_scan_max(const struct kernel *k, const struct mm *mm);
/* Jiffies of so many ms, rounded up. */
uint64_t numa_jiffies(const struct kernel *k, uint64_t ms);
/* One scan pass of p's address space, if it is due (task_numa_work). */
void task_numa_work(struct kernel *k, struct rq *rq, struct task *p);
/* Does the policy let a scan mark pages (MPOL_F_MOF)? */
static inline bool
mempolicy_migrates(const struct mempolicy *policy)
{
    return policy->mode == MPOL_DEFAULT || policy->numa_balancing;
}
/* Once per completed pass: decay, preferred node, scan period. */
void task_numa_placement(struct kernel *k, struct rq *rq, struct task *p);
void numa_set_preferred(struct kernel *k, struct task *p, int node);
/* 1000 x the share of the task's faults on a node. */
int64_t numa_task_weight(const struct kernel *k, const struct task *p, int node);
void task_numa_migrate(struct kernel *k, struct task *p);
/* The bit of a task in the access windows of a VMA. */
static inline uint64_t
numa_pid_bit(const struct task *p)
{
    return (uint64_t)1 << ((uint32_t)(p->id * 0x61C88647u) >> 26);
}

/*
 * Automatic NUMA balancing: scanning, hinting faults, page migration, preferred nodes
 * (kernel/sched/fair.c, mm/mempolicy.c). Facts: numa-balancing.md section 1.
 *
 * This first form has the scan with its periods and the VMA rules that need no PIDs, the fault path
 * with the two-stage filter, page migration, decayed fault counts, a preferred node per task, and
 * moves and swaps towards it. Groups, active nodes and nearby-node scores are not modelled yet.
 */
#pragma once

#include "kernel/mm.h"

struct task_numa {
    uint64_t scan_seq;                     /* numa_scan_seq: last pass seen */
    uint64_t scan_period, scan_period_max; /* ns */
    uint64_t node_stamp;                   /* ns of task runtime */
    uint64_t migrate_retry;                /* jiffies */
    int32_t preferred;                     /* node, -1: none */
    uint64_t total_faults;
    uint64_t *faults;     /* [kind][node][priv]: MEM, MEMBUF; NULL until the first fault */
    uint64_t locality[3]; /* remote, local, failed */
    uint64_t pages_migrated;
};

void numa_init(struct kernel *k);
void numa_task_init(struct kernel *k, struct task *p, const struct task *parent);
/* From the tick of a fair task: queue the scan if it is due; the scan runs and is charged at once.
 */
void task_tick_numa(struct kernel *k, struct rq *rq, struct task *p);
/* The first tick at which task_tick_numa() may do something if p keeps running; SIM_NEVER if off.
 */
sim_time numa_next_tick(struct kernel *k, struct rq *rq, struct task *p);
/* A marked page is touched by p on rq: decides, migrates, accounts. Returns the ns that it cost. */
sim_time do_numa_page(struct kernel *k, struct rq *rq, struct task *p, struct region *r,
                      uint64_t page);
/* p moved from one CPU to another (any reason). */
void numa_task_migrated(struct kernel *k, struct task *p, int from, int to);

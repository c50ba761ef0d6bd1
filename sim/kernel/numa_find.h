/*
 * The search of task_numa_migrate() for a CPU, or for a task to change places with
 * (numa-balancing.md 1.14). Whoever searches fills in the nodes' statistics.
 */
#pragma once

#include "kernel/numa_group.h"

enum numa_type { NODE_HAS_SPARE, NODE_FULLY_BUSY, NODE_OVERLOADED };

struct numa_stats {
    uint64_t load, runnable, util, capacity;
    uint32_t nr_running, weight; /* fair tasks in all groups; CPUs */
    int idle_cpu;                /* -1: none */
    enum numa_type type;
};

struct task_numa_env {
    struct kernel *k;
    struct task *p;
    int src_cpu, src_nid, dst_cpu, dst_nid;
    uint32_t dist, imbalance_pct, imb_numa_nr;
    struct numa_stats src_stats, dst_stats;
    int best_cpu; /* -1: none yet */
    struct task *best_task;
    int64_t best_imp;
};

enum numa_type numa_classify(uint32_t imbalance_pct, const struct numa_stats *s);
/* Searches node env->dst_nid; the imp are what p, and its group, would gain by going there. */
void task_numa_find_cpu(struct task_numa_env *env, int64_t taskimp, int64_t groupimp);

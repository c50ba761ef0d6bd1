/*
 * What a balancing pass knows: statistics per group, their classification, and the decision how
 * much of what to move (sched-core.md 4.3 and 4.4).
 */
#pragma once

#include "kernel/balance.h"

enum group_type {
    GROUP_HAS_SPARE,
    GROUP_FULLY_BUSY,
    GROUP_SMT_BALANCE,
    GROUP_IMBALANCED,
    GROUP_OVERLOADED,
};

struct sg_lb_stats {
    struct sched_group *group; /* NULL: none */
    const struct cpu_sums *sums;
    enum group_type type;
    uint32_t weight;
    uint64_t avg_load, capacity;
    struct cpu_sums total; /* where a union of nodes is summed */
};

/* What find_src_group() knows of a domain: the group of the CPU that pulls, the one to pull from.
 */
struct sd_lb_stats {
    struct sg_lb_stats *local, *busiest;
    struct sg_lb_stats slots[3]; /* those two, and the group that is being looked at */
};

enum migration_type { MIGRATE_LOAD, MIGRATE_UTIL, MIGRATE_TASK };
/* What find_src_rq may take: tasks without a preferred node first, then those away from theirs. */
enum fbq_type { FBQ_REGULAR, FBQ_REMOTE, FBQ_ALL };

struct lb_env {
    struct kernel *k;
    struct sched_domain *sd;
    struct rq *dst, *src;
    struct cpumask *cpus;
    enum idle_type idle;
    enum migration_type migration;
    enum fbq_type fbq;
    uint64_t imbalance;
    bool all_pinned, some_pinned;
};

/* The group to pull from with env->migration and env->imbalance set, or NULL: balanced. */
struct sched_group *find_src_group(struct lb_env *env);
/* The queue of that group to pull from, or NULL. */
struct rq *find_src_rq(struct lb_env *env, const struct sched_group *sg);

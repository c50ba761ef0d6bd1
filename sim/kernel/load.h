/*
 * What placement and balancing ask of load tracking (kernel/sched/fair.c: cpu_load and its
 * neighbours; sched-core.md 2.9 and 2.10).
 *
 * Averages are read as the queue's owner last published them: at its own events, at its ticks, and,
 * for an idle CPU, when somebody updated its blocked averages. Ticks that change nothing else are
 * not simulated; reading makes up for them.
 */
#pragma once

#include "kernel/kernel.h"

/* The CPU's tick fires: those before it are made up for, and this one counts as seen. */
void see_ticks_before(struct kernel *k, struct rq *rq);

/* Of the root queue: load_avg, runnable_avg; utilisation with util_est, at most the capacity. */
uint64_t cpu_load(struct kernel *k, struct rq *rq);
uint64_t cpu_runnable(struct kernel *k, struct rq *rq);
static inline uint64_t
cpu_util_cfs(struct kernel *k, struct rq *rq)
{
    rq_catch_up(k, rq);
    uint64_t util = rq->cfs.avg.util_avg;
    if (sched_feat(k, UTIL_EST))
        util = SIM_MAX(util, rq->cfs.avg.util_est);
    return SIM_MIN(util, rq->capacity_orig);
}
/* The same and not less than the runnable average: what a queue would use if it could. */
uint64_t cpu_util_cfs_boost(struct kernel *k, struct rq *rq);

/* Without p's own part, if p is (or slept) there. */
uint64_t cpu_load_without(struct kernel *k, struct rq *rq, const struct task *p);
uint64_t cpu_runnable_without(struct kernel *k, struct rq *rq, const struct task *p);
uint64_t cpu_util_without(struct kernel *k, struct rq *rq, const struct task *p);

/* The averages of an entity that sleeps, as old as its queue's (no more). */
void sync_entity_load_avg(struct kernel *k, struct sched_entity *se);

/* p's part of its CPU's load: load_avg scaled by the weight of the groups above it. */
uint64_t task_h_load(struct kernel *k, const struct task *p);
/* The same at the tick at `when`, up to which p's queue has been brought. */
uint64_t task_h_load_at(struct kernel *k, const struct task *p, sim_time when);

/* The CPU's capacity for fair tasks: 1024 less what interrupts and higher classes used. */
static inline uint64_t
capacity_of(const struct rq *rq)
{
    return rq->cpu_capacity;
}

/* Runs only SCHED_IDLE work: as good as idle to everybody else. */
static inline bool
sched_idle_rq(const struct rq *rq)
{
    return rq->nr_running > 0 && rq->nr_running == rq->cfs.idle_h_nr_running;
}

/* Ages what sleeping tasks left behind on every queue of the CPU (newly idle, softirq, nohz). */
void sched_balance_update_blocked_averages(struct kernel *k, struct rq *rq);

/*
 * Per-entity load tracking: how much a task or a queue has wanted and used lately, as a sum that
 * halves every 32 periods of 1024 us (kernel/sched/pelt.c; sched-core.md 2.9). Integers throughout,
 * with the kernel's rounding.
 */
#pragma once

#include "base/base.h"

enum {
    LOAD_AVG_PERIOD = 32,
    LOAD_AVG_MAX = 47742, /* the sum of an entity that always ran */
    PELT_MIN_DIVIDER = LOAD_AVG_MAX - 1024,
    UTIL_EST_MARGIN = 10, /* 1 % of 1024 */
};
/* Flag in a task's util_est: its utilisation has not been updated since. */
#define UTIL_AVG_UNCHANGED ((uint32_t)1 << 31)

struct sched_avg {
    uint64_t
        last_update_time; /* ns of the PELT clock, in whole units of 1024 ns; 0: not attached */
    uint64_t load_sum, runnable_sum;
    uint32_t util_sum;
    uint32_t period_contrib; /* units into the present period */
    uint64_t load_avg;
    uint32_t runnable_avg, util_avg;
    uint32_t util_est;
};

/* x after n periods. */
uint64_t decay_load(uint64_t x, uint64_t n);

/* The sums are as of `now`: within one unit nothing happens. */
static inline bool
pelt_is_fresh(const struct sched_avg *sa, uint64_t now)
{
    return now - sa->last_update_time < 1024;
}

/*
 * Brings the sums up to `now` (pelt_update; within one unit nothing happens). What counts as load,
 * runnable and running, and the weight of the averages, depends on the owner:
 *
 *     owner          load           runnable                    running       weight
 *     task           on_rq          on_rq, not delayed          is curr       its weight
 *     group entity   on_rq          tasks below, not delayed    is curr       its weight
 *     cfs_rq         sum of weights tasks below, not delayed    has curr      1
 *     blocked        0              0                           no            its weight
 *
 * True if a period ended, so that the averages are new.
 */
bool pelt_accumulate(struct sched_avg *sa, uint64_t now, uint64_t load, uint64_t runnable,
                     bool running, uint64_t weight);
static inline bool
pelt_update(struct sched_avg *sa, uint64_t now, uint64_t load, uint64_t runnable, bool running,
            uint64_t weight)
{
    return !pelt_is_fresh(sa, now) && pelt_accumulate(sa, now, load, runnable, running, weight);
}

/* The utilisation alone, of owners of whom nothing else is asked: rt, deadline, interrupts. */
void pelt_accumulate_util(struct sched_avg *sa, uint64_t now, bool running);
static inline void
pelt_update_util(struct sched_avg *sa, uint64_t now, bool running)
{
    if (!pelt_is_fresh(sa, now))
        pelt_accumulate_util(sa, now, running);
}

/* What a queue's sums are divided by at this point of its period. */
static inline uint32_t
pelt_divider(const struct sched_avg *sa)
{
    return PELT_MIN_DIVIDER + sa->period_contrib;
}

/* A sum is not less than its average stands for. The kernel compares both as numbers of 32 bits,
 * and what a sum has above them is lost: a queue of more than 89 tasks of nice 0, or of as much
 * weight, looks much lighter for some periods when somebody leaves. */
static inline uint64_t
pelt_at_least(uint64_t sum, uint64_t avg)
{
    return SIM_MAX((uint32_t)sum, (uint32_t)(avg * PELT_MIN_DIVIDER));
}

/* An entity joins or leaves the averages of a queue (attach_ and detach_entity_load_avg). */
void pelt_attach(struct sched_avg *cfs, struct sched_avg *se, uint64_t weight);
void pelt_detach_load(struct sched_avg *cfs, const struct sched_avg *se, uint64_t weight);
/* Takes parts away; rounding may have left less: neither below zero, nor a sum that is less than
 * its average stands for. */
void pelt_subtract(struct sched_avg *sa, uint64_t load_avg, uint64_t load_sum, uint64_t util_avg,
                   uint64_t util_sum, uint64_t runnable_avg, uint64_t runnable_sum);
void pelt_detach(struct sched_avg *cfs, const struct sched_avg *se, uint64_t weight);

/* A new task looks heavy and unused; when its queue is known, its utilisation is a share of what
 * the CPU has left (init_entity_runnable_average, post_init_entity_util_avg). */
void pelt_init_task(struct sched_avg *se, uint64_t weight);
/* One that was there before: it wanted a CPU, and had it, for these shares of 1024 of the time. */
void pelt_init_old_task(struct sched_avg *se, uint64_t weight, uint32_t wanted, uint32_t had);
void pelt_post_init_task(struct sched_avg *se, const struct sched_avg *cfs, uint64_t weight,
                         uint64_t capacity);

/* util_est: the utilisation that a task had when it last slept, slowly forgotten. */
void util_est_update(struct sched_avg *se, uint64_t capacity);
static inline uint64_t
task_util_est(const struct sched_avg *se)
{
    return SIM_MAX(se->util_avg, se->util_est & ~UTIL_AVG_UNCHANGED);
}

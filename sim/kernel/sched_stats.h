/*
 * The counters of /proc/schedstat and /proc/PID/sched (kernel/sched/stats.h; sched-core.md 6).
 *
 * What sched_info counts (time run, time waited, turns) is always counted, as in the kernel. The
 * rest costs a look at the task's statistics at every switch, and is counted only if
 * sched.schedstats is on, as the sysctl kernel.sched_schedstats has it. Stamps of 0 mean "none", so
 * what happens at instant 0 is stamped 1 ns late.
 */
#pragma once

#include "kernel/kernel.h"

static inline bool
schedstat_enabled(const struct kernel *k)
{
    return unlikely(k->params.sched.schedstats);
}

static inline sim_time
stat_stamp(const struct kernel *k)
{
    return SIM_MAX(k->engine.now, 1);
}

/* ---- sched_info: how long a task waits from the first time that it is queued ---- */

static inline void
sched_info_enqueue(struct kernel *k, struct task *p)
{
    if (p->info.last_queued == 0)
        p->info.last_queued = stat_stamp(k);
}

/* It leaves the queue without having run, or begins to run: the queue has made it wait. */
static inline bool
sched_info_waited(struct kernel *k, struct rq *rq, struct task *p)
{
    if (p->info.last_queued == 0)
        return false;
    uint64_t delta = k->engine.now < p->info.last_queued ? 0 : k->engine.now - p->info.last_queued;

    p->info.last_queued = 0;
    p->info.run_delay += delta;
    rq->stat.run_delay += delta;
    return true;
}

static inline void
sched_info_dequeue(struct kernel *k, struct rq *rq, struct task *p)
{
    sched_info_waited(k, rq, p);
}

static inline void
sched_info_arrive(struct kernel *k, struct rq *rq, struct task *p)
{
    if (sched_info_waited(k, rq, p)) {
        p->info.pcount++;
        rq->stat.pcount++;
    }
    p->info.last_arrival = k->engine.now;
}

/* p gives up the CPU; if it could go on, it waits from now on. */
static inline void
sched_info_depart(struct kernel *k, struct rq *rq, struct task *p, bool runnable)
{
    rq->stat.rq_cpu_time += k->engine.now - p->info.last_arrival;
    if (runnable)
        sched_info_enqueue(k, p);
}

/* ---- schedstats, for tasks of every class ---- */

/* Kept across a queued migration: then wait_start holds what was waited before it. */
static inline void
update_stats_wait_start(struct kernel *k, struct task *p)
{
    if (schedstat_enabled(k))
        p->sched.wait_start = stat_stamp(k) - SIM_MIN(p->sched.wait_start, k->engine.now);
}

static inline void
update_stats_wait_end(struct kernel *k, struct task *p, bool migrating)
{
    struct sched_statistics *s = &p->sched;

    if (!schedstat_enabled(k) || s->wait_start == 0)
        return;
    uint64_t delta = stat_stamp(k) - s->wait_start;
    if (migrating) {
        s->wait_start = delta;
        return;
    }
    s->wait_max = SIM_MAX(s->wait_max, delta);
    s->wait_sum += delta;
    s->wait_count++;
    s->wait_start = 0;
}

/* p has blocked and left its queue. */
static inline void
update_stats_sleep_start(struct kernel *k, struct task *p)
{
    if (!schedstat_enabled(k))
        return;
    if (p->io_sleep)
        p->sched.block_start = stat_stamp(k);
    else
        p->sched.sleep_start = stat_stamp(k);
}

/* p is queued by a wake-up. */
static inline void
update_stats_enqueue_sleeper(struct kernel *k, struct task *p)
{
    struct sched_statistics *s = &p->sched;

    if (!schedstat_enabled(k))
        return;
    if (s->sleep_start != 0) {
        uint64_t delta = stat_stamp(k) - s->sleep_start;

        s->sleep_max = SIM_MAX(s->sleep_max, delta);
        s->sum_sleep_runtime += delta;
        s->sleep_start = 0;
    }
    if (s->block_start != 0) { /* all our uninterruptible sleep is for I/O */
        uint64_t delta = stat_stamp(k) - s->block_start;

        s->block_max = SIM_MAX(s->block_max, delta);
        s->sum_sleep_runtime += delta;
        s->sum_block_runtime += delta;
        s->iowait_sum += delta;
        s->iowait_count++;
        s->block_start = 0;
    }
}

/* p was queued with these flags; one that was delayed has been waiting all the time. */
static inline void
update_stats_enqueue(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    sched_info_enqueue(k, p);
    if (!schedstat_enabled(k) || flags & ENQUEUE_DELAYED)
        return;
    if (rq->curr != p)
        update_stats_wait_start(k, p);
    if (flags & ENQUEUE_WAKEUP)
        update_stats_enqueue_sleeper(k, p);
}

/* p, which ran or waited, was taken off its queue; gone: else its dequeue is delayed, and it counts
 * as waiting, as in the kernel. */
static inline void
update_stats_dequeue(struct kernel *k, struct task *p, int flags, bool ran, bool gone)
{
    if (!schedstat_enabled(k))
        return;
    if (!gone) {
        update_stats_wait_start(k, p);
        return;
    }
    if (!ran)
        update_stats_wait_end(k, p, flags & DEQUEUE_MIGRATING);
    if (flags & DEQUEUE_SLEEP)
        update_stats_sleep_start(k, p);
}

/* p, which runs, was accounted `delta` ns (update_curr). */
static inline void
update_stats_exec(struct kernel *k, struct task *p, uint64_t delta)
{
    if (schedstat_enabled(k))
        p->sched.exec_max = SIM_MAX(p->sched.exec_max, delta);
}

/* p is about to run on a queue of that weight: how long was its last turn (set_next_entity)? */
static inline void
update_stats_slice(struct kernel *k, struct task *p, uint64_t queue_weight)
{
    if (schedstat_enabled(k) && queue_weight >= 2 * (uint64_t)p->se.load_weight)
        p->sched.slice_max = SIM_MAX(p->sched.slice_max, p->se.sum_exec - p->se.prev_sum_exec);
}

/* p is woken by this_cpu and goes to `cpu`; WF_MIGRATED: another one than before. */
static inline void
ttwu_stat(struct kernel *k, struct task *p, int this_cpu, int cpu, int wake_flags)
{
    struct rq *rq = &k->rqs[this_cpu];

    if (!schedstat_enabled(k))
        return;
    if (cpu == this_cpu) {
        rq->stat.ttwu_local++;
        p->sched.nr_wakeups_local++;
    } else {
        p->sched.nr_wakeups_remote++;
        for_each_domain (sd, k->domains->cpus[this_cpu].sd)
            if (cpumask_test(sd->span, (uint32_t)cpu)) {
                sd->stat.ttwu_wake_remote++;
                break;
            }
    }
    if (wake_flags & WF_MIGRATED)
        p->sched.nr_wakeups_migrate++;
    if (wake_flags & WF_SYNC)
        p->sched.nr_wakeups_sync++;
    rq->stat.ttwu_count++;
    p->sched.nr_wakeups++;
}

/* The end of the warm-up: all counts begin anew, what is under way goes on. */
void sched_stats_reset(struct kernel *k);
/* The end of the run: what is under way is counted up to now, and goes on. */
void sched_stats_settle(struct kernel *k);

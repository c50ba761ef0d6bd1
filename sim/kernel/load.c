/*
 * Averages of entities and queues, and the clock that they run by (sched-core.md 2.9). A slow CPU's
 * clock catches up when it idles.
 */
#include "kernel/load.h"

#include "kernel/balance.h"
#include "kernel/ext.h"

#include "kernel/fair.h"
#include "kernel/pelt_step.h"

static uint64_t
se_runnable(const struct sched_entity *se)
{
    if (se->sched_delayed)
        return 0;
    return se->my_q != NULL ? se->runnable_weight : se->on_rq;
}

/* New averages: its utilisation is no longer what util_est was taken from. */
static void
note_averages(struct sched_entity *se)
{
    se->avg.util_est &= ~UTIL_AVG_UNCHANGED;
}

void
update_load_avg_blocked_se(struct sched_entity *se, uint64_t now)
{
    pelt_update(&se->avg, now, 0, 0, false, se->weight);
}

/* What was removed from elsewhere goes now. */
static void
take_removed(struct cfs_rq *cfs)
{
    uint64_t divider = pelt_divider(&cfs->avg);
    int64_t runnable = (int64_t)(cfs->removed_runnable * divider);

    note_long_sums(cfs);
    pelt_subtract(&cfs->avg, cfs->removed_load, cfs->removed_load * divider, cfs->removed_util,
                  cfs->removed_util * divider, cfs->removed_runnable,
                  cfs->removed_runnable * divider);
    add_tg_cfs_propagate(cfs, -runnable >> 10); /* floor, as the kernel's shift */
    cfs->moved += cfs->removed_load + cfs->removed_runnable;
    cfs->removed_load = cfs->removed_util = cfs->removed_runnable = 0;
    cfs->nr_removed = 0;
}

bool
update_cfs_rq_load_avg_slow(struct kernel *k, struct cfs_rq *cfs, uint64_t now)
{
    bool decayed = cfs->nr_removed > 0;

    if (unlikely(decayed))
        take_removed(cfs);
    decayed |= pelt_update(&cfs->avg, now, cfs_rq_weight(cfs), cfs_rq_runnable(k, cfs),
                           cfs->curr != NULL, 1);
    return decayed;
}

void
attach_entity_load_avg(struct cfs_rq *cfs, struct sched_entity *se)
{
    pelt_attach(&cfs->avg, &se->avg, se->weight);
    cfs->moved += se->avg.load_avg + se->avg.runnable_avg;
    add_tg_cfs_propagate(cfs, (int64_t)se->avg.load_sum);
}

void
detach_entity_load_avg(struct cfs_rq *cfs, struct sched_entity *se)
{
    if (unlikely(se->avg.load_sum > LOAD_AVG_MAX)) /* sum and average have nothing in common */
        cfs->stale_load += se->avg.load_avg + se->weight * se->avg.load_sum / PELT_MIN_DIVIDER;
    else if (unlikely(!se->on_rq))
        cfs->stale_load += se->avg.load_avg >> 5;
    note_long_sums(cfs);
    pelt_detach(&cfs->avg, &se->avg, se->weight);
    cfs->moved += se->avg.load_avg + se->avg.runnable_avg;
    add_tg_cfs_propagate(cfs, -(int64_t)se->avg.load_sum);
}

/* One or more periods end for both. */
static __attribute__((noinline)) bool
end_period_together(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, uint64_t units)
{
    struct pelt_step step = pelt_step(cfs->avg.period_contrib, units);

    if (pelt_apply(&se->avg, step, se->on_rq, se_runnable(se), cfs->curr == se, se->weight))
        note_averages(se);
    return pelt_apply(&cfs->avg, step, cfs_rq_weight(cfs), cfs_rq_runnable(k, cfs),
                      cfs->curr != NULL, 1);
}

/* What one step does to both; they stand at the same point of their period. */
static inline bool
update_together(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, uint64_t now)
{
    uint64_t units = (now - cfs->avg.last_update_time) >> 10;

    if (cfs->avg.period_contrib + units >= 1024)
        return end_period_together(k, cfs, se, units);
    pelt_grow(&se->avg, units, se->on_rq, se_runnable(se), cfs->curr == se);
    pelt_grow(&cfs->avg, units, cfs_rq_weight(cfs), cfs_rq_runnable(k, cfs), cfs->curr != NULL);
    return false;
}

/* A task that has slept is behind its queue. */
static void
update_load_avg_se(const struct cfs_rq *cfs, struct sched_entity *se, uint64_t now)
{
    if (pelt_update(&se->avg, now, se->on_rq, se_runnable(se), cfs->curr == se, se->weight))
        note_averages(se);
}

void
update_load_avg_slow(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, uint32_t flags,
                     uint64_t now)
{
    uint64_t last = cfs->avg.last_update_time, of_se = se->avg.last_update_time;
    bool decayed;

    if (of_se == last && se->avg.period_contrib == cfs->avg.period_contrib && now > last &&
        last != 0 && cfs->nr_removed == 0 && !(flags & SKIP_AGE_LOAD)) {
        decayed = update_together(k, cfs, se, now);
    } else {
        if (of_se != 0 && !(flags & SKIP_AGE_LOAD))
            update_load_avg_se(cfs, se, now);
        decayed = update_cfs_rq_load_avg(k, cfs, now);
    }
    if (unlikely(se->my_q != NULL))
        decayed |= propagate_entity_load_avg(se);
    if (unlikely(se->avg.last_update_time == 0) && flags & DO_ATTACH) {
        attach_entity_load_avg(cfs, se);
        update_tg_load_avg(k, cfs);
    } else if (flags & DO_DETACH) {
        detach_entity_load_avg(cfs, se);
        se->avg.last_update_time = 0; /* it has nothing left here to be removed */
        update_tg_load_avg(k, cfs);
    } else if (unlikely(cfs->se != NULL) && decayed && flags & UPDATE_TG) {
        update_tg_load_avg(k, cfs);
    }
}

void
remove_entity_load_avg(struct kernel *k, struct sched_entity *se)
{
    struct cfs_rq *cfs = se->cfs_rq;

    rq_catch_up(k, cfs->rq); /* or a tick of before would take it off */
    update_load_avg_blocked_se(se, cfs->avg.last_update_time);
    cfs->nr_removed++;
    cfs->removed_util += se->avg.util_avg;
    cfs->removed_load += se->avg.load_avg;
    uint64_t sum = (uint64_t)se->weight * se->avg.load_sum / PELT_MIN_DIVIDER;
    cfs->stale_load += sum - SIM_MIN(sum, se->avg.load_avg);
    cfs->stale_util += se->avg.period_contrib >> 5;
    cfs->removed_runnable += se->avg.runnable_avg;
}

void
util_est_enqueue(struct kernel *k, struct cfs_rq *root, const struct task *p)
{
    if (sched_feat(k, UTIL_EST))
        root->avg.util_est += task_util_est_of(p);
}

void
util_est_dequeue(struct kernel *k, struct cfs_rq *root, const struct task *p)
{
    if (sched_feat(k, UTIL_EST))
        root->avg.util_est -= SIM_MIN(root->avg.util_est, task_util_est_of(p));
}

/* ---- clocks and ticks ---- */

/* A slow CPU that idles makes up for what its clock was behind, but not if it had been busy all the
 * time: a fast one would not have idled either (update_idle_rq_clock_pelt). */
static uint64_t
idle_pelt_clock(struct rq *rq)
{
    enum { SATURATED = (PELT_MIN_DIVIDER << 10) - LOAD_AVG_MAX };
    uint64_t behind = rq->clock_seen + PELT_CLOCK_BEGIN - rq->lost_idle_time - rq->clock_pelt;
    uint32_t util_sum = rq->cfs.avg.util_sum + rq->avg_rt.util_sum + rq->avg_dl.util_sum;

    if (util_sum >= SATURATED)
        rq->lost_idle_time += behind;
    return rq->clock_task + PELT_CLOCK_BEGIN - rq->lost_idle_time;
}

void
move_slow_pelt_clock(struct rq *rq)
{
    uint64_t delta = rq->clock_task - rq->clock_seen;

    if (rq->curr == NULL && !rq->left) /* left: it has yet to be seen whether it idles */
        rq->clock_pelt = idle_pelt_clock(rq);
    else
        rq->clock_pelt += delta * rq->capacity_orig >> 10;
    rq->clock_seen = rq->clock_task;
}

/* The tick at `when`, of which nobody but the averages takes notice: curr is in the root queue. Of
 * an ext task the slice does. */
static void
unseen_tick(struct kernel *k, struct rq *rq, sim_time when)
{
    struct cfs_rq *cfs = &rq->cfs;
    sim_time stolen = rq->irq_until > when ? rq->irq_until - when : 0;

    rq->clock_task = when - rq->irq_ns + stolen;
    move_pelt_clock(rq);
    if (unlikely(rq->curr->class == &ext_sched_class)) {
        ext_see_tick(rq);
        return;
    }
    update_curr(k, cfs);
    update_load_avg(k, cfs, cfs->curr, UPDATE_TG);
    if (unlikely(k->asym_cpucapacity))
        see_misfit(k, task_of(cfs->curr), rq, when);
}

static void
see_ticks_until(struct kernel *k, struct rq *rq, sim_time limit)
{
    if (rq->unseen_tick > limit)
        return;
    do {
        unseen_tick(k, rq, rq->unseen_tick);
        rq->unseen_tick += k->tick_ns;
    } while (rq->unseen_tick <= limit);
    sums_update(k, rq);
}

/* A tick at this very instant counts once its turn has come. */
void
see_ticks(struct kernel *k, struct rq *rq)
{
    see_ticks_until(k, rq, k->engine.now - !engine_passed(&k->engine, &rq->tick_ev));
}

void
see_ticks_before(struct kernel *k, struct rq *rq)
{
    see_ticks_until(k, rq, k->engine.now - 1);
    if (rq->unseen_tick == k->engine.now)
        rq->unseen_tick += k->tick_ns;
}

/* ---- what others ask ---- */

uint64_t
cpu_load(struct kernel *k, struct rq *rq)
{
    rq_catch_up(k, rq);
    return rq->cfs.avg.load_avg;
}

uint64_t
cpu_runnable(struct kernel *k, struct rq *rq)
{
    rq_catch_up(k, rq);
    return rq->cfs.avg.runnable_avg;
}

/* cpu_util(): p's part is taken away where it counts; NULL: nobody's. cpu_util_cfs() of load.h is
 * the same for most who ask. */
static uint64_t
cpu_util(struct kernel *k, struct rq *rq, const struct task *p, bool boost)
{
    rq_catch_up(k, rq);
    const struct sched_avg *sa = &rq->cfs.avg;
    uint64_t util = sa->util_avg, runnable = sa->runnable_avg, est = sa->util_est;

    if (p != NULL) {
        util -= SIM_MIN(util, p->se.avg.util_avg);
        runnable -= SIM_MIN(runnable, p->se.avg.runnable_avg);
        if (p->on_rq)
            est -= SIM_MIN(est, task_util_est_of(p));
    }
    if (boost)
        util = SIM_MAX(util, runnable);
    if (sched_feat(k, UTIL_EST))
        util = SIM_MAX(util, est);
    return SIM_MIN(util, rq->capacity_orig);
}

uint64_t
cpu_util_cfs_boost(struct kernel *k, struct rq *rq)
{
    return cpu_util(k, rq, NULL, true);
}

/* p counts in the averages of rq: it is or slept there, and has been attached. */
static bool
counts_in(const struct rq *rq, const struct task *p)
{
    return p->cpu == rq->cpu && p->se.avg.last_update_time != 0;
}

uint64_t
cpu_util_without(struct kernel *k, struct rq *rq, const struct task *p)
{
    return cpu_util(k, rq, counts_in(rq, p) ? p : NULL, false);
}

uint64_t
cpu_load_without(struct kernel *k, struct rq *rq, const struct task *p)
{
    uint64_t load = cpu_load(k, rq);

    if (!counts_in(rq, p))
        return load;
    return load - SIM_MIN(load, task_h_load(k, p));
}

uint64_t
cpu_runnable_without(struct kernel *k, struct rq *rq, const struct task *p)
{
    uint64_t runnable = cpu_runnable(k, rq);

    if (!counts_in(rq, p))
        return runnable;
    return runnable - SIM_MIN(runnable, p->se.avg.runnable_avg);
}

void
sync_entity_load_avg(struct kernel *k, struct sched_entity *se)
{
    if (se->cfs_rq == NULL || se->avg.last_update_time == 0)
        return;
    rq_catch_up(k, se->cfs_rq->rq);
    pelt_update(&se->avg, se->cfs_rq->avg.last_update_time, 0, 0, false, se->weight);
}

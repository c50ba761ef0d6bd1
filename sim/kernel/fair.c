/*
 * The fair class: EEVDF (kernel/sched/fair.c; sched-core.md 2.3 to 2.10).
 *
 * Each task has a virtual time that advances with its share of the CPU, and a virtual deadline one
 * slice ahead. Among the tasks that have had no more than their share the one with the earliest
 * deadline runs, and keeps the CPU until its slice ends. Groups of tasks compete as tasks do, level
 * by level. fair.h lists the files; those of the classic CFS are asked at a few places.
 */
#include "kernel/fair_cfs.h"
#include "kernel/sched_stats.h"

#include "kernel/balance.h"
#include "kernel/dl_server.h"

/* ---- time ---- */

/* The slice is over: the entity gets the next one. */
static bool
update_deadline(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    if (se->vruntime < se->deadline)
        return false;
    if (!se->custom_slice)
        se->slice = k->params.sched.base_slice_ns;
    se->deadline = se->vruntime + (int64_t)calc_delta_fair(se->slice, se->inv_weight);
    avg_vruntime(cfs);
    return true;
}

/* Beyond its own time: statistics, the other schedulers, limits, a slice that may be over. */
static __attribute__((noinline)) void
curr_charged(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, uint64_t delta)
{
    bool ended = false;

    if (schedstat_enabled(k) && entity_is_task(se))
        update_stats_exec(k, task_of(se), delta);
    if (fair_is_cfs(k))
        cfs_update_min_vruntime(cfs);
    else
        ended = update_deadline(k, cfs, se);
    if (entity_is_task(se))
        dl_server_update(k, cfs->rq, delta);
    if (unlikely(cfs->runtime_enabled))
        account_cfs_rq_runtime(k, cfs, delta);
    if (cfs->nr_queued == 1)
        return;
    if (ended || (!fair_is_cfs(k) && protection_ended(k, cfs, se))) {
        resched_curr(k, cfs->rq);
        clear_buddies(cfs, se);
    }
}

void
charge_curr(struct kernel *k, struct cfs_rq *cfs, uint64_t delta)
{
    struct sched_entity *se = cfs->curr;

    se->exec_start = cfs->rq->clock_task;
    se->sum_exec += delta;
    se->vruntime += (int64_t)calc_delta_fair(delta, se->inv_weight);
    /* a lag that is the deadline protects the slice as long as that is ahead (fair_protect.c) */
    bool goes_on = se->vruntime < se->deadline && (se->vlag == se->deadline || cfs->nr_queued == 1);
    bool watched = cfs->runtime_enabled || cfs->rq->fair_server_active || schedstat_enabled(k);
    if (unlikely(!goes_on || watched || fair_is_cfs(k)))
        curr_charged(k, cfs, se, delta);
}

static void
update_curr_fair(struct kernel *k, struct rq *rq)
{
    update_curr(k, rq->curr->se.cfs_rq);
}

/* ---- yielding, and running dry ---- */

static void
yield_task_fair(struct kernel *k, struct rq *rq)
{
    struct sched_entity *se = &rq->curr->se;
    struct cfs_rq *cfs = se->cfs_rq;

    if (rq->nr_running == 1)
        return;
    if (fair_is_cfs(k)) {
        cfs_yield(k, rq);
        return;
    }
    clear_buddies(cfs, se);
    update_curr(k, cfs);
    if (k->params.sched.kernel == KERNEL_6_12_0) {
        se->deadline += (int64_t)calc_delta_fair(se->slice, se->inv_weight);
        return;
    }
    if (!entity_eligible(cfs, se))
        return;
    se->vruntime = se->deadline;
    update_deadline(k, cfs, se);
}

/* Nothing to run: pull. */
static bool
newidle_fair(struct kernel *k, struct rq *rq)
{
    if (rq->nr_running > 0)
        return false; /* what is queued is not ready to run: a script's */
    return sched_balance_newidle(k, rq);
}

/* ---- ticks ---- */

static void
task_tick_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    struct sched_entity *se = &p->se;

    for_each_sched_entity (se) {
        update_curr(k, se->cfs_rq);
        update_load_avg(k, se->cfs_rq, se, UPDATE_TG);
        update_cfs_group(k, se);
        if (fair_is_cfs(k))
            cfs_entity_tick(k, se->cfs_rq, se);
    }
    update_misfit_status(k, p, rq);
    sums_update(k, rq);
}

/* The virtual time by which the slice ends, or all that protects it, as time that it must run. */
static uint64_t
run_until_deadline(const struct kernel *k, const struct sched_entity *se)
{
    int64_t end =
        slice_protection(k) == PROTECT_VPROT ? SIM_MIN(se->deadline, se->vlag) : se->deadline;
    int64_t need = SIM_MAX(end - se->vruntime, 1);

    return calc_delta_unfair((uint64_t)need, se->weight, se->inv_weight);
}

/* The first tick that finds the slice used up. In a group every tick may change its weight and its
 * bandwidth; a slice without protection may end at any of them. */
static sim_time
tick_due_fair(struct kernel *k, struct rq *rq)
{
    const struct sched_entity *se = &rq->curr->se;
    const struct cfs_rq *cfs = se->cfs_rq;

    if (se->depth > 0 || rq->fair_server_active)
        return k->engine.now;
    if (cfs->nr_queued <= 1)
        return SIM_NEVER;
    if (!fair_is_cfs(k) && !slice_is_protected(k, se))
        return k->engine.now;
    uint64_t delta = fair_is_cfs(k) ? cfs_run_until_tick(k, cfs) : run_until_deadline(k, se);
    sim_time clock = rq_clock_task(k, rq);
    uint64_t pending = clock - se->exec_start; /* run, but not yet charged */
    sim_time stolen = rq->irq_until > k->engine.now ? rq->irq_until - k->engine.now : 0;

    return delta > pending ? k->engine.now + stolen + delta - pending : k->engine.now;
}

/* ---- weights ---- */

static void
reweight_task_fair(struct kernel *k, struct rq *rq, struct task *p, int nice)
{
    (void)rq;
    if (p->policy != POLICY_IDLE)
        reweight_task(k, p, nice_weight(nice), nice_inv_weight(nice));
}

static void
prio_changed_fair(struct kernel *k, struct rq *rq, struct task *p, int old_prio)
{
    if (!p->on_rq || rq->cfs.nr_queued == 1)
        return;
    if (rq->curr != p)
        wakeup_preempt(k, rq, p, 0);
    else if (p->prio > old_prio)
        resched_curr(k, rq);
}

const struct sched_class fair_sched_class = {
    .name = "fair",
    .rank = RANK_FAIR,
    .enqueue_task = enqueue_task_fair,
    .dequeue_task = dequeue_task_fair,
    .yield_task = yield_task_fair,
    .wakeup_preempt = wakeup_preempt_fair,
    .newidle = newidle_fair,
    .pick_task = pick_task_fair,
    .put_prev_task = put_prev_task_fair,
    .set_next_task = set_next_task_fair,
    .switch_task = switch_task_fair,
    .select_task_rq = select_task_rq_fair,
    .migrate_task_rq = migrate_task_rq_fair,
    .task_dead = task_dead_fair,
    .switched_from = switched_from_fair,
    .switched_to = switched_to_fair,
    .task_tick = task_tick_fair,
    .tick_due = tick_due_fair,
    .reweight_task = reweight_task_fair,
    .prio_changed = prio_changed_fair,
    .update_curr = update_curr_fair,
};

/*
 * The fair class: EEVDF (kernel/sched/fair.c; sched-core.md 2.3 to 2.8).
 *
 * Each task has a virtual time that advances with its share of the CPU, and a virtual deadline one
 * slice ahead. Among the tasks that have had no more than their share the one with the earliest
 * deadline runs, and keeps the CPU until its slice ends. The arithmetic of the queue is in
 * cfs_rq.c.
 *
 * Model assumptions of this first form: no load tracking (a CPU's load is the sum of its weights),
 * no groups but the root, and a task that blocks leaves its queue at once, with its lag kept for
 * the next time it is placed (the kernel delays the dequeue of a task that is not eligible).
 */
#include "kernel/balance.h"
#include "kernel/cfs_rq.h"
#include "kernel/dl_server.h"
#include "kernel/weight.h"

/* Charges the running entity for its time; at the end of its slice it gets the next one. */
static void
update_curr_fair(struct kernel *k, struct rq *rq)
{
    struct sched_entity *se = rq->cfs.curr;

    if (se == NULL)
        return;
    sim_time now = rq_clock_task(k, rq);
    if (now <= se->exec_start)
        return;
    uint64_t delta = now - se->exec_start;
    se->exec_start = now;
    se->sum_exec += delta;
    dl_server_update(k, rq, delta);
    se->vruntime += (int64_t)calc_delta_fair(delta, se->weight, se->inv_weight);
    if (se->vruntime < se->deadline)
        return;
    se->deadline = se->vruntime + (int64_t)calc_delta_fair(se->slice, se->weight, se->inv_weight);
    if (rq->cfs.nr_queued > 1)
        resched_curr(k, rq);
}

static void
enqueue_task_fair(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct cfs_rq *cfs = &rq->cfs;
    struct sched_entity *se = &p->se;

    update_curr_fair(k, rq);
    place_entity(cfs, se, flags & ENQUEUE_INITIAL);
    if (flags & ENQUEUE_MIGRATED)
        se->exec_start = 0; /* not cache hot */
    se->on_rq = true;
    se->cfs_rq = cfs;
    cfs->nr_queued++;
    cfs->load_weight += se->load_weight;
    cfs->h_nr_queued++;
    cfs->h_nr_runnable++;
    if (se != cfs->curr)
        cfs_rq_insert(cfs, k->arena, se);
    if (cfs->h_nr_queued == 1)
        dl_server_start(k, rq);
}

static bool
dequeue_task_fair(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct cfs_rq *cfs = &rq->cfs;
    struct sched_entity *se = &p->se;

    update_curr_fair(k, rq);
    se->vlag = entity_lag(cfs, se, k->tick_ns);
    if (!(flags & DEQUEUE_SLEEP)) {
        se->deadline -= se->vruntime;
        se->rel_deadline = true;
    }
    if (se != cfs->curr)
        cfs_rq_remove(cfs, se);
    se->on_rq = false;
    cfs->nr_queued--;
    cfs->load_weight -= se->load_weight;
    cfs->h_nr_queued--;
    cfs->h_nr_runnable--;
    return true;
}

static void
yield_task_fair(struct kernel *k, struct rq *rq)
{
    struct sched_entity *se = rq->cfs.curr;

    update_curr_fair(k, rq);
    if (!entity_eligible(&rq->cfs, se))
        return;
    se->vruntime = se->deadline;
    se->deadline += (int64_t)calc_delta_fair(se->slice, se->weight, se->inv_weight);
}

/* The rule by which p preempts curr, or NULL. */
static const char *
preempt_rule(struct kernel *k, struct rq *rq, struct task *p)
{
    struct sched_entity *se = &rq->curr->se, *pse = &p->se;
    bool curr_idle = rq->curr->policy == POLICY_IDLE, p_idle = p->policy == POLICY_IDLE;

    if (curr_idle && !p_idle) {
        cancel_protect_slice(se);
        return "preempt_sched_idle";
    }
    if (curr_idle != p_idle || p->policy != POLICY_NORMAL || !sched_feat(k, WAKEUP_PREEMPTION))
        return NULL;
    update_curr_fair(k, rq);
    if (pse->slice < se->slice && entity_eligible(&rq->cfs, pse) &&
        (pse->deadline < se->deadline || !entity_eligible(&rq->cfs, se)))
        cancel_protect_slice(se);
    return pick_eevdf(&rq->cfs) == pse ? "pick_eevdf" : NULL;
}

static void
wakeup_preempt_fair(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    (void)flags;
    if (rq->need_resched || rq->curr == p)
        return;
    const char *rule = preempt_rule(k, rq, p);
    if (probe_wants(k, DECISION_PREEMPT)) {
        probe_candidate(k, "curr", rq->curr->id, rq->curr->se.deadline);
        probe_candidate(k, "woken", p->id, p->se.deadline);
        probe_input(k, "curr_vruntime", rq->curr->se.vruntime);
        probe_input(k, "woken_vruntime", p->se.vruntime);
        probe_input(k, "avg_vruntime", avg_vruntime(&rq->cfs));
    }
    if (probe_decide(k, DECISION_PREEMPT, rule != NULL ? rule : "run_to_parity", p, rq->cpu,
                     rule != NULL))
        resched_curr(k, rq);
}

static bool
balance_fair(struct kernel *k, struct rq *rq, struct task *prev)
{
    (void)prev;
    if (rq->nr_running > 0)
        return true;
    return sched_balance_newidle(k, rq);
}

static struct task *
pick_task_fair(struct kernel *k, struct rq *rq)
{
    (void)k;
    struct sched_entity *se = pick_eevdf(&rq->cfs);

    return se != NULL ? task_of(se) : NULL;
}

static void
put_prev_task_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    update_curr_fair(k, rq);
    if (p->se.on_rq)
        cfs_rq_insert(&rq->cfs, k->arena, &p->se);
    rq->cfs.curr = NULL;
}

static void
set_next_task_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    cfs_rq_remove(&rq->cfs, &p->se);
    rq->cfs.curr = &p->se;
    p->se.exec_start = rq_clock_task(k, rq);
    p->se.prev_sum_exec = p->se.sum_exec;
    protect_slice(&p->se);
}

static void
task_tick_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)p;
    update_curr_fair(k, rq);
}

/* Alone, no tick matters; else the first one that finds the slice used up. */
static sim_time
tick_due_fair(struct kernel *k, struct rq *rq)
{
    const struct sched_entity *se = rq->cfs.curr;

    if (rq->cfs.nr == 0)
        return SIM_NEVER;
    int64_t need = SIM_MAX(se->deadline - se->vruntime, 1);
    uint64_t delta = calc_delta_unfair((uint64_t)need, se->weight, se->inv_weight);
    sim_time clock = rq_clock_task(k, rq);
    uint64_t pending = clock - se->exec_start; /* run, but not yet charged */
    sim_time stolen = rq->irq_until > k->engine.now ? rq->irq_until - k->engine.now : 0;
    sim_time left = delta > pending ? delta - pending : 0;

    return k->engine.now + stolen + left;
}

static void
reweight_task_fair(struct kernel *k, struct rq *rq, struct task *p, int nice)
{
    uint32_t old = p->se.weight;

    dequeue_task_fair(k, rq, p, DEQUEUE_SAVE);
    if (p->policy != POLICY_IDLE) {
        p->se.weight = nice_weight(nice);
        p->se.load_weight = p->se.weight << 10;
        p->se.inv_weight = nice_inv_weight(nice);
    }
    p->se.vlag = p->se.vlag * (int64_t)old / (int64_t)p->se.weight;
    enqueue_task_fair(k, rq, p, ENQUEUE_RESTORE);
    sums_update(k, rq);
    if (rq->curr == p && p->se.weight < old)
        resched_curr(k, rq);
    else if (rq->curr != p)
        wakeup_preempt(k, rq, p, 0);
}

const struct sched_class fair_sched_class = {
    .name = "fair",
    .rank = RANK_FAIR,
    .enqueue_task = enqueue_task_fair,
    .dequeue_task = dequeue_task_fair,
    .yield_task = yield_task_fair,
    .wakeup_preempt = wakeup_preempt_fair,
    .balance = balance_fair,
    .pick_task = pick_task_fair,
    .put_prev_task = put_prev_task_fair,
    .set_next_task = set_next_task_fair,
    .select_task_rq = select_task_rq_fair,
    .task_tick = task_tick_fair,
    .tick_due = tick_due_fair,
    .reweight_task = reweight_task_fair,
    .update_curr = update_curr_fair,
};

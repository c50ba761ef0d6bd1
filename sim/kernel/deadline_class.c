/*
 * The deadline class: tasks with a reservation, the earliest deadline first. It also picks for the
 * fair server, whose entity stands in the queue beside those of tasks.
 */
#include "kernel/deadline.h"

#include "kernel/dl_server.h"
#include "kernel/push.h"

void
update_dl_rq_load_avg(struct kernel *k, struct rq *rq, bool running)
{
    pelt_update_util(&rq->avg_dl, rq_clock_pelt(k, rq), running);
}

void
enqueue_task_dl(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    if (is_dl_boosted(&p->dl)) {
        if (p->dl.throttled) {
            engine_cancel(&k->engine, &p->dl_timer);
            p->dl.throttled = false;
        }
    } else if (!dl_prio(p->normal_prio)) { /* about to lose what a waiter lent it */
        p->dl.throttled = false;
        return;
    }
    enqueue_dl_entity(k, &p->dl, flags, k->engine.now);
    if (rq->curr != p && !p->dl.throttled && p->nr_allowed > 1)
        enqueue_pushable_dl_task(k, rq, p);
    dl_server_watch(k, rq);
}

static void
update_curr_dl(struct kernel *k, struct rq *rq)
{
    struct task *p = rq->curr;

    if (p == NULL || p->class != &dl_sched_class || !p->dl.on_rq)
        return;
    uint64_t delta = update_curr_common(k, rq);
    update_curr_dl_se(k, &p->dl, dl_scaled_delta_exec(rq, delta), k->engine.now);
}

static bool
dequeue_task_dl(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    (void)flags;
    update_curr_dl(k, rq);
    dequeue_dl_entity(k, &p->dl);
    if (!p->dl.throttled)
        dequeue_pushable_dl_task(k, rq, p);
    return true;
}

/* Gives up the rest of the budget: off the CPU until the next period. */
static void
yield_task_dl(struct kernel *k, struct rq *rq)
{
    rq->curr->dl.yielded = true;
    update_curr_dl(k, rq);
}

static void
wakeup_preempt_dl(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    const struct sched_dl_entity *curr = &rq->curr->dl;
    bool earlier = dl_entity_preempt(&p->dl, curr);
    (void)flags;

    if (p->dl.throttled) /* not queued: its timer will see */
        earlier = false;
    if (probe_wants(k, DECISION_PREEMPT)) {
        probe_candidate(k, "curr", rq->curr->id, (int64_t)curr->deadline);
        probe_candidate(k, "woken", p->id, (int64_t)p->dl.deadline);
    }
    if (probe_decide(k, DECISION_PREEMPT, "wakeup_preempt_dl", p, rq->cpu, earlier))
        resched_curr(k, rq);
    else if (p->dl.deadline == curr->deadline && !rq->need_resched)
        check_preempt_equal_dl(k, rq, p);
}

static bool
balance_dl(struct kernel *k, struct rq *rq, struct task *prev)
{
    bool queued = prev != NULL && prev->dl.on_rq && prev->cpu == rq->cpu;

    if (prev != NULL && dl_prio(prev->prio) && !queued)
        pull_dl_task(k, rq);
    return rq->dl.nr > 0;
}

static struct task *
pick_task_dl(struct kernel *k, struct rq *rq)
{
    while (rq->dl.nr > 0) {
        struct sched_dl_entity *dl = list_entry(rq->dl.queue.next, struct sched_dl_entity, node);
        if (dl->task != NULL)
            return dl->task;
        struct task *p = fair_sched_class.pick_task(k, rq);
        if (p != NULL)
            return p;
        dl_server_stop(k, rq);
    }
    return NULL;
}

static void
put_prev_task_dl(struct kernel *k, struct rq *rq, struct task *p)
{
    update_curr_dl(k, rq);
    update_dl_rq_load_avg(k, rq, true);
    if (p->dl.on_rq && p->nr_allowed > 1)
        enqueue_pushable_dl_task(k, rq, p);
}

static void
set_next_task_dl(struct kernel *k, struct rq *rq, struct task *p)
{
    p->se.exec_start = rq_clock_task(k, rq);
    p->se.prev_sum_exec = p->se.sum_exec;
    dequeue_pushable_dl_task(k, rq, p);
    update_dl_rq_load_avg(k, rq, false);
    if (!list_empty(&rq->dl.pushable))
        rq->balance_callback |= CALLBACK_PUSH_DL;
}

static void
task_tick_dl(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)p;
    update_curr_dl(k, rq); /* avg_dl is brought up when it is read: ticks must not show in it */
}

/* The first tick that finds the budget used up. */
static sim_time
tick_due_dl(struct kernel *k, struct rq *rq)
{
    const struct task *p = rq->curr;
    sim_time clock = rq_clock_task(k, rq), pending = clock - p->se.exec_start;
    sim_time stolen = rq->irq_until > k->engine.now ? rq->irq_until - k->engine.now : 0;
    uint64_t left = p->dl.runtime > 0 ? (uint64_t)p->dl.runtime : 0;

    left = div_round_up_u64(left << 10, rq->capacity_orig);
    if (!p->dl.on_rq)
        return SIM_NEVER;
    return k->engine.now + stolen + (left > pending ? left - pending : 0);
}

/* The next period of a throttled task begins. Asleep, it waits for its wake-up to be queued. */
void
dl_task_timer_fire(struct engine *eng, struct event *ev)
{
    struct task *p = container_of(ev, struct task, dl_timer);
    struct kernel *k = eng->owner;
    struct rq *rq = &k->rqs[p->cpu];

    if (!dl_prio(p->prio) || is_dl_boosted(&p->dl) || !p->dl.throttled)
        return;
    if (!p->on_rq) {
        replenish_dl_entity(k, &p->dl, eng->now);
        return;
    }
    enqueue_task_dl(k, rq, p, ENQUEUE_REPLENISH);
    if (rq->curr != NULL && dl_prio(rq->curr->prio))
        wakeup_preempt_dl(k, rq, p, 0);
    else
        resched_curr(k, rq);
    if (rq->curr == p)
        tick_update(k, rq);
    push_dl_task(k, rq);
}

static void
reweight_task_dl(struct kernel *k, struct rq *rq, struct task *p, int nice)
{
    (void)k, (void)rq, (void)p, (void)nice; /* counts when the task is fair again */
}

static void
task_dead_dl(struct kernel *k, struct task *p)
{
    dl_bw_leave(k, p);
    engine_cancel(&k->engine, &p->dl_timer);
}

static void
set_cpus_allowed_dl(struct kernel *k, struct task *p, const struct cpumask *allowed)
{
    struct rq *rq = &k->rqs[p->cpu];
    (void)allowed;

    if (!p->dl.on_rq || rq->curr == p)
        return;
    dequeue_pushable_dl_task(k, rq, p);
    if (p->nr_allowed > 1)
        enqueue_pushable_dl_task(k, rq, p);
}

static void
switched_from_dl(struct kernel *k, struct rq *rq, struct task *p)
{
    (void)k;
    if (p->on_rq && rq->dl.nr == 0)
        rq->balance_callback |= CALLBACK_PULL_DL;
}

static void
switched_to_dl(struct kernel *k, struct rq *rq, struct task *p)
{
    if (!p->on_rq || rq->curr == p)
        return;
    if (p->nr_allowed > 1 && rq->dl.overloaded)
        rq->balance_callback |= CALLBACK_PUSH_DL;
    if (rq->curr != NULL && dl_prio(rq->curr->prio))
        wakeup_preempt_dl(k, rq, p, 0);
    else
        resched_curr(k, rq);
}

static void
prio_changed_dl(struct kernel *k, struct rq *rq, struct task *p, int old_prio)
{
    (void)old_prio;
    if (!p->on_rq)
        return;
    if (!rq->dl.overloaded)
        rq->balance_callback |= CALLBACK_PULL_DL;
    if (rq->curr == p) {
        if (rq->dl.nr > 0 && dl_time_before(rq->dl.earliest, p->dl.deadline))
            resched_curr(k, rq);
    } else if (rq->curr == NULL || !dl_prio(rq->curr->prio) ||
               dl_entity_preempt(&p->dl, &rq->curr->dl)) {
        resched_curr(k, rq);
    }
}

const struct sched_class dl_sched_class = {
    .name = "deadline",
    .rank = RANK_DL,
    .enqueue_task = enqueue_task_dl,
    .dequeue_task = dequeue_task_dl,
    .yield_task = yield_task_dl,
    .wakeup_preempt = wakeup_preempt_dl,
    .balance = balance_dl,
    .pick_task = pick_task_dl,
    .put_prev_task = put_prev_task_dl,
    .set_next_task = set_next_task_dl,
    .select_task_rq = select_task_rq_dl,
    .task_woken = task_woken_dl,
    .set_cpus_allowed = set_cpus_allowed_dl,
    .task_tick = task_tick_dl,
    .tick_due = tick_due_dl,
    .task_dead = task_dead_dl,
    .switched_from = switched_from_dl,
    .switched_to = switched_to_dl,
    .reweight_task = reweight_task_dl,
    .prio_changed = prio_changed_dl,
    .update_curr = update_curr_dl,
};

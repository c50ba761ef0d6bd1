/*
 * Reservations: a budget every period, used in the order of absolute deadlines (EDF), and never
 * more than the budget (CBS). Whoever has used it up is throttled until its next period.
 *
 * Deadlines are wall-clock time, budgets are used by time on the task's clock. A budget is looked
 * at when time is accounted, which is at ticks and switches (HRTICK_DL is off): an overrun of up to
 * a tick is paid back out of the next budgets.
 *
 * Budgets are work of the largest CPUs: a smaller one uses them more slowly. Model assumptions:
 * CPUs have one frequency, so that alone scales budgets; GRUB reclaiming (SCHED_FLAG_RECLAIM) and
 * the overrun signal are left out, and with them the count of active bandwidth, which nothing else
 * here asks for.
 */
#include "kernel/deadline.h"

#include "kernel/dl_server.h"
#include "kernel/push.h"

void
dl_rq_init(struct kernel *k, struct rq *rq)
{
    (void)k;
    list_init(&rq->dl.queue);
    list_init(&rq->dl.pushable);
}

void
dl_entity_init(struct sched_dl_entity *dl, struct task *p)
{
    list_init(&dl->node);
    dl->pi_se = dl;
    dl->task = p;
}

struct rq *
rq_of_dl_se(struct kernel *k, struct sched_dl_entity *dl)
{
    if (dl->task != NULL)
        return &k->rqs[dl->task->cpu];
    return container_of(dl, struct rq, fair_server.dl);
}

static bool
is_leftmost(const struct sched_dl_entity *dl, const struct dl_rq *dl_rq)
{
    return dl_rq->queue.next == &dl->node;
}

/* Never had a deadline, or it has passed. */
static bool
deadline_passed(const struct sched_dl_entity *dl, sim_time now)
{
    return dl->deadline == 0 || dl_time_before(dl->deadline, now);
}

static bool
dl_is_implicit(const struct sched_dl_entity *dl)
{
    return dl->dl_deadline == dl->dl_period;
}

void
replenish_dl_new_period(struct sched_dl_entity *dl, sim_time now)
{
    dl->deadline = now + dl->pi_se->dl_deadline;
    dl->runtime = (int64_t)dl->pi_se->dl_runtime;
    if (dl->defer && !dl->defer_running)
        dl->throttled = dl->defer_armed = true;
}

/* Would what is left, used until the deadline, be more than the density that was asked for? */
static bool
dl_entity_overflow(const struct sched_dl_entity *dl, sim_time now)
{
    uint64_t left = (dl->pi_se->dl_deadline >> DL_SCALE) * (uint64_t)(dl->runtime >> DL_SCALE);
    uint64_t right = ((dl->deadline - now) >> DL_SCALE) * (dl->pi_se->dl_runtime >> DL_SCALE);

    return dl_time_before(right, left);
}

/* The next budget; a deferred server then waits for its zero-laxity time again. */
void
replenish_dl_entity(struct kernel *k, struct sched_dl_entity *dl, sim_time now)
{
    if (dl->dl_deadline == 0 || (dl->defer_armed && dl_entity_overflow(dl, now))) {
        dl->deadline = now + dl->pi_se->dl_deadline;
        dl->runtime = (int64_t)dl->pi_se->dl_runtime;
    }
    if (dl->yielded && dl->runtime > 0)
        dl->runtime = 0;
    while (dl->runtime <= 0) {
        dl->deadline += dl->pi_se->dl_period;
        dl->runtime += (int64_t)dl->pi_se->dl_runtime;
    }
    if (dl_time_before(dl->deadline, now))
        replenish_dl_new_period(dl, now); /* it lags too much */
    dl->yielded = dl->throttled = false;
    if (dl->defer_armed) {
        dl->defer_armed = false;
        return;
    }
    if (!dl->defer || dl->defer_running || is_dl_boosted(dl) ||
        !dl_time_before(now, dl->deadline - (uint64_t)dl->runtime))
        return;
    dl->defer_armed = dl->throttled = true;
    if (start_dl_timer(k, dl, now))
        return;
    cancel_dl_timer(k, dl);
    dl->defer_armed = dl->throttled = false;
}

/* The wake-up rule of CBS: what is left may be used if it fits, else a new instance begins. With a
 * deadline shorter than the period that would allow too much: the budget is cut instead. */
static void
update_dl_entity(struct sched_dl_entity *dl, sim_time now)
{
    bool passed = deadline_passed(dl, now);

    if (passed || dl_entity_overflow(dl, now)) {
        if ((!dl_is_implicit(dl) || (dl->defer && dl->defer_running)) && !passed &&
            !is_dl_boosted(dl)) {
            dl->runtime = (int64_t)((dl->dl_density * (dl->deadline - now)) >> DL_BW_SHIFT);
            return;
        }
        dl->defer_running = false;
        replenish_dl_new_period(dl, now);
    } else if (dl->defer && !dl->defer_running) {
        dl->defer_armed = dl->throttled = true;
    }
}

static uint64_t
dl_next_period(const struct sched_dl_entity *dl)
{
    return dl->deadline - dl->dl_deadline + dl->dl_period;
}

/* At the next period; of a deferred server, when no time is left to wait. */
bool
start_dl_timer(struct kernel *k, struct sched_dl_entity *dl, sim_time now)
{
    uint64_t at = dl->defer_armed ? dl->deadline - (uint64_t)dl->runtime : dl_next_period(dl);

    if ((int64_t)(at - now) / 1000 < 0)
        return false;
    at = SIM_MAX(at, now);
    if (dl->task == NULL)
        dl_server_set_timer(k, rq_of_dl_se(k, dl), at);
    else if (!engine_pending(&k->engine, &dl->task->dl_timer))
        engine_at(&k->engine, &dl->task->dl_timer, at);
    return true;
}

void
cancel_dl_timer(struct kernel *k, struct sched_dl_entity *dl)
{
    if (dl->task == NULL)
        dl_server_set_timer(k, rq_of_dl_se(k, dl), SIM_NEVER);
    else
        engine_cancel(&k->engine, &dl->task->dl_timer);
}

static void
enqueue_by_deadline(struct kernel *k, struct sched_dl_entity *dl)
{
    struct rq *rq = rq_of_dl_se(k, dl);
    struct list *at = rq->dl.queue.prev;

    while (at != &rq->dl.queue &&
           dl_time_before(dl->deadline, list_entry(at, struct sched_dl_entity, node)->deadline))
        at = at->prev;
    list_insert(&dl->node, at->next);
    dl->on_rq = true;
    rq->dl.nr++;
    if (dl->task != NULL)
        add_nr_running(k, rq, 1);
    if (rq->dl.nr == 1)
        cpupri_set(k, rq, MAX_RT_PRIO);
    if (is_leftmost(dl, &rq->dl))
        cpudl_set(k, rq, dl->deadline);
}

void
dequeue_dl_entity(struct kernel *k, struct sched_dl_entity *dl)
{
    struct rq *rq = rq_of_dl_se(k, dl);

    if (!dl->on_rq)
        return;
    list_remove(&dl->node);
    dl->on_rq = false;
    rq->dl.nr--;
    if (dl->task != NULL)
        sub_nr_running(k, rq, 1);
    if (rq->dl.nr > 0) {
        cpudl_set(k, rq, list_entry(rq->dl.queue.next, struct sched_dl_entity, node)->deadline);
        return;
    }
    rq->dl.next = 0;
    cpudl_set(k, rq, 0);
    cpupri_set(k, rq, rq->rt.highest_prio);
}

/* A task with a deadline shorter than its period wakes after the one and before the other: it waits
 * for the next period. */
static void
dl_check_constrained_dl(struct kernel *k, struct sched_dl_entity *dl, sim_time now)
{
    if (dl->throttled || dl_is_implicit(dl) || dl->deadline == 0)
        return;
    if (!dl_time_before(dl->deadline, now) || !dl_time_before(now, dl_next_period(dl)))
        return;
    if (is_dl_boosted(dl) || !start_dl_timer(k, dl, now))
        return;
    dl->throttled = true;
    dl->runtime = SIM_MIN(dl->runtime, 0);
}

void
enqueue_dl_entity(struct kernel *k, struct sched_dl_entity *dl, int flags, sim_time now)
{
    dl_check_constrained_dl(k, dl, now);
    if (!dl->defer && dl->throttled && !(flags & ENQUEUE_REPLENISH))
        return;
    if (flags & (ENQUEUE_WAKEUP | ENQUEUE_INITIAL))
        update_dl_entity(dl, now);
    else if (flags & ENQUEUE_REPLENISH)
        replenish_dl_entity(k, dl, now);
    else if ((flags & ENQUEUE_RESTORE) && !is_dl_boosted(dl) && deadline_passed(dl, now))
        replenish_dl_new_period(dl, now);
    if (dl->throttled && start_dl_timer(k, dl, now))
        return;
    if (dl->throttled) {
        cancel_dl_timer(k, dl);
        dl->defer_armed = dl->throttled = false;
    }
    enqueue_by_deadline(k, dl);
}

/* The budget is used up, or given up. */
static void
throttle(struct kernel *k, struct sched_dl_entity *dl, sim_time now)
{
    struct rq *rq = rq_of_dl_se(k, dl);

    dl->throttled = true;
    dequeue_dl_entity(k, dl);
    if (dl->task != NULL)
        dequeue_pushable_dl_task(k, rq, dl->task);
    if (is_dl_boosted(dl) || !start_dl_timer(k, dl, now)) {
        if (dl->task == NULL)
            enqueue_dl_entity(k, dl, ENQUEUE_REPLENISH, now);
        else
            enqueue_task_dl(k, rq, dl->task, ENQUEUE_REPLENISH);
    }
    if (!is_leftmost(dl, &rq->dl) && (dl->task != NULL || dl_server_watched(rq)))
        resched_curr(k, rq);
}

void
update_curr_dl_se(struct kernel *k, struct sched_dl_entity *dl, uint64_t delta, sim_time now)
{
    if (delta == 0 && !dl->yielded)
        return;
    dl->runtime -= (int64_t)delta;
    if (dl->defer && dl->throttled && dl->runtime <= 0) {
        dl->defer_running = false; /* fair tasks got theirs: the server is not needed yet */
        cancel_dl_timer(k, dl);
        replenish_dl_new_period(dl, now);
        start_dl_timer(k, dl, now);
        return;
    }
    if (dl->runtime <= 0 || dl->yielded)
        throttle(k, dl, now);
}

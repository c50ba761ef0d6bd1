/*
 * The fair server of each CPU, with the kernel's states: waiting for its zero-laxity time, running
 * at its deadline, waiting for the next period.
 *
 * Fair and idle time is charged to it, so as long as fair tasks get what it would give them it is
 * only ever put off. Its timer is an event while a task of a higher class is queued, and only then:
 * otherwise it can change nothing but the server's own books, and those are brought up to date when
 * somebody touches them, by going through what ticks and timers would have done meanwhile: under
 * fair tasks, budgets end at ticks; under idleness, a timer that expires stops the server.
 *
 * Model assumptions: before the first task above the fair class exists, no books are kept, and they
 * begin then as if a new period had begun (a CPU that runs fair tasks has its zero-laxity time one
 * period less the budget ahead at any time, give or take 1 ms). The kernel counts a queued server
 * as a task in nr_running; here it is not.
 */
#include "kernel/dl_server.h"

#include "kernel/deadline.h"

/* A timer is not put off for less. */
#define DL_SERVER_MIN_RES MSEC(1)

static void server_timer_fire(struct engine *eng, struct event *ev);

void
dl_server_init(struct kernel *k, struct rq *rq)
{
    struct dl_server *fs = &rq->fair_server;
    const struct sched_params *sp = &k->params.sched;

    dl_entity_init(&fs->dl, NULL);
    dl_set_params(&fs->dl, sp->fair_server_runtime, sp->fair_server_period, sp->fair_server_period);
    fs->dl.defer = true;
    fs->timer_at = SIM_NEVER;
    event_init(&k->engine, &fs->timer_ev, EVENT_DL, (uint32_t)rq->cpu, PHASE_ARRIVE,
               server_timer_fire);
}

void
dl_server_set_timer(struct kernel *k, struct rq *rq, sim_time at)
{
    struct dl_server *fs = &rq->fair_server;

    fs->timer_at = at;
    if (at != SIM_NEVER && dl_server_watched(rq))
        engine_at(&k->engine, &fs->timer_ev, SIM_MAX(at, k->engine.now));
    else
        engine_cancel(&k->engine, &fs->timer_ev);
}

void
dl_server_stop(struct kernel *k, struct rq *rq)
{
    struct sched_dl_entity *dl = &rq->fair_server.dl;

    dequeue_dl_entity(k, dl);
    dl_server_set_timer(k, rq, SIM_NEVER);
    dl->defer_armed = dl->throttled = false;
    rq->fair_server_active = false;
}

/* The timer expires, now or at an instant that nobody looked at. */
static void
server_timer(struct kernel *k, struct rq *rq, sim_time at)
{
    struct dl_server *fs = &rq->fair_server;
    struct sched_dl_entity *dl = &fs->dl;

    fs->timer_at = SIM_NEVER;
    if (!dl->throttled)
        return;
    if (dl->defer_armed) {
        uint64_t zero_laxity = dl->deadline - (uint64_t)dl->runtime;
        if (dl_time_before(at, zero_laxity - DL_SERVER_MIN_RES)) {
            dl_server_set_timer(k, rq, zero_laxity);
            return;
        }
        dl->defer_running = true;
    }
    enqueue_dl_entity(k, dl, ENQUEUE_REPLENISH, at);
}

static void
server_timer_fire(struct engine *eng, struct event *ev)
{
    struct rq *rq = container_of(ev, struct rq, fair_server.timer_ev);
    struct kernel *k = eng->owner;
    const struct sched_dl_entity *dl = &rq->fair_server.dl;

    if (rq->curr != NULL && rq->curr->class == &fair_sched_class)
        rq->curr->class->update_curr(k, rq);
    if (rq->fair_server.timer_at > eng->now)
        return; /* put off by what has run */
    server_timer(k, rq, eng->now);
    if (!dl->on_rq)
        return;
    if (rq->cfs.h_nr_queued == 0)
        dl_server_stop(k, rq);
    else if (rq->curr == NULL || !dl_prio(rq->curr->prio) || dl_entity_preempt(dl, &rq->curr->dl))
        resched_curr(k, rq);
    push_dl_task(k, rq);
}

static bool
is_idle(const struct rq *rq)
{
    return rq->curr == NULL && !rq->left;
}

/* The CPU is and was idle: a timer that has expired stopped the server, for it found nobody. */
static void
advance_idle(struct kernel *k, struct rq *rq)
{
    struct dl_server *fs = &rq->fair_server;

    while (rq->fair_server_active && fs->timer_at <= k->engine.now) {
        server_timer(k, rq, fs->timer_at);
        if (fs->dl.on_rq)
            dl_server_stop(k, rq);
    }
}

void
dl_server_charge_idle(struct kernel *k, struct rq *rq)
{
    struct dl_server *fs = &rq->fair_server;

    if (!is_idle(rq))
        return;
    advance_idle(k, rq);
    sim_time from = SIM_MAX(rq->idle_since, fs->idle_at);
    fs->idle_at = k->engine.now;
    if (fs->dl.runtime < 0)
        return;
    fs->dl.runtime -= (int64_t)(k->engine.now - from);
    if (fs->dl.runtime < 0) {
        fs->dl.defer_running = false;
        fs->dl.runtime = 0;
    }
}

void
dl_server_start_slow(struct kernel *k, struct rq *rq)
{
    struct dl_server *fs = &rq->fair_server;

    dl_server_charge_idle(k, rq);
    if (rq->fair_server_active || fs->dl.dl_runtime == 0)
        return;
    update_rq_clock(k, rq);
    rq->fair_server_active = true;
    if (rq->curr != NULL) { /* its ticks are no longer computed */
        see_ticks_from_now(k, rq);
        tick_update(k, rq);
    }
    enqueue_dl_entity(k, &fs->dl, ENQUEUE_WAKEUP, k->engine.now);
    if (fs->dl.on_rq &&
        (rq->curr == NULL || !dl_prio(rq->curr->prio) || dl_entity_preempt(&fs->dl, &rq->curr->dl)))
        resched_curr(k, rq);
}

/* When fair tasks that run from `from` have used up the budget: noticed at a tick, or now. */
static sim_time
used_up_at(struct kernel *k, const struct sched_dl_entity *dl, sim_time from)
{
    sim_time now = k->engine.now, at = from + (dl->runtime > 0 ? (uint64_t)dl->runtime : 1);

    if (at > now)
        return SIM_NEVER;
    return SIM_MIN(next_tick_at(k, at), now);
}

void
dl_server_charge(struct kernel *k, struct rq *rq, uint64_t delta)
{
    struct dl_server *fs = &rq->fair_server;
    sim_time now = k->engine.now, from = now - SIM_MIN(delta, now);

    while (from < now && rq->fair_server_active) {
        sim_time end = used_up_at(k, &fs->dl, from);

        if (fs->timer_at < SIM_MIN(end, now)) {
            sim_time seen = SIM_CLAMP(last_tick_at(k, fs->timer_at), from, now);
            fs->dl.runtime -= (int64_t)(seen - from);
            from = seen;
            server_timer(k, rq, fs->timer_at);
            continue;
        }
        end = SIM_MIN(end, now);
        update_curr_dl_se(k, &fs->dl, end - from, end);
        from = end;
    }
}

void
dl_server_watch_slow(struct kernel *k, struct rq *rq)
{
    struct dl_server *fs = &rq->fair_server;

    if (is_idle(rq))
        dl_server_charge_idle(k, rq);
    else if (rq->curr != NULL && rq->curr->class == &fair_sched_class)
        rq->curr->class->update_curr(k, rq);
    if (rq->fair_server_active && fs->timer_at != SIM_NEVER &&
        !engine_pending(&k->engine, &fs->timer_ev))
        dl_server_set_timer(k, rq, fs->timer_at);
}

void
dl_server_begin(struct kernel *k)
{
    if (k->higher_classes)
        return;
    k->higher_classes = true;
    for_each_cpu (cpu, k->machine->online)
        if (k->rqs[cpu].cfs.h_nr_queued > 0)
            dl_server_start_slow(k, &k->rqs[cpu]);
}

sim_time
dl_server_tick_due(const struct kernel *k, const struct rq *rq)
{
    const struct dl_server *fs = &rq->fair_server;
    sim_time pending = rq_clock_task(k, rq) - rq->curr->se.exec_start;
    uint64_t left = fs->dl.runtime > 0 ? (uint64_t)fs->dl.runtime : 0;

    if (!fs->dl.on_rq || !dl_server_watched(rq))
        return SIM_NEVER;
    return k->engine.now + (left > pending ? left - pending : 0);
}

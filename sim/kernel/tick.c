/*
 * Ticks (sched_tick() of kernel/sched/core.c). One that can change nothing but averages is not
 * simulated: whoever looks at the averages makes up for it (rq_catch_up in load.c). The event of a
 * CPU is the first tick that can change more than that. `sched.tick=simulated` fires them all, and
 * every decision is the same.
 */
#include "kernel/balance.h"
#include "kernel/core.h"
#include "kernel/dl_server.h"
#include "kernel/ext.h"
#include "kernel/host_turns.h"
#include "kernel/load.h"
#include "kernel/numa.h"
#include "kernel/timer_slack.h"

/* Ticks of what runs now are computed when somebody asks, unless its class wants each of them. */
void
see_ticks_from_now(struct kernel *k, struct rq *rq)
{
    const struct sched_class *class = rq->curr->class;
    bool computed =
        k->params.sched.tick == TICK_COMPUTED &&
        ((class == &fair_sched_class && rq->curr->se.depth == 0) || class == &ext_sched_class);

    rq->unseen_tick = computed
                          ? next_tick_at(k, k->engine.now + engine_passed(&k->engine, &rq->tick_ev))
                          : SIM_NEVER;
    cpumask_set(k->quiet_cpus, (uint32_t)rq->cpu);
}

sim_time
find_next_tick(struct kernel *k, sim_time t)
{
    if (t <= k->tick_phase)
        return k->tick_phase;
    if (t > SIM_NEVER / 2)
        return SIM_NEVER;
    if (t > k->coming_tick && t <= k->coming_tick + k->tick_ns)
        return k->coming_tick + k->tick_ns;
    if (t > k->coming_tick || t + k->tick_ns <= k->coming_tick)
        k->coming_tick = last_tick_at(k, t - 1) + k->tick_ns;
    return k->coming_tick;
}

/* When a tick can change something, as things are; it may lie in the past, and how far it does says
 * nothing. */
static sim_time
tick_due(struct kernel *k, struct rq *rq)
{
    sim_time due = rq->numa_due;

    if (rq->curr == NULL)
        return SIM_NEVER;
    if (k->params.sched.tick != TICK_COMPUTED || above_fair(rq->curr))
        return 0;
    if (likely(k->scx == NULL) || !ext_switched_all(k))
        due = SIM_MIN(due, balance_tick_due(k, rq));
    if (due <= k->engine.now) /* the next one; its class need not be asked */
        return due;
    due = SIM_MIN(due, rq->curr->class->tick_due(k, rq));
    if (unlikely(rq->fair_server_active) && rq->curr->class == &fair_sched_class)
        due = SIM_MIN(due, dl_server_tick_due(k, rq));
    return due;
}

void
tick_move(struct kernel *k, struct rq *rq)
{
    /* a tick at this very instant may be over */
    sim_time first = k->engine.now + engine_passed(&k->engine, &rq->tick_ev);
    sim_time last = engine_when(&k->engine, &rq->tick_ev) - k->tick_ns;

    if (last < first)
        return;
    sim_time due = SIM_MAX(tick_due(k, rq), first);
    if (due <= last)
        engine_at(&k->engine, &rq->tick_ev, next_tick_at(k, due));
}

/* sched_tick(): only ticks that can change something count. */
void
tick_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct rq *rq = container_of(ev, struct rq, tick_ev);

    sim_time due = tick_due(k, rq);
    if (due > k->engine.now) {
        engine_at(&k->engine, &rq->tick_ev, next_tick_at(k, due));
        return;
    }
    if (unlikely(k->host != NULL) && rq->curr != NULL && host_delays(k, rq, HOST_LATE_TICK))
        return;
    rq->nr_ticks++;
    if (unlikely(k->slack != NULL))
        timer_slack_interrupt(k, rq->cpu);
    if (rq->curr == NULL)
        return;
    k->this_cpu = rq->cpu;
    see_ticks_before(k, rq); /* this one's own part in the averages is task_tick()'s */
    update_rq_clock(k, rq);
    rq->curr->class->task_tick(k, rq, rq->curr);
    task_tick_numa(k, rq, rq->curr);
    if (rq->curr != NULL)
        rq->numa_due = numa_tick_due(k, rq, rq->curr);
    if (likely(k->scx == NULL) || !ext_switched_all(k))
        balance_trigger(k, rq);
    if (rq->curr != NULL)
        tick_update(k, rq);
}

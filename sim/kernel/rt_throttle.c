/*
 * Classic throttling of rt tasks, off by default: 6.12 without rt groups throttles no rt task, and
 * the fair server takes its place. With sched.rt_throttling=classic the rule of older kernels
 * holds on each CPU: rt tasks may run sched.rt_runtime in each sched.rt_period, then wait for the
 * period's end.
 */
#include "kernel/deadline.h"
#include "kernel/rt.h"

static bool
rt_bandwidth_enabled(const struct kernel *k)
{
    return k->params.sched.rt_throttling == RT_THROTTLING_CLASSIC &&
           k->params.sched.rt_runtime != 0;
}

void
start_rt_bandwidth(struct kernel *k, struct rq *rq)
{
    if (!rt_bandwidth_enabled(k) || rq->rt.period_active)
        return;
    rq->rt.period_active = true;
    engine_at(&k->engine, &rq->rt.period_ev, k->engine.now + k->params.sched.rt_period);
}

static void
set_throttled(struct kernel *k, struct rq *rq, bool throttled)
{
    struct rt_rq *rt = &rq->rt;

    rt->throttled = throttled;
    if (throttled)
        sub_nr_running(k, rq, rt->nr_running);
    else
        add_nr_running(k, rq, rt->nr_running);
    resched_curr(k, rq);
}

void
account_rt_time(struct kernel *k, struct rq *rq, uint64_t delta)
{
    struct rt_rq *rt = &rq->rt;

    if (!rt_bandwidth_enabled(k))
        return;
    rt->time += delta;
    if (!rt->throttled && rt->time > k->params.sched.rt_runtime)
        set_throttled(k, rq, true);
}

sim_time
rt_throttle_due(const struct kernel *k, const struct rq *rq)
{
    uint64_t used = rq->rt.time, limit = k->params.sched.rt_runtime;
    sim_time pending = rq_clock_task(k, rq) - rq->curr->se.exec_start;

    if (!rt_bandwidth_enabled(k) || rq->rt.throttled)
        return SIM_NEVER;
    used += pending;
    return k->engine.now + (used > limit ? 0 : limit - used + 1);
}

void
rq_offline_rt(struct kernel *k, struct rq *rq)
{
    rq->rt.time = 0;
    if (rq->rt.throttled)
        set_throttled(k, rq, false);
}

/* A period has ended: its runtime is paid for. */
void
rt_period_fire(struct engine *eng, struct event *ev)
{
    struct rq *rq = container_of(ev, struct rq, rt.period_ev);
    struct kernel *k = eng->owner;
    struct rt_rq *rt = &rq->rt;

    if (rq->curr != NULL)
        rq->curr->class->update_curr(k, rq);
    rt->time -= SIM_MIN(rt->time, k->params.sched.rt_runtime);
    if (rt->throttled && rt->time < k->params.sched.rt_runtime)
        set_throttled(k, rq, false);
    rt->period_active = rt->time > 0 || rt->nr_running > 0;
    if (rt->period_active)
        engine_at(eng, ev, eng->now + k->params.sched.rt_period);
    if (rq->curr != NULL)
        tick_update(k, rq);
}

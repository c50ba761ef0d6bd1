/*
 * Kicks, and dispatches to other CPUs that a wake-up could not carry out itself.
 *
 * Both are interrupt work of the CPU that asked for them: they happen in the same instant, when the
 * operation is over. A CPU that kicks again in an instant does so after the time that its
 * operations take: policies that kick from dispatch would stop the clock otherwise. A kick that
 * waits (SCX_KICK_WAIT) needs no more: the target thinks again within this instant.
 */
#include "kernel/ext_impl.h"

static void
arm(struct scx *x, struct scx_rq *er)
{
    sim_time now = x->k->engine.now, when = now;

    if (er->kicked_at == now + 1) /* a second time in this instant: what it costs counts */
        when = SIM_MAX(er->busy_until, now + 1);
    if (!engine_pending(&x->k->engine, &er->kick_ev) ||
        when < engine_when(&x->k->engine, &er->kick_ev))
        engine_at(&x->k->engine, &er->kick_ev, when);
}

void
scx_kick(struct scx *x, int this_cpu, int cpu, uint64_t flags)
{
    struct scx_rq *er = scx_rq_of(x, this_cpu), *target = scx_rq_of(x, cpu);

    if (scx_bypassing(x))
        return;
    if (flags & SCX_KICK_IDLE) {
        if (flags & (SCX_KICK_PREEMPT | SCX_KICK_WAIT))
            scx_ops_error(x, "PREEMPT/WAIT cannot be used with SCX_KICK_IDLE");
        if (target->rq->curr != NULL && !target->in_balance)
            return;
        cpumask_set(er->kick_if_idle, (uint32_t)cpu);
    } else {
        cpumask_set(er->kick, (uint32_t)cpu);
        if (flags & SCX_KICK_PREEMPT)
            cpumask_set(er->preempt, (uint32_t)cpu);
    }
    er->kick_any = true;
    arm(x, er);
}

void
scx_kick_cpu(struct scx *x, int cpu, uint64_t flags)
{
    scx_cost(x);
    if (scx_cpu_valid(x, cpu, NULL))
        scx_kick(x, x->k->this_cpu, cpu, flags);
}

/* Another CPU is told by an interrupt. */
static void
tell(struct scx *x, int this_cpu, int cpu)
{
    if (cpu != this_cpu)
        charge(x->k, cpu, x->k->params.cost.ipi, CHARGE_IRQ);
    resched_curr(x->k, &x->k->rqs[cpu]);
}

static void
kick_one(struct scx *x, struct scx_rq *er, int cpu)
{
    struct rq *rq = &x->k->rqs[cpu];

    if (!x->k->machine->cpus[cpu].online && cpu != er->rq->cpu)
        return;
    if (cpumask_test(er->preempt, (uint32_t)cpu)) {
        if (rq->curr != NULL && is_ext(rq->curr)) {
            update_curr_scx(x->k, rq);
            rq->curr->scx->slice = 0;
        }
        cpumask_clear(er->preempt, (uint32_t)cpu);
    }
    tell(x, er->rq->cpu, cpu);
}

void
scx_kick_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct scx *x = k->scx;
    struct scx_rq *er = container_of(ev, struct scx_rq, kick_ev);

    k->this_cpu = er->rq->cpu;
    er->kicked_at = k->engine.now + 1;
    if (!x->enabled)
        return;
    if (er->kick_any) {
        er->kick_any = false;
        for_each_cpu (cpu, er->kick)
            kick_one(x, er, cpu);
        for_each_cpu (cpu, er->kick_if_idle)
            if (!cpumask_test(er->kick, (uint32_t)cpu) && k->rqs[cpu].curr == NULL &&
                (k->machine->cpus[cpu].online || cpu == er->rq->cpu))
                tell(x, er->rq->cpu, cpu);
        cpumask_zero(er->kick);
        cpumask_zero(er->kick_if_idle);
    }
    run_deferred(x, er->rq);
}

/* ---- deferred dispatches ---- */

void
schedule_deferred(struct scx *x, struct rq *rq)
{
    struct scx_rq *er = scx_rq_of(x, rq->cpu);

    if (!er->in_wakeup && !er->in_cycle) /* else they are carried out at its end */
        arm(x, er);
}

void
run_deferred(struct scx *x, struct rq *rq)
{
    struct scx_rq *er = scx_rq_of(x, rq->cpu);

    while (!list_empty(&er->deferred)) {
        struct scx_task *s = list_entry(er->deferred.next, struct scx_task, node);
        uint64_t id = s->ddsp_dsq_id, flags = s->ddsp_enq_flags;

        list_remove(&s->node);
        clear_direct_dispatch(s);
        struct scx_dsq *q = dsq_find_for(x, rq->cpu, id, s->p);
        if (q->cpu >= 0)
            dispatch_to_local(x, q, s, flags);
        else
            dsq_enqueue(x, q, s, flags | SCX_ENQ_CLEAR_OPSS);
    }
}

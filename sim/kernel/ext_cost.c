/*
 * What deciding costs a CPU, and when it pays.
 *
 * A decision counts from the instant in which it is made; what it costs is kernel work in front of
 * what the CPU runs next. While that lies ahead a real-time or deadline task that wakes up does not
 * wait for it: the rest is put off until the CPU runs something else, and so is what the operations
 * cost that are called for the switch itself.
 *
 * In Linux operations run with the run queue locked and interrupts off, and whoever wakes up waits
 * for the one that is under way (ext.preemptible=no). That fits operations of a few microseconds;
 * a policy whose decisions take longer makes them in a thread, which can be preempted.
 */
#include "kernel/ext_impl.h"

/* Interrupts come first, so operations are the last part of what lies ahead. */
static sim_time
still_deciding(const struct kernel *k, const struct scx_rq *er)
{
    const struct rq *rq = er->rq;
    sim_time now = k->engine.now, until = SIM_MIN(rq->burst_at, rq->irq_until);

    return until > now ? SIM_MIN(er->deciding, until - now) : 0;
}

void
scx_charge_now(struct scx *x, struct scx_rq *er, sim_time cost)
{
    er->deciding = still_deciding(x->k, er) + cost;
    charge(x->k, er->rq->cpu, cost, CHARGE_POLICY);
}

void
ext_charge_decision(struct kernel *k, struct rq *rq)
{
    struct scx_rq *er = scx_rq_of(k->scx, rq->cpu);
    sim_time cost = er->cost + er->put_off;

    er->in_cycle = false;
    er->cost = 0;
    er->put_off = er->puts_off ? cost : 0;
    if (cost == 0 || er->puts_off)
        return;
    er->deciding = still_deciding(k, er) + cost;
    if (rq->curr == NULL)
        charge_ahead(k, rq, cost, CHARGE_POLICY);
    else
        charge(k, rq->cpu, cost, CHARGE_POLICY);
}

void
scx_put_off(struct scx *x, struct scx_rq *er, const struct task *next)
{
    struct kernel *k = x->k;
    struct rq *rq = er->rq;

    er->puts_off = next != NULL && above_fair(next) && k->params.ext.preemptible;
    if (likely(!er->puts_off))
        return;
    sim_time left = still_deciding(k, er);
    er->deciding = 0;
    er->put_off += left;
    rq->burst_at -= left;
    rq->irq_until -= left;
    rq->irq_ns -= left;
    /* a warm-up may have ended since it was charged */
    rq->kernel_ns[CHARGE_POLICY] -= SIM_MIN(left, rq->kernel_ns[CHARGE_POLICY]);
    k->stats.sched_overhead_ns -= SIM_MIN(left, k->stats.sched_overhead_ns);
}

/*
 * Kernel work is put in front of what runs: rq->burst_at, up to which work is accounted, moves into
 * the future, and the end of the burst with it. Work that does not belong to the task also stops
 * the task's clock for as long: irq_ns counts what was stolen, irq_until where the stolen stretch
 * ends, so that the clock can be read in the middle of it.
 */
#include "kernel/balance.h"
#include "kernel/load.h"

const char *const charge_kind_names[CHARGE_KIND_NR + 1] = { "irq",     "softirq", "task",
                                                            "stopper", "policy",  NULL };

/* Whose time it is, burst_at apart. */
static inline __attribute__((always_inline)) void
charge_books(struct kernel *k, struct rq *rq, sim_time ns, enum charge_kind kind)
{
    sim_time now = k->engine.now;

    rq->kernel_ns[kind] += ns;
    k->stats.sched_overhead_ns += ns;
    if (kind == CHARGE_TASK) {
        if (rq->curr != NULL)
            rq->curr->stats.kernel_ns += ns;
    } else {
        rq_catch_up(k, rq); /* those ticks saw the clock without this */
        rq->irq_until = SIM_MAX(now, rq->irq_until) + ns;
        rq->irq_ns += ns;
        if (kind == CHARGE_IRQ || kind == CHARGE_SOFTIRQ)
            account_irq_time(k, rq, ns);
    }
}

void
charge_ahead(struct kernel *k, struct rq *rq, sim_time ns, enum charge_kind kind)
{
    charge_books(k, rq, ns, kind);
    rq->burst_at = SIM_MAX(k->engine.now, rq->burst_at) + ns;
}

void
charge(struct kernel *k, int cpu, sim_time ns, enum charge_kind kind)
{
    struct rq *rq = &k->rqs[cpu];

    if (ns == 0)
        return;
    if (rq->curr == NULL) {
        charge_ahead(k, rq, ns, kind); /* nothing ran that could be settled or repriced */
        return;
    }
    if (likely(engine_pending(&k->engine, &rq->burst_ev) && kind <= CHARGE_TASK)) {
        /* a burst that goes on: it was at burst_at, and will be so much later */
        sim_time end = engine_when(&k->engine, &rq->burst_ev);
        charge_books(k, rq, ns, kind);
        rq->burst_at += ns;
        engine_at(&k->engine, &rq->burst_ev, end + ns);
        return;
    }
    burst_settle(k, rq);
    charge_ahead(k, rq, ns, kind);
    if (rq->curr->in_burst)
        burst_reprice(k, rq);
}

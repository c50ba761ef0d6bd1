/*
 * Balancing for idle CPUs, whose tick has stopped (sched-core.md 4.6).
 *
 * A CPU enters nohz.idle_cpus when it goes idle and leaves it at its first busy tick, not when it
 * is woken: short work does not show. Every tick of a busy CPU looks whether idle CPUs should
 * balance, and kicks one of them.
 *
 * Ticks are not simulated for this. All CPUs tick at the same instants, so one event of the machine
 * stands for the looks of all busy CPUs at an instant, after their ticks have done everything else;
 * it is armed for the first tick at which any of them could find something to do. What the CPUs
 * find is alike, but for their queues and for how many CPUs of their LLC are busy; the last of them
 * in an LLC sees the most. So whether anybody kicks is known without asking each, except where CPUs
 * are not equal.
 *
 * While a BPF scheduler has all fair tasks, sched_tick() leaves sched_balance_trigger() out: nobody
 * looks, and a busy CPU stays in nohz.idle_cpus until its first tick after that.
 */
#include "kernel/balance_impl.h"

#include "kernel/ext.h"
#include "kernel/fetch.h"
#include "kernel/host_turns.h"
#include "kernel/load.h"

/* ---- who is idle ---- */

static void
llc_busy(struct kernel *k, int cpu, bool busy)
{
    struct sched_domain_shared *llc = k->domains->cpus[cpu].llc_shared;

    if (llc == NULL)
        return;
    k->nohz.nr_busy_llcs -= llc->nr_busy_cpus > 1;
    llc->nr_busy_cpus += busy ? 1 : UINT32_MAX;
    k->nohz.nr_busy_llcs += llc->nr_busy_cpus > 1;
}

static void
exit_idle(struct kernel *k, int cpu)
{
    cpumask_clear(k->nohz.leaving, (uint32_t)cpu);
    cpumask_clear(k->nohz.idle_cpus, (uint32_t)cpu);
    k->nohz.nr_cpus--;
    llc_busy(k, cpu, true);
}

/* CPUs that have had a tick since they became busy. In PHASE_TICK and later, a tick at this instant
 * counts; whoever became busy at the instant itself did so after it. */
static void
exit_ticked(struct kernel *k)
{
    sim_time tick = last_tick_at(k, k->engine.now);

    for_each_cpu (cpu, k->nohz.leaving)
        if (k->rqs[cpu].idle_left < tick)
            exit_idle(k, cpu);
}

/* The first tick at which a busy CPU could find something to do. */
static void
arm(struct kernel *k)
{
    const struct nohz *nohz = &k->nohz;
    uint64_t due = nohz->next_balance;

    if (engine_when(&k->engine, &nohz->ev) - k->engine.now <= k->tick_ns)
        return; /* the next tick it is */
    if (unlikely(k->scx != NULL) && ext_switched_all(k))
        return; /* ticks look for nothing: see nohz_balance_resume() */
    if (nohz->nr_cpus == 0 || k->nr_idle == k->nr_online || !k->params.sched.periodic_balance)
        return;
    if (nohz->needs_update)
        due = 0;
    else if (nohz->has_blocked)
        due = SIM_MIN(due, nohz->next_blocked + 1);
    sim_time at = next_tick_at(k, SIM_MAX(jiffy_time(k, due), k->engine.now + 1));
    if (at < engine_when(&k->engine, &nohz->ev))
        engine_at(&k->engine, &k->nohz.ev, at);
}

void
nohz_balance_enter_idle(struct kernel *k, struct rq *rq)
{
    struct nohz *nohz = &k->nohz;
    uint32_t cpu = (uint32_t)rq->cpu;

    if (k->domains->cpus[cpu].sd == NULL)
        return;
    rq->has_blocked_load = true;
    nohz->has_blocked = true;
    if (cpumask_test(nohz->leaving, cpu)) {
        if (rq->idle_left < last_tick_at(k, k->engine.now) && !ext_switched_all(k))
            exit_idle(k, rq->cpu); /* it had a tick: it left, and comes back */
        else
            cpumask_clear(nohz->leaving, cpu);
    }
    if (!cpumask_test(nohz->idle_cpus, cpu)) {
        cpumask_set(nohz->idle_cpus, cpu);
        nohz->nr_cpus++;
        llc_busy(k, rq->cpu, false);
        nohz->needs_update = true;
    }
    arm(k);
}

void
nohz_balance_leave_idle(struct kernel *k, struct rq *rq)
{
    if (k->domains->cpus[rq->cpu].sd == NULL)
        return;
    rq->idle_left = k->engine.now;
    if (cpumask_test(k->nohz.idle_cpus, (uint32_t)rq->cpu))
        cpumask_set(k->nohz.leaving, (uint32_t)rq->cpu);
    arm(k);
}

void
nohz_balance_resume(struct kernel *k)
{
    arm(k);
}

/* ---- hotplug ---- */

void
nohz_forget(struct kernel *k, const struct cpumask *cpus)
{
    for_each_cpu (cpu, cpus)
        if (cpumask_test(k->nohz.idle_cpus, (uint32_t)cpu))
            exit_idle(k, cpu);
}

void
nohz_rebuild(struct kernel *k)
{
    struct nohz *nohz = &k->nohz;

    for_each_cpu (cpu, nohz->idle_cpus)
        if (k->domains->cpus[cpu].sd != NULL)
            llc_busy(k, cpu, false);
        else
            exit_idle(k, cpu);
    for_each_cpu (cpu, k->idle_cpus)
        if (!k->rqs[cpu].left && !cpumask_test(nohz->idle_cpus, (uint32_t)cpu))
            nohz_balance_enter_idle(k, &k->rqs[cpu]);
}

/* ---- kicks ---- */

/* A CPU that has been running since before this tick: one that ticks now. */
static bool
ticks_now(const struct kernel *k, const struct rq *rq)
{
    return rq->curr != NULL && rq->idle_left < k->engine.now && host_has_turn(k, rq) &&
           k->domains->cpus[rq->cpu].sd != NULL;
}

/* An idle CPU whose place in the order of CPUs is before that of the one that ticks. */
static bool
preferred_idle_cpu(const struct kernel *k, int cpu)
{
    const struct sched_domain *sd = k->domains->cpus[cpu].asym_packing;

    if (sd == NULL)
        return false;
    for (int i = cpumask_next_and(sd->span, k->nohz.idle_cpus, 0); i >= 0;
         i = cpumask_next_and(sd->span, k->nohz.idle_cpus, (uint32_t)i + 1))
        if (sched_asym(k, sd, i, cpu))
            return true;
    return false;
}

/* What a busy CPU asks at its tick, by itself. */
static bool
wants_kick(struct kernel *k, struct rq *rq)
{
    const struct cpu_domains *c = &k->domains->cpus[rq->cpu];

    if (rq->nr_running >= 2)
        return true;
    rq_catch_up(k, rq);
    if (rq->cfs.h_nr_queued >= 1 && check_cpu_capacity(k, rq, c->sd))
        return true;
    if (preferred_idle_cpu(k, rq->cpu))
        return true;
    if (c->asym_cpucapacity != NULL)
        return rq->misfit_task_load != 0;
    return c->llc_shared != NULL && c->llc_shared->nr_busy_cpus > 1;
}

static bool
overloaded_ticks(const struct kernel *k)
{
    if (k->nr_overloaded > 0)
        for_each_cpu (cpu, k->overloaded_cpus)
            if (ticks_now(k, &k->rqs[cpu]))
                return true;
    return false;
}

/* Does any busy CPU ask for a full kick? */
static bool
anybody_wants_kick(struct kernel *k)
{
    if (overloaded_ticks(k) || (k->nohz.nr_busy_llcs > 0 && !k->asym_cpucapacity))
        return true;
    if (!k->asym_cpucapacity && k->params.sched.asym_packing == ASYM_PACKING_OFF &&
        k->nr_reduced == 0)
        return false;
    for_each_cpu (cpu, k->machine->online)
        if (ticks_now(k, &k->rqs[cpu]) && wants_kick(k, &k->rqs[cpu]))
            return true;
    return false;
}

static void
kick_ilb(struct kernel *k, uint32_t flags)
{
    int cpu = cpumask_next_and(k->nohz.idle_cpus, k->idle_cpus, 0);

    if (flags & NOHZ_BALANCE_KICK)
        k->nohz.next_balance = jiffies(k) + 1;
    if (cpu < 0)
        return;
    k->rqs[cpu].nohz_flags |= (uint8_t)flags;
    charge(k, cpu, k->params.cost.ipi, CHARGE_IRQ);
    engine_at(&k->engine, &k->rqs[cpu].balance_ev, k->engine.now);
}

/* nohz_balancer_kick() for every CPU that ticks now. */
void
nohz_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct nohz *nohz = &k->nohz;
    uint64_t now = jiffies(k);
    uint32_t flags = 0;

    (void)ev;
    if (ext_switched_all(k))
        return;
    exit_ticked(k);
    if (nohz->nr_cpus > 0 && k->nr_idle < k->nr_online) {
        if (nohz->has_blocked && now > nohz->next_blocked)
            flags |= NOHZ_STATS_KICK;
        if (now >= nohz->next_balance && anybody_wants_kick(k))
            flags |= NOHZ_STATS_KICK | NOHZ_BALANCE_KICK;
        if (nohz->needs_update)
            flags |= NOHZ_NEXT_KICK;
        if (flags != 0)
            kick_ilb(k, flags);
    }
    arm(k);
}

/* ---- what the kicked CPU does ---- */

static bool
blocked_load_left(const struct rq *rq)
{
    list_for_each (node, &rq->leaf_cfs_rqs) {
        const struct cfs_rq *cfs = list_entry(node, struct cfs_rq, leaf_node);

        if (cfs->avg.load_avg != 0 || cfs->avg.util_avg != 0)
            return true;
    }
    return rq->cfs.avg.load_avg != 0 || rq->cfs.avg.util_avg != 0 || rq->avg_rt.util_avg != 0 ||
           rq->avg_dl.util_avg != 0 || rq->avg_irq.util_avg != 0;
}

/* Ages what tasks left behind on an idle CPU; true: some of it is left. */
static bool
update_nohz_stats(struct kernel *k, struct rq *rq)
{
    uint64_t now = jiffies(k);

    if (!rq->has_blocked_load)
        return false;
    if (now <= rq->last_blocked_update)
        return true;
    rq->last_blocked_update = now;
    sched_balance_update_blocked_averages(k, rq);
    update_other_load_avgs(k, rq);
    rq->has_blocked_load = blocked_load_left(rq);
    return rq->has_blocked_load;
}

/* One CPU's turn. True: some of its load is still fading. */
static bool
balance_for(struct kernel *k, struct rq *this_rq, struct rq *rq, uint32_t flags)
{
    bool blocked = flags & NOHZ_STATS_KICK && update_nohz_stats(k, rq);

    if (flags & NOHZ_BALANCE_KICK && jiffies(k) >= rq->next_balance)
        sched_balance_domains(k, this_rq->cpu, rq, CPU_IDLE);
    return blocked;
}

/* While one CPU has its turn the next one's queue is fetched, and the domains of the one before. */
static void
fetch_next(const struct kernel *k, int cpu)
{
    int next = cpumask_next_and(k->nohz.idle_cpus, k->idle_cpus, (uint32_t)cpu + 1);

    if (next < 0)
        return;
    fetch_lowest_domain(k, next);
    next = cpumask_next_and(k->nohz.idle_cpus, k->idle_cpus, (uint32_t)next + 1);
    if (next >= 0)
        fetch_rq(k, next);
}

/* All idle CPUs in turn, from the next one on, this one last. False: it got work and left off. */
static bool
balance_for_all(struct kernel *k, struct rq *this_rq, uint32_t flags, uint64_t *next, bool *blocked)
{
    uint32_t first = (uint32_t)this_rq->cpu + 1;
    int cpu = cpumask_next_and(k->nohz.idle_cpus, k->idle_cpus, first);

    for (bool wrapped = false;;
         cpu = cpumask_next_and(k->nohz.idle_cpus, k->idle_cpus, (uint32_t)cpu + 1)) {
        if (cpu < 0 && !wrapped) {
            wrapped = true;
            cpu = cpumask_next_and(k->nohz.idle_cpus, k->idle_cpus, 0);
        }
        if (cpu < 0 || (wrapped && (uint32_t)cpu >= first))
            return true;
        if (!idle_cpu(k, this_rq->cpu) && this_rq->need_resched)
            return false;
        if (unlikely(k->fetches))
            fetch_next(k, cpu);
        *blocked |= balance_for(k, this_rq, &k->rqs[cpu], flags);
        *next = SIM_MIN(*next, k->rqs[cpu].next_balance);
    }
}

void
nohz_idle_balance(struct kernel *k, struct rq *rq, uint32_t flags)
{
    struct nohz *nohz = &k->nohz;
    uint64_t now = jiffies(k), far = now + 60 * (uint64_t)k->params.sched.hz, next = far;
    bool blocked = false;

    if (flags & NOHZ_STATS_KICK)
        nohz->has_blocked = false;
    if (flags & NOHZ_NEXT_KICK)
        nohz->needs_update = false;
    if (balance_for_all(k, rq, flags, &next, &blocked)) {
        if (next < far)
            nohz->next_balance = next;
        if (flags & NOHZ_STATS_KICK)
            nohz->next_blocked = now + div_round_up_u64(32 * (uint64_t)k->params.sched.hz, 1000);
    } else {
        blocked |= flags & NOHZ_STATS_KICK;
        nohz->needs_update |= (flags & NOHZ_NEXT_KICK) != 0;
    }
    nohz->has_blocked |= blocked;
    arm(k);
}

/* A CPU that found nothing to pull has the time to age the load of idle CPUs. */
void
nohz_newidle_balance(struct kernel *k, struct rq *rq)
{
    if (rq->avg_idle < k->params.sched.migration_cost_ns || !k->nohz.has_blocked ||
        jiffies(k) < k->nohz.next_blocked || k->domains->cpus[rq->cpu].sd == NULL ||
        !k->params.sched.periodic_balance)
        return;
    nohz_idle_balance(k, rq, NOHZ_STATS_KICK);
}

/*
 * When to balance (sched-core.md 4.1).
 *
 * The tick looks whether the CPU's next pass is due; the softirq then goes through its domains, at
 * each level by that level's interval. Ticks between are not needed for this.
 */
#include "kernel/balance_impl.h"

#include "kernel/host_turns.h"
#include "kernel/load.h"

enum { LEAST_IDLE_COST = 500000 };

static void
init_nohz(struct kernel *k)
{
    struct nohz *nohz = &k->nohz;

    nohz->idle_cpus = cpumask_new(k->arena, k->machine->nr_cpus);
    nohz->leaving = cpumask_new(k->arena, k->machine->nr_cpus);
    nohz->next_balance = nohz->next_blocked = jiffies(k);
    event_init(&k->engine, &nohz->ev, EVENT_NOHZ, 0, PHASE_TICK, nohz_fire);
}

static void
llc_starts_busy(struct kernel *k, int cpu)
{
    const struct cpu_domains *c = &k->domains->cpus[cpu];

    if (c->llc_id != cpu)
        return;
    c->llc_shared->nr_busy_cpus = c->llc_size;
    k->nohz.nr_busy_llcs += c->llc_size > 1;
}

static void
domains_begin(struct kernel *k)
{
    uint64_t now = jiffies(k);

    for_each_cpu (cpu, k->machine->online) /* nobody is idle yet; then all are */
        if (k->domains->cpus[cpu].llc_shared != NULL)
            llc_starts_busy(k, cpu);
    for_each_cpu (cpu, k->machine->online)
        for_each_domain (sd, k->domains->cpus[cpu].sd) {
            sd->last_balance = sd->last_decay_max_lb_cost = now;
            set_balance_interval(k, sd, sd->balance_interval);
        }
}

void
balance_rebuild(struct kernel *k)
{
    k->nohz.nr_busy_llcs = 0;
    domains_begin(k);
    nohz_rebuild(k);
}

void
balance_init(struct kernel *k)
{
    k->lb_cpus = cpumask_new(k->arena, k->machine->nr_cpus);
    init_nohz(k);
    domains_begin(k);
    for_each_cpu (cpu, k->machine->online) {
        struct rq *rq = &k->rqs[cpu];

        rq->avg_idle = MSEC(1);
        rq->max_idle_balance_cost = LEAST_IDLE_COST;
        rq->idle_stamp = 1; /* idle since the start, and 0 says that it is not */
        nohz_balance_enter_idle(k, rq);
    }
}

/* ---- intervals ---- */

uint64_t
max_load_balance_interval(const struct kernel *k)
{
    return SIM_MAX((uint64_t)k->params.sched.hz * k->nr_online / 10, 1);
}

/* In jiffies; a busy CPU's is one short of a multiple, so that levels do not fall together. */
uint64_t
get_sd_balance_interval(const struct kernel *k, const struct sched_domain *sd, bool busy)
{
    uint64_t ms = (uint64_t)sd->balance_interval * (busy ? sd->busy_factor : 1);
    uint64_t j = div_round_up_u64(ms * k->params.sched.hz, 1000);

    return SIM_CLAMP(j - busy, 1, max_load_balance_interval(k));
}

void
set_balance_interval(struct kernel *k, struct sched_domain *sd, uint32_t ms)
{
    sd->balance_interval = ms;
    sd->idle_interval = (uint32_t)get_sd_balance_interval(k, sd, false);
}

/* ---- the softirq ---- */

static bool
cpu_busy(const struct kernel *k, const struct rq *rq, enum idle_type idle)
{
    (void)k;
    return idle != CPU_IDLE && !sched_idle_rq(rq);
}

static uint64_t
balance_interval(const struct kernel *k, const struct sched_domain *sd, bool busy)
{
    return busy ? get_sd_balance_interval(k, sd, true) : sd->idle_interval;
}

/* One level whose turn it may be; the lock of SD_SERIALIZE is always free. */
static uint64_t
balance_level(struct kernel *k, int cpu, struct rq *rq, struct sched_domain *sd,
              enum idle_type *idle, bool *go_on)
{
    bool busy = cpu_busy(k, rq, *idle);
    uint64_t now = jiffies(k), interval = balance_interval(k, sd, busy);

    if (now >= sd->last_balance + interval) {
        if (sched_balance_rq(k, cpu, rq, sd, *idle, go_on) > 0) {
            *idle = idle_cpu(k, rq->cpu) ? CPU_IDLE : CPU_NOT_IDLE;
            busy = cpu_busy(k, rq, *idle);
        }
        sd->last_balance = now;
        interval = balance_interval(k, sd, busy);
    }
    return sd->last_balance + interval;
}

void
sched_balance_domains(struct kernel *k, int cpu, struct rq *rq, enum idle_type idle)
{
    uint64_t next = jiffies(k) + 60 * (uint64_t)k->params.sched.hz, max_cost = 0;
    bool go_on = true, decayed = false, known = false;

    for_each_domain (sd, k->domains->cpus[rq->cpu].sd) {
        decayed = update_newidle_cost(k, sd, 0, 0);
        max_cost += sd->max_newidle_lb_cost;
        if (!go_on) {
            if (decayed)
                continue;
            break;
        }
        uint64_t due = balance_level(k, cpu, rq, sd, &idle, &go_on);
        if (due < next) {
            next = due;
            known = true;
        }
    }
    if (decayed) /* as the kernel has it: by the last level that was visited */
        rq->max_idle_balance_cost = SIM_MAX(k->params.sched.migration_cost_ns, max_cost);
    if (known)
        rq->next_balance = next;
}

void
balance_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct rq *rq = container_of(ev, struct rq, balance_ev);
    uint32_t flags = rq->nohz_flags;

    if (unlikely(k->host != NULL) && host_delays(k, rq, HOST_LATE_BALANCE))
        return;
    rq->nohz_flags = 0;
    if (flags != 0 && rq->nr_running == 0) {
        nohz_idle_balance(k, rq, flags);
    } else {
        sched_balance_update_blocked_averages(k, rq);
        update_other_load_avgs(k, rq);
        sched_balance_domains(k, rq->cpu, rq, rq->nr_running > 0 ? CPU_NOT_IDLE : CPU_IDLE);
    }
    tick_update(k, rq);
}

/* ---- the tick ---- */

void
balance_trigger(struct kernel *k, struct rq *rq)
{
    if (!k->params.sched.periodic_balance || k->domains->cpus[rq->cpu].sd == NULL)
        return;
    if (jiffies(k) >= rq->next_balance)
        engine_at(&k->engine, &rq->balance_ev, k->engine.now);
}

sim_time
balance_tick_due(const struct kernel *k, const struct rq *rq)
{
    if (!k->params.sched.periodic_balance || k->domains->cpus[rq->cpu].sd == NULL)
        return SIM_NEVER;
    return jiffy_time(k, rq->next_balance);
}

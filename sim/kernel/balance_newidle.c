/*
 * A CPU that runs dry pulls at once, one task (sched-core.md 4.5).
 *
 * Passes are tried as far as the CPU is likely to stay idle for longer than they cost; and, at each
 * level, as often as they lately were a success (NI_RANDOM). Intervals play no part in it.
 */
#include "kernel/balance_impl.h"

#include "kernel/ext.h"
#include "kernel/host_turns.h"
#include "kernel/load.h"

/* ---- what it costs, and whether it is worth it ---- */

static void
update_newidle_stats(struct sched_domain *sd, uint32_t success)
{
    sd->newidle_call++;
    sd->newidle_success += success;
    if (sd->newidle_call >= 1024) {
        sd->newidle_ratio = sd->newidle_success;
        sd->newidle_call /= 2;
        sd->newidle_success /= 2;
    }
}

bool
update_newidle_cost(struct kernel *k, struct sched_domain *sd, uint64_t cost, uint32_t success)
{
    uint64_t now = jiffies(k);

    if (cost > 0)
        update_newidle_stats(sd, success);
    if (cost > sd->max_newidle_lb_cost) {
        sd->max_newidle_lb_cost = cost;
        sd->last_decay_max_lb_cost = now;
    } else if (now > sd->last_decay_max_lb_cost + k->params.sched.hz) {
        sd->max_newidle_lb_cost = sd->max_newidle_lb_cost * 253 / 256;
        sd->last_decay_max_lb_cost = now;
        return true;
    }
    return false;
}

/* What a success counts as; 0: the dice say no, and that is a call without one. */
static uint32_t
ni_random(struct kernel *k, struct rq *rq, struct sched_domain *sd)
{
    if (!sched_feat(k, NI_RANDOM) || k->params.sched.kernel == KERNEL_6_12_0)
        return 1;
    uint32_t weight = 1 + sd->newidle_ratio;
    if ((uint32_t)(rng_u64(&rq->rng) % 1024) > weight) {
        update_newidle_stats(sd, 0);
        return 0;
    }
    return (1024 + weight / 2) / weight;
}

/* ---- the passes ---- */

/* From when on the CPU balances there as one that idles. */
static inline uint64_t
level_due(const struct sched_domain *sd)
{
    return sd->last_balance + sd->idle_interval;
}

/* Nothing in the domain could come here, and nothing is left of earlier passes that this one would
 * settle: it would have its cost and no other effect, and is left out. */
static bool
in_vain(const struct kernel *k, const struct sched_domain *sd)
{
    return !cpumask_intersects(sd->span, k->overloaded_cpus) && sd->nr_balance_failed == 0 &&
           (sd->parent == NULL || !sd->parent->groups->sgc->imbalance) &&
           !(sd->flags & (SD_ASYM_CPUCAPACITY | SD_ASYM_PACKING)) && !some_reduced(k, sd->span) &&
           jiffies(k) < sd->groups->sgc->next_update && !k->params.sched.schedstats;
}

/* Pulls from one domain after the other, if it may. *cost: of all passes; *elapsed: as the clock
 * of the CPU has it; *next: from now on the CPU balances as often as one that idles. */
static bool
pull(struct kernel *k, struct rq *rq, uint64_t *next, uint64_t *cost, uint64_t *elapsed)
{
    bool pulled = false, go_on = true;

    for_each_domain (sd, k->domains->cpus[rq->cpu].sd) {
        *next = SIM_MIN(*next, level_due(sd));
        if (rq->avg_idle < *elapsed + sd->max_newidle_lb_cost)
            break;
        if (sd->flags & SD_BALANCE_NEWIDLE && k->params.sched.newidle_balance) {
            uint32_t weight = ni_random(k, rq, sd);
            if (weight == 0)
                continue;
            uint64_t pass = k->params.cost.balance_per_cpu * sd->span_weight;
            if (!in_vain(k, sd))
                pulled = sched_balance_rq(k, rq->cpu, rq, sd, CPU_NEWLY_IDLE, &go_on) > 0;
            else if (sd->parent == NULL)
                k->rd_overloaded = false;
            *cost += pass;
            if (unlikely(k->host != NULL))
                pass = host_elapsed(k, pass);
            *elapsed += pass;
            update_newidle_cost(k, sd, pass, pulled ? weight : 0);
        }
        if (pulled || !go_on)
            break;
    }
    return pulled;
}

/* True: it did look. */
static bool
look_around(struct kernel *k, struct rq *rq)
{
    const struct sched_domain *bottom = k->domains->cpus[rq->cpu].sd;
    uint64_t next = jiffies(k) + k->params.sched.hz, cost = 0, elapsed = 0;

    bool looks = bottom != NULL && k->rd_overloaded && rq->avg_idle >= bottom->max_newidle_lb_cost;

    if (bottom == NULL)
        return false;
    if (!looks) {
        next = SIM_MIN(next, level_due(bottom));
    } else {
        sched_balance_update_blocked_averages(k, rq);
        update_other_load_avgs(k, rq);
        pull(k, rq, &next, &cost, &elapsed);
        if (cost > 0)
            charge(k, rq->cpu, cost, CHARGE_SOFTIRQ);
        rq->max_idle_balance_cost = SIM_MAX(rq->max_idle_balance_cost, elapsed);
    }
    rq->next_balance = SIM_MIN(rq->next_balance, next);
    return looks;
}

bool
sched_balance_newidle(struct kernel *k, struct rq *rq)
{
    update_misfit_status(k, NULL, rq);
    rq->idle_stamp = SIM_MAX(k->engine.now, 1);
    bool looked = look_around(k, rq);
    bool found = rq->nr_running > 0;
    /* ext tasks that wait are seen by who has looked only, although there may be nothing to pick */
    if (unlikely(k->scx != NULL) && ext_is_on(k))
        found = rq->cfs.nr_queued > 0 || (looked && found);
    if (found)
        rq->idle_stamp = 0;
    else
        nohz_newidle_balance(k, rq);
    return found;
}

/* ---- how long CPUs stay idle ---- */

void
update_avg_idle(struct kernel *k, struct rq *rq)
{
    if (rq->idle_stamp == 0)
        return;
    int64_t idle = (int64_t)(k->engine.now - rq->idle_stamp);

    rq->avg_idle = (uint64_t)((int64_t)rq->avg_idle + (idle - (int64_t)rq->avg_idle) / 8);
    rq->avg_idle = SIM_MIN(rq->avg_idle, 2 * rq->max_idle_balance_cost);
    rq->idle_stamp = 0;
}

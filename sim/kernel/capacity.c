/*
 * What CPUs and groups have to give to fair tasks (sched-core.md 1.6).
 *
 * A CPU has its own capacity less what real-time and deadline tasks used lately, scaled by what
 * interrupts left. A group has the sum. As in the kernel, only the group of the CPU that balances
 * is summed anew, and only from what lower levels last found; a sum whose parts have not changed
 * since is left as it is.
 *
 * Interrupt time is added to avg_irq in portions of a PELT period, since interrupts are many; the
 * kernel adds it whenever a clock is read. Both take the whole portion to lie at its end.
 */
#include "kernel/balance_impl.h"

#include "kernel/deadline.h"
#include "kernel/load.h"
#include "kernel/rt.h"

/* No domain's imbalance_pct is less: a capacity that passes with it passes everywhere. */
enum { LEAST_PCT = 110 };

/* ---- what others use ---- */

void
update_irq_load_avg(struct kernel *k, struct rq *rq)
{
    uint64_t now = k->engine.now, stolen = rq->irq_pending * rq->capacity_orig / 1024;
    uint64_t last = rq->avg_irq.last_update_time;

    rq->irq_pending = 0;
    if (now <= last)
        return;
    stolen = SIM_MIN(stolen, now - last); /* work that is charged ahead lies beyond now */
    pelt_update_util(&rq->avg_irq, now - stolen, false);
    if (stolen > 0)
        pelt_update_util(&rq->avg_irq, now, true);
}

void
update_higher_load_avgs(struct kernel *k, struct rq *rq)
{
    const struct sched_class *class = rq->curr != NULL ? rq->curr->class : NULL;

    update_rt_rq_load_avg(k, rq, class == &rt_sched_class);
    update_dl_rq_load_avg(k, rq, class == &dl_sched_class);
}

/* ---- of CPUs ---- */

static uint64_t
scale_rt_capacity(const struct rq *rq)
{
    uint64_t max = rq->capacity_orig, irq = rq->avg_irq.util_avg;
    uint64_t used = (uint64_t)rq->avg_rt.util_avg + rq->avg_dl.util_avg;

    if (irq >= max || used >= max)
        return 1;
    return SIM_MAX((max - used) * (max - irq) / max, 1);
}

bool
check_cpu_capacity(const struct kernel *k, const struct rq *rq, const struct sched_domain *sd)
{
    (void)k;
    return rq->cpu_capacity * sd->imbalance_pct < (uint64_t)rq->capacity_orig * 100;
}

static void
note_reduced(struct kernel *k, int cpu, bool reduced)
{
    if (reduced == cpumask_test(k->reduced_cpus, (uint32_t)cpu))
        return;
    if (reduced)
        cpumask_set(k->reduced_cpus, (uint32_t)cpu);
    else
        cpumask_clear(k->reduced_cpus, (uint32_t)cpu);
    k->nr_reduced += reduced ? 1 : -1u;
}

static void
update_cpu_capacity(struct kernel *k, struct sched_domain *sd, int cpu)
{
    struct rq *rq = &k->rqs[cpu];
    struct sched_group_capacity *sgc = sd->groups->sgc;
    uint64_t capacity = scale_rt_capacity(rq), whole = k->machine->cpus[cpu].capacity;

    if (rq->cpu_capacity == capacity && sgc->capacity == capacity)
        return;
    rq_catch_up(k, rq); /* ticks so far asked what fits the capacity of before */
    note_reduced(k, cpu, capacity * LEAST_PCT < whole * 100);
    rq->cpu_capacity = capacity;
    sgc->capacity = sgc->min_capacity = sgc->max_capacity = capacity;
    k->capacity_changes++;
    sums_update(k, rq);
}

/* ---- of groups ---- */

static void
add_capacity(struct sched_group_capacity *sum, uint64_t capacity, uint64_t least, uint64_t most)
{
    sum->capacity += capacity;
    sum->min_capacity = SIM_MIN(sum->min_capacity, least);
    sum->max_capacity = SIM_MAX(sum->max_capacity, most);
}

void
update_group_capacity(struct kernel *k, struct sched_domain *sd, int cpu)
{
    const struct sched_domain *child = sd->child;
    struct sched_group_capacity sum = { .min_capacity = UINT64_MAX }, *sgc = sd->groups->sgc;
    uint64_t interval = div_round_up_u64((uint64_t)sd->balance_interval * k->params.sched.hz, 1000);

    sgc->next_update = jiffies(k) + SIM_CLAMP(interval, 1, max_load_balance_interval(k));
    if (child == NULL) {
        update_cpu_capacity(k, sd, cpu);
        return;
    }
    if (sgc->changes_seen == k->capacity_changes)
        return;
    if (child->flags & SD_OVERLAP) {
        for_each_cpu (i, sd->groups->span)
            add_capacity(&sum, k->rqs[i].cpu_capacity, k->rqs[i].cpu_capacity,
                         k->rqs[i].cpu_capacity);
    } else {
        for_each_group(sg, child->groups)
            add_capacity(&sum, sg->sgc->capacity, sg->sgc->min_capacity, sg->sgc->max_capacity);
    }
    if (sum.capacity != sgc->capacity || sum.min_capacity != sgc->min_capacity ||
        sum.max_capacity != sgc->max_capacity)
        k->capacity_changes++;
    sgc->capacity = sum.capacity;
    sgc->min_capacity = sum.min_capacity;
    sgc->max_capacity = sum.max_capacity;
    sgc->changes_seen = k->capacity_changes;
}

/* ---- unequal CPUs ---- */

/* The largest CPU that p may use. */
static uint64_t
max_allowed_capacity(const struct kernel *k, const struct task *p)
{
    uint64_t most = 0;

    for_each_cpu (cpu, p->allowed)
        most = SIM_MAX(most, k->machine->cpus[cpu].capacity);
    return most;
}

void
see_misfit(struct kernel *k, struct task *p, struct rq *rq, sim_time when)
{
    uint64_t before = rq->misfit_task_load, now = 0;

    if (k->domains->cpus[rq->cpu].asym_cpucapacity == NULL)
        return;
    if (p != NULL && p->nr_allowed > 1 &&
        k->machine->cpus[rq->cpu].capacity != max_allowed_capacity(k, p) &&
        !fits_capacity(task_util_est(&p->se.avg), capacity_of(rq)))
        now = SIM_MAX(task_h_load_at(k, p, when), 1);
    rq->misfit_task_load = now;
    if (now != before)
        sums_update(k, rq);
}

/* Priorities of SD_ASYM_PACKING: by capacity or by number, lower numbers first. */
bool
sched_asym_prefer(const struct kernel *k, int a, int b)
{
    uint32_t of_a = k->machine->cpus[a].capacity, of_b = k->machine->cpus[b].capacity;

    if (k->params.sched.asym_packing == ASYM_PACKING_CAPACITY)
        return of_a > of_b;
    return a < b;
}

int
asym_prefer_cpu(const struct kernel *k, const struct cpumask *span)
{
    int best = -1;

    if (k->params.sched.asym_packing != ASYM_PACKING_OFF)
        for_each_cpu (cpu, span)
            if (best < 0 || sched_asym_prefer(k, cpu, best))
                best = cpu;
    return best;
}

bool
sched_use_asym_prio(const struct kernel *k, const struct sched_domain *sd, int cpu)
{
    if (!(sd->flags & SD_ASYM_PACKING))
        return false;
    if (!k->smt_active)
        return true;
    return sd->flags & SD_SHARE_CPUCAPACITY || is_core_idle(k, cpu);
}

bool
sched_asym(const struct kernel *k, const struct sched_domain *sd, int dst_cpu, int src_cpu)
{
    return sched_use_asym_prio(k, sd, dst_cpu) && sched_asym_prefer(k, dst_cpu, src_cpu);
}

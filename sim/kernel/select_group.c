/*
 * The group of a domain to which a new or exec'ing task goes (sched_balance_find_dst_group;
 * sched-core.md 3.4): the idlest one, if it is so much idler than the local one that leaving pays.
 */
#include "kernel/select.h"

/* ---- statistics ---- */

/* 6.12.117 counts only the CPUs that p may use. */
static bool
counts_all_cpus(const struct kernel *k, const struct task *p)
{
    return p->nr_allowed == k->nr_online || k->params.sched.kernel == KERNEL_6_12_0;
}

/* p's own part: an exec'ing task is queued, a new one is not. */
static void
add_cpu(struct kernel *k, const struct task *p, int cpu, struct dst_stats *s)
{
    struct rq *rq = &k->rqs[cpu];
    uint32_t own = p->cpu == cpu && p->on_rq;

    s->load += cpu_load_without(k, rq, p);
    s->util += cpu_util_without(k, rq, p);
    s->runnable += cpu_runnable_without(k, rq, p);
    s->h_nr_running += rq->cfs.h_nr_queued - own;
    s->nr_running += rq->nr_running - own;
    s->idle_cpus += rq->nr_running == own;
}

static void
add_cpus(struct kernel *k, const struct sched_group *sg, const struct task *p, struct dst_stats *s)
{
    for (int cpu = cpumask_next_and(sg->span, p->allowed, 0); cpu >= 0;
         cpu = cpumask_next_and(sg->span, p->allowed, (uint32_t)cpu + 1))
        add_cpu(k, p, cpu, s);
}

/* Where all CPUs count, the sums that are kept anyway, less p's own part. */
static void
add_sums(struct kernel *k, struct sched_group *sg, const struct task *p, struct dst_stats *s)
{
    struct cpu_sums total;

    sums_catch_up(k, sg, jiffies(k));
    const struct cpu_sums *sums = group_sums(k, sg, &total);

    s->load = sums->load;
    s->util = sums->util;
    s->runnable = sums->runnable;
    s->h_nr_running = sums->h_nr_queued;
    s->nr_running = sums->nr_running;
    s->idle_cpus = sums->idle_cpus;
    if (!p->on_rq || !cpumask_test(sg->span, (uint32_t)p->cpu))
        return;
    struct rq *rq = &k->rqs[p->cpu];

    s->load -= cpu_load(k, rq) - cpu_load_without(k, rq, p);
    s->util -= cpu_util_cfs(k, rq) - cpu_util_without(k, rq, p);
    s->runnable -= cpu_runnable(k, rq) - cpu_runnable_without(k, rq, p);
    s->h_nr_running--;
    s->nr_running--;
    s->idle_cpus += rq->nr_running == 1;
}

/* Whoever forks a task without a parent runs on a CPU, and is not simulated. */
static void
add_unseen_parent(const struct kernel *k, struct dst_stats *s)
{
    if (k->forker < 0 || !runs_unseen_parent(k, k->forker) ||
        !cpumask_test(s->group->span, (uint32_t)k->forker))
        return;
    s->nr_running++;
    s->idle_cpus -= s->idle_cpus > 0;
    s->load += UNSEEN_PARENT_LOAD;
}

/* Where CPUs differ: p fits on none of those that it may use. */
static bool
fits_nowhere(const struct kernel *k, const struct sched_group *sg, const struct task *p)
{
    for (int cpu = cpumask_next_and(sg->span, p->allowed, 0); cpu >= 0;
         cpu = cpumask_next_and(sg->span, p->allowed, (uint32_t)cpu + 1))
        if (fits_capacity(wakee_util(p), capacity_of(&k->rqs[cpu])))
            return false;
    return true;
}

static bool
has_capacity(const struct dst_stats *s, uint32_t pct)
{
    if (s->nr_running < s->weight)
        return true;
    return s->capacity * pct >= s->runnable * 100 && s->capacity * 100 > s->util * pct;
}

static bool
is_overloaded(const struct dst_stats *s, uint32_t pct)
{
    return s->nr_running > s->weight &&
           (s->capacity * 100 < s->util * pct || s->capacity * pct < s->runnable * 100);
}

enum dst_type
dst_classify(const struct dst_stats *s, uint32_t imbalance_pct)
{
    if (is_overloaded(s, imbalance_pct))
        return DST_OVERLOADED;
    if (s->group->sgc->imbalance)
        return DST_IMBALANCED;
    if (s->misfit)
        return DST_MISFIT_TASK;
    return has_capacity(s, imbalance_pct) ? DST_HAS_SPARE : DST_FULLY_BUSY;
}

void
update_sg_wakeup_stats(struct kernel *k, const struct sched_domain *sd, struct sched_group *sg,
                       const struct task *p, struct dst_stats *s)
{
    *s = (struct dst_stats){ .group = sg, .weight = sg->weight, .capacity = sg->sgc->capacity };
    if (counts_all_cpus(k, p))
        add_sums(k, sg, p, s);
    else
        add_cpus(k, sg, p, s);
    add_unseen_parent(k, s);
    s->misfit = sd->flags & SD_ASYM_CPUCAPACITY && fits_nowhere(k, sg, p);
    s->type = dst_classify(s, sd->imbalance_pct);
    if (s->type == DST_FULLY_BUSY || s->type == DST_OVERLOADED)
        s->avg_load = s->load * 1024 / s->capacity;
}

/* ---- the idlest group ---- */

/* The search begins with an overloaded group of a load that no group has. */
static const struct dst_stats no_group = { .type = DST_OVERLOADED, .avg_load = UINT32_MAX };

static bool
update_pick_idlest(const struct dst_stats *idlest, const struct dst_stats *s)
{
    if (s->type != idlest->type)
        return s->type < idlest->type;
    switch (s->type) {
    case DST_OVERLOADED:
    case DST_FULLY_BUSY:
        return s->avg_load < idlest->avg_load;
    case DST_MISFIT_TASK:
        return s->group->sgc->max_capacity > idlest->group->sgc->max_capacity;
    case DST_IMBALANCED:
        return false;
    case DST_HAS_SPARE:
        break;
    }
    if (s->idle_cpus != idlest->idle_cpus)
        return s->idle_cpus > idlest->idle_cpus;
    return s->util < idlest->util;
}

/* ---- does leaving pay? Both groups are of one type ---- */

static bool
less_loaded(const struct sched_domain *sd, const struct dst_stats *local,
            const struct dst_stats *idlest)
{
    uint64_t imbalance = 1024u * (sd->imbalance_pct - 100) / 100;

    if (sd->flags & SD_NUMA && idlest->avg_load + imbalance >= local->avg_load)
        return false;
    return idlest->avg_load < local->avg_load + imbalance &&
           100 * local->avg_load > sd->imbalance_pct * idlest->avg_load;
}

uint32_t
allowed_in(const struct task *p, const struct cpumask *span)
{
    uint32_t n = 0;

    for (uint32_t i = span->first_word; i < span->end_word; i++)
        n += (uint32_t)__builtin_popcountll(span->bits[i] & p->allowed->bits[i]);
    return n;
}

/* A small imbalance is tolerated while the local side runs few tasks. */
uint32_t
adjust_numa_imbalance(uint32_t imbalance, uint32_t dst_running, uint32_t imb_numa_nr)
{
    if (dst_running > imb_numa_nr)
        return imbalance;
    return imbalance <= 2 ? 0 : imbalance;
}

static bool
numa_imbalance(const struct sched_domain *sd, const struct task *p, const struct dst_stats *local,
               const struct dst_stats *idlest)
{
    uint32_t nr = SIM_MIN(sd->imb_numa_nr, allowed_in(p, local->group->span));
    uint32_t imbalance = local->idle_cpus > idlest->idle_cpus
                             ? local->idle_cpus - idlest->idle_cpus
                             : idlest->idle_cpus - local->idle_cpus;

    return adjust_numa_imbalance(imbalance, local->nr_running + 1, nr) != 0;
}

static bool
has_more_spare(const struct kernel *k, const struct sched_domain *sd, const struct task *p,
               int this_cpu, const struct dst_stats *local, const struct dst_stats *idlest)
{
    int preferred = preferred_node(p);

    if (sd->flags & SD_NUMA) {
        if (k->rqs[this_cpu].node == preferred)
            return false;
        if (k->rqs[cpumask_first(idlest->group->span)].node == preferred)
            return true;
        if (!numa_imbalance(sd, p, local, idlest))
            return false;
    }
    return local->idle_cpus < idlest->idle_cpus;
}

static bool
worth_leaving(const struct kernel *k, const struct sched_domain *sd, const struct task *p,
              int this_cpu, const struct dst_stats *local, const struct dst_stats *idlest)
{
    switch (local->type) {
    case DST_OVERLOADED:
    case DST_FULLY_BUSY:
        return less_loaded(sd, local, idlest);
    case DST_MISFIT_TASK:
        return local->group->sgc->max_capacity < idlest->group->sgc->max_capacity;
    case DST_HAS_SPARE:
        return has_more_spare(k, sd, p, this_cpu, local, idlest);
    case DST_IMBALANCED:
        break;
    }
    return false;
}

struct sched_group *
sched_balance_find_dst_group(struct kernel *k, const struct sched_domain *sd, const struct task *p,
                             int this_cpu)
{
    struct dst_stats local = { .group = NULL }, idlest = no_group;
    uint32_t index = 0;

    for_each_group(sg, sd->groups)
    {
        bool is_local = cpumask_test(sg->span, (uint32_t)this_cpu);
        struct dst_stats s;

        index++;
        if (!cpumask_intersects(sg->span, p->allowed))
            continue;
        update_sg_wakeup_stats(k, sd, sg, p, &s);
        if (probe_wants(k, k->select_kind))
            probe_dst_group(k, sd, &s, index - 1, is_local);
        if (is_local)
            local = s;
        else if (update_pick_idlest(&idlest, &s))
            idlest = s;
    }
    if (probe_wants(k, k->select_kind))
        probe_dst_domain(k, sd, p, this_cpu, local.group);
    if (idlest.group == NULL || local.group == NULL)
        return idlest.group;
    if (local.type != idlest.type)
        return local.type < idlest.type ? NULL : idlest.group;
    return worth_leaving(k, sd, p, this_cpu, &local, &idlest) ? idlest.group : NULL;
}

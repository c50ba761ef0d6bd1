/*
 * Statistics of groups, their types, and which of them is the busiest (sched-core.md 4.3).
 *
 * Counts of tasks decide most of it, and those are kept. Averages are asked for only where a rule
 * reads them: bringing them up to date costs something for each CPU whose ticks are not simulated.
 */
#include "kernel/balance_impl.h"

#include "kernel/load.h"

/* ---- sums ---- */

/* A pass that leaves out CPUs adds up what is left. */
static const struct cpu_sums *
scan_group(const struct lb_env *env, const struct sched_group *sg, struct cpu_sums *total)
{
    *total = (struct cpu_sums){ 0 };
    for (int cpu = cpumask_next_and(sg->span, env->cpus, 0); cpu >= 0;
         cpu = cpumask_next_and(sg->span, env->cpus, (uint32_t)cpu + 1)) {
        rq_catch_up(env->k, &env->k->rqs[cpu]);
        sums_flush(env->k);
        sums_add(total, &env->k->cpu_sums[cpu]);
    }
    return total;
}

static const struct cpu_sums *
group_counts(const struct lb_env *env, const struct sched_group *sg, struct cpu_sums *total)
{
    if (unlikely(env->left_out != NULL))
        return scan_group(env, sg, total);
    return group_sums(env->k, sg, total);
}

const struct cpu_sums *
group_loads_slow(const struct lb_env *env, const struct sched_group *sg, struct cpu_sums *total)
{
    if (env->left_out == NULL && (sg->sums == NULL || sg->sums->caught_up != env->jiffy))
        sums_catch_up(env->k, sg, env->jiffy);
    return group_counts(env, sg, total);
}

/* ---- types ---- */

static bool
group_has_capacity(uint32_t pct, const struct sg_lb_stats *s)
{
    if (s->sums->nr_running < s->weight)
        return true;
    if (s->capacity * pct < s->sums->runnable * 100)
        return false;
    return s->capacity * 100 > s->sums->util * pct;
}

static bool
group_is_overloaded(uint32_t pct, uint64_t capacity, uint32_t weight, const struct cpu_sums *s)
{
    if (s->nr_running <= weight)
        return false;
    return capacity * 100 < s->util * pct || capacity * pct < s->runnable * 100;
}

static enum group_type
group_classify(uint32_t pct, const struct sg_lb_stats *s)
{
    if (group_is_overloaded(pct, s->capacity, s->weight, s->sums))
        return GROUP_OVERLOADED;
    if (s->group->sgc->imbalance)
        return GROUP_IMBALANCED;
    if (s->asym_packing)
        return GROUP_ASYM_PACKING;
    if (s->smt_balance)
        return GROUP_SMT_BALANCE;
    if (s->misfit_load != 0)
        return GROUP_MISFIT_TASK;
    return group_has_capacity(pct, s) ? GROUP_HAS_SPARE : GROUP_FULLY_BUSY;
}

/* The largest load that is worth moving because its CPU is too small for it, or was made so. */
static uint64_t
misfit_load(const struct lb_env *env, const struct sg_lb_stats *s)
{
    bool asym = env->sd->flags & SD_ASYM_CPUCAPACITY;
    uint64_t most = 0;

    if (asym ? s->sums->nr_misfit == 0 : env->idle == CPU_NOT_IDLE || s->sums->nr_reduced == 0)
        return 0;
    const struct cpumask *some = asym ? env->cpus : env->k->reduced_cpus;
    for (int cpu = cpumask_next_and(s->group->span, some, 0); cpu >= 0;
         cpu = cpumask_next_and(s->group->span, some, (uint32_t)cpu + 1)) {
        struct rq *rq = &env->k->rqs[cpu];

        if (rq->nr_running == 0 || !cpumask_test(env->cpus, (uint32_t)cpu))
            continue;
        if (asym)
            most = SIM_MAX(most, rq->misfit_task_load);
        else if (rq->cfs.h_nr_queued == 1 && check_cpu_capacity(env->k, rq, env->sd))
            most = SIM_MAX(most, cpu_load(env->k, rq));
    }
    return most;
}

/* The CPU that pulls is idle and preferred to this group (sched_group_asym). */
static bool
group_asym(const struct lb_env *env, const struct sg_lb_stats *s)
{
    const struct sched_group *sg = s->group;

    if (env->idle == CPU_NOT_IDLE || s->sums->h_nr_queued == 0)
        return false;
    if (sg->flags & SD_SHARE_CPUCAPACITY && s->weight - s->idle_cpus != 1)
        return false;
    return sched_asym(env->k, env->sd, env->dst->cpu, sg->asym_prefer_cpu);
}

/* The group of dst; where groups overlap several have it, and the last of them counts. */
static inline bool
is_local(const struct lb_env *env, const struct sched_group *sg)
{
    if (sg->nodes != 0)
        return sg->nodes & NODE_BIT(env->dst->node);
    return sg == env->sd->groups;
}

/* Before anything that averages decide: does some rule read them? */
static bool
needs_averages(const struct lb_env *env, const struct sg_lb_stats *s)
{
    return s->sums->nr_running >= s->weight || env->sd->flags & SD_ASYM_CPUCAPACITY ||
           s->sums->nr_reduced > 0 || probe_wants(env->k, DECISION_BALANCE_GROUP);
}

static void
update_sg_lb_stats(const struct lb_env *env, struct sched_group *sg, bool local,
                   struct sg_lb_stats *s)
{
    s->group = sg;
    s->weight = sg->weight;
    s->capacity = sg->sgc->capacity;
    s->avg_load = s->misfit_load = 0;
    if (needs_averages(env, s))
        s->sums = group_loads(env, sg, &s->total);
    s->idle_cpus = s->sums->idle_cpus;
    /* who runs dry has not gone idle yet, and counts for neither */
    if (env->idle == CPU_NEWLY_IDLE && s->idle_cpus > 0 && env->dst->nr_running == 0 &&
        is_local(env, sg))
        s->idle_cpus--;
    if (!local)
        s->misfit_load = misfit_load(env, s);
    s->asym_packing = !local && env->sd->flags & SD_ASYM_PACKING && group_asym(env, s);
    s->smt_balance = !local && env->idle != CPU_NOT_IDLE && sg->flags & SD_SHARE_CPUCAPACITY &&
                     s->sums->h_nr_queued > 1;
    s->type = group_classify(env->sd->imbalance_pct, s);
    if (s->type == GROUP_OVERLOADED)
        s->avg_load = s->sums->load * 1024 / s->capacity;
}

/* ---- the busiest ---- */

static bool
busier_has_spare(const struct sg_lb_stats *s, const struct sg_lb_stats *best)
{
    if (s->idle_cpus != best->idle_cpus)
        return s->idle_cpus < best->idle_cpus;
    return s->sums->nr_running > best->sums->nr_running;
}

static bool
busier_of_same_type(const struct lb_env *env, const struct sg_lb_stats *s,
                    const struct sg_lb_stats *best)
{
    bool smt = s->group->flags & SD_SHARE_CPUCAPACITY;
    bool best_smt = best->group->flags & SD_SHARE_CPUCAPACITY;

    switch (s->type) {
    case GROUP_OVERLOADED:
        return s->avg_load > best->avg_load;
    case GROUP_IMBALANCED:
        return false;
    case GROUP_ASYM_PACKING:
        return sched_asym_prefer(env->k, best->group->asym_prefer_cpu, s->group->asym_prefer_cpu);
    case GROUP_MISFIT_TASK:
        return s->misfit_load > best->misfit_load;
    case GROUP_SMT_BALANCE:
        if (s->idle_cpus != 0 || best->idle_cpus != 0)
            return busier_has_spare(s, best);
        return !best_smt;
    case GROUP_FULLY_BUSY:
        return !best_smt;
    case GROUP_HAS_SPARE:
        if (smt != best_smt)
            return !(smt && s->sums->h_nr_queued <= 1);
        return busier_has_spare(s, best);
    }
    return false;
}

/* Unequal CPUs: neither misfits that we cannot help, nor tasks that would only get less. */
static bool
asym_unhelpful(const struct lb_env *env, const struct sd_lb_stats *sds, const struct sg_lb_stats *s)
{
    uint64_t here = capacity_of(env->dst);
    const struct sg_lb_stats *l = sds->local;

    if (!(env->sd->flags & SD_ASYM_CPUCAPACITY))
        return false;
    if (s->type == GROUP_MISFIT_TASK)
        return !env->dst_core_idle || !capacity_greater(here, s->group->sgc->max_capacity) ||
               (l->group != NULL && l->type != GROUP_HAS_SPARE);
    return s->type <= GROUP_FULLY_BUSY && capacity_greater(s->group->sgc->min_capacity, here);
}

/* Is s a better place to pull from than the best so far? */
static bool
update_sd_pick_busiest(const struct lb_env *env, const struct sd_lb_stats *sds,
                       const struct sg_lb_stats *s)
{
    const struct sg_lb_stats *best = sds->busiest;

    if (s->sums->h_nr_queued == 0 || asym_unhelpful(env, sds, s))
        return false;
    if (best->group == NULL) /* the worst there could be: nothing but idle CPUs */
        return true;
    if (s->type != best->type)
        return s->type > best->type;
    return busier_of_same_type(env, s, best);
}

/* Tasks without a preferred node, tasks away from it, or none of those. */
static enum fbq_type
fbq_classify_group(const struct cpu_sums *s)
{
    if (s->h_nr_queued > s->nr_numa_running)
        return FBQ_REGULAR;
    return s->h_nr_queued > s->nr_preferred_running ? FBQ_REMOTE : FBQ_ALL;
}

/* ---- the domain ---- */

uint32_t
idle_cpus_to_scan(uint64_t sum_util, uint32_t llc_weight, uint32_t imbalance_pct)
{
    uint64_t x = sum_util / llc_weight;
    uint64_t used = x * x * imbalance_pct * imbalance_pct / ((uint64_t)10000 * 1024);

    return (uint32_t)((1024 - SIM_MIN(used, 1024)) * llc_weight / 1024);
}

/* Of all CPUs of the domain; single ones are asked themselves. */
static uint64_t
domain_util(const struct lb_env *env)
{
    struct cpu_sums total;
    uint64_t util = 0;

    if (env->sd->of_cpus && env->left_out == NULL)
        for_each_cpu (cpu, env->sd->span)
            util += cpu_util_cfs(env->k, &env->k->rqs[cpu]);
    else
        for_each_group(sg, env->sd->groups) util += group_loads(env, sg, &total)->util;
    return util;
}

void
update_idle_cpu_scan(const struct lb_env *env)
{
    const struct cpu_domains *c = &env->k->domains->cpus[env->dst->cpu];

    if (!sched_feat(env->k, SIS_UTIL) || env->sd->span_weight != c->llc_size ||
        c->llc_shared == NULL)
        return;
    c->llc_shared->nr_idle_scan =
        idle_cpus_to_scan(domain_util(env), c->llc_size, env->sd->imbalance_pct);
}

static void
swap_stats(struct sg_lb_stats **a, struct sg_lb_stats **b)
{
    struct sg_lb_stats *t = *a;

    *a = *b;
    *b = t;
}

static void
probe_group(struct kernel *k, const struct sg_lb_stats *s, bool local)
{
    int32_t id = s->group->first_cpu;

    probe_candidate(k, local ? "local_group_of_cpu" : "group_of_cpu", id, s->type);
    probe_input_of(k, "nr_running_of_cpu", id, s->sums->nr_running);
    probe_input_of(k, "h_nr_queued_of_cpu", id, s->sums->h_nr_queued);
    probe_input_of(k, "idle_cpus_of_cpu", id, s->idle_cpus);
    probe_input_of(k, "weight_of_cpu", id, s->weight);
    probe_input_of(k, "cores_of_cpu", id, s->group->cores);
    probe_input_of(k, "flags_of_cpu", id, s->group->flags);
    probe_input_of(k, "capacity_of_cpu", id, (int64_t)s->capacity);
    probe_input_of(k, "load_of_cpu", id, (int64_t)s->sums->load);
    probe_input_of(k, "util_of_cpu", id, (int64_t)s->sums->util);
    probe_input_of(k, "runnable_of_cpu", id, (int64_t)s->sums->runnable);
    probe_input_of(k, "misfit_load_of_cpu", id, (int64_t)s->misfit_load);
    probe_input_of(k, "imbalance_of_cpu", id, s->group->sgc->imbalance);
}

static void
look_at_group(struct lb_env *env, struct sd_lb_stats *sds, struct sched_group *sg,
              struct sg_lb_stats **spare)
{
    struct sg_lb_stats *s = *spare;
    bool local = is_local(env, sg), probing = probe_wants(env->k, DECISION_BALANCE_GROUP);

    if (local && (env->idle != CPU_NEWLY_IDLE || env->jiffy >= sg->sgc->next_update))
        update_group_capacity(env->k, env->sd, env->dst->cpu);
    s->sums = group_counts(env, sg, &s->total);
    if (!local && s->sums->h_nr_queued == 0 && !probing)
        return; /* nothing to pull */
    update_sg_lb_stats(env, sg, local, s);
    sds->misfit |= s->misfit_load != 0;
    if (probing)
        probe_group(env->k, s, local);
    if (local)
        swap_stats(&sds->local, spare);
    else if (update_sd_pick_busiest(env, sds, s))
        swap_stats(&sds->busiest, spare);
}

static struct sg_lb_stats *
begin_stats(struct sd_lb_stats *sds)
{
    sds->local = &sds->slots[0];
    sds->busiest = &sds->slots[1];
    sds->local->group = sds->busiest->group = NULL;
    sds->prefer_sibling = sds->misfit = false;
    return &sds->slots[2];
}

/* Counts alone tell what most groups are: nothing is special about these CPUs, and nobody wants to
 * see every group. */
static bool
counts_tell(const struct lb_env *env)
{
    return env->left_out == NULL && !(env->sd->flags & (SD_ASYM_CPUCAPACITY | SD_ASYM_PACKING)) &&
           !probe_wants(env->k, DECISION_BALANCE_GROUP);
}

/* A group with more tasks than CPUs: overloaded, or what a group is that is not. Against one that
 * is overloaded its load alone may tell. */
static inline bool
crowded_cannot_be_busiest(const struct lb_env *env, const struct sg_lb_stats *best,
                          const struct sched_group *sg)
{
    uint64_t capacity = sg->sgc->capacity;
    struct cpu_sums total;

    if (best->type < GROUP_IMBALANCED)
        return false;
    const struct cpu_sums *s = group_loads(env, sg, &total);
    if (best->type == GROUP_OVERLOADED && s->load * 1024 < (best->avg_load + 1) * capacity)
        return true;
    return !group_is_overloaded(env->sd->imbalance_pct, capacity, sg->weight, s);
}

/* By its counts, and with more tasks than CPUs by its load, the group has a lower type than the
 * busiest so far, or is not busier within it: it needs no look. */
static inline bool
cannot_be_busiest(const struct lb_env *env, const struct sd_lb_stats *sds,
                  const struct sched_group *sg)
{
    const struct sg_lb_stats *best = sds->busiest;
    const struct cpu_sums *s = sg->sums;

    if (s == NULL || best->group == NULL || s->nr_reduced > 0 || sg->sgc->imbalance ||
        sg->flags & SD_SHARE_CPUCAPACITY)
        return false;
    if (s->nr_running > sg->weight)
        return crowded_cannot_be_busiest(env, best, sg);
    if (best->type > GROUP_FULLY_BUSY)
        return true;
    if (s->nr_running == sg->weight || best->group->flags & SD_SHARE_CPUCAPACITY)
        return false;
    return best->type == GROUP_FULLY_BUSY || s->idle_cpus > best->idle_cpus ||
           (s->idle_cpus == best->idle_cpus && s->nr_running <= best->sums->nr_running);
}

static void
look_at_groups(struct lb_env *env, struct sd_lb_stats *sds, struct sg_lb_stats *spare)
{
    bool quick = counts_tell(env);

    sums_flush(env->k);
    for_each_group(sg, env->sd->groups) if (!quick || is_local(env, sg) ||
                                            !cannot_be_busiest(env, sds, sg))
        look_at_group(env, sds, sg, &spare);
}

void
update_sd_lb_stats(struct lb_env *env, struct sd_lb_stats *sds)
{
    struct kernel *k = env->k;
    struct sg_lb_stats *spare = begin_stats(sds);

    env->dst_core_idle = !k->smt_active || is_core_idle(k, env->dst->cpu);
    if (!busiest_of_cpus(env, sds))
        look_at_groups(env, sds, spare);
    if (sds->busiest->group != NULL) {
        sds->prefer_sibling = sds->busiest->group->flags & SD_PREFER_SIBLING;
        if (env->sd->flags & SD_NUMA)
            env->fbq = fbq_classify_group(sds->busiest->sums);
    }
    if (env->sd->parent == NULL)
        k->rd_overloaded = cpumask_intersects(env->cpus, k->overloaded_cpus) ||
                           (sds->misfit && env->sd->flags & SD_ASYM_CPUCAPACITY);
    if (env->idle != CPU_NEWLY_IDLE)
        update_idle_cpu_scan(env);
}

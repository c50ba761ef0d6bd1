/*
 * Without load tracking a CPU's load is the sum of its weights, and its utilisation is full while
 * anything runs; the classification and the decision matrix are the kernel's.
 */
#include "kernel/balance_stats.h"

static enum group_type
group_classify(const struct lb_env *env, const struct sg_lb_stats *s, bool local)
{
    if (s->sums->nr_running > s->weight)
        return GROUP_OVERLOADED;
    if (s->group->sgc->imbalance)
        return GROUP_IMBALANCED;
    if (!local && env->idle != CPU_NOT_IDLE && s->group->flags & SD_SHARE_CPUCAPACITY &&
        s->sums->nr_running > 1)
        return GROUP_SMT_BALANCE;
    return s->sums->nr_running < s->weight ? GROUP_HAS_SPARE : GROUP_FULLY_BUSY;
}

static void
update_sg_lb_stats(const struct lb_env *env, struct sched_group *sg, bool local,
                   struct sg_lb_stats *s)
{
    s->group = sg;
    s->weight = sg->weight;
    s->capacity = sg->sgc->capacity;
    s->avg_load = 0;
    s->type = group_classify(env, s, local);
    if (s->type == GROUP_OVERLOADED)
        s->avg_load = s->sums->load * 1024 / s->capacity;
}

static bool
busier_has_spare(const struct sg_lb_stats *s, const struct sg_lb_stats *best)
{
    if (s->sums->idle_cpus != best->sums->idle_cpus)
        return s->sums->idle_cpus < best->sums->idle_cpus;
    return s->sums->nr_running > best->sums->nr_running;
}

/* Is s a better place to pull from than the best so far (update_sd_pick_busiest)? */
static bool
pick_busiest(const struct sg_lb_stats *s, const struct sg_lb_stats *best)
{
    bool smt = s->group->flags & SD_SHARE_CPUCAPACITY;

    if (s->sums->nr_running == 0)
        return false;
    if (best->group == NULL)
        return true;
    if (s->type != best->type)
        return s->type > best->type;
    switch (s->type) {
    case GROUP_OVERLOADED:
        return s->avg_load > best->avg_load;
    case GROUP_IMBALANCED:
        return false;
    case GROUP_SMT_BALANCE:
        if (s->sums->idle_cpus != 0 || best->sums->idle_cpus != 0)
            return busier_has_spare(s, best);
        return !(best->group->flags & SD_SHARE_CPUCAPACITY);
    case GROUP_FULLY_BUSY:
        return !(best->group->flags & SD_SHARE_CPUCAPACITY);
    case GROUP_HAS_SPARE:
        if (smt != !!(best->group->flags & SD_SHARE_CPUCAPACITY))
            return !(smt && s->sums->nr_running <= 1);
        return busier_has_spare(s, best);
    }
    return false;
}

/* Tasks without a preferred node, tasks away from it, or none of those. */
static enum fbq_type
fbq_classify(const struct cpu_sums *s)
{
    if (s->nr_running > s->nr_numa_running)
        return FBQ_REGULAR;
    return s->nr_running > s->nr_preferred_running ? FBQ_REMOTE : FBQ_ALL;
}

static uint64_t
sibling_imbalance(const struct lb_env *env, const struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;
    int64_t cores_b = b->group->cores, cores_l = l->group->cores;
    int64_t nb = b->sums->nr_running, nl = l->sums->nr_running;

    if (env->idle == CPU_NOT_IDLE || nb == 0)
        return 0;
    if (cores_b == cores_l)
        return (uint64_t)SIM_MAX(0, nb - nl);
    int64_t i = SIM_MAX(0, cores_l * nb - cores_b * nl);
    i = (2 * i + cores_l + cores_b) / (cores_l + cores_b);
    if (i <= 1 && nl == 0 && nb > 1)
        i = 2;
    return (uint64_t)i;
}

static uint64_t
group_util(const struct sg_lb_stats *s)
{
    return (uint64_t)(s->weight - s->sums->idle_cpus) * 1024;
}

static void
imbalance_has_spare(struct lb_env *env, const struct sd_lb_stats *sds, bool prefer_sibling)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;

    if (b->type > GROUP_FULLY_BUSY && !(env->sd->flags & SD_SHARE_LLC)) {
        env->migration = MIGRATE_UTIL;
        env->imbalance = SIM_MAX(l->capacity, group_util(l)) - group_util(l);
        if (env->imbalance == 0 && env->idle != CPU_NOT_IDLE) {
            env->migration = MIGRATE_TASK;
            env->imbalance = 1;
        }
        return;
    }
    env->migration = MIGRATE_TASK;
    if (b->weight == 1 || prefer_sibling)
        env->imbalance = sibling_imbalance(env, sds);
    else
        env->imbalance =
            l->sums->idle_cpus > b->sums->idle_cpus ? l->sums->idle_cpus - b->sums->idle_cpus : 0;
    if (env->sd->flags & SD_NUMA)
        env->imbalance = adjust_numa_imbalance((uint32_t)env->imbalance, l->sums->nr_running + 1,
                                               env->sd->imb_numa_nr);
    env->imbalance >>= 1;
}

/* Load of the whole domain by its capacity; few passes come so far that they ask. */
static uint64_t
domain_average(const struct lb_env *env)
{
    uint64_t load = 0, capacity = 0;

    for_each_group(sg, env->sd->groups)
    {
        struct cpu_sums total;

        load += group_sums(env->k, sg, &total)->load;
        capacity += sg->sgc->capacity;
    }
    return load * 1024 / capacity;
}

static void
calculate_imbalance(struct lb_env *env, const struct sd_lb_stats *sds, bool prefer_sibling)
{
    struct sg_lb_stats *b = sds->busiest, *l = sds->local;

    if (b->type == GROUP_SMT_BALANCE || b->type == GROUP_IMBALANCED) {
        env->migration = MIGRATE_TASK;
        env->imbalance = 1;
        return;
    }
    if (l->type == GROUP_HAS_SPARE) {
        imbalance_has_spare(env, sds, prefer_sibling);
        return;
    }
    uint64_t average = domain_average(env);
    env->migration = MIGRATE_LOAD;
    env->imbalance = 0;
    if (l->type < GROUP_OVERLOADED) {
        l->avg_load = l->sums->load * 1024 / l->capacity;
        if (l->avg_load >= b->avg_load || l->avg_load >= average)
            return;
    }
    if (b->avg_load > average && average > l->avg_load)
        env->imbalance =
            SIM_MIN((b->avg_load - average) * b->capacity, (average - l->avg_load) * l->capacity) /
            1024;
}

/* The matrix of sched-core.md 4.4: may anything be pulled from the busiest group? */
static bool
worth_pulling(const struct lb_env *env, const struct sd_lb_stats *sds, bool prefer_sibling)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;

    if (b->type == GROUP_IMBALANCED)
        return true;
    if (l->type > b->type)
        return false;
    if (l->type == GROUP_OVERLOADED) {
        uint64_t average = domain_average(env);
        return l->avg_load < b->avg_load && l->avg_load < average &&
               100 * b->avg_load > env->sd->imbalance_pct * l->avg_load;
    }
    if (prefer_sibling && l->type == GROUP_HAS_SPARE && sibling_imbalance(env, sds) > 1)
        return true;
    if (b->type == GROUP_OVERLOADED)
        return true;
    if (env->idle == CPU_NOT_IDLE)
        return false;
    if (b->type == GROUP_SMT_BALANCE &&
        (b->group->flags & SD_SHARE_CPUCAPACITY) != (l->group->flags & SD_SHARE_CPUCAPACITY))
        return true;
    if (b->weight > 1 && l->sums->idle_cpus <= b->sums->idle_cpus + 1)
        return false;
    return b->sums->nr_running != 1;
}

static void
probe_group(struct kernel *k, const struct sg_lb_stats *s)
{
    probe_candidate(k, "group_of_cpu", s->group->first_cpu, s->type);
    probe_input_of(k, "nr_running_of_cpu", s->group->first_cpu, s->sums->nr_running);
    probe_input_of(k, "idle_cpus_of_cpu", s->group->first_cpu, s->sums->idle_cpus);
    probe_input_of(k, "load_of_cpu", s->group->first_cpu, (int64_t)s->sums->load);
}

static void
swap_stats(struct sg_lb_stats **a, struct sg_lb_stats **b)
{
    struct sg_lb_stats *t = *a;

    *a = *b;
    *b = t;
}

/* The first group is the CPU's own; where groups overlap, others may have it too. */
static bool
is_local(const struct lb_env *env, const struct sched_group *sg)
{
    if (likely(!(env->sd->flags & SD_OVERLAP)))
        return sg == env->sd->groups;
    return cpumask_test(sg->span, (uint32_t)env->dst->cpu);
}

static void
update_sd_lb_stats(const struct lb_env *env, struct sd_lb_stats *sds)
{
    bool probing = probe_wants(env->k, DECISION_BALANCE_GROUP);
    struct sg_lb_stats *s = &sds->slots[2];

    sds->local = &sds->slots[0];
    sds->busiest = &sds->slots[1];
    sds->local->group = sds->busiest->group = NULL;
    for_each_group(sg, env->sd->groups)
    {
        bool local = is_local(env, sg);

        s->sums = group_sums(env->k, sg, &s->total);
        if (s->sums->nr_running == 0 && !local && !probing)
            continue; /* nothing to pull */
        update_sg_lb_stats(env, sg, local, s);
        if (probing)
            probe_group(env->k, s);
        if (local)
            swap_stats(&sds->local, &s);
        else if (pick_busiest(s, sds->busiest))
            swap_stats(&sds->busiest, &s);
    }
}

struct sched_group *
find_src_group(struct lb_env *env)
{
    struct sd_lb_stats stats, *sds = &stats;

    update_sd_lb_stats(env, sds);
    struct sched_group *busiest = sds->busiest->group;
    if (busiest == NULL || sds->local->group == NULL)
        return NULL;
    bool prefer_sibling = busiest->flags & SD_PREFER_SIBLING;
    env->fbq = env->sd->flags & SD_NUMA ? fbq_classify(sds->busiest->sums) : FBQ_ALL;
    if (!worth_pulling(env, sds, prefer_sibling))
        return NULL;
    calculate_imbalance(env, sds, prefer_sibling);
    return env->imbalance > 0 ? busiest : NULL;
}

/* Is this queue a better source than the best so far, by what is to be moved? */
static bool
better_source(const struct lb_env *env, const struct cpu_sums *s, const struct cpu_sums *best)
{
    switch (env->migration) {
    case MIGRATE_LOAD:
        if (s->nr_running == 1 && s->load > env->imbalance)
            return false;
        return best == NULL || s->load > best->load;
    case MIGRATE_UTIL:
        return s->nr_running > 1 && (best == NULL || s->nr_running > best->nr_running);
    case MIGRATE_TASK:
        return best == NULL || s->nr_running > best->nr_running;
    }
    return false;
}

struct rq *
find_src_rq(struct lb_env *env, const struct sched_group *sg)
{
    struct kernel *k = env->k;
    const struct cpu_sums *best = NULL;
    /* A newly idle CPU cannot take a queue's only task, so only queues with two need be looked at.
     */
    bool only_overloaded = env->idle == CPU_NEWLY_IDLE && env->migration != MIGRATE_LOAD;
    const struct cpumask *among = only_overloaded ? k->overloaded_cpus : env->cpus;

    for (int cpu = cpumask_next_and(sg->span, among, (uint32_t)sg->first_cpu); cpu >= 0;
         cpu = cpumask_next_and(sg->span, among, (uint32_t)cpu + 1)) {
        const struct cpu_sums *s = &k->cpu_sums[cpu];

        if (s->nr_running == 0 || fbq_classify(s) > env->fbq)
            continue;
        if (probe_wants(k, DECISION_BALANCE_QUEUE))
            probe_candidate(k, "cpu", cpu, s->nr_running);
        if (better_source(env, s, best))
            best = s;
    }
    return best != NULL ? &k->rqs[best - k->cpu_sums] : NULL;
}

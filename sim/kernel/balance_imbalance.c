/*
 * The decision: is anything pulled, from which group, and how much of what (sched-core.md 4.4).
 */
#include "kernel/balance_impl.h"

/* ---- how much ---- */

int64_t
sibling_imbalance(const struct lb_env *env, const struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;
    int64_t cores_b = b->group->cores, cores_l = l->group->cores;
    int64_t nb = b->sums->nr_running, nl = l->sums->nr_running;

    if (env->idle == CPU_NOT_IDLE || nb == 0)
        return 0;
    if (cores_b == cores_l)
        return SIM_MAX(0, nb - nl);
    int64_t i = SIM_MAX(0, cores_l * nb - cores_b * nl);
    i = (2 * i + cores_l + cores_b) / (cores_l + cores_b);
    if (i <= 1 && nl == 0 && nb > 1)
        i = 2;
    return i;
}

/* Load of the whole domain by its capacity; few passes come so far that they ask. Where groups
 * overlap, CPUs count as often as they are in one, as in the kernel. */
static uint64_t
domain_average(const struct lb_env *env)
{
    uint64_t load = 0, capacity = 0;

    for_each_group(sg, env->sd->groups)
    {
        struct cpu_sums total;

        load += group_loads(env, sg, &total)->load;
        capacity += sg->sgc->capacity;
    }
    return load * 1024 / capacity;
}

/* Room in the local group is filled, as far as what is busy there leaves it. */
static void
imbalance_util(struct lb_env *env, const struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *l = sds->local;
    struct cpu_sums total;
    uint64_t util = group_loads(env, l->group, &total)->util;

    env->migration = MIGRATE_UTIL;
    env->imbalance = l->capacity > util ? (int64_t)(l->capacity - util) : 0;
    if (env->imbalance == 0 && env->idle != CPU_NOT_IDLE) {
        env->migration = MIGRATE_TASK;
        env->imbalance = 1;
    }
}

static void
imbalance_has_spare(struct lb_env *env, const struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;

    if (b->type > GROUP_FULLY_BUSY && !(env->sd->flags & SD_SHARE_LLC)) {
        imbalance_util(env, sds);
        return;
    }
    env->migration = MIGRATE_TASK;
    if (b->weight == 1 || sds->prefer_sibling)
        env->imbalance = sibling_imbalance(env, sds);
    else
        env->imbalance = l->idle_cpus > b->idle_cpus ? l->idle_cpus - b->idle_cpus : 0;
    if (env->sd->flags & SD_NUMA)
        env->imbalance = adjust_numa_imbalance((uint32_t)env->imbalance, l->sums->nr_running + 1,
                                               env->sd->imb_numa_nr);
    env->imbalance >>= 1;
}

/* Both are or will be overloaded: towards the average of the domain, and not past it. */
static void
imbalance_load(struct lb_env *env, struct sd_lb_stats *sds)
{
    struct sg_lb_stats *b = sds->busiest, *l = sds->local;
    struct cpu_sums total;

    env->migration = MIGRATE_LOAD;
    env->imbalance = 0;
    if (l->type < GROUP_OVERLOADED) {
        l->avg_load = group_loads(env, l->group, &total)->load * 1024 / l->capacity;
        if (l->avg_load >= b->avg_load)
            return;
        sds->avg_load = domain_average(env);
        if (l->avg_load >= sds->avg_load)
            return;
    }
    /* unsigned as in the kernel: what lies on the wrong side of the average is no limit */
    uint64_t give = (b->avg_load - sds->avg_load) * b->capacity;
    uint64_t take = (sds->avg_load - l->avg_load) * l->capacity;
    env->imbalance = (int64_t)(SIM_MIN(give, take) / 1024);
}

static void
imbalance_tasks(struct lb_env *env, int64_t n)
{
    env->migration = MIGRATE_TASK;
    env->imbalance = n;
}

static void
calculate_imbalance(struct lb_env *env, struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *b = sds->busiest;

    switch (b->type) {
    case GROUP_MISFIT_TASK:
        env->migration = env->sd->flags & SD_ASYM_CPUCAPACITY ? MIGRATE_MISFIT : MIGRATE_LOAD;
        env->imbalance = env->migration == MIGRATE_MISFIT ? 1 : (int64_t)b->misfit_load;
        return;
    case GROUP_ASYM_PACKING:
        imbalance_tasks(env, b->sums->h_nr_queued);
        return;
    case GROUP_SMT_BALANCE:
    case GROUP_IMBALANCED:
        imbalance_tasks(env, 1);
        return;
    default:
        break;
    }
    if (sds->local->type == GROUP_HAS_SPARE)
        imbalance_has_spare(env, sds);
    else
        imbalance_load(env, sds);
}

/* ---- whether ---- */

struct verdict {
    bool pull;
    const char *rule;
};
#define BALANCED(rule) ((struct verdict){ false, "sched_balance_find_src_group:" rule })
#define FORCE(rule) ((struct verdict){ true, "sched_balance_find_src_group:" rule })

/* Two overloaded groups: only what is clearly more, and not past the average. */
static const char *
not_overloaded_enough(const struct lb_env *env, struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;
    bool alike = 100 * b->avg_load <= env->sd->imbalance_pct * l->avg_load;

    if (l->avg_load >= b->avg_load)
        return "sched_balance_find_src_group:local_avg_load";
    if (alike && rule_is_unseen(env->k, DECISION_BALANCE_GROUP))
        return "sched_balance_find_src_group:imbalance_pct"; /* whatever the average is */
    sds->avg_load = domain_average(env);
    if (l->avg_load >= sds->avg_load)
        return "sched_balance_find_src_group:domain_avg_load";
    if (alike)
        return "sched_balance_find_src_group:imbalance_pct";
    return NULL;
}

/* The busiest group has no more than it can run: what is there for an idle CPU? */
static struct verdict
nothing_waits(const struct lb_env *env, const struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;
    uint32_t differ = b->group->flags ^ l->group->flags;

    if (env->idle == CPU_NOT_IDLE)
        return BALANCED("busy_cpu");
    if (b->type == GROUP_SMT_BALANCE && differ & SD_SHARE_CPUCAPACITY)
        return FORCE("smt_balance");
    if (b->weight > 1 && l->idle_cpus <= b->idle_cpus + 1)
        return BALANCED("idle_cpus");
    if (b->sums->h_nr_queued == 1)
        return BALANCED("one_task");
    return FORCE("idle_cpus");
}

static struct verdict
decide(const struct lb_env *env, struct sd_lb_stats *sds)
{
    const struct sg_lb_stats *b = sds->busiest, *l = sds->local;

    if (b->group == NULL)
        return BALANCED("no_busiest");
    if (b->type == GROUP_MISFIT_TASK)
        return FORCE("misfit_task");
    if (b->type == GROUP_ASYM_PACKING)
        return FORCE("asym_packing");
    if (b->type == GROUP_IMBALANCED)
        return FORCE("imbalanced");
    if (l->type > b->type)
        return BALANCED("local_type");
    if (l->type == GROUP_OVERLOADED) {
        const char *why = not_overloaded_enough(env, sds);
        if (why != NULL)
            return (struct verdict){ false, why };
    }
    if (sds->prefer_sibling && l->type == GROUP_HAS_SPARE && sibling_imbalance(env, sds) > 1)
        return FORCE("prefer_sibling");
    if (b->type != GROUP_OVERLOADED)
        return nothing_waits(env, sds);
    return FORCE("overloaded");
}

/* ---- asked by the probe ---- */

static struct sched_group *
group_of_cpu(const struct lb_env *env, int64_t first_cpu)
{
    for_each_group(sg, env->sd->groups) if (sg->first_cpu == first_cpu) return sg;
    return NULL;
}

static void
probe_domain(const struct lb_env *env, const struct sd_lb_stats *sds)
{
    struct kernel *k = env->k;

    probe_input(k, "idle", env->idle);
    probe_input(k, "level", env->sd->level);
    probe_input(k, "sd_flags", env->sd->flags);
    probe_input(k, "imbalance_pct", env->sd->imbalance_pct);
    probe_input(k, "imb_numa_nr", env->sd->imb_numa_nr);
    probe_input(k, "sd_avg_load", (int64_t)sds->avg_load);
    probe_input(k, "prefer_sibling", sds->prefer_sibling);
    probe_input(k, "busiest_group_of_cpu",
                sds->busiest->group != NULL ? sds->busiest->group->first_cpu : -1);
    probe_input(k, "migration_type", env->migration);
    probe_input(k, "imbalance", env->imbalance);
    probe_input(k, "fbq_type", env->fbq);
}

/* What a replay chose instead: a group of its choice, from which one task may go. */
static struct sched_group *
chosen_group(struct lb_env *env, struct sched_group *wish, int64_t chosen)
{
    if (likely(chosen == (wish != NULL ? wish->first_cpu : -1)))
        return wish;
    if (wish == NULL || env->imbalance == 0)
        imbalance_tasks(env, 1);
    return group_of_cpu(env, chosen);
}

struct sched_group *
sched_balance_find_src_group(struct lb_env *env)
{
    struct sd_lb_stats stats, *sds = &stats;
    struct kernel *k = env->k;

    sds->avg_load = 0;
    env->imbalance = 0;
    if (unlikely(k->params.sched.group_compare == GROUP_COMPARE_AVERAGE))
        return find_src_group_by_average(env);
    update_sd_lb_stats(env, sds);
    struct verdict v = decide(env, sds);
    if (v.pull)
        calculate_imbalance(env, sds);
    struct sched_group *wish = env->imbalance != 0 ? sds->busiest->group : NULL;
    if (probe_wants(k, DECISION_BALANCE_GROUP))
        probe_domain(env, sds);
    return chosen_group(env, wish,
                        probe_decide(k, DECISION_BALANCE_GROUP, v.rule, NULL, env->dst->cpu,
                                     wish != NULL ? wish->first_cpu : -1));
}

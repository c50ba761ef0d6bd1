/*
 * From which queue of the busiest group (sched_balance_find_src_rq).
 */
#include "kernel/balance_impl.h"

#include "kernel/load.h"

struct source {
    struct rq *rq;
    uint64_t load, capacity, util;
    uint32_t nr;
};

static enum fbq_type
fbq_classify_rq(const struct rq *rq)
{
    if (rq->nr_running > rq->nr_numa_running)
        return FBQ_REGULAR;
    return rq->nr_running > rq->nr_preferred_running ? FBQ_REMOTE : FBQ_ALL;
}

static void
by_load(const struct lb_env *env, struct rq *rq, struct source *best)
{
    uint64_t load = cpu_load(env->k, rq), capacity = capacity_of(rq);

    if (rq->cfs.h_nr_queued == 1 && (int64_t)load > env->imbalance &&
        !check_cpu_capacity(env->k, rq, env->sd))
        return;
    if (load * best->capacity > best->load * capacity)
        *best = (struct source){ .rq = rq, .load = load, .capacity = capacity };
}

static void
by_util(const struct lb_env *env, struct rq *rq, struct source *best)
{
    uint64_t util = cpu_util_cfs_boost(env->k, rq);

    if (rq->cfs.h_nr_queued > 1 && util > best->util)
        *best = (struct source){ .rq = rq, .util = util, .capacity = 1 };
}

static void
compare_source(const struct lb_env *env, struct rq *rq, struct source *best)
{
    switch (env->migration) {
    case MIGRATE_LOAD:
        by_load(env, rq, best);
        break;
    case MIGRATE_UTIL:
        by_util(env, rq, best);
        break;
    case MIGRATE_TASK:
        if (rq->cfs.h_nr_queued > best->nr)
            *best = (struct source){ .rq = rq, .nr = rq->cfs.h_nr_queued, .capacity = 1 };
        break;
    case MIGRATE_MISFIT:
        if (rq->misfit_task_load > best->load)
            *best = (struct source){ .rq = rq, .load = rq->misfit_task_load, .capacity = 1 };
        break;
    }
}

/* One task is left where it is if it would only get less, or is where it is to be. */
static bool
better_left(const struct lb_env *env, const struct rq *rq)
{
    if (rq->cfs.h_nr_queued != 1)
        return false;
    if (env->sd->flags & SD_ASYM_CPUCAPACITY &&
        !capacity_greater(capacity_of(env->dst), capacity_of(rq)))
        return true;
    return sched_asym(env->k, env->sd, rq->cpu, env->dst->cpu);
}

static void
look_at_source(const struct lb_env *env, int cpu, struct source *best)
{
    struct kernel *k = env->k;
    struct rq *rq = &k->rqs[cpu];

    if (rq->cfs.h_nr_queued == 0 || fbq_classify_rq(rq) > env->fbq || better_left(env, rq))
        return;
    if (probe_wants(k, DECISION_BALANCE_QUEUE)) {
        probe_candidate(k, "cpu", cpu, rq->cfs.h_nr_queued);
        probe_input_of(k, "load_of_cpu", cpu, (int64_t)cpu_load(k, rq));
        probe_input_of(k, "util_of_cpu", cpu, (int64_t)cpu_util_cfs_boost(k, rq));
        probe_input_of(k, "capacity_of_cpu", cpu, (int64_t)capacity_of(rq));
        probe_input_of(k, "misfit_load_of_cpu", cpu, (int64_t)rq->misfit_task_load);
    }
    compare_source(env, rq, best);
}

/* Queues of several tasks beat those of one, and are known; those of one are alike, and the first
 * of them is as good as any. */
static struct rq *
most_tasks(const struct lb_env *env, const struct sched_group *sg, struct source *best)
{
    const struct cpumask *overloaded = env->k->overloaded_cpus;
    uint32_t first = (uint32_t)sg->first_cpu;

    for (int cpu = cpumask_next_and(sg->span, overloaded, first); cpu >= 0;
         cpu = cpumask_next_and(sg->span, overloaded, (uint32_t)cpu + 1))
        if (cpumask_test(env->cpus, (uint32_t)cpu))
            look_at_source(env, cpu, best);
    if (env->migration == MIGRATE_UTIL || best->nr > 1)
        return best->rq;
    *best = (struct source){ .capacity = 1 };
    for (int cpu = cpumask_next_and(sg->span, env->cpus, first); cpu >= 0 && best->rq == NULL;
         cpu = cpumask_next_and(sg->span, env->cpus, (uint32_t)cpu + 1))
        look_at_source(env, cpu, best);
    return best->rq;
}

static struct rq *
best_source(const struct lb_env *env, const struct sched_group *sg)
{
    struct source best = { .capacity = 1 };

    if ((env->migration == MIGRATE_TASK || env->migration == MIGRATE_UTIL) &&
        !probe_wants(env->k, DECISION_BALANCE_QUEUE))
        return most_tasks(env, sg, &best);
    for (int cpu = cpumask_next_and(sg->span, env->cpus, (uint32_t)sg->first_cpu); cpu >= 0;
         cpu = cpumask_next_and(sg->span, env->cpus, (uint32_t)cpu + 1))
        look_at_source(env, cpu, &best);
    return best.rq;
}

static const char *const source_rules[] = {
    [MIGRATE_LOAD] = "sched_balance_find_src_rq:migrate_load",
    [MIGRATE_UTIL] = "sched_balance_find_src_rq:migrate_util",
    [MIGRATE_TASK] = "sched_balance_find_src_rq:migrate_task",
    [MIGRATE_MISFIT] = "sched_balance_find_src_rq:migrate_misfit",
};

struct rq *
sched_balance_find_src_rq(struct lb_env *env, const struct sched_group *sg)
{
    struct kernel *k = env->k;
    struct rq *rq = best_source(env, sg);

    if (probe_wants(k, DECISION_BALANCE_QUEUE)) {
        probe_input(k, "migration_type", env->migration);
        probe_input(k, "imbalance", env->imbalance);
        probe_input(k, "fbq_type", env->fbq);
        probe_input(k, "imbalance_pct", env->sd->imbalance_pct);
    }
    int64_t cpu = probe_decide(k, DECISION_BALANCE_QUEUE, source_rules[env->migration], NULL,
                               env->dst->cpu, rq != NULL ? rq->cpu : -1);
    if (cpu < 0 || cpu >= k->machine->nr_cpus || !cpumask_test(sg->span, (uint32_t)cpu) ||
        cpu == env->dst->cpu)
        return NULL;
    return &k->rqs[cpu];
}

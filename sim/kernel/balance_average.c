/*
 * Groups compared by average load alone: the group imbalance of "The Linux Scheduler: a Decade of
 * Wasted Cores" (Lozi et al., EuroSys 2016), behind balance.group_compare=average.
 *
 * Reconstructed from what is generally known of the paper, not from the source of that time: the
 * group with the highest load by capacity is the busiest; it is pulled from if it has more than the
 * average of the domain and imbalance_pct more than the local one; or, by an idle CPU, if tasks
 * wait there while the local group has idle CPUs. One task as heavy as a whole cgroup makes its
 * group look loaded, however many CPUs beside it are idle. Everything else is 6.12.
 */
#include "kernel/balance_impl.h"

struct averages {
    struct sched_group *busiest;
    uint64_t local, busiest_avg, domain;
    uint64_t local_capacity, busiest_capacity;
};

static void
compare_averages(struct lb_env *env, struct averages *a)
{
    uint64_t load = 0, capacity = 0;

    for_each_group(sg, env->sd->groups)
    {
        struct cpu_sums total;
        const struct cpu_sums *s = group_loads(env, sg, &total);
        bool local = cpumask_test(sg->span, (uint32_t)env->dst->cpu);
        uint64_t average = s->load * 1024 / sg->sgc->capacity;

        load += s->load;
        capacity += sg->sgc->capacity;
        if (probe_wants(env->k, DECISION_BALANCE_GROUP))
            probe_candidate(env->k, local ? "local_group_of_cpu" : "group_of_cpu", sg->first_cpu,
                            (int64_t)average);
        if (local) {
            a->local = average;
            a->local_capacity = sg->sgc->capacity;
        } else if (s->h_nr_queued > 0 && (a->busiest == NULL || average > a->busiest_avg)) {
            a->busiest = sg;
            a->busiest_avg = average;
            a->busiest_capacity = sg->sgc->capacity;
        }
    }
    a->domain = load * 1024 / capacity;
}

struct sched_group *
find_src_group_by_average(struct lb_env *env)
{
    struct kernel *k = env->k;
    struct averages a = { 0 };

    update_group_capacity(k, env->sd, env->dst->cpu);
    compare_averages(env, &a);
    if (env->sd->parent == NULL)
        k->rd_overloaded = cpumask_intersects(env->cpus, k->overloaded_cpus);
    bool pull = a.busiest != NULL && a.local < a.busiest_avg && a.local < a.domain &&
                100 * a.busiest_avg > env->sd->imbalance_pct * a.local;
    if (pull && a.busiest_avg > a.domain) {
        env->migration = MIGRATE_LOAD;
        env->imbalance = (int64_t)(SIM_MIN((a.busiest_avg - a.domain) * a.busiest_capacity,
                                           (a.domain - a.local) * a.local_capacity) /
                                   1024);
    }
    if (probe_wants(k, DECISION_BALANCE_GROUP)) {
        probe_input(k, "sd_avg_load", (int64_t)a.domain);
        probe_input(k, "imbalance_pct", env->sd->imbalance_pct);
        probe_input(k, "imbalance", env->imbalance);
    }
    int64_t wish = env->imbalance > 0 ? a.busiest->first_cpu : -1;
    int64_t chosen = probe_decide(k, DECISION_BALANCE_GROUP, "find_busiest_group:avg_load", NULL,
                                  env->dst->cpu, wish);
    return chosen >= 0 && chosen == wish ? a.busiest : NULL;
}

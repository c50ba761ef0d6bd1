/*
 * The slow path of CPU selection, for fork and exec (sched-core.md 3.4): from the highest domain
 * downwards, the idlest group and in it the idlest CPU, then the domains of that CPU.
 */
#include "kernel/select.h"

/* Became idle later: its cache may still be warm. CPUs that idle since the start go by rank. */
static bool
idle_later(const struct rq *a, const struct rq *b)
{
    return a->idle_since != b->idle_since ? a->idle_since > b->idle_since
                                          : a->idle_rank > b->idle_rank;
}

static bool
probed(const struct kernel *k)
{
    return probe_wants(k, k->select_kind);
}

static int
first_sched_idle(struct kernel *k, const struct cpumask *span, const struct task *p)
{
    if (k->sched_idle_seen)
        for (int cpu = cpumask_next_and(span, p->allowed, 0); cpu >= 0;
             cpu = cpumask_next_and(span, p->allowed, (uint32_t)cpu + 1))
            if (sched_idle_cpu(k, cpu))
                return cpu;
    return -1;
}

/* Among the idle CPUs the one that became so last; -1: none idles. */
static int
latest_idle(struct kernel *k, const struct sched_domain *sd, const struct cpumask *span,
            const struct task *p)
{
    int latest = -1;

    for (int cpu = cpumask_next_and(span, k->idle_cpus, 0); cpu >= 0;
         cpu = cpumask_next_and(span, k->idle_cpus, (uint32_t)cpu + 1)) {
        if (!allowed_on(p, cpu) || runs_unseen_parent(k, cpu))
            continue;
        if (probed(k))
            probe_idle_cpu(k, sd, &k->rqs[cpu]);
        if (latest < 0 || idle_later(&k->rqs[cpu], &k->rqs[latest]))
            latest = cpu;
    }
    return latest;
}

static int
least_loaded(struct kernel *k, const struct sched_domain *sd, const struct cpumask *span,
             const struct task *p, int this_cpu)
{
    uint64_t min_load = UINT64_MAX;
    int least = this_cpu;

    for (int cpu = cpumask_next_and(span, p->allowed, 0); cpu >= 0;
         cpu = cpumask_next_and(span, p->allowed, (uint32_t)cpu + 1)) {
        uint64_t load =
            cpu_load(k, &k->rqs[cpu]) + (runs_unseen_parent(k, cpu) ? UNSEEN_PARENT_LOAD : 0);

        if (probed(k))
            probe_load_of_cpu(k, sd, cpu, load);
        if (load < min_load) {
            min_load = load;
            least = cpu;
        }
    }
    return least;
}

int
sched_balance_find_dst_group_cpu(struct kernel *k, const struct sched_domain *sd,
                                 const struct cpumask *span, const struct task *p, int this_cpu)
{
    int cpu = first_sched_idle(k, span, p);

    if (cpu >= 0 && probed(k))
        probe_sched_idle_cpu(k, sd, cpu);
    if (cpu < 0)
        cpu = latest_idle(k, sd, span, p);
    return cpu >= 0 ? cpu : least_loaded(k, sd, span, p, this_cpu);
}

/* The CPU of a group that was chosen; a group of one leaves no choice. */
static int
group_cpu(struct kernel *k, const struct sched_domain *sd, const struct sched_group *sg,
          const struct task *p, int this_cpu)
{
    return sg->weight == 1 ? cpumask_first(sg->span)
                           : sched_balance_find_dst_group_cpu(k, sd, sg->span, p, this_cpu);
}

/* The largest domain of cpu that is smaller than `weight` and has the flag. */
static struct sched_domain *
smaller_domain(const struct kernel *k, int cpu, uint32_t weight, uint32_t flag)
{
    struct sched_domain *found = NULL;

    for_each_domain (sd, k->domains->cpus[cpu].sd) {
        if (sd->span_weight >= weight)
            break;
        if (sd->flags & flag)
            found = sd;
    }
    return found;
}

int
sched_balance_find_dst_cpu(struct kernel *k, struct sched_domain *sd, struct task *p, int cpu,
                           int prev, uint32_t sd_flag)
{
    if (!cpumask_intersects(sd->span, p->allowed))
        return prev;
    if (!(sd_flag & SD_BALANCE_FORK))
        sync_entity_load_avg(k, &p->se);
    while (sd != NULL) {
        struct sched_group *sg =
            sd->flags & sd_flag ? sched_balance_find_dst_group(k, sd, p, cpu) : NULL;
        int new_cpu = sg != NULL ? group_cpu(k, sd, sg, p, cpu) : cpu;

        if (new_cpu == cpu) {
            sd = sd->child;
            continue;
        }
        cpu = new_cpu;
        sd = smaller_domain(k, cpu, sd->span_weight, sd_flag);
    }
    return cpu;
}

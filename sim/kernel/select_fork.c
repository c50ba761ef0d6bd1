/*
 * CPU selection for new tasks: the slow path (sched-core.md 3.4).
 *
 * A new task goes down the domain tree to the idlest group and its idlest CPU. Load is the sum of
 * weights queued (no load tracking yet).
 */
#include "kernel/select.h"
#include "kernel/weight.h"

#include <stdio.h>

struct group_fork_stats {
    struct sched_group *group;
    uint32_t nr_running, idle_cpus, weight;
    uint64_t load, avg_load;
    enum { GROUP_HAS_SPARE, GROUP_FULLY_BUSY, GROUP_OVERLOADED } type;
};

/* An idle CPU that forks a task without a parent counts as running the parent. */
static bool
runs_unseen_parent(const struct kernel *k, int cpu)
{
    return cpu == k->forker && idle_cpu(k, cpu);
}

static void
classify_fork_group(const struct kernel *k, struct group_fork_stats *s)
{
    if (k->forker >= 0 && runs_unseen_parent(k, k->forker) &&
        cpumask_test(s->group->span, (uint32_t)k->forker)) {
        s->nr_running++;
        s->idle_cpus -= s->idle_cpus > 0;
        s->load += NICE_0_WEIGHT;
    }
    if (s->nr_running < s->weight)
        s->type = GROUP_HAS_SPARE;
    else
        s->type = s->nr_running > s->weight ? GROUP_OVERLOADED : GROUP_FULLY_BUSY;
    if (s->type != GROUP_HAS_SPARE)
        s->avg_load = s->load * 1024 / s->group->sgc->capacity;
}

static void
group_fork_stats(const struct kernel *k, const struct task *p, struct sched_group *sg,
                 struct group_fork_stats *s)
{
    *s = (struct group_fork_stats){ .group = sg, .weight = sg->weight };
    if (p->nr_allowed == k->nr_online) {
        struct cpu_sums total;
        const struct cpu_sums *sums = group_sums(k, sg, &total);

        s->nr_running = sums->nr_running;
        s->load = sums->load;
        s->idle_cpus = sums->idle_cpus;
        classify_fork_group(k, s);
        return;
    }
    for (int cpu = cpumask_next_and(sg->span, p->allowed, 0); cpu >= 0;
         cpu = cpumask_next_and(sg->span, p->allowed, (uint32_t)cpu + 1)) {
        const struct rq *rq = &k->rqs[cpu];

        s->nr_running += rq->nr_running;
        s->load += rq->cfs.load_weight >> 10;
        s->idle_cpus += idle_cpu(k, cpu);
    }
    classify_fork_group(k, s);
}

static bool
idler(const struct group_fork_stats *a, const struct group_fork_stats *b)
{
    if (b->group == NULL || a->type != b->type)
        return b->group == NULL || a->type < b->type;
    if (a->type == GROUP_HAS_SPARE)
        return a->idle_cpus > b->idle_cpus;
    return a->avg_load < b->avg_load;
}

static uint32_t
allowed_in(const struct task *p, const struct sched_group *sg)
{
    uint32_t n = 0;

    for (uint32_t i = sg->span->first_word; i < sg->span->end_word; i++)
        n += (uint32_t)__builtin_popcountll(sg->span->bits[i] & p->allowed->bits[i]);
    return n;
}

/* A small imbalance is tolerated while the local side runs few tasks (adjust_numa_imbalance). */
uint32_t
adjust_numa_imbalance(uint32_t imbalance, uint32_t dst_running, uint32_t imb_numa_nr)
{
    if (dst_running > imb_numa_nr)
        return imbalance;
    return imbalance <= 2 ? 0 : imbalance;
}

/* Is the idlest group so much idler that the task leaves the local one? Both of one type. */
static bool
worth_leaving(const struct sched_domain *sd, const struct task *p,
              const struct group_fork_stats *local, const struct group_fork_stats *idlest)
{
    bool numa = sd->flags & SD_NUMA;

    if (local->type != GROUP_HAS_SPARE) {
        uint64_t imb = 1024u * (sd->imbalance_pct - 100) / 100;
        if (numa && idlest->avg_load + imb >= local->avg_load)
            return false;
        return idlest->avg_load < local->avg_load + imb &&
               100 * local->avg_load > sd->imbalance_pct * idlest->avg_load;
    }
    if (numa) {
        uint32_t nr = SIM_MIN(sd->imb_numa_nr, allowed_in(p, local->group));
        uint32_t imb = local->idle_cpus > idlest->idle_cpus ? local->idle_cpus - idlest->idle_cpus
                                                            : idlest->idle_cpus - local->idle_cpus;
        if (adjust_numa_imbalance(imb, local->nr_running + 1, nr) == 0)
            return false;
    }
    return local->idle_cpus < idlest->idle_cpus;
}

/* Candidates of all levels stand in one list: the level is part of the name. */
static void
probe_fork_group(struct kernel *k, const struct sched_domain *sd, const struct group_fork_stats *s)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.idle_of_group", sd->name);
    probe_candidate(k, name, s->group->first_cpu, s->idle_cpus);
    snprintf(name, sizeof(name), "%s.nr_running_of_group", sd->name);
    probe_input_of(k, name, s->group->first_cpu, s->nr_running);
    snprintf(name, sizeof(name), "%s.load_of_group", sd->name);
    probe_input_of(k, name, s->group->first_cpu, (int64_t)s->load);
}

/* The group to go to, or NULL: stay in the local one (sched_balance_find_dst_group). */
static struct sched_group *
find_dst_group(struct kernel *k, const struct sched_domain *sd, const struct task *p, int cpu)
{
    struct group_fork_stats local = { .group = NULL }, idlest = { .group = NULL };

    for_each_group(sg, sd->groups)
    {
        struct group_fork_stats s;

        if (!cpumask_intersects(sg->span, p->allowed))
            continue;
        group_fork_stats(k, p, sg, &s);
        if (probe_wants(k, DECISION_FORK))
            probe_fork_group(k, sd, &s);
        if (cpumask_test(sg->span, (uint32_t)cpu))
            local = s;
        else if (idler(&s, &idlest))
            idlest = s;
    }
    if (idlest.group == NULL)
        return NULL;
    if (local.group == NULL)
        return idlest.group;
    if (local.type != idlest.type)
        return local.type < idlest.type ? NULL : idlest.group;
    return worth_leaving(sd, p, &local, &idlest) ? idlest.group : NULL;
}

static uint64_t
cpu_load(const struct kernel *k, int cpu)
{
    return (k->rqs[cpu].cfs.load_weight >> 10) + (runs_unseen_parent(k, cpu) ? NICE_0_WEIGHT : 0);
}

/* The CPU of the group: the one that became idle last, else the least loaded. */
static int
find_dst_group_cpu(const struct kernel *k, const struct sched_group *sg, const struct task *p,
                   int this_cpu)
{
    int idlest = -1, least = this_cpu;
    uint64_t min_load = UINT64_MAX;

    if (sg->weight == 1)
        return cpumask_first(sg->span);
    for (int cpu = cpumask_next_and(sg->span, p->allowed, 0); cpu >= 0;
         cpu = cpumask_next_and(sg->span, p->allowed, (uint32_t)cpu + 1)) {
        if (idle_cpu(k, cpu) && !runs_unseen_parent(k, cpu)) {
            if (idlest < 0 || k->rqs[cpu].idle_since > k->rqs[idlest].idle_since)
                idlest = cpu;
        } else if (idlest < 0 && cpu_load(k, cpu) < min_load) {
            min_load = cpu_load(k, cpu);
            least = cpu;
        }
    }
    return idlest >= 0 ? idlest : least;
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

static int
find_dst_cpu(struct kernel *k, struct sched_domain *sd, const struct task *p, int cpu, int prev,
             uint32_t flag)
{
    if (!cpumask_intersects(sd->span, p->allowed))
        return prev;
    while (sd != NULL) {
        struct sched_group *sg = sd->flags & flag ? find_dst_group(k, sd, p, cpu) : NULL;
        int new = sg != NULL ? find_dst_group_cpu(k, sg, p, cpu) : cpu;

        if (new == cpu) {
            sd = sd->child;
            continue;
        }
        cpu = new;
        sd = smaller_domain(k, cpu, sd->span_weight, flag);
    }
    return cpu;
}

int
select_for_fork(struct kernel *k, struct task *p, int cpu)
{
    struct sched_domain *sd = NULL;

    for_each_domain (tmp, k->domains->cpus[cpu].sd) {
        if (!(tmp->flags & SD_BALANCE_FORK))
            break;
        sd = tmp;
    }
    if (probe_wants(k, DECISION_FORK))
        probe_input(k, "this_cpu", cpu);
    int chosen = sd != NULL ? find_dst_cpu(k, sd, p, cpu, p->cpu, SD_BALANCE_FORK) : p->cpu;
    chosen = fallback_cpu(k, p, chosen);
    return (int)probe_decide(k, DECISION_FORK, "sched_balance_find_dst_cpu", p, cpu, chosen);
}

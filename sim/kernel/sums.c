#include "kernel/sums.h"

#include "kernel/kernel.h"

static void
add_set(struct rq *rq, struct cpu_sums *set)
{
    for (uint32_t i = 0; i < rq->nr_sums; i++)
        if (rq->sums[i] == set)
            return;
    sim_assert(rq->nr_sums < ARRAY_LEN(rq->sums));
    rq->sums[rq->nr_sums++] = set;
}

/* The set of one group below the NUMA levels; groups of equal CPUs share their sgc, and so the set.
 */
static void
join_group(struct kernel *k, const struct sched_domain *sd, struct sched_group *sg)
{
    struct sched_group_capacity *sgc = sg->sgc;

    sg->first_cpu = cpumask_first(sg->span);
    cpumask_trim(sd->span);
    cpumask_trim(sg->span);
    cpumask_trim(sgc->balance_mask);
    if (sd->flags & SD_NUMA || sgc->sums != NULL)
        return;
    if (sg->weight == 1) {
        sgc->sums = &k->cpu_sums[sg->first_cpu];
        return;
    }
    sgc->sums = arena_new_object(k->arena, struct cpu_sums);
    for_each_cpu (cpu, sg->span)
        add_set(&k->rqs[cpu], sgc->sums);
}

static nodemask
group_nodes(const struct kernel *k, const struct sched_group *sg)
{
    nodemask nodes = 0;

    for_each_cpu (cpu, sg->span)
        nodes |= NODE_BIT(k->machine->cpus[cpu].node);
    return nodes;
}

/* A group of NUMA domains: one node has its sums, several are summed when asked for. */
static void
join_nodes(const struct kernel *k, struct sched_group *sg)
{
    if (sg->nodes != 0 || sg->sgc->sums != NULL)
        return;
    sg->nodes = group_nodes(k, sg);
    if ((sg->nodes & (sg->nodes - 1)) == 0) {
        sg->sgc->sums = &k->node_sums[__builtin_ctzll(sg->nodes)];
        sg->nodes = 0;
    }
}

void
sums_init(struct kernel *k)
{
    k->cpu_sums = arena_new_array(k->arena, struct cpu_sums, k->machine->nr_cpus);
    k->node_sums = arena_new_array(k->arena, struct cpu_sums, k->machine->nr_nodes);
    for_each_cpu (cpu, k->machine->online) {
        struct rq *rq = &k->rqs[cpu];

        add_set(rq, &k->cpu_sums[cpu]);
        if (k->domains->cpus[cpu].sd != NULL) /* an isolated CPU is in no group */
            add_set(rq, &k->node_sums[rq->node]);
    }
    for_each_cpu (cpu, k->machine->online)
        for_each_domain (sd, k->domains->cpus[cpu].sd)
            for_each_group(sg, sd->groups)
            {
                join_group(k, sd, sg);
                if (sd->flags & SD_NUMA)
                    join_nodes(k, sg);
                sg->sums = sg->sgc->sums;
            }
    k->nr_idle = k->nr_online;
    for_each_cpu (cpu, k->machine->online) {
        if (k->domains->cpus[cpu].llc_shared != NULL)
            k->domains->cpus[cpu].llc_shared->nr_busy_cpus = 0;
        for (uint32_t i = 0; i < k->rqs[cpu].nr_sums; i++)
            k->rqs[cpu].sums[i]->idle_cpus++;
    }
}

void
sums_update(struct kernel *k, struct rq *rq)
{
    struct cpu_sums *own = &k->cpu_sums[rq->cpu];
    struct cpu_sums now = {
        .load = rq->cfs.load_weight >> 10,
        .nr_running = rq->nr_running,
        .idle_cpus = rq->nr_running == 0,
        .nr_numa_running = (uint32_t)rq->nr_numa_running,
        .nr_preferred_running = (uint32_t)rq->nr_preferred_running,
    };
    uint64_t load = now.load - own->load; /* differences wrap, and that is well */
    uint32_t nr = now.nr_running - own->nr_running, idle = now.idle_cpus - own->idle_cpus;
    uint32_t numa = now.nr_numa_running - own->nr_numa_running;
    uint32_t preferred = now.nr_preferred_running - own->nr_preferred_running;

    for (uint32_t i = 0; i < rq->nr_sums; i++) {
        struct cpu_sums *s = rq->sums[i];

        s->load += load;
        s->nr_running += nr;
        s->idle_cpus += idle;
        s->nr_numa_running += numa;
        s->nr_preferred_running += preferred;
    }
}

void
node_group_sums(const struct kernel *k, const struct sched_group *sg, struct cpu_sums *total)
{
    struct cpu_sums sum = { 0 };

    for_each_node (node, sg->nodes) {
        const struct cpu_sums *s = &k->node_sums[node];

        sum.load += s->load;
        sum.nr_running += s->nr_running;
        sum.idle_cpus += s->idle_cpus;
        sum.nr_numa_running += s->nr_numa_running;
        sum.nr_preferred_running += s->nr_preferred_running;
    }
    *total = sum;
}

static const char *
check_group(const struct kernel *k, const struct sched_group *sg)
{
    struct cpu_sums total, sum = *group_sums(k, sg, &total);
    uint64_t load = 0;
    uint32_t nr = 0, idle = 0;

    for_each_cpu (cpu, sg->span) {
        load += k->rqs[cpu].cfs.load_weight >> 10;
        nr += k->rqs[cpu].nr_running;
        idle += k->rqs[cpu].nr_running == 0;
    }
    if (sum.load != load)
        return "the load of a group is the sum over its CPUs";
    if (sum.nr_running != nr || sum.idle_cpus != idle)
        return "the tasks of a group are the sum over its CPUs";
    return NULL;
}

const char *
sums_check(const struct kernel *k)
{
    const char *broken = NULL;
    int cpu = cpumask_first(k->machine->online);

    for_each_domain (sd, k->domains->cpus[cpu].sd)
        for_each_group(sg, sd->groups) if (broken == NULL) broken = check_group(k, sg);
    return broken;
}

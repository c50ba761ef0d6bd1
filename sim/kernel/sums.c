#include "kernel/sums.h"

#include "kernel/balance.h"
#include "kernel/load.h"

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
    sg->asym_prefer_cpu = asym_prefer_cpu(k, sg->span);
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
    if (sg->nodes == 0)
        sg->nodes = group_nodes(k, sg);
    if ((sg->nodes & (sg->nodes - 1)) == 0)
        sg->sgc->sums = &k->node_sums[__builtin_ctzll(sg->nodes)];
}

/* Of single CPUs, each of which has the same domain for its lowest one. */
static bool
is_of_cpus(const struct kernel *k, const struct sched_domain *sd)
{
    uint32_t special = SD_ASYM_CPUCAPACITY | SD_ASYM_PACKING | SD_SHARE_CPUCAPACITY | SD_NUMA;

    if (sd->child != NULL || sd->flags & (special | SD_OVERLAP))
        return false;
    for_each_group(sg, sd->groups)
    {
        const struct sched_domain *own = k->domains->cpus[cpumask_first(sg->span)].sd;

        if (sg->weight != 1 || sg->flags != 0 || !cpumask_equal(own->span, sd->span))
            return false;
    }
    return true;
}

static void
join_sets(struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online) {
        struct rq *rq = &k->rqs[cpu];

        rq->nr_sums = 0;
        add_set(rq, &k->cpu_sums[cpu]);
        if (k->domains->cpus[cpu].sd != NULL) /* an isolated CPU is in no group */
            add_set(rq, &k->node_sums[rq->node]);
    }
    for_each_cpu (cpu, k->machine->online)
        for_each_domain (sd, k->domains->cpus[cpu].sd) {
            sd->of_cpus = is_of_cpus(k, sd);
            cpumask_trim(sd->span);
            if (sd->groups->nodes != 0) /* a ring that another CPU of the node has, too */
                continue;
            for_each_group(sg, sd->groups)
            {
                join_group(k, sd, sg);
                if (sd->flags & SD_NUMA)
                    join_nodes(k, sg);
                sg->sums = sg->sgc->sums;
            }
        }
}

void
sums_init(struct kernel *k)
{
    k->cpu_sums = arena_new_array(k->arena, struct cpu_sums, k->machine->nr_cpus);
    k->node_sums = arena_new_array(k->arena, struct cpu_sums, k->machine->nr_nodes);
    k->dirty_rqs = arena_new_array(k->arena, struct rq *, k->machine->nr_cpus);
    join_sets(k);
    k->nr_idle = k->nr_online;
    for_each_cpu (cpu, k->machine->online) {
        for (uint32_t i = 0; i < k->rqs[cpu].nr_sums; i++)
            k->rqs[cpu].sums[i]->idle_cpus++;
    }
}

/* A part of the capacity is gone, by the strictest threshold that a domain has. */
static bool
capacity_reduced(const struct rq *rq)
{
    return rq->cpu_capacity * 110 < (uint64_t)rq->capacity_orig * 100;
}

/* As cpu_load() and its neighbours read them, without making up for ticks. */
static inline struct cpu_sums
published(const struct rq *rq)
{
    const struct sched_avg *avg = &rq->cfs.avg;

    return (struct cpu_sums){
        .load = avg->load_avg,
        .util = SIM_MIN(SIM_MAX(avg->util_avg, avg->util_est), rq->capacity_orig),
        .runnable = avg->runnable_avg,
        .nr_running = rq->nr_running,
        .h_nr_queued = rq->cfs.h_nr_queued,
        .idle_cpus = rq->nr_running == 0,
        .nr_numa_running = (uint32_t)rq->nr_numa_running,
        .nr_preferred_running = (uint32_t)rq->nr_preferred_running,
        .nr_reduced = rq->cfs.h_nr_queued == 1 && capacity_reduced(rq),
        .nr_misfit = rq->misfit_task_load != 0 && rq->nr_running > 0,
    };
}

static bool
same_counts(const struct cpu_sums *a, const struct cpu_sums *b)
{
    return a->nr_running == b->nr_running && a->h_nr_queued == b->h_nr_queued &&
           a->nr_numa_running == b->nr_numa_running &&
           a->nr_preferred_running == b->nr_preferred_running && a->nr_reduced == b->nr_reduced &&
           a->nr_misfit == b->nr_misfit;
}

/* Differences wrap, and that is well. */
static inline void
add_counts(struct cpu_sums *s, const struct cpu_sums *change)
{
    s->nr_running += change->nr_running;
    s->h_nr_queued += change->h_nr_queued;
    s->idle_cpus += change->idle_cpus;
    s->nr_numa_running += change->nr_numa_running;
    s->nr_preferred_running += change->nr_preferred_running;
    s->nr_reduced += change->nr_reduced;
    s->nr_misfit += change->nr_misfit;
}

/* now - old, but for what only sets have. */
static inline struct cpu_sums
difference(const struct cpu_sums *now, const struct cpu_sums *old)
{
    return (struct cpu_sums){
        .load = now->load - old->load,
        .util = now->util - old->util,
        .runnable = now->runnable - old->runnable,
        .nr_running = now->nr_running - old->nr_running,
        .h_nr_queued = now->h_nr_queued - old->h_nr_queued,
        .idle_cpus = now->idle_cpus - old->idle_cpus,
        .nr_numa_running = now->nr_numa_running - old->nr_numa_running,
        .nr_preferred_running = now->nr_preferred_running - old->nr_preferred_running,
        .nr_reduced = now->nr_reduced - old->nr_reduced,
        .nr_misfit = now->nr_misfit - old->nr_misfit,
    };
}

/* The sets that rq is in take over what it has published since. */
static void
sums_publish(struct kernel *k, struct rq *rq)
{
    struct cpu_sums *own = &k->cpu_sums[rq->cpu]; /* the first of its sets */
    struct cpu_sums now = published(rq), change = difference(&now, own);
    uint64_t averages = change.load | change.util | change.runnable;
    uint32_t counts = change.nr_running | change.h_nr_queued | change.nr_numa_running |
                      change.nr_preferred_running | change.nr_reduced | change.nr_misfit;

    if (averages == 0 && counts == 0)
        return;
    now.caught_up = own->caught_up;
    *own = now;
    for (uint32_t i = 1; i < rq->nr_sums; i++) {
        struct cpu_sums *s = rq->sums[i];

        s->load += change.load;
        s->util += change.util;
        s->runnable += change.runnable;
        if (counts != 0)
            add_counts(s, &change);
    }
}

void
sums_flush_slow(struct kernel *k)
{
    for (uint32_t i = 0; i < k->nr_dirty; i++) {
        k->dirty_rqs[i]->sums_dirty = false;
        sums_publish(k, k->dirty_rqs[i]);
    }
    k->nr_dirty = 0;
}

/* `all`: every CPU has had its tick of that jiffy, or it is not at this instant. */
static void
catch_up(struct kernel *k, struct cpu_sums *set, const struct cpumask *cpus, uint64_t jiffy,
         bool all)
{
    if (set->caught_up == jiffy)
        return;
    for (int cpu = cpumask_next_and(cpus, k->quiet_cpus, 0); cpu >= 0;
         cpu = cpumask_next_and(cpus, k->quiet_cpus, (uint32_t)cpu + 1))
        rq_catch_up(k, &k->rqs[cpu]);
    if (all)
        set->caught_up = jiffy;
}

void
sums_catch_up(struct kernel *k, const struct sched_group *sg, uint64_t jiffy)
{
    bool now = jiffy_time(k, jiffy) == k->engine.now, all = true;

    if (now && !engine_reached(&k->engine, PHASE_TICK))
        jiffy--; /* the tick at this very instant is still to come */
    else if (now)
        all = engine_passed(&k->engine, &k->rqs[k->machine->nr_cpus - 1].tick_ev);
    if (sg->sums != NULL) {
        catch_up(k, sg->sgc->sums, sg->span, jiffy, all);
        return;
    }
    for_each_node (node, sg->nodes)
        catch_up(k, &k->node_sums[node], k->machine->nodes[node].cpus, jiffy, all);
}

void
sums_add(struct cpu_sums *total, const struct cpu_sums *s)
{
    total->load += s->load;
    total->util += s->util;
    total->runnable += s->runnable;
    add_counts(total, s);
}

void
node_group_sums(const struct kernel *k, const struct sched_group *sg, struct cpu_sums *total)
{
    *total = (struct cpu_sums){ 0 };
    for_each_node (node, sg->nodes)
        sums_add(total, &k->node_sums[node]);
}

void
sums_rebuild(struct kernel *k)
{
    sums_flush_slow(k);
    memset(k->cpu_sums, 0, k->machine->nr_cpus * sizeof(*k->cpu_sums));
    memset(k->node_sums, 0, k->machine->nr_nodes * sizeof(*k->node_sums));
    join_sets(k);
    for_each_cpu (cpu, k->machine->online) {
        struct rq *rq = &k->rqs[cpu];
        struct cpu_sums now = published(rq);

        for (uint32_t i = 0; i < rq->nr_sums; i++)
            sums_add(rq->sums[i], &now);
    }
}

static const char *
check_group(struct kernel *k, const struct sched_group *sg)
{
    struct cpu_sums total, sum = *group_sums(k, sg, &total), scan = { 0 };

    for_each_cpu (cpu, sg->span) {
        struct cpu_sums s = published(&k->rqs[cpu]);
        sums_add(&scan, &s);
    }
    if (sum.load != scan.load || sum.util != scan.util || sum.runnable != scan.runnable)
        return "the averages of a group are the sums over its CPUs";
    if (!same_counts(&sum, &scan) || sum.idle_cpus != scan.idle_cpus)
        return "the tasks of a group are the sum over its CPUs";
    return NULL;
}

const char *
sums_check(struct kernel *k)
{
    const char *broken = NULL;
    int cpu = cpumask_first(k->machine->online);

    for_each_domain (sd, k->domains->cpus[cpu].sd)
        for_each_group(sg, sd->groups) if (broken == NULL) broken = check_group(k, sg);
    return broken;
}

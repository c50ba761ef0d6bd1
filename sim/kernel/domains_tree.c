/*
 * One domain per CPU and level, before any level is found useless.
 *
 * A CPU's tree ends at the first level that spans all CPUs that balance, so on asymmetric machines
 * trees differ in height. A level whose mask is smaller than the one below is widened: such
 * hardware exists (an L2 shared by cores whose last-level cache is unknown).
 */
#include "kernel/domains_impl.h"

/* CPU capacities that differ below make a domain asymmetric, fully so if it shows all of them. */
static uint32_t
asymmetry(const struct builder *b, const struct cpumask *span)
{
    uint32_t inside = 0, missed = 0;

    if (b->nr_capacities < 2)
        return 0;
    for (uint32_t i = 0; i < b->nr_capacities; i++) {
        if (cpumask_intersects(span, b->capacity_cpus[i]))
            inside++;
        else if (cpumask_intersects(b->cpu_map, b->capacity_cpus[i]))
            missed++;
    }
    if (inside < 2)
        return 0;
    return missed > 0 ? SD_ASYM_CPUCAPACITY : SD_ASYM_CPUCAPACITY | SD_ASYM_CPUCAPACITY_FULL;
}

static void
set_flags(const struct builder *b, const struct level *l, struct sched_domain *sd)
{
    sd->flags = SD_BALANCE_NEWIDLE | SD_BALANCE_EXEC | SD_BALANCE_FORK | SD_WAKE_AFFINE |
                SD_PREFER_SIBLING | l->flags | asymmetry(b, sd->span);
    sd->imbalance_pct = sd->flags & SD_SHARE_CPUCAPACITY ? 110 : 117;
    sd->cache_nice_tries = sd->flags & SD_SHARE_CPUCAPACITY ? 0 : 1;
    if (!(sd->flags & SD_NUMA))
        return;
    sd->cache_nice_tries = 2;
    sd->flags &= ~(uint32_t)SD_PREFER_SIBLING;
    sd->flags |= SD_SERIALIZE;
    if (b->d->distance_levels[l->numa_level] > b->d->node_reclaim_distance)
        sd->flags &= ~(uint32_t)(SD_BALANCE_EXEC | SD_BALANCE_FORK | SD_WAKE_AFFINE);
}

static void
set_intervals(struct sched_domain *sd, uint32_t weight)
{
    sd->min_interval = weight;
    sd->max_interval = 2 * weight;
    sd->balance_interval = weight;
    sd->busy_factor = 16;
    sd->newidle_call = 512;
    sd->newidle_success = 256;
    sd->newidle_ratio = 512;
}

/* A mask that had to grow to hold the child's; CPUs that need the same one share it. */
static struct cpumask *
widen(struct builder *b, uint32_t level, const struct cpumask *span, const struct cpumask *child)
{
    struct cpumask *wide = cpumask_new(b->arena, b->m->nr_cpus);
    struct cpumask **known;

    cpumask_or(wide, span, child);
    known = &b->widened[builder_index(b, level, (uint32_t)cpumask_first(wide))];
    if (*known != NULL && cpumask_equal(*known, wide))
        return *known;
    if (*known == NULL)
        *known = wide;
    domains_message(b, "BUG: arch topology borken: level %s is smaller than the level below",
                    b->levels[level].name);
    return wide;
}

/* All CPUs that are caught in one last-level cache count their idle and busy siblings together. */
static struct sched_domain_shared *
shared_of(struct builder *b, uint32_t level, const struct sched_domain *sd, uint32_t weight)
{
    struct sched_domain_shared **shared =
        &b->shared[builder_index(b, level, (uint32_t)cpumask_first(sd->span))];

    if (*shared == NULL)
        *shared = arena_new_object(b->arena, struct sched_domain_shared);
    (*shared)->nr_busy_cpus = weight;
    return *shared;
}

static struct sched_domain *
make_domain(struct builder *b, uint32_t level, uint32_t cpu, struct sched_domain *child)
{
    const struct level *l = &b->levels[level];
    const struct level_set *set = l->of[cpu];
    struct sched_domain *sd = arena_new_object(b->arena, struct sched_domain);

    sd->name = l->name;
    sd->level = level;
    sd->numa_level = l->numa_level;
    sd->span = set->span;
    sd->span_weight = set->span_weight;
    set_flags(b, l, sd);
    set_intervals(sd, set->weight);
    if (sd->flags & SD_ASYM_CPUCAPACITY && child != NULL)
        child->flags &= ~(uint32_t)SD_PREFER_SIBLING;
    if (child != NULL && child->span != sd->span && !cpumask_subset(child->span, sd->span)) {
        sd->span = widen(b, level, sd->span, child->span);
        sd->span_weight = cpumask_weight(sd->span);
    }
    if (sd->flags & SD_SHARE_LLC)
        sd->shared = shared_of(b, level, sd, set->weight);
    sd->child = child;
    if (child != NULL)
        child->parent = sd;
    return sd;
}

void
domains_make_trees(struct builder *b)
{
    size_t slots = (size_t)b->nr_levels * b->m->nr_cpus;
    uint32_t all = cpumask_weight(b->cpu_map);

    b->at = arena_new_array(b->scratch, struct sched_domain *, slots);
    b->widened = arena_new_array(b->scratch, struct cpumask *, slots);
    b->shared = arena_new_array(b->scratch, struct sched_domain_shared *, slots);
    b->core_first = cpumask_new(b->scratch, b->m->nr_cpus);
    for_each_cpu (cpu, b->cpu_map) {
        struct sched_domain *sd = NULL;

        for (uint32_t i = 0; i < b->nr_levels && (sd == NULL || sd->span_weight < all); i++) {
            sd = make_domain(b, i, (uint32_t)cpu, sd);
            b->at[builder_index(b, i, (uint32_t)cpu)] = sd;
        }
        if (cpumask_first(domain_at(b, 0, (uint32_t)cpu)->span) == cpu)
            cpumask_set(b->core_first, (uint32_t)cpu);
    }
}

/* How many tasks may be out of balance between nodes: depends on caches up to the first NUMA level.
 */
void
domains_set_imbalance(struct builder *b)
{
    for_each_cpu (cpu, b->cpu_map) {
        uint32_t imb = 0, imb_span = 1;

        for_each_domain (sd, domain_at(b, 0, (uint32_t)cpu)) {
            const struct sched_domain *top = sd->parent;

            sd->imb_numa_nr = imb * SIM_MAX(1u, sd->span_weight / imb_span);
            if (sd->flags & SD_SHARE_LLC || sd->child == NULL || !(sd->child->flags & SD_SHARE_LLC))
                continue;
            imb = sd->span_weight / sd->child->span_weight;
            if (imb == 1)
                imb = sd->span_weight / 8;
            imb = SIM_MAX(1u, imb);
            sd->imb_numa_nr = imb;
            while (top != NULL && !(top->flags & SD_NUMA))
                top = top->parent;
            imb_span = SIM_MAX(1u, top != NULL ? top->span_weight : sd->span_weight);
        }
    }
}

/*
 * Groups of levels without overlap.
 *
 * A group is the span of a child domain, one object for all CPUs of the domain. So is the ring: the
 * kernel links it anew for each CPU, and what stays is the walk of the last one, the highest CPU of
 * the span. Each CPU enters the ring at its own group.
 */
#include "kernel/domains_impl.h"

uint32_t
domains_cores(const struct builder *b, const struct cpumask *span)
{
    uint32_t cores = 0;

    for (uint32_t i = 0; i < span->nr_words; i++)
        cores += (uint32_t)__builtin_popcountll(span->bits[i] & b->core_first->bits[i]);
    return cores;
}

struct sched_group_capacity *
domains_capacity(struct builder *b, uint32_t level, uint32_t cpu, const struct cpumask *span,
                 struct cpumask *balance_mask)
{
    struct sched_group_capacity **sgc = &b->sgc[builder_index(b, level, cpu)];

    if (*sgc != NULL)
        return *sgc;
    *sgc = arena_new_object(b->arena, struct sched_group_capacity);
    (*sgc)->balance_mask = balance_mask;
    (*sgc)->min_capacity = UINT64_MAX;
    for_each_cpu (i, span) {
        uint64_t capacity = b->m->cpus[i].capacity;

        (*sgc)->capacity += capacity;
        (*sgc)->min_capacity = SIM_MIN((*sgc)->min_capacity, capacity);
        (*sgc)->max_capacity = SIM_MAX((*sgc)->max_capacity, capacity);
    }
    return *sgc;
}

static struct cpumask *
single_cpu(struct builder *b, uint32_t cpu)
{
    struct cpumask *mask = cpumask_new(b->arena, b->m->nr_cpus);

    cpumask_set(mask, cpu);
    return mask;
}

/* The group that holds a CPU at a level, known by its first CPU. */
static struct sched_group *
group_of(struct builder *b, uint32_t level, uint32_t cpu)
{
    const struct sched_domain *child = domain_at(b, level, cpu)->child;
    uint32_t first = child != NULL ? (uint32_t)cpumask_first(child->span) : cpu;
    struct sched_group **known = &b->plain[builder_index(b, level, first)];
    struct sched_group *sg;

    if (*known != NULL)
        return *known;
    *known = sg = arena_new_object(b->arena, struct sched_group);
    sg->span = child != NULL ? child->span : single_cpu(b, cpu);
    sg->weight = child != NULL ? child->span_weight : 1;
    sg->cores = child != NULL ? domains_cores(b, sg->span) : 1;
    sg->flags = child != NULL ? child->flags : 0;
    sg->sgc = domains_capacity(b, level, first, sg->span, sg->span);
    return sg;
}

static uint32_t
last_cpu(const struct cpumask *m)
{
    uint32_t word = m->nr_words - 1;

    while (m->bits[word] == 0)
        word--;
    return word * 64 + 63 - (uint32_t)__builtin_clzll(m->bits[word]);
}

static void
link_ring(struct builder *b, uint32_t level, const struct cpumask *span)
{
    struct cpumask *rest = cpumask_clone(b->scratch, span);
    struct sched_group *first = group_of(b, level, last_cpu(span)), *last = first;

    cpumask_andnot(rest, rest, first->span);
    for (int cpu; (cpu = cpumask_first(rest)) >= 0;) {
        struct sched_group *sg = group_of(b, level, (uint32_t)cpu);

        cpumask_andnot(rest, rest, sg->span);
        cpumask_clear(rest, (uint32_t)cpu);
        last->next = sg;
        last = sg;
    }
    last->next = first;
}

static void
plain_groups(struct builder *b, uint32_t cpu, struct sched_domain *sd)
{
    sd->groups = group_of(b, sd->level, cpu);
    if (sd->groups->next == NULL)
        link_ring(b, sd->level, sd->span);
}

void
domains_make_groups(struct builder *b)
{
    size_t slots = (size_t)b->nr_levels * b->m->nr_cpus;

    b->plain = arena_new_array(b->scratch, struct sched_group *, slots);
    b->sgc = arena_new_array(b->scratch, struct sched_group_capacity *, slots);
    b->rest = cpumask_new(b->scratch, b->m->nr_cpus);
    b->overlap =
        arena_new_array(b->scratch, struct overlap_group,
                        (size_t)b->d->nr_distance_levels * b->m->nr_nodes * b->m->nr_nodes);
    b->rings = arena_new_array(b->scratch, struct sched_group *,
                               (size_t)b->d->nr_distance_levels * b->m->nr_nodes);
    for_each_cpu (cpu, b->cpu_map)
        for_each_domain (sd, domain_at(b, 0, (uint32_t)cpu)) {
            if (sd->flags & SD_OVERLAP)
                domains_overlap_groups(b, (uint32_t)cpu, sd);
            else
                plain_groups(b, (uint32_t)cpu, sd);
        }
}

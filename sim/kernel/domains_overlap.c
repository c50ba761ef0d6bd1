/*
 * Groups of NUMA levels, which may overlap.
 *
 * A node sees the machine from its own place: its neighbours' neighbourhoods are the groups of its
 * next level, and two of them can share nodes. Hence the balance mask: the CPUs of a group that see
 * exactly this group themselves, and may balance on its behalf.
 *
 * When a neighbour's next smaller neighbourhood reaches outside of what this domain spans, a
 * smaller one is taken, from the highest level at which it fits.
 *
 * sched.domain_groups=first_cpu is the historic rule of "The Linux Scheduler: a Decade of Wasted
 * Cores" (Lozi et al., EuroSys 2016), from general knowledge of the paper: at NUMA levels beyond
 * the first, groups are those that the first CPU of the span sees, for all CPUs alike, and a group
 * is balanced by any of its CPUs. Two nodes that the first CPU sees together are in one group, and
 * may be so in every group: then no comparison of groups tells them apart.
 *
 * From NODE upwards, spans are unions of whole nodes and equal for all CPUs of a node. So a group
 * is made once for each (level, own node, other node); what depends on the CPU is only the order of
 * the ring, which is that of a walk over CPU numbers. Mostly CPUs of a node agree on it, and then
 * they share one ring: balancing walks it all over the machine, and finds it in the caches.
 */
#include "kernel/domains_impl.h"

static struct sched_domain *
descend(const struct sched_domain *sd, struct sched_domain *sibling)
{
    if (sibling->child == NULL || cpumask_subset(sibling->child->span, sd->span))
        return sibling;
    while (sibling->child != NULL && !cpumask_subset(sibling->child->span, sd->span))
        sibling = sibling->child;
    while (sibling->child != NULL && spans_equal(sibling->child->span, sibling->span))
        sibling = sibling->child;
    return sibling;
}

static bool
sees_group(const struct builder *b, uint32_t level, int cpu, const struct cpumask *span)
{
    const struct sched_domain *sd = domain_at(b, level, (uint32_t)cpu);

    return sd != NULL && sd->child != NULL && spans_equal(sd->child->span, span);
}

/* Asks one CPU of each node of the group: its siblings would give the same answer. */
static struct cpumask *
balance_mask(struct builder *b, uint32_t level, const struct cpumask *span)
{
    struct cpumask *mask = cpumask_new(b->arena, b->m->nr_cpus);

    for_each_node (n, b->cpu_nodes) {
        const struct cpumask *cpus = b->m->nodes[n].cpus;
        int cpu = cpumask_next_and(cpus, span, 0);

        if (cpu >= 0 && sees_group(b, level, cpu, span))
            cpumask_or(mask, mask, cpus);
    }
    cpumask_and(mask, mask, span);
    sim_assert(!cpumask_empty(mask));
    return mask;
}

/* The first CPU's groups cover what its own domain spans: the rule is for domains that span that.
 */
static bool
historic(const struct builder *b, const struct sched_domain *sd)
{
    if (!b->rules->groups_from_first_cpu || sd->numa_level < 2)
        return false;
    const struct sched_domain *of_first =
        domain_at(b, sd->level, (uint32_t)cpumask_first(sd->span));
    return of_first != NULL && spans_equal(of_first->span, sd->span);
}

static void
make_group(struct builder *b, const struct sched_domain *sd, uint32_t cpu, struct overlap_group *og)
{
    struct sched_domain *sibling = domain_at(b, sd->level, cpu);
    struct sched_group *sg = &og->group;
    const struct sched_domain *from;
    struct cpumask *mask;

    og->known = true;
    if (sibling == NULL)
        return;
    og->exists = true;
    sibling = descend(sd, sibling);
    from = sibling->child != NULL ? sibling->child : sibling;
    sg->span = from->span;
    sg->weight = from->span_weight;
    sg->cores = domains_cores(b, sg->span);
    sg->flags = sibling->child != NULL ? from->flags : 0;
    mask = historic(b, sd) ? cpumask_clone(b->arena, sg->span)
                           : balance_mask(b, sibling->level, sg->span);
    sg->sgc = domains_capacity(
        b, sibling->level, historic(b, sd) ? cpu : (uint32_t)cpumask_first(mask), sg->span, mask);
}

static const struct overlap_group *
group_seen(struct builder *b, const struct sched_domain *sd, uint32_t own, uint32_t other)
{
    uint32_t own_node = (uint32_t)b->m->cpus[own].node;
    uint32_t other_node = (uint32_t)b->m->cpus[other].node;
    size_t row = (size_t)sd->numa_level * b->m->nr_nodes + own_node;
    struct overlap_group *og = &b->overlap[row * b->m->nr_nodes + other_node];

    if (!og->known)
        make_group(b, sd, other, og);
    return og;
}

/* The ring as CPU `from` sees it. */
static void
make_ring(struct builder *b, uint32_t from, struct sched_domain *sd)
{
    struct cpumask *rest = b->rest;
    struct sched_group *last = NULL;

    cpumask_copy(rest, sd->span);
    for (int i; (i = cpumask_next_wrap(rest, (int)from)) >= 0;) {
        const struct overlap_group *og = group_seen(b, sd, from, (uint32_t)i);
        struct sched_group *sg;

        cpumask_clear(rest, (uint32_t)i);
        if (!og->exists)
            continue;
        sg = arena_new_object(b->scratch, struct sched_group);
        *sg = og->group;
        cpumask_andnot(rest, rest, sg->span);
        if (last == NULL)
            sd->groups = sg;
        else
            last->next = sg;
        last = sg;
    }
    sim_assert(last != NULL);
    last->next = sd->groups;
}

static bool
same_ring(const struct sched_group *a, const struct sched_group *b)
{
    const struct sched_group *first_a = a, *first_b = b;

    do {
        if (a->sgc != b->sgc || a->span != b->span || a->flags != b->flags)
            return false;
        a = a->next, b = b->next;
    } while (a != first_a && b != first_b);
    return a == first_a && b == first_b;
}

/* In one piece, in the order of the walk. */
static struct sched_group *
keep_ring(struct builder *b, struct sched_group *ring)
{
    uint32_t n = 0;

    for_each_group(sg, ring) n++;
    struct sched_group *kept = arena_new_array(b->arena, struct sched_group, n), *last = kept;
    for_each_group(sg, ring)
    {
        *last = *sg;
        last->next = last + 1;
        last++;
    }
    last[-1].next = kept;
    return kept;
}

void
domains_share_ring(struct builder *b, uint32_t cpu, struct sched_domain *sd)
{
    size_t row = (size_t)sd->numa_level * b->m->nr_nodes + (uint32_t)b->m->cpus[cpu].node;
    struct sched_group **last = &b->rings[row];

    if (*last == NULL || !same_ring(*last, sd->groups))
        *last = keep_ring(b, sd->groups);
    sd->groups = *last;
}

void
domains_overlap_groups(struct builder *b, uint32_t cpu, struct sched_domain *sd)
{
    if (!historic(b, sd)) {
        make_ring(b, cpu, sd);
        return;
    }
    make_ring(b, (uint32_t)cpumask_first(sd->span), sd);
    while (!cpumask_test(sd->groups->span, cpu)) /* the first that the CPU is in */
        sd->groups = sd->groups->next;
}

/*
 * The last step: levels that would balance nothing are taken out, and each CPU remembers the
 * domains that hot paths ask for.
 *
 * CPUs go in ascending order, and what a removal writes into a group is seen by all that share the
 * group, so the order is part of the result.
 */
#include "kernel/domains_impl.h"

/* Flags that mean nothing with a single group: all but the one for affine wakeups. */
enum { NEEDS_GROUPS = ((1 << SD_FLAG_NR) - 1) & ~SD_WAKE_AFFINE };

static bool
one_group(const struct sched_domain *sd)
{
    return sd->groups == sd->groups->next;
}

static bool
degenerate(const struct sched_domain *sd)
{
    if (sd->span_weight == 1)
        return true;
    if (sd->flags & NEEDS_GROUPS && !one_group(sd))
        return false;
    return !(sd->flags & SD_WAKE_AFFINE);
}

static bool
parent_degenerate(const struct sched_domain *sd, const struct sched_domain *parent)
{
    uint32_t flags = parent->flags;

    if (degenerate(parent))
        return true;
    if (!spans_equal(sd->span, parent->span))
        return false;
    if (one_group(parent))
        flags &= ~(uint32_t)NEEDS_GROUPS;
    return (flags & ~sd->flags) == 0;
}

static void
drop_parent(struct sched_domain *sd)
{
    struct sched_domain *parent = sd->parent;

    sd->parent = parent->parent;
    if (sd->parent != NULL) {
        sd->parent->child = sd;
        sd->parent->groups->flags = sd->flags;
    }
    sd->flags |= parent->flags & SD_PREFER_SIBLING;
}

static struct sched_domain *
drop_degenerate(struct sched_domain *bottom)
{
    struct sched_domain *sd = bottom;

    while (sd->parent != NULL) {
        if (parent_degenerate(sd, sd->parent))
            drop_parent(sd);
        else
            sd = sd->parent;
    }
    if (!degenerate(bottom))
        return bottom;
    sd = bottom->parent;
    if (sd != NULL) {
        sd->child = NULL;
        sd->groups->flags = 0;
    }
    return sd;
}

static struct sched_domain *
lowest_with(struct sched_domain *sd, uint32_t flag)
{
    while (sd != NULL && !(sd->flags & flag))
        sd = sd->parent;
    return sd;
}

static struct sched_domain *
highest_with(struct sched_domain *lowest, uint32_t flag)
{
    struct sched_domain *highest = NULL;

    for_each_domain (sd, lowest)
        if (sd->flags & flag)
            highest = sd;
    return highest;
}

static void
remember(struct domains *d, struct cpu_domains *c, struct sched_domain *lowest)
{
    struct sched_domain *cluster = lowest_with(lowest, SD_CLUSTER);

    c->sd = lowest;
    c->llc = highest_with(lowest, SD_SHARE_LLC);
    if (c->llc != NULL) {
        c->llc_id = cpumask_first(c->llc->span);
        c->llc_size = c->llc->span_weight;
        c->llc_shared = c->llc->shared;
    }
    c->share_id = cluster != NULL ? cpumask_first(cluster->span) : c->llc_id;
    c->numa = lowest_with(lowest, SD_NUMA);
    c->asym_packing = highest_with(lowest, SD_ASYM_PACKING);
    c->asym_cpucapacity = lowest_with(lowest, SD_ASYM_CPUCAPACITY_FULL);
    d->cluster_active |= cluster != NULL;
}

void
domains_attach(struct builder *b)
{
    for_each_cpu (cpu, b->cpu_map)
        remember(b->d, &b->d->cpus[cpu], drop_degenerate(domain_at(b, 0, (uint32_t)cpu)));
    for_each_cpu (cpu, b->cpu_map)
        for_each_domain (sd, b->d->cpus[cpu].sd)
            if (sd->flags & SD_OVERLAP)
                domains_share_ring(b, (uint32_t)cpu, sd);
}

/*
 * Groups: CPUs of one node that run the same profile over the same mix of nodes.
 *
 * On a large machine most CPUs do what others do, and one row of the equations stands for all of
 * them. What a member would ask of each resource if nothing were saturated is an integer, so that
 * the sums are the same whatever the order of comings and goings, and go back to zero exactly: as
 * long as no sum exceeds its resource, there is nothing to solve.
 */
#include "models/memory/proportional.h"

void
groups_init(struct kernel *k, struct proportional *pp)
{
    uint32_t nr_cpus = k->machine->nr_cpus;

    pp->nr_buckets = 16;
    while (pp->nr_buckets < nr_cpus)
        pp->nr_buckets *= 2;
    pp->buckets = arena_new_array(k->arena, uint32_t, pp->nr_buckets);
    pp->groups = arena_new_array(k->arena, struct group, nr_cpus);
    pp->free = arena_new_array(k->arena, uint32_t, nr_cpus);
    pp->group_of = arena_new_array(k->arena, uint32_t, nr_cpus);
    pp->next_cpu = arena_new_array(k->arena, uint32_t, nr_cpus);
    pp->prev_cpu = arena_new_array(k->arena, uint32_t, nr_cpus);
    pp->through = arena_new_array(k->arena, double, nr_cpus);
}

static uint64_t
hash_of(int node, const struct mem_mix *mix)
{
    uint64_t h = rng_fold((uint64_t)(uintptr_t)mix->profile ^ (uint64_t)node << 48, mix->nodes | 1);

    for_each_node (n, mix->nodes)
        h = rng_fold(h ^ mix->share_q16[n], 0x9e3779b97f4a7c15u + (uint64_t)n);
    return h;
}

static bool
same(const struct group *g, int node, const struct mem_mix *mix)
{
    if (g->node != node || g->mix.profile != mix->profile || g->mix.nodes != mix->nodes)
        return false;
    for_each_node (n, mix->nodes)
        if (g->mix.share_q16[n] != mix->share_q16[n])
            return false;
    return true;
}

/* Bytes per ns of work over one resource: reads of some nodes, write-backs to some. */
static double
load_of(const struct group *g, const struct resource *res, uint32_t line)
{
    const struct burst_profile *p = g->mix.profile;
    double read = (double)p->misses_q20 / (1 << 20) * line;
    double written = p->write_q8 / 256.0, sum = 0;
    double weight = 1 / (1 - res->write_derate * written / (1 + written));

    for_each_node (j, g->mix.nodes) {
        double share = g->mix.share_q16[j] / 65536.0;

        if (res->reads[g->node] & NODE_BIT(j))
            sum += share * read;
        if (res->writes[g->node] & NODE_BIT(j))
            sum += share * read * written;
    }
    return sum * weight;
}

static void
group_make(struct kernel *k, struct proportional *pp, struct group *g, int node,
           const struct mem_mix *mix)
{
    if (g->demand == NULL) {
        g->demand = arena_new_array(k->arena, uint64_t, pp->nr_resources);
        g->touched = arena_new_array(k->arena, uint32_t, pp->nr_resources);
    }
    g->node = node;
    g->mix = *mix;
    g->writes = mix->profile->write_q8 > 0;
    g->stall = stall_per_latency(mix->profile);
    double latency = 0;
    for_each_node (j, mix->nodes)
        latency +=
            mix->share_q16[j] / 65536.0 * pp->latency[(uint32_t)node * pp->nr_nodes + (uint32_t)j];
    g->idle_tau = g->tau = 1 + g->stall * latency;
    g->nr_touched = 0;
    for (uint32_t r = 0; r < pp->nr_resources; r++) {
        double load = load_of(g, &pp->resources[r], k->mm->line_bytes);

        g->demand[r] = (uint64_t)(load / g->idle_tau * 1e9 + 0.5);
        if (g->demand[r] > 0)
            g->touched[g->nr_touched++] = r;
    }
}

static uint32_t
group_find(struct kernel *k, struct proportional *pp, int node, const struct mem_mix *mix)
{
    uint64_t hash = hash_of(node, mix);
    uint32_t *bucket = &pp->buckets[hash & (pp->nr_buckets - 1)];

    for (uint32_t i = *bucket; i != 0; i = pp->groups[i - 1].next)
        if (pp->groups[i - 1].hash == hash && same(&pp->groups[i - 1], node, mix))
            return i - 1;
    uint32_t slot = pp->nr_free > 0 ? pp->free[--pp->nr_free] : pp->nr_groups++;
    struct group *g = &pp->groups[slot];
    group_make(k, pp, g, node, mix);
    g->hash = hash;
    g->next = *bucket;
    *bucket = slot + 1;
    return slot;
}

static void
group_drop(struct proportional *pp, uint32_t slot)
{
    struct group *g = &pp->groups[slot];
    uint32_t *at = &pp->buckets[g->hash & (pp->nr_buckets - 1)];

    while (*at != slot + 1)
        at = &pp->groups[*at - 1].next;
    *at = g->next;
    pp->free[pp->nr_free++] = slot;
}

static void
add_demand(struct proportional *pp, const struct group *g, bool add)
{
    for (uint32_t i = 0; i < g->nr_touched; i++) {
        struct resource *res = &pp->resources[g->touched[i]];
        bool over = res->demand > res->limit;

        res->demand += add ? g->demand[g->touched[i]] : -g->demand[g->touched[i]];
        pp->nr_over += (uint32_t)(res->demand > res->limit) - (uint32_t)over;
    }
}

static void
group_join(struct kernel *k, struct proportional *pp, int cpu, const struct mem_mix *mix)
{
    uint32_t slot = group_find(k, pp, k->rqs[cpu].node, mix);
    struct group *g = &pp->groups[slot];

    g->nr++;
    pp->group_of[cpu] = slot + 1;
    pp->prev_cpu[cpu] = 0;
    pp->next_cpu[cpu] = g->first_cpu;
    if (g->first_cpu != 0)
        pp->prev_cpu[g->first_cpu - 1] = (uint32_t)cpu + 1;
    g->first_cpu = (uint32_t)cpu + 1;
    add_demand(pp, g, true);
}

static void
group_leave(struct proportional *pp, int cpu)
{
    uint32_t slot = pp->group_of[cpu] - 1, next = pp->next_cpu[cpu], prev = pp->prev_cpu[cpu];
    struct group *g = &pp->groups[slot];

    add_demand(pp, g, false);
    if (prev != 0)
        pp->next_cpu[prev - 1] = next;
    else
        g->first_cpu = next;
    if (next != 0)
        pp->prev_cpu[next - 1] = prev;
    pp->group_of[cpu] = 0;
    if (--g->nr == 0)
        group_drop(pp, slot);
}

void
group_set(struct kernel *k, struct proportional *pp, int cpu, const struct mem_mix *mix)
{
    uint32_t slot = pp->group_of[cpu];

    if (slot != 0 && mix != NULL && same(&pp->groups[slot - 1], k->rqs[cpu].node, mix))
        return;
    if (slot != 0)
        group_leave(pp, cpu);
    if (mix != NULL)
        group_join(k, pp, cpu, mix);
}

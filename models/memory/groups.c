/*
 * Groups: CPUs of one node that run the same profile over the same mix of nodes.
 *
 * On a large machine most CPUs do what others do, and one row of the equations stands for all of
 * them. What a member would ask of each resource if nothing were saturated is an integer, so that
 * the sums are the same whatever the order of comings and goings, and go back to zero exactly: as
 * long as no sum exceeds its resource, there is nothing to solve.
 *
 * A group whose last member has left is kept, for the same task will be back, and its mix remembers
 * the group; empty groups make room for new ones in turn.
 */
#include "models/memory/proportional.h"

enum { GROUPS_SPARE = 64, GROUPS_PER_CPU = 4 };

void
groups_init(struct kernel *k, struct proportional *pp)
{
    uint32_t nr_cpus = k->machine->nr_cpus;

    pp->max_groups = GROUPS_PER_CPU * nr_cpus + GROUPS_SPARE;
    pp->nr_buckets = 64;
    while (pp->nr_buckets < pp->max_groups)
        pp->nr_buckets *= 2;
    pp->buckets = arena_new_array(k->arena, uint32_t, pp->nr_buckets);
    pp->groups = arena_new_array(k->arena, struct group, pp->max_groups);
    pp->members = arena_new_array(k->arena, struct member, nr_cpus);
    pp->users = arena_new_array(k->arena, struct user, nr_cpus);
    pp->demand = arena_new_array(k->arena, uint64_t, pp->nr_resources);
}

static uint64_t
hash_of(int node, const struct mem_mix *mix)
{
    uint64_t h = rng_fold((uint64_t)(uintptr_t)mix->profile ^ (uint64_t)node << 48, mix->nodes | 1);

    h = rng_fold(h, (uint64_t)mix->mlp_q8 << 32 | mix->miss_q16);
    for_each_node (n, mix->nodes)
        h = rng_fold(h ^ mix->share_q16[n], 0x9e3779b97f4a7c15u + (uint64_t)n);
    return h;
}

static bool
same(const struct group *g, int node, const struct mem_mix *mix)
{
    if (g->node != node || g->mix.profile != mix->profile || g->mix.nodes != mix->nodes ||
        g->mix.miss_q16 != mix->miss_q16 || g->mix.mlp_q8 != mix->mlp_q8)
        return false;
    if (likely(mem_mix_single(mix)))
        return true;
    for_each_node (n, mix->nodes)
        if (g->mix.share_q16[n] != mix->share_q16[n])
            return false;
    return true;
}

uint64_t
asks_demand(const struct ask *asks, uint32_t nr, uint32_t r)
{
    uint32_t low = 0, high = nr;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (asks[middle].resource < r)
            low = middle + 1;
        else
            high = middle;
    }
    return low < nr && asks[low].resource == r ? asks[low].demand : 0;
}

uint64_t
group_demand(const struct group *g, uint32_t r)
{
    return asks_demand(g->asks, g->nr_asks, r);
}

/* A resource that nothing was asked of yet takes its place among the others. */
static void
ask_first(struct kernel *k, struct group *g, uint32_t r)
{
    uint32_t at = g->nr_asks++;

    if (at == g->cap_asks) {
        g->cap_asks = 4 * at;
        g->asks =
            arena_grow(k->arena, g->asks, at * sizeof(*g->asks), g->cap_asks * sizeof(*g->asks));
    }
    for (; at > 0 && g->asks[at - 1].resource > r; at--)
        g->asks[at] = g->asks[at - 1];
    g->asks[at].resource = r;
}

/* Adds `bytes` per ns of work to what a member asks of resource r. */
static void
ask(struct kernel *k, struct group *g, uint32_t r, double bytes)
{
    struct proportional *pp = memory_priv(k);
    uint64_t demand = (uint64_t)(bytes / g->idle_tau * 1e9 + 0.5);

    if (demand == 0 || pp->resources[r].limit == UINT64_MAX)
        return;
    if (pp->demand[r] == 0)
        ask_first(k, g, r);
    pp->demand[r] += demand;
}

static void
take_demand(struct proportional *pp, struct group *g)
{
    for (uint32_t i = 0; i < g->nr_asks; i++) {
        g->asks[i].demand = pp->demand[g->asks[i].resource];
        pp->demand[g->asks[i].resource] = 0;
    }
}

/* Reads of node j come over one route, write-backs leave over the other; a controller that writes
 * gives less, which is the same as being asked for more. */
static void
ask_node(struct kernel *k, struct group *g, uint32_t j)
{
    const struct machine *m = k->machine;
    uint32_t i = (uint32_t)g->node;
    double written = g->mix.profile->write_q8 / 256.0;
    double derate = m->nodes[j].write_derate_ppm / 1e6 * written / (1 + written);
    double read = g->mix.share_q16[j] / 65536.0 * misses_per_work(&g->mix) * k->mm->line_bytes;

    ask(k, g, j, read * (1 + written) / (1 - derate));
    ask(k, g, m->nr_nodes + i, read * (1 + written));
    if (i == j)
        return;
    const struct machine_route *in = machine_route(m, i, j), *out = machine_route(m, j, i);
    for (uint32_t n = 0; n < in->nr_links; n++)
        ask(k, g, 2 * m->nr_nodes + in->links[n], read);
    for (uint32_t n = 0; n < out->nr_links; n++)
        ask(k, g, 2 * m->nr_nodes + out->links[n], read * written);
}

void
group_make(struct kernel *k, struct proportional *pp, struct group *g, int node,
           const struct mem_mix *mix)
{
    if (g->idle_stall == NULL) {
        g->idle_stall = arena_new_array(k->arena, double, pp->nr_nodes);
        g->asks = g->own;
        g->cap_asks = ARRAY_LEN(g->own);
    }
    g->nr_asks = 0;
    g->node = node;
    g->serial = ++pp->serial;
    g->mix = *mix;
    g->writes = mix->profile->write_q8 > 0;
    g->idle_tau = 1;
    double stall = stall_per_latency(mix);
    for_each_node (j, mix->nodes) {
        g->idle_stall[j] = stall * (mix->share_q16[j] / 65536.0) *
                           pp->latency[(uint32_t)node * pp->nr_nodes + (uint32_t)j];
        g->idle_tau += g->idle_stall[j];
    }
    g->tau = g->idle_tau;
    g->idle_rate = rate_of(g->tau);
    for_each_node (j, mix->nodes)
        ask_node(k, g, (uint32_t)j);
    take_demand(pp, g);
}

static void
unhash(struct proportional *pp, const struct group *g)
{
    uint32_t slot = (uint32_t)(g - pp->groups);
    uint32_t *at = &pp->buckets[g->hash & (pp->nr_buckets - 1)];

    while (*at != slot + 1)
        at = &pp->groups[*at - 1].next;
    *at = g->next;
}

static struct group *
new_group(struct proportional *pp)
{
    if (pp->nr_groups < pp->max_groups)
        return &pp->groups[pp->nr_groups++];
    do
        pp->hand = (pp->hand + 1) % pp->max_groups;
    while (pp->groups[pp->hand].nr > 0); /* there are more groups than CPUs */
    unhash(pp, &pp->groups[pp->hand]);
    return &pp->groups[pp->hand];
}

static struct group *
group_look_up(struct kernel *k, struct proportional *pp, int node, const struct mem_mix *mix)
{
    uint64_t hash = hash_of(node, mix);
    uint32_t *bucket = &pp->buckets[hash & (pp->nr_buckets - 1)];

    for (uint32_t i = *bucket; i != 0; i = pp->groups[i - 1].next)
        if (pp->groups[i - 1].hash == hash && same(&pp->groups[i - 1], node, mix))
            return &pp->groups[i - 1];
    struct group *g = new_group(pp);

    group_make(k, pp, g, node, mix);
    g->hash = hash;
    g->next = *bucket;
    *bucket = (uint32_t)(g - pp->groups) + 1;
    return g;
}

/* The group of a mix that was made for the CPUs of this node. */
static struct group *
group_find(struct kernel *k, struct proportional *pp, int node, struct mem_mix *mix)
{
    struct group *g = &pp->groups[mix->group];

    if (likely(mix->serial != 0 && g->serial == mix->serial))
        return g;
    g = group_look_up(k, pp, node, mix);
    mix->group = (uint32_t)(g - pp->groups);
    mix->serial = g->serial;
    return g;
}

void
asks_count(struct proportional *pp, const struct ask *asks, uint32_t nr, bool add)
{
    for (uint32_t i = 0; i < nr; i++) {
        struct resource *res = &pp->resources[asks[i].resource];
        uint64_t demand = asks[i].demand;
        bool over = res->demand > res->limit;

        res->demand += add ? demand : -demand;
        pp->nr_over += (uint32_t)(res->demand > res->limit) - (uint32_t)over;
    }
}

static void
group_join(struct proportional *pp, struct group *g, int cpu)
{
    g->nr++;
    pp->members[cpu] =
        (struct member){ .group = (uint32_t)(g - pp->groups) + 1, .next = g->first_cpu };
    if (g->first_cpu != 0)
        pp->members[g->first_cpu - 1].prev = (uint32_t)cpu + 1;
    g->first_cpu = (uint32_t)cpu + 1;
    asks_count(pp, g->asks, g->nr_asks, true);
}

static void
group_leave(struct proportional *pp, struct member *m)
{
    struct group *g = &pp->groups[m->group - 1];

    asks_count(pp, g->asks, g->nr_asks, false);
    if (m->prev != 0)
        pp->members[m->prev - 1].next = m->next;
    else
        g->first_cpu = m->next;
    if (m->next != 0)
        pp->members[m->next - 1].prev = m->prev;
    m->group = 0;
    if (--g->nr == 0)
        g->tau = g->idle_tau;
}

bool
group_set(struct kernel *k, struct proportional *pp, int cpu, struct mem_mix *mix)
{
    struct member *m = &pp->members[cpu];
    struct group *g = mix != NULL ? group_find(k, pp, k->rqs[cpu].node, mix) : NULL;
    bool was_in = m->group != 0;

    if (was_in && g == &pp->groups[m->group - 1])
        return false;
    if (was_in)
        group_leave(pp, m);
    if (g != NULL)
        group_join(pp, g, cpu);
    return was_in || g != NULL;
}

uint32_t
group_busy(const struct kernel *k, const struct proportional *pp, const struct group *g)
{
    uint32_t nr = 0;

    for (uint32_t cpu = g->first_cpu; cpu != 0; cpu = pp->members[cpu - 1].next)
        nr += cpu_misses(k, (int)cpu - 1);
    return nr;
}

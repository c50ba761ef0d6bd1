/*
 * Groups: CPUs of one node whose bursts miss at the same rate and spread over nodes alike.
 *
 * On a large machine most CPUs do what others do, and one row of the equations stands for all of
 * them. What a member asks of each resource is an integer, so that the sums are the same whatever
 * the order of comings and goings, and go back to zero exactly.
 *
 * Coming to a group that has members takes an addition for each resource and a look whether the sum
 * is still in its band. A group whose last member has left is kept, for the same task will be back,
 * and its mix remembers the group; if latencies have changed meanwhile, the first to come back
 * brings it up to date. Empty groups make room for new ones in turn.
 */
#include "models/memory/loaded.h"

enum { GROUPS_SPARE = 64, GROUPS_PER_CPU = 4 };

void
groups_init(struct loaded *ld)
{
    uint32_t nr_cpus = ld->k->machine->nr_cpus;
    struct arena *a = ld->k->arena;

    ld->max_groups = GROUPS_PER_CPU * nr_cpus + GROUPS_SPARE;
    ld->nr_buckets = 64;
    while (ld->nr_buckets < ld->max_groups)
        ld->nr_buckets *= 2;
    ld->buckets = arena_new_array(a, uint32_t, ld->nr_buckets);
    ld->groups = arena_new_array(a, struct group, ld->max_groups);
    ld->members = arena_new_array(a, struct member, nr_cpus);
    ld->passers = arena_new_array(a, struct passer, nr_cpus);
    ld->touched = arena_new_array(a, uint32_t, ld->max_groups);
}

/* ---- which group a mix belongs to ---- */

static uint64_t
lines_of(const struct mem_mix *mix)
{
    return (uint64_t)mix->profile->misses_q20 * mix->miss_q16;
}

static uint64_t
hash_of(int node, const struct mem_mix *mix)
{
    uint64_t rest = (uint64_t)mix->mlp_q8 << 32 ^ mix->profile->write_q8;
    uint64_t h = rng_fold(lines_of(mix) ^ (uint64_t)node << 58, mix->nodes | 1);

    h = rng_fold(h ^ rest, 0xe7037ed1a0b428dbu);
    for_each_node (n, mix->nodes)
        h = rng_fold(h ^ mix->share_q16[n], 0x9e3779b97f4a7c15u + (uint64_t)n);
    return h;
}

static bool
same(const struct group *g, int node, const struct mem_mix *mix)
{
    if (g->node != node || g->nodes != mix->nodes || g->lines != lines_of(mix) ||
        g->mlp_q8 != mix->mlp_q8 || g->write_q8 != mix->profile->write_q8)
        return false;
    for_each_node (n, mix->nodes)
        if (g->share_q16[n] != mix->share_q16[n])
            return false;
    return true;
}

/* ---- what it asks of resources ---- */

/* A resource that nothing was asked of yet takes its place among the others. */
static void
ask_first(struct loaded *ld, struct group *g, uint32_t r)
{
    uint32_t at = g->nr_asks++;

    if (at == g->cap_asks) {
        g->cap_asks = 4 * at;
        g->asks = arena_grow(ld->k->arena, g->asks, at * sizeof(*g->asks),
                             g->cap_asks * sizeof(*g->asks));
    }
    for (; at > 0 && g->asks[at - 1].resource > r; at--)
        g->asks[at] = g->asks[at - 1];
    g->asks[at] = (struct ask){ .resource = r };
}

static void
ask(struct loaded *ld, struct group *g, uint32_t r, double bytes)
{
    if (!(bytes > 0) || ld->resources[r].limit == UINT64_MAX)
        return;
    if (ld->bytes[r] == 0)
        ask_first(ld, g, r);
    ld->bytes[r] += bytes;
}

static void
take_bytes(struct loaded *ld, struct group *g)
{
    for (uint32_t i = 0; i < g->nr_asks; i++) {
        struct ask *a = &g->asks[i];

        a->bytes = ld->bytes[a->resource] * 1e9;
        ld->bytes[a->resource] = 0;
    }
}

/* Reads of node j come over one route, write-backs leave over the other; a controller that writes
 * gives less, which is the same as being asked for more. */
static void
ask_node(struct loaded *ld, struct group *g, const struct mem_mix *mix, uint32_t j)
{
    const struct machine *m = ld->k->machine;
    uint32_t i = (uint32_t)g->node;
    double written = g->write_q8 / 256.0;
    double derate = m->nodes[j].write_derate_ppm / 1e6 * written / (1 + written);
    double read = mix->share_q16[j] / 65536.0 * misses_per_work(mix) * ld->k->mm->line_bytes;

    ask(ld, g, j, read * (1 + written) / (1 - derate));
    ask(ld, g, m->nr_nodes + i, read * (1 + written));
    if (i == j)
        return;
    const struct machine_route *in = machine_route(m, i, j), *out = machine_route(m, j, i);
    for (uint32_t n = 0; n < in->nr_links; n++)
        ask(ld, g, 2 * m->nr_nodes + in->links[n], read);
    for (uint32_t n = 0; n < out->nr_links; n++)
        ask(ld, g, 2 * m->nr_nodes + out->links[n], read * written);
}

void
asks_set_tau(struct loaded *ld, struct ask *asks, uint32_t nr_asks, uint32_t nr, double tau)
{
    for (uint32_t i = 0; i < nr_asks; i++) {
        struct ask *a = &asks[i];
        struct resource *res = &ld->resources[a->resource];
        uint64_t flow = (uint64_t)(a->bytes / tau + 0.5);

        res->flow += nr * (flow - a->flow);
        a->flow = flow;
        if (!resource_in_band(res))
            resource_enqueue(ld, res);
    }
}

void
group_set_tau(struct loaded *ld, struct group *g, double tau)
{
    g->tau = tau;
    asks_set_tau(ld, g->asks, g->nr_asks, g->nr, tau);
}

void
group_through(const struct loaded *ld, const struct group *g, const struct resource *res,
              double *stall, double *reads)
{
    nodemask in = res->reads[g->node] & g->nodes;
    nodemask nodes = in | (g->writes ? res->writes[g->node] & g->nodes : 0);

    *stall = *reads = 0;
    for_each_node (j, nodes) {
        uint32_t at = (uint32_t)g->node * ld->nr_nodes + (uint32_t)j;
        double ns = g->stall[j] * ld->lambda[at];

        if (g->writes)
            ns *= ld->lambda_back[at];
        *stall += ns * ld->latency[at];
        if (in & NODE_BIT(j))
            *reads += ns;
    }
}

/* ---- making one ---- */

void
group_make(struct loaded *ld, struct group *g, int node, const struct mem_mix *mix)
{
    double stall = stall_per_latency(mix);

    if (g->stall == NULL) {
        g->stall = arena_new_array(ld->k->arena, double, ld->nr_nodes);
        g->share_q16 = arena_new_array(ld->k->arena, uint32_t, ld->nr_nodes);
        g->asks = g->own;
        g->cap_asks = ARRAY_LEN(g->own);
    }
    g->nr_asks = 0;
    g->node = node;
    g->serial = ++ld->serial;
    g->nodes = mix->nodes;
    g->lines = lines_of(mix);
    g->mlp_q8 = mix->mlp_q8;
    g->write_q8 = mix->profile->write_q8;
    g->writes = g->write_q8 > 0;
    g->rated_tau = 0;
    g->epoch = ld->epoch[node] - 1; /* tau is not known yet */
    for_each_node (j, mix->nodes) {
        g->share_q16[j] = mix->share_q16[j];
        g->stall[j] = stall * (mix->share_q16[j] / 65536.0);
        ask_node(ld, g, mix, (uint32_t)j);
    }
    take_bytes(ld, g);
}

static void
unhash(struct loaded *ld, const struct group *g)
{
    uint32_t slot = (uint32_t)(g - ld->groups);
    uint32_t *at = &ld->buckets[g->hash & (ld->nr_buckets - 1)];

    while (*at != slot + 1)
        at = &ld->groups[*at - 1].next;
    *at = g->next;
}

static struct group *
new_group(struct loaded *ld)
{
    if (ld->nr_groups < ld->max_groups)
        return &ld->groups[ld->nr_groups++];
    do
        ld->hand = (ld->hand + 1) % ld->max_groups;
    while (ld->groups[ld->hand].nr > 0); /* there are more groups than CPUs */
    unhash(ld, &ld->groups[ld->hand]);
    return &ld->groups[ld->hand];
}

static struct group *
group_look_up(struct loaded *ld, int node, const struct mem_mix *mix)
{
    uint64_t hash = hash_of(node, mix);
    uint32_t *bucket = &ld->buckets[hash & (ld->nr_buckets - 1)];

    for (uint32_t i = *bucket; i != 0; i = ld->groups[i - 1].next)
        if (ld->groups[i - 1].hash == hash && same(&ld->groups[i - 1], node, mix))
            return &ld->groups[i - 1];
    struct group *g = new_group(ld);

    group_make(ld, g, node, mix);
    g->hash = hash;
    g->next = *bucket;
    *bucket = (uint32_t)(g - ld->groups) + 1;
    return g;
}

/* The group of a mix that was made for the CPUs of this node. */
static struct group *
group_find(struct loaded *ld, int node, struct mem_mix *mix)
{
    struct group *g = &ld->groups[mix->group];

    if (likely(mix->serial != 0 && g->serial == mix->serial))
        return g;
    g = group_look_up(ld, node, mix);
    mix->group = (uint32_t)(g - ld->groups);
    mix->serial = g->serial;
    return g;
}

/* ---- members ---- */

/* Entries of users that are gone make room before the list grows. */
static void
users_make_room(struct loaded *ld, struct resource *res)
{
    uint32_t nr = 0, cap = res->cap_users;

    for (uint32_t i = 0; i < res->nr_users; i++)
        if (user_group(ld, &res->users[i]) != NULL)
            res->users[nr++] = res->users[i];
    res->nr_users = nr;
    if (nr < cap / 2)
        return;
    res->cap_users = SIM_MAX(2 * cap, 8u);
    res->users = arena_grow(ld->k->arena, res->users, nr * sizeof(*res->users),
                            res->cap_users * sizeof(*res->users));
}

struct group *
user_group(struct loaded *ld, const struct user *u)
{
    struct group *g = &ld->groups[u->group];

    if (g->serial != u->serial)
        return NULL; /* made anew, for others */
    if (g->nr > 0)
        return g;
    g->asks[u->ask].listed = false;
    return NULL;
}

/* Becomes a user of what ask `i` is for; its band is as narrow as its most sensitive user wants. */
static void
enlist(struct loaded *ld, struct group *g, uint32_t i)
{
    struct resource *res = &ld->resources[g->asks[i].resource];
    double stall, reads;

    if (!g->asks[i].listed) {
        if (res->nr_users == res->cap_users)
            users_make_room(ld, res);
        res->users[res->nr_users++] =
            (struct user){ .group = (uint32_t)(g - ld->groups), .serial = g->serial, .ask = i };
        g->asks[i].listed = true;
    }
    group_through(ld, g, res, &stall, &reads);
    if (reads <= res->steepest * g->tau)
        return;
    res->steepest = reads / g->tau;
    resource_set_band(ld, res);
}

/* tau at the present latencies. */
static double
group_tau(const struct loaded *ld, const struct group *g)
{
    double tau = 1;

    for_each_node (j, g->nodes) {
        uint32_t at = (uint32_t)g->node * ld->nr_nodes + (uint32_t)j;
        double ns = g->stall[j] * ld->latency[at] * ld->lambda[at];

        tau += g->writes ? ns * ld->lambda_back[at] : ns;
    }
    return tau;
}

void
group_wake(struct loaded *ld, struct group *g)
{
    bool fresh = g->epoch == ld->epoch[g->node];

    if (!fresh) {
        g->epoch = ld->epoch[g->node];
        group_set_tau(ld, g, group_tau(ld, g));
    }
    if (g->rated_tau != g->tau) {
        g->rated_tau = g->tau;
        g->rate = rate_of(g->tau);
    }
    for (uint32_t i = 0; i < g->nr_asks; i++)
        if (!fresh || !g->asks[i].listed)
            enlist(ld, g, i);
}

void
asks_count(struct loaded *ld, const struct ask *asks, uint32_t nr_asks, bool add)
{
    for (uint32_t i = 0; i < nr_asks; i++) {
        struct resource *res = &ld->resources[asks[i].resource];

        res->flow += add ? asks[i].flow : -asks[i].flow;
        res->nr_cpus += add ? 1 : UINT32_MAX;
        if (unlikely(!resource_in_band(res)))
            resource_enqueue(ld, res);
    }
}

static void
group_join(struct loaded *ld, struct group *g, int cpu)
{
    if (g->nr == 0)
        group_wake(ld, g);
    g->nr++;
    ld->members[cpu] =
        (struct member){ .group = (uint32_t)(g - ld->groups) + 1, .next = g->first_cpu };
    if (g->first_cpu != 0)
        ld->members[g->first_cpu - 1].prev = (uint32_t)cpu + 1;
    g->first_cpu = (uint32_t)cpu + 1;
    asks_count(ld, g->asks, g->nr_asks, true);
}

static void
group_leave(struct loaded *ld, struct member *m)
{
    struct group *g = &ld->groups[m->group - 1];

    asks_count(ld, g->asks, g->nr_asks, false);
    if (m->prev != 0)
        ld->members[m->prev - 1].next = m->next;
    else
        g->first_cpu = m->next;
    if (m->next != 0)
        ld->members[m->next - 1].prev = m->prev;
    m->group = 0;
    if (--g->nr == 0)
        g->epoch = ld->epoch[g->node];
}

void
group_set(struct loaded *ld, int cpu, struct mem_mix *mix)
{
    struct member *m = &ld->members[cpu];
    struct group *g = mix != NULL ? group_find(ld, ld->k->rqs[cpu].node, mix) : NULL;

    if (m->group != 0 && g == &ld->groups[m->group - 1])
        return;
    if (m->group != 0)
        group_leave(ld, m);
    if (g != NULL)
        group_join(ld, g, cpu);
}

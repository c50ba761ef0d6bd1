/*
 * The mix: over which nodes the accesses of a burst spread, from the counts of its regions.
 *
 * Each use counts with its weight, its pages with their share of what is populated. A use of which
 * nothing is populated yet is taken as local: that is where its pages are about to appear under the
 * default policy. Where pages differ in popularity they count by it. Shares are rounded on running
 * sums, so they add up to 65536 exactly.
 *
 * A mix is made anew only when a group that it was made from has changed; before that the burst is
 * settled, because what it did until now went by the old one.
 */
#include "kernel/caches.h"
#include "kernel/mm_view.h"
#include "kernel/region.h"

__extension__ typedef unsigned __int128 u128;

static void
add_share(struct mem_mix *mix, int node, uint32_t share)
{
    if (share == 0)
        return;
    mix->share_q16[node] += share;
    mix->nodes |= NODE_BIT(node);
}

/* Deals `part` of the accesses to nodes, by pages or weights on each. */
static void
mix_deal(struct mem_mix *mix, const uint64_t *on_node, uint32_t nr_nodes, uint64_t all,
         uint32_t part)
{
    uint64_t upto = 0, dealt = 0;

    for (uint32_t n = 0; n < nr_nodes; n++) {
        if (on_node[n] == 0)
            continue;
        upto += on_node[n];
        uint64_t sum = mul_div_u64(part, upto, all);
        add_share(mix, (int)n, (uint32_t)(sum - dealt));
        dealt = sum;
    }
}

/* Of one use. */
static void
mix_add_use(struct mem_mix *mix, const struct mem_use *u, uint32_t nr_nodes, uint32_t part,
            int local)
{
    const struct region_group *g = u->group;
    uint64_t populated = region_group_populated(g);

    if (populated == 0)
        add_share(mix, local, part);
    else if (u->view == NULL)
        mix_deal(mix, g->count, nr_nodes, populated, part);
    else
        mix_deal(mix, view_nodes(u->view), nr_nodes, view_populated(u->view), part);
}

void
mem_mix_make(struct kernel *k, struct task *p, int node)
{
    struct task_mem *mem = p->mem;
    uint64_t weight = 0;
    uint32_t dealt = 0;

    mem->mix = (struct mem_mix){ .profile = mem->profile };
    caches_mix(k, p, &mem->mix);
    mem->mix_node = node;
    for (uint32_t i = 0; i < mem->nr_uses; i++) {
        struct mem_use *u = &mem->uses[i];

        u->version = u->group->version;
        weight += u->weight;
        uint32_t upto = (uint32_t)(MIX_ALL * weight / SIM_MAX(mem->total_weight, 1u));
        mix_add_use(&mem->mix, u, k->machine->nr_nodes, upto - dealt, node);
        dealt = upto;
    }
    if (dealt < MIX_ALL)
        add_share(&mem->mix, node, MIX_ALL - dealt); /* no use at all: misses of its own */
}

struct mem_mix *
mm_mix(struct kernel *k, struct task *p)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (mem_mix_stale(p, rq->node)) {
        if (rq->curr == p)
            burst_settle(k, rq);
        if (mem_mix_stale(p, rq->node))
            mem_mix_make(k, p, rq->node);
    }
    return &p->mem->mix;
}

void
region_shares(const struct kernel *k, const struct region *r, uint32_t slice, nodemask *nodes,
              uint32_t *share_q16)
{
    const struct region_group *g = &r->groups[region_group_index(r, slice)];
    struct mem_mix mix = { 0 };

    if (region_group_populated(g) > 0)
        mix_deal(&mix, g->count, k->machine->nr_nodes, region_group_populated(g), MIX_ALL);
    *nodes = mix.nodes;
    memcpy(share_q16, mix.share_q16, sizeof(mix.share_q16));
}

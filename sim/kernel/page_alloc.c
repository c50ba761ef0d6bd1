/*
 * Page allocation: from a policy to a node with room (mm/page_alloc.c, mm/mempolicy.c). Facts:
 * numa-balancing.md 2.2, 2.4, 2.5.
 *
 * A policy names a node to start from and perhaps a set of nodes that are allowed; the fallback
 * list of the start node gives the order. Nodes above their low watermark are asked first. If there
 * is none, kswapd is woken on all of them, and nodes may give down to their minimum. Then the task
 * reclaims by itself, and at last a process is killed. PREFERRED_MANY does the first two within its
 * set, and begins again with all nodes. A set that is strict (BIND) is never left.
 *
 * A cpuset takes the place of a missing set; with a set, nodes outside the cpuset are passed over.
 * A strict set that has nothing in common with the cpuset counts as none.
 *
 * Counters are by allocation, whatever its size, and "hit" is measured against the first node that
 * the walk may use: a page bound to a remote node is a hit and an "other".
 */
#include "kernel/page_alloc.h"

#include "kernel/mempolicy.h"
#include "kernel/numa_quirks.h"
#include "kernel/oom.h"
#include "kernel/vmscan.h"

#define ALL_NODES (~(nodemask)0)

enum { HUGE_PAGES = PAGE_2M / PAGE_4K };

struct page_walk
page_walk_for(const struct kernel *k, struct task *p, const struct mempolicy *policy, int cpu_node,
              uint64_t index, uint32_t scale)
{
    struct page_walk w = { .p = p,
                           .start = cpu_node,
                           .cpu_node = cpu_node,
                           .mems = p != NULL ? task_mems(k, p) : ALL_NODES,
                           .scale = scale,
                           .mode = policy->mode };

    w.allowed = w.mems;
    switch (policy->mode) {
    case MPOL_PREFERRED:
        if (policy->nodes != 0)
            w.start = __builtin_ctzll(policy->nodes);
        break;
    case MPOL_BIND:
        w.strict = (policy->nodes & w.mems) != 0;
        if (w.strict)
            w.allowed = policy->nodes;
        w.start = policy->has_home ? policy->home : cpu_node;
        break;
    case MPOL_PREFERRED_MANY:
        w.allowed = policy->nodes;
        w.start = policy->has_home ? policy->home : cpu_node;
        break;
    case MPOL_INTERLEAVE:
    case MPOL_WEIGHTED_INTERLEAVE:
        w.start = mempolicy_interleave_node(k, policy, index);
        w.indexed = true;
        break;
    default:
        break;
    }
    return w;
}

/* Where a policy names one node, or allows the one to start from, remote memory would cost more
 * than a huge page gains: there is none then for who starts from a node without memory, or outside
 * of its cpuset. PREFERRED_MANY goes its own way before that is asked (alloc_pages_mpol). */
void
page_walk_huge(struct page_walk *w)
{
    bool set_without = w->strict && !(w->allowed & NODE_BIT(w->start));

    w->scale = HUGE_PAGES;
    w->light = true;
    w->start_only = !w->indexed && w->mode != MPOL_PREFERRED_MANY && !set_without;
}

static uint64_t
mark_of(const struct mm_node *node, bool above_low)
{
    return above_low ? node->low_watermark : node->min_watermark;
}

/* The first node in the order of `start` with `scale` pages above its mark; -1: none. */
static int
walk_nodes(const struct kernel *k, const struct page_walk *w, bool above_low)
{
    for (const int32_t *n = k->domains->fallback[w->start]; *n >= 0; n++) {
        const struct mm_node *node = &k->mm->nodes[*n];

        if (w->start_only && *n != w->start)
            break;
        if ((w->allowed & w->mems & NODE_BIT(*n)) &&
            node->free_pages >= mark_of(node, above_low) + w->scale)
            return *n;
    }
    return -1;
}

static int
first_allowed(const struct kernel *k, int start, nodemask allowed)
{
    for (const int32_t *n = k->domains->fallback[start]; *n >= 0; n++)
        if (allowed & NODE_BIT(*n))
            return *n;
    return -1;
}

static void
wake_kswapds(struct kernel *k, const struct page_walk *w)
{
    for (const int32_t *n = k->domains->fallback[w->start]; *n >= 0; n++)
        if ((w->allowed & w->mems & NODE_BIT(*n)) && (!w->start_only || *n == w->start))
            wakeup_kswapd(k, *n);
}

/* Above low, or with kswapd at work above the minimum. */
static int
walk_twice(struct kernel *k, const struct page_walk *w)
{
    int node = walk_nodes(k, w, true);

    if (node >= 0)
        return node;
    if (!w->light || w->wakes)
        wake_kswapds(k, w);
    return walk_nodes(k, w, false);
}

/* Nothing is left: the task reclaims as long as this gets it somewhere, then somebody must go. */
static int
walk_hard(struct kernel *k, const struct page_walk *w)
{
    nodemask nodes = w->allowed & w->mems & machine_memory_nodes(k->machine);
    int node = -1;

    while (node < 0 && w->p != NULL && try_to_free_pages(k, w->p, w->start, nodes))
        node = walk_nodes(k, w, false);
    while (node < 0 && !w->spares && out_of_memory(k, w->p, nodes, w->strict))
        node = walk_nodes(k, w, false);
    return node;
}

int
page_walk_find(struct kernel *k, struct page_walk *w)
{
    int node = walk_twice(k, w);

    if (node < 0 && w->mode == MPOL_PREFERRED_MANY) {
        w->allowed = w->mems;
        node = walk_twice(k, w);
    }
    if (node < 0 && w->reclaims) {
        w->start_only = false;
        w->spares = true;
        node = walk_twice(k, w);
    }
    return node < 0 && (!w->light || w->reclaims) ? walk_hard(k, w) : node;
}

static void
count_allocations(struct kernel *k, const struct page_walk *w, int node, uint64_t n)
{
    int wanted = first_allowed(k, w->start, w->allowed);
    struct mm_node *nodes = k->mm->nodes;

    n *= numa_quirk(k, HIT_ALLOCATIONS) ? 1 : w->scale;
    if (node == wanted || wanted < 0) {
        nodes[node].numa_hit += n;
        k->stats.numa_hit += n;
    } else {
        nodes[node].numa_miss += n;
        nodes[wanted].numa_foreign += n;
        k->stats.numa_miss += n;
        k->stats.numa_foreign += n;
    }
    if (node == w->cpu_node) {
        nodes[node].local_node += n;
        k->stats.numa_local += n;
    } else {
        nodes[node].other_node += n;
        k->stats.numa_other += n;
    }
    if (w->mode == MPOL_INTERLEAVE && node == w->start) {
        nodes[node].interleave_hit += n;
        k->stats.numa_interleave += n;
    }
}

uint64_t
page_walk_take(struct kernel *k, const struct page_walk *w, int node, uint64_t want)
{
    struct mm_node *n = &k->mm->nodes[node];
    bool above_low = n->free_pages >= n->low_watermark + w->scale;
    uint64_t mark = SIM_MIN(mark_of(n, above_low), n->free_pages - w->scale);
    uint64_t room = (n->free_pages - mark) / w->scale;
    uint64_t taken = w->indexed ? 1 : SIM_MIN(want, room);

    n->free_pages -= taken * w->scale;
    count_allocations(k, w, node, taken);
    return taken;
}

uint64_t
alloc_pages(struct kernel *k, struct task *p, const struct mempolicy *policy, int cpu_node,
            uint64_t ilx, bool huge, uint64_t want, int *node)
{
    struct page_walk w = page_walk_for(k, p, policy, cpu_node, ilx, 1);

    if (huge)
        page_walk_huge(&w);
    *node = page_walk_find(k, &w);
    return *node < 0 ? 0 : page_walk_take(k, &w, *node, huge ? 1 : want);
}

uint64_t
page_alloc(struct kernel *k, const struct mempolicy *policy, int cpu_node, uint64_t index,
           uint32_t scale, uint64_t want, int *node)
{
    struct page_walk w = page_walk_for(k, NULL, policy, cpu_node, index, scale);

    *node = page_walk_find(k, &w);
    return *node < 0 ? 0 : page_walk_take(k, &w, *node, want);
}

bool
migrate_check_room(struct kernel *k, int node, uint32_t np)
{
    const struct mm_node *n = &k->mm->nodes[node];

    if (n->free_pages > n->high_watermark + np)
        return true;
    if (k->params.numa.mode & NUMA_BALANCING_MEMORY_TIERING)
        wakeup_kswapd(k, node);
    return false;
}

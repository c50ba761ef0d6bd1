/*
 * Page allocation: from a policy to a node with room (mm/page_alloc.c, mm/mempolicy.c).
 *
 * A policy names a node to start from and perhaps a set of nodes that are allowed; the fallback
 * list of the start node gives the order. Three walks, as the kernel makes them: nodes above their
 * low watermark, then (PREFERRED_MANY) without the set, then down to the last page. A set that is
 * strict (BIND) is never left: when it is empty the run ends, as a process would be killed.
 *
 * Counters are by allocation, whatever its size, and "hit" is measured against the first node that
 * the walk may use: a page bound to a remote node is a hit and an "other".
 */
#include "kernel/page_alloc.h"

#define ALL_NODES (~(nodemask)0)

struct page_walk
page_walk_of(const struct mempolicy *policy, int cpu_node, uint64_t index, uint32_t scale)
{
    struct page_walk w = { .start = cpu_node,
                           .cpu_node = cpu_node,
                           .allowed = ALL_NODES,
                           .scale = scale,
                           .mode = policy->mode };

    switch (policy->mode) {
    case MPOL_PREFERRED:
        if (policy->nodes != 0)
            w.start = __builtin_ctzll(policy->nodes);
        break;
    case MPOL_PREFERRED_MANY:
    case MPOL_BIND:
        w.allowed = policy->nodes;
        w.strict = policy->mode == MPOL_BIND;
        break;
    case MPOL_INTERLEAVE:
    case MPOL_WEIGHTED_INTERLEAVE:
        w.start = mempolicy_interleave_node(policy, index);
        w.indexed = true;
        break;
    default:
        break;
    }
    return w;
}

/* The first node in the order of `start` with `scale` pages above its reserve; -1: none. */
static int
walk_nodes(const struct kernel *k, int start, nodemask allowed, uint32_t scale, bool above_low)
{
    for (const int32_t *n = k->domains->fallback[start]; *n >= 0; n++) {
        const struct mm_node *node = &k->mm->nodes[*n];
        uint64_t reserve = above_low ? node->low_watermark : 0;

        if ((allowed & NODE_BIT(*n)) && node->free_pages >= reserve + scale)
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
out_of_memory(struct kernel *k, const struct page_walk *w)
{
    uint64_t free_pages = 0;

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        free_pages += k->mm->nodes[n].free_pages;
    if (w->strict)
        kernel_fail(k,
                    "out of memory: no page is left on the nodes that a bind policy allows, and "
                    "%llu MiB are free on others",
                    (unsigned long long)(free_pages >> 8));
    else
        kernel_fail(k, "out of memory: all nodes of the machine are full");
}

int
page_walk_find(struct kernel *k, const struct page_walk *w)
{
    uint32_t scale = w->scale;
    int node = walk_nodes(k, w->start, w->allowed, scale, true);

    if (node < 0 && !w->strict && w->allowed != ALL_NODES)
        node = walk_nodes(k, w->start, ALL_NODES, scale, true);
    if (node < 0)
        node = walk_nodes(k, w->start, w->strict ? w->allowed : ALL_NODES, scale, false);
    if (node < 0)
        out_of_memory(k, w);
    return node;
}

static void
count_allocations(struct kernel *k, const struct page_walk *w, int node, uint64_t n)
{
    int wanted = first_allowed(k, w->start, w->allowed);
    struct mm_node *nodes = k->mm->nodes;

    if (node == wanted) {
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
    uint64_t reserve = n->free_pages >= n->low_watermark + w->scale ? n->low_watermark : 0;
    uint64_t room = (n->free_pages - reserve) / w->scale;
    uint64_t taken = w->indexed ? 1 : SIM_MIN(want, room);

    n->free_pages -= taken * w->scale;
    count_allocations(k, w, node, taken);
    return taken;
}

uint64_t
page_alloc(struct kernel *k, const struct mempolicy *policy, int cpu_node, uint64_t index,
           uint32_t scale, uint64_t want, int *node)
{
    struct page_walk w = page_walk_of(policy, cpu_node, index, scale);

    *node = page_walk_find(k, &w);
    return *node < 0 ? 0 : page_walk_take(k, &w, *node, want);
}

/*
 * Binding memory: the slices and private regions of a thread to its node, shared regions over the
 * nodes of whoever shares them.
 *
 * What is promised is written down, so that two regions are not both promised the last room of a
 * node. What does not fit on its node goes to the nearest nodes with room as well, and the user is
 * told.
 */
#include "models/placement/static.h"

#include "kernel/vma.h"

/* Lower numbers first among equals. */
static int
nearest_with_room(const struct kernel *k, const struct place *pl, int from, nodemask but)
{
    uint32_t distance = UINT32_MAX;
    int best = -1;

    for_each_node (n, pl->memory_nodes & ~but) {
        uint32_t d = machine_distance(k->machine, (uint32_t)from, (uint32_t)n);

        if (pl->nodes[n].room == 0 || d >= distance)
            continue;
        distance = d;
        best = n;
    }
    return best;
}

/* Promises `bytes` near `node`; which nodes it took. */
static nodemask
promise(struct kernel *k, struct place *pl, int node, uint64_t bytes)
{
    nodemask taken = NODE_BIT(node);
    int n = node;

    for (;;) {
        uint64_t part = SIM_MIN(bytes, pl->nodes[n].room);

        pl->nodes[n].room -= part;
        bytes -= part;
        if (bytes == 0)
            break;
        n = nearest_with_room(k, pl, node, taken);
        if (n < 0)
            break;
        taken |= NODE_BIT(n);
    }
    return taken;
}

static struct mempolicy
bind_near(struct kernel *k, struct place *pl, int thread_node, uint64_t bytes)
{
    int node = pl->nodes[thread_node].memory;
    nodemask nodes = promise(k, pl, node, bytes);

    pl->squeezed += nodes != NODE_BIT(node);
    return (struct mempolicy){ .mode = MPOL_BIND, .nodes = nodes };
}

static struct mempolicy
interleave_over(struct kernel *k, struct place *pl, nodemask thread_nodes, uint64_t bytes)
{
    nodemask wanted = 0, nodes = 0;

    for_each_node (n, thread_nodes)
        wanted |= NODE_BIT(pl->nodes[n].memory);
    for_each_node (n, wanted)
        nodes |= promise(k, pl, n, bytes / (uint32_t)__builtin_popcountll(wanted));
    pl->squeezed += nodes != wanted;
    return (struct mempolicy){ .mode = MPOL_INTERLEAVE, .nodes = nodes };
}

/* Nodes of the threads that share the region. */
static nodemask
sharers(const struct place *pl, const struct region *r)
{
    nodemask nodes = 0;

    if (r->sharing != REGION_GLOBAL && pl->processes[r->mm->process->id].nodes != 0)
        return pl->processes[r->mm->process->id].nodes;
    for (uint32_t i = 0; i < pl->nr_processes; i++)
        nodes |= pl->processes[i].nodes;
    return nodes != 0 ? nodes : pl->cpu_nodes;
}

/* The thread that a region belongs to, or -1. */
static int
owner_of(const struct place_process *pp, const struct region *r)
{
    if (r->sharing != REGION_PRIVATE)
        return -1;
    if (r->owner >= 0)
        return (uint32_t)r->owner < pp->nr ? r->owner : -1;
    return pp->nr == 1 ? 0 : -1;
}

void
place_override_region(struct kernel *k, struct place *pl, struct region *r)
{
    pl->regions_overridden += region_has_policy(r);
    region_set_policy(k, r, 0, r->nr_pages, &(struct mempolicy){ .mode = MPOL_DEFAULT });
}

static void
bind_slice(struct kernel *k, struct place *pl, struct region *r, uint32_t slice)
{
    const struct place_process *pp = &pl->processes[r->mm->process->id];
    uint64_t pages = region_slice_pages(r, slice);

    if (pp->nr == 0)
        return;
    struct mempolicy near = bind_near(k, pl, pp->node_of[slice % pp->nr], pages * PAGE_4K);
    region_set_policy(k, r, region_slice_first(r, slice), pages, &near);
}

void
place_region(struct kernel *k, struct place *pl, struct region *r)
{
    const struct place_process *pp = place_process_of(k, pl, r->mm->process);
    uint64_t bytes = r->nr_pages * PAGE_4K;
    struct mempolicy whole;
    int owner = owner_of(pp, r);

    place_override_region(k, pl, r);
    if (pl->deal == NULL) {
        whole = pl->everywhere;
    } else if (r->nr_slices > 1 && pp->nr > 0) {
        for (uint32_t s = 0; s < r->nr_slices; s++)
            bind_slice(k, pl, r, s);
        return;
    } else if (owner >= 0) {
        whole = bind_near(k, pl, pp->node_of[owner], bytes);
    } else {
        whole = interleave_over(k, pl, sharers(pl, r), bytes);
    }
    region_set_policy(k, r, 0, r->nr_pages, &whole);
}

void
place_region_of(struct kernel *k, struct place *pl, struct region *r, uint32_t member)
{
    const struct place_process *pp = place_process_of(k, pl, r->mm->process);

    if (r->nr_slices > 1 && region_policy(r, 0)->mode == MPOL_BIND) {
        if (member < r->nr_slices)
            bind_slice(k, pl, r, member);
    } else if (owner_of(pp, r) == (int)member) {
        struct mempolicy near = bind_near(k, pl, pp->node_of[member], r->nr_pages * PAGE_4K);

        region_set_policy(k, r, 0, r->nr_pages, &near);
    }
}

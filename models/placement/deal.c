/*
 * Dealing threads over nodes.
 *
 * pack fills: a process begins on the node with most free CPUs, goes on there while there are any,
 * then on the nearest node to the first that has some. Thread by thread this uses the fewest nodes
 * in that order, and a thread that is forked later simply continues. spread takes the nodes in
 * turn, across processes.
 */
#include "models/placement/static.h"

struct place_process *
place_process_of(struct kernel *k, struct place *pl, const struct process *pr)
{
    if (pr->id >= pl->nr_processes) {
        uint32_t cap = SIM_MAX(k->nr_processes, pr->id + 1);

        pl->processes =
            arena_grow(k->arena, pl->processes, pl->nr_processes * sizeof(*pl->processes),
                       cap * sizeof(*pl->processes));
        for (uint32_t i = pl->nr_processes; i < cap; i++)
            pl->processes[i].first = pl->processes[i].last = -1;
        pl->nr_processes = cap;
    }
    return &pl->processes[pr->id];
}

static int
emptiest(const struct place *pl)
{
    int best = -1;

    for_each_node (n, pl->cpu_nodes)
        if (best < 0 || pl->nodes[n].nr_free > pl->nodes[best].nr_free)
            best = n;
    return best;
}

static int
nearest_free(const struct kernel *k, const struct place *pl, int from)
{
    uint32_t distance = UINT32_MAX;
    int best = -1;

    for_each_node (n, pl->cpu_nodes) {
        uint32_t d = machine_distance(k->machine, (uint32_t)from, (uint32_t)n);

        if (pl->nodes[n].nr_free == 0 || d >= distance)
            continue;
        distance = d;
        best = n;
    }
    return best;
}

/* All CPUs are dealt: all count as free again. */
static void
free_all_if_none(struct place *pl)
{
    for_each_node (n, pl->cpu_nodes)
        if (pl->nodes[n].nr_free > 0)
            return;
    for_each_node (n, pl->cpu_nodes)
        pl->nodes[n].nr_free = pl->nodes[n].nr_cpus;
}

int
deal_pack(struct kernel *k, struct place *pl, struct place_process *pp)
{
    int node = pp->last;

    free_all_if_none(pl);
    if (pp->first < 0)
        node = emptiest(pl);
    else if (pl->nodes[node].nr_free == 0)
        node = nearest_free(k, pl, pp->first);
    pl->nodes[node].nr_free--;
    return node;
}

int
deal_spread(struct kernel *k, struct place *pl, struct place_process *pp)
{
    nodemask after = pl->turn < 0
                         ? pl->cpu_nodes
                         : pl->cpu_nodes & ~(NODE_BIT(pl->turn) | (NODE_BIT(pl->turn) - 1));
    (void)k, (void)pp;

    pl->turn = __builtin_ctzll(after != 0 ? after : pl->cpu_nodes);
    return pl->turn;
}

void
place_task(struct kernel *k, struct place *pl, struct task *p)
{
    struct place_process *pp = place_process_of(k, pl, p->process);

    if (p->nr_allowed < k->nr_online || p->mem->policy.mode != MPOL_DEFAULT)
        pl->threads_overridden++;
    p->mem->policy = (struct mempolicy){ .mode = MPOL_DEFAULT };
    if (pl->deal == NULL) {
        task_set_affinity(k, p, k->machine->online);
        return;
    }
    int node = pl->deal(k, pl, pp);
    if (pp->nr == pp->cap) {
        uint32_t cap = pp->cap ? 2 * pp->cap : 8;

        pp->node_of =
            arena_grow(k->arena, pp->node_of, pp->cap * sizeof(int32_t), cap * sizeof(int32_t));
        pp->cap = cap;
    }
    pp->node_of[pp->nr++] = node;
    pp->first = pp->first < 0 ? node : pp->first;
    pp->last = node;
    pp->nodes |= NODE_BIT(node);
    task_set_affinity(k, p, pl->nodes[node].cpus);
}

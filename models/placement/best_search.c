/*
 * The search of static:best: greedy starts, then moves that make it better, until none does or the
 * evaluations are used up.
 *
 * Starts are the deals of the other static policies, and all tasks in one block on each of the sets
 * of nodes that have the greatest total bandwidth for their size (controllers, and links between
 * them, both ways); each with memory beside its users, interleaved over all nodes, or in
 * proportion to bandwidth. From the best of them on, one thing at a time is changed: the weights of
 * one family of memory, the node of some tasks of a process, two nodes' tasks for each other. What
 * is better is kept at once. The order is fixed, lowest numbers first, so the result is the same
 * everywhere.
 */
#include "models/placement/best_moves.h"

struct best_choice
best_choice_new(struct best *b)
{
    return (struct best_choice){
        .node = arena_new_array(b->k->arena, int32_t, b->nr_tasks),
        .weights = arena_new_array(b->k->arena, struct best_weights, b->nr_families),
    };
}

void
best_choice_copy(const struct best *b, struct best_choice *to, const struct best_choice *from)
{
    memcpy(to->node, from->node, b->nr_tasks * sizeof(*to->node));
    memcpy(to->weights, from->weights, b->nr_families * sizeof(*to->weights));
}

struct best_weights
best_by_bandwidth(const struct best *b, nodemask nodes)
{
    struct mempolicy policy = place_by_bandwidth(b->k, nodes);
    struct best_weights w = { 0 };

    memcpy(w.node, policy.weights, sizeof(w.node));
    return w;
}

bool
best_try(struct search *s)
{
    if (s->b->nr_evaluations >= s->b->max_evaluations)
        return false;
    double value = best_value(s->b, &s->trial);

    if (!(value < s->value * (1 - 1e-9)))
        return false;
    best_choice_copy(s->b, &s->now, &s->trial);
    s->value = value;
    return true;
}

/* ---- starts ---- */

/* As much as fits: where there is more room, more. */
static struct best_weights
by_room(const struct best *b)
{
    struct best_weights w = { 0 };
    uint64_t most = 1;

    for_each_node (n, b->pl->memory_nodes)
        most = SIM_MAX(most, b->pl->nodes[n].room);
    for_each_node (n, b->pl->memory_nodes)
        w.node[n] = (uint8_t)SIM_MAX(b->pl->nodes[n].room / (most / 100 + 1), (uint64_t)1);
    return w;
}

static void
try_memory(struct search *s, const struct best_weights *w)
{
    for (uint32_t f = 0; f < s->b->nr_families; f++)
        s->trial.weights[f] = *w;
    best_try(s);
}

/* The tasks of `trial` with all memory in one of the usual ways. */
static void
try_start(struct search *s)
{
    struct best_weights own = { .own = 1 }, all = { 0 };
    struct best_weights weighted = best_by_bandwidth(s->b, s->b->pl->memory_nodes);
    struct best_weights room = by_room(s->b);

    for_each_node (n, s->b->pl->memory_nodes)
        all.node[n] = 1;
    try_memory(s, &own);
    try_memory(s, &all);
    if (memcmp(&all, &weighted, sizeof(all)) != 0)
        try_memory(s, &weighted);
    if (s->value == __builtin_inf())
        try_memory(s, &room);
}

static void
start_dealt(struct search *s, int (*deal)(struct kernel *, struct place *, struct place_process *))
{
    struct best *b = s->b;
    struct place *pl = place_new(b->k, b->pl->ops);

    for (uint32_t t = 0; t < b->nr_tasks; t++) {
        struct place_process *pp = place_process_of(b->k, pl, b->tasks[t].task->process);

        s->trial.node[t] = deal(b->k, pl, pp);
        pp->first = pp->first < 0 ? s->trial.node[t] : pp->first;
        pp->last = s->trial.node[t];
    }
    try_start(s);
}

/* All tasks in order, in equal parts by CPUs, over a set of nodes. */
static void
start_blocks(struct search *s, nodemask nodes)
{
    struct best *b = s->b;
    uint64_t cpus = 0, before = 0;

    for_each_node (n, nodes)
        cpus += b->pl->nodes[n].nr_cpus;
    for_each_node (n, nodes) {
        uint64_t from = before * b->nr_tasks / cpus;

        before += b->pl->nodes[n].nr_cpus;
        for (uint64_t t = from; t < before * b->nr_tasks / cpus; t++)
            s->trial.node[t] = n;
    }
    try_start(s);
}

/* ---- sets of nodes ---- */

/* Bytes a second that can flow from j's memory to i's CPUs. */
static double
flow(const struct machine *m, uint32_t i, uint32_t j)
{
    const struct machine_route *r = machine_route(m, i, j);
    uint64_t least = m->nodes[j].bandwidth;

    for (uint32_t l = 0; l < r->nr_links; l++)
        least = SIM_MIN(least, m->links[r->links[l]].bandwidth);
    return (double)least;
}

static double
total_flow(const struct machine *m, nodemask nodes)
{
    double sum = 0;

    for_each_node (i, nodes)
        for_each_node (j, nodes)
            sum += flow(m, (uint32_t)i, (uint32_t)j);
    return sum;
}

/* One node more, or another one instead, as long as the total grows. */
static nodemask
best_set(const struct best *b, nodemask from)
{
    const struct machine *m = b->k->machine;
    nodemask best = 0;
    double most = -1;

    for_each_node (n, b->pl->cpu_nodes & ~from) {
        double sum = total_flow(m, from | NODE_BIT(n));

        if (sum > most) {
            most = sum;
            best = from | NODE_BIT(n);
        }
    }
    for (bool better = true; better;) {
        nodemask base = best;

        better = false;
        for_each_node (out, base)
            for_each_node (in, b->pl->cpu_nodes & ~base) {
                nodemask other = (base & ~NODE_BIT(out)) | NODE_BIT(in);
                double sum = total_flow(m, other);

                if (sum > most * (1 + 1e-9)) {
                    most = sum;
                    best = other;
                    better = true;
                }
            }
    }
    return best;
}

static void
start_all(struct search *s)
{
    nodemask set = 0;

    start_dealt(s, deal_pack);
    start_dealt(s, deal_spread);
    while (set != s->b->pl->cpu_nodes) {
        set = best_set(s->b, set);
        start_blocks(s, set);
    }
}

double
best_search(struct best *b, struct best_choice *c)
{
    struct search s = { .b = b, .value = __builtin_inf() };

    s.now = *c;
    s.trial = best_choice_new(b);
    start_all(&s);
    if (s.value < __builtin_inf())
        while (best_moves(&s))
            ;
    return s.value;
}

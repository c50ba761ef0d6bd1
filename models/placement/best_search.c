/*
 * The search of static:best: greedy starts, then moves that make it better, from each start in
 * turn, until none does or the evaluations are used up.
 *
 * Starts are the deals of the other static policies, and all tasks in one block on each of the sets
 * of nodes that have the greatest total bandwidth for their size (controllers, and links between
 * them, both ways); each with memory beside its users, interleaved over all nodes, or in
 * proportion to bandwidth. From the best of them on, one thing at a time is changed: the weights of
 * one family of memory, the node of some tasks of a process, two nodes' tasks for each other. What
 * is better is kept at once. When nothing is, the search goes on from the second best start, then
 * from the best end with a few things changed at random, and the best end counts: ends differ by a
 * few percent. Weights other than none and one are tuned at that end alone, with what three
 * quarters of the evaluations leave: where latency grows with load there is always a little more to
 * gain by them, and other valleys would not be looked at. The order is fixed, lowest numbers first,
 * so the result is the same everywhere.
 */
#include "models/placement/best_moves.h"

/* What is less better is not followed: weights alone could go on for long. */
#define WORTH_IT 2e-4
/* Beside its users, interleaved, by bandwidth, by room. */
enum { WAYS_OF_MEMORY = 4, KICKS = 64, KICKED_TASKS = 2, FINE_PART = 4 };

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

/* FNV-1a. */
static uint64_t
hash_of(const void *bytes, size_t nr, uint64_t hash)
{
    for (size_t i = 0; i < nr; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Climbs meet, so the same choice comes up again and again: it is looked at once. */
static double
value_of(struct search *s, const struct best_choice *c)
{
    const struct best *b = s->b;
    uint64_t hash = hash_of(c->node, b->nr_tasks * sizeof(*c->node), UINT64_C(0xcbf29ce484222325));

    hash = hash_of(c->weights, b->nr_families * sizeof(*c->weights), hash);
    struct best_seen *seen = &s->seen[hash % BEST_SEEN];
    if (seen->hash != hash)
        *seen = (struct best_seen){ hash, best_value(s->b, c) };
    return seen->value;
}

bool
best_try(struct search *s)
{
    if (best_used_up(s->b))
        return false;
    double value = value_of(s, &s->trial);

    if (!(value < s->value * (1 - WORTH_IT)))
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
    struct best *b = s->b;
    struct start *start = &s->starts[s->nr_starts];

    for (uint32_t f = 0; f < b->nr_families; f++)
        s->trial.weights[f] = *w;
    if (s->nr_starts == s->cap_starts || best_used_up(b))
        return;
    double value = value_of(s, &s->trial);
    if (value == __builtin_inf())
        return;
    start->choice = best_choice_new(b);
    start->value = value;
    best_choice_copy(b, &start->choice, &s->trial);
    s->nr_starts++;
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
    if (s->nr_starts == 0)
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

    s->cap_starts = WAYS_OF_MEMORY * (2 + (uint32_t)__builtin_popcountll(s->b->pl->cpu_nodes));
    s->starts = arena_new_array(s->b->k->arena, struct start, s->cap_starts);
    start_dealt(s, deal_pack);
    start_dealt(s, deal_spread);
    while (set != s->b->pl->cpu_nodes) {
        set = best_set(s->b, set);
        start_blocks(s, set);
    }
}

/* The best that is left, the first among equals; NULL: none. */
static struct start *
next_start(struct search *s)
{
    struct start *best = NULL;

    for (uint32_t i = 0; i < s->nr_starts; i++)
        if (s->starts[i].value < (best != NULL ? best->value : __builtin_inf()))
            best = &s->starts[i];
    return best;
}

/* Climbs from `now`; keeps in `c` what is better than `value`. */
static double
climb(struct search *s, struct best_choice *c, double value)
{
    while (best_moves(s))
        ;
    if (!(s->value < value * (1 - 1e-9)))
        return value;
    best_choice_copy(s->b, c, &s->now);
    return s->value;
}

/* A few tasks to other nodes, and one family of memory elsewhere. */
static void
kick(struct search *s, struct rng *rng)
{
    struct best *b = s->b;
    uint32_t nr_nodes = b->k->machine->nr_nodes;
    struct best_weights w = { 0 };

    for (int i = 0; i < KICKED_TASKS; i++) {
        int node = (int)rng_below(rng, nr_nodes);
        uint64_t task = rng_below(rng, b->nr_tasks);

        if (b->pl->cpu_nodes & NODE_BIT(node))
            s->now.node[task] = node;
    }
    if (b->nr_families > 0) {
        int node = (int)rng_below(rng, nr_nodes);

        if (rng_below(rng, 2) == 0 || !(b->pl->memory_nodes & NODE_BIT(node)))
            w.own = 1;
        else
            w.node[node] = 1;
        s->now.weights[rng_below(rng, b->nr_families)] = w;
    }
    s->value = value_of(s, &s->now);
}

/* From every start, then from changes of the best end; weights are not tuned. */
static double
search_coarsely(struct search *s, struct best_choice *c)
{
    struct best *b = s->b;
    struct start *start;
    struct rng rng;
    double best = __builtin_inf();

    start_all(s);
    while ((start = next_start(s)) != NULL) {
        best_choice_copy(b, &s->now, &start->choice);
        s->value = start->value;
        start->value = __builtin_inf();
        best = climb(s, c, best);
        b->cut_short |= best == s->value && best_used_up(b);
    }
    rng_init(&rng, 1, "static:best", 0);
    for (int i = 0; i < KICKS && s->nr_starts > 0 && !best_used_up(b); i++) {
        best_choice_copy(b, &s->now, c);
        kick(s, &rng);
        best = climb(s, c, best);
    }
    return best;
}

double
best_search(struct best *b, struct best_choice *c)
{
    struct search s = { .b = b,
                        .seen = arena_new_array(b->k->arena, struct best_seen, BEST_SEEN),
                        .now = best_choice_new(b),
                        .trial = best_choice_new(b),
                        .coarse = true };
    uint32_t most = b->max_evaluations;

    b->max_evaluations = SIM_MAX(most - most / FINE_PART, 1u);
    double best = search_coarsely(&s, c);
    b->max_evaluations = most;
    if (best == __builtin_inf())
        return best;
    best_choice_copy(b, &s.now, c);
    s.value = best;
    s.coarse = false;
    best = climb(&s, c, best);
    b->cut_short |= best_used_up(b);
    return best;
}

/*
 * What a placement would be worth: the steady state of the memory model with every task on its node
 * and all memory where it would be, and how long the programs take at these rates.
 *
 * A task that another one starts begins when that one has come so far.
 * Tasks that end sooner leave the others more room, so the equations are solved again when half of
 * the longest time is over, a few times. If nobody ends, the rate at which work is done counts.
 * Programs that meet at barriers are taken part by part, and the times of the parts are added.
 * CPUs that have more than one task are shared in time, and cores by siblings. Among placements
 * that are worth the same, the one is better that has each process on fewer nodes: what threads do
 * together (locks, messages) is cheaper there, and no plan tells it.
 *
 * Model assumptions: nobody waits for anybody; what a cache holds does not depend on the placement.
 */
#include "models/placement/best.h"

#define NOT_POSSIBLE __builtin_inf()
/* A process on all nodes instead of one is worth this much less. */
#define SPREAD_COSTS 1e-4
/* The mean over tasks counts where the longest is the same. */
#define MEAN_COUNTS 1e-3

enum { FLUID_STEPS = 6 };

void
best_spot_weights(const struct best *b, const struct best_choice *c, const struct best_spot *s,
                  uint32_t weights[NODE_MAX])
{
    const struct best_weights *w = &c->weights[s->family];
    uint32_t nr_nodes = b->k->machine->nr_nodes;

    for (uint32_t n = 0; n < nr_nodes; n++)
        weights[n] = w->node[n];
    nodemask users = 0;
    for (uint32_t i = 0; w->own > 0 && i < s->nr_users; i++)
        users |= NODE_BIT(b->pl->nodes[c->node[b->users[s->first_user + i]]].memory);
    if (w->own > 0 && users == 0)
        users = b->pl->memory_nodes;
    for_each_node (n, users)
        weights[n] += w->own;
}

/* ---- memory ---- */

/* Shares that sum to MIX_ALL; the rounding goes to the largest. */
static void
shares_of(const uint64_t *parts, uint32_t nr_nodes, uint32_t *share)
{
    uint64_t sum = 0;
    uint32_t left = MIX_ALL, most = 0;

    for (uint32_t n = 0; n < nr_nodes; n++)
        sum += parts[n];
    for (uint32_t n = 0; n < nr_nodes; n++) {
        share[n] = sum > 0 ? (uint32_t)(parts[n] * MIX_ALL / sum) : 0;
        left -= share[n];
        most = parts[n] > parts[most] ? n : most;
    }
    share[most] += left;
}

static bool
place_spot(struct best *b, const struct best_choice *c, uint32_t i)
{
    const struct best_spot *s = &b->spots[i];
    uint32_t nr_nodes = b->k->machine->nr_nodes, weights[NODE_MAX];
    uint32_t *share = &b->share_q16[(size_t)i * nr_nodes];
    uint64_t parts[NODE_MAX] = { 0 };

    if (s->there) {
        const struct region *r = s->region;
        const struct region_group *g = &r->groups[s->slice == REGION_WHOLE ? 0 : s->slice];

        shares_of(g->count, nr_nodes, share);
        return true;
    }
    best_spot_weights(b, c, s, weights);
    for (uint32_t n = 0; n < nr_nodes; n++)
        parts[n] = weights[n];
    shares_of(parts, nr_nodes, share);
    for (uint32_t n = 0; n < nr_nodes; n++) {
        b->promised[n] += s->bytes / MIX_ALL * share[n];
        if (b->promised[n] > b->pl->nodes[n].room)
            return false;
    }
    return true;
}

static void
mean_of_spots(struct best *b, uint32_t region)
{
    const struct best_region *r = &b->regions[region];
    uint32_t nr_nodes = b->k->machine->nr_nodes;
    uint64_t parts[NODE_MAX] = { 0 };

    for (uint32_t s = 0; s < r->nr_spots; s++)
        for (uint32_t n = 0; n < nr_nodes; n++)
            parts[n] += b->share_q16[(size_t)(r->first_spot + s) * nr_nodes + n];
    shares_of(parts, nr_nodes, &b->share_q16[(size_t)(b->nr_spots + region) * nr_nodes]);
}

static bool
place_memory(struct best *b, const struct best_choice *c)
{
    memset(b->promised, 0, b->k->machine->nr_nodes * sizeof(*b->promised));
    for (uint32_t i = 0; i < b->nr_spots; i++)
        if (!place_spot(b, c, i))
            return false;
    for (uint32_t i = 0; i < b->nr_regions; i++)
        if (b->regions[i].nr_spots > 1)
            mean_of_spots(b, i);
    return true;
}

/* What a task does in the part that is looked at. */
static const struct best_part *
now_of(const struct best *b, uint32_t t)
{
    return &b->tasks[t].parts[b->part];
}

/* ---- groups of tasks that run and reach alike ---- */

static void
mix_of(const struct best *b, const struct best_part *t, struct mem_mix *mix)
{
    uint32_t nr_nodes = b->k->machine->nr_nodes, share[NODE_MAX];
    uint64_t parts[NODE_MAX] = { 0 };

    for (uint32_t i = 0; i < t->uses.nr; i++) {
        const struct best_use *u = &b->uses[t->uses.first + i];

        for (uint32_t n = 0; n < nr_nodes; n++)
            parts[n] += (uint64_t)(u->share * b->share_q16[(size_t)u->spot * nr_nodes + n] * 65536);
    }
    shares_of(parts, nr_nodes, share);
    *mix = (struct mem_mix){ .profile = &b->profiles[t->profile],
                             .miss_q16 = MIX_ALL,
                             .mlp_q8 = b->profiles[t->profile].mlp_q8 };
    for (uint32_t n = 0; n < nr_nodes; n++) {
        mix->share_q16[n] = share[n];
        mix->nodes |= share[n] > 0 ? NODE_BIT(n) : 0;
    }
}

static bool
alike(const struct mem_guess *g, int node, const struct mem_mix *mix, uint32_t nr_nodes)
{
    return g->node == node && g->mix.profile == mix->profile &&
           memcmp(g->mix.share_q16, mix->share_q16, nr_nodes * sizeof(uint32_t)) == 0;
}

static uint32_t
guess_find(struct best *b, uint32_t *nr, int node, const struct best_part *t)
{
    uint32_t nr_nodes = b->k->machine->nr_nodes;
    struct mem_mix mix;
    uint64_t h = rng_fold((uint64_t)node, t->profile);

    mix_of(b, t, &mix);
    for (uint32_t n = 0; n < nr_nodes; n++)
        h = rng_fold(h, mix.share_q16[n]);
    for (uint32_t at = (uint32_t)h;; at++) {
        uint32_t *slot = &b->buckets[at & (b->nr_buckets - 1)];

        if (*slot == 0) {
            b->guesses[*nr] = (struct mem_guess){ .node = node, .mix = mix, .tau = 1 };
            *slot = ++*nr;
            return *slot - 1;
        }
        if (alike(&b->guesses[*slot - 1], node, &mix, nr_nodes))
            return *slot - 1;
    }
}

/* CPUs that the tasks of a node would keep busy, for each task. */
static double
cpu_share(const struct best *b, int node)
{
    uint32_t cpus = b->pl->nodes[node].nr_cpus;

    return b->on_node[node] > cpus ? (double)cpus / b->on_node[node] : 1;
}

/* Of the CPU part of work: some tasks have a busy sibling, and as many of them that is only one CPU
 * of a core is theirs. */
static double
speed_on(const struct best *b, int node)
{
    double busy = b->on_node[node], cores = b->cores[node];
    double slow = b->k->params.cache.smt_speed_ppm / 1e6;

    if (busy <= cores || b->pl->nodes[node].nr_cpus <= b->cores[node])
        return 1;
    if (busy > b->pl->nodes[node].nr_cpus)
        busy = b->pl->nodes[node].nr_cpus;
    double alone = 2 * cores > busy ? (2 * cores - busy) / busy : 0;
    return alone + (1 - alone) * slow;
}

/* Has begun, and is not over. */
static bool
runs(const struct best *b, uint32_t t)
{
    return b->started[t] && b->left[t] > 0;
}

/* Has no end that others could wait for; a round of a loop without end is over at its barriers. */
static bool
goes_on(const struct best *b, uint32_t t)
{
    return b->tasks[t].endless && (b->nr_parts == 1 || b->tasks[t].background);
}

/* Asks the model for those tasks of which something is left. */
static void
predict(struct best *b, const struct best_choice *c)
{
    uint32_t nr = 0;

    memset(b->buckets, 0, b->nr_buckets * sizeof(*b->buckets));
    memset(b->on_node, 0, b->k->machine->nr_nodes * sizeof(*b->on_node));
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        b->on_node[c->node[t]] += runs(b, t);
    for (uint32_t t = 0; t < b->nr_tasks; t++) {
        b->guess_of[t] = UINT32_MAX;
        if (!runs(b, t) || now_of(b, t)->uses.nr == 0)
            continue;
        b->guess_of[t] = guess_find(b, &nr, c->node[t], now_of(b, t));
        b->guesses[b->guess_of[t]].nr++;
    }
    for (uint32_t i = 0; i < nr; i++) {
        double busy = b->guesses[i].nr * cpu_share(b, b->guesses[i].node);

        b->guesses[i].nr = busy < 1 ? 1 : (uint32_t)(busy + 0.5);
        b->guesses[i].mix.miss_q16 =
            (uint32_t)(MIX_ALL * speed_on(b, b->guesses[i].node)); /* as in caches.h */
    }
    if (nr > 0 && b->k->memory->predict != NULL)
        b->k->memory->predict(b->k, b->guesses, nr);
}

/* Of the whole part, at the present rates. */
static double
time_of(const struct best *b, const struct best_choice *c, uint32_t t)
{
    const struct best_part *bt = now_of(b, t);
    double tau = b->guess_of[t] == UINT32_MAX ? 1 : b->guesses[b->guess_of[t]].tau;

    return bt->work_ns * tau / speed_on(b, c->node[t]) / cpu_share(b, c->node[t]) + bt->idle_ns;
}

/* ---- the value ---- */

/* How long until someone who runs starts another one; infinite: nobody does. */
static double
next_start(const struct best *b)
{
    double next = __builtin_inf();

    for (uint32_t t = 0; b->chained && t < b->nr_tasks; t++) {
        const struct best_task *child = &b->tasks[t];

        if (b->started[t] || !b->started[child->after])
            continue;
        double left = b->left[child->after] - (1 - child->after_part);
        double time = left > 0 ? left * b->time[child->after] : 0;
        next = time < next ? time : next;
    }
    return next;
}

static bool
parent_is_past(const struct best *b, const struct best_task *t)
{
    return t->after >= 0 && b->started[t->after] && b->left[t->after] <= 1 - t->after_part + 1e-9;
}

static void
pass(struct best *b, double slice)
{
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        if (!goes_on(b, t) && runs(b, t))
            b->left[t] -= slice / b->time[t];
    for (uint32_t t = 0; b->chained && t < b->nr_tasks; t++)
        b->started[t] |= parent_is_past(b, &b->tasks[t]);
}

/* When the last of those is over who run now, and whether anyone is before half of that time. */
static double
longest_left(struct best *b, const struct best_choice *c, bool *someone)
{
    double longest = 0;

    for (uint32_t t = 0; t < b->nr_tasks; t++) {
        b->time[t] = time_of(b, c, t);
        if (runs(b, t) && !goes_on(b, t) && !b->tasks[t].background)
            longest = b->left[t] * b->time[t] > longest ? b->left[t] * b->time[t] : longest;
    }
    *someone = false;
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        *someone |= runs(b, t) && !goes_on(b, t) && b->left[t] * b->time[t] <= longest / 2;
    return longest;
}

/* When all is over; programs that never end, and those nobody waits for, run along. */
static double
makespan(struct best *b, const struct best_choice *c)
{
    double passed = 0;

    for (uint32_t t = 0; t < b->nr_tasks; t++)
        b->started[t] = b->tasks[t].after < 0;
    if (b->chained)
        predict(b, c);
    for (int step = 0, starts = 0;; step++) {
        bool someone;
        double longest = longest_left(b, c, &someone), start = next_start(b);

        if (start == __builtin_inf() && (!someone || step >= FLUID_STEPS + starts))
            return passed + longest;
        if (step == 4 * FLUID_STEPS)
            return passed + longest;
        starts += start != __builtin_inf();
        double slice = start != __builtin_inf() ? start : longest / 2;
        pass(b, slice);
        passed += slice;
        predict(b, c);
    }
}

/* Time for a unit of work of all together. */
static double
time_of_work(struct best *b, const struct best_choice *c)
{
    double rate = 0;

    for (uint32_t t = 0; t < b->nr_tasks; t++) {
        double units = b->has_units ? b->tasks[t].units : b->tasks[t].work_ns;

        rate += units / time_of(b, c, t);
    }
    return rate > 0 ? 1 / rate : 0;
}

static double
mean_time(const struct best *b, const struct best_choice *c)
{
    double sum = 0;

    for (uint32_t t = 0; t < b->nr_tasks; t++)
        sum += goes_on(b, t) ? 0 : time_of(b, c, t);
    return sum / b->nr_tasks;
}

/* 0: each process on one node, 1: each on all. */
static double
spread_of(struct best *b, const struct best_choice *c)
{
    uint32_t nr = 0, present = 0;

    memset(b->nodes_of_process, 0, b->nr_processes * sizeof(*b->nodes_of_process));
    for (uint32_t t = 0; t < b->nr_tasks; t++)
        b->nodes_of_process[b->tasks[t].process] |= NODE_BIT(c->node[t]);
    for (uint32_t p = 0; p < b->nr_processes; p++) {
        nr += (uint32_t)__builtin_popcountll(b->nodes_of_process[p]);
        present += b->nodes_of_process[p] != 0;
    }
    return (double)(nr - present) / (present * b->k->machine->nr_nodes);
}

static double
value_of_part(struct best *b, const struct best_choice *c)
{
    for (uint32_t t = 0; t < b->nr_tasks; t++) {
        b->left[t] = now_of(b, t)->work_ns + now_of(b, t)->idle_ns > 0;
        b->started[t] = true;
    }
    predict(b, c);
    if (b->endless && b->nr_parts == 1)
        return time_of_work(b, c);
    double mean = mean_time(b, c);
    return MEAN_COUNTS * mean + makespan(b, c);
}

double
best_value(struct best *b, const struct best_choice *c)
{
    double value = 0;

    if (!place_memory(b, c))
        return NOT_POSSIBLE;
    b->nr_evaluations++;
    for (b->part = 0; b->part < b->nr_parts; b->part++)
        value += value_of_part(b, c);
    return value * (1 + SPREAD_COSTS * spread_of(b, c));
}

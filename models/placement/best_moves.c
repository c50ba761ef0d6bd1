/*
 * What the search of static:best changes: one thing at a time.
 */
#include "models/placement/best_moves.h"

/* Starts again from the best so far. */
static struct best_choice *
trial(struct search *s)
{
    best_choice_copy(s->b, &s->trial, &s->now);
    return &s->trial;
}

/* ---- memory ---- */

/* Weights that one entry may have instead: none, one, one more or less, twice or half as much. */
static bool
try_weight(struct search *s, uint32_t family, int node)
{
    bool better = false;

    for (int how = 0; how < 6; how++) {
        struct best_weights *w = &trial(s)->weights[family];
        uint8_t *at = node < 0 ? &w->own : &w->node[node];
        int was = *at;
        int to[] = { 0, 1, was + 1, was - 1, 2 * was, was / 2 };
        bool repeated = to[how] == was || to[how] < 0 || to[how] > 255;

        for (int i = 0; i < how; i++)
            repeated |= to[i] == to[how];
        if (repeated)
            continue;
        *at = (uint8_t)to[how];
        better |= best_try(s);
    }
    return better;
}

static bool
try_whole(struct search *s, uint32_t family, struct best_weights w)
{
    trial(s)->weights[family] = w;
    return best_try(s);
}

static bool
move_family(struct search *s, uint32_t f)
{
    nodemask memory = s->b->pl->memory_nodes;
    struct best_weights all = { 0 };
    bool better = try_whole(s, f, (struct best_weights){ .own = 1 });

    for_each_node (n, memory)
        all.node[n] = 1;
    better |= try_whole(s, f, all);
    better |= try_whole(s, f, best_by_bandwidth(s->b, memory));
    for_each_node (n, memory) {
        struct best_weights one = { 0 };

        one.node[n] = 1;
        better |= try_whole(s, f, one);
    }
    better |= try_weight(s, f, -1);
    for_each_node (n, memory)
        better |= try_weight(s, f, n);
    return better;
}

/* ---- tasks ---- */

static uint32_t
count_on(const struct search *s, uint32_t process, int node)
{
    uint32_t nr = 0;

    for (uint32_t t = 0; t < s->b->nr_tasks; t++)
        nr += s->b->tasks[t].process == process && s->now.node[t] == node;
    return nr;
}

/* The last `nr` tasks of a process that are on a node in `now` go to another one. */
static void
send(struct search *s, uint32_t process, int from, int to, uint32_t nr)
{
    for (uint32_t t = s->b->nr_tasks; t-- > 0 && nr > 0;)
        if (s->b->tasks[t].process == process && s->now.node[t] == from) {
            s->trial.node[t] = to;
            nr--;
        }
}

/* All of a process's tasks on a node, half of them, or one, go to another. */
static bool
move_tasks(struct search *s, uint32_t process, int from, int to)
{
    bool better = false;

    for (int how = 0; how < 3; how++) {
        uint32_t there = count_on(s, process, from);
        uint32_t nr[] = { there, there / 2, 1 };

        if (nr[how] == 0 || (how > 0 && nr[how] >= nr[how - 1]))
            continue;
        trial(s);
        send(s, process, from, to, nr[how]);
        better |= best_try(s);
    }
    return better;
}

/* Tasks of two processes on two nodes for each other: as many as both have there, or one. */
static bool
swap_tasks(struct search *s, uint32_t p, int a, uint32_t q, int c)
{
    bool better = false;

    for (int how = 0; how < 2; how++) {
        uint32_t here = count_on(s, p, a), there = count_on(s, q, c);
        uint32_t nr = how == 0 ? SIM_MIN(here, there) : 1;

        if (here == 0 || there == 0 || (how == 1 && SIM_MIN(here, there) == 1))
            continue;
        trial(s);
        send(s, p, a, c, nr);
        send(s, q, c, a, nr);
        better |= best_try(s);
    }
    return better;
}

static bool
used_up(const struct search *s)
{
    return s->b->nr_evaluations >= s->b->max_evaluations;
}

static bool
move_process(struct search *s, uint32_t p)
{
    bool better = false;

    for_each_node (a, s->b->pl->cpu_nodes) {
        if (count_on(s, p, a) == 0)
            continue;
        for_each_node (c, s->b->pl->cpu_nodes)
            if (c != a && !used_up(s))
                better |= move_tasks(s, p, a, c);
    }
    return better;
}

static bool
swap_processes(struct search *s, uint32_t p, uint32_t q)
{
    bool better = false;

    for_each_node (a, s->b->pl->cpu_nodes)
        for_each_node (c, s->b->pl->cpu_nodes)
            if (a != c && !used_up(s))
                better |= swap_tasks(s, p, a, q, c);
    return better;
}

bool
best_moves(struct search *s)
{
    bool better = false;

    for (uint32_t f = 0; f < s->b->nr_families && !used_up(s); f++)
        better |= move_family(s, f);
    for (uint32_t p = 0; p < s->b->nr_processes && !used_up(s); p++)
        better |= move_process(s, p);
    for (uint32_t p = 0; p < s->b->nr_processes && !used_up(s); p++)
        for (uint32_t q = p + 1; q < s->b->nr_processes && !used_up(s); q++)
            better |= swap_processes(s, p, q);
    return better && !used_up(s);
}

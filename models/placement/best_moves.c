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

/* A family on one node, and all who use it there. */
static bool
gather(struct search *s, uint32_t f, int node)
{
    struct best *b = s->b;
    struct best_weights one = { 0 };

    one.node[b->pl->nodes[node].memory] = 1;
    trial(s)->weights[f] = one;
    for (uint32_t i = 0; i < b->nr_spots; i++)
        for (uint32_t u = 0; b->spots[i].family == f && u < b->spots[i].nr_users; u++)
            s->trial.node[b->users[b->spots[i].first_user + u]] = node;
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
    for_each_node (n, s->b->pl->cpu_nodes)
        better |= gather(s, f, n);
    if (s->coarse)
        return better;
    better |= try_weight(s, f, -1);
    for_each_node (n, memory)
        better |= try_weight(s, f, n);
    return better;
}

/* ---- tasks ---- */

/* A kind of tasks, or all of a process. */
struct crowd {
    uint32_t kind, process;
    bool whole;
};

static bool
belongs(const struct crowd *c, const struct best_task *t)
{
    return c->whole ? t->process == c->process : t->kind == c->kind;
}

static uint32_t
count_on(const struct search *s, const struct crowd *c, int node)
{
    uint32_t nr = 0;

    for (uint32_t t = 0; t < s->b->nr_tasks; t++)
        nr += s->now.node[t] == node && belongs(c, &s->b->tasks[t]);
    return nr;
}

/* The last `nr` of them that are on a node in `now` go to another one. */
static void
send(struct search *s, const struct crowd *c, int from, int to, uint32_t nr)
{
    for (uint32_t t = s->b->nr_tasks; t-- > 0 && nr > 0;)
        if (s->now.node[t] == from && belongs(c, &s->b->tasks[t])) {
            s->trial.node[t] = to;
            nr--;
        }
}

/* All that are on a node, half of them, or one, go to another. */
static bool
move_tasks(struct search *s, const struct crowd *c, int from, int to)
{
    bool better = false;

    for (int how = 0; how < 3; how++) {
        uint32_t there = count_on(s, c, from);
        uint32_t nr[] = { there, there / 2, 1 };

        if (nr[how] == 0 || (how > 0 && nr[how] >= nr[how - 1]))
            continue;
        trial(s);
        send(s, c, from, to, nr[how]);
        better |= best_try(s);
    }
    return better;
}

static bool
move_crowd(struct search *s, const struct crowd *c)
{
    bool better = false;

    for_each_node (from, s->b->pl->cpu_nodes) {
        if (count_on(s, c, from) == 0)
            continue;
        for_each_node (to, s->b->pl->cpu_nodes)
            if (to != from && !best_used_up(s->b))
                better |= move_tasks(s, c, from, to);
    }
    return better;
}

/* Tasks of two crowds on two nodes for each other: as many as both have there, or one. */
static bool
swap_tasks(struct search *s, const struct crowd *x, int here, const struct crowd *y, int there)
{
    bool better = false;

    for (int how = 0; how < 2; how++) {
        uint32_t a = count_on(s, x, here), b = count_on(s, y, there);
        uint32_t nr = how == 0 ? SIM_MIN(a, b) : 1;

        if (nr == 0 || a == 0 || b == 0 || (how == 1 && SIM_MIN(a, b) == 1))
            continue;
        trial(s);
        send(s, x, here, there, nr);
        send(s, y, there, here, nr);
        better |= best_try(s);
    }
    return better;
}

static bool
swap_crowds(struct search *s, const struct crowd *x, const struct crowd *y)
{
    bool better = false;

    for_each_node (here, s->b->pl->cpu_nodes)
        for_each_node (there, s->b->pl->cpu_nodes)
            if (here != there && !best_used_up(s->b))
                better |= swap_tasks(s, x, here, y, there);
    return better;
}

/* Processes as a whole, then kinds of tasks, where they are not the same. */
static bool
move_all(struct search *s, bool whole)
{
    uint32_t nr = whole ? s->b->nr_processes : s->b->nr_kinds;
    bool better = false;

    if (whole && s->b->nr_kinds <= s->b->nr_processes)
        return false;
    for (uint32_t i = 0; i < nr && !best_used_up(s->b); i++)
        better |= move_crowd(s, &(struct crowd){ i, i, whole });
    for (uint32_t i = 0; i < nr && !best_used_up(s->b); i++)
        for (uint32_t j = i + 1; j < nr && !best_used_up(s->b); j++)
            better |=
                swap_crowds(s, &(struct crowd){ i, i, whole }, &(struct crowd){ j, j, whole });
    return better;
}

bool
best_moves(struct search *s)
{
    bool better = false;

    for (uint32_t f = 0; f < s->b->nr_families && !best_used_up(s->b); f++)
        better |= move_family(s, f);
    better |= move_all(s, true);
    better |= move_all(s, false);
    return better && !best_used_up(s->b);
}

/*
 * Guesses: the same equations, for groups that are not there.
 *
 * A second set of resources and groups, with the machine's capacities and nobody in it, is filled
 * with what is asked about and solved by the same functions. It is kept between calls, since a
 * search asks thousands of times.
 */
#include "models/memory/loaded.h"

#define GUESS_TOLERANCE 1e-5

static struct loaded *
second(struct loaded *ld)
{
    struct arena *a = ld->k->arena;

    if (ld->guess != NULL)
        return ld->guess;
    struct loaded *to = ld->guess = arena_new_object(a, struct loaded);
    to->k = ld->k;
    to->tolerance = GUESS_TOLERANCE;
    to->at_once = UINT32_MAX;
    resources_init(to);
    return to;
}

static void
make_room(struct loaded *to, uint32_t nr)
{
    struct arena *a = to->k->arena;

    if (nr <= to->max_groups)
        return;
    to->max_groups = SIM_MAX(2 * to->max_groups, nr);
    to->groups = arena_new_array(a, struct group, to->max_groups);
    to->passers = arena_new_array(a, struct passer, to->max_groups);
    to->touched = arena_new_array(a, uint32_t, to->max_groups);
}

static void
empty(struct loaded *to)
{
    for (uint32_t i = 0; i < to->max_groups; i++)
        to->groups[i].nr = 0;
    for (uint32_t r = 0; r < to->nr_resources; r++) {
        struct resource *res = &to->resources[r];

        res->flow = 0;
        res->nr_cpus = res->nr_users = 0;
        res->extra = res->use = res->steepest = 0;
        res->lambda = 1;
        resource_set_band(to, res);
    }
    resources_spread_all(to);
}

void
loaded_predict(struct kernel *k, struct mem_guess *guesses, uint32_t nr)
{
    struct loaded *to = second(memory_priv(k));

    make_room(to, nr);
    empty(to);
    for (uint32_t i = 0; i < nr; i++) {
        struct group *g = &to->groups[i];

        group_make(to, g, guesses[i].node, &guesses[i].mix);
        group_wake(to, g);
        g->nr = guesses[i].nr;
        for (uint32_t n = 0; n < g->nr; n++)
            asks_count(to, g->asks, g->nr_asks, true);
    }
    solve(to);
    for (uint32_t i = 0; i < nr; i++) {
        guesses[i].tau = to->groups[i].tau;
        to->groups[i].touched = false;
    }
    for (uint32_t i = 0; i < to->nr_moved; i++)
        to->resources[to->moved[i]].moved = false;
    to->nr_touched = to->nr_moved = 0;
}

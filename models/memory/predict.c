/*
 * Guesses: the same equations, for groups that are not there.
 *
 * A second set of resources and groups, with the machine's capacities and nobody in it, is filled
 * with what is asked about and solved by the same functions. It is kept between calls, since a
 * search asks thousands of times.
 */
#include "models/memory/proportional.h"

static void
make_room(struct kernel *k, struct proportional *to, uint32_t nr)
{
    if (nr <= to->max_groups)
        return;
    to->max_groups = SIM_MAX(2 * to->max_groups, nr);
    to->groups = arena_new_array(k->arena, struct group, to->max_groups);
    to->users = arena_new_array(k->arena, struct user, to->max_groups);
}

static struct proportional *
second(struct kernel *k, struct proportional *pp)
{
    struct proportional *to = pp->guess;
    uint32_t pairs = pp->nr_nodes * pp->nr_nodes;

    if (to != NULL)
        return to;
    to = pp->guess = arena_new_object(k->arena, struct proportional);
    to->machine = pp->machine;
    to->nr_nodes = pp->nr_nodes;
    to->nr_resources = pp->nr_resources;
    to->latency = pp->latency;
    to->demand = pp->demand;
    to->resources = arena_new_array(k->arena, struct resource, pp->nr_resources);
    for (uint32_t r = 0; r < pp->nr_resources; r++)
        to->resources[r] = pp->resources[r];
    to->lambda = arena_new_array(k->arena, double, pairs);
    to->lambda_back = arena_new_array(k->arena, double, pairs);
    return to;
}

void
proportional_predict(struct kernel *k, struct mem_guess *guesses, uint32_t nr)
{
    struct proportional *to = second(k, memory_priv(k));

    make_room(k, to, nr);
    to->nr_groups = nr;
    to->nr_over = 0;
    for (uint32_t r = 0; r < to->nr_resources; r++) {
        to->resources[r].demand = 0;
        to->resources[r].lambda = 1;
    }
    for (uint32_t i = 0; i < nr; i++) {
        struct group *g = &to->groups[i];

        group_make(k, to, g, guesses[i].node, &guesses[i].mix);
        g->nr = guesses[i].nr;
        for (uint32_t n = 0; n < g->nr; n++)
            asks_count(to, g->asks, g->nr_asks, true);
    }
    saturate(to);
    for (uint32_t i = 0; i < nr; i++)
        guesses[i].tau = to->groups[i].tau;
}

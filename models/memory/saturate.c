/*
 * Saturation: what happens when more is asked of a controller or link than it can give.
 *
 * Cores have a bounded number of misses in flight, so a saturated resource does not build an
 * endless queue: the latency of its users rises until what they ask for is what it has. Each
 * saturated resource r gets one factor lambda_r >= 1 on the latency of all who pass it, and
 *
 *     tau = 1 + stall * sum over j of q_j L_ij lambda_ij,   lambda_ij = product of lambda_r on the
 * way
 *
 * A task that depends on r little is slowed little: a proportional share, not an equal one.
 *
 * The factors are found one resource at a time (Gauss-Seidel). With the others held, 1/demand is
 * nearly a straight line in lambda_r (exactly one for a single kind of user), so a Newton step on
 * it is all that a round needs. A resource whose users have been slowed elsewhere falls back
 * towards
 * 1. Only resources that would be over capacity without any slowing can have a factor other than
 * 1, since slowing only takes demand away; nothing else is looked at.
 *
 * The solution before is where the search begins: one task more or less moves it little. Rounds,
 * resources and groups go in a fixed order and the number of rounds is bounded, so the same history
 * gives the same sums everywhere.
 */
#include "models/memory/proportional.h"

enum { ROUNDS = 64 };
#define CLOSE_ENOUGH 1e-6

static nodemask
passing(const struct resource *res, const struct group *g)
{
    nodemask nodes = res->reads[g->node] | (g->writes ? res->writes[g->node] : 0);

    return nodes & g->mix.nodes;
}

/* Stall of a CPU of the group at these nodes, under the present factors, ns per ns of work. */
static double
stall_at(const struct proportional *pp, const struct group *g, nodemask nodes)
{
    const double *in = &pp->lambda[(uint32_t)g->node * pp->nr_nodes];
    const double *back = &pp->lambda_back[(uint32_t)g->node * pp->nr_nodes];
    double sum = 0;

    for_each_node (j, nodes)
        sum += g->writes ? g->idle_stall[j] * in[j] * back[j] : g->idle_stall[j] * in[j];
    return sum;
}

static void
multiply(struct proportional *pp, const struct resource *res, double factor)
{
    for (uint32_t i = 0; i < pp->nr_nodes; i++) {
        for_each_node (j, res->reads[i])
            pp->lambda[i * pp->nr_nodes + (uint32_t)j] *= factor;
        for_each_node (j, res->writes[i] & ~res->reads[i])
            pp->lambda_back[i * pp->nr_nodes + (uint32_t)j] *= factor;
    }
}

/* Factors of before, where there still is something to slow. */
static void
begin_factors(struct proportional *pp)
{
    for (uint32_t i = 0; i < pp->nr_nodes * pp->nr_nodes; i++)
        pp->lambda[i] = pp->lambda_back[i] = 1;
    for (uint32_t r = 0; r < pp->nr_resources; r++) {
        struct resource *res = &pp->resources[r];

        if (res->demand <= res->limit)
            res->lambda = 1;
        else if (res->lambda > 1)
            multiply(pp, res, res->lambda);
    }
    for (uint32_t i = 0; i < pp->nr_groups; i++) {
        struct group *g = &pp->groups[i];

        if (g->nr > 0)
            g->tau = 1 + stall_at(pp, g, g->mix.nodes);
    }
    flows_begin(pp);
}

/* Who passes the resource, and how much of its stall does. */
static uint32_t
list_users(struct proportional *pp, uint32_t r)
{
    const struct resource *res = &pp->resources[r];
    uint32_t nr = 0;

    for (uint32_t i = 0; i < pp->nr_groups; i++) {
        struct group *g = &pp->groups[i];
        nodemask nodes = g->nr > 0 ? passing(res, g) : 0;

        if (nodes != 0)
            pp->users[nr++] = (struct user){
                .tau = &g->tau,
                .through = stall_at(pp, g, nodes),
                .bytes = g->nr * (double)group_demand(g, r) * 1e-9 * g->idle_tau,
            };
    }
    return flows_list(pp, r, nr);
}

/* Newton's step for 1/demand = 1/capacity. */
static double
next_lambda(const struct proportional *pp, const struct resource *res, uint32_t nr_users)
{
    double bytes = 0, slope = 0;

    for (uint32_t i = 0; i < nr_users; i++) {
        const struct user *u = &pp->users[i];
        double rate = 1 / *u->tau;

        bytes += u->bytes * rate;
        slope += u->bytes * rate * rate * u->through;
    }
    if (slope <= 0)
        return res->lambda;
    slope /= res->lambda;
    double lambda = res->lambda + (1 / res->capacity - 1 / bytes) * bytes * bytes / slope;
    return lambda < 1 ? 1 : lambda;
}

/* Brings the demand on r closer to its capacity, or its factor down to 1. Returns the relative
 * change. */
static double
solve_resource(struct proportional *pp, uint32_t r)
{
    struct resource *res = &pp->resources[r];
    uint32_t nr = list_users(pp, r);
    double lambda = next_lambda(pp, res, nr), factor = lambda / res->lambda;

    if (lambda == res->lambda)
        return 0;
    for (uint32_t i = 0; i < nr; i++)
        *pp->users[i].tau += pp->users[i].through * (factor - 1);
    multiply(pp, res, factor);
    res->lambda = lambda;
    return factor > 1 ? factor - 1 : 1 - factor;
}

void
saturate(struct proportional *pp)
{
    begin_factors(pp);
    if (pp->nr_over == 0)
        return;
    for (int round = 0; round < ROUNDS; round++) {
        double change = 0;

        for (uint32_t r = 0; r < pp->nr_resources; r++) {
            if (pp->resources[r].demand <= pp->resources[r].limit)
                continue;
            double moved = solve_resource(pp, r);
            change = moved > change ? moved : change;
        }
        if (change < CLOSE_ENOUGH)
            return;
    }
}

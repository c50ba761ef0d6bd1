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
 * nearly a straight line in lambda_r (exactly one for a single kind of user), so two Newton steps
 * on it are all a round needs. A resource whose users have been slowed elsewhere falls back towards
 * 1. Rounds, resources and groups go in a fixed order and the number of rounds is bounded: the same
 * sums everywhere. Only resources that would be over capacity without any slowing can have a factor
 * other than 1, since slowing only takes demand away; nothing else is looked at.
 */
#include "models/memory/proportional.h"

enum { ROUNDS = 40, NEWTON_STEPS = 2 };
#define CLOSE_ENOUGH 1e-6

static nodemask
passing(const struct resource *res, const struct group *g)
{
    nodemask nodes = res->reads[g->node] | (g->writes ? res->writes[g->node] : 0);

    return nodes & g->mix.nodes;
}

/* Stall of a CPU of the group that passes the resource, at its present factors, ns per work. */
static double
stall_through(const struct proportional *pp, const struct group *g, nodemask nodes)
{
    double sum = 0;

    for_each_node (j, nodes) {
        uint32_t at = (uint32_t)g->node * pp->nr_nodes + (uint32_t)j;

        double latency = pp->latency[at] * pp->lambda[at];

        sum +=
            g->mix.share_q16[j] / 65536.0 * (g->writes ? latency * pp->lambda_back[at] : latency);
    }
    return sum * g->stall;
}

struct demand {
    double bytes, slope; /* bytes/ns, and how fast they fall with lambda */
};

/* Demand on r if its factor were `lambda`; pp->through holds the stalls at res->lambda. */
static struct demand
demand_at(const struct proportional *pp, uint32_t r, double lambda)
{
    const struct resource *res = &pp->resources[r];
    struct demand d = { 0, 0 };

    for (uint32_t i = 0; i < pp->nr_groups; i++) {
        const struct group *g = &pp->groups[i];

        if (g->nr == 0 || passing(res, g) == 0)
            continue;
        double per_lambda = pp->through[i] / res->lambda;
        double tau = g->tau + per_lambda * (lambda - res->lambda);
        double bytes = g->nr * (double)g->demand[r] * 1e-9 * g->idle_tau / tau;

        d.bytes += bytes;
        d.slope += bytes * per_lambda / tau;
    }
    return d;
}

static void
measure_stalls(struct proportional *pp, const struct resource *res)
{
    for (uint32_t i = 0; i < pp->nr_groups; i++) {
        const struct group *g = &pp->groups[i];

        if (g->nr > 0)
            pp->through[i] = stall_through(pp, g, passing(res, g));
    }
}

static void
set_lambda(struct proportional *pp, struct resource *res, double lambda)
{
    double factor = lambda / res->lambda;

    for (uint32_t i = 0; i < pp->nr_groups; i++) {
        struct group *g = &pp->groups[i];

        if (g->nr > 0 && passing(res, g) != 0)
            g->tau += pp->through[i] * (factor - 1);
    }
    for (uint32_t i = 0; i < pp->nr_nodes; i++) {
        for_each_node (j, res->reads[i])
            pp->lambda[i * pp->nr_nodes + (uint32_t)j] *= factor;
        for_each_node (j, res->writes[i] & ~res->reads[i])
            pp->lambda_back[i * pp->nr_nodes + (uint32_t)j] *= factor;
    }
    res->lambda = lambda;
}

/* Brings the demand on r to its capacity, or its factor down to 1. Returns the relative change. */
static double
solve_resource(struct proportional *pp, uint32_t r)
{
    struct resource *res = &pp->resources[r];
    double lambda = res->lambda, before = res->lambda;

    measure_stalls(pp, res);
    for (int step = 0; step < NEWTON_STEPS; step++) {
        struct demand d = demand_at(pp, r, lambda);

        if (d.slope <= 0)
            break;
        lambda += (1 / res->capacity - 1 / d.bytes) * d.bytes * d.bytes / d.slope;
        lambda = lambda < 1 ? 1 : lambda;
    }
    set_lambda(pp, res, lambda);
    return lambda > before ? (lambda - before) / before : (before - lambda) / before;
}

static void
start_over(struct proportional *pp)
{
    for (uint32_t r = 0; r < pp->nr_resources; r++)
        pp->resources[r].lambda = 1;
    for (uint32_t i = 0; i < pp->nr_nodes * pp->nr_nodes; i++)
        pp->lambda[i] = pp->lambda_back[i] = 1;
    for (uint32_t i = 0; i < pp->nr_groups; i++)
        if (pp->groups[i].nr > 0)
            pp->groups[i].tau = pp->groups[i].idle_tau;
}

void
saturate(struct proportional *pp)
{
    start_over(pp);
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

/*
 * The fixed point: latencies follow from what passes each controller and link, and what passes
 * follows from how long CPUs wait.
 *
 *     tau_t  = 1 + stall_t * sum over nodes j of q_j * L_ij         ns per ns of work of task t
 *     L_ij   = (L0_ij + sum of extra_r) * product of lambda_r       over resources r on the way
 *     flow_r = sum over tasks of bytes_tr / tau_t
 *     flow_r < C_r:  extra_r = L0_r * growth_r(flow_r / C_r), lambda_r = 1
 *     else:          extra_r = L0_r * growth_r(1), and lambda_r >= 1 is such that flow_r = C_r
 *
 * Cores have a bounded number of misses in flight, so a full resource does not build an endless
 * queue: the latency of its users rises until what they ask for is what it has. Who depends on it
 * little is slowed little: a proportional share, not an equal one.
 *
 * With all others held, one resource is one equation in one unknown: its flow falls as its extra or
 * lambda rises, so there is one solution. Resources are solved in turn (Gauss-Seidel); whose flow
 * leaves its band by that, joins the queue. Those whose flow stays in the band, where a solution
 * would change no task's rate by more than the tolerance, are not looked at, nor are their users: a
 * change costs what it concerns. The solution before is where each search begins.
 *
 * The queue is first in, first out, users stand in the order in which they came, and rounds are
 * bounded: the same history gives the same sums everywhere.
 */
#include "models/memory/loaded.h"

enum { NEWTON_MOST = 60, SOLVES_PER_RESOURCE = 64 };

struct outcome {
    double flow;             /* bytes/ns */
    double by_extra, by_mul; /* derivatives */
};

/* What passes if reads take `more` ns longer and then all `mul` times as long as now. */
static struct outcome
outcome_of(const struct loaded *ld, uint32_t nr, double more, double mul)
{
    struct outcome o = { 0 };

    for (uint32_t i = 0; i < nr; i++) {
        const struct passer *p = &ld->passers[i];
        double through = p->through + p->reads * more;
        double rate = 1 / (p->rest + mul * through), flow = p->bytes * rate;

        o.flow += flow;
        o.by_extra -= flow * rate * mul * p->reads;
        o.by_mul -= flow * rate * through;
    }
    return o;
}

static double
precision(const struct loaded *ld)
{
    return ld->tolerance / 32;
}

/* Below capacity: the use at which the curve leads to just that use. */
static void
solve_curve(struct loaded *ld, struct resource *res, uint32_t nr, double extra, double mul)
{
    double low = 0, high = 1, u = res->use;

    for (int i = 0; i < NEWTON_MOST; i++) {
        double at = res->idle_ns * curve_growth(&res->curve, u);
        struct outcome o = outcome_of(ld, nr, at - extra, mul);
        double miss = o.flow / res->capacity - u;

        res->use = u;
        res->extra = at;
        if (miss <= precision(ld) && miss >= -precision(ld))
            return;
        *(miss > 0 ? &low : &high) = u;
        double slope = o.by_extra / res->capacity * res->idle_ns * curve_slope(&res->curve, u) - 1;
        u -= miss / slope;
        if (u <= low || u >= high)
            u = (low + high) / 2;
    }
}

/* At capacity: 1/flow is nearly a straight line in lambda, exactly one for a single kind of user.
 */
static void
solve_lambda(struct loaded *ld, struct resource *res, uint32_t nr, double more, double lambda)
{
    double at = lambda;

    for (int i = 0; i < NEWTON_MOST; i++) {
        struct outcome o = outcome_of(ld, nr, more, at / lambda);
        double miss = o.flow / res->capacity - 1;

        if ((miss <= precision(ld) && miss >= -precision(ld)) || o.by_mul >= 0)
            break;
        at += miss * o.flow * lambda / -o.by_mul;
        at = at < 1 ? 1 : at;
    }
    res->lambda = at;
}

/* Who passes now; entries of those who are gone are dropped. */
static uint32_t
list_passers(struct loaded *ld, struct resource *res)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < res->nr_users; i++) {
        struct group *g = user_group(ld, &res->users[i]);
        struct passer *p = &ld->passers[nr];

        if (g == NULL)
            continue;
        res->users[nr] = res->users[i];
        group_through(ld, g, res, &p->through, &p->reads);
        p->group = g;
        p->flow = NULL;
        p->rest = g->tau - p->through;
        p->bytes = g->nr * g->asks[res->users[nr++].ask].bytes * 1e-9;
    }
    res->nr_users = nr;
    return flows_list(ld, res, nr);
}

static void
touch(struct loaded *ld, struct group *g)
{
    if (g->touched)
        return;
    g->touched = true;
    ld->touched[ld->nr_touched++] = (uint32_t)(g - ld->groups);
}

/* The users go on at their new tau; what they pass besides sees another flow. */
static void
move_users(struct loaded *ld, struct resource *res, uint32_t nr, double more, double mul)
{
    for (uint32_t i = 0; i < nr; i++) {
        const struct passer *p = &ld->passers[i];
        double tau = p->rest + mul * (p->through + p->reads * more);

        if (p->group != NULL) {
            touch(ld, p->group);
            group_set_tau(ld, p->group, tau);
        } else {
            p->flow->changed = true;
            p->flow->tau = tau;
            asks_set_tau(ld, p->flow->asks, p->flow->nr_asks, 1, tau);
        }
    }
    resource_spread(ld, res);
    if (!res->moved) {
        res->moved = true;
        ld->moved[ld->nr_moved++] = (uint32_t)(res - ld->resources);
    }
}

void
resource_set_band(struct loaded *ld, struct resource *res)
{
    double limit = (double)res->limit, slack = ld->tolerance;
    double most = res->idle_ns * curve_growth(&res->curve, 1), low = 0, high = 1 + slack;

    if (res->limit == UINT64_MAX) {
        res->span = UINT64_MAX;
        return;
    }
    if (res->lambda > 1) {
        low = 1 - slack;
    } else if (most > 0 && res->steepest > 0) {
        double ns = slack / res->steepest;

        low = curve_use(&res->curve, (res->extra - ns) / res->idle_ns);
        if (res->extra + ns < most)
            high = curve_use(&res->curve, (res->extra + ns) / res->idle_ns);
    }
    res->low = (uint64_t)(low * limit);
    res->span = (uint64_t)(high * limit) - res->low;
}

/* After a solve its flow is in the band, if only by its edge. */
static void
center_band(struct loaded *ld, struct resource *res, uint32_t nr)
{
    res->steepest = 0;
    for (uint32_t i = 0; i < nr; i++) {
        const struct passer *p = &ld->passers[i];
        double steep = p->group != NULL ? p->reads / p->group->tau : 0;

        res->steepest = steep > res->steepest ? steep : res->steepest;
    }
    resource_set_band(ld, res);
    uint64_t end = SIM_MAX(res->low + res->span, res->flow);
    res->low = SIM_MIN(res->low, res->flow);
    res->span = end - res->low;
}

static void
solve_resource(struct loaded *ld, struct resource *res)
{
    uint32_t nr = list_passers(ld, res);
    double extra = res->extra, lambda = res->lambda;
    double most = res->idle_ns * curve_growth(&res->curve, 1);

    if (outcome_of(ld, nr, most - extra, 1 / lambda).flow >= res->capacity) {
        res->use = 1;
        res->extra = most;
        solve_lambda(ld, res, nr, most - extra, lambda);
    } else {
        res->lambda = 1;
        solve_curve(ld, res, nr, extra, 1 / lambda);
    }
    if (res->extra != extra || res->lambda != lambda)
        move_users(ld, res, nr, res->extra - extra, res->lambda / lambda);
    center_band(ld, res, nr);
    res->solved_at = SIM_MAX(ld->k->engine.now, (sim_time)1);
    res->solved_flow = res->flow;
}

static uint32_t
queue_pop(struct loaded *ld)
{
    uint32_t r = ld->queue[ld->head];

    ld->head = ld->head + 1 == ld->nr_resources ? 0 : ld->head + 1;
    ld->nr_queued--;
    ld->resources[r].queued = false;
    return r;
}

void
solve(struct loaded *ld)
{
    uint32_t left = SOLVES_PER_RESOURCE * ld->nr_resources, nr_later = 0;

    while (ld->nr_queued > 0) {
        uint32_t r = queue_pop(ld);
        struct resource *res = &ld->resources[r];

        if (resource_in_band(res) || left == 0)
            continue;
        if (resource_due(ld, res) <= ld->k->engine.now) {
            res->queued = true; /* its own users' flows do not bring it back */
            solve_resource(ld, res);
            res->queued = false;
            left--;
        } else {
            ld->later[nr_later++] = r;
            res->queued = true;
        }
    }
    ld->want = SIM_NEVER;
    for (uint32_t i = 0; i < nr_later; i++) {
        ld->resources[ld->later[i]].queued = false;
        resource_enqueue(ld, &ld->resources[ld->later[i]]);
    }
}

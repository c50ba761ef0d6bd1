/*
 * Flows in the equations of the proportional model: what devices read and write, copies of pages.
 *
 * A flow is a user whose time is all stall: with the latencies of an idle machine it gets what it
 * wants, and saturated resources on its way slow it by their factors, weighted by the shares of the
 * nodes it works on. It passes the controllers of these nodes, the links between them and its own
 * node in its direction, and, if the data ends or begins in memory there as well, the controller
 * of that node. Cores pull nothing, so limits of injection do not apply. Flows are few: the sums
 * over them are made anew.
 */
#include "kernel/flow.h"

#include "models/memory/proportional.h"

/* The resources between a flow's node and memory node j, which has `share` of its bytes. */
struct way {
    uint32_t controller, far; /* far: of the flow's own node; UINT32_MAX: not touched */
    uint32_t first_link;      /* resources of links begin here */
    const struct machine_route *route;
};

static struct way
way_to(const struct proportional *pp, const struct flow *f, uint32_t j)
{
    uint32_t node = (uint32_t)f->node;

    return (struct way){
        .controller = j,
        .far = f->node_memory ? node : UINT32_MAX,
        .first_link = 2 * pp->nr_nodes,
        .route = f->out ? machine_route(pp->machine, j, node) : machine_route(pp->machine, node, j),
    };
}

static uint32_t
nr_links(const struct way *w)
{
    return w->route == NULL ? 0 : w->route->nr_links;
}

static bool
passes(const struct way *w, uint32_t r)
{
    if (r == w->controller || r == w->far)
        return true;
    for (uint32_t i = 0; i < nr_links(w); i++)
        if (w->first_link + w->route->links[i] == r)
            return true;
    return false;
}

/* By how much the factors on the way slow what passes it. */
static double
factor_of(const struct proportional *pp, const struct way *w)
{
    double factor = pp->resources[w->controller].lambda;

    if (w->far != UINT32_MAX && w->far != w->controller)
        factor *= pp->resources[w->far].lambda;
    for (uint32_t i = 0; i < nr_links(w); i++)
        factor *= pp->resources[w->first_link + w->route->links[i]].lambda;
    return factor;
}

/* ---- what a flow asks for ---- */

static void
ask(struct kernel *k, struct proportional *pp, struct flow_use *u, uint32_t r, double bytes)
{
    uint64_t demand = (uint64_t)(bytes + 0.5);

    if (demand == 0 || pp->resources[r].limit == UINT64_MAX)
        return;
    uint32_t at = 0;
    while (at < u->nr_asks && u->asks[at].resource < r)
        at++;
    if (at < u->nr_asks && u->asks[at].resource == r) {
        u->asks[at].demand += demand;
        return;
    }
    if (u->nr_asks == u->cap_asks) {
        uint32_t cap = u->cap_asks > 0 ? 2 * u->cap_asks : 8;
        u->asks =
            arena_grow(k->arena, u->asks, u->cap_asks * sizeof(*u->asks), cap * sizeof(*u->asks));
        u->cap_asks = cap;
    }
    memmove(&u->asks[at + 1], &u->asks[at], (u->nr_asks - at) * sizeof(*u->asks));
    u->asks[at] = (struct ask){ .resource = r, .demand = demand };
    u->nr_asks++;
}

/* A controller that is written to gives less, which is the same as being asked for more. */
static double
at_controller(const struct proportional *pp, uint32_t node, double bytes, bool written)
{
    return written ? bytes / (1 - pp->machine->nodes[node].write_derate_ppm / 1e6) : bytes;
}

static void
ask_node(struct kernel *k, struct proportional *pp, struct flow_use *u, uint32_t j)
{
    const struct flow *f = u->flow;
    struct way w = way_to(pp, f, j);
    double bytes = (double)f->want * f->share_q16[j] / 65536.0;

    ask(k, pp, u, j, at_controller(pp, j, bytes, f->out));
    if (w.far != UINT32_MAX)
        ask(k, pp, u, w.far, at_controller(pp, w.far, bytes, !f->out));
    for (uint32_t i = 0; i < nr_links(&w); i++)
        ask(k, pp, u, w.first_link + w.route->links[i], bytes);
}

/* ---- comings and goings ---- */

static struct flow_use *
use_of(struct kernel *k, struct proportional *pp, struct flow *f)
{
    uint32_t at = 0;

    if (f->place != 0)
        return &pp->flows[f->place - 1];
    while (at < pp->nr_flows && pp->flows[at].flow != NULL)
        at++;
    if (at == pp->cap_flows) {
        uint32_t cap = at > 0 ? 2 * at : 8, users = k->machine->nr_cpus + at;
        pp->flows =
            arena_grow(k->arena, pp->flows, at * sizeof(*pp->flows), cap * sizeof(*pp->flows));
        pp->users = arena_grow(k->arena, pp->users, users * sizeof(*pp->users),
                               (users + cap - at) * sizeof(*pp->users));
        pp->cap_flows = cap;
    }
    pp->nr_flows = SIM_MAX(pp->nr_flows, at + 1);
    f->place = at + 1;
    pp->flows[at].flow = f;
    return &pp->flows[at];
}

void
flows_changed(struct kernel *k, struct proportional *pp, struct flow *f)
{
    struct flow_use *u = use_of(k, pp, f);

    asks_count(pp, u->asks, u->nr_asks, false);
    u->nr_asks = 0;
    u->tau = 1;
    u->changed = true;
    if (f->want == 0) {
        u->flow = NULL;
        f->place = 0;
        return;
    }
    for_each_node (j, f->nodes)
        ask_node(k, pp, u, (uint32_t)j);
    asks_count(pp, u->asks, u->nr_asks, true);
}

/* ---- solving ---- */

/* The part of tau that passes r; UINT32_MAX: all of it. */
static double
stall_through(const struct proportional *pp, const struct flow *f, uint32_t r)
{
    double sum = 0;

    for_each_node (j, f->nodes) {
        struct way w = way_to(pp, f, (uint32_t)j);

        if (r == UINT32_MAX || passes(&w, r))
            sum += f->share_q16[j] / 65536.0 * factor_of(pp, &w);
    }
    return sum;
}

void
flows_begin(struct proportional *pp)
{
    for (uint32_t i = 0; i < pp->nr_flows; i++)
        if (pp->flows[i].flow != NULL)
            pp->flows[i].tau = stall_through(pp, pp->flows[i].flow, UINT32_MAX);
}

uint32_t
flows_list(struct proportional *pp, uint32_t r, uint32_t nr)
{
    for (uint32_t i = 0; i < pp->nr_flows; i++) {
        struct flow_use *u = &pp->flows[i];
        uint64_t demand = u->flow != NULL ? asks_demand(u->asks, u->nr_asks, r) : 0;

        if (demand > 0)
            pp->users[nr++] = (struct user){
                .tau = &u->tau,
                .through = stall_through(pp, u->flow, r),
                .bytes = (double)demand * 1e-9,
            };
    }
    return nr;
}

void
flows_tell(struct kernel *k, struct proportional *pp, bool all)
{
    for (uint32_t i = 0; i < pp->nr_flows; i++) {
        struct flow_use *u = &pp->flows[i];

        if (u->flow != NULL && (all || u->changed)) {
            double rate = (double)u->flow->want / SIM_MAX(u->tau, 1.0) + 0.5;

            flow_set_rate(k, u->flow, SIM_MIN(SIM_MAX((uint64_t)rate, 1), u->flow->want));
        }
        u->changed = false;
    }
}

double
flows_load(const struct proportional *pp, uint32_t r)
{
    double bytes = 0;

    for (uint32_t i = 0; i < pp->nr_flows; i++) {
        const struct flow_use *u = &pp->flows[i];

        if (u->flow != NULL)
            bytes += (double)asks_demand(u->asks, u->nr_asks, r) / u->tau;
    }
    return bytes;
}

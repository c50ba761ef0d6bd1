/*
 * Flows in the equations of the loaded model: what devices read and write, copies of pages.
 *
 * A flow is a user whose time is all stall, with as many requests in flight as what it wants takes:
 * it gets that up to where a resource on its way is full, and there it is slowed by the factors of
 * the full ones, weighted by the shares of the nodes it works on. It passes the controllers of
 * these nodes, the links between them and its own node in its direction, and, if the data ends or
 * begins in memory there as well, the controller of that node. Cores pull nothing, so limits of
 * injection do not apply. Flows are few: the sums over them are made anew.
 */
#include "kernel/flow.h"

#include "models/memory/loaded.h"

/* The resources between a flow's node and memory node j, which has `share` of its bytes. */
struct way {
    uint32_t controller, far; /* far: of the flow's own node; UINT32_MAX: not touched */
    uint32_t first_link;      /* resources of links begin here */
    const struct machine_route *route;
};

static struct way
way_to(const struct loaded *ld, const struct flow *f, uint32_t j)
{
    uint32_t node = (uint32_t)f->node;

    return (struct way){
        .controller = j,
        .far = f->node_memory ? node : UINT32_MAX,
        .first_link = 2 * ld->nr_nodes,
        .route = f->out ? machine_route(ld->k->machine, j, node)
                        : machine_route(ld->k->machine, node, j),
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
factor_of(const struct loaded *ld, const struct way *w)
{
    double factor = ld->resources[w->controller].lambda;

    if (w->far != UINT32_MAX && w->far != w->controller)
        factor *= ld->resources[w->far].lambda;
    for (uint32_t i = 0; i < nr_links(w); i++)
        factor *= ld->resources[w->first_link + w->route->links[i]].lambda;
    return factor;
}

/* ---- what a flow asks for ---- */

static void
ask(struct loaded *ld, struct flow_use *u, uint32_t r, double bytes)
{
    if (!(bytes > 0) || ld->resources[r].limit == UINT64_MAX)
        return;
    for (uint32_t i = 0; i < u->nr_asks; i++)
        if (u->asks[i].resource == r) {
            u->asks[i].bytes += bytes;
            return;
        }
    if (u->nr_asks == u->cap_asks) {
        uint32_t cap = u->cap_asks > 0 ? 2 * u->cap_asks : 8;

        u->asks = arena_grow(ld->k->arena, u->asks, u->cap_asks * sizeof(*u->asks),
                             cap * sizeof(*u->asks));
        u->cap_asks = cap;
    }
    u->asks[u->nr_asks++] = (struct ask){ .resource = r, .bytes = bytes };
}

/* A controller that is written to gives less, which is the same as being asked for more. */
static double
at_controller(const struct loaded *ld, uint32_t node, double bytes, bool written)
{
    return written ? bytes / (1 - ld->k->machine->nodes[node].write_derate_ppm / 1e6) : bytes;
}

static void
ask_node(struct loaded *ld, struct flow_use *u, uint32_t j)
{
    const struct flow *f = u->flow;
    struct way w = way_to(ld, f, j);
    double bytes = (double)f->want * f->share_q16[j] / 65536.0;

    ask(ld, u, j, at_controller(ld, j, bytes, f->out));
    if (w.far != UINT32_MAX)
        ask(ld, u, w.far, at_controller(ld, w.far, bytes, !f->out));
    for (uint32_t i = 0; i < nr_links(&w); i++)
        ask(ld, u, w.first_link + w.route->links[i], bytes);
}

/* ---- comings and goings ---- */

static struct flow_use *
use_of(struct loaded *ld, struct flow *f)
{
    uint32_t at = 0, cap = 2 * ld->cap_flows, cpus = ld->k->machine->nr_cpus;
    struct arena *a = ld->k->arena;

    if (f->place != 0)
        return &ld->flows[f->place - 1];
    while (at < ld->nr_flows && ld->flows[at].flow != NULL)
        at++;
    if (at == ld->cap_flows) {
        cap = SIM_MAX(cap, 8u);
        ld->flows = arena_grow(a, ld->flows, at * sizeof(*ld->flows), cap * sizeof(*ld->flows));
        ld->passers = arena_new_array(a, struct passer, cpus + cap);
        ld->cap_flows = cap;
    }
    ld->nr_flows = SIM_MAX(ld->nr_flows, at + 1);
    f->place = at + 1;
    ld->flows[at].flow = f;
    return &ld->flows[at];
}

/* How much of its stall passes the resource; NULL: all of it. */
static double
stall_through(const struct loaded *ld, const struct flow *f, const struct resource *res)
{
    double sum = 0;

    for_each_node (j, f->nodes) {
        struct way w = way_to(ld, f, (uint32_t)j);

        if (res == NULL || passes(&w, (uint32_t)(res - ld->resources)))
            sum += f->share_q16[j] / 65536.0 * factor_of(ld, &w);
    }
    return sum;
}

void
flow_set_asks(struct loaded *ld, struct flow *f)
{
    struct flow_use *u = use_of(ld, f);

    asks_count(ld, u->asks, u->nr_asks, false);
    u->nr_asks = 0;
    u->changed = true;
    if (f->want == 0) {
        u->flow = NULL;
        f->place = 0;
        return;
    }
    for_each_node (j, f->nodes)
        ask_node(ld, u, (uint32_t)j);
    u->tau = stall_through(ld, f, NULL);
    asks_set_tau(ld, u->asks, u->nr_asks, 0, u->tau);
    asks_count(ld, u->asks, u->nr_asks, true);
}

/* ---- solving ---- */

uint32_t
flows_list(struct loaded *ld, const struct resource *res, uint32_t nr)
{
    for (uint32_t i = 0; i < ld->nr_flows; i++) {
        struct flow_use *u = &ld->flows[i];

        for (uint32_t n = 0; u->flow != NULL && n < u->nr_asks; n++) {
            if (&ld->resources[u->asks[n].resource] != res)
                continue;
            double through = stall_through(ld, u->flow, res);

            ld->passers[nr++] = (struct passer){
                .flow = u,
                .rest = u->tau - through,
                .through = through,
                .bytes = u->asks[n].bytes * 1e-9,
            };
        }
    }
    return nr;
}

void
flows_tell(struct loaded *ld)
{
    for (uint32_t i = 0; i < ld->nr_flows; i++) {
        struct flow_use *u = &ld->flows[i];

        if (u->flow != NULL && u->changed) {
            double rate = (double)u->flow->want / SIM_MAX(u->tau, 1.0) + 0.5;

            flow_set_rate(ld->k, u->flow, SIM_MIN(SIM_MAX((uint64_t)rate, 1), u->flow->want));
        }
        u->changed = false;
    }
}

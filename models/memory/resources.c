/*
 * What accesses pass: controllers, what the cores of a node can pull together, and directed links.
 *
 * Reads of node j by a CPU of node i come over the route from j to i, write-backs go over the route
 * from i to j; both use j's controller and i's limit of injection. The curve of a controller is of
 * the latency that its own node sees (where no CPU is, of what the nearest sees), the curve of a
 * link of the latency between its two ends, which is what was fitted to measurements of one link.
 * Limits of injection have no curve. Write-backs are waited for by nobody: they load links and
 * controllers, and only where one is full do they slow those who write.
 *
 * Idle latencies are those of one access after the other, as they are measured: each curve starts
 * at the load of that one line.
 */
#include "models/memory/loaded.h"

static void
resource_make(struct loaded *ld, struct resource *res, uint64_t bandwidth, uint64_t idle_ps)
{
    struct arena *a = ld->k->arena;

    res->limit = bandwidth > 0 ? bandwidth : UINT64_MAX;
    res->capacity = (double)res->limit * 1e-9;
    res->jump = res->limit / 1000000 * ld->k->params.memory.resolve_jump_ppm;
    res->lambda = 1;
    res->idle_ns = (double)idle_ps / 1000;
    res->reads = arena_new_array(a, nodemask, ld->nr_nodes);
    res->writes = arena_new_array(a, nodemask, ld->nr_nodes);
}

/* The load of one access after the other. */
static void
start_curve(const struct machine *m, struct resource *res)
{
    if (res->idle_ns > 0)
        curve_start(&res->curve, m->cache.line_bytes / res->idle_ns / res->capacity);
}

static uint64_t
controller_idle_ps(const struct machine *m, uint32_t n)
{
    nodemask cpu_nodes = machine_cpu_nodes(m);
    uint64_t least = machine_latency_ps(m, n, n);

    if (cpu_nodes & NODE_BIT(n))
        return least;
    least = UINT64_MAX;
    for_each_node (i, cpu_nodes)
        least = SIM_MIN(least, (uint64_t)machine_latency_ps(m, (uint32_t)i, n));
    return least;
}

static void
make_nodes(struct loaded *ld, const struct machine *m)
{
    nodemask all = m->nr_nodes == NODE_MAX ? ~(nodemask)0 : NODE_BIT(m->nr_nodes) - 1;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        const struct machine_node *node = &m->nodes[n];
        struct resource *controller = &ld->resources[n];
        struct resource *injection = &ld->resources[m->nr_nodes + n];

        resource_make(ld, controller, node->bandwidth, controller_idle_ps(m, n));
        controller->curve = (struct load_curve){ .a = node->curve_a, .d = node->curve_d };
        if (node->nr_points > 0)
            curve_from_points(&controller->curve, ld->k->arena, node->points, node->nr_points,
                              controller->limit);
        start_curve(m, controller);
        resource_make(ld, injection, node->injection, 0);
        injection->curve.d = 1;
        for (uint32_t i = 0; i < m->nr_nodes; i++)
            controller->reads[i] = controller->writes[i] = NODE_BIT(n);
        injection->reads[n] = injection->writes[n] = all;
    }
}

static void
make_links(struct loaded *ld, const struct machine *m)
{
    struct resource *links = &ld->resources[2 * m->nr_nodes];

    for (uint32_t l = 0; l < m->nr_links; l++) {
        const struct machine_link *link = &m->links[l];
        uint32_t to = (uint32_t)link->to, from = (uint32_t)link->from;

        resource_make(ld, &links[l], link->bandwidth, machine_latency_ps(m, to, from));
        links[l].curve = (struct load_curve){ .a = link->curve_a, .d = link->curve_d };
        if (link->nr_points > 0)
            curve_from_points(&links[l].curve, ld->k->arena, link->points, link->nr_points,
                              links[l].limit);
        start_curve(m, &links[l]);
    }
}

static bool
path_has(const struct path *p, uint32_t r)
{
    for (uint32_t i = 0; i < p->nr; i++)
        if (p->resources[i] == r)
            return true;
    return false;
}

static void
path_add(const struct loaded *ld, struct path *p, uint32_t r)
{
    if (ld->resources[r].limit != UINT64_MAX && !path_has(p, r))
        p->resources[p->nr++] = r;
}

static void
make_path(struct loaded *ld, uint32_t cpu_node, uint32_t mem_node)
{
    const struct machine *m = ld->k->machine;
    const struct machine_route *in = machine_route(m, cpu_node, mem_node);
    const struct machine_route *out = machine_route(m, mem_node, cpu_node);
    struct path *p = &ld->paths[cpu_node * m->nr_nodes + mem_node];
    uint32_t nr_in = cpu_node == mem_node ? 0 : in->nr_links;
    uint32_t nr_out = cpu_node == mem_node ? 0 : out->nr_links;

    p->resources = arena_new_array(ld->k->arena, uint32_t, 2 + nr_in + nr_out);
    path_add(ld, p, mem_node);
    path_add(ld, p, m->nr_nodes + cpu_node);
    for (uint32_t i = 0; i < nr_in; i++) {
        ld->resources[2 * m->nr_nodes + in->links[i]].reads[cpu_node] |= NODE_BIT(mem_node);
        path_add(ld, p, 2 * m->nr_nodes + in->links[i]);
    }
    p->nr_reads = p->nr;
    for (uint32_t i = 0; i < nr_out; i++) {
        ld->resources[2 * m->nr_nodes + out->links[i]].writes[cpu_node] |= NODE_BIT(mem_node);
        path_add(ld, p, 2 * m->nr_nodes + out->links[i]);
    }
}

void
resources_init(struct loaded *ld)
{
    const struct machine *m = ld->k->machine;
    struct arena *a = ld->k->arena;
    uint32_t pairs = m->nr_nodes * m->nr_nodes;

    ld->nr_nodes = m->nr_nodes;
    ld->nr_resources = 2 * m->nr_nodes + m->nr_links;
    ld->resources = arena_new_array(a, struct resource, ld->nr_resources);
    ld->queue = arena_new_array(a, uint32_t, ld->nr_resources);
    ld->later = arena_new_array(a, uint32_t, ld->nr_resources);
    ld->moved = arena_new_array(a, uint32_t, ld->nr_resources);
    ld->bytes = arena_new_array(a, double, ld->nr_resources);
    ld->paths = arena_new_array(a, struct path, pairs);
    ld->idle = arena_new_array(a, double, pairs);
    ld->latency = arena_new_array(a, double, pairs);
    ld->lambda = arena_new_array(a, double, pairs);
    ld->lambda_back = arena_new_array(a, double, pairs);
    ld->latency_ps = arena_new_array(a, uint64_t, 2 * pairs);
    ld->epoch = arena_new_array(a, uint32_t, m->nr_nodes);
    make_nodes(ld, m);
    make_links(ld, m);
    for (uint32_t i = 0; i < pairs; i++) {
        ld->latency_ps[2 * i] = ld->latency_ps[2 * i + 1] = m->latency_ps[i];
        ld->latency[i] = ld->idle[i] = m->latency_ps[i] / 1000.0;
        ld->lambda[i] = ld->lambda_back[i] = 1;
        make_path(ld, i / m->nr_nodes, i % m->nr_nodes);
    }
    for (uint32_t r = 0; r < ld->nr_resources; r++)
        resource_set_band(ld, &ld->resources[r]);
}

static void
spread_over(struct loaded *ld, uint32_t pair)
{
    const struct path *p = &ld->paths[pair];
    double latency = ld->idle[pair], lambda = 1, back = 1;

    for (uint32_t i = 0; i < p->nr_reads; i++) {
        const struct resource *res = &ld->resources[p->resources[i]];

        latency += res->extra;
        lambda *= res->lambda;
    }
    for (uint32_t i = p->nr_reads; i < p->nr; i++)
        back *= ld->resources[p->resources[i]].lambda;
    ld->latency[pair] = latency;
    ld->lambda[pair] = lambda;
    ld->lambda_back[pair] = back;
}

void
resource_spread(struct loaded *ld, const struct resource *res)
{
    for (uint32_t i = 0; i < ld->nr_nodes; i++) {
        nodemask nodes = res->reads[i] | res->writes[i];

        for_each_node (j, nodes)
            spread_over(ld, i * ld->nr_nodes + (uint32_t)j);
        ld->epoch[i] += nodes != 0;
    }
}

void
resources_spread_all(struct loaded *ld)
{
    for (uint32_t pair = 0; pair < ld->nr_nodes * ld->nr_nodes; pair++)
        spread_over(ld, pair);
    for (uint32_t i = 0; i < ld->nr_nodes; i++)
        ld->epoch[i]++;
}

void
resource_publish(struct loaded *ld, const struct resource *res)
{
    for (uint32_t i = 0; i < ld->nr_nodes; i++)
        for_each_node (j, res->reads[i] | res->writes[i]) {
            uint32_t at = i * ld->nr_nodes + (uint32_t)j;
            double ns = ld->latency[at] * ld->lambda[at];

            ld->latency_ps[2 * at] = (uint64_t)(ns * 1000 + 0.5);
            ld->latency_ps[2 * at + 1] = (uint64_t)(ns * ld->lambda_back[at] * 1000 + 0.5);
        }
}

/* Many comings or goings in a row, as behind a barrier. */
static bool
has_jumped(const struct resource *res)
{
    uint64_t change =
        res->flow > res->solved_flow ? res->flow - res->solved_flow : res->solved_flow - res->flow;

    return change > res->jump;
}

sim_time
resource_due(const struct loaded *ld, const struct resource *res)
{
    sim_time now = ld->k->engine.now;

    if (res->nr_cpus <= ld->at_once || res->solved_at == 0 || has_jumped(res))
        return now;
    return SIM_MAX(now, res->solved_at + ld->interval);
}

void
resource_enqueue(struct loaded *ld, struct resource *res)
{
    if (!res->queued) {
        uint32_t tail = ld->head + ld->nr_queued++;

        ld->queue[tail < ld->nr_resources ? tail : tail - ld->nr_resources] =
            (uint32_t)(res - ld->resources);
        res->queued = true;
    }
    ld->want = SIM_MIN(ld->want, resource_due(ld, res));
}

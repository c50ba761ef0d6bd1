/*
 * proportional: idle latencies, and caps on controllers, links and what a node's cores can pull.
 *
 * Below saturation an access costs what the latency matrix says. When more is asked of a resource
 * than it has, its users are slowed in proportion to how much they depend on it, until what they
 * ask for fits (saturate.c). Write-backs use the same controller, and the links of the way back; a
 * controller that also writes gives less in all (write derating).
 *
 * Most changes on a machine need no equations: a burst that never misses is not even told of here,
 * and as long as every resource has room a CPU's rate depends on nobody else's. Only while some
 * resource is over its capacity, or has just ceased to be, are all groups solved again.
 *
 * Model assumption: latency does not rise before saturation. Measured curves do, by 10 to 25 % at
 * half of the peak and more towards it.
 */
#include "models/memory/proportional.h"

#include "models/memory/models.h"

static void
resource_make(struct kernel *k, struct resource *res, uint64_t bandwidth)
{
    uint32_t nr = k->machine->nr_nodes;

    res->limit = bandwidth > 0 ? bandwidth : UINT64_MAX;
    res->capacity = (double)res->limit * 1e-9;
    res->lambda = 1;
    res->reads = arena_new_array(k->arena, nodemask, nr);
    res->writes = arena_new_array(k->arena, nodemask, nr);
}

/* A controller serves every node; a limit of injection is for one node's CPUs. */
static void
make_nodes(struct kernel *k, struct proportional *pp)
{
    const struct machine *m = k->machine;
    nodemask all = m->nr_nodes == NODE_MAX ? ~(nodemask)0 : NODE_BIT(m->nr_nodes) - 1;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        struct resource *controller = &pp->resources[n];
        struct resource *injection = &pp->resources[m->nr_nodes + n];

        resource_make(k, controller, m->nodes[n].bandwidth);
        resource_make(k, injection, m->nodes[n].injection);
        for (uint32_t i = 0; i < m->nr_nodes; i++)
            controller->reads[i] = controller->writes[i] = NODE_BIT(n);
        injection->reads[n] = injection->writes[n] = all;
    }
}

static void
add_route(struct proportional *pp, const struct machine *m, uint32_t cpu_node, uint32_t mem_node)
{
    const struct machine_route *in = machine_route(m, cpu_node, mem_node);
    const struct machine_route *out = machine_route(m, mem_node, cpu_node);
    struct resource *links = &pp->resources[2 * m->nr_nodes];

    if (cpu_node == mem_node)
        return;
    for (uint32_t i = 0; i < in->nr_links; i++)
        links[in->links[i]].reads[cpu_node] |= NODE_BIT(mem_node);
    for (uint32_t i = 0; i < out->nr_links; i++)
        links[out->links[i]].writes[cpu_node] |= NODE_BIT(mem_node);
}

static void
make_links(struct kernel *k, struct proportional *pp)
{
    const struct machine *m = k->machine;

    for (uint32_t l = 0; l < m->nr_links; l++)
        resource_make(k, &pp->resources[2 * m->nr_nodes + l], m->links[l].bandwidth);
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++)
            add_route(pp, m, i, j);
}

static void
proportional_init(struct kernel *k)
{
    struct proportional *pp = memory_priv(k);
    const struct machine *m = k->machine;
    uint32_t pairs = m->nr_nodes * m->nr_nodes;

    dirty_init(&pp->dirty, k);
    pp->machine = m;
    pp->nr_nodes = m->nr_nodes;
    pp->nr_resources = 2 * m->nr_nodes + m->nr_links;
    pp->resources = arena_new_array(k->arena, struct resource, pp->nr_resources);
    pp->latency = arena_new_array(k->arena, double, pairs);
    pp->lambda = arena_new_array(k->arena, double, pairs);
    pp->lambda_back = arena_new_array(k->arena, double, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        pp->latency[i] = m->latency_ps[i] / 1000.0;
        pp->lambda[i] = pp->lambda_back[i] = 1;
    }
    make_nodes(k, pp);
    make_links(k, pp);
    groups_init(k, pp);
}

static void
proportional_changed(struct kernel *k, int cpu)
{
    struct proportional *pp = memory_priv(k);

    dirty_add(&pp->dirty, cpu);
}

/* As long as every resource has room, the rate follows from the CPU's own mix. Who has ceased to
 * ask for anything is only listed until then: it counts as if it went on, which at worst has all
 * looked at. */
static uint32_t
proportional_run_changed(struct kernel *k, int cpu)
{
    struct proportional *pp = memory_priv(k);
    struct mem_mix *mix = cpu_mix(k, cpu);

    if (pp->nr_over == 0 && !pp->saturated) {
        if (mix != NULL) {
            pp->changed |= group_set(k, pp, cpu, mix);
            if (likely(pp->nr_over == 0))
                return pp->groups[pp->members[cpu].group - 1].idle_rate;
        } else {
            dirty_add(&pp->dirty, cpu);
            return RATE_FULL;
        }
    }
    dirty_add(&pp->dirty, cpu);
    return 0;
}

static void
set_cpu_rate(struct kernel *k, struct proportional *pp, int cpu)
{
    uint32_t slot = pp->members[cpu].group;

    burst_set_rate(k, &k->rqs[cpu], slot == 0 ? RATE_FULL : rate_of(pp->groups[slot - 1].tau));
}

static void
set_all_rates(struct kernel *k, struct proportional *pp)
{
    for (uint32_t i = 0; i < pp->nr_groups; i++) {
        const struct group *g = &pp->groups[i];

        if (g->nr == 0)
            continue;
        uint32_t rate = rate_of(g->tau);
        for (uint32_t cpu = g->first_cpu; cpu != 0; cpu = pp->members[cpu - 1].next)
            burst_set_rate(k, &k->rqs[cpu - 1], rate);
    }
}

/* Books are settled under the old factors before these change: latencies are read from them. */
static void
settle_all(struct kernel *k, struct proportional *pp)
{
    for (uint32_t i = 0; i < pp->nr_groups; i++)
        if (pp->groups[i].nr > 0)
            for (uint32_t cpu = pp->groups[i].first_cpu; cpu != 0; cpu = pp->members[cpu - 1].next)
                burst_settle(k, &k->rqs[cpu - 1]);
}

static void
proportional_resolve(struct kernel *k)
{
    struct proportional *pp = memory_priv(k);
    bool load;

    for (uint32_t i = 0; i < pp->dirty.nr; i++) {
        int cpu = (int)pp->dirty.cpus[i];

        pp->changed |= group_set(k, pp, cpu, cpu_mix(k, cpu));
    }
    load = pp->changed && (pp->saturated || pp->nr_over > 0);
    pp->changed = false;
    if (load) {
        settle_all(k, pp);
        saturate(pp);
        pp->saturated = pp->nr_over > 0;
    }
    for (uint32_t i = 0; i < pp->dirty.nr; i++) {
        pp->dirty.listed[pp->dirty.cpus[i]] = false;
        set_cpu_rate(k, pp, (int)pp->dirty.cpus[i]);
    }
    pp->dirty.nr = 0;
    if (load)
        set_all_rates(k, pp);
    flows_tell(k, pp, load);
}

static void
proportional_flow_changed(struct kernel *k, struct flow *f)
{
    struct proportional *pp = memory_priv(k);

    flows_changed(k, pp, f);
    pp->changed = true;
}

static uint64_t
proportional_latency_ps(const struct kernel *k, int cpu_node, int mem_node)
{
    const struct proportional *pp = memory_priv(k);
    uint32_t at = (uint32_t)cpu_node * pp->nr_nodes + (uint32_t)mem_node;

    if (!pp->saturated)
        return k->machine->latency_ps[at];
    return (uint64_t)(pp->latency[at] * pp->lambda[at] * pp->lambda_back[at] * 1000 + 0.5);
}

/* What passes the resource now, in 1/1000 of its capacity. */
static uint32_t
resource_load(const struct kernel *k, uint32_t r)
{
    const struct proportional *pp = memory_priv(k);
    const struct resource *res = &pp->resources[r];
    double bytes = 0;

    if (res->limit == UINT64_MAX)
        return 0;
    for (uint32_t i = 0; i < pp->nr_groups; i++) {
        const struct group *g = &pp->groups[i];
        uint32_t nr = group_busy(k, pp, g);

        if (nr > 0)
            bytes += nr * (double)group_demand(g, r) * g->idle_tau / g->tau;
    }
    bytes += flows_load(pp, r);
    return (uint32_t)(bytes / (double)res->limit * 1000 + 0.5);
}

static uint32_t
proportional_link_load(const struct kernel *k, uint32_t link)
{
    const struct proportional *pp = memory_priv(k);

    return resource_load(k, 2 * pp->nr_nodes + link);
}

static uint32_t
proportional_node_load(const struct kernel *k, uint32_t node)
{
    return resource_load(k, node);
}

const struct memory_model_ops memory_proportional = {
    .name = "proportional",
    .doc = "latency matrix, and bandwidth of controllers and links shared in proportion",
    .priv_size = sizeof(struct proportional),
    .init = proportional_init,
    .run_changed = proportional_run_changed,
    .pages_changed = proportional_changed,
    .resolve = proportional_resolve,
    .flow_changed = proportional_flow_changed,
    .latency_ps = proportional_latency_ps,
    .link_load = proportional_link_load,
    .node_load = proportional_node_load,
    .predict = proportional_predict,
};

/*
 * loaded: latencies that grow with load, and bandwidth that ends.
 *
 * The latency of an access is the idle one, what the curve of each controller and link on its way
 * adds, and, where one is full, a factor that slows its users to what it has (solve.c). Each CPU
 * loads what it uses by the rate at which it gets on, and that depends on all the others: a fixed
 * point.
 *
 * It is not solved at each change. Most comings and goings leave every flow within its band: then
 * no rate moves by more than the tolerance, and the CPU's own is known at once. Where a flow leaves
 * its band, what passes there is solved at the end of the instant, with what that pulls along, and
 * only CPUs whose rate changes by more than the tolerance are settled and given another. What many
 * CPUs share is looked at in intervals: a change by one of them is small there, and there are many;
 * but not when the load has changed by much since, as when all of them come from a barrier.
 *
 * A CPU that switches has nothing to run for no time at all, so who has ceased to miss stays in its
 * group until somebody else changes, unless it is missed there.
 */
#include "models/memory/loaded.h"

#include "kernel/fetch.h"

#include "models/memory/models.h"

static void
loaded_init(struct kernel *k)
{
    struct loaded *ld = memory_priv(k);

    ld->k = k;
    ld->tolerance = k->params.memory.tolerance_ppm / 1e6;
    ld->interval = k->params.memory.resolve_interval;
    ld->at_once = k->params.memory.resolve_at_once;
    ld->want = SIM_NEVER;
    dirty_init(&ld->dirty, k);
    resources_init(ld);
    groups_init(ld);
}

/* Has resolve() called when the first resource that waits may be solved. */
static void
call_when_wanted(struct loaded *ld)
{
    struct kernel *k = ld->k;

    if (unlikely(ld->want < engine_when(&k->engine, &k->rates_ev)))
        engine_at(&k->engine, &k->rates_ev, ld->want);
}

static __attribute__((noinline)) void
leaver_go(struct loaded *ld)
{
    int cpu = (int)ld->leaver - 1;

    ld->leaver = 0;
    group_set(ld, cpu, NULL);
}

static void
loaded_changed(struct kernel *k, int cpu)
{
    struct loaded *ld = memory_priv(k);

    dirty_add(&ld->dirty, cpu);
}

static uint32_t
loaded_run_changed(struct kernel *k, int cpu)
{
    struct loaded *ld = memory_priv(k);
    struct mem_mix *mix = cpu_mix(k, cpu);
    uint32_t rate = RATE_FULL;

    if (ld->leaver != 0 && ld->leaver != (uint32_t)cpu + 1)
        leaver_go(ld);
    ld->leaver = 0;
    if (mix != NULL) {
        if (!group_has(ld, cpu, mix))
            group_set(ld, cpu, mix);
        rate = ld->groups[ld->members[cpu].group - 1].rate;
    } else if (ld->members[cpu].group != 0) {
        if (group_leave_matters(ld, cpu))
            group_set(ld, cpu, NULL);
        else
            ld->leaver = (uint32_t)cpu + 1;
    }
    call_when_wanted(ld);
    return rate;
}

/* A group, and then the resources that it asks for: few of a group of many, which is hot. */
static void
fetch_group(const struct loaded *ld, uint32_t slot, int step)
{
    enum { FETCHED_ASKS = 4 };
    const struct group *g = &ld->groups[slot];

    if (step == 0)
        fetch_bytes(g, 2 * FETCH_LINE);
    else
        for (uint32_t i = 0; i < g->nr_asks && i < FETCHED_ASKS; i++)
            fetch_bytes(&ld->resources[g->asks[i].resource], FETCH_LINE);
}

static void
loaded_fetch(const struct kernel *k, int cpu, const struct mem_mix *mix, int step)
{
    const struct loaded *ld = memory_priv(k);

    if (mix != NULL)
        fetch_group(ld, mix->group, step);
    else if (ld->members[cpu].group != 0)
        fetch_group(ld, ld->members[cpu].group - 1, step);
}

static bool
must_be_rated(const struct loaded *ld, const struct group *g)
{
    double change = g->tau > g->rated_tau ? g->tau - g->rated_tau : g->rated_tau - g->tau;

    return change > ld->tolerance * g->rated_tau;
}

/* Those whose rate changes are settled under the latencies of before. Fills touched with them. */
static void
settle_touched(struct loaded *ld)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < ld->nr_touched; i++) {
        struct group *g = &ld->groups[ld->touched[i]];

        g->touched = false;
        if (!must_be_rated(ld, g))
            continue;
        ld->touched[nr++] = ld->touched[i];
        for (uint32_t cpu = g->first_cpu; cpu != 0; cpu = ld->members[cpu - 1].next)
            burst_settle(ld->k, &ld->k->rqs[cpu - 1]);
    }
    ld->nr_touched = nr;
}

static void
rate_touched(struct loaded *ld)
{
    for (uint32_t i = 0; i < ld->nr_touched; i++) {
        struct group *g = &ld->groups[ld->touched[i]];

        g->rated_tau = g->tau;
        g->rate = rate_of(g->tau);
        for (uint32_t cpu = g->first_cpu; cpu != 0; cpu = ld->members[cpu - 1].next)
            burst_set_rate(ld->k, &ld->k->rqs[cpu - 1], g->rate);
    }
    ld->nr_touched = 0;
}

static void
solve_and_rate(struct loaded *ld)
{
    solve(ld);
    settle_touched(ld);
    for (uint32_t i = 0; i < ld->nr_moved; i++) {
        ld->resources[ld->moved[i]].moved = false;
        resource_publish(ld, &ld->resources[ld->moved[i]]);
    }
    ld->nr_moved = 0;
    rate_touched(ld);
    flows_tell(ld);
}

static void
loaded_resolve(struct kernel *k)
{
    struct loaded *ld = memory_priv(k);

    if (ld->leaver != 0)
        leaver_go(ld);
    for (uint32_t i = 0; i < ld->dirty.nr; i++)
        group_set(ld, (int)ld->dirty.cpus[i], cpu_mix(k, (int)ld->dirty.cpus[i]));
    if (ld->nr_queued > 0)
        solve_and_rate(ld);
    else
        flows_tell(ld);
    for (uint32_t i = 0; i < ld->dirty.nr; i++) {
        uint32_t cpu = ld->dirty.cpus[i], slot = ld->members[cpu].group;

        ld->dirty.listed[cpu] = false;
        burst_set_rate(k, &k->rqs[cpu], slot == 0 ? RATE_FULL : ld->groups[slot - 1].rate);
    }
    ld->dirty.nr = 0;
    call_when_wanted(ld);
}

static void
loaded_flow_changed(struct kernel *k, struct flow *f)
{
    flow_set_asks(memory_priv(k), f);
}

static uint64_t
loaded_latency_ps(const struct kernel *k, int cpu_node, int mem_node, bool writes)
{
    const struct loaded *ld = memory_priv(k);
    uint32_t pair = (uint32_t)cpu_node * ld->nr_nodes + (uint32_t)mem_node;

    return ld->latency_ps[2 * pair + writes];
}

/* What passes the resource now, in 1/1000 of its capacity. */
static uint32_t
resource_load(const struct kernel *k, uint32_t r)
{
    const struct loaded *ld = memory_priv(k);
    const struct resource *res = &ld->resources[r];
    uint64_t flow = res->flow;

    if (res->limit == UINT64_MAX)
        return 0;
    if (ld->leaver != 0) {
        const struct group *g = &ld->groups[ld->members[ld->leaver - 1].group - 1];

        for (uint32_t i = 0; i < g->nr_asks; i++)
            flow -= g->asks[i].resource == r ? g->asks[i].flow : 0;
    }
    /* what is full is solved to within a tolerance, but passes no more than there is */
    return (uint32_t)SIM_MIN((double)flow / (double)res->limit * 1000 + 0.5, 1000);
}

static uint32_t
loaded_link_load(const struct kernel *k, uint32_t link)
{
    const struct loaded *ld = memory_priv(k);

    return resource_load(k, 2 * ld->nr_nodes + link);
}

static uint32_t
loaded_node_load(const struct kernel *k, uint32_t node)
{
    return resource_load(k, node);
}

const struct memory_model_ops memory_loaded = {
    .name = "loaded",
    .doc = "latencies that grow with the load of controllers and links, whose bandwidth is shared",
    .priv_size = sizeof(struct loaded),
    .init = loaded_init,
    .run_changed = loaded_run_changed,
    .fetch = loaded_fetch,
    .pages_changed = loaded_changed,
    .resolve = loaded_resolve,
    .flow_changed = loaded_flow_changed,
    .latency_ps = loaded_latency_ps,
    .link_load = loaded_link_load,
    .node_load = loaded_node_load,
    .predict = loaded_predict,
};

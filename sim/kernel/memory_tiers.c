/*
 * Memory tiers. Facts: numa-balancing.md 2.7 and 2.8.
 *
 * Each node with memory has an abstract distance, 576 for plain DRAM, and nodes whose distances lie
 * in the same 128 form a tier. Where firmware reports latency and bandwidth, the distance of other
 * memory is that of DRAM scaled by both; where it does not, memory that a device driver brings
 * (CXL, PMEM) is taken to be five times as far, and any other counts as DRAM.
 *
 * Model assumptions: what firmware reports is the topology's latency and bandwidth as the nearest
 * CPUs see them, reads and writes alike; memory of the kind DRAM is never rated by its figures,
 * with or without CPUs. As in the kernel, reports are not used when nodes with CPUs differ from
 * the first of them by more than a tenth.
 */
#include "kernel/memory_tiers.h"

enum { ADISTANCE_DRAM = 4 * 128 + 64, ADISTANCE_DEVICE = 5 * ADISTANCE_DRAM, TIER_CHUNK = 128 };

struct node_perf {
    uint64_t latency, bandwidth; /* read and write together */
};

static struct node_perf
perf_of(const struct machine *m, uint32_t node)
{
    uint32_t best = UINT32_MAX;

    for_each_node (from, machine_cpu_nodes(m))
        best = SIM_MIN(best, machine_latency_ps(m, (uint32_t)from, node));
    return (struct node_perf){ 2 * (uint64_t)best / 1000, 2 * (m->nodes[node].bandwidth >> 20) };
}

static bool
differs(uint64_t a, uint64_t reference)
{
    return (a > reference ? a - reference : reference - a) * 10 > reference;
}

/* The performance of DRAM that others are measured against; false: there is no such thing. */
static bool
dram_perf(const struct kernel *k, struct node_perf *perf)
{
    bool found = false;

    for_each_node (n, machine_cpu_nodes(k->machine) & machine_memory_nodes(k->machine)) {
        struct node_perf p = perf_of(k->machine, (uint32_t)n);

        if (p.latency == 0 || p.bandwidth == 0)
            continue;
        if (!found)
            *perf = p;
        else if (differs(p.latency, perf->latency) || differs(p.bandwidth, perf->bandwidth))
            return false;
        found = true;
    }
    return found;
}

static uint32_t
adistance(const struct kernel *k, uint32_t node, const struct node_perf *dram)
{
    enum memory_kind kind = k->machine->nodes[node].kind;
    struct node_perf p = perf_of(k->machine, node);

    if (kind == MEMORY_DRAM)
        return ADISTANCE_DRAM;
    if (dram != NULL && p.latency > 0 && p.bandwidth > 0) {
        uint64_t d = ADISTANCE_DRAM * p.latency / dram->latency * dram->bandwidth / p.bandwidth;

        return (uint32_t)SIM_MIN(d, (uint64_t)INT32_MAX);
    }
    return kind == MEMORY_CXL || kind == MEMORY_PMEM ? ADISTANCE_DEVICE : ADISTANCE_DRAM;
}

/* The start of the next slower tier; UINT32_MAX: there is none. */
static uint32_t
next_tier(const struct kernel *k, uint32_t tier)
{
    uint32_t next = UINT32_MAX;

    for_each_node (n, machine_memory_nodes(k->machine))
        if (k->mm->nodes[n].tier > tier)
            next = SIM_MIN(next, k->mm->nodes[n].tier);
    return next;
}

static void
set_targets(struct kernel *k, uint32_t node)
{
    struct mm_node *own = &k->mm->nodes[node];
    uint32_t next = next_tier(k, own->tier), best = UINT32_MAX;

    for_each_node (n, machine_memory_nodes(k->machine)) {
        uint32_t d = machine_distance(k->machine, node, (uint32_t)n);

        if (k->mm->nodes[n].tier > own->tier)
            own->lower_tiers |= NODE_BIT(n);
        if (k->mm->nodes[n].tier != next || d > best)
            continue;
        own->demotion = d < best ? NODE_BIT(n) : own->demotion | NODE_BIT(n);
        best = d;
    }
}

void
memory_tiers_init(struct kernel *k)
{
    nodemask memory = machine_memory_nodes(k->machine);
    nodemask cpus = machine_cpu_nodes(k->machine);
    struct node_perf dram;
    bool reported = k->params.mm.tier_data && dram_perf(k, &dram);

    for_each_node (n, memory) {
        struct mm_node *node = &k->mm->nodes[n];

        node->tier = adistance(k, (uint32_t)n, reported ? &dram : NULL) & ~(TIER_CHUNK - 1u);
        if (cpus & NODE_BIT(n))
            k->mm->top_tier = SIM_MAX(k->mm->top_tier, node->tier);
    }
    for_each_node (n, memory)
        set_targets(k, (uint32_t)n);
    rng_init(&k->mm->demotion_rng, k->seed, "demotion", 0);
}

nodemask
node_lower_tiers(const struct kernel *k, int node)
{
    return k->mm->nodes[node].lower_tiers;
}

int
next_demotion_node(struct kernel *k, int node)
{
    nodemask targets = k->mm->nodes[node].demotion;

    if (targets == 0)
        return -1;
    for (uint64_t skip = rng_below(&k->mm->demotion_rng, (uint64_t)__builtin_popcountll(targets));
         skip > 0; skip--)
        targets &= targets - 1;
    return __builtin_ctzll(targets);
}

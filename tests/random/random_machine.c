/* The machine of a random case, and sets of its CPUs. */
#include "random_case.h"

static uint8_t
distance(const struct random_case *c, uint32_t n, uint32_t i, uint32_t j)
{
    uint32_t apart = i > j ? i - j : j - i, low = SIM_MIN(i, j), high = SIM_MAX(i, j);

    if (i == j)
        return 10;
    switch (c->value[DIM_DISTANCES]) {
    case 1:
        return (uint8_t)(10 + 10 * SIM_MIN(apart, n - apart));
    case 2:
        return (uint8_t)(10 + 10 * apart);
    case 3:
        return (uint8_t)(12 + 10 * case_pick(c, "distance", low * 64 + high, 4));
    default:
        return 20;
    }
}

/* Of the core: its threads are alike. The machine's first core is always a large one. */
static uint32_t
capacity(const struct random_case *c, uint32_t core)
{
    static const uint32_t drawn[] = { 160, 446, 768, 1024 };
    uint32_t node = core / c->value[DIM_CORES];

    switch (core > 0 ? c->value[DIM_CAPACITY] : 0) {
    case 1:
        return core % 2 ? 446 : 1024;
    case 2:
        return node % 2 ? 512 : 1024;
    case 3:
        return drawn[case_pick(c, "capacity of a core", core, ARRAY_LEN(drawn))];
    default:
        return 1024;
    }
}

static void
place_cpu(const struct random_case *c, struct machine *m, uint32_t cpu)
{
    uint32_t threads = c->value[DIM_THREADS], cores = c->value[DIM_CORES];
    uint32_t core = cpu / threads, node = core / cores;
    uint32_t llcs = SIM_MIN(c->value[DIM_LLCS], cores);
    uint32_t llc = node * llcs + core % cores * llcs / cores;

    m->cpus[cpu] = (struct machine_cpu){ .present = true,
                                         .online = true,
                                         .node = (int32_t)node,
                                         .package = (int32_t)node,
                                         .die = (int32_t)node,
                                         .core = (int32_t)core,
                                         .cluster = (int32_t)core,
                                         .l2 = (int32_t)core,
                                         .llc = (int32_t)llc,
                                         .capacity = capacity(c, core) };
    cpumask_set(m->nodes[node].cpus, cpu);
    cpumask_set(m->present, cpu);
    cpumask_set(m->online, cpu);
}

static void
isolate(const struct random_case *c, struct machine *m)
{
    for (uint32_t i = 0; i < c->value[DIM_ISOLATED] && i + 2 < m->nr_cpus; i++)
        cpumask_set(m->isolated, (uint32_t)case_pick(c, "isolated", i, m->nr_cpus));
}

struct machine *
case_machine(const struct random_case *c, struct arena *a)
{
    uint32_t nodes = c->value[DIM_NODES];
    uint32_t all = nodes + c->value[DIM_TIERS], pressure = c->value[DIM_PRESSURE];
    struct machine *m = machine_new(a, nodes * c->value[DIM_CORES] * c->value[DIM_THREADS], all);

    m->name = "random";
    m->vendor = VENDOR_INTEL;
    m->has_distances = true;
    for (uint32_t i = 0; i < all; i++) {
        m->nodes[i].mem_bytes = pressure > 0 ? MIB(1024) >> 2 * pressure : GIB(4);
        m->nodes[i].kind = i < nodes ? MEMORY_DRAM : MEMORY_CXL;
        m->nodes[i].online = true;
        m->nodes[i].os_index = i;
        for (uint32_t j = 0; j < all; j++)
            m->distances[i * all + j] =
                (uint8_t)(i == j                     ? LOCAL_DISTANCE
                          : i >= nodes || j >= nodes ? 40
                                                     : distance(c, nodes, i, j));
    }
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++)
        place_cpu(c, m, cpu);
    isolate(c, m);
    const char *why = machine_finish(m);
    if (why != NULL)
        sim_panic(__FILE__, __LINE__, "the machine: %s", why);
    return m;
}

const struct cpumask *
case_cpus(const struct machine *m, struct arena *a, struct rng *rng)
{
    struct cpumask *mask = cpumask_new(a, m->nr_cpus);
    uint32_t n = (uint32_t)rng_below(rng, m->nr_cpus) + 1;
    uint32_t first = (uint32_t)rng_below(rng, m->nr_cpus);
    bool scattered = rng_below(rng, 2);

    if (rng_below(rng, 3) == 0)
        n = 1;
    for (uint32_t i = 0; i < n; i++)
        cpumask_set(mask,
                    scattered ? (uint32_t)rng_below(rng, m->nr_cpus) : (first + i) % m->nr_cpus);
    return mask;
}

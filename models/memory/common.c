/*
 * Shared parts of the memory models; see common.h. A rate is 1/tau with
 *
 *     tau = 1 + misses/ns * (sum over nodes of share * latency) / misses in flight
 */
#include "models/memory/common.h"

void
dirty_init(struct dirty_cpus *d, struct kernel *k)
{
    d->cpus = arena_new_array(k->arena, uint32_t, k->machine->nr_cpus);
    d->listed = arena_new_array(k->arena, bool, k->machine->nr_cpus);
}

uint32_t
rate_of(double tau)
{
    double rate = RATE_FULL / tau + 0.5;

    return rate < 1 ? 1 : rate > RATE_FULL ? RATE_FULL : (uint32_t)rate;
}

uint64_t
machine_local_ps(const struct machine *m)
{
    uint64_t least = UINT64_MAX;

    for_each_node (n, machine_cpu_nodes(m)) {
        uint64_t ps = machine_latency_ps(m, (uint32_t)n, (uint32_t)n);

        least = SIM_MIN(least, ps);
    }
    return least;
}

void
unloaded_init(struct kernel *k,
              uint64_t (*latency)(const struct machine *m, uint32_t cpu_node, uint32_t mem_node))
{
    struct unloaded *u = memory_priv(k);
    uint32_t nr = k->machine->nr_nodes;

    dirty_init(&u->dirty, k);
    u->ps = arena_new_array(k->arena, uint64_t, nr * nr);
    for (uint32_t i = 0; i < nr; i++)
        for (uint32_t j = 0; j < nr; j++)
            u->ps[i * nr + j] = latency(k->machine, i, j);
}

void
unloaded_changed(struct kernel *k, int cpu)
{
    struct unloaded *u = memory_priv(k);

    dirty_add(&u->dirty, cpu);
}

/* ns for each ns of work. */
static double
unloaded_tau(const struct kernel *k, int node, const struct mem_mix *mix)
{
    double latency_ns = 0;

    for_each_node (n, mix->nodes)
        latency_ns +=
            mix->share_q16[n] / 65536.0 * ((double)unloaded_latency_ps(k, node, n, false) / 1000);
    return 1 + stall_per_latency(mix) * latency_ns;
}

uint32_t
unloaded_rate(struct kernel *k, int cpu)
{
    const struct mem_mix *mix = cpu_mix(k, cpu);

    return mix == NULL ? RATE_FULL : rate_of(unloaded_tau(k, k->rqs[cpu].node, mix));
}

void
unloaded_predict(struct kernel *k, struct mem_guess *guesses, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++)
        guesses[i].tau = unloaded_tau(k, guesses[i].node, &guesses[i].mix);
}

/* Those that changed are looked at, and no others. */
void
unloaded_resolve(struct kernel *k)
{
    struct unloaded *u = memory_priv(k);

    for (uint32_t i = 0; i < u->dirty.nr; i++) {
        uint32_t cpu = u->dirty.cpus[i];

        u->dirty.listed[cpu] = false;
        burst_set_rate(k, &k->rqs[cpu], unloaded_rate(k, (int)cpu));
    }
    u->dirty.nr = 0;
}

uint64_t
unloaded_latency_ps(const struct kernel *k, int cpu_node, int mem_node, bool writes)
{
    const struct unloaded *u = memory_priv(k);

    (void)writes;
    return u->ps[(uint32_t)cpu_node * k->machine->nr_nodes + (uint32_t)mem_node];
}

/*
 * What the memory models share: the set of CPUs to look at again, the time per unit of work, and
 * models whose latencies do not depend on load.
 */
#pragma once

#include "kernel/region.h"

/* CPUs whose burst or pages changed since the last resolve(), in the order in which that happened.
 */
struct dirty_cpus {
    uint32_t nr;
    uint32_t *cpus;
    bool *listed;
};

void dirty_init(struct dirty_cpus *d, struct kernel *k);
static inline void
dirty_add(struct dirty_cpus *d, int cpu)
{
    if (d->listed[cpu])
        return;
    d->listed[cpu] = true;
    d->cpus[d->nr++] = (uint32_t)cpu;
}

/* Does what runs on the CPU miss the cache? */
static inline bool
cpu_misses(const struct kernel *k, int cpu)
{
    const struct task *p = k->rqs[cpu].curr;

    return p != NULL && p->in_burst && p->profile != NULL && p->profile->misses_q20 > 0;
}
/* The mix of what runs on the CPU, or NULL if that does not miss the cache. */
static inline struct mem_mix *
cpu_mix(struct kernel *k, int cpu)
{
    struct task *p = k->rqs[cpu].curr;

    if (!cpu_misses(k, cpu))
        return NULL;
    return unlikely(mem_mix_stale(p, k->rqs[cpu].node)) ? mm_mix(k, p) : &p->mem->mix;
}

/* Lines that a ns of work fetches from memory. */
static inline double
misses_per_work(const struct mem_mix *mix)
{
    return (double)mix->profile->misses_q20 / (1 << 20) * (mix->miss_q16 / 65536.0);
}

/* Misses in flight take their time together: ns of stall for each ns of work and ns of latency. */
static inline double
stall_per_latency(const struct mem_mix *mix)
{
    return misses_per_work(mix) / ((double)SIM_MAX(mix->mlp_q8, 1u) / 256);
}

/* Work per ns from ns per work: the only place where a rate is rounded. */
uint32_t rate_of(double tau);

/* ---- models without load: a table of latencies ---- */

struct unloaded {
    struct dirty_cpus dirty;
    uint64_t *ps; /* nr_nodes^2, row: node of the CPU */
};

void unloaded_init(struct kernel *k, uint64_t (*latency)(const struct machine *m, uint32_t cpu_node,
                                                         uint32_t mem_node));
/* CPUs do not influence each other: the rate is known at once. */
uint32_t unloaded_rate(struct kernel *k, int cpu);
void unloaded_changed(struct kernel *k, int cpu);
void unloaded_resolve(struct kernel *k);
void unloaded_predict(struct kernel *k, struct mem_guess *guesses, uint32_t nr);
uint64_t unloaded_latency_ps(const struct kernel *k, int cpu_node, int mem_node, bool writes);

/* Latency of the fastest access of a CPU to its own node. */
uint64_t machine_local_ps(const struct machine *m);

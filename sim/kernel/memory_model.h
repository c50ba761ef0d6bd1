/*
 * What a memory model must answer: how fast does each running task get through its work, given
 * where its pages are and who else loads the controllers and links?
 *
 * Where one CPU's rate depends on nobody else's, run_changed() has the answer at once. Otherwise,
 * and when pages move, the change is only marked: resolve() runs once per instant, in PHASE_RATES,
 * and calls burst_set_rate() for each CPU that it was told of, and for others whose rate differs.
 * Its sums go in a fixed order; doubles are allowed, libm is not, and results are rounded to
 * integers in one place.
 */
#pragma once

#include "kernel/kernel.h"

/* Where the accesses of the burst that runs on a CPU go. Kept by mm.c, read by models. */
struct mem_mix {
    const struct burst_profile *profile; /* NULL: no misses, the rate is full */
    nodemask nodes;                      /* with a share */
    uint32_t group, serial;              /* the model's: which of its groups has this mix */
    uint32_t miss_q16; /* of the profile's misses, those that go to memory; MIX_ALL: all of them,
                          more where caches give less than the profile assumed */
    uint32_t mlp_q8;   /* misses in flight at once: the profile's, or what siblings leave of it */
    uint32_t share_q16[NODE_MAX]; /* of the accesses, by node; sums to 65536 */
};

/* The share that all accesses are; one node alone has it, whatever else is known. */
enum { MIX_ALL = 65536 };
static inline bool
mem_mix_single(const struct mem_mix *mix)
{
    return (mix->nodes & (mix->nodes - 1)) == 0 && mix->nodes != 0;
}

struct flow;

/* A guess: so many CPUs of a node that run this mix all the time. */
struct mem_guess {
    int32_t node;
    uint32_t nr;
    struct mem_mix mix; /* its profile's misses, mlp and writes are read, and its shares */
    double tau;         /* the answer: ns for each ns of work */
};

struct memory_model_ops {
    const char *name, *doc;
    size_t priv_size;
    const struct field *params; /* of the private state; may be NULL */
    void (*init)(struct kernel *k);
    /* Another task, another phase, or nothing runs on the CPU now. Its rate; 0: resolve() will
     * tell. */
    uint32_t (*run_changed)(struct kernel *k, int cpu);
    /* Soon the CPU's burst ends, or one with this mix begins: what the model will look at then is
     * fetched (fetch.h), in two steps, the second a while after the first. NULL: nothing is. */
    void (*fetch)(const struct kernel *k, int cpu, const struct mem_mix *mix, int step);
    /* Pages used by the burst on this CPU moved or appeared: its mix changed. */
    void (*pages_changed)(struct kernel *k, int cpu);
    void (*resolve)(struct kernel *k);
    /* A flow (flow.h) was opened, changed or closed: resolve() gives each open one its rate, by
     * flow_set_rate(). NULL: load does not matter here, and a flow gets what it wants. */
    void (*flow_changed)(struct kernel *k, struct flow *f);
    /* Latency under the present load, ps, for accounting: cpu_node reads memory of mem_node. Who
     * also writes there is held up by the way back. */
    uint64_t (*latency_ps)(const struct kernel *k, int cpu_node, int mem_node, bool writes);
    /* Utilisation of link l in 1/1000 at this moment, for samplers; may be NULL. */
    uint32_t (*link_load)(const struct kernel *k, uint32_t link);
    uint32_t (*node_load)(const struct kernel *k, uint32_t node);
    /* How long would work take if all of these ran at once, and nothing else? Nothing of the run
     * changes. For policies that place before the run. */
    void (*predict)(struct kernel *k, struct mem_guess *guesses, uint32_t nr);
};

static inline void *
memory_priv(const struct kernel *k)
{
    return k->memory_priv;
}

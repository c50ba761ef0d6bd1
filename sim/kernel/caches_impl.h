/* What the files of the caches share; nobody else includes it. caches.c keeps the state. */
#pragma once

#include "kernel/cache_share.h"
#include "kernel/caches.h"
#include "kernel/mm.h"

struct cache_cpu {
    uint32_t llc, core, l2;
    uint32_t mlp_q8;                    /* of the burst that runs; 0: it uses no memory */
    bool has_set;                       /* and has a working set */
    const struct burst_profile *shares; /* or NULL: what counts among the sharers of its slices */
    double base;                        /* ns per ns of work without memory and caches */
};
/* CPUs of a core, or of a last-level cache. */
struct cache_group {
    uint32_t nr, *cpus;
    bool dirty;
    uint32_t mlp_q8; /* a core: the sum over its CPUs */
    uint32_t nr_sets;
    uint64_t bytes, fills;
};
/* Who runs and writes lines of a slice that others use. */
struct sharers {
    struct region_group *group;
    uint32_t nr, *on_node; /* CPUs, by node */
    struct sharers *next;  /* that have changed */
    bool dirty;
};
struct caches {
    struct cache_cpu *cpus;
    struct sharers *changed; /* by next */
    uint32_t nr_llcs, nr_cores, nr_l2s;
    struct cache_group *llcs, *cores, *l2s;
    uint32_t nr_dirty_llcs, *dirty_llcs, nr_dirty_cores, *dirty_cores;
    uint64_t l1_bytes, l2_bytes;
    double l2_ns, llc_ns;
    bool siblings; /* cores have several threads, which slow each other */
    bool sets;     /* some burst had a working set */
    bool lines;    /* some burst shares lines that it writes */
    bool resolving;
    struct cache_user *users;
    uint32_t *user_of; /* by CPU: the one that stands for it */
};

/* Where the references of a burst hit: parts of them. */
struct cache_levels {
    double refs, l2, llc, miss;
};

/* caches.c. p's levels on the CPU when `miss` of its references miss the last one. */
struct cache_levels cache_levels_of(const struct kernel *k, int cpu, const struct burst_profile *p,
                                    double miss);
/* Misses that the CPU's burst has in flight, beside those of its siblings. */
uint32_t cache_mlp_left(const struct kernel *k, int cpu);
/* The burst on the CPU misses so often from now on; `told`: the memory model hears of it anyway. */
void cache_cpu_apply(struct kernel *k, struct rq *rq, double miss, bool told);

/* cache_llc.c: divides the LLC among what runs on it now. */
void cache_llc_resolve(struct kernel *k, const struct cache_group *llc);

/* cache_shared.c: the CPU's burst is another one (NULL: it shares nothing). */
void caches_share_lines(struct kernel *k, struct rq *rq, const struct burst_profile *profile);
/* ns for each ns of work that a burst waits for lines of other cores, one after the other. */
double caches_shared_ns(const struct kernel *k, const struct rq *rq);
/* Calls look() for whoever runs and whose sharers have changed. */
void caches_sharers_resolve(struct kernel *k, void (*look)(struct kernel *k, struct task *p));

void caches_llc_dirty(struct kernel *k, uint32_t llc);
/* p's references that its burst brings into the new caches before it goes on: cache_cold.c. The
 * shares of the LLC are known; `alone`: nobody else there has p's set. */
void caches_arrive(struct kernel *k, struct rq *rq, struct task *p, bool alone);

/* mm_account.c: `lines` that p fetched, and the `ns` it waited for them. */
void mm_account_lines(struct kernel *k, struct rq *rq, struct task *p, uint64_t lines, uint64_t ns);

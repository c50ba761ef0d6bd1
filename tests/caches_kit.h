/*
 * For tests of caches and cores. Fixture: 85 ns to the own node, 135 ns to the other, a hit in the
 * last-level cache 20 ns.
 */
#pragma once

#include "memory_kit.h"

#include "kernel/caches.h"
#include "models/memory/models.h"

static inline double
rate(const struct fixture *f, int cpu)
{
    return (double)f->k->rqs[cpu].rate / RATE_FULL;
}

static inline void
eight_mib(struct kernel_params *kp, struct machine *m)
{
    (void)kp;
    m->cache.l1d_bytes = KIB(32);
    m->cache.l2_bytes = MIB(1);
    m->cache.llc_bytes = MIB(8);
}

/* A region on node 0, whether it is used or not. */
static inline struct region *
memory(struct fixture *f)
{
    struct region *r = kit_region(f, "data", MIB(16), 1);

    kit_populate(f, r, 0);
    return r;
}

/* References, in 1000 ns, spread evenly over `set` bytes; 0: streaming. */
static inline struct burst_profile *
profile(struct fixture *f, struct region *r, uint32_t refs, uint64_t set, double least)
{
    struct burst_profile *p = kit_profile(f, r, REGION_WHOLE, refs, 0);
    struct burst_reuse *reuse = arena_new_object(f->arena, struct burst_reuse);
    struct reuse_point *points = arena_new_array(f->arena, struct reuse_point, 2);

    points[0].miss_q16 = MIX_ALL;
    points[1] = (struct reuse_point){ set, (uint32_t)(least * MIX_ALL) };
    *reuse = (struct burst_reuse){ .nr = 2, .points = points };
    p->reuse = set > 0 ? reuse : NULL;
    return p;
}

static inline struct task *
start(struct fixture *f, const char *cpu, const struct burst_profile *p)
{
    struct task *t = kit_task(f, cpu, p, SEC(1000));

    task_start(f->k, t, NULL);
    return t;
}

static inline void
run(struct fixture *f, sim_time for_ns)
{
    engine_run(&f->k->engine, kernel_now(f->k) + for_ns);
    assert_null(kernel_check(f->k));
}

/*
 * The classic CFS by its published rules (sched-design-CFS, Linux 6.1): a period of 6 ms on one
 * CPU, slices of at least 0.75 ms, a wake-up granularity of 1 ms. Kernels for its tests: no costs,
 * HZ=1000, one parameter of choice.
 */
#pragma once

#include "sim_fixture.h"

#include "kernel/fair_cfs.h"

static inline void
open_cfs(struct fixture *f, uint32_t cores, const char *key, const char *value)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 100, .nr_groups = 8 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, cores, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.fair", "cfs", f->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.hz", "1000", f->arena, why, sizeof(why)));
    if (key != NULL)
        assert_true(kernel_params_set(&kp, key, value, f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static inline struct task *
started_hog(struct fixture *f, int nice)
{
    struct task *p = fixture_hog(f, "hog", nice);

    task_start(f->k, p, NULL);
    return p;
}

static inline void
assert_about(uint64_t got, uint64_t expected, uint64_t tolerance)
{
    if (got + tolerance < expected || got > expected + tolerance)
        fail_msg("%llu, expected %llu +- %llu", (unsigned long long)got,
                 (unsigned long long)expected, (unsigned long long)tolerance);
}

/*
 * For tests of scans for idle CPUs.
 */
#pragma once

#include "select_kit.h"

/* Eight CPUs, one LLC, clusters of `size`. */
static inline void
open_clusters(struct fixture *f, uint32_t cpus, int size)
{
    struct arena *a = arena_new();
    struct machine *m = fixture_machine(a, 1, cpus, 1, 20);

    for (int cpu = 0; cpu < (int)cpus; cpu++)
        m->cpus[cpu].cluster = m->cpus[cpu].l2 = cpu / size;
    kit_open(f, a, m, NULL);
    assert_true(f->k->domains->cluster_active);
}

/* ---- the order of select_idle_sibling ---- */

static inline int
choose(struct fixture *f, struct task *p, int prev, int target, const char *rule)
{
    struct wakeup w = { .p = p, .this_cpu = target, .prev = prev, .target = target };
    int cpu = select_idle_sibling(f->k, &w);

    assert_string_equal(w.rule, rule);
    return cpu;
}

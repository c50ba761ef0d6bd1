/*
 * For tests of CPU selection: machines beyond the fixture's, and CPUs that are made busy or idle by
 * hand, without a run.
 */
#pragma once

#include "sim_fixture.h"

#include "kernel/select.h"

/* Opens a kernel on a machine that the test has changed; `settings` are key, value, ..., NULL. */
static inline void
kit_open(struct fixture *f, struct arena *a, struct machine *m, const char *const *settings)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 600 };
    char why[256];

    f->arena = a;
    f->machine = m;
    kernel_params_init(&kp, a);
    assert_true(kernel_params_set(&kp, "noise", "off", a, why, sizeof(why)));
    for (; settings != NULL && *settings != NULL; settings += 2)
        if (!kernel_params_set(&kp, settings[0], settings[1], a, why, sizeof(why)))
            fail_msg("%s", why);
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(a, m, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static inline void
kit_plain(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads,
          const char *const *settings)
{
    struct arena *a = arena_new();

    kit_open(f, a, fixture_machine(a, nodes, cores, threads, 20), settings);
}

/* The state of a CPU as selection sees it, set by hand. */
static inline void
kit_busy(struct fixture *f, int cpu)
{
    f->k->rqs[cpu].nr_running = 1;
    f->k->rqs[cpu].cfs.idle_h_nr_running = 0;
    cpumask_clear(f->k->idle_cpus, (uint32_t)cpu);
    sums_update(f->k, &f->k->rqs[cpu]);
}
static inline void
kit_idle(struct fixture *f, int cpu)
{
    f->k->rqs[cpu].nr_running = 0;
    f->k->rqs[cpu].cfs.idle_h_nr_running = 0;
    cpumask_set(f->k->idle_cpus, (uint32_t)cpu);
    sums_update(f->k, &f->k->rqs[cpu]);
}
/* Runs SCHED_IDLE work only. */
static inline void
kit_sched_idle(struct fixture *f, int cpu)
{
    kit_busy(f, cpu);
    f->k->rqs[cpu].cfs.idle_h_nr_running = 1;
    f->k->sched_idle_seen = true;
}
/* These idle, all others are busy. */
static inline void
kit_only_idle(struct fixture *f, const char *list)
{
    const struct cpumask *idle = fixture_cpus(f, list);

    for_each_cpu (cpu, f->machine->online) {
        kit_busy(f, cpu);
        if (cpumask_test(idle, (uint32_t)cpu))
            kit_idle(f, cpu);
    }
}

/* A sleeping task that ran on `prev`. */
static inline struct task *
kit_sleeper(struct fixture *f, int prev)
{
    struct task *p = fixture_hog(f, "sleeper", 0);

    p->cpu = p->recent_used_cpu = prev;
    p->state = TASK_BLOCKED;
    return p;
}

static inline void
kit_allow(struct fixture *f, struct task *p, const char *list)
{
    task_set_affinity(f->k, p, fixture_cpus(f, list));
}

/*
 * For tests of the kernel: a machine in one line, and tasks that follow a list of actions.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/balance.h"
#include "kernel/memory_model.h"
#include "kernel/mm.h"

/* nodes x cores x threads, one LLC and one package a node, threads of a core next to each other,
 * all remote distances alike. */
static inline struct machine *
fixture_machine(struct arena *a, uint32_t nodes, uint32_t cores, uint32_t threads, uint8_t distance)
{
    struct machine *m = machine_new(a, nodes * cores * threads, nodes);

    m->name = "fixture";
    m->vendor = VENDOR_INTEL;
    m->has_distances = true;
    for (uint32_t i = 0; i < nodes; i++) {
        m->nodes[i].mem_bytes = GIB(4);
        m->nodes[i].online = true;
        m->nodes[i].os_index = i;
        for (uint32_t j = 0; j < nodes; j++)
            m->distances[i * nodes + j] = i == j ? 10 : distance;
    }
    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++) {
        struct machine_cpu *c = &m->cpus[cpu];
        int32_t node = (int32_t)(cpu / (cores * threads)), core = (int32_t)(cpu / threads);

        *c = (struct machine_cpu){ .present = true,
                                   .online = true,
                                   .node = node,
                                   .package = node,
                                   .die = node,
                                   .core = core,
                                   .cluster = core,
                                   .l2 = core,
                                   .llc = node,
                                   .capacity = 1024 };
        cpumask_set(m->nodes[node].cpus, cpu);
        cpumask_set(m->present, cpu);
        cpumask_set(m->online, cpu);
    }
    const char *why = machine_finish(m);
    assert_null(why);
    return m;
}

/* A memory model without physics: every rate is full. */
static inline void
fixture_memory_nothing(struct kernel *k)
{
    (void)k;
}
/* The answer that a model owes for each CPU that it was told of. */
static inline void
fixture_memory_full(struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online)
        burst_set_rate(k, &k->rqs[cpu], RATE_FULL);
}
static inline uint32_t
fixture_memory_rate(struct kernel *k, int cpu)
{
    (void)k, (void)cpu;
    return RATE_FULL;
}
static inline void
fixture_memory_changed(struct kernel *k, int cpu)
{
    (void)k, (void)cpu;
}
static inline uint64_t
fixture_memory_latency(const struct kernel *k, int cpu_node, int mem_node, bool writes)
{
    (void)writes;
    return machine_latency_ps(k->machine, (uint32_t)cpu_node, (uint32_t)mem_node);
}
static const struct memory_model_ops fixture_memory = {
    .name = "none",
    .doc = "no physics",
    .init = fixture_memory_nothing,
    .run_changed = fixture_memory_rate,
    .pages_changed = fixture_memory_changed,
    .resolve = fixture_memory_full,
    .latency_ps = fixture_memory_latency,
};

struct script {
    const struct action *actions; /* ends with ACTION_EXIT, or loops */
    uint32_t nr, next;
    uint64_t sleep; /* SLEEP: `until` is taken as a duration */
    void (*before)(struct kernel *k, struct task *p, uint32_t step);
};

static inline struct action
script_next(struct kernel *k, struct task *p)
{
    struct script *s = p->prog;
    uint32_t step = s->next++ % s->nr;
    struct action act = s->actions[step];

    if (s->before != NULL)
        s->before(k, p, step);
    if (act.kind == ACTION_SLEEP)
        act.until += kernel_now(k);
    return act;
}
static const struct task_ops script_ops = { .next = script_next };

static const struct action hog_actions[] = { { .kind = ACTION_RUN, .work = MSEC(10) } };

struct fixture {
    struct arena *arena;
    struct machine *machine;
    struct kernel *k;
    struct process *process;
};

/* Noise off, costs as they are unless `free` is set. */
static inline void
fixture_open(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads, bool costs)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 600, .nr_groups = 40 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, nodes, cores, threads, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    if (!costs)
        memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static inline void
fixture_close(struct fixture *f)
{
    arena_free(f->arena);
}

static inline struct task *
fixture_task(struct fixture *f, const char *name, int nice, const struct action *actions,
             uint32_t nr)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = actions;
    s->nr = nr;
    return task_new(
        f->k, f->process,
        &(struct task_attr){ .name = name, .nice = nice, .ops = &script_ops, .prog = s });
}

static inline struct task *
fixture_hog(struct fixture *f, const char *name, int nice)
{
    return fixture_task(f, name, nice, hog_actions, 1);
}

static inline const struct cpumask *
fixture_cpus(struct fixture *f, const char *list)
{
    struct cpumask *m = cpumask_new(f->arena, f->machine->nr_cpus);

    assert_true(cpumask_parse(m, list, NULL));
    return m;
}

static inline void
fixture_check_after(struct engine *eng, struct event *ev)
{
    const char *broken = kernel_check(eng->owner);

    (void)ev;
    if (broken != NULL)
        fail_msg("at %llu ns: %s", (unsigned long long)eng->now, broken);
}

/* Runs to `until` with all invariants checked after every event. */
static inline void
fixture_run(struct fixture *f, sim_time until)
{
    f->k->engine.after = fixture_check_after;
    engine_run(&f->k->engine, until);
    kernel_settle(f->k);
}

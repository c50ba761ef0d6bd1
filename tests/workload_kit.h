/*
 * For tests of workloads: a text is run, and its history compared at once.
 */
#pragma once

#include <glib.h>

#include "config/workload_yaml.h"
#include "sim_fixture.h"

struct run {
    struct fixture f;
    struct diag diag;
    struct workload *w;
    struct workload_run *r;
};

static inline char *
messages_of(struct diag *d)
{
    char *text = diag_text(d);

    diag_clear(d);
    return text;
}

/* Processes with one CPU a thread unless the test wants less. */
static inline void
open_run(struct run *x, const char *text, uint32_t nodes, uint32_t cores, uint64_t seed)
{
    struct kernel_params kp;
    struct kernel_limits limits = { 0 };
    char why[256];
    const char *error;

    x->f.arena = arena_new();
    x->f.machine = fixture_machine(x->f.arena, nodes, cores, 1, 20);
    diag_init(&x->diag);
    x->w = workload_yaml_load("w.yaml", text, strlen(text), NULL, x->f.arena, &x->diag);
    g_autofree char *messages = messages_of(&x->diag);
    assert_string_equal(messages, "");
    error = workload_limits(x->w, x->f.machine, &limits);
    assert_null(error);
    kernel_params_init(&kp, x->f.arena);
    assert_true(kernel_params_set(&kp, "noise", "off", x->f.arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cache.transfers = false;
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 1000000000000u;
    x->f.k = kernel_new(x->f.arena, x->f.machine, &kp, seed, &limits, &fixture_memory);
    /* forked from the last CPU, thread i of a process comes to CPU i: who is first is known */
    x->f.k->start_cpu = (int)x->f.machine->nr_cpus - 1;
    x->r = workload_build(x->f.k, x->w, &error);
    assert_non_null(x->r);
    workload_start(x->r);
}

static inline char *
history(struct run *x)
{
    GString *s = g_string_new(NULL);
    struct kernel *k = x->f.k;

    for (uint64_t last = 0;;) { /* by time of exit, then by number */
        uint64_t next = UINT64_MAX;
        for (uint32_t i = 0; i < k->nr_tasks; i++)
            if (k->tasks[i]->state == TASK_DEAD && k->tasks[i]->exited_at + 1 > last)
                next = MIN(next, k->tasks[i]->exited_at);
        if (next == UINT64_MAX)
            break;
        for (uint32_t i = 0; i < k->nr_tasks; i++)
            if (k->tasks[i]->state == TASK_DEAD && k->tasks[i]->exited_at == next)
                g_string_append_printf(s, "%s%s@%" G_GUINT64_FORMAT, s->len ? " " : "",
                                       k->tasks[i]->name, (guint64)next / 1000);
        last = next + 2;
    }
    return g_string_free(s, FALSE);
}

/* Runs to the end and compares who ended when. */
static inline void
assert_history(const char *text, uint32_t cores, const char *expected)
{
    struct run x;

    open_run(&x, text, 1, cores, 1);
    fixture_run(&x.f, SEC(10));
    if (x.f.k->error != NULL)
        fail_msg("%s", x.f.k->error);
    g_autofree char *got = history(&x);
    assert_string_equal(got, expected);
    fixture_close(&x.f);
}

#define HEAD "version: 1\nname: t\nprocesses:\n- name: p\n"

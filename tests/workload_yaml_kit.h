/* For tests of workload files: texts that load or do not, and a machine to load them for. */
#pragma once

#include "loader_kit.h"

#include "config/workload_yaml.h"
#include "config/yaml_tree.h"

#define HEAD "version: 1\nname: t\nprocesses:\n- name: p\n"

static inline struct workload *
try_load(struct fixture *f, const char *text, const char *const *settings)
{
    diag_clear(&f->diag);
    diag_init(&f->diag);
    return workload_yaml_load("w", text, strlen(text), settings, f->arena, &f->diag);
}

static inline struct workload *
load(struct fixture *f, const char *text)
{
    struct workload *w = try_load(f, text, NULL);
    g_autofree char *messages = diag_text(&f->diag);

    assert_string_equal(messages, "");
    assert_non_null(w);
    return w;
}

static inline void
assert_says(struct fixture *f, const char *text, const char *expected)
{
    assert_null(try_load(f, text, NULL));
    g_autofree char *messages = diag_text(&f->diag);
    assert_string_equal(messages, expected);
}

/* A machine of 4 nodes with 8 CPUs each, 1 GB of memory and 10 GB/s a node. */
static inline struct machine *
machine(struct fixture *f)
{
    struct machine *m = machine_new(f->arena, 32, 4);

    m->name = "test";
    for (uint32_t n = 0; n < 4; n++) {
        m->nodes[n].os_index = 10 * n;
        m->nodes[n].online = true;
        m->nodes[n].mem_bytes = GIB(1);
        m->nodes[n].bandwidth = 10000000000;
    }
    for (uint32_t c = 0; c < 32; c++) {
        int32_t node = (int32_t)c / 8;
        m->cpus[c] = (struct machine_cpu){ .present = true,
                                           .online = true,
                                           .node = node,
                                           .package = node,
                                           .die = node,
                                           .core = (int32_t)c / 2,
                                           .cluster = (int32_t)c / 2,
                                           .l2 = (int32_t)c / 2,
                                           .llc = node,
                                           .capacity = 1024 };
        cpumask_set(m->nodes[node].cpus, c);
        cpumask_set(m->present, c);
        cpumask_set(m->online, c);
    }
    const char *why = machine_finish(m);
    assert_null(why);
    return m;
}

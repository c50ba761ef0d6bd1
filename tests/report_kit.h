/*
 * For tests of the files of a run's folder: a kernel made by hand, two nodes with two CPUs each.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <math.h>

#include "kernel/group.h"
#include "kernel/mm.h"
#include "report/metric.h"
#include "report/run_report.h"

struct world {
    struct arena *arena;
    struct kernel k;
    struct memory_model_ops memory;
    struct run_info info;
    char *dir;
};

static inline struct process *
add_process(struct world *w, const char *name, const char *tag)
{
    struct process *pr = arena_new_object(w->arena, struct process);

    pr->name = name;
    pr->tag = tag;
    pr->members = arena_new_array(w->arena, struct task *, 4);
    histogram_init(&pr->stats.wait, w->arena);
    histogram_init(&pr->stats.wakeup, w->arena);
    histogram_init(&pr->stats.request, w->arena);
    w->k.processes[w->k.nr_processes++] = pr;
    return pr;
}

static inline struct task *
add_task(struct world *w, struct process *pr, const char *name)
{
    struct task *p = arena_new_object(w->arena, struct task);

    p->group = w->k.groups[0];

    p->name = name;
    p->process = pr;
    p->state = TASK_DEAD;
    p->se.weight = 1024;
    p->exited_at = w->info.elapsed;
    pr->members[pr->nr_members++] = p;
    return p;
}

static inline void
build_machine(struct world *w)
{
    struct machine *m = machine_new(w->arena, 4, 2);

    m->name = "two-node";
    for (uint32_t c = 0; c < 4; c++) {
        m->cpus[c].present = m->cpus[c].online = true;
        m->cpus[c].node = (int32_t)c / 2;
        m->cpus[c].core = (int32_t)c;
        cpumask_set(m->online, c);
        cpumask_set(m->nodes[c / 2].cpus, c);
    }
    m->nodes[0].os_index = 0;
    m->nodes[1].os_index = 8;
    m->nodes[0].mem_bytes = m->nodes[1].mem_bytes = GIB(1);
    m->routes = arena_new_array(w->arena, struct machine_route, 4);
    w->k.machine = m;
    w->k.nr_online = 4;
    w->k.possible = m->online;
    w->k.rqs = arena_new_array(w->arena, struct rq, 4);
    for (int c = 0; c < 4; c++)
        w->k.rqs[c].node = c / 2;
}

static inline int
set_up(void **state)
{
    struct world *w = g_new0(struct world, 1);

    w->arena = arena_new();
    w->info = (struct run_info){ .topology = "two-node",
                                 .workload = "a, \"b\"",
                                 .policy = "topology",
                                 .seed = 7,
                                 .complete = true,
                                 .elapsed = SEC(2),
                                 .events = 99 };
    build_machine(w);
    w->k.arena = w->arena;
    w->k.processes = arena_new_array(w->arena, struct process *, 4);
    w->k.groups = arena_new_array(w->arena, struct task_group *, 4);
    w->k.groups[w->k.nr_groups++] = arena_new_object(w->arena, struct task_group);
    w->k.traffic = arena_new_array(w->arena, uint64_t, 4);
    w->k.served = arena_new_array(w->arena, struct node_served, 2);
    w->k.mm = arena_new_object(w->arena, struct mm_state);
    w->k.mm->nodes = arena_new_array(w->arena, struct mm_node, 2);
    w->k.memory = &w->memory;
    w->dir = g_dir_make_tmp("numasim-test-XXXXXX", NULL);
    *state = w;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct world *w = *state;
    g_autoptr(GDir) dir = g_dir_open(w->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(w->dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(w->dir);
    g_free(w->dir);
    arena_free(w->arena);
    g_free(w);
    return 0;
}

static char *
contents(const struct world *w, const char *name)
{
    g_autofree char *path = g_build_filename(w->dir, name, NULL);
    char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static inline void
write_all(struct world *w)
{
    assert_true(run_report_write(w->dir, &w->k, &w->info, NULL, NULL));
}

static inline double
summary_value(struct world *w, const char *name)
{
    struct totals t;

    totals_of_run(&t, &w->k, &w->info, w->arena);
    struct metric_value v = metric_value(metric_find(name), &t);
    return v.kind == METRIC_EMPTY ? NAN : v.real;
}

#define assert_near(x, expected) assert_true(fabs((x) - (expected)) < 1e-9)

#define report_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/*
 * For tests that run rt-app files.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <gio/gio.h>

#include "config/import_rtapp.h"
#include "config/policy_yaml.h"
#include "run/simulation.h"

#define CORPUS SHARED_DIR "/corpus/rt-app"
#define GUEST SHARED_DIR "/corpus/numa-guest/mesh8"
#define DEBIAN "/usr/share/doc/rt-app"

struct fixture {
    struct arena *arena;
    struct diag diag;
    struct run_spec spec;
    struct simulation *sim;
};

static inline int
set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->arena = arena_new();
    diag_init(&f->diag);
    *state = f;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct fixture *f = *state;

    diag_clear(&f->diag);
    arena_free(f->arena);
    g_free(f);
    return 0;
}

static inline void
assert_fine(const struct fixture *f)
{
    g_autofree char *messages = diag_text(&f->diag);

    assert_string_equal(messages, "");
}

/* Kernel work costs nothing and nobody starts late, so that times can be reckoned by hand. */
static inline enum simulation_end
simulate(struct fixture *f, struct workload *w, const char *machine, sim_time until)
{
    const char *why = NULL;
    char text[128];

    f->spec = (struct run_spec){ .workload = w, .seed = 1, .until = until };
    f->spec.machine = load_machine(machine, f->arena, &f->diag);
    load_policy("topology", f->arena, &f->spec.policy, &f->diag);
    assert_fine(f);
    assert_true(kernel_params_set(&f->spec.policy.params, "noise.start_jitter", "no", f->arena,
                                  text, sizeof(text)));
    f->spec.policy.params.cache.transfers = false;
    for (const struct field *p = kernel_param_fields; p->name != NULL; p++)
        if (g_str_has_prefix(p->name, "cost.") && p->type == FIELD_TIME)
            assert_true(kernel_params_set(&f->spec.policy.params, p->name, "0ns", f->arena, text,
                                          sizeof(text)));
    f->sim = simulation_new(f->arena, &f->spec, &why);
    if (f->sim == NULL)
        fail_msg("%s", why);
    return simulation_run(f->sim, SIM_NEVER);
}

static inline void
run(struct fixture *f, const char *text, sim_time until)
{
    struct workload *w = import_rtapp("t.json", text, strlen(text), NULL, f->arena, &f->diag);
    enum simulation_end end;

    assert_fine(f);
    end = simulate(f, w, NULL, until);
    assert_int_equal(end, until == SIM_NEVER ? SIMULATION_DONE : SIMULATION_UNTIL);
}

static inline const struct task *
task(const struct fixture *f, const char *name)
{
    g_autofree char *full = g_strconcat("rt-app/", name, NULL);

    for (uint32_t i = 0; i < f->sim->kernel->nr_tasks; i++)
        if (strcmp(f->sim->kernel->tasks[i]->name, full) == 0)
            return f->sim->kernel->tasks[i];
    fail_msg("there is no task %s", name);
    return NULL;
}

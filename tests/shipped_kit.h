/*
 * For tests of shipped workloads: one runs on a machine under a policy, through the whole product,
 * and what it did is asked for by name.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "kernel/requests.h"
#include "run/simulation.h"

struct shipped {
    struct arena *arena;
    struct simulation *s;
    double seconds; /* simulated, to the end */
    uint64_t work;
};

/* Costs of the kernel's own work, which theory does not know of. */
static inline void
shipped_free_of_cost(struct kernel_params *kp, struct arena *a)
{
    char why[128];

    for (const struct field *f = kernel_param_fields; f->name != NULL; f++)
        if (g_str_has_prefix(f->name, "cost.") && f->type == FIELD_TIME)
            assert_true(kernel_params_set(kp, f->name, "0ns", a, why, sizeof(why)));
}

/*
 * Runs workloads/NAME.yaml to its end. `settings` are "name=value" of the workload, separated by
 * blanks; `model` a memory model, or NULL: the policy's. Machines are shipped names or hwloc text.
 */
static inline void
shipped_run(struct shipped *x, const char *machine, const char *policy, const char *name,
            const char *settings, const char *model, bool free_of_cost)
{
    struct run_spec spec = { .seed = 1, .until = SIM_NEVER };
    g_auto(GStrv) list = g_strsplit(settings, " ", -1);
    bool any = settings[0] != '\0';
    const char *why = NULL;
    struct diag d;

    x->arena = arena_new();
    diag_init(&d);
    d.data_dir = SOURCE_DIR;
    spec.machine = load_machine(machine, x->arena, &d);
    spec.workload = load_workload(name, any ? (const char *const *)list : NULL, x->arena, &d);
    if (!load_policy(policy, x->arena, &spec.policy, &d) || diag_failed(&d))
        fail_msg("%s", diag_text(&d));
    if (free_of_cost)
        shipped_free_of_cost(&spec.policy.params, x->arena);
    if (model != NULL)
        spec.policy.memory = memory_model_find(model);
    assert_non_null(spec.policy.memory);
    x->s = simulation_new(x->arena, &spec, &why);
    if (x->s == NULL)
        fail_msg("%s: %s", name, why);
    assert_int_equal(simulation_run(x->s, SIM_NEVER), SIMULATION_DONE);
    x->seconds = (double)x->s->elapsed / 1e9;
    x->work = 0;
    for (uint32_t i = 0; i < x->s->kernel->nr_tasks; i++)
        x->work += x->s->kernel->tasks[i]->stats.work_done;
    diag_clear(&d);
}

static inline void
shipped_close(struct shipped *x)
{
    arena_free(x->arena);
}

/* Simulated seconds of one run. */
static inline double
shipped_time(const char *machine, const char *policy, const char *name, const char *settings,
             const char *model)
{
    struct shipped x;

    shipped_run(&x, machine, policy, name, settings, model, false);
    shipped_close(&x);
    return x.seconds;
}

/* Requests of that name, of the first process that has such. */
static inline const struct request_kind *
shipped_requests(const struct shipped *x, const char *name)
{
    const struct kernel *k = x->s->kernel;

    for (uint32_t i = 0; i < k->nr_processes; i++)
        for (uint32_t j = 0; j < k->processes[i]->nr_kinds; j++)
            if (strcmp(k->processes[i]->kinds[j]->name, name) == 0)
                return k->processes[i]->kinds[j];
    fail_msg("there are no requests '%s'", name);
    return NULL;
}

static inline double
shipped_mean_us(const struct request_kind *kind)
{
    return (double)kind->latency.sum / (double)kind->latency.total / 1e3;
}

static inline double
shipped_percentile_us(const struct request_kind *kind, uint32_t per_ten_thousand)
{
    return (double)histogram_percentile(&kind->latency, per_ten_thousand) / 1e3;
}

static inline void
assert_near(const char *what, double got, double expected, double relative)
{
    if (!(got >= expected * (1 - relative) && got <= expected * (1 + relative)))
        fail_msg("%s: %.4f, expected %.4f within %.1f %%", what, got, expected, 100 * relative);
}

static inline void
assert_above(const char *what, double got, double least)
{
    if (!(got > least))
        fail_msg("%s: %.4f, expected more than %.4f", what, got, least);
}

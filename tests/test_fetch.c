/* layer: config */
/*
 * Fetching changes nothing but speed: a machine so large that all of it is at work does the same
 * without it, with tasks at the root and in groups.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "engine/queue.h"
#include "kernel/fetch.h"
#include "run/simulation.h"

struct outcome {
    uint64_t events, switches, migrations, work;
};

static uint64_t nr_told;

static void
only_count(struct engine *eng, struct event *const *ev, uint32_t nr)
{
    (void)eng;
    (void)ev;
    nr_told += nr;
}

static struct outcome
outcome_of(const struct kernel *k)
{
    struct outcome o = { k->engine.nr_events, k->stats.context_switches, 0, 0 };

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        o.migrations += k->tasks[i]->stats.migrations_llc;
        o.work += k->tasks[i]->stats.work_done;
    }
    return o;
}

static struct outcome
run(const char *workload, const char *setting, bool fetch)
{
    const char *const settings[] = { setting, NULL };
    struct run_spec spec = { .seed = 1, .until = MSEC(8) };
    struct arena *a = arena_new();
    const char *why = NULL;
    struct diag d;

    diag_init(&d);
    d.data_dir = SOURCE_DIR;
    spec.machine = load_machine("bench-4096", a, &d);
    spec.workload = load_workload(workload, setting != NULL ? settings : NULL, a, &d);
    if (!load_policy("autonuma", a, &spec.policy, &d) || diag_failed(&d))
        fail_msg("%s", diag_text(&d));
    struct simulation *s = simulation_new(a, &spec, &why);
    assert_non_null(s);
    struct kernel *k = s->kernel;
    assert_true(k->fetches && k->engine.queue->wheel->soon == fetch_soon);
    if (!fetch) {
        k->fetches = false;
        k->engine.queue->wheel->soon = only_count;
    }
    simulation_run(s, SIM_NEVER);
    struct outcome o = outcome_of(k);
    arena_free(a);
    diag_clear(&d);
    return o;
}

static void
the_same_with_and_without(const char *workload, const char *setting)
{
    nr_told = 0;
    struct outcome without = run(workload, setting, false), with = run(workload, setting, true);

    assert_memory_equal(&with, &without, sizeof(with));
    assert_true(with.switches > 1000);
    assert_true(nr_told > 1000);
}

static void
fetching_changes_nothing(void **state)
{
    (void)state;
    the_same_with_and_without("bench-mix", "tasks=5000");
}

static void
nor_does_it_with_groups_in_the_queues(void **state)
{
    (void)state;
    the_same_with_and_without("cgroups", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetching_changes_nothing),
        cmocka_unit_test(nor_does_it_with_groups_in_the_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

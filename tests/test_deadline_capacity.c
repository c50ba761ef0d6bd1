/* layer: kernel */
/* Deadline tasks where CPUs differ: CPU 0 has the full capacity, CPU 1 half of it. Expected values
 * follow from sched-core.md and kernel/sched/deadline.c: dl_scaled_delta_exec(), __dl_overflow(),
 * dl_task_fits_capacity(). */
#include "sim_fixture.h"

#include "kernel/deadline.h"

static void
open_unequal(struct fixture *f, const char *rt_runtime)
{
    const char *const settings[][2] = { { "noise", "off" },
                                        { "sched.fair_server_runtime", "0ns" },
                                        { "sched.rt_runtime", rt_runtime },
                                        { "sched.hz", "1000" } };
    struct kernel_limits limits = { .max_tasks = 8 };
    struct kernel_params kp;
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, 2, 1, 20);
    f->machine->cpus[1].capacity = 512;
    kernel_params_init(&kp, f->arena);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        assert_true(
            kernel_params_set(&kp, settings[i][0], settings[i][1], f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

/* A task that carries out `actions`, with this much of each 100 ms reserved. */
static struct task *
reserve(struct fixture *f, uint64_t runtime, const char *cpus, const struct action *actions,
        uint32_t nr)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = actions;
    s->nr = nr;
    return task_new(f->k, f->process,
                    &(struct task_attr){ .name = "job",
                                         .policy = POLICY_DEADLINE,
                                         .dl_runtime = runtime,
                                         .dl_deadline = MSEC(100),
                                         .ops = &script_ops,
                                         .allowed = fixture_cpus(f, cpus),
                                         .prog = s });
}

/* Who never sleeps gets the budget of each of ten periods: 10 ms of the large CPU, 20 of the small
 * one. An overrun of a tick is paid back. */
static void
a_budget_lasts_longer_on_a_smaller_cpu(void **state)
{
    struct fixture f;
    (void)state;

    open_unequal(&f, "0ns");
    struct task *large = reserve(&f, MSEC(10), "0", hog_actions, 1);
    struct task *small = reserve(&f, MSEC(10), "1", hog_actions, 1);
    task_start(f.k, large, NULL);
    task_start(f.k, small, NULL);
    fixture_run(&f, SEC(1));
    assert_in_range(large->se.sum_exec, MSEC(100), MSEC(101));
    assert_in_range(small->se.sum_exec, MSEC(200), MSEC(202));
    fixture_close(&f);
}

/* 95 % of a CPU and a half are 1.425. */
static void
a_smaller_cpu_has_less_to_reserve(void **state)
{
    struct fixture f;
    (void)state;

    open_unequal(&f, "950ms");
    struct task *p[3];
    static const uint64_t runtimes[] = { MSEC(90), MSEC(52), MSEC(1) };
    for (int i = 0; i < 3; i++) {
        const struct task_attr attr = { .dl_runtime = runtimes[i], .dl_deadline = MSEC(100) };
        p[i] = fixture_hog(&f, "task", 0);
        assert_true((dl_bw_admit(f.k, p[i], &attr) == NULL) == (i < 2));
    }
    fixture_close(&f);
}

/* 60 % do not fit half a CPU. Who begins at 1 ms is left the small one, where its 5 ms take 10.
 * 150 ms later it wakes where it fits, as the other is gone. One of 40 % stays where it was. */
static void
a_task_wakes_where_it_fits(void **state)
{
    static const struct action first[] = { { .kind = ACTION_RUN, .work = MSEC(40) },
                                           { .kind = ACTION_EXIT } };
    static const struct action second[] = { { .kind = ACTION_RUN, .work = MSEC(5) },
                                            { .kind = ACTION_SLEEP, .until = MSEC(150) },
                                            { .kind = ACTION_RUN, .work = MSEC(5) },
                                            { .kind = ACTION_BLOCK } };
    (void)state;

    for (uint64_t percent = 40; percent <= 60; percent += 20) {
        struct fixture f;

        open_unequal(&f, "0ns");
        struct task *p = reserve(&f, MSEC(60), "0", first, ARRAY_LEN(first));
        struct task *q = reserve(&f, MSEC(percent), "0-1", second, ARRAY_LEN(second));
        task_start(f.k, p, NULL);
        fixture_run(&f, MSEC(1));
        task_start(f.k, q, NULL);
        fixture_run(&f, MSEC(2));
        assert_int_equal(q->cpu, 1);
        fixture_run(&f, MSEC(162));
        assert_int_equal(q->cpu, percent == 60 ? 0 : 1);
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_lasts_longer_on_a_smaller_cpu),
        cmocka_unit_test(a_smaller_cpu_has_less_to_reserve),
        cmocka_unit_test(a_task_wakes_where_it_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

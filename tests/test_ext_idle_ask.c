/* layer: kernel */
/* Idle CPUs as policies see them: sched-ext.md 3 (Loading) and 6. */
#include "ext_fixture.h"

/* Wants a CPU of the node where the task has not been: its own stays idle for others. */
static int
choose_elsewhere(struct scx *scx, struct task *p, int prev_cpu, uint64_t wake_flags)
{
    int other = 1 - scx_cpu_node(scx, prev_cpu);
    bool idle = cpumask_test(scx_idle_cpumask(scx), (uint32_t)prev_cpu);
    int cpu = scx_select_cpu_and(scx, p, prev_cpu, 0, scx_node_cpumask(scx, other), 0);
    (void)wake_flags;

    notes_of(scx)->done = idle;
    assert_int_equal(cpumask_test(scx_idle_cpumask(scx), (uint32_t)prev_cpu), idle);
    if (cpu < 0)
        return prev_cpu;
    assert_int_equal(scx_cpu_node(scx, cpu), other);
    assert_false(cpumask_test(scx_idle_cpumask(scx), (uint32_t)cpu));
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
    notes_of(scx)->number++;
    return cpu;
}

static void
a_choice_among_some_cpus_claims_none_of_the_others(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .select_cpu = choose_elsewhere, .adapter = &n
    };
    static const struct action wakes[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                           { .kind = ACTION_SLEEP, .until = MSEC(5) },
                                           { .kind = ACTION_RUN, .work = MSEC(1) },
                                           { .kind = ACTION_EXIT } };
    (void)state;

    for (uint32_t threads = 1; threads <= 2; threads++) {
        n.number = 0;
        open_with(&f, 2, 2, threads, NULL, NULL);
        assert_true(ext_load(f.k, &ops, NULL));
        start_script(&f, "a", threads == 1 ? "0-3" : "0-7", wakes, 4);
        fixture_run(&f, MSEC(20));
        assert_true(n.done); /* its CPU did idle when it woke */
        assert_int_equal(n.number, 2);
        fixture_close(&f);
    }
}

/* A CPU that idles when a policy comes asks it for work, once. */
static void
count_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    assert_null(prev);
    notes_of(scx)->number += INT64_C(1) << (8 * cpu);
}

static void
idle_cpus_ask_a_policy_that_comes(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .dispatch = count_dispatch, .adapter = &n
    };
    (void)state;

    open_with(&f, 2, 2, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    fixture_run(&f, MSEC(100));
    assert_int_equal(n.number, 0x01010101);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_choice_among_some_cpus_claims_none_of_the_others),
        cmocka_unit_test(idle_cpus_ask_a_policy_that_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

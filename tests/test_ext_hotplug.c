/* layer: kernel */
/* A policy while a CPU goes offline, and between its error and the end of its rule. */
#include "ext_fixture.h"
#include "kernel/hotplug.h"

/* Task "h" is held, the others go to the local DSQ. */
static void
enqueue_or_hold(struct scx *scx, struct task *p, uint64_t flags)
{
    note_task(scx, p, "enqueue=0x%llx", (unsigned long long)flags);
    if (strcmp(p->name, "h") != 0)
        scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, flags);
}

static void
note_offline(struct scx *scx, int cpu)
{
    assert_int_equal(cpu, 1);
    assert_int_equal(scx_this_cpu(scx), 1);
    note(scx, "offline");
}

static void
note_stop(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    assert_int_equal(cpu, 1);
    assert_int_equal(args->reason, SCX_CPU_PREEMPT_STOP);
    note(scx, "release");
}

/* As rq_offline_scx() and balance_push() of Linux 6.12 do it: who waits with the policy comes to
 * the CPU's local DSQ first, who runs is stopped as runnable, and both are enqueued as migrated. */
static void
a_cpu_that_goes_offline_stops_its_tasks_and_moves_them(void **state)
{
    struct fixture f;
    struct notes n = { .named = true };
    const struct sched_ops ops = {
        .name = "test",
        .abi = SCX_OPS_ABI,
        .enqueue = enqueue_or_hold,
        .dequeue = note_dequeue,
        .runnable = note_runnable,
        .running = note_running,
        .stopping = note_stopping,
        .quiescent = note_quiescent,
        .cpu_offline = note_offline,
        .cpu_release = note_stop,
        .adapter = &n,
    };
    (void)state;

    begin(&f, 1, 2, 1, &ops);
    start_hog(&f, "a", "1", 0);
    struct task *h = start_hog(&f, "h", "1", 0);
    fixture_run(&f, MSEC(5));
    n.len = 0;
    hotplug_at(f.k, MSEC(6), fixture_cpus(&f, "1"), false);
    fixture_run(&f, MSEC(7));
    assert_string_equal(n.log, "dequeue=0xe:h quiescent:h runnable:h offline stopping(1):a release "
                               "enqueue=0x40:a enqueue=0x40:h running:a");
    assert_int_equal(h->cpu, 0);
    assert_stays(&f);
    fixture_close(&f);
}

static void
err_for_e(struct scx *scx, struct task *p, uint64_t flags)
{
    note_task(scx, p, "enqueue");
    if (strcmp(p->name, "e") == 0)
        scx_error(scx, "e came");
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, flags);
}

/* The state is dumped at once; the policy is asked until the kernel's thread has come to run. */
static void
until_the_thread_runs_a_policy_that_erred_is_asked(void **state)
{
    struct fixture f;
    struct notes n = { .named = true };
    const struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .enqueue = err_for_e, .exit = note_exit, .adapter = &n
    };
    const struct task_attr attr = { .nice = 0 };
    (void)state;

    open_with(&f, 1, 1, 1, "ext.disable_delay", "2ms");
    load(&f, &ops);
    start_as(&f, "e", "0", &attr, hog_actions, 1, MSEC(1));
    start_as(&f, "b", "0", &attr, hog_actions, 1, MSEC(2));
    start_as(&f, "c", "0", &attr, hog_actions, 1, MSEC(4));
    fixture_run(&f, USEC(1500));
    assert_int_equal(ext_state(f.k), SCX_ENABLED);
    assert_non_null(strstr(ext_exit_info(f.k)->dump, "e["));
    fixture_run(&f, MSEC(100));
    assert_string_equal(n.log, "enqueue:e enqueue:b exit=1025");
    assert_left(&f, SCX_EXIT_ERROR_BPF, "e came");
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cpu_that_goes_offline_stops_its_tasks_and_moves_them),
        cmocka_unit_test(until_the_thread_runs_a_policy_that_erred_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

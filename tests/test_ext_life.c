/* layer: kernel */
/* How a task lives under a policy, and how a policy comes: sched-ext.md 3. */
#include "ext_fixture.h"

static const struct action nap[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                     { .kind = ACTION_SLEEP, .until = MSEC(5) },
                                     { .kind = ACTION_RUN, .work = MSEC(1) },
                                     { .kind = ACTION_EXIT } };

/* ---- life cycle ---- */

static void
a_policy_with_a_name_only_shares_a_cpu_evenly(void **state)
{
    struct fixture f;
    const struct sched_ops ops = { .name = "minimal", .abi = SCX_OPS_ABI };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 10);
    fixture_run(&f, SEC(1));
    assert_stays(&f);
    assert_in_range(a->se.sum_exec, MSEC(470), MSEC(530)); /* weights are the policy's business */
    assert_in_range(b->se.sum_exec, MSEC(470), MSEC(530));
    fixture_close(&f);
}

static void
a_task_lives_in_the_order_of_sched_ext(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    ops.enqueue = note_enqueue;
    ops.dispatch = note_dispatch;
    open_with(&f, 1, 2, 1, "ext.exit_delay", "1ms");
    assert_true(ext_load(f.k, &ops, NULL));
    start_script(&f, "nap", "0-1", nap, ARRAY_LEN(nap));
    start_hog(&f, "keeps-the-run-going", "1", 0);
    n.len = 0;
    n.log[0] = '\0';

    fixture_run(&f, USEC(10));
    assert_string_equal(n.log, "init_task(fork) enable weight=100 select_cpu runnable enqueue=0x88 "
                               "init_task(fork) enable weight=100 runnable enqueue=0x88 "
                               "dispatch idle(0) running dispatch idle(0) running");
    fixture_close(&f);
}

static void
sleep_and_wake_up_have_their_flags(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    ops.enqueue = note_enqueue;
    ops.dispatch = note_dispatch;
    open_with(&f, 1, 1, 1, "ext.exit_delay", "1ms");
    assert_true(ext_load(f.k, &ops, NULL));
    start_script(&f, "nap", "0", nap, ARRAY_LEN(nap));
    fixture_run(&f, MSEC(20));
    assert_string_equal(n.log, "init_task(fork) enable weight=100 runnable enqueue=0x88 dispatch "
                               "idle(0) running stopping(0) quiescent dispatch(prev) idle(1) "
                               "runnable enqueue=0x9 dispatch idle(0) running stopping(0) "
                               "quiescent");
    fixture_close(&f);
}

static void
an_empty_dispatch_keeps_the_task_without_a_word(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "hog", "0", 0);
    fixture_run(&f, SEC(1));
    assert_string_equal(n.log, "init_task(fork) enable weight=100 runnable idle(0) running");
    struct scx_event_stats events = { 0 };
    ext_events(f.k, &events);
    assert_in_range(events.DISPATCH_KEEP_LAST, 40, 51); /* a slice each 20 or 24 ms */
    assert_int_equal(events.DISPATCH_KEEP_LAST, events.REFILL_SLICE_DFL);
    fixture_close(&f);
}

static void
loading_finds_the_tasks_and_unloading_gives_them_back(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, NOTING, .adapter = &n };
    (void)state;

    open_with(&f, 1, 1, 1, "ext.unload_time", "10ms");
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(2));
    assert_true(ext_load(f.k, &ops, NULL));
    assert_true(ext_task_enabled(f.k, a));
    fixture_run(&f, MSEC(3));
    ext_unload(f.k);
    fixture_run(&f, MSEC(100));
    assert_false(ext_task_enabled(f.k, a));
    assert_left(&f, SCX_EXIT_UNREG, "");
    assert_null(ext_exit_word(f.k));
    assert_int_equal(ext_state(f.k), SCX_DISABLED);
    assert_string_equal(n.log, "init_task enable weight=100 runnable running stopping(0) quiescent "
                               "disable exit_task exit=64");
    assert_in_range(a->se.sum_exec, MSEC(100) - USEC(5), MSEC(100)); /* less what deciding cost */
    fixture_close(&f);
}

static void
partial_takes_tasks_of_policy_ext_only(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY, .flags = SCX_OPS_SWITCH_PARTIAL };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *fair = start_hog(&f, "fair", "0", 0);
    struct task *ext =
        task_new(f.k, f.process,
                 &(struct task_attr){
                     .name = "ext", .policy = POLICY_EXT, .ops = &script_ops, .prog = fair->prog });
    task_start_at(f.k, ext, 0);
    fixture_run(&f, MSEC(100));
    assert_true(ext_task_enabled(f.k, ext));
    assert_false(ext_task_enabled(f.k, fair));
    assert_int_equal(ext->se.sum_exec, 0); /* any fair task is before all of them */
    fixture_close(&f);
}

/* ---- refusals ---- */

static int
bad_init(struct scx *scx)
{
    (void)scx;
    return -ENOMEM;
}
static int
bad_init_task(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    (void)scx;
    return args->fork && strcmp(scx_task_comm(scx, p), "b") == 0 ? -EPERM : 0;
}

static void
a_failing_init_is_a_refusal(void **state)
{
    struct fixture f;
    struct sched_ops ops = { .name = "test", .abi = SCX_OPS_ABI, .init = bad_init };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_false(ext_load(f.k, &ops, NULL));
    assert_left(&f, SCX_EXIT_ERROR, "ops.init() failed (-12)");
    fixture_close(&f);
}

static void
a_refused_fork_never_runs(void **state)
{
    struct fixture f;
    struct sched_ops ops = { .name = "test", .abi = SCX_OPS_ABI, .init_task = bad_init_task };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(10));
    assert_int_equal(a->se.sum_exec > MSEC(9), 1);
    assert_int_equal(b->state, TASK_DEAD);
    assert_stays(&f);
    fixture_close(&f);
}

/* ---- attributes ---- */

static void
weights_follow_nice(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .set_weight = note_weight, .adapter = &n
    };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", -20);
    fixture_run(&f, MSEC(1));
    task_set_nice(f.k, a, 19);
    task_set_nice(f.k, a, 5);
    assert_string_equal(n.log, "weight=8668 weight=1 weight=33");
    fixture_close(&f);
}

static void
an_affinity_that_excludes_the_cpu_sends_the_stopper(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY,
                             .adapter = &n,
                             .running = note_running,
                             .stopping = note_stopping,
                             .runnable = note_runnable,
                             .quiescent = note_quiescent,
                             .set_cpumask = note_cpumask,
                             .cpu_release = note_release };
    (void)state;

    ops.enqueue = note_enqueue;
    open_with(&f, 1, 2, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0-1", 0);
    fixture_run(&f, MSEC(1));
    int to = 1 - a->cpu;
    n.len = 0;
    n.log[0] = '\0';
    task_set_affinity(f.k, a, fixture_cpus(&f, to == 1 ? "1" : "0"));
    fixture_run(&f, MSEC(2));
    char want[256];
    snprintf(want, sizeof(want),
             "stopping(0) quiescent mask=%x runnable running stopping(1) release(STOP) "
             "enqueue=0x40 running",
             1 << to);
    assert_string_equal(n.log, want);
    assert_int_equal(a->cpu, to);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_with_a_name_only_shares_a_cpu_evenly),
        cmocka_unit_test(a_task_lives_in_the_order_of_sched_ext),
        cmocka_unit_test(sleep_and_wake_up_have_their_flags),
        cmocka_unit_test(an_empty_dispatch_keeps_the_task_without_a_word),
        cmocka_unit_test(loading_finds_the_tasks_and_unloading_gives_them_back),
        cmocka_unit_test(partial_takes_tasks_of_policy_ext_only),
        cmocka_unit_test(a_failing_init_is_a_refusal),
        cmocka_unit_test(a_refused_fork_never_runs),
        cmocka_unit_test(weights_follow_nice),
        cmocka_unit_test(an_affinity_that_excludes_the_cpu_sends_the_stopper),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

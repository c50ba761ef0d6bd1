/* layer: kernel */
/* How policies err and leave: sched-ext.md 7. */
#include "ext_fixture.h"

#include "kernel/hotplug.h"

static void
keep_it(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)scx, (void)p, (void)flags;
}

static void
a_lost_task_stalls_between_one_and_one_and_a_half_timeouts(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY, .timeout_ms = 1000 };
    (void)state;

    ops.enqueue = keep_it;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "lost", "0", 0);
    fixture_run(&f, SEC(2));
    assert_left(&f, SCX_EXIT_ERROR_STALL, "lost[1] failed to run for 1.");
    assert_in_range(ext_left_at(f.k), SEC(1), MSEC(1500));
    assert_true(strstr(ext_exit_info(f.k)->dump, "lost[1]") != NULL);
    assert_int_equal(a->se.sum_exec > MSEC(400), 1);
    fixture_close(&f);
}

/* ---- limits ---- */

static void
slow_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_charge(scx, MSEC(1));
    enqueue_q(scx, p, flags);
}

static void
over_budget_a_policy_leaves_or_is_done_without(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    ops.enqueue = slow_enqueue;
    open_with(&f, 1, 1, 1, "ext.max_runtime", "100us");
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(100));
    assert_left(&f, SCX_EXIT_ERROR, "ops.enqueue() took");
    fixture_close(&f);

    open_with(&f, 1, 1, 1, "ext.max_runtime", "100us");
    f.k->params.ext.on_overrun = EXT_OVERRUN_DEFAULT;
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(100));
    assert_stays(&f);
    assert_in_range(a->se.sum_exec, MSEC(40), MSEC(60)); /* from the global queue */
    fixture_close(&f);
}

static void
hotplug_without_the_ops_ends_the_policy(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    open_with(&f, 1, 2, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    struct task *a = start_hog(&f, "a", "0-1", 0);
    hotplug_at(f.k, MSEC(5), fixture_cpus(&f, "1"), false);
    fixture_run(&f, MSEC(100));
    assert_left(&f, SCX_EXIT_UNREG_KERN, "cpu 1 going offline, exiting scheduler");
    assert_int_equal(ext_exit_info(f.k)->exit_code, SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG);
    assert_int_equal(a->se.sum_exec > MSEC(98), 1);
    fixture_close(&f);
}

/* ---- what counts of an error ---- */

static void
errs_twice(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_error(scx, "the first");
    scx_exit(scx, 1, "the second");
    enqueue_q(scx, p, flags);
}

/* The first one; exit is told, last of all, and the tasks are the fair class's by then. */
static void
note_leaving(struct scx *scx, const struct scx_exit_info *info)
{
    note_exit(scx, info);
    assert_string_equal(info->reason, "scx_bpf_error");
    assert_string_equal(info->msg, "the first");
}
static void
the_first_error_counts_and_exit_comes_last(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY,
                             .enable = note_enable,
                             .disable = note_disable,
                             .exit_task = note_exit_task,
                             .exit = note_leaving,
                             .adapter = &n };
    (void)state;

    ops.enqueue = errs_twice;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(100));
    assert_string_equal(n.log, "enable:a disable:a exit_task:a exit=1025");
    assert_string_equal(h.log, "0:a");
    assert_int_equal(a->se.sum_exec, MSEC(100));
    fixture_close(&f);
}

static void
a_refused_policy_is_told_so_and_another_may_come(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { .name = "bad",
                             .abi = SCX_OPS_ABI,
                             .flags = SCX_OPS_ENQ_LAST,
                             .exit = note_exit,
                             .adapter = &n };
    struct sched_ops good = { QUEUE_POLICY };
    (void)state;

    open_free(&f, 1, 1, 1);
    assert_false(ext_load(f.k, &ops, NULL));
    assert_left(&f, SCX_EXIT_ERROR, "SCX_OPS_ENQ_LAST requires ops.enqueue()");
    assert_false(ext_load(f.k, &good, NULL)); /* it is still leaving */
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(1));
    assert_string_equal(n.log, "exit=1024");
    load(&f, &good);
    assert_stays(&f);
    assert_true(ext_task_enabled(f.k, a));
    fixture_close(&f);
}

/* ---- death ---- */

/* exit_task comes when the last reference to the task is gone, not when it ends. */
static void
the_end_of_a_task_is_told_late(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY, .quiescent = note_quiescent, .disable = note_disable,
                             .exit_task = note_exit_task, .adapter = &n };
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_EXIT } };
    (void)state;

    begin(&f, 1, 1, 1, &ops);
    f.k->params.ext.exit_delay = MSEC(20);
    watch(&f, &h);
    start_script(&f, "a", "0", once, 2);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(21) - 1);
    assert_string_equal(n.log, "quiescent:a");
    assert_int_equal(n.flags, SCX_DEQ_SLEEP | SCX_DEQ_SPECIAL | SCX_DEQ_NOCLOCK);
    fixture_run(&f, MSEC(21) + 1);
    assert_string_equal(n.log, "quiescent:a disable:a exit_task:a");
    assert_string_equal(h.log, "0:a 0:b");
    fixture_close(&f);
}

/* sched_tick() leaves sched_balance_trigger() out, and with it nohz_balancer_kick(), while a policy
 * has all fair tasks: two of them on a CPU are no reason to kick idle ones, and the busy CPU stays
 * in nohz.idle_cpus. With the policy gone, it leaves at its first tick, and kicks. */
static void
idle_cpus_are_not_kicked_while_a_policy_has_all_fair_tasks(void **state)
{
    static const struct sched_ops queue = { QUEUE_POLICY };
    struct fixture f;

    (void)state;
    begin(&f, 1, 4, 1, &queue);
    const struct nohz *nohz = &f.k->nohz;
    uint64_t balance = nohz->next_balance, blocked = nohz->next_blocked;
    start_hog(&f, "first", "0", 0);
    start_hog(&f, "second", "0", 0);
    fixture_run(&f, MSEC(500));
    assert_stays(&f);
    assert_int_equal(nohz->next_balance, balance);
    assert_int_equal(nohz->next_blocked, blocked);
    assert_true(cpumask_test(nohz->idle_cpus, 0));
    ext_unload(f.k);
    fixture_run(&f, MSEC(600));
    assert_true(nohz->next_balance > balance);
    assert_true(nohz->next_blocked > blocked);
    assert_false(cpumask_test(nohz->idle_cpus, 0));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_task_stalls_between_one_and_one_and_a_half_timeouts),
        cmocka_unit_test(over_budget_a_policy_leaves_or_is_done_without),
        cmocka_unit_test(hotplug_without_the_ops_ends_the_policy),
        cmocka_unit_test(the_first_error_counts_and_exit_comes_last),
        cmocka_unit_test(a_refused_policy_is_told_so_and_another_may_come),
        cmocka_unit_test(the_end_of_a_task_is_told_late),
        cmocka_unit_test(idle_cpus_are_not_kicked_while_a_policy_has_all_fair_tasks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
/* How policies err and leave: sched-ext.md 7. */
#include "ext_fixture.h"

#include "kernel/hotplug.h"

static void
mixed_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    if (notes_of(scx)->number++ == 0)
        scx_dsq_insert_vtime(scx, p, Q, SCX_SLICE_DFL, 1, flags);
    else
        scx_dsq_insert(scx, p, Q, SCX_SLICE_DFL, flags);
}
static void
vtime_global(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert_vtime(scx, p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 1, flags);
}
static void
to_nowhere(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, 77, SCX_SLICE_DFL, flags);
}
static void
to_no_cpu(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(999), SCX_SLICE_DFL, flags);
}
static void
to_forbidden_cpu(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(1), SCX_SLICE_DFL, flags);
}
static void
twice(struct scx *scx, struct task *p, uint64_t flags)
{
    enqueue_q(scx, p, flags);
    enqueue_q(scx, p, flags);
}
static void
internal_flag(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, SCX_SLICE_DFL, flags | UINT64_C(1) << 60);
}
static void
own_error(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    scx_error(scx, "no more of %s", "this");
}
static void
own_exit(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    scx_exit(scx, 7, "enough");
}
static void
moves_in_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)p, (void)flags;
    scx_dsq_move_to_local(scx, Q);
}
static void
kicks_wrongly(struct scx *scx, struct task *p, uint64_t flags)
{
    enqueue_q(scx, p, flags);
    scx_kick_cpu(scx, 1, SCX_KICK_IDLE | SCX_KICK_PREEMPT);
}
static void
destroys_in_use(struct scx *scx, struct task *p, uint64_t flags)
{
    if (notes_of(scx)->number++ > 0)
        scx_destroy_dsq(scx, Q);
    enqueue_q(scx, p, flags);
}

/* Whatever a policy does wrong, it leaves with the reason, and its tasks get the whole CPU. */
static void
errors_eject_and_the_tasks_go_on(void **state)
{
    static const struct {
        void (*enqueue)(struct scx *scx, struct task *p, uint64_t flags);
        enum scx_exit_kind kind;
        const char *words;
    } errors[] = {
        { mixed_enqueue, SCX_EXIT_ERROR, "already had PRIQ-enqueued tasks" },
        { vtime_global, SCX_EXIT_ERROR, "cannot use vtime ordering for built-in DSQs" },
        { to_nowhere, SCX_EXIT_ERROR, "non-existent DSQ 0x4d" },
        { to_no_cpu, SCX_EXIT_ERROR, "invalid CPU 999 in SCX_DSQ_LOCAL_ON dispatch verdict" },
        { to_forbidden_cpu, SCX_EXIT_ERROR, "target CPU 1 not allowed for a" },
        { twice, SCX_EXIT_ERROR, "already direct-dispatched" },
        { internal_flag, SCX_EXIT_ERROR, "invalid enq_flags" },
        { own_error, SCX_EXIT_ERROR_BPF, "no more of this" },
        { own_exit, SCX_EXIT_UNREG_BPF, "enough" },
        { moves_in_enqueue, SCX_EXIT_ERROR, "is not allowed in ops.enqueue()" },
        { kicks_wrongly, SCX_EXIT_ERROR, "PREEMPT/WAIT cannot be used with SCX_KICK_IDLE" },
        { destroys_in_use, SCX_EXIT_ERROR, "attempting to destroy in-use dsq" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct fixture f;
        struct notes n = { .len = 0 };
        struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };

        ops.enqueue = errors[i].enqueue;
        open_with(&f, 1, 2, 1, NULL, NULL);
        assert_true(ext_load(f.k, &ops, NULL));
        struct task *a = start_hog(&f, "a", "0", 0), *b = start_hog(&f, "b", "0", 0);
        fixture_run(&f, MSEC(500));
        assert_left(&f, errors[i].kind, errors[i].words);
        assert_int_equal(ext_state(f.k), SCX_DISABLED);
        assert_in_range(a->se.sum_exec + b->se.sum_exec, MSEC(499), MSEC(500));
        assert_in_range(a->se.sum_exec, MSEC(200), MSEC(300));
        fixture_close(&f);
    }
}

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_eject_and_the_tasks_go_on),
        cmocka_unit_test(a_lost_task_stalls_between_one_and_one_and_a_half_timeouts),
        cmocka_unit_test(over_budget_a_policy_leaves_or_is_done_without),
        cmocka_unit_test(hotplug_without_the_ops_ends_the_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

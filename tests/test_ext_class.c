/* layer: kernel */
/* Higher classes, changes of class and of attributes, as a policy hears of them: sched-ext.md 3. */
#include "ext_fixture.h"

#define TOLD                                                                                       \
    QUEUE_POLICY, .running = note_running, .stopping = note_stopping, .runnable = note_runnable,   \
                  .quiescent = note_quiescent, .enable = note_enable, .disable = note_disable,     \
                  .set_weight = note_weight, .set_cpumask = note_cpumask, .dequeue = note_dequeue, \
                  .adapter = &n

static const struct action rt_turns[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_BLOCK } };
static const struct task_attr fifo_50 = { .policy = POLICY_FIFO, .rt_priority = 50 };

/* ---- higher classes ---- */

/* Who is preempted with slice left goes to the head of the local DSQ: enqueue is not asked. */
static void
a_higher_class_takes_the_cpu_and_gives_it_back(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { TOLD, .cpu_acquire = note_acquire, .cpu_release = note_release };
    (void)state;

    ops.enqueue = note_enqueue;
    ops.dispatch = note_dispatch;
    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    start_as(&f, "rt", "0", &fifo_50, rt_turns, 2, MSEC(5));
    fixture_run(&f, MSEC(4));
    forget(&n);
    watch(&f, &h);
    fixture_run(&f, MSEC(7));
    assert_string_equal(n.log, "stopping(1):a release(RT) acquire running:a");
    assert_string_equal(h.log, "0:rt 0:a");
    assert_int_equal(a->se.sum_exec, MSEC(6));
    assert_int_equal(a->stats.nr_slices, 2);
    fixture_close(&f);
}

static void
stopping_ends_slices(struct scx *scx, struct task *p, bool runnable)
{
    note_stopping(scx, p, runnable);
    scx_task_set_slice(scx, p, 0);
}
static void
reenqueue_all(struct scx *scx, int cpu, const struct scx_cpu_release_args *args)
{
    note_release(scx, cpu, args);
    assert_string_equal(scx_task_comm(scx, args->task), "rt");
    notes_of(scx)->number = scx_reenqueue_local(scx);
}
static void
enqueue_elsewhere(struct scx *scx, struct task *p, uint64_t flags)
{
    dsq_id id = flags & SCX_ENQ_REENQ ? Q : SCX_DSQ_LOCAL;

    note_task(scx, p, "enqueue=0x%llx", (unsigned long long)flags);
    scx_dsq_insert(scx, p, id, SCX_SLICE_DFL, flags & ~SCX_ENQ_REENQ);
}

/* Who has no slice left is enqueued before the policy hears that the CPU is gone; what waits in the
 * local DSQ then can go where other CPUs find it. */
static void
cpu_release_may_give_its_tasks_to_others(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY, .running = note_running,
                             .stopping = stopping_ends_slices, .cpu_release = reenqueue_all,
                             .adapter = &n };
    (void)state;

    ops.enqueue = enqueue_elsewhere;
    begin(&f, 1, 1, 1, &ops);
    start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    start_as(&f, "rt", "0", &fifo_50, rt_turns, 2, MSEC(5));
    fixture_run(&f, MSEC(4));
    forget(&n);
    watch(&f, &h);
    fixture_run(&f, MSEC(7));
    assert_string_equal(n.log, "stopping(1):a enqueue=0x0:a release(RT) enqueue=0x10000000000:b "
                               "enqueue=0x10000000000:a running:b");
    assert_int_equal(n.number, 2);
    assert_string_equal(h.log, "0:rt 0:b");
    fixture_close(&f);
}

/* With a partial switch any fair task is before all of the policy's. */
static void
a_fair_task_takes_the_cpu_for_reasons_unknown(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY,
                             .flags = SCX_OPS_SWITCH_PARTIAL,
                             .running = note_running,
                             .stopping = note_stopping,
                             .cpu_acquire = note_acquire,
                             .cpu_release = note_release,
                             .adapter = &n };
    (void)state;

    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    start_as(&f, "x", "0", &(struct task_attr){ .policy = POLICY_EXT }, hog_actions, 1, 0);
    start_as(&f, "fair", "0", &(struct task_attr){ .nice = 19 }, rt_turns, 2, MSEC(2));
    fixture_run(&f, MSEC(5));
    assert_string_equal(n.log, "running:x stopping(1):x release(UNKNOWN) acquire running:x");
    assert_string_equal(h.log, "0:x 0:fair 0:x");
    fixture_close(&f);
}

/* ---- changes of attributes ---- */

/* Of a task that waits: off its place, changed, and back through enqueue; the policy's own tasks
 * are asked back before. */
static void
keep_b(struct scx *scx, struct task *p, uint64_t flags)
{
    note_task(scx, p, "enqueue=0x%llx", (unsigned long long)flags);
    if (p->name[0] != 'b')
        enqueue_q(scx, p, flags);
    else if (notes_of(scx)->number++ > 0)
        enqueue_q(scx, p, flags);
}
static void
a_waiting_task_changes_off_its_queue(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { TOLD };
    (void)state;

    ops.enqueue = keep_b;
    begin(&f, 1, 1, 1, &ops);
    start_hog(&f, "a", "0", 0);
    struct task *b = start_hog(&f, "b", "0", 0); /* the policy keeps it */
    struct task *c = start_hog(&f, "c", "0", 0); /* in a DSQ */
    fixture_run(&f, MSEC(1));
    watch(&f, &h);
    forget(&n);
    task_set_nice(f.k, b, 5);
    assert_string_equal(n.log, "dequeue=0xa:b quiescent:b weight=33:b runnable:b enqueue=0xa:b");
    forget(&n);
    task_set_nice(f.k, c, -20);
    assert_string_equal(n.log, "quiescent:c weight=8668:c runnable:c enqueue=0xa:c");
    assert_int_equal(scx_dsq_nr_queued(f.k->scx, Q), 2);
    assert_string_equal(h.log, ""); /* nobody was preempted for it */
    assert_stays(&f);
    fixture_close(&f);
}

static void
a_running_task_changes_on_the_cpu(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { TOLD };
    (void)state;

    ops.enqueue = note_enqueue;
    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(1));
    watch(&f, &h);
    forget(&n);
    task_set_nice(f.k, a, 5);
    assert_string_equal(n.log, "stopping(0):a quiescent:a weight=33:a runnable:a running:a");
    assert_int_equal(n.flags, SCX_ENQ_RESTORE | SCX_ENQ_NOCLOCK);
    assert_string_equal(h.log, "");
    fixture_run(&f, MSEC(2));
    assert_int_equal(a->se.sum_exec, MSEC(2));
    fixture_close(&f);
}

/* A waiting task whose new affinity leaves out its CPU is enqueued where it was, then there. */
static void
a_waiting_task_is_moved_by_the_kernel(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { TOLD };
    (void)state;

    ops.enqueue = note_enqueue;
    begin(&f, 1, 2, 1, &ops);
    start_hog(&f, "a", "0", 0);
    struct task *b = start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(1));
    watch(&f, &h);
    forget(&n);
    task_set_affinity(f.k, b, fixture_cpus(&f, "1"));
    fixture_run(&f, MSEC(2));
    assert_string_equal(n.log, "quiescent:b mask=2:b runnable:b enqueue=0xa:b enqueue=0x40:b "
                               "running:b");
    assert_string_equal(h.log, "1:b");
    fixture_close(&f);
}

/* ---- changes of class ---- */

static void
to_rt_and_back_a_task_leaves_and_enters(void **state)
{
    struct fixture f;
    struct notes n = { .named = true };
    struct sched_ops ops = { TOLD };
    static const struct task_attr normal = { .nice = 0 };
    (void)state;

    ops.enqueue = note_enqueue;
    begin(&f, 1, 1, 1, &ops);
    start_hog(&f, "a", "0", 0);
    struct task *b = start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(1));
    forget(&n);
    assert_null(task_set_scheduler(f.k, b, &fifo_50));
    assert_string_equal(n.log, "quiescent:b weight=100:b disable:b");
    assert_false(ext_task_enabled(f.k, b));
    assert_int_equal(n.flags, SCX_DEQ_SAVE | SCX_DEQ_MOVE | SCX_DEQ_NOCLOCK);
    fixture_run(&f, MSEC(2));
    assert_int_equal(b->se.sum_exec, MSEC(1));
    forget(&n);
    assert_null(task_set_scheduler(f.k, b, &normal));
    assert_true(ext_task_enabled(f.k, b));
    assert_string_equal(n.log, "enable:b weight=100:b mask=1:b runnable:b running:b");
    assert_int_equal(n.flags, SCX_ENQ_RESTORE | SCX_ENQ_MOVE | SCX_ENQ_NOCLOCK | SCX_ENQ_HEAD);
    fixture_close(&f);
}

static void
idle_policy_weighs_1(void **state)
{
    struct fixture f;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY, .set_weight = note_weight, .adapter = &n };
    (void)state;

    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(1));
    assert_null(task_set_scheduler(f.k, a, &(struct task_attr){ .policy = POLICY_IDLE }));
    assert_int_equal(scx_task_weight(f.k->scx, a), 1);
    assert_string_equal(n.log, "weight=100:a weight=1:a");
    fixture_close(&f);
}

/* A task that init_task turns away is a normal one, and is counted. */
static int
turn_away(struct scx *scx, struct task *p, const struct scx_init_task_args *args)
{
    assert_false(args->fork);
    if (p->name[0] == 'b')
        scx_task_disallow(scx, p);
    return 0;
}
static void
a_task_may_be_turned_away_at_load(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY, .flags = SCX_OPS_SWITCH_PARTIAL,
                             .init_task = turn_away };
    static const struct task_attr ext = { .policy = POLICY_EXT };
    (void)state;

    open_free(&f, 1, 1, 1);
    struct task *a = start_as(&f, "a", "0", &ext, hog_actions, 1, 0);
    struct task *b = start_as(&f, "b", "0", &ext, hog_actions, 1, 0);
    fixture_run(&f, MSEC(1));
    load(&f, &ops);
    assert_true(ext_task_enabled(f.k, a));
    assert_false(ext_task_enabled(f.k, b));
    assert_int_equal(b->policy, POLICY_NORMAL);
    fixture_run(&f, MSEC(50));
    assert_true(a->se.sum_exec <= MSEC(1)); /* b is fair now, and before it */
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_higher_class_takes_the_cpu_and_gives_it_back),
        cmocka_unit_test(cpu_release_may_give_its_tasks_to_others),
        cmocka_unit_test(a_fair_task_takes_the_cpu_for_reasons_unknown),
        cmocka_unit_test(a_waiting_task_changes_off_its_queue),
        cmocka_unit_test(a_running_task_changes_on_the_cpu),
        cmocka_unit_test(a_waiting_task_is_moved_by_the_kernel),
        cmocka_unit_test(to_rt_and_back_a_task_leaves_and_enters),
        cmocka_unit_test(idle_policy_weighs_1),
        cmocka_unit_test(a_task_may_be_turned_away_at_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

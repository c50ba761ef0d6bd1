/* layer: kernel */
/* Wake-ups, forks and execs: which CPU, and what is skipped. sched-ext.md 3. */
#include "ext_fixture.h"

#include "kernel/hotplug.h"

static const struct action sleeper[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                         { .kind = ACTION_SLEEP, .until = MSEC(1) },
                                         { .kind = ACTION_RUN, .work = MSEC(1) },
                                         { .kind = ACTION_EXIT } };

/* ---- flags ---- */

static int
select_number(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    (void)prev;
    note_task(scx, p, "select_cpu=0x%llx", (unsigned long long)wake_flags);
    return (int)notes_of(scx)->number;
}

/* Who may run on one CPU only is not asked about; CPU_SELECTED and MIGRATED say what was. */
static void
flags_say_whether_a_cpu_was_selected(void **state)
{
    static const struct {
        const char *cpus;
        int64_t select;
        const char *inside, *outside;
    } cases[] = {
        { "0", 0, "enqueue=0x88 enqueue=0x9", "0:p 0:- 0:p" },
        { "0-1", 0, "select_cpu=0x4 enqueue=0x88 select_cpu=0x8 enqueue=0x409", "0:p 0:- 0:p" },
        { "0-1", 1, "select_cpu=0x4 enqueue=0x88 select_cpu=0x8 enqueue=0x449", "0:p 0:- 1:p" },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct history h;
        struct notes n = { .len = 0 };
        struct sched_ops ops = { QUEUE_POLICY, .select_cpu = select_number, .adapter = &n };

        ops.enqueue = note_enqueue;
        begin(&f, 1, 2, 1, &ops);
        watch(&f, &h);
        start_script(&f, "p", cases[i].cpus, sleeper, ARRAY_LEN(sleeper));
        fixture_run(&f, MSEC(1) + USEC(1));
        n.number = cases[i].select;
        fixture_run(&f, MSEC(2) + USEC(1));
        assert_string_equal(n.log, cases[i].inside);
        assert_string_equal(h.log, cases[i].outside);
        fixture_close(&f);
    }
}

/* A CPU that the task may not use is replaced, and counted; one that is not there ends the policy.
 */
static void
a_wrong_cpu_is_replaced_an_impossible_one_is_an_error(void **state)
{
    struct fixture f;
    struct notes n = { .number = 3 };
    struct sched_ops ops = { QUEUE_POLICY, .select_cpu = select_number, .adapter = &n };
    struct scx_event_stats events = { 0 };
    (void)state;

    begin(&f, 2, 2, 1, &ops); /* CPUs 0, 1 and 2, 3 */
    struct task *p = start_hog(&f, "p", "0-2", 0);
    fixture_run(&f, MSEC(1));
    assert_int_equal(p->se.sum_exec, MSEC(1));
    assert_int_equal(f.k->rqs[3].busy_ns, 0);
    ext_events(f.k, &events);
    assert_int_equal(events.SELECT_CPU_FALLBACK, 1);
    assert_stays(&f);
    n.number = 4;
    start_as(&f, "q", "0-2", &(struct task_attr){ .nice = 0 }, hog_actions, 1, MSEC(1));
    fixture_run(&f, MSEC(2));
    assert_left(&f, SCX_EXIT_ERROR, "invalid CPU 4 from ops.select_cpu()");
    fixture_close(&f);
}

/* ---- direct dispatch ---- */

static int
select_and_insert(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    (void)wake_flags;
    note_task(scx, p, "select_cpu");
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
    return 1 - prev;
}

/* LOCAL from select_cpu is the queue of the CPU that it returns; enqueue is skipped. */
static void
an_insertion_in_select_cpu_skips_enqueue(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .select_cpu = select_and_insert, .adapter = &n };
    (void)state;

    ops.enqueue = note_enqueue;
    begin(&f, 1, 2, 1, &ops);
    watch(&f, &h);
    start_script(&f, "p", "0-1", sleeper, ARRAY_LEN(sleeper));
    fixture_run(&f, MSEC(4));
    assert_string_equal(n.log, "select_cpu select_cpu");
    assert_string_equal(h.log, "1:p 1:- 0:p");
    fixture_close(&f);
}

static void
enqueue_on_1(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL_OF(1), SCX_SLICE_DFL, flags);
}

/* An insertion for another CPU is carried out when the wake-up is over, with the move; for one that
 * is offline it goes to the global DSQ. */
static void
an_insertion_for_another_cpu_moves_the_task(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .select_cpu = note_select, .adapter = &n };
    (void)state;

    ops.enqueue = enqueue_on_1;
    begin(&f, 1, 2, 1, &ops);
    watch(&f, &h);
    struct task *p = start_hog(&f, "p", "0-1", 0);
    fixture_run(&f, MSEC(1));
    assert_string_equal(h.log, "1:p");
    assert_int_equal(p->cpu, 1);
    assert_stays(&f);
    fixture_close(&f);
}

static void
nothing(struct scx *scx, int cpu)
{
    (void)scx, (void)cpu;
}

static void
an_insertion_for_an_offline_cpu_goes_to_the_global_queue(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .select_cpu = note_select, .cpu_offline = nothing,
                             .cpu_online = nothing, .adapter = &n };
    struct scx_event_stats events = { 0 };
    (void)state;

    ops.enqueue = enqueue_on_1;
    begin(&f, 1, 2, 1, &ops);
    watch(&f, &h);
    hotplug_at(f.k, USEC(1), fixture_cpus(&f, "1"), false);
    start_as(&f, "p", "0-1", &(struct task_attr){ .nice = 0 }, hog_actions, 1, USEC(10));
    fixture_run(&f, MSEC(1));
    assert_string_equal(h.log, "0:p");
    assert_stays(&f);
    ext_events(f.k, &events);
    assert_int_equal(events.DISPATCH_LOCAL_DSQ_OFFLINE, 1);
    fixture_close(&f);
}

static void
enqueue_other(struct scx *scx, struct task *p, uint64_t flags)
{
    struct notes *n = notes_of(scx);

    scx_dsq_insert(scx, n->task != NULL ? n->task : p, Q, SCX_SLICE_DFL, flags);
    n->task = p;
}
static void
only_the_task_at_hand_can_be_inserted(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
    (void)state;

    ops.enqueue = enqueue_other;
    begin(&f, 1, 1, 1, &ops);
    start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(1));
    assert_left(&f, SCX_EXIT_ERROR, "scheduling for b[2] but trying to direct-dispatch a[1]");
    fixture_close(&f);
}

/* ---- without a wake-up ---- */

static void
exec_now(struct kernel *k, struct task *p, uint32_t step)
{
    if (step == 1)
        task_exec(k, p);
}

static void
exec_places_nobody(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .select_cpu = note_select, .adapter = &n };
    static const struct action two[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                         { .kind = ACTION_RUN, .work = MSEC(1) },
                                         { .kind = ACTION_EXIT } };
    (void)state;

    begin(&f, 2, 2, 1, &ops);
    watch(&f, &h);
    start_later(&f, "a", "0");
    struct task *p = start_as(&f, "p", "0-3", &(struct task_attr){ .nice = 0 }, two, 3, USEC(1));
    ((struct script *)p->prog)->before = exec_now;
    fixture_run(&f, MSEC(50));
    assert_string_equal(n.log, "select_cpu"); /* of the fork */
    assert_non_null(strstr(h.log, "0:a 0:p"));
    assert_int_equal(p->state, TASK_DEAD);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_say_whether_a_cpu_was_selected),
        cmocka_unit_test(a_wrong_cpu_is_replaced_an_impossible_one_is_an_error),
        cmocka_unit_test(an_insertion_in_select_cpu_skips_enqueue),
        cmocka_unit_test(an_insertion_for_another_cpu_moves_the_task),
        cmocka_unit_test(an_insertion_for_an_offline_cpu_goes_to_the_global_queue),
        cmocka_unit_test(only_the_task_at_hand_can_be_inserted),
        cmocka_unit_test(exec_places_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

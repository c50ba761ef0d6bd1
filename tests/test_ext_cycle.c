/* layer: kernel */
/* The scheduling cycle of a CPU, slices and verdicts: sched-ext.md 5. */
#include "ext_fixture.h"

static void
last_local(struct scx *scx, struct task *p, uint64_t flags)
{
    if (flags & SCX_ENQ_LAST)
        note(scx, "LAST");
    scx_dsq_insert(scx, p, flags & SCX_ENQ_LAST ? SCX_DSQ_LOCAL : Q, SCX_SLICE_DFL, flags);
}

static void
the_last_task_makes_a_round_through_idle(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY,
                             .flags = SCX_OPS_ENQ_LAST,
                             .adapter = &n,
                             .update_idle = note_idle,
                             .running = note_running,
                             .stopping = note_stopping };
    (void)state;

    ops.enqueue = last_local;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(30));
    assert_string_equal(n.log, "idle(0) running stopping(1) LAST idle(1) idle(0) running");
    fixture_close(&f);
}

/* ---- verdicts ---- */

static void
overflowing(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu;
    if (prev == NULL)
        return;
    for (uint32_t i = scx_dispatch_nr_slots(scx); i > 0; i--)
        scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, 1, 0);
    assert_int_equal(scx_dispatch_nr_slots(scx), 0);
    scx_dispatch_cancel(scx);
    assert_int_equal(scx_dispatch_nr_slots(scx), 1);
    scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, 1, 0);
    scx_dsq_insert(scx, prev, SCX_DSQ_LOCAL, 1, 0);
}

static void
verdicts_have_so_many_slots(void **state)
{
    struct fixture f;
    struct sched_ops ops = {
        .name = "test", .abi = SCX_OPS_ABI, .dispatch = overflowing, .dispatch_max_batch = 5
    };
    (void)state;

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(200));
    assert_left(&f, SCX_EXIT_ERROR, "dispatch buffer overflow");
    fixture_close(&f);
}

/* A running task is not the policy's: the verdict is dropped, but the slice counts. */
static void
stale(struct scx *scx, int cpu, struct task *prev)
{
    (void)cpu;
    if (prev != NULL && scx_task_queued(scx, prev)) {
        scx_dsq_insert(scx, prev, Q, MSEC(100), 0);
        notes_of(scx)->number++;
    }
}

static void
a_stale_verdict_is_dropped_but_its_slice_counts(void **state)
{
    struct fixture f;
    struct notes n = { .len = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
    (void)state;

    ops.dispatch = stale;
    ops.enqueue = NULL;
    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(1000));
    struct scx_event_stats events = { 0 };
    ext_events(f.k, &events);
    assert_stays(&f);
    assert_in_range(n.number, 9, 10); /* 20 ms, then 100 ms each */
    assert_int_equal(events.INSERT_NOT_OWNED, n.number);
    fixture_close(&f);
}

/* ---- who stays, who is next ---- */

#define TURNS QUEUE_POLICY, .running = note_running, .stopping = note_stopping, .adapter = &n

static void
at_the_end_of_a_slice_dispatch_comes_before_enqueue(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { TURNS };
    (void)state;

    ops.enqueue = note_enqueue;
    ops.dispatch = note_dispatch;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(25)); /* 20 ms last 24: a turn begins just after a tick */
    assert_string_equal(n.log, "enqueue=0x88:a enqueue=0x88:b dispatch running:a dispatch(prev) "
                               "stopping(1):a enqueue=0x0:a running:b");
    assert_string_equal(h.log, "0:a 0:b");
    fixture_close(&f);
}

static void
enqueue_local(struct scx *scx, struct task *p, uint64_t flags)
{
    note_task(scx, p, "enqueue=0x%llx", (unsigned long long)flags);
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, notes_of(scx)->slice, flags);
}

/* Who wakes up never displaces a task of the class that has slice left, nor is dispatch asked. */
static void
a_task_with_slice_left_stays(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .slice = MSEC(100), .named = true };
    struct sched_ops ops = { TURNS };
    (void)state;

    ops.enqueue = enqueue_local;
    ops.dispatch = note_dispatch;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    static const struct action late[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_BLOCK } };
    start_hog(&f, "a", "0", 0);
    start_as(&f, "late", "0", &(struct task_attr){ .nice = -20 }, late, 2, MSEC(50));
    fixture_run(&f, MSEC(99));
    assert_string_equal(n.log, "enqueue=0x88:a running:a enqueue=0x88:late");
    assert_string_equal(h.log, "0:a");
    fixture_close(&f);
}

static void
short_slice(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, MSEC(5), flags);
}

/* In dispatch, prev is not enqueued yet: inserting it only gives it slice, and it stays. */
static void
give_prev(struct scx *scx, int cpu, struct task *prev)
{
    note_dispatch(scx, cpu, NULL);
    if (prev != NULL)
        scx_task_set_slice(scx, prev, MSEC(4));
}
static void
slice_given_in_dispatch_keeps_the_task(void **state)
{
    struct fixture f;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY, .running = note_running, .adapter = &n };
    (void)state;

    ops.dispatch = give_prev;
    ops.enqueue = short_slice;
    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(30)); /* ticks each 4 ms: 8, 16, 24, each turn beginning just after one */
    assert_string_equal(n.log, "dispatch running:a dispatch dispatch dispatch");
    assert_int_equal(a->stats.nr_slices, 1);
    fixture_close(&f);
}

/* The global DSQ of the node is served before dispatch is asked, the local one before that. */
static void
by_name(struct scx *scx, struct task *p, uint64_t flags)
{
    const char *name = scx_task_comm(scx, p);
    dsq_id id = name[0] == 'l' ? SCX_DSQ_LOCAL : name[0] == 'g' ? SCX_DSQ_GLOBAL : Q;

    scx_dsq_insert(scx, p, id, SCX_SLICE_DFL, flags);
}
static void
local_comes_before_global_and_global_before_dispatch(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { TURNS };
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_EXIT } };
    (void)state;

    ops.enqueue = by_name;
    ops.dispatch = note_dispatch;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    start_script(&f, "queued", "0", once, 2);
    start_script(&f, "global", "0", once, 2);
    start_script(&f, "local", "0", once, 2);
    fixture_run(&f, MSEC(10));
    assert_string_equal(h.log, "0:local 0:global 0:queued");
    assert_string_equal(n.log, "running:local stopping(0):local running:global stopping(0):global "
                               "dispatch(prev) running:queued stopping(0):queued");
    fixture_close(&f);
}

/* ---- how often dispatch is asked ---- */

/* Says each time that it has done something; but nothing comes to this CPU. */
static void
dispatch_in_vain(struct scx *scx, int cpu, struct task *prev)
{
    struct notes *n = notes_of(scx);

    (void)cpu, (void)prev;
    if (n->number < 320) {
        n->number++;
        scx_dsq_insert(scx, n->task, Q, SCX_SLICE_DFL, 0);
    }
}
static void
remember(struct scx *scx, struct task *p, uint64_t flags)
{
    (void)flags;
    notes_of(scx)->task = p;
}
static void
dispatch_is_asked_32_times_before_the_cpu_kicks_itself(void **state)
{
    struct fixture f;
    struct notes n = { .number = 0 };
    struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
    (void)state;

    ops.enqueue = remember;
    ops.dispatch = dispatch_in_vain;
    begin(&f, 1, 1, 1, &ops);
    start_hog(&f, "x", "0", 0);
    fixture_run(&f, MSEC(1));
    assert_int_equal(n.number, 320);
    assert_int_equal(f.k->rqs[0].stat.sched_count, 320 / 32 + 1);
    assert_int_equal(scx_dsq_nr_queued(f.k->scx, Q), 1); /* the first verdict counted, no other */
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_task_makes_a_round_through_idle),
        cmocka_unit_test(verdicts_have_so_many_slots),
        cmocka_unit_test(a_stale_verdict_is_dropped_but_its_slice_counts),
        cmocka_unit_test(at_the_end_of_a_slice_dispatch_comes_before_enqueue),
        cmocka_unit_test(a_task_with_slice_left_stays),
        cmocka_unit_test(slice_given_in_dispatch_keeps_the_task),
        cmocka_unit_test(local_comes_before_global_and_global_before_dispatch),
        cmocka_unit_test(dispatch_is_asked_32_times_before_the_cpu_kicks_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

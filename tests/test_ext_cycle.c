/* layer: kernel */
/* The scheduling cycle of a CPU, slices and verdicts: sched-ext.md 5. */
#include "ext_fixture.h"

/* ---- slices ---- */

static uint64_t
length_of_turns(const char *slice_ms, uint64_t slice)
{
    struct fixture f;
    (void)slice_ms;
    struct sched_ops ops = { QUEUE_POLICY };

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
    (void)slice;
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, SEC(1));
    uint64_t length = a->se.sum_exec / a->stats.nr_slices;
    fixture_close(&f);
    return length;
}

static void
a_slice_of_a_multiple_of_the_tick_lasts_one_tick_more(void **state)
{
    (void)state;
    assert_in_range(length_of_turns("20", SCX_SLICE_DFL), MSEC(23), MSEC(24)); /* HZ 250 */
}

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_of_a_multiple_of_the_tick_lasts_one_tick_more),
        cmocka_unit_test(the_last_task_makes_a_round_through_idle),
        cmocka_unit_test(verdicts_have_so_many_slots),
        cmocka_unit_test(a_stale_verdict_is_dropped_but_its_slice_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

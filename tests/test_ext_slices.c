/* layer: kernel */
/* Slices: how long a turn is, and what ends it. sched-ext.md 3 to 5. */
#include "ext_fixture.h"

/* ---- slices ---- */

static uint64_t
length_of_turns(void)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };

    open_with(&f, 1, 1, 1, NULL, NULL);
    assert_true(ext_load(f.k, &ops, NULL));
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
    assert_in_range(length_of_turns(), MSEC(23), MSEC(24)); /* HZ 250 */
}

static void
enqueue_local(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, SCX_DSQ_LOCAL, notes_of(scx)->slice, flags);
}

static void
endless_slices_end_by_blocking_alone(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .slice = SCX_SLICE_INF };
    struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
    (void)state;

    ops.enqueue = enqueue_local;
    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    static const struct action second[] = { { .kind = ACTION_RUN, .work = SEC(1) },
                                            { .kind = ACTION_BLOCK } };
    struct task *a = start_script(&f, "a", "0", second, 2);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, SEC(2));
    assert_string_equal(h.log, "0:a 0:b");
    assert_int_equal(a->se.sum_exec, SEC(1));
    assert_true(scx_task_slice(f.k->scx, a) == SCX_SLICE_INF);
    fixture_close(&f);
}

/* 5 ms at HZ 250: the first tick at which 5 ms are used up. */
static void
short_slice(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, MSEC(5), flags);
}
static void
slices_end_at_ticks_only(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    ops.enqueue = short_slice;
    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    struct task *b = start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(800));
    assert_in_range(a->se.sum_exec / a->stats.nr_slices, MSEC(8) - USEC(100), MSEC(8));
    assert_in_range(b->se.sum_exec / b->stats.nr_slices, MSEC(8) - USEC(100), MSEC(8));
    fixture_close(&f);
}

/* A running task's slice is what its last tick left of it, and a new one counts from that tick on:
 * HZ 250, 1 ms after the tenth tick 160 ms of 200 are left; of 10 ms that it is given instead the
 * ticks at 44 and 48 leave 6 and 2, and the one at 52 ends the turn. */
static void
a_slice_given_in_a_turn_counts_from_the_last_tick(void **state)
{
    (void)state;
    for (uint32_t tick = TICK_COMPUTED; tick <= TICK_SIMULATED; tick++) {
        struct fixture f;
        struct notes n = { .slice = MSEC(200) };
        struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };

        ops.enqueue = enqueue_local;
        begin(&f, 1, 1, 1, &ops);
        f.k->params.sched.tick = tick;
        struct task *a = start_hog(&f, "a", "0", 0);
        start_hog(&f, "b", "0", 0);
        engine_run(&f.k->engine, MSEC(41)); /* fixture_run() settles accounts */
        assert_ptr_equal(f.k->rqs[0].curr, a);
        assert_in_range(scx_task_sum_exec(f.k->scx, a), MSEC(40) - USEC(100), MSEC(40));
        assert_in_range(scx_task_slice(f.k->scx, a), MSEC(160), MSEC(160) + USEC(100));
        scx_task_set_slice(f.k->scx, a, MSEC(10));
        fixture_run(&f, MSEC(100));
        assert_in_range(a->se.sum_exec, MSEC(52) - USEC(100), MSEC(52));
        fixture_close(&f);
    }
}

/* While ops.enqueue gets a task whose turn is over, the task is still current (put_prev_task()
 * comes before rq->curr is set): a policy that kicks only for tasks that do not run leaves the next
 * one alone. 1 s on one CPU at HZ 250 has room for 250 turns. */
static void
kick_for_who_does_not_run(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, MSEC(5), flags);
    if (!scx_task_running(scx, p))
        scx_kick_cpu(scx, 0, SCX_KICK_PREEMPT);
}
static void
who_is_put_back_still_runs(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    (void)state;

    ops.enqueue = kick_for_who_does_not_run;
    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, SEC(1));
    assert_in_range(a->stats.nr_slices, 50, 130);
    fixture_close(&f);
}

/* ---- shares ---- */

static void
vtime_enqueue(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert_vtime(scx, p, Q, SCX_SLICE_DFL, scx_task_dsq_vtime(scx, p), flags);
}
static void
vtime_stopping(struct scx *scx, struct task *p, bool runnable)
{
    uint64_t used = SCX_SLICE_DFL - scx_task_slice(scx, p);

    (void)runnable;
    scx_task_set_dsq_vtime(scx, p,
                           scx_task_dsq_vtime(scx, p) + used * 100 / scx_task_weight(scx, p));
}

/* Since prev is enqueued only after dispatch a CPU never picks whom it just ran: the shares that
 * scx_simple gives on one CPU (sched-ext.md 5). */
static void
weighted_shares_on_one_cpu_are_those_of_the_kernel(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY };
    static const struct {
        int nice;
        double share;
    } hogs[] = { { 0, 0.34 }, { 5, 0.11 }, { -5, 0.51 }, { 10, 0.04 } };
    struct task *p[4];
    (void)state;

    ops.enqueue = vtime_enqueue;
    ops.stopping = vtime_stopping;
    begin(&f, 1, 1, 1, &ops);
    for (int i = 0; i < 4; i++)
        p[i] = start_hog(&f, "h", "0", hogs[i].nice);
    fixture_run(&f, SEC(60));
    for (int i = 0; i < 4; i++) {
        double share = (double)p[i]->se.sum_exec / 60e9;
        if (share < hogs[i].share - 0.015 || share > hogs[i].share + 0.015)
            fail_msg("nice %d: %.3f, not %.2f", hogs[i].nice, share, hogs[i].share);
    }
    fixture_close(&f);

    begin(&f, 1, 1, 1, &ops);
    p[0] = start_hog(&f, "a", "0", 0);
    p[1] = start_hog(&f, "b", "0", 10);
    fixture_run(&f, SEC(10));
    assert_in_range(p[0]->se.sum_exec, MSEC(4900), MSEC(5100)); /* two take turns, whatever */
    fixture_close(&f);
}

/* ---- tick and yield ---- */

static void
tick_ends_turns(struct scx *scx, struct task *p)
{
    note_tick(scx, p);
    if (p->name[0] == 'a')
        scx_task_set_slice(scx, p, 0);
}

/* Called at each tick of a running task; slice 0 makes it stop there. */
static void
a_tick_may_end_a_turn(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { QUEUE_POLICY, .tick = tick_ends_turns, .adapter = &n };
    (void)state;

    begin(&f, 1, 1, 1, &ops);
    watch(&f, &h);
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(13)); /* HZ 250; the tick of the first instant is not a's yet */
    assert_string_equal(n.log, "tick:a tick:b tick:b");
    assert_string_equal(h.log, "0:a 0:b");
    assert_int_equal(a->se.sum_exec, MSEC(4));
    fixture_close(&f);
}

static bool
note_yield(struct scx *scx, struct task *from, struct task *to)
{
    assert_null(to);
    note_task(scx, from, "yield");
    return false;
}

static const struct action yields[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                        { .kind = ACTION_YIELD },
                                        { .kind = ACTION_RUN, .work = MSEC(1) },
                                        { .kind = ACTION_BLOCK } };

/* Without the op who yields has no slice any more; with it that is the policy's business. */
static void
who_yields_gives_up_the_slice_unless_the_policy_says_otherwise(void **state)
{
    for (int with_op = 0; with_op < 2; with_op++) {
        struct fixture f;
        struct history h;
        struct notes n = { .named = true };
        struct sched_ops ops = { QUEUE_POLICY, .adapter = &n };
        (void)state;

        ops.yield = with_op ? note_yield : NULL;
        begin(&f, 1, 1, 1, &ops);
        watch(&f, &h);
        start_script(&f, "a", "0", yields, ARRAY_LEN(yields));
        start_hog(&f, "b", "0", 0);
        fixture_run(&f, MSEC(5));
        assert_string_equal(n.log, with_op ? "yield:a" : "");
        assert_string_equal(h.log, "0:a 0:b"); /* b at 1 ms, or when a blocks at 2 ms */
        assert_int_equal(f.k->tasks[0]->se.sum_exec, with_op ? MSEC(2) : MSEC(1));
        fixture_close(&f);
    }
}

/* ---- slice 0 ---- */

static void
no_slice(struct scx *scx, struct task *p, uint64_t flags)
{
    scx_dsq_insert(scx, p, Q, 0, flags);
}
static void
enable_without(struct scx *scx, struct task *p)
{
    scx_task_set_slice(scx, p, 0);
}

/* An insertion with slice 0 keeps what is left, 1 ns if that is nothing; who is picked without any
 * gets the default. */
static void
slice_0_keeps_the_rest_and_who_has_none_gets_the_default(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY, .enable = enable_without };
    struct scx_event_stats events = { 0 };
    (void)state;

    ops.enqueue = no_slice;
    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, MSEC(800)); /* 1 ns each: turns of a tick */
    assert_int_equal(a->stats.nr_slices, 100);
    assert_int_equal(a->se.sum_exec, MSEC(400));
    ext_events(f.k, &events);
    assert_int_equal(events.REFILL_SLICE_DFL, 0);
    fixture_close(&f);

    ops.enqueue = NULL; /* the global DSQ gives the default */
    ops.running = enable_without;
    begin(&f, 1, 1, 1, &ops);
    a = start_hog(&f, "a", "0", 0);
    fixture_run(&f, MSEC(800)); /* alone, kept at each tick with a full slice: 24 ms */
    ext_events(f.k, &events);
    assert_in_range(events.REFILL_SLICE_DFL, 800 / 24, 800 / 20 + 1);
    assert_int_equal(a->stats.nr_slices, 1);
    fixture_close(&f);
}

/* 0.1 us before a tick a task begins, without a slice, and decisions about it are still paid for at
 * the tick: that it has not run yet does not matter, the tick finds no slice. */
static void
the_tick_ends_a_turn_without_a_slice_before_it_has_run(void **state)
{
    static const struct action late[] = { { .kind = ACTION_SLEEP, .until = MSEC(4) - 100 },
                                          { .kind = ACTION_RUN, .work = MSEC(20) } };
    (void)state;

    for (uint32_t tick = TICK_COMPUTED; tick <= TICK_SIMULATED; tick++) {
        struct fixture f;
        struct sched_ops ops = { QUEUE_POLICY, .running = enable_without };
        struct scx_event_stats events = { 0 };

        begin(&f, 1, 1, 1, &ops);
        f.k->params.sched.tick = tick;
        f.k->params.ext.op_cost = USEC(1);
        start_script(&f, "a", "0", late, ARRAY_LEN(late));
        fixture_run(&f, MSEC(5));
        ext_events(f.k, &events);
        assert_int_equal(events.REFILL_SLICE_DFL, 1); /* alone, it goes on */
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_of_a_multiple_of_the_tick_lasts_one_tick_more),
        cmocka_unit_test(endless_slices_end_by_blocking_alone),
        cmocka_unit_test(slices_end_at_ticks_only),
        cmocka_unit_test(a_slice_given_in_a_turn_counts_from_the_last_tick),
        cmocka_unit_test(who_is_put_back_still_runs),
        cmocka_unit_test(weighted_shares_on_one_cpu_are_those_of_the_kernel),
        cmocka_unit_test(a_tick_may_end_a_turn),
        cmocka_unit_test(who_yields_gives_up_the_slice_unless_the_policy_says_otherwise),
        cmocka_unit_test(slice_0_keeps_the_rest_and_who_has_none_gets_the_default),
        cmocka_unit_test(the_tick_ends_a_turn_without_a_slice_before_it_has_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
/* Kicks and timers, and bypass mode, which ignores kicks: sched-ext.md 7. */
#include "ext_fixture.h"

/* Timer 0 expires after 1 ms and kicks CPU `number` with `flags`. */
static int
init_timer(struct scx *scx)
{
    assert_int_equal(scx_timers_new(scx, 1), 0);
    scx_timer_start(scx, 0, MSEC(1));
    return make_queue(scx);
}
static void
timer_kicks(struct scx *scx, uint32_t timer)
{
    struct notes *n = notes_of(scx);

    assert_int_equal(timer, 0);
    note(scx, "timer");
    scx_kick_cpu(scx, (int)n->number, n->flags);
    if (n->done) /* a second time */
        scx_timer_start(scx, 0, MSEC(1));
    n->done = false;
}
/* Nobody is told that a task waits. */
static int
select_prev(struct scx *scx, struct task *p, int prev, uint64_t wake_flags)
{
    (void)scx, (void)p, (void)wake_flags;
    return prev;
}

#define KICKING                                                                                    \
    QUEUE_POLICY, .timer = timer_kicks, .select_cpu = select_prev, .stopping = note_stopping,      \
                  .running = note_running, .adapter = &n

struct kick {
    uint64_t flags;
    const char *inside, *outside;
    sim_time a_runs;
};

/* CPU 0 runs a, and b waits behind it. */
static void
a_kick_asks_and_only_preempt_takes_the_slice(void **state)
{
    static const struct kick kicks[] = {
        { 0, "running:a timer", "0:a", MSEC(2) }, /* slice is left: it is not even asked */
        { SCX_KICK_WAIT, "running:a timer", "0:a", MSEC(2) },
        { SCX_KICK_IDLE, "running:a timer", "0:a", MSEC(2) }, /* it does not idle */
        { SCX_KICK_PREEMPT, "running:a timer stopping(1):a running:b", "0:a 0:b", MSEC(1) },
        { SCX_KICK_PREEMPT | SCX_KICK_WAIT, "running:a timer stopping(1):a running:b", "0:a 0:b",
          MSEC(1) },
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(kicks); i++) {
        struct fixture f;
        struct history h;
        struct notes n = { .number = 0, .flags = kicks[i].flags, .named = true };
        struct sched_ops ops = { KICKING };

        ops.init = init_timer;
        begin(&f, 1, 2, 1, &ops);
        watch(&f, &h);
        struct task *a = start_hog(&f, "a", "0", 0);
        start_hog(&f, "b", "0", 0);
        fixture_run(&f, MSEC(2));
        assert_string_equal(n.log, kicks[i].inside);
        assert_string_equal(h.log, kicks[i].outside);
        assert_int_equal(a->se.sum_exec, kicks[i].a_runs);
        fixture_close(&f);
    }
}

/* A task waits in a queue that CPU 1, which idles, would serve: every kick makes it look. */
static void
an_idle_cpu_that_is_kicked_looks_for_work(void **state)
{
    static const uint64_t flags[] = { 0, SCX_KICK_IDLE, SCX_KICK_PREEMPT, SCX_KICK_WAIT };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        struct fixture f;
        struct history h;
        struct notes n = { .number = 1, .flags = flags[i], .named = true };
        struct sched_ops ops = { KICKING };

        ops.init = init_timer;
        begin(&f, 1, 2, 1, &ops);
        watch(&f, &h);
        start_later(&f, "a", "0-1");
        struct task *b = start_later(&f, "b", "0-1");
        fixture_run(&f, MSEC(2));
        assert_string_equal(n.log, "running:a timer running:b");
        assert_string_equal(h.log, "0:a 1:b");
        assert_int_equal(b->se.sum_exec, MSEC(1));
        fixture_close(&f);
    }
}

/* Kicks of an idle CPU that still finds nothing leave it idle, and callbacks are not repeated. */
static void
idle_to_idle_is_no_news(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .number = 1, .done = true };
    struct sched_ops ops = { KICKING };
    (void)state;

    ops.init = init_timer;
    ops.update_idle = note_idle;
    ops.dispatch = note_dispatch;
    begin(&f, 1, 2, 1, &ops);
    watch(&f, &h);
    start_later(&f, "a", "0");
    fixture_run(&f, 1);
    forget(&n); /* both CPUs have looked, and found nothing */
    fixture_run(&f, MSEC(3));
    assert_string_equal(n.log, "dispatch idle(0) running timer dispatch timer dispatch");
    assert_string_equal(h.log, "0:a");
    fixture_close(&f);
}

/* ---- bypass ---- */

static void
running_kicks(struct scx *scx, struct task *p)
{
    note_running(scx, p);
    if (notes_of(scx)->done)
        scx_kick_cpu(scx, 0, SCX_KICK_PREEMPT);
}

/* While a policy leaves its tasks go on, first come first served, each until the next tick. It is
 * told of them, but not asked, its kicks are ignored and its timers stand still. */
static void
in_bypass_turns_end_at_ticks_and_kicks_are_ignored(void **state)
{
    struct fixture f;
    struct history h;
    struct notes n = { .named = true };
    struct sched_ops ops = { KICKING, .enable = note_enable };
    (void)state;

    ops.init = init_timer;
    ops.enqueue = note_enqueue;
    ops.dispatch = note_dispatch;
    ops.tick = note_tick;
    ops.runnable = note_runnable;
    ops.quiescent = note_quiescent;
    ops.running = running_kicks;
    open_free(&f, 1, 1, 1);
    start_hog(&f, "a", "0", 0);
    start_hog(&f, "b", "0", 0);
    fixture_run(&f, USEC(100));
    load(&f, &ops);
    assert_string_equal(n.log, "enable:a runnable:a running:a enable:b runnable:b quiescent:b "
                               "runnable:b enqueue=0xe:b");
    fixture_run(&f, USEC(200));
    forget(&n);
    n.done = true;
    watch(&f, &h);
    ext_unload(f.k);
    assert_int_equal(ext_state(f.k), SCX_ENABLED); /* it leaves at the end of this instant */
    fixture_run(&f, USEC(201));
    assert_int_equal(ext_state(f.k), SCX_DISABLING);
    fixture_run(&f, MSEC(12) + USEC(500)); /* at once, and at the ticks at 4, 8 and 12 ms */
    assert_string_equal(h.log, "0:b 0:a 0:b 0:a");
    assert_string_equal(n.log, "quiescent:b runnable:b stopping(1):a running:b stopping(1):b "
                               "running:a stopping(1):a running:b stopping(1):b running:a");
    fixture_run(&f, SEC(1));
    assert_left(&f, SCX_EXIT_UNREG, "");
    assert_int_equal(ext_state(f.k), SCX_DISABLED);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kick_asks_and_only_preempt_takes_the_slice),
        cmocka_unit_test(an_idle_cpu_that_is_kicked_looks_for_work),
        cmocka_unit_test(idle_to_idle_is_no_news),
        cmocka_unit_test(in_bypass_turns_end_at_ticks_and_kicks_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

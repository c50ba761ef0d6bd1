/* layer: config */
/*
 * What a recording is understood to say: bursts, waits and who ended them. Each case is a few lines
 * of a trace, and the story of each task as it follows from the rules of formats.md 2.3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/import_trace_replay.h"

/* "S a>b" and the like are short for lines of the kernel's form; times are in us. */
static void
add_switch(GString *s, int us, int cpu, int prev, const char *state, int next)
{
    g_string_append_printf(s,
                           " t-%d [%03d] d..2. 1.%06d: sched_switch: prev_comm=t%d prev_pid=%d "
                           "prev_prio=120 prev_state=%s ==> next_comm=t%d next_pid=%d "
                           "next_prio=120\n",
                           prev, cpu, us, prev, prev, state, next, next);
}

static void
add_waking(GString *s, int us, int cpu, int by, int task, bool irq)
{
    g_string_append_printf(s,
                           " t-%d [%03d] %s 1.%06d: sched_waking: comm=t%d pid=%d prio=120 "
                           "target_cpu=000\n",
                           by, cpu, irq ? "d.h2." : "d..2.", us, task, task);
}

static void
put_story(GString *out, const struct replay_task *t)
{
    static const char *const names[REPLAY_OP_NR] = { "run",   "wake", "fork", "wait",
                                                     "sleep", "nice", "go on" };
    static const int numbers[REPLAY_OP_NR] = { 1, 2, 1, 2, 2, 1, 0 };
    const uint8_t *at = t->code, *end = at + t->code_len;

    g_string_append_printf(out, "%d:", t->pid);
    while (at < end) {
        uint8_t op = *at++;
        g_string_append_printf(out, " %s", names[op]);
        for (int i = 0; i < numbers[op]; i++) {
            uint64_t n = replay_number(&at, end);
            bool ns = op == REPLAY_RUN || op == REPLAY_SLEEP || (op == REPLAY_WAIT && i == 1);
            g_string_append_printf(out, " %" G_GUINT64_FORMAT, ns ? n / 1000 : n);
        }
        for (int i = 0; op == REPLAY_WAIT && i < 2; i++)
            replay_number(&at, end); /* when, and the relation */
        if (op == REPLAY_GO_ON)
            replay_number(&at, end);
    }
    g_string_append_c(out, '\n');
}

static void
assert_stories(GString *text, const char *expected)
{
    const struct trace_options o = { .mode = REPLAY_DEPENDENCY };
    struct trace_compiler *c = trace_compiler_new(&o);
    const struct trace_sink sink = { c, trace_compiler_event };
    g_autoptr(GString) got = g_string_new(NULL);
    struct arena *a = arena_new();
    struct trace_counts counts;
    struct trace_story_counts n;
    struct diag d;

    diag_init(&d);
    assert_true(trace_read_memory("t", text->str, text->len, &sink, &counts, &d));
    g_array_unref(trace_compiler_stories(c, &n));
    const struct replay *r = trace_compiler_replay(c, a);
    for (uint32_t i = 0; i < r->nr_tasks; i++)
        put_story(got, &r->tasks[i]);
    assert_string_equal(got->str, expected);
    trace_compiler_free(c);
    diag_clear(&d);
    arena_free(a);
}

static void
pieces_parted_by_preemption_are_one_burst(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 0, "R", 1);
    add_switch(s, 10, 0, 1, "R+", 2);
    add_switch(s, 30, 0, 2, "S", 1);
    add_switch(s, 35, 0, 1, "S", 0);
    assert_stories(s, "1: run 15\n2: run 20\n");
}

static void
a_wait_ends_by_a_task_at_its_own_time_and_by_an_interrupt_from_outside(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 0, "R", 1);
    add_switch(s, 10, 0, 1, "S", 2);
    add_waking(s, 14, 0, 2, 1, false);
    add_switch(s, 20, 0, 2, "R", 1);
    add_switch(s, 25, 0, 1, "S", 2);
    add_waking(s, 32, 0, 2, 1, true);
    add_switch(s, 40, 0, 2, "S", 1);
    add_switch(s, 41, 0, 1, "X", 0);
    /* queueing from 14 to 20 is in no story; sleeps end at 32 us */
    assert_stories(s, "1: run 10 wait 1 4 run 5 sleep 7 32 run 1\n2: run 4 wake 0 1 run 21\n");
}

static void
a_wake_up_before_the_sleep_is_a_wait_only_if_the_task_sleeps(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 0, "R", 1);
    add_switch(s, 0, 1, 0, "R", 2);
    add_waking(s, 5, 1, 2, 1, false);
    add_switch(s, 6, 0, 1, "S", 0); /* it was on its way */
    add_switch(s, 8, 0, 0, "R", 1);
    add_waking(s, 9, 1, 2, 1, false);
    g_string_append(s, " t-2 [001] d..2. 1.000009: sched_wakeup: comm=t1 pid=1 prio=120 "
                       "target_cpu=000\n");
    add_switch(s, 12, 0, 1, "X", 0); /* it never slept */
    add_switch(s, 20, 1, 2, "X", 0);
    assert_stories(s, "1: run 6 wait 1 0 run 4\n2: run 5 wake 0 1 run 4 wake 0 2 run 11\n");
}

static void
a_lost_switch_is_repaired_as_perf_does(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 0, "R", 1);
    add_switch(s, 10, 0, 2, "S", 1); /* 2 has run since the last switch that was seen */
    add_switch(s, 30, 0, 1, "S", 0);
    assert_stories(s, "1: run 20\n2: run 10\n");
}

static void
a_number_that_is_used_again_is_another_task(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 0, "R", 1);
    add_switch(s, 10, 0, 1, "X", 0);
    add_switch(s, 20, 0, 0, "R", 1);
    add_switch(s, 23, 0, 1, "X", 0);
    assert_stories(s, "1: run 10\n1: run 3\n");
}

static void
kernel_threads_are_known_by_their_names(void **state)
{
    (void)state;
    assert_true(trace_is_kthread("kworker/u8:2-kv"));
    assert_true(trace_is_kthread("ksoftirqd/0"));
    assert_true(trace_is_kthread("rcu_preempt"));
    assert_false(trace_is_kthread("worker"));
    assert_false(trace_is_kthread("ksh"));
    assert_false(trace_is_kthread("kswapd"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_parted_by_preemption_are_one_burst),
        cmocka_unit_test(a_wait_ends_by_a_task_at_its_own_time_and_by_an_interrupt_from_outside),
        cmocka_unit_test(a_wake_up_before_the_sleep_is_a_wait_only_if_the_task_sleeps),
        cmocka_unit_test(a_lost_switch_is_repaired_as_perf_does),
        cmocka_unit_test(a_number_that_is_used_again_is_another_task),
        cmocka_unit_test(kernel_threads_are_known_by_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/*
 * Switches that the recorder lost, and that counts of run time give back. Each case is a few lines
 * of perf's text, in which what idle does on CPU 1 is missing, and the stories as they happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/import_trace_lost.h"
#include "config/import_trace_replay.h"

#define AT(by, cpu, us) " t " #by " [00" #cpu "] 1.00" #us ": "
#define SWITCH(by, cpu, us, state, next)                                                           \
    AT(by, cpu, us)                                                                                \
    "sched:sched_switch: prev_comm=t prev_pid=" #by " prev_prio=120 prev_state=" #state            \
    " ==> next_comm=t next_pid=" #next " next_prio=120\n"
#define WAKING(by, cpu, us, task, to)                                                              \
    AT(by, cpu, us)                                                                                \
    "sched:sched_waking: comm=t pid=" #task " prio=120 target_cpu=00" #to                          \
    "\n" AT(by, cpu, us) "sched:sched_wakeup: comm=t pid=" #task " prio=120 target_cpu=00" #to     \
                         "\n"
#define RUNTIME(by, cpu, us, task, ns)                                                             \
    AT(by, cpu, us) "sched:sched_stat_runtime: comm=t pid=" #task " runtime=" #ns " [ns]\n"

struct heard {
    guint made_up;
    GString *text; /* a line a switch */
};

static void
hear(void *priv, const struct trace_event *e)
{
    struct heard *h = priv;

    if (e->kind != TRACE_SWITCH)
        return;
    h->made_up += e->made_up;
    g_string_append_printf(h->text, "%s%u %d: %d%c>%d\n", e->made_up ? "lost " : "", e->cpu,
                           (int)(e->time / 1000 % 1000000), e->task.pid, e->state, e->other.pid);
}

static void
assert_heard(const char *text, const char *expected)
{
    struct heard h = { .text = g_string_new(NULL) };
    const struct trace_sink end = { &h, hear };
    struct trace_window *w = trace_window_new(&end);
    const struct trace_sink sink = { w, trace_window_sink };
    struct trace_counts counts;
    struct diag d;

    diag_init(&d);
    assert_true(trace_read_memory("t", text, strlen(text), &sink, &counts, &d));
    trace_window_flush(w);
    assert_string_equal(h.text->str, expected);
    diag_clear(&d);
    trace_window_free(w);
    g_string_free(h.text, TRUE);
}

/* 5 sleeps at 1000; that it runs again, from 3000 on, is told by what it ran until 3050. */
static void
who_counts_on_an_idle_cpu_was_switched_to_when_the_count_began(void **state)
{
    (void)state;
    assert_heard(SWITCH(5, 1, 1000, S, 0) RUNTIME(5, 1, 3050, 5, 50000) SWITCH(5, 1, 3055, S, 0),
                 "1 1000: 5S>0\nlost 1 3000: 0R>5\n1 3055: 5S>0\n");
}

/* What it does before its first count comes after the switch; its waking by others, before. */
static void
the_switch_lies_between_the_wake_up_and_the_first_deed(void **state)
{
    (void)state;
    assert_heard(SWITCH(5, 1, 1000, S, 0) WAKING(7, 0, 2000, 5, 1) WAKING(5, 1, 2008, 8, 0)
                     RUNTIME(5, 1, 2010, 5, 11000) SWITCH(5, 1, 2020, S, 0),
                 "1 1000: 5S>0\nlost 1 2000: 0R>5\n1 2020: 5S>0\n");
}

/* CPU 0 counts what 5 has run, which does not say where; then 5 itself counts the rest. */
static void
a_count_by_another_cpu_begins_earlier(void **state)
{
    (void)state;
    assert_heard(SWITCH(5, 1, 1000, S, 0) RUNTIME(7, 0, 3040, 5, 40000)
                     RUNTIME(5, 1, 3050, 5, 10000) SWITCH(5, 1, 3055, S, 0),
                 "1 1000: 5S>0\nlost 1 3000: 0R>5\n1 3055: 5S>0\n");
}

/* 19.5 ms are more than a tick: the count says that 5 ran before it slept, when 10 ms wait here. */
static void
a_count_that_reaches_back_too_far_begins_at_what_was_passed_on(void **state)
{
    (void)state;
    assert_heard(SWITCH(5, 1, 1000, S, 0) " t 5 [001] 1.020000: sched:sched_stat_runtime: "
                                          "comm=t pid=5 runtime=19500000 [ns]\n",
                 "1 1000: 5S>0\nlost 1 1000: 0R>5\n");
}

/* How 6 left is not known. */
static void
who_ran_before_has_left_in_an_unknown_state(void **state)
{
    (void)state;
    assert_heard(SWITCH(0, 1, 1000, R, 6) RUNTIME(5, 1, 3050, 5, 50000) SWITCH(5, 1, 3055, S, 0),
                 "1 1000: 0R>6\nlost 1 3000: 6?>5\n1 3055: 5S>0\n");
}

/* Ordinary counts; and a CPU of which nothing is known yet. */
static void
who_is_known_to_run_is_not_switched_to(void **state)
{
    (void)state;
    assert_heard(RUNTIME(5, 1, 1500, 5, 50000) SWITCH(5, 1, 2000, R, 6)
                     RUNTIME(6, 1, 2900, 6, 900000) SWITCH(6, 1, 3000, S, 0),
                 "1 2000: 5R>6\n1 3000: 6S>0\n");
}

/* The stories: 5 sleeps for 2 ms and runs for 55 us, instead of running for 2055. */
static void
idling_is_no_running(void **state)
{
    const struct trace_options o = { .mode = REPLAY_DEPENDENCY };
    struct trace_compiler *c = trace_compiler_new(&o);
    const struct trace_sink sink = { c, trace_compiler_event };
    const char *text = SWITCH(0, 1, 0900, R, 5) SWITCH(5, 1, 1000, S, 0)
        RUNTIME(5, 1, 3050, 5, 50000) SWITCH(5, 1, 3055, S, 0);
    struct trace_counts counts;
    struct trace_story_counts n;
    struct diag d;
    (void)state;

    diag_init(&d);
    assert_true(trace_read_memory("t", text, strlen(text), &sink, &counts, &d));
    g_autoptr(GArray) stories = trace_compiler_stories(c, &n);
    assert_int_equal(stories->len, 1);
    assert_int_equal(g_array_index(stories, struct trace_story, 0).run_ns, 155000);
    assert_int_equal(g_array_index(stories, struct trace_story, 0).woken_from_outside, 1);
    assert_int_equal(n.mismatches, 1);
    trace_compiler_free(c);
    diag_clear(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_counts_on_an_idle_cpu_was_switched_to_when_the_count_began),
        cmocka_unit_test(the_switch_lies_between_the_wake_up_and_the_first_deed),
        cmocka_unit_test(a_count_by_another_cpu_begins_earlier),
        cmocka_unit_test(a_count_that_reaches_back_too_far_begins_at_what_was_passed_on),
        cmocka_unit_test(who_ran_before_has_left_in_an_unknown_state),
        cmocka_unit_test(who_is_known_to_run_is_not_switched_to),
        cmocka_unit_test(idling_is_no_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

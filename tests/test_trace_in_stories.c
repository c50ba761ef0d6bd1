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
    static const char *const names[REPLAY_OP_NR] = { "run",   "wake", "fork",  "wait",
                                                     "sleep", "nice", "go on", "exec" };
    static const int numbers[REPLAY_OP_NR] = { 1, 2, 1, 2, 2, 1, 0, 0 };
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
        for (int i = 0; op == REPLAY_WAIT && i < 4; i++)
            replay_number(&at, end); /* when, the relation, the source, the number in it */
        for (int i = 0; op == REPLAY_WAKE && i < 2; i++)
            replay_number(&at, end); /* the pair, the source */
        if (op == REPLAY_GO_ON || op == REPLAY_EXEC)
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

struct reading {
    struct trace_compiler *c;
    struct arena *a;
    const struct replay *r;
};

static void
open_reading(struct reading *x, const char *text)
{
    const struct trace_options o = { .mode = REPLAY_DEPENDENCY };
    struct trace_counts counts;
    struct trace_story_counts n;
    struct diag d;

    diag_init(&d);
    x->c = trace_compiler_new(&o);
    x->a = arena_new();
    const struct trace_sink sink = { x->c, trace_compiler_event };
    assert_true(trace_read_memory("t", text, strlen(text), &sink, &counts, &d));
    g_array_unref(trace_compiler_stories(x->c, &n));
    x->r = trace_compiler_replay(x->c, x->a);
    diag_clear(&d);
}

static void
close_reading(struct reading *x)
{
    trace_compiler_free(x->c);
    arena_free(x->a);
}

static const struct replay_task *
task_of_pid(const struct replay *r, int pid)
{
    for (uint32_t i = 0; i < r->nr_tasks; i++)
        if (r->tasks[i].pid == pid)
            return &r->tasks[i];
    return NULL;
}

#define LINE(by, cpu, us, rest) " t-" #by " [00" #cpu "] d..2. 1.0000" #us ": " rest "\n"
#define SWITCH(prev, state, next)                                                                  \
    "sched_switch: prev_comm=t prev_pid=" #prev " prev_prio=120 prev_state=" #state                \
    " ==> next_comm=t next_pid=" #next " next_prio=120"

/* 1 runs from the start, 2 waits behind it, 3 sleeps on CPU 1 and is woken: all were there before,
 * unlike 4, which is forked. */
static void
tasks_that_were_there_before_begin_where_they_were(void **state)
{
    struct reading x;
    (void)state;

    open_reading(
        &x, LINE(1, 0, 00, "sched_waking: comm=t pid=3 prio=120 target_cpu=001")
                LINE(1, 0, 10, SWITCH(1, R, 2)) LINE(0, 1, 20, SWITCH(0, R, 3))
                    LINE(2, 0, 30, "sched_process_fork: comm=t pid=2 child_comm=t child_pid=4")
                        LINE(2, 0, 30, "sched_wakeup_new: comm=t pid=4 prio=120 target_cpu=000")
                            LINE(2, 0, 40, SWITCH(2, S, 4)) LINE(4, 0, 80, SWITCH(4, X, 0)));
    const struct replay_task *one = task_of_pid(x.r, 1), *two = task_of_pid(x.r, 2);
    const struct replay_task *three = task_of_pid(x.r, 3), *four = task_of_pid(x.r, 4);
    assert_true(one->old && two->old && three->old && !four->old);
    assert_int_equal(one->cpu, 0);
    assert_int_equal(two->cpu, 0);
    assert_int_equal(three->cpu, 1);
    assert_int_equal(two->start_at, 0); /* it waited: nobody woke it */
    assert_int_equal(two->wanted, 512); /* 40 of 80 us */
    assert_int_equal(two->had, 384);    /* 30 */
    assert_int_equal(two->session, four->session);
    close_reading(&x);
}

static void
classes_and_cpus_of_threads_are_read_from_priorities_and_names(void **state)
{
    struct reading x;
    (void)state;

    open_reading(
        &x, LINE(0, 1, 10, "sched_waking: comm=kworker/1:2 pid=5 prio=120 target_cpu=001")
                LINE(0, 1, 10, "sched_waking: comm=irq/9-x pid=6 prio=49 target_cpu=001")
                    LINE(0, 1, 10, "sched_waking: comm=migration/1 pid=7 prio=0 target_cpu=001")
                        LINE(0, 1, 10,
                             "sched_waking: comm=kworker/u4:2 pid=8 prio=100 "
                             "target_cpu=001"));
    assert_int_equal(task_of_pid(x.r, 5)->bound, 1);
    assert_int_equal(task_of_pid(x.r, 5)->rt_priority, 0);
    assert_int_equal(task_of_pid(x.r, 6)->rt_priority, 50);
    assert_int_equal(task_of_pid(x.r, 8)->bound, -1);
    assert_int_equal(task_of_pid(x.r, 8)->nice, -20);
    assert_null(task_of_pid(x.r, 7)); /* stoppers are the recorded scheduler's hands */
    close_reading(&x);
}

/* 1 asks the stopper of CPU 0 to move it: which CPU is left to it, or nothing if it is for exec. */
static void
expect_bound(const char *after, int32_t bound)
{
    struct reading x;
    g_autoptr(GString) s = g_string_new(NULL);

    add_switch(s, 0, 0, 0, "R", 1);
    g_string_append(s, " t-1 [000] d..2. 1.000004: sched_switch: prev_comm=t1 prev_pid=1 "
                       "prev_prio=120 prev_state=D ==> next_comm=migration/0 next_pid=9 "
                       "next_prio=0\n"
                       " migration/0-9 [000] d..2. 1.000005: sched_migrate_task: comm=t1 pid=1 "
                       "prio=120 orig_cpu=0 dest_cpu=1\n");
    add_waking(s, 6, 0, 9, 1, false);
    add_switch(s, 8, 1, 0, "R", 1);
    g_string_append(s, after);
    add_switch(s, 12, 1, 1, "S", 0);
    open_reading(&x, s->str);
    assert_int_equal(task_of_pid(x.r, 1)->bound, bound);
    close_reading(&x);
}

static void
who_had_itself_moved_and_stays_is_bound_to_its_cpu(void **state)
{
    (void)state;
    expect_bound("", 1);
    expect_bound(" t-1 [001] d..2. 1.000009: sched_process_exec: filename=/x pid=1 old_pid=1\n",
                 -1);
    expect_bound(" t-1 [001] d..2. 1.000009: sched_migrate_task: comm=t1 pid=1 prio=120 "
                 "orig_cpu=1 dest_cpu=0\n",
                 -1);
}

static void
another_program_is_an_op_of_the_story(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 0, "R", 1);
    g_string_append(s, " t-1 [000] d..2. 1.000004: sched_process_exec: filename=/bin/x pid=1 "
                       "old_pid=1\n");
    add_switch(s, 10, 0, 1, "X", 0);
    assert_stories(s, "1: run 4 exec run 6\n");
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

/* How 2 left its CPU at 20 was not recorded: 3 is found running. That it is woken says that it
 * slept. */
static void
who_is_woken_had_slept_though_it_was_not_seen_to(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 1, "S", 2);
    add_switch(s, 30, 0, 3, "S", 1);
    add_waking(s, 50, 0, 1, 2, true);
    add_switch(s, 60, 0, 1, "S", 2);
    add_switch(s, 70, 0, 2, "S", 0);
    assert_stories(s, "1: sleep 30 30 run 30\n2: sleep 50 50 run 10\n3: run 30\n");
}

/* The recording of CPU 1 begins at 100, with 1 on it, which was woken at 10. */
static void
who_is_found_on_a_cpu_that_begins_later_has_just_come(void **state)
{
    g_autoptr(GString) s = g_string_new(NULL);
    (void)state;

    add_switch(s, 0, 0, 1, "S", 2);
    add_waking(s, 10, 0, 2, 1, false);
    add_switch(s, 20, 0, 2, "S", 0);
    add_switch(s, 100, 1, 1, "S", 0);
    assert_stories(s, "1: wait 1 10\n2: run 10 wake 0 1 run 10\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_parted_by_preemption_are_one_burst),
        cmocka_unit_test(a_wait_ends_by_a_task_at_its_own_time_and_by_an_interrupt_from_outside),
        cmocka_unit_test(a_wake_up_before_the_sleep_is_a_wait_only_if_the_task_sleeps),
        cmocka_unit_test(a_lost_switch_is_repaired_as_perf_does),
        cmocka_unit_test(who_is_woken_had_slept_though_it_was_not_seen_to),
        cmocka_unit_test(who_is_found_on_a_cpu_that_begins_later_has_just_come),
        cmocka_unit_test(a_number_that_is_used_again_is_another_task),
        cmocka_unit_test(tasks_that_were_there_before_begin_where_they_were),
        cmocka_unit_test(classes_and_cpus_of_threads_are_read_from_priorities_and_names),
        cmocka_unit_test(who_had_itself_moved_and_stays_is_bound_to_its_cpu),
        cmocka_unit_test(another_program_is_an_op_of_the_story),
        cmocka_unit_test(kernel_threads_are_known_by_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

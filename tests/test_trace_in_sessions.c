/* layer: config */
/*
 * Sessions of a recorded machine: by forks, deaths, threads, and by how a CPU was shared. Fair
 * shares by hand: a session weighs as much as one task, so two tasks of one session have half as
 * much each as one that is alone in its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "config/import_trace_replay.h"

enum { TURN_US = 4000, TURNS = 240 };

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

/* The session of the task, named "t" and its number times 100. */
static uint32_t
session(const struct reading *x, int task)
{
    for (uint32_t i = 0; i < x->r->nr_tasks; i++)
        if (x->r->tasks[i].pid == task * 100)
            return x->r->tasks[i].session;
    fail();
    return 0;
}

static const char *const names[] = { "", "t1", "t2", "t3", "t4", "", "", "", "", "kworker/u4:9" };

static void
add_turn(GString *s, unsigned us, int prev, int next)
{
    g_string_append_printf(s,
                           " %s-%d [000] d..2. 1%01u.%06u: sched_switch: prev_comm=%s "
                           "prev_pid=%d00 prev_prio=120 prev_state=R ==> next_comm=%s "
                           "next_pid=%d00 next_prio=120\n",
                           names[prev], prev * 100, us / 1000000, us % 1000000, names[prev], prev,
                           names[next], next);
}

/* CPU 0 goes round and round through the tasks whose digits these are. */
static GString *
turns(const char *before, const char *order)
{
    GString *s = g_string_new(before);
    size_t n = strlen(order);

    for (unsigned i = 1; i < TURNS; i++)
        add_turn(s, i * TURN_US, order[(i - 1) % n] - '0', order[i % n] - '0');
    return s;
}

static void
two_with_half_as_much_are_one_session(void **state)
{
    g_autoptr(GString) s = turns("", "1213");
    struct reading x;
    (void)state;

    open_reading(&x, s->str);
    assert_true(x.r->grouped);
    assert_int_equal(x.r->nr_sessions, 2);
    assert_int_equal(session(&x, 2), session(&x, 3));
    assert_int_not_equal(session(&x, 1), session(&x, 2));
    close_reading(&x);
}

static void
three_with_equal_shares_are_three_sessions(void **state)
{
    g_autoptr(GString) s = turns("", "123");
    struct reading x;
    (void)state;

    open_reading(&x, s->str);
    assert_true(x.r->grouped);
    assert_int_equal(x.r->nr_sessions, 3);
    close_reading(&x);
}

#define FORKS                                                                                      \
    " t1-100 [000] d..2. 10.000000: sched_process_fork: comm=t1 pid=100 child_comm=t2 "            \
    "child_pid=200\n"                                                                              \
    " t1-100 [000] d..2. 10.000000: sched_wakeup_new: comm=t2 pid=200 prio=120 "                   \
    "target_cpu=000\n"                                                                             \
    " t1-100 [000] d..2. 10.000000: sched_process_fork: comm=t1 pid=100 child_comm=t3 "            \
    "child_pid=300\n"                                                                              \
    " t1-100 [000] d..2. 10.000000: sched_wakeup_new: comm=t3 pid=300 prio=120 "                   \
    "target_cpu=000\n"

/* 1 forks 2 and 3. Were 4 alone in a session, it would have half of the CPU. */
static void
equal_shares_of_all_are_one_session(void **state)
{
    g_autoptr(GString) s = turns(FORKS, "1234");
    struct reading x;
    (void)state;

    open_reading(&x, s->str);
    assert_true(x.r->grouped);
    assert_int_equal(x.r->nr_sessions, 1);
    close_reading(&x);
}

/* 9 is a kernel thread, in no session: it would have half beside any session of the others. */
static void
equal_shares_with_a_kernel_thread_are_of_a_kernel_without_groups(void **state)
{
    g_autoptr(GString) s = turns(FORKS, "1239");
    struct reading x;
    (void)state;

    open_reading(&x, s->str);
    assert_false(x.r->grouped);
    close_reading(&x);
}

/* The same with half for 4: as its session is due. */
static void
unequal_shares_of_unequal_sessions_are_of_a_kernel_with_groups(void **state)
{
    g_autoptr(GString) s = turns(FORKS, "142434");
    struct reading x;
    (void)state;

    open_reading(&x, s->str);
    assert_true(x.r->grouped);
    assert_int_equal(x.r->nr_sessions, 2);
    assert_int_equal(session(&x, 1), session(&x, 3));
    assert_int_not_equal(session(&x, 1), session(&x, 4));
    close_reading(&x);
}

/* A nice task has little beside 1, which it would have in the session of any busy task: 2 and 3,
 * with half as much as 1 each, are one session all the same. */
static void
a_nice_task_says_nothing_about_others(void **state)
{
    g_autoptr(GString) s = turns("", "1213121312131213124");
    struct reading x;
    (void)state;

    g_string_replace(s, "prev_pid=400 prev_prio=120", "prev_pid=400 prev_prio=139", 0);
    g_string_replace(s, "next_pid=400 next_prio=120", "next_pid=400 next_prio=139", 0);
    open_reading(&x, s->str);
    assert_int_equal(session(&x, 2), session(&x, 3));
    assert_int_not_equal(session(&x, 1), session(&x, 2));
    close_reading(&x);
}

/* A task of that number runs, wakes t2, and dies so many us later. */
static uint32_t
sessions_after_death(const char *dying, unsigned us)
{
    g_autofree char *text = g_strdup_printf(
        " t2-200 [000] d..2. 10.000000: sched_switch: prev_comm=t2 prev_pid=200 prev_prio=120 "
        "prev_state=S ==> next_comm=d next_pid=%s next_prio=120\n"
        " d-%s [000] d..2. 10.002000: sched_waking: comm=t2 pid=200 prio=120 target_cpu=000\n"
        " d-%s [000] d..2. 10.002001: sched_wakeup: comm=t2 pid=200 prio=120 target_cpu=000\n"
        " d-%s [000] d..2. 10.00%u: sched_switch: prev_comm=d prev_pid=%s prev_prio=120 "
        "prev_state=Z ==> next_comm=t2 next_pid=200 next_prio=120\n",
        dying, dying, dying, dying, 2000 + us, dying);
    struct reading x;

    open_reading(&x, text);
    uint32_t nr = x.r->nr_sessions;
    close_reading(&x);
    return nr;
}

static void
who_is_told_of_a_death_is_the_parent(void **state)
{
    (void)state;
    assert_int_equal(sessions_after_death("300", 20), 1);
    assert_int_equal(sessions_after_death("300", 60), 2); /* it did something else since */
    assert_int_equal(sessions_after_death("100", 20), 2); /* the older cannot be the child */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_told_of_a_death_is_the_parent),
        cmocka_unit_test(a_nice_task_says_nothing_about_others),
        cmocka_unit_test(two_with_half_as_much_are_one_session),
        cmocka_unit_test(three_with_equal_shares_are_three_sessions),
        cmocka_unit_test(equal_shares_of_all_are_one_session),
        cmocka_unit_test(equal_shares_with_a_kernel_thread_are_of_a_kernel_without_groups),
        cmocka_unit_test(unequal_shares_of_unequal_sessions_are_of_a_kernel_with_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

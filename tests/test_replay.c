/* layer: config */
/*
 * Replays as they run: where tasks begin that were there before the recording, and what a waker
 * says. Recordings of a few lines on a machine of two CPUs.
 */
#include <glib.h>

#include "config/import_trace_replay.h"
#include "sim_fixture.h"
#include "workload/run.h"

struct run {
    struct arena *arena;
    struct kernel *k;
    struct workload_run *r;
};

static void
open_run(struct run *x, uint32_t cpus, const char *text)
{
    const struct trace_options o = { .mode = REPLAY_DEPENDENCY };
    struct trace_compiler *c = trace_compiler_new(&o);
    const struct trace_sink sink = { c, trace_compiler_event };
    struct kernel_limits limits = { 0 };
    struct trace_counts counts;
    struct trace_story_counts n;
    struct kernel_params kp;
    const char *reason;
    struct diag d;
    char why[256];

    x->arena = arena_new();
    diag_init(&d);
    assert_true(trace_read_memory("t", text, strlen(text), &sink, &counts, &d));
    diag_clear(&d);
    g_array_unref(trace_compiler_stories(c, &n));
    struct workload w = { .arena = x->arena,
                          .name = "t",
                          .replay = trace_compiler_replay(c, x->arena) };
    trace_compiler_free(c);
    struct workload *kept = arena_new_object(x->arena, struct workload);
    *kept = w;
    struct machine *m = fixture_machine(x->arena, 1, cpus, 1, 20);
    assert_null(workload_limits(kept, m, &limits));
    kernel_params_init(&kp, x->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", x->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.schedstats", "yes", x->arena, why, sizeof(why)));
    x->k = kernel_new(x->arena, m, &kp, 1, &limits, &fixture_memory);
    x->r = workload_build(x->k, kept, &reason);
    assert_null(reason);
    workload_start(x->r);
}

static const struct task *
task(const struct run *x, int pid)
{
    for (uint32_t i = 0; i < x->k->nr_tasks; i++)
        if (x->k->tasks[i]->pid == pid)
            return x->k->tasks[i];
    fail();
    return NULL;
}

#define LINE(name, cpu, us, rest) " " name " [00" #cpu "] d..2. 1.000" #us ": " rest "\n"
#define SWITCH(prev, pid, state, next, npid)                                                       \
    "sched_switch: prev_comm=" prev " prev_pid=" #pid " prev_prio=120 prev_state=" #state          \
    " ==> next_comm=" next " next_pid=" #npid " next_prio=120"
#define RT_SWITCH(prev, pid, prio, state, next, npid, nprio)                                       \
    "sched_switch: prev_comm=" prev " prev_pid=" #pid " prev_prio=" #prio " prev_state=" #state    \
    " ==> next_comm=" next " next_pid=" #npid " next_prio=" #nprio
#define WAKING(name, pid, cpu)                                                                     \
    "sched_waking: comm=" name " pid=" #pid " prio=120 target_cpu=00" #cpu

/* a runs on CPU 0, b sleeps on CPU 1 and is woken by a after 100 us. An interrupt wakes x: a
 * recording that marks interrupts. */
static const char two[] =
    " a-10 [000] d.h2. 1.000000: " WAKING("x", 99, 0) "\n" LINE("a-10", 0, 100, WAKING("b", 20, 1))
        LINE("<idle>-0", 1, 110, SWITCH("swapper/1", 0, R, "b", 20))
            LINE("b-20", 1, 160, SWITCH("b", 20, S, "swapper/1", 0))
                LINE("a-10", 0, 900, SWITCH("a", 10, Z, "swapper/0", 0));

static void
who_was_there_before_sleeps_where_it_was_seen(void **state)
{
    struct run x;
    (void)state;

    open_run(&x, 2, two);
    assert_int_equal(task(&x, 20)->state, TASK_BLOCKED);
    assert_int_equal(task(&x, 20)->cpu, 1);
    /* it wanted a CPU for 60 of 900 us, had one for 50, and is no new task, which weighs 1024 */
    assert_int_equal(task(&x, 20)->se.avg.load_avg, 1024 * 60 / 900);
    assert_int_equal(task(&x, 20)->se.avg.util_avg, 1024 * 50 / 900);
    engine_run(&x.k->engine, 800 * 1000);
    assert_int_equal(task(&x, 20)->sched.nr_wakeups, 1);
    assert_int_equal(task(&x, 20)->cpu, 1); /* which was idle */
    arena_free(x.arena);
}

static void
on_a_machine_of_another_size_it_is_placed_as_a_new_one(void **state)
{
    struct run x;
    (void)state;

    open_run(&x, 4, two);
    assert_int_equal(task(&x, 20)->state, TASK_NEW);
    arena_free(x.arena);
}

static void
processes_wake_each_other_in_sync_and_threads_do_not(void **state)
{
    struct run x;
    (void)state;

    open_run(&x, 2, two);
    engine_run(&x.k->engine, 800 * 1000);
    assert_int_equal(task(&x, 20)->sched.nr_wakeups_sync, 1);
    arena_free(x.arena);
    /* a dies 30 us later: it tells its parent, and has no say in where b runs */
    g_autoptr(GString) dying = g_string_new(two);
    g_string_replace(dying, "1.000900", "1.000130", 0);
    g_string_replace(dying, "1.000160", "1.000125", 0);
    open_run(&x, 2, dying->str);
    engine_run(&x.k->engine, 110 * 1000);
    assert_int_equal(task(&x, 20)->sched.nr_wakeups, 1);
    assert_int_equal(task(&x, 20)->sched.nr_wakeups_sync, 0);
    arena_free(x.arena);
    /* the same with one name: threads, as far as one sees */
    g_autofree char *text = g_strdup(two);
    g_autoptr(GString) same = g_string_new(text);
    g_string_replace(same, "comm=b ", "comm=a ", 0);
    g_string_replace(same, " b-20", " a-20", 0);
    open_run(&x, 2, same->str);
    engine_run(&x.k->engine, 800 * 1000);
    assert_int_equal(task(&x, 20)->sched.nr_wakeups, 1);
    assert_int_equal(task(&x, 20)->sched.nr_wakeups_sync, 0);
    arena_free(x.arena);
}

enum { ROUNDS = 20 };

/*
 * On one CPU: a runs 20 us, wakes b and is preempted by it; b runs 60 us and sleeps. a needs no
 * wake-up then; in every other round, if they are to wake each other, it sleeps, and b wakes it.
 */
static GString *
one_wakes_the_other(bool each_other)
{
    GString *s = g_string_new(" <idle>-0 [000] d.h2. 1.000000: " WAKING("x", 99, 0) "\n");

    for (int i = 0; i < ROUNDS; i++) {
        int us = 10 + i * 100;
        bool sleeps = each_other && i % 2 == 0;
        g_string_append_printf(s, " a-10 [000] d..2. 1.%06d: " WAKING("b", 20, 0) "\n", us + 20);
        g_string_append_printf(s,
                               " a-10 [000] d..2. 1.%06d: sched_switch: prev_comm=a prev_pid=10 "
                               "prev_prio=120 prev_state=%s ==> next_comm=b next_pid=20 "
                               "next_prio=120\n",
                               us + 21, sleeps ? "S" : "R");
        if (sleeps)
            g_string_append_printf(s, " b-20 [000] d..2. 1.%06d: " WAKING("a", 10, 0) "\n",
                                   us + 80);
        g_string_append_printf(s, " b-20 [000] d..2. 1.%06d: " SWITCH("b", 20, S, "a", 10) "\n",
                               us + 81);
    }
    g_string_append(s, " a-10 [000] d..2. 1.003000: " SWITCH("a", 10, Z, "swapper/0", 0) "\n");
    return s;
}

/* How often b had to wait, on two CPUs. */
static uint64_t
waits_of_b(bool each_other)
{
    g_autoptr(GString) s = one_wakes_the_other(each_other);
    struct run x;

    open_run(&x, 2, s->str);
    engine_run(&x.k->engine, 10 * 1000 * 1000);
    uint64_t waits = task(&x, 20)->sched.nr_wakeups;
    arena_free(x.arena);
    return waits;
}

static void
who_is_answered_waits_for_the_answer(void **state)
{
    (void)state;
    assert_int_equal(waits_of_b(true), ROUNDS - 1); /* the first wake-up begins b */
}

/* a is three times as fast: b finds its next wake-up given. */
static void
who_is_never_answered_goes_on(void **state)
{
    (void)state;
    assert_int_equal(waits_of_b(false), 0);
}

/* On three CPUs: s-30 wakes r after 50 us, and s-31, of a higher class, again after 100. */
static const char three[] = " <idle>-0 [000] d.h2. 1.000000: " WAKING("x", 99, 0) "\n" LINE(
    "<idle>-0", 0, 000, SWITCH("swapper/0", 0, R, "s", 30))
    LINE("<idle>-0", 1, 000, RT_SWITCH("swapper/1", 0, 120, R, "s", 31, 49))
        LINE("s-30", 0, 050, WAKING("r", 40, 2))
            LINE("<idle>-0", 2, 052, RT_SWITCH("swapper/2", 0, 120, R, "r", 40, 59))
                LINE("r-40", 2, 060, RT_SWITCH("r", 40, 59, S, "swapper/2", 0, 120))
                    LINE("s-31", 1, 100, WAKING("r", 40, 2))
                        LINE("<idle>-0", 2, 102, RT_SWITCH("swapper/2", 0, 120, R, "r", 40, 59))
                            LINE("r-40", 2, 110, RT_SWITCH("r", 40, 59, S, "swapper/2", 0, 120))
                                LINE("s-31", 1, 200, RT_SWITCH("s", 31, 49, Z, "swapper/1", 0, 120))
                                    LINE("s-30", 0, 900, SWITCH("s", 30, Z, "swapper/0", 0));

/* How long r has run on one CPU before s-30, which comes last there, has woken anybody. */
static uint64_t
run_of_r(const char *text)
{
    struct run x;

    open_run(&x, 1, text);
    engine_run(&x.k->engine, 230 * 1000);
    assert_true(task(&x, 30)->se.sum_exec < 50 * 1000);
    uint64_t run = task(&x, 40)->se.sum_exec;
    arena_free(x.arena);
    return run;
}

static void
whoever_of_that_name_comes_first_ends_a_wait(void **state)
{
    g_autoptr(GString) other = g_string_new(three);
    (void)state;

    assert_true(run_of_r(three) >= 8000);
    g_string_replace(other, " s-31", " z-31", 0);
    g_string_replace(other, "comm=s prev_pid=31", "comm=z prev_pid=31", 0);
    g_string_replace(other, "comm=s next_pid=31", "comm=z next_pid=31", 0);
    assert_true(run_of_r(other->str) < 8000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_there_before_sleeps_where_it_was_seen),
        cmocka_unit_test(on_a_machine_of_another_size_it_is_placed_as_a_new_one),
        cmocka_unit_test(who_is_answered_waits_for_the_answer),
        cmocka_unit_test(who_is_never_answered_goes_on),
        cmocka_unit_test(whoever_of_that_name_comes_first_ends_a_wait),
        cmocka_unit_test(processes_wake_each_other_in_sync_and_threads_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

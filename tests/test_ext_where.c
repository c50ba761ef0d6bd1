/* layer: kernel */
/*
 * Which CPU runs an operation: where no task or interrupt says it, the kernel's threads do. The
 * last event's CPU must not matter: it is another one if ticks are computed.
 */
#include "ext_fixture.h"

#include "kernel/hotplug.h"

static void
note_where(struct scx *scx, const char *what)
{
    char word[48];

    snprintf(word, sizeof(word), "%s@%d", what, scx_this_cpu(scx));
    note(scx, word);
}

static void
offline_where(struct scx *scx, int cpu)
{
    (void)cpu;
    note_where(scx, "offline");
}
static void
online_where(struct scx *scx, int cpu)
{
    (void)cpu;
    note_where(scx, "online");
}
static void
enqueue_where(struct scx *scx, struct task *p, uint64_t flags)
{
    note_where(scx, "enqueue");
    enqueue_q(scx, p, flags);
}
static void
disable_where(struct scx *scx, struct task *p)
{
    (void)p;
    note_where(scx, "disable");
}
static void
exit_where(struct scx *scx, const struct scx_exit_info *info)
{
    (void)info;
    note_where(scx, "exit");
}
static void
weight_where(struct scx *scx, struct task *p, uint32_t weight)
{
    (void)p, (void)weight;
    note_where(scx, "weight");
}

/* Whatever ran before: the next event finds this CPU there. */
static int32_t stale_cpu;

static void
leave_stale(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    (void)ev;

    k->this_cpu = stale_cpu;
}

/* Runs the policy twice on two CPUs, and compares what is written down between `from` and `to`. */
static void
assert_where(const struct sched_ops *ops, sim_time from, sim_time to, const char *plugged,
             const char *expected)
{
    for (stale_cpu = 0; stale_cpu < 2; stale_cpu++) {
        struct fixture f;
        struct notes n = { 0 };
        struct sched_ops own = *ops;

        own.adapter = &n;
        begin(&f, 1, 2, 1, &own);
        f.k->engine.after = leave_stale;
        start_hog(&f, "a", "0-1", 0);
        start_hog(&f, "b", "0-1", 0);
        if (plugged != NULL) {
            hotplug_at(f.k, MSEC(5), fixture_cpus(&f, plugged), false);
            hotplug_at(f.k, MSEC(6), fixture_cpus(&f, plugged), true);
        }
        engine_run(&f.k->engine, from);
        forget(&n);
        engine_run(&f.k->engine, to);
        assert_string_equal(n.log, expected);
        fixture_close(&f);
    }
}

/* cpuhp/1 runs there, and so does the stopper that moves tasks away. */
static void
a_cpu_that_comes_or_goes_tells_the_policy_itself(void **state)
{
    const struct sched_ops ops = { QUEUE_POLICY, .cpu_offline = offline_where,
                                   .cpu_online = online_where };
    const struct sched_ops moving = { .name = "moving",
                                      .abi = SCX_OPS_ABI,
                                      .init = make_queue,
                                      .enqueue = enqueue_where,
                                      .dispatch = dispatch_q,
                                      .cpu_offline = offline_where,
                                      .cpu_online = online_where };
    (void)state;

    assert_where(&ops, MSEC(4), MSEC(7), "1", "offline@1 online@1");
    assert_where(&moving, MSEC(4), MSEC(5) + 1, "1", "offline@1 enqueue@1");
}

static int32_t asked_from;

static void
ask_for_nice(struct scx *scx, struct task *p)
{
    if (asked_from >= 0 || strcmp(scx_task_comm(scx, p), "b") != 0 || scx_now(scx) < MSEC(20))
        return;
    asked_from = scx_this_cpu(scx);
    scx_set_nice(scx, p, 5);
}

static void
who_asks_for_a_nice_level_sets_it(void **state)
{
    const struct sched_ops ops = { QUEUE_POLICY, .tick = ask_for_nice, .set_weight = weight_where };
    (void)state;

    for (stale_cpu = 0; stale_cpu < 2; stale_cpu++) {
        struct fixture f;
        struct notes n = { 0 };
        struct sched_ops own = ops;
        char expected[32];

        own.adapter = &n;
        asked_from = -1;
        begin(&f, 1, 2, 1, &own);
        f.k->engine.after = leave_stale;
        start_hog(&f, "a", "0-1", 0);
        start_hog(&f, "b", "0-1", 0);
        engine_run(&f.k->engine, MSEC(19));
        forget(&n);
        engine_run(&f.k->engine, MSEC(60));
        assert_true(asked_from >= 0);
        snprintf(expected, sizeof(expected), "weight@%d", asked_from);
        assert_string_equal(n.log, expected);
        fixture_close(&f);
    }
}

/* The helper thread that disables it starts where all programs do. */
static void
leaving_is_work_of_the_cpu_that_starts_programs(void **state)
{
    const struct sched_ops ops = { QUEUE_POLICY, .disable = disable_where, .exit = exit_where };
    (void)state;

    /* no cpu_offline: it has to go, with CPU 1, and then is done on CPU 0 */
    assert_where(&ops, MSEC(4), MSEC(100), "1", "disable@0 disable@0 exit@0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cpu_that_comes_or_goes_tells_the_policy_itself),
        cmocka_unit_test(who_asks_for_a_nice_level_sets_it),
        cmocka_unit_test(leaving_is_work_of_the_cpu_that_starts_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

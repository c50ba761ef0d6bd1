/* layer: kernel */
/* What deciding costs, who pays, and who need not wait for it. */
#include "ext_fixture.h"

static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                      { .kind = ACTION_EXIT } };
static const struct task_attr fifo_50 = { .policy = POLICY_FIFO, .rt_priority = 50 };

static void
slow_dispatch(struct scx *scx, int cpu, struct task *prev)
{
    scx_charge(scx, MSEC(3));
    dispatch_q(scx, cpu, prev);
}

/* A decision of 3 ms begins at 0. A real-time task that wakes at 1 ms runs for 1 ms at once, and
 * the decision goes on for its last 2 ms. Or, as in Linux, it waits. */
static void
a_realtime_task_preempts_a_long_decision(void **state)
{
    static const struct {
        bool preemptible;
        sim_time rt_ends;
    } cases[] = { { true, MSEC(2) }, { false, MSEC(4) } };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct history h;
        struct sched_ops ops = { QUEUE_POLICY };

        ops.dispatch = slow_dispatch;
        begin(&f, 1, 1, 1, &ops);
        fixture_run(&f, MSEC(100)); /* the idle CPU has asked */
        f.k->params.ext.preemptible = cases[i].preemptible;
        watch(&f, &h);
        sim_time zero = MSEC(100);
        struct task *a = start_as(&f, "a", "0", &(struct task_attr){ .nice = 0 }, once, 2, zero);
        struct task *rt = start_as(&f, "rt", "0", &fifo_50, once, 2, zero + MSEC(1));
        fixture_run(&f, zero + cases[i].rt_ends - 1);
        assert_int_equal(rt->state, TASK_RUNNING);
        fixture_run(&f, zero + cases[i].rt_ends + 1);
        assert_int_equal(rt->state, TASK_DEAD);
        assert_in_range(a->se.sum_exec, 0, 1);
        fixture_run(&f, zero + MSEC(5) - 1);
        assert_int_equal(a->state, TASK_RUNNING);
        fixture_run(&f, zero + MSEC(5) + 1); /* 3 + 1 + 1, in either order */
        assert_int_equal(a->state, TASK_DEAD);
        assert_string_equal(h.log, "0:a 0:rt 0:a");
        assert_int_equal(a->se.sum_exec, MSEC(1));
        assert_int_equal(rt->se.sum_exec, MSEC(1));
        fixture_close(&f);
    }
}

/* What operations of a switch to a real-time task cost comes after it as well, and nothing is lost:
 * the CPU is busy with what was charged and with what ran. */
static void
slow_running(struct scx *scx, struct task *p)
{
    (void)p;
    scx_charge(scx, USEC(300));
}
static void
slow_stopping(struct scx *scx, struct task *p, bool runnable)
{
    (void)p, (void)runnable;
    scx_charge(scx, USEC(200));
}
static const struct action rt_turns[] = { { .kind = ACTION_RUN, .work = USEC(700) },
                                          { .kind = ACTION_SLEEP, .until = USEC(900) } };
static void
all_time_is_accounted_for(void **state)
{
    struct fixture f;
    struct sched_ops ops = { QUEUE_POLICY, .running = slow_running, .stopping = slow_stopping };
    (void)state;

    begin(&f, 1, 1, 1, &ops);
    struct task *a = start_hog(&f, "a", "0", 0);
    struct task *rt = start_as(&f, "rt", "0", &fifo_50, rt_turns, 2, USEC(100));
    fixture_run(&f, MSEC(400));
    uint64_t turns = MSEC(400) / USEC(1600);
    assert_in_range(rt->se.sum_exec, turns * USEC(700) - USEC(700), turns * USEC(700) + USEC(700));
    uint64_t deciding = f.k->rqs[0].kernel_ns[CHARGE_POLICY];
    /* 0.3 and 0.2 ms a turn, but for what is put off when it ends */
    assert_in_range(deciding, (turns - 2) * USEC(500), (turns + 1) * USEC(500));
    assert_in_range(a->se.sum_exec + rt->se.sum_exec + deciding, MSEC(400) - USEC(500),
                    MSEC(400) + USEC(500));
    assert_stays(&f);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_realtime_task_preempts_a_long_decision),
        cmocka_unit_test(all_time_is_accounted_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

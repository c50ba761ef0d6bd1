/* layer: kernel */
/* cpu.max: pools, slices, throttling and their counters (sched-core.md 2.11). */
#include "sim_fixture.h"

#include "kernel/group.h"

/* Noise is off: ticks at multiples of 4 ms, refills at multiples of the period. */

static struct task *
task_in(struct fixture *f, const char *name, struct task_group *tg, const char *cpus,
        const struct action *actions, uint32_t nr)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = actions;
    s->nr = nr;
    struct task *p =
        task_new(f->k, f->process,
                 &(struct task_attr){ .name = name,
                                      .group = tg,
                                      .allowed = cpus != NULL ? fixture_cpus(f, cpus) : NULL,
                                      .ops = &script_ops,
                                      .prog = s });
    task_start_at(f->k, p, kernel_now(f->k));
    return p;
}

static struct task *
hog_in(struct fixture *f, const char *name, struct task_group *tg, const char *cpus)
{
    return task_in(f, name, tg, cpus, hog_actions, 1);
}

static struct task_group *
limited(struct fixture *f, struct task_group *parent, const char *name, uint64_t quota,
        uint64_t period, uint64_t burst)
{
    struct task_group *tg = task_group_new(f->k, parent, name);
    const char *why = task_group_set_bandwidth(f->k, tg, quota, period, burst);

    assert_null(why);
    return tg;
}

static uint64_t
ran_by(struct fixture *f, const struct task *p, sim_time when)
{
    fixture_run(f, when);
    return p->se.sum_exec;
}

/* ---- worked by hand from the rules ---- */

/*
 * Slices of 5 ms, looked at every 4 ms. 20 ms: 5 are taken at 0 and are overdrawn by 3 at 8, when 8
 * are taken; at 16 only 7 are left; at 20 they are used up to the nanosecond.
 */
static void
a_quota_of_five_ticks_is_used_up_at_the_fifth(void **state)
{
    (void)state;
    struct fixture f;

    fixture_open(&f, 1, 1, 1, false);
    struct task_group *tg = limited(&f, NULL, "g", MSEC(20), MSEC(100), 0);
    struct task *p = hog_in(&f, "hog", tg, NULL);

    assert_int_equal(ran_by(&f, p, MSEC(5)), MSEC(5));
    assert_int_equal(tg->cfs_rq[0]->runtime_remaining, MSEC(5)); /* charged at 4 and here: 0, +5 */
    assert_int_equal(tg->bandwidth.runtime, MSEC(10));
    assert_int_equal(ran_by(&f, p, MSEC(19)), MSEC(19));
    assert_false(tg->cfs_rq[0]->throttled);
    assert_int_equal(ran_by(&f, p, MSEC(99)), MSEC(20));
    assert_true(tg->cfs_rq[0]->throttled);
    assert_int_equal(f.k->rqs[0].nr_running, 0);
    assert_int_equal(f.k->rqs[0].cfs.h_nr_queued, 0);
    assert_int_equal(tg->cfs_rq[0]->h_nr_queued, 1);
    assert_null(f.k->rqs[0].curr);
    assert_int_equal(ran_by(&f, p, MSEC(1000)), MSEC(200));
    assert_int_equal(tg->bandwidth.nr_periods, 9);
    assert_int_equal(tg->bandwidth.nr_throttled, 9);
    assert_int_equal(tg->bandwidth.throttled_ns, 9 * MSEC(80));
    assert_int_equal(tg->bandwidth.throttled_self_ns, 9 * MSEC(80));
    fixture_close(&f);
}

/* 10 ms are 2.5 ticks: 12 are used in the first period, the debt of 2 is paid in the next. */
static void
what_is_used_beyond_the_quota_is_paid_back(void **state)
{
    (void)state;
    static const uint64_t until_ms[] = { 12, 20, 32, 40, 52, 60 };
    struct fixture f;

    fixture_open(&f, 1, 1, 1, false);
    struct task_group *tg = limited(&f, NULL, "g", MSEC(10), MSEC(100), 0);
    struct task *p = hog_in(&f, "hog", tg, NULL);

    for (uint32_t i = 0; i < ARRAY_LEN(until_ms); i++)
        assert_int_equal(ran_by(&f, p, MSEC(100) * (i + 1)), MSEC(until_ms[i]));
    fixture_close(&f);
}

static const struct action one_ms_then_long_sleep[] = {
    { .kind = ACTION_RUN, .work = MSEC(1) },
    { .kind = ACTION_SLEEP, .until = SEC(100) },
};

static void
a_queue_that_empties_keeps_a_millisecond(void **state)
{
    (void)state;
    struct fixture f;

    fixture_open(&f, 1, 1, 1, false);
    struct task_group *tg = limited(&f, NULL, "g", MSEC(20), MSEC(100), 0);
    task_in(&f, "sleeper", tg, NULL, one_ms_then_long_sleep, 2);

    fixture_run(&f, MSEC(2));
    assert_int_equal(tg->cfs_rq[0]->runtime_remaining, MSEC(1));
    assert_int_equal(tg->bandwidth.runtime, MSEC(18)); /* 20 - 5 + 3 */
    fixture_close(&f);
}

/* The pool keeps its period for one more: the timer rests after a period in which nobody asked. */
static void
the_timer_rests_after_an_idle_period_and_keeps_its_phase(void **state)
{
    (void)state;
    struct fixture f;

    fixture_open(&f, 1, 1, 1, false);
    struct task_group *tg = limited(&f, NULL, "g", MSEC(20), MSEC(100), 0);
    task_in(&f, "sleeper", tg, NULL, one_ms_then_long_sleep, 2);

    fixture_run(&f, MSEC(250));
    assert_false(tg->bandwidth.period_active);
    assert_int_equal(tg->bandwidth.nr_periods, 2);
    fixture_run(&f, MSEC(1030));
    hog_in(&f, "late", tg, NULL);
    fixture_run(&f, MSEC(1090));
    assert_true(tg->bandwidth.period_active);
    assert_int_equal(engine_when(&f.k->engine, &tg->bandwidth.period_ev), MSEC(1100));
    fixture_close(&f);
}

static const struct action sleep_then_hog[] = {
    { .kind = ACTION_SLEEP, .until = MSEC(450) },
    { .kind = ACTION_RUN, .work = SEC(10) },
};

/* Saved up: a quota of 20 and a burst of 20 are 40 ms, used between 450 and 500. */
static void
a_burst_is_saved_up_and_counted_when_it_is_used(void **state)
{
    (void)state;
    struct fixture f;

    fixture_open(&f, 1, 1, 1, false);
    struct task_group *tg = limited(&f, NULL, "g", MSEC(20), MSEC(100), MSEC(20));
    struct task *p = task_in(&f, "p", tg, NULL, sleep_then_hog, 2);

    fixture_run(&f, MSEC(440));
    assert_int_equal(tg->bandwidth.runtime, MSEC(40));
    assert_in_range(ran_by(&f, p, MSEC(499)), MSEC(40), MSEC(44));
    assert_int_equal(tg->bandwidth.nr_bursts, 0);
    assert_in_range(ran_by(&f, p, MSEC(1000)), MSEC(140), MSEC(144));
    assert_int_equal(tg->bandwidth.nr_bursts, 1);
    assert_int_equal(tg->bandwidth.burst_ns, MSEC(20));
    fixture_close(&f);
}

static struct task *
root_hog(struct fixture *f, const char *name, const char *cpus, uint64_t slice)
{
    struct task *p = hog_in(f, name, NULL, cpus);

    p->se.slice = slice;
    p->se.custom_slice = true;
    return p;
}

/*
 * The hog on CPU 0 is out at 8 ms with a debt of 3: the pool of 15 went in slices of 5 to three
 * CPUs. On the other two the group's tasks wait for long slices to end, with what they hold; when
 * they are done they give back 3.5 ms each, more than a slice together, and 5 ms later the hog goes
 * on.
 */
static void
slack_lets_a_queue_go_on_before_the_refill(void **state)
{
    (void)state;
    static const struct action little[] = {
        { .kind = ACTION_RUN, .work = USEC(500) },
        { .kind = ACTION_SLEEP, .until = SEC(100) },
    };
    struct fixture f;

    fixture_open(&f, 1, 3, 1, false);
    f.k->params.sched.features &= ~((uint64_t)1 << SCHED_FEAT_PREEMPT_SHORT);
    struct task_group *tg = limited(&f, NULL, "g", MSEC(15), MSEC(100), 0);
    struct task *hog = hog_in(&f, "hog", tg, "0");
    root_hog(&f, "first", "1", MSEC(40));
    root_hog(&f, "second", "2", MSEC(40));
    fixture_run(&f, MSEC(1));
    struct task *a = task_in(&f, "a", tg, "1", little, 2),
                *b = task_in(&f, "b", tg, "2", little, 2);

    for (sim_time t = MSEC(2); t < MSEC(60) && !tg->bandwidth.slack_started; t += USEC(100))
        engine_run(&f.k->engine, t); /* nothing is charged but at ticks */
    assert_true(tg->bandwidth.slack_started);
    assert_int_equal(a->se.sum_exec, USEC(500));
    assert_int_equal(b->se.sum_exec, USEC(500));
    assert_int_equal(tg->bandwidth.runtime, MSEC(7));
    assert_true(tg->cfs_rq[0]->throttled);
    assert_int_equal(tg->cfs_rq[0]->runtime_remaining, -MSEC(3));
    sim_time due = engine_when(&f.k->engine, &tg->bandwidth.slack_ev);
    engine_run(&f.k->engine, due);
    assert_int_equal(hog->se.sum_exec, MSEC(8));
    engine_run(&f.k->engine, due + 1);
    assert_false(tg->cfs_rq[0]->throttled);
    assert_int_equal(tg->bandwidth.runtime, MSEC(4) - 1);
    assert_true(ran_by(&f, hog, MSEC(99)) > MSEC(11));
    fixture_close(&f);
}

/* ---- the tree ---- */

static void
queues_below_one_that_is_out_stand_still(void **state)
{
    (void)state;
    struct fixture f;

    fixture_open(&f, 1, 2, 1, false);
    struct task_group *top = limited(&f, NULL, "top", MSEC(10), MSEC(100), 0);
    struct task_group *low = task_group_new(f.k, top, "low");
    hog_in(&f, "hog", low, "0");

    fixture_run(&f, MSEC(50));
    assert_true(top->cfs_rq[0]->throttled);
    assert_false(low->cfs_rq[0]->throttled);
    assert_true(throttled_hierarchy(low->cfs_rq[0]));
    assert_true(throttled_lb_pair(low, 0, 1));
    assert_false(throttled_lb_pair(low, 1, 1));
    uint64_t load = low->cfs_rq[0]->avg.load_avg;
    fixture_run(&f, MSEC(99));
    assert_int_equal(low->cfs_rq[0]->avg.load_avg, load);
    assert_int_equal(top->cfs_rq[0]->avg.util_avg, low->cfs_rq[0]->avg.util_avg);
    fixture_run(&f, MSEC(101)); /* 10 ms ended at the tick of 12 */
    assert_int_equal(top->bandwidth.throttled_ns, MSEC(88));
    assert_int_equal(top->bandwidth.throttled_self_ns, MSEC(88));
    assert_int_equal(low->bandwidth.throttled_self_ns, MSEC(88));
    assert_int_equal(low->bandwidth.throttled_ns, 0);
    fixture_close(&f);
}

/* A task of the lower group comes to a CPU at `arrives`; its averages and its queue's at 250 ms. */
static void
comes_late(bool made_before, sim_time arrives, struct sched_avg *task, struct sched_avg *queue)
{
    struct fixture f;

    fixture_open(&f, 1, 1, 1, false);
    struct task_group *top = limited(&f, NULL, "top", MSEC(10), MSEC(100), 0);
    struct task_group *low = task_group_new(f.k, top, "low");
    if (made_before)
        task_group_cfs_rq(f.k, low, 0);
    hog_in(&f, "hog", top, NULL);
    fixture_run(&f, arrives);
    assert_true((low->cfs_rq[0] != NULL) == made_before);
    struct task *p = hog_in(&f, "late", low, NULL);
    fixture_run(&f, MSEC(250));
    *task = p->se.avg;
    *queue = low->cfs_rq[0]->avg;
    fixture_close(&f);
}

static void
same_averages(const struct sched_avg *a, const struct sched_avg *b)
{
    assert_int_equal(a->last_update_time, b->last_update_time);
    assert_int_equal(a->period_contrib, b->period_contrib);
    assert_int_equal(a->load_sum, b->load_sum);
    assert_int_equal(a->runnable_sum, b->runnable_sum);
    assert_int_equal(a->util_sum, b->util_sum);
}

/* Linux makes a group's queues with the group. */
static void
it_does_not_show_when_a_queue_was_made(void **state)
{
    (void)state;
    /* its parent is out for the first time, runs again, is out again */
    static const sim_time arrivals[] = { MSEC(50) + 700, MSEC(105) + 700, MSEC(150) + 700 };

    for (uint32_t i = 0; i < ARRAY_LEN(arrivals); i++) {
        struct sched_avg task[2], queue[2];

        comes_late(true, arrivals[i], &task[0], &queue[0]);
        comes_late(false, arrivals[i], &task[1], &queue[1]);
        assert_true(queue[0].util_sum > 0);
        same_averages(&task[0], &task[1]);
        same_averages(&queue[0], &queue[1]);
    }
}

/* A task that is woken into a queue without runtime does not get in by that. */
static void
a_wakeup_into_a_group_without_runtime_waits(void **state)
{
    (void)state;
    static const struct action little[] = {
        { .kind = ACTION_RUN, .work = MSEC(1) },
        { .kind = ACTION_SLEEP, .until = SEC(100) },
    };
    struct fixture f;

    fixture_open(&f, 1, 2, 1, false);
    struct task_group *tg = limited(&f, NULL, "g", MSEC(10), MSEC(100), 0);
    hog_in(&f, "hog", tg, "0");
    fixture_run(&f, MSEC(30));
    struct task *p = task_in(&f, "little", tg, "1", little, 2);

    fixture_run(&f, MSEC(90));
    assert_int_equal(p->se.sum_exec, 0);
    assert_true(tg->cfs_rq[1]->throttled);
    assert_true(cpumask_test(f.k->idle_cpus, 1));
    fixture_run(&f, MSEC(110));
    assert_int_equal(p->se.sum_exec, MSEC(1));
    fixture_close(&f);
}

/* ---- quota by period ---- */

struct quota_case {
    uint32_t cpus, hogs;
    uint64_t quota_us, period_us;
};

static double
used_ratio(const struct quota_case *c, bool nested)
{
    enum { FROM = 1, TO = 11 }; /* seconds */
    struct fixture f;
    struct task *hogs[32];
    uint64_t used = 0;

    fixture_open(&f, 1, c->cpus, 1, true);
    struct task_group *tg = limited(&f, NULL, "g", USEC(c->quota_us), USEC(c->period_us), 0);
    struct task_group *at = tg, *other = tg;
    if (nested) { /* together more than what is above them */
        at = limited(&f, tg, "a", USEC(c->quota_us), USEC(c->period_us), 0);
        other = limited(&f, tg, "b", USEC(c->quota_us) * 3 / 4, USEC(c->period_us), 0);
    }
    for (uint32_t i = 0; i < c->hogs; i++)
        hogs[i] = hog_in(&f, "hog", i % 2 ? other : at, NULL);
    task_set_nice(f.k, hog_in(&f, "free", NULL, NULL), 19); /* it takes what the group leaves */
    engine_run(&f.k->engine, SEC(FROM));
    kernel_settle(f.k);
    for (uint32_t i = 0; i < c->hogs; i++)
        used -= hogs[i]->se.sum_exec;
    engine_run(&f.k->engine, SEC(TO));
    kernel_settle(f.k);
    for (uint32_t i = 0; i < c->hogs; i++)
        used += hogs[i]->se.sum_exec;
    double allowed = (double)SEC(TO - FROM) * (double)c->quota_us / (double)c->period_us;
    fixture_close(&f);
    return (double)used / allowed;
}

static void
cpu_max_gives_the_quota_of_each_period_to_one_percent(void **state)
{
    (void)state;
    static const struct quota_case cases[] = {
        { 1, 1, 20000, 100000 },  { 1, 3, 50000, 100000 },   { 1, 1, 1000, 10000 },
        { 1, 2, 3000, 10000 },    { 2, 2, 100000, 100000 },  { 2, 4, 30000, 250000 },
        { 4, 8, 250000, 100000 }, { 4, 4, 10000, 100000 },   { 4, 8, 333000, 1000000 },
        { 8, 16, 40000, 50000 },  { 8, 24, 400000, 100000 },
    };

    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int nested = 0; nested < 2; nested++) {
            double ratio = used_ratio(&cases[i], nested && cases[i].hogs > 1);
            if (ratio < 0.99 || ratio > 1.01)
                fail_msg("case %u, nested %d: %.4f of the quota", i, nested, ratio);
        }
}

static void
bad_limits_are_refused_by_name(void **state)
{
    (void)state;
    assert_null(cfs_bandwidth_refusal(MSEC(1), MSEC(1), 0));
    assert_null(cfs_bandwidth_refusal(MSEC(1), SEC(1), MSEC(1)));
    assert_null(cfs_bandwidth_refusal(CFS_NO_QUOTA, MSEC(100), 0));
    assert_non_null(cfs_bandwidth_refusal(MSEC(1) - 1, MSEC(100), 0));
    assert_non_null(cfs_bandwidth_refusal(MSEC(1), MSEC(1) - 1, 0));
    assert_non_null(cfs_bandwidth_refusal(MSEC(1), SEC(1) + 1, 0));
    assert_non_null(cfs_bandwidth_refusal(MSEC(1), MSEC(100), MSEC(1) + 1));
    assert_non_null(cfs_bandwidth_refusal(CFS_NO_QUOTA, MSEC(100), 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quota_of_five_ticks_is_used_up_at_the_fifth),
        cmocka_unit_test(what_is_used_beyond_the_quota_is_paid_back),
        cmocka_unit_test(a_queue_that_empties_keeps_a_millisecond),
        cmocka_unit_test(the_timer_rests_after_an_idle_period_and_keeps_its_phase),
        cmocka_unit_test(a_burst_is_saved_up_and_counted_when_it_is_used),
        cmocka_unit_test(slack_lets_a_queue_go_on_before_the_refill),
        cmocka_unit_test(queues_below_one_that_is_out_stand_still),
        cmocka_unit_test(it_does_not_show_when_a_queue_was_made),
        cmocka_unit_test(a_wakeup_into_a_group_without_runtime_waits),
        cmocka_unit_test(cpu_max_gives_the_quota_of_each_period_to_one_percent),
        cmocka_unit_test(bad_limits_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

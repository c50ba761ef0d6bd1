/* layer: kernel */
/*
 * The classic CFS: where tasks are placed in virtual time, whom they preempt, and buddies.
 */
#include "cfs_kit.h"

/* ---- placing ---- */

static const struct action nap_actions[] = { { .kind = ACTION_RUN, .work = USEC(100) },
                                             { .kind = ACTION_SLEEP, .until = SEC(1) } };

/* What a wakee was given: min_vruntime less its vruntime. */
static void
note_credit(void *priv, struct kernel *k, struct task *p, int waker_cpu)
{
    int64_t *credit = priv;

    (void)k, (void)waker_cpu;
    if (p->stats.nr_wakeups > 0)
        *credit = p->se.cfs_rq->zero - p->se.vruntime;
}

static int64_t
credit_of_a_sleeper(const char *key, const char *value, enum task_policy policy)
{
    struct fixture f;
    int64_t credit = -1;
    struct observer o = { .priv = &credit, .task_wakeup = note_credit };

    open_cfs(&f, 1, key, value);
    kernel_observe(f.k, &o);
    started_hog(&f, 0);
    struct task *p = fixture_task(&f, "nap", 0, nap_actions, 2);
    struct task_attr attr = { .policy = policy };
    assert_null(task_set_scheduler(f.k, p, &attr));
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(1900));
    assert_int_equal(p->stats.nr_wakeups, 1);
    fixture_close(&f);
    return credit;
}

static void
a_sleeper_is_placed_half_a_latency_back(void **state)
{
    (void)state;
    assert_int_equal(credit_of_a_sleeper(NULL, NULL, POLICY_NORMAL), MSEC(3));
    assert_int_equal(credit_of_a_sleeper("sched.latency", "20ms", POLICY_NORMAL), MSEC(10));
    assert_int_equal(
        credit_of_a_sleeper("sched.features", "NO_GENTLE_FAIR_SLEEPERS", POLICY_NORMAL), MSEC(6));
    assert_int_equal(credit_of_a_sleeper(NULL, NULL, POLICY_IDLE), USEC(375));
}

/* Whoever slept for less than that comes back where it was. */
static void
a_short_sleep_gains_nothing(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *p = started_hog(&f, 0);
    struct cfs_rq *cfs = p->se.cfs_rq;
    cfs->zero = MSEC(100);
    p->se.vruntime = MSEC(99);
    cfs_enqueue(f.k, cfs, &p->se, ENQUEUE_WAKEUP);
    assert_int_equal(p->se.vruntime, MSEC(99));
    p->se.vruntime = MSEC(97) - 1;
    cfs_enqueue(f.k, cfs, &p->se, ENQUEUE_WAKEUP);
    assert_int_equal(p->se.vruntime, MSEC(97));
    fixture_close(&f);
}

/* A new task begins one slice behind what is queued: with one task there, 6 ms / 2. */
static void
a_new_task_waits_for_its_turn(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *a = started_hog(&f, 0);
    struct task *b = fixture_hog(&f, "b", 0), *c = fixture_hog(&f, "c", 5);
    task_start(f.k, b, NULL);
    assert_about((uint64_t)(b->se.vruntime - a->se.cfs_rq->zero), MSEC(3), 8);
    /* weight 335 of 2383: 844 us of run time, 2578 us of its virtual time */
    task_start(f.k, c, NULL);
    assert_about((uint64_t)(c->se.vruntime - a->se.cfs_rq->zero), MSEC(6) * 1024 / 2383, 16);
    fixture_close(&f);
}

/* Queued tasks keep their distance from min_vruntime when they move. */
static void
a_task_that_moves_takes_its_distance_along(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 2, "sched.periodic_balance", "no");
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    struct task *c = fixture_hog(&f, "c", 10);
    task_set_affinity(f.k, a, fixture_cpus(&f, "0"));
    task_set_affinity(f.k, b, fixture_cpus(&f, "0"));
    task_set_affinity(f.k, c, fixture_cpus(&f, "1"));
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    task_start(f.k, c, NULL);
    fixture_run(&f, MSEC(105));
    struct task *waits = f.k->rqs[0].curr == a ? b : a;
    const struct cfs_rq *from = &f.k->rqs[0].cfs, *to = &f.k->rqs[1].cfs;
    assert_true(to->zero - from->zero >
                (int64_t)MSEC(500)); /* nice 10: virtual time goes 9 times as fast */
    int64_t distance = waits->se.vruntime - from->zero;
    task_set_affinity(f.k, waits, fixture_cpus(&f, "1"));
    assert_int_equal(waits->cpu, 1);
    assert_int_equal(waits->se.vruntime - to->zero, distance);
    fixture_close(&f);
}

/* ---- wake-up preemption ---- */

/* The granularity is the wakee's: 1 ms of its own run time, so light ones need more. */
static void
the_wake_up_granularity_is_scaled_by_the_wakees_weight(void **state)
{
    static const struct {
        int nice;
        int64_t gran; /* 1 ms * 1024 / weight */
    } rows[] = { { 0, 1000000 },  { -5, 328099 },   { 5, 3056716 },
                 { 10, 9309090 }, { 19, 68266666 }, { -20, 11536 } };
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sched_entity curr = { .vruntime = SEC(1) };
        struct sched_entity se = { .weight = nice_weight(rows[i].nice),
                                   .inv_weight = nice_inv_weight(rows[i].nice) };

        assert_about(cfs_wakeup_gran(f.k, &se), (uint64_t)rows[i].gran, 1);
        int64_t gran = (int64_t)cfs_wakeup_gran(f.k, &se);
        se.vruntime = curr.vruntime - gran;
        assert_int_equal(cfs_wakeup_preempt_entity(f.k, &curr, &se), 0);
        se.vruntime--;
        assert_int_equal(cfs_wakeup_preempt_entity(f.k, &curr, &se), 1);
        se.vruntime = curr.vruntime;
        assert_int_equal(cfs_wakeup_preempt_entity(f.k, &curr, &se), -1);
    }
    fixture_close(&f);
}

/* A credit of 3 ms exceeds the granularity of nice 0, but not the 3.06 ms of nice 5. */
static uint64_t
wait_of_a_sleeper(const char *key, const char *value, int nice)
{
    struct fixture f;

    open_cfs(&f, 1, key, value);
    started_hog(&f, 0);
    struct task *p = fixture_task(&f, "nap", nice, nap_actions, 2);
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(500));
    uint64_t before = p->stats.wait_ns;
    fixture_run(&f, MSEC(1500));
    uint64_t waited = p->stats.wait_ns - before;
    assert_int_equal(p->stats.nr_wakeups, 1);
    fixture_close(&f);
    return waited;
}

static void
a_sleeper_preempts_if_its_credit_exceeds_the_granularity(void **state)
{
    (void)state;
    assert_int_equal(wait_of_a_sleeper(NULL, NULL, 0), 0);
    assert_true(wait_of_a_sleeper(NULL, NULL, 5) > 0);
    assert_int_equal(wait_of_a_sleeper("sched.wakeup_granularity", "2999999ns", 0), 0);
    assert_true(wait_of_a_sleeper("sched.wakeup_granularity", "3ms", 0) > 0);
}

/* ---- buddies ---- */

static const struct action yield_actions[] = { { .kind = ACTION_RUN, .work = USEC(10) },
                                               { .kind = ACTION_YIELD } };

/* Who yields is skipped while the other is within the wake-up granularity, here 1 ms: beyond it
 * the CPU stays, although it was given away. */
static void
a_yield_is_obeyed_within_the_granularity(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *a = fixture_task(&f, "a", 0, yield_actions, 2);
    struct task *b = started_hog(&f, 0);
    task_start(f.k, a, NULL);
    fixture_run(&f, MSEC(400));
    assert_true(a->stats.nr_voluntary + a->stats.nr_involuntary > 50);
    assert_about(a->stats.run_ns, MSEC(200), MSEC(6)); /* fairness comes first */
    assert_true(b->stats.run_ns > MSEC(190));
    fixture_close(&f);
}

/* Picks by name, of entities whose virtual times are set by hand. */
static void
buddies_are_taken_unless_that_is_unfair(void **state)
{
    struct fixture f;
    struct task *p[3];

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct cfs_rq *cfs = &f.k->rqs[0].cfs;
    for (int i = 0; i < 3; i++) {
        p[i] = fixture_hog(&f, "p", 0);
        p[i]->se.vruntime = USEC(600) * i;
        p[i]->se.on_rq = true;
        cfs_rq_insert(cfs, f.arena, &p[i]->se);
        cfs->nr_queued++;
    }
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[0]->se);
    assert_string_equal(f.k->cfs_rule, "leftmost");
    cfs->skip = &p[0]->se;
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    assert_string_equal(f.k->cfs_rule, "skip_buddy");
    cfs->last = &p[1]->se;
    cfs->skip = NULL;
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    assert_string_equal(f.k->cfs_rule, "last_buddy");
    cfs->next = &p[2]->se; /* 1.2 ms behind: too much */
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    cfs->next = &p[1]->se;
    cfs->last = &p[0]->se;
    assert_ptr_equal(cfs_pick_next_entity(f.k, cfs), &p[1]->se);
    assert_string_equal(f.k->cfs_rule, "next_buddy");
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sleeper_is_placed_half_a_latency_back),
        cmocka_unit_test(a_short_sleep_gains_nothing),
        cmocka_unit_test(a_new_task_waits_for_its_turn),
        cmocka_unit_test(a_task_that_moves_takes_its_distance_along),
        cmocka_unit_test(the_wake_up_granularity_is_scaled_by_the_wakees_weight),
        cmocka_unit_test(a_sleeper_preempts_if_its_credit_exceeds_the_granularity),
        cmocka_unit_test(a_yield_is_obeyed_within_the_granularity),
        cmocka_unit_test(buddies_are_taken_unless_that_is_unfair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

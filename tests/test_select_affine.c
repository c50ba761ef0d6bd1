/* layer: kernel */
/* ---- V11: the vectors of sched-core.md 3.2 ---- */
#include "affine_kit.h"

static void
weights_decide_as_in_the_vectors(void **state)
{
    struct affine_loads l = {
        .task_load = 300,
        .prev_load = 1324,
        .this_capacity = 1024,
        .prev_capacity = 1024,
        .imbalance_pct = 117,
        .bias = true,
    };

    (void)state;
    l.this_load = 700; /* 102400000 < 113246208 */
    assert_true(affine_weight_pulls(&l));
    l.this_load = 1024; /* 135577600 */
    assert_false(affine_weight_pulls(&l));
    l.sync = true;
    l.current_load = 1024; /* 30720000 < 113246209 */
    assert_true(affine_weight_pulls(&l));
}

/* (t + 300) * 100 < 1024 * 108: the last that comes is t = 805. */
static void
the_limit_is_where_the_products_cross(void **state)
{
    struct affine_loads l = {
        .this_load = 805,
        .task_load = 300,
        .prev_load = 1324,
        .this_capacity = 1024,
        .prev_capacity = 1024,
        .imbalance_pct = 117,
        .bias = true,
    };

    (void)state;
    assert_true(affine_weight_pulls(&l));
    l.this_load = 806;
    assert_false(affine_weight_pulls(&l));
    /* without WA_BIAS: t + 300 < 1024 */
    l.bias = false;
    l.this_load = 723;
    assert_true(affine_weight_pulls(&l));
    l.this_load = 724;
    assert_false(affine_weight_pulls(&l));
    /* equal loads: only a synchronous waker pulls */
    l.sync = true;
    assert_true(affine_weight_pulls(&l));
    /* a smaller capacity of the waker's CPU counts against it */
    l.sync = false;
    l.this_load = 211; /* 511 * 1024 < 1024 * 512 */
    l.this_capacity = 512;
    assert_true(affine_weight_pulls(&l));
    l.this_load = 212;
    assert_false(affine_weight_pulls(&l));
}

static void
a_waker_heavier_than_its_queue_pulls(void **state)
{
    struct affine_loads l = { .this_load = 100, .current_load = 101, .sync = true };

    (void)state;
    assert_true(affine_weight_pulls(&l));
    l.current_load = 100; /* nothing is left of either side: 0 < 0 + 1 */
    assert_true(affine_weight_pulls(&l));
    l.sync = false;
    assert_false(affine_weight_pulls(&l));
}

/* A task that is heavier than what its old CPU still remembers: the old side is below zero. */
static void
the_old_side_may_be_negative(void **state)
{
    struct affine_loads l = { .this_load = 0,
                              .task_load = 1024,
                              .prev_load = 24,
                              .this_capacity = 1024,
                              .prev_capacity = 1024,
                              .imbalance_pct = 117,
                              .bias = true };

    (void)state;
    assert_false(affine_weight_pulls(&l));
}

static void
wakees_are_counted_when_they_change(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *waker = run_on(&f, 0), *a = kit_sleeper(&f, 1), *b = kit_sleeper(&f, 2);
    record_wakee(f.k, 0, a);
    record_wakee(f.k, 0, a);
    assert_int_equal(waker->wakee.flips, 1);
    for (int i = 0; i < 5; i++) {
        record_wakee(f.k, 0, b);
        record_wakee(f.k, 0, a);
    }
    assert_int_equal(waker->wakee.flips, 11);
    /* halved once it is more than a second old, however old */
    f.k->engine.now = SEC(1);
    record_wakee(f.k, 0, a);
    assert_int_equal(waker->wakee.flips, 11);
    f.k->engine.now = SEC(1) + MSEC(4);
    record_wakee(f.k, 0, a);
    assert_int_equal(waker->wakee.flips, 5);
    f.k->engine.now = SEC(10);
    record_wakee(f.k, 0, b);
    assert_int_equal(waker->wakee.flips, 3);
    fixture_close(&f);
}

static void
an_idle_cpu_has_a_record_of_its_own(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *a = kit_sleeper(&f, 1), *b = kit_sleeper(&f, 2);
    record_wakee(f.k, 0, a);
    record_wakee(f.k, 0, b);
    assert_int_equal(f.k->rqs[0].idle_wakee.flips, 2);
    assert_int_equal(f.k->rqs[1].idle_wakee.flips, 0);
    fixture_close(&f);
}

/* Wide: the smaller at least the LLC's size f, the larger at least f times the smaller. */
static void
wide_needs_both_sides(void **state)
{
    static const struct {
        uint32_t waker, wakee;
        bool wide;
    } cases[] = {
        { 0, 0, false },    { 63, 8, false },   { 64, 8, true },  { 8, 64, true },
        { 1000, 7, false }, { 7, 1000, false }, { 71, 9, false }, { 72, 9, true },
    };
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *waker = run_on(&f, 0), *p = kit_sleeper(&f, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wakeup w = { .p = p, .this_cpu = 0, .prev = 1 };

        waker->wakee.flips = cases[i].waker;
        p->wakee.flips = cases[i].wakee;
        assert_int_equal(wake_wide(f.k, &w), cases[i].wide);
    }
    fixture_close(&f);
}

static void
a_child_inherits_its_parents_record(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 2, 1, NULL);
    struct task *parent = fixture_hog(&f, "parent", 0), *child = fixture_hog(&f, "child", 0);
    task_start(f.k, parent, NULL);
    parent->wakee = (struct wakee_record){ .flips = 6, .last = 3 };
    task_start(f.k, child, parent);
    assert_int_equal(child->wakee.flips, 6);
    fixture_close(&f);
}

static void
idle_cpus_decide_before_loads(void **state)
{
    static const struct affine_case cases[] = {
        /* the waker's CPU idles (an interrupt), near: prev if that idles too */
        { "0-7", 0, 1, false, 0, 0, 1, AFFINE_IDLE },
        { "0", 0, 1, false, 0, 0, 0, AFFINE_IDLE },
        /* far: only prev, and only if it idles */
        { "0-15", 0, 8, false, 0, 0, 8, AFFINE_IDLE },
        { "0", 0, 8, false, 0, 0, 8, AFFINE_WEIGHT },
        /* a synchronous waker that is alone comes before an idle prev */
        { "1", 0, 1, true, 1, 0, 0, AFFINE_IDLE },
        { "1", 0, 1, true, 2, 0, 1, AFFINE_IDLE },
        { "1", 0, 1, true, 3, 2, 0, AFFINE_IDLE },
        { "8", 0, 8, true, 1, 0, 0, AFFINE_IDLE },
        /* not synchronous */
        { "1", 0, 1, false, 1, 0, 1, AFFINE_IDLE },
        { "", 0, 1, false, 1, 0, 1, AFFINE_WEIGHT },
    };
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_target(&f, &cases[i]);
    fixture_close(&f);
}

/* The waker and one whose dequeue is delayed: today it is alone, in 6.12.0 it was not. */
static void
who_sleeps_already_keeps_no_waker_company_but_in_6_12_0(void **state)
{
    static const struct {
        enum kernel_version version;
        int target;
        enum affine_rule rule;
    } t[] = { { KERNEL_6_12_117, 0, AFFINE_IDLE }, { KERNEL_6_12_0, 1, AFFINE_WEIGHT } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct fixture f;

        kit_plain(&f, 1, 8, 1, NULL);
        f.k->params.sched.kernel = t[i].version;
        run_on(&f, 0);
        struct task *p = kit_sleeper(&f, 1);
        struct wakeup w = { .p = p, .this_cpu = 0, .prev = 1, .sync = true };
        struct rq *here = &f.k->rqs[0];
        kit_only_idle(&f, "2-7");
        here->nr_running = here->cfs.h_nr_queued = 2;
        here->cfs.h_nr_runnable = here->cfs.h_nr_delayed = 1;
        here->cfs.avg.load_avg = 2048;
        wake_affine(f.k, f.k->domains->cpus[0].sd, &w);
        assert_int_equal(w.affine_rule, t[i].rule);
        assert_int_equal(w.target, t[i].target);
        fixture_close(&f);
    }
}

/* V11 again, from the averages of queues and entities: h_load is 301 * 1324 / 1325 = 300, the
 * waker's 1025 * 1024 / 1025 = 1024. */
static int
target_by_averages(uint64_t this_load, bool sync)
{
    struct fixture f;

    kit_plain(&f, 1, 8, 1, NULL);
    struct task *waker = run_on(&f, 0), *p = kit_sleeper(&f, 1);
    struct wakeup w = { .p = p, .this_cpu = 0, .prev = 1, .sync = sync };
    struct rq *here = &f.k->rqs[0], *there = &f.k->rqs[1];
    kit_only_idle(&f, "2-7");
    here->nr_running = here->cfs.h_nr_queued = here->cfs.h_nr_runnable = 2;
    here->cfs.avg.load_avg = this_load;
    there->cfs.avg.load_avg = 1324;
    waker->se.cfs_rq = &here->cfs;
    waker->se.avg.load_avg = 1025;
    p->se.cfs_rq = &there->cfs;
    p->se.avg.load_avg = 301;
    wake_affine(f.k, f.k->domains->cpus[0].sd, &w);
    assert_int_equal(w.affine_rule, AFFINE_WEIGHT);
    assert_int_equal(w.loads.task_load, 300);
    assert_int_equal(w.loads.current_load, sync ? 1024 : 0);
    fixture_close(&f);
    return w.target;
}

static void
averages_decide_as_in_the_vectors(void **state)
{
    (void)state;
    assert_int_equal(target_by_averages(700, false), 0);
    assert_int_equal(target_by_averages(1024, false), 1);
    assert_int_equal(target_by_averages(1024, true), 0);
}

static void
features_leave_out_a_half(void **state)
{
    static const char *const no_idle[] = { "sched.features", "NO_WA_IDLE", NULL };
    static const char *const no_weight[] = { "sched.features", "NO_WA_WEIGHT", NULL };
    static const struct affine_case weight = { "0", 0, 1, false, 0, 0, 1, AFFINE_WEIGHT },
                                    none = { "", 0, 1, false, 1, 0, 1, AFFINE_NONE };
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, no_idle);
    assert_target(&f, &weight);
    fixture_close(&f);
    kit_plain(&f, 2, 8, 1, no_weight);
    assert_target(&f, &none);
    fixture_close(&f);
}

static void
what_is_pulled_is_counted_in_the_domain(void **state)
{
    static const struct affine_case near = { "0", 0, 1, false, 0, 0, 0, AFFINE_IDLE },
                                    far = { "8", 0, 8, true, 1, 0, 0, AFFINE_IDLE };
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, NULL);
    struct sched_domain *mc = f.k->domains->cpus[0].sd, *numa = f.k->domains->cpus[0].numa;
    assert_target(&f, &near);
    assert_int_equal(mc->stat.ttwu_move_affine, 1);
    assert_target(&f, &far);
    assert_int_equal(mc->stat.ttwu_move_affine, 1);
    assert_int_equal(numa->stat.ttwu_move_affine, 1);
    fixture_close(&f);
}

static void
a_wide_waker_and_a_foreign_cpu_do_not_pull(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, NULL);
    struct task *waker = run_on(&f, 0), *p = kit_sleeper(&f, 8);
    kit_only_idle(&f, "1-7,9-15");
    f.k->rqs[0].cfs.h_nr_queued = f.k->rqs[0].cfs.h_nr_runnable = 1;
    /* alone and synchronous: its CPU is the target, and an idle one near it is found */
    assert_int_equal(wake(&f, p, 0, WF_SYNC), 1);
    /* wide: near the old CPU */
    waker->wakee.flips = 1000;
    p->wakee.flips = 8;
    p->recent_used_cpu = 8;
    assert_int_equal(wake(&f, p, 0, WF_SYNC), 9);
    /* not allowed on the waker's CPU */
    waker->wakee.flips = 0;
    kit_allow(&f, p, "1-15");
    assert_int_equal(wake(&f, p, 0, WF_SYNC), 9);
    fixture_close(&f);
}

/* Beyond the reclaim distance the domain has no WAKE_AFFINE: the target stays prev. */
static void
nothing_is_pulled_from_beyond_the_reclaim_distance(void **state)
{
    struct arena *a = arena_new();
    struct fixture f;

    (void)state;
    kit_open(&f, a, fixture_machine(a, 2, 8, 1, 31), NULL);
    struct task *p = kit_sleeper(&f, 8);
    run_on(&f, 0);
    kit_only_idle(&f, "1-7,9-15");
    f.k->rqs[0].cfs.h_nr_queued = f.k->rqs[0].cfs.h_nr_runnable = 1;
    assert_int_equal(wake(&f, p, 0, WF_SYNC), 9);
    assert_int_equal(p->sched.nr_wakeups_affine_attempts, 0);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_decide_as_in_the_vectors),
        cmocka_unit_test(the_limit_is_where_the_products_cross),
        cmocka_unit_test(a_waker_heavier_than_its_queue_pulls),
        cmocka_unit_test(the_old_side_may_be_negative),
        cmocka_unit_test(wakees_are_counted_when_they_change),
        cmocka_unit_test(an_idle_cpu_has_a_record_of_its_own),
        cmocka_unit_test(wide_needs_both_sides),
        cmocka_unit_test(a_child_inherits_its_parents_record),
        cmocka_unit_test(idle_cpus_decide_before_loads),
        cmocka_unit_test(who_sleeps_already_keeps_no_waker_company_but_in_6_12_0),
        cmocka_unit_test(averages_decide_as_in_the_vectors),
        cmocka_unit_test(features_leave_out_a_half),
        cmocka_unit_test(what_is_pulled_is_counted_in_the_domain),
        cmocka_unit_test(a_wide_waker_and_a_foreign_cpu_do_not_pull),
        cmocka_unit_test(nothing_is_pulled_from_beyond_the_reclaim_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

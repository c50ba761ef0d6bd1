/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/pelt.h"

/* Vectors: sched-core.md 2.9, which were taken from the kernel's own functions. */

#define PERIODS(n) ((uint64_t)(n) << 20)

static void
loads_decay_by_half_in_32_periods(void **state)
{
    static const struct {
        uint64_t x, n, left;
    } vectors[] = {
        { 1024, 1, 1002 },    { 1024, 2, 980 },     { 1024, 4, 939 },     { 1024, 8, 861 },
        { 1024, 16, 724 },    { 1024, 31, 523 },    { 1024, 32, 511 },    { 1024, 64, 255 },
        { 1024, 96, 127 },    { 1024, 128, 63 },    { 47742, 1, 46718 },  { 47742, 8, 40146 },
        { 47742, 16, 33758 }, { 47742, 32, 23870 }, { 47742, 64, 11934 }, { 1 << 30, 2017, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        assert_int_equal(decay_load(vectors[i].x, vectors[i].n), vectors[i].left);
}

static void
a_task_that_always_runs_fills_up(void **state)
{
    static const uint64_t vectors[][2] = { { 1, 21 },     { 2, 43 },    { 4, 85 },   { 8, 162 },
                                           { 16, 299 },   { 32, 512 },  { 64, 768 }, { 128, 960 },
                                           { 256, 1020 }, { 345, 1023 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct sched_avg sa = { 0 };

        assert_true(pelt_update(&sa, PERIODS(vectors[i][0]), 1, 1, true, 1024));
        assert_int_equal(sa.util_avg, vectors[i][1]);
        assert_int_equal(sa.load_avg, vectors[i][1]);
    }
}

static void
updates_once_a_period_round_as_the_kernel_does(void **state)
{
    static const uint64_t vectors[][2] = { { 1, 21 },     { 2, 43 },    { 4, 85 },   { 8, 163 },
                                           { 16, 300 },   { 32, 512 },  { 64, 768 }, { 128, 960 },
                                           { 256, 1020 }, { 345, 1024 } };
    struct sched_avg sa = { 0 };
    size_t v = 0;

    (void)state;
    for (uint64_t n = 1; n <= 345; n++) {
        pelt_update(&sa, PERIODS(n), 1, 1, true, 1024);
        if (n == vectors[v][0])
            assert_int_equal(sa.util_avg, vectors[v++][1]);
    }
    assert_int_equal(v, ARRAY_LEN(vectors));
}

static void
a_full_signal_fades_while_asleep(void **state)
{
    static const uint64_t vectors[][2] = { { 1, 1002 }, { 8, 861 },  { 16, 724 }, { 32, 511 },
                                           { 64, 255 }, { 128, 63 }, { 256, 3 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct sched_avg sa = { .util_sum = (uint64_t)PELT_MIN_DIVIDER * 1024 };

        pelt_update(&sa, PERIODS(vectors[i][0]), 0, 0, false, 1024);
        assert_int_equal(sa.util_avg, vectors[i][1]);
    }
}

static void
half_the_time_swings_around_the_half(void **state)
{
    struct sched_avg sa = { 0 };
    uint64_t now = 0;

    (void)state;
    for (int cycle = 0; cycle < 100; cycle++) {
        now += PERIODS(8);
        pelt_update(&sa, now, 1, 1, true, 1024);
        if (cycle == 99)
            assert_int_equal(sa.util_avg, 556);
        now += PERIODS(8);
        pelt_update(&sa, now, 0, 0, false, 1024);
    }
    assert_int_equal(sa.util_avg, 467);
}

static void
periods_may_be_entered_in_the_middle(void **state)
{
    struct sched_avg sa = { 0 };

    (void)state;
    assert_false(pelt_update(&sa, 500 << 10, 1, 1, true, 1024));
    assert_int_equal(sa.load_sum, 500);
    assert_true(pelt_update(&sa, 1500 << 10, 1, 1, true, 1024));
    assert_int_equal(sa.period_contrib, 476);
    assert_int_equal(sa.load_sum, 1477);
    assert_int_equal(sa.util_sum, 1512740);
    assert_int_equal(sa.util_avg, 32);
    assert_true(pelt_update(&sa, 4000 << 10, 1, 1, true, 1024));
    assert_int_equal(sa.period_contrib, 928);
    assert_int_equal(sa.load_sum, 3867);
    assert_int_equal(sa.util_sum, 3960476);
    assert_int_equal(sa.util_avg, 83);
}

static void
what_is_attached_can_be_detached(void **state)
{
    struct sched_avg cfs = { 0 }, se = { 0 };

    (void)state;
    pelt_update(&cfs, PERIODS(100), 2048, 2, true, 1);
    struct sched_avg before = cfs;
    pelt_update(&se, PERIODS(20), 1, 1, true, 335);
    pelt_attach(&cfs, &se, 335);
    assert_int_equal(cfs.util_avg, before.util_avg + se.util_avg);
    assert_int_equal(cfs.load_avg, before.load_avg + se.load_avg);
    assert_int_equal(se.last_update_time, cfs.last_update_time);
    pelt_detach(&cfs, &se, 335);
    assert_int_equal(cfs.util_avg, before.util_avg);
    assert_int_equal(cfs.load_avg, before.load_avg);
    pelt_detach(&cfs, &se, 335); /* twice: never below zero */
    pelt_detach(
        &cfs, &(struct sched_avg){ .util_avg = 5000, .load_avg = 9000, .runnable_avg = 9000 }, 335);
    assert_int_equal(cfs.util_avg, 0);
    assert_int_equal(cfs.load_avg, 0);
}

/* First task on an idle CPU 512; the next ones at most half of what is left. */
/* 100 full tasks of nice 0: 99 * 1024 * 47742 is 2^32 and 544925696, and what is above 32 bits goes
 * when one leaves; of what the average needs (101376 * 46718) 441116672 is left, which is less. */
static void
sums_of_more_than_32_bits_are_cut(void **state)
{
    struct sched_avg se = {
        .load_avg = 1024, .load_sum = 47742, .runnable_avg = 1024, .runnable_sum = 1024 * 47742
    };
    struct sched_avg cfs = { .load_avg = 102400,
                             .load_sum = 100ull * 1024 * 47742,
                             .runnable_avg = 102400,
                             .runnable_sum = 100ull * 1024 * 47742 };

    (void)state;
    pelt_detach(&cfs, &se, 1024);
    assert_int_equal(cfs.load_avg, 101376);
    assert_int_equal(cfs.load_sum, 544925696);
    assert_int_equal(cfs.runnable_avg, 101376);
    assert_int_equal(cfs.runnable_sum, 544925696);
}

static void
new_tasks_share_what_the_cpu_has_left(void **state)
{
    struct sched_avg cfs = { 0 }, first, second;

    (void)state;
    pelt_init_task(&first, 1024);
    assert_int_equal(first.load_avg, 1024);
    pelt_post_init_task(&first, &cfs, 1024, 1024);
    assert_int_equal(first.util_avg, 512);
    pelt_attach(&cfs, &first, 1024);
    pelt_init_task(&second, 1024);
    pelt_post_init_task(&second, &cfs, 1024, 1024);
    assert_int_equal(second.util_avg, 256);
}

static void
util_est_rises_at_once_and_falls_by_a_quarter(void **state)
{
    struct sched_avg se = { .util_avg = 400, .runnable_avg = 400, .util_est = 100 };

    (void)state;
    util_est_update(&se, 1024);
    assert_int_equal(task_util_est(&se), 400);
    se.util_avg = se.runnable_avg = 200;
    util_est_update(&se, 1024); /* skipped: no update of PELT since */
    assert_int_equal(se.util_est, 400 | UTIL_AVG_UNCHANGED);
    se.util_est = 400;
    util_est_update(&se, 1024);
    assert_int_equal(se.util_est & ~UTIL_AVG_UNCHANGED, 350); /* 400 - 200/4 */
    se.util_est = 350;
    se.util_avg = se.runnable_avg = 341; /* nine less: within the margin */
    util_est_update(&se, 1024);
    assert_int_equal(se.util_est & ~UTIL_AVG_UNCHANGED, 350);
    se.util_est = 350;
    se.util_avg = se.runnable_avg = 340; /* ten less: not */
    util_est_update(&se, 1024);
    assert_int_equal(se.util_est & ~UTIL_AVG_UNCHANGED, 347);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_decay_by_half_in_32_periods),
        cmocka_unit_test(a_task_that_always_runs_fills_up),
        cmocka_unit_test(updates_once_a_period_round_as_the_kernel_does),
        cmocka_unit_test(a_full_signal_fades_while_asleep),
        cmocka_unit_test(half_the_time_swings_around_the_half),
        cmocka_unit_test(periods_may_be_entered_in_the_middle),
        cmocka_unit_test(what_is_attached_can_be_detached),
        cmocka_unit_test(sums_of_more_than_32_bits_are_cut),
        cmocka_unit_test(new_tasks_share_what_the_cpu_has_left),
        cmocka_unit_test(util_est_rises_at_once_and_falls_by_a_quarter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

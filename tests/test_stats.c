/* layer: report */
/*
 * Expected values: the "heights" sample 4, 8, 6, 5, 3 has mean 5.2 and variance 3.7 by hand; the
 * 97.5 % points of Student's t are those of printed tables (12.706, 4.303, 2.776 for 1, 2, 4
 * degrees of freedom).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/stats.h"

#define assert_near(x, expected, within) assert_true(fabs((x) - (expected)) <= (within))

static void
five_repeats_have_the_interval_of_student(void **state)
{
    (void)state;
    const double x[] = { 4, 8, 6, 5, 3 };
    struct repeat_stats s;

    repeat_stats(x, 5, &s);

    assert_int_equal(s.n, 5);
    assert_near(s.mean, 5.2, 1e-12);
    assert_near(s.stddev, sqrt(3.7), 1e-12);
    assert_near(s.median, 5, 0);
    assert_near(s.ci95_low, 5.2 - 2.776445 * sqrt(3.7 / 5), 1e-5);
    assert_near(s.ci95_high, 5.2 + 2.776445 * sqrt(3.7 / 5), 1e-5);
}

static void
two_repeats_are_the_fewest_with_an_interval(void **state)
{
    (void)state;
    const double x[] = { 1, 2 };
    struct repeat_stats s;

    repeat_stats(x, 1, &s);
    assert_near(s.mean, 1, 0);
    assert_true(isnan(s.stddev) && isnan(s.ci95_low) && isnan(s.ci95_high));

    repeat_stats(x, 2, &s);
    assert_near(s.median, 1.5, 0);
    assert_near(s.ci95_high - s.mean, 12.7062 * sqrt(0.5) / sqrt(2), 1e-4);
}

static void
ratios_are_paired_by_seed(void **state)
{
    (void)state;
    /* Each seed is exactly half as long: whatever the seeds do, the ratios have no spread. */
    const double base[] = { 100, 220, 340 }, x[] = { 50, 110, 170 };
    struct ratio_stats r;

    ratio_stats(x, base, 3, &r);

    assert_near(r.ratio, 0.5, 0);
    assert_near(r.ci95_low, 0.5, 1e-12);
    assert_near(r.ci95_high, 0.5, 1e-12);
}

static void
interval_of_ratios_is_students_around_their_mean(void **state)
{
    (void)state;
    /* ratios 1, 2, 3: mean 2, stddev 1; ratio of means (10 + 40 + 90) / 60. */
    const double base[] = { 10, 20, 30 }, x[] = { 10, 40, 90 };
    struct ratio_stats r;

    ratio_stats(x, base, 3, &r);

    assert_near(r.ratio, 140.0 / 60, 1e-12);
    assert_near(r.ci95_low, 2 - 4.302653 / sqrt(3), 1e-5);
    assert_near(r.ci95_high, 2 + 4.302653 / sqrt(3), 1e-5);
}

static void
a_baseline_of_zero_has_no_ratio(void **state)
{
    (void)state;
    const double zero[] = { 0, 0 }, some[] = { 0, 4 }, x[] = { 1, 2 };
    struct ratio_stats r;

    ratio_stats(x, zero, 2, &r);
    assert_true(isnan(r.ratio) && isnan(r.ci95_low));

    ratio_stats(x, some, 2, &r);
    assert_near(r.ratio, 0.75, 1e-12);
    assert_true(isnan(r.ci95_low));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_repeats_have_the_interval_of_student),
        cmocka_unit_test(two_repeats_are_the_fewest_with_an_interval),
        cmocka_unit_test(ratios_are_paired_by_seed),
        cmocka_unit_test(interval_of_ratios_is_students_around_their_mean),
        cmocka_unit_test(a_baseline_of_zero_has_no_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

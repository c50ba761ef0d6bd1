/* layer: workload */
/* Distributions of durations: moments that formulas give, and the arithmetic below them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "workload/chance.h"

enum { DRAWS = 400000 };

static struct chance
chance(struct arena *a, enum wdist_kind kind, uint64_t x, uint64_t y, uint32_t shape_ppm,
       bool has_median)
{
    struct wdist d = { .kind = kind,
                       .a = wexpr_const(a, x),
                       .b = wexpr_const(a, y),
                       .shape_ppm = shape_ppm,
                       .has_median = has_median };
    struct wenv env = { 0 };
    struct chance c;

    assert_null(chance_init(&c, &d, &env));
    return c;
}

/* Mean, and mean square in units of the mean's, of many draws. */
static void
moments(const struct chance *c, double *mean, double *cv)
{
    struct rng rng;
    double sum = 0, squares = 0;

    rng_init(&rng, 7, "test", 0);
    for (int i = 0; i < DRAWS; i++) {
        double x = (double)chance_draw(c, &rng);
        sum += x;
        squares += x * x;
    }
    *mean = sum / DRAWS;
    *cv = squares / DRAWS / (*mean * *mean) - 1; /* squared */
}

static void
assert_moments(struct chance c, double mean, double cv_squared, double tolerance)
{
    double m, v;

    moments(&c, &m, &v);
    if (m < mean * (1 - tolerance) || m > mean * (1 + tolerance))
        fail_msg("mean %g, not %g", m, mean);
    if (v < cv_squared * (1 - 5 * tolerance) - 1e-4 || v > cv_squared * (1 + 5 * tolerance) + 1e-4)
        fail_msg("squared coefficient of variation %g, not %g", v, cv_squared);
}

static void
distributions_have_their_means_and_spreads(void **state)
{
    struct arena *a = arena_new();

    assert_moments(chance(a, WDIST_CONSTANT, 5000, 0, 0, false), 5000, 0, 0);
    assert_moments(chance(a, WDIST_UNIFORM, 1000000, 3000000, 0, false), 2000000, 1.0 / 12, 0.01);
    assert_moments(chance(a, WDIST_EXPONENTIAL, 1000000, 0, 0, false), 1000000, 1, 0.01);
    assert_moments(chance(a, WDIST_NORMAL, 1000000, 100000, 0, false), 1000000, 0.01, 0.01);
    assert_moments(chance(a, WDIST_LOGNORMAL, 1000000, 0, 1000000, false), 1000000, 1, 0.02);
    assert_moments(chance(a, WDIST_LOGNORMAL, 1000000, 0, 500000, false), 1000000, 0.25, 0.01);
    /* median m and sigma s: mean m e^(s^2 / 2), squared cv e^(s^2) - 1; s = 0.5 */
    assert_moments(chance(a, WDIST_LOGNORMAL, 1000000, 0, 500000, true), 1133148.5, 0.2840254,
                   0.01);
    /* alpha 4: mean 4/3 of the smallest, squared cv 1 / (alpha (alpha - 2)) */
    assert_moments(chance(a, WDIST_PARETO, 900000, 0, 4000000, false), 1200000, 0.125, 0.02);
    arena_free(a);
}

/*
 * Generalized Pareto: mean location + scale / (1 - k), variance scale^2 / ((1 - k)^2 (1 - 2k)).
 * Extreme value: mean location + scale (G1 - 1) / k, variance scale^2 (G2 - G1^2) / k^2, where Gi
 * is the gamma function of 1 - i k; k = 0 is Gumbel's. The numbers are those of a published store's
 * keys and times between requests, in thousandths.
 */
static void
generalized_distributions_have_their_means_and_spreads(void **state)
{
    struct arena *a = arena_new();

    (void)state;
    assert_moments(chance(a, WDIST_GENERALIZED_PARETO, 0, 16030, 155000, false), 18970.4, 1.449275,
                   0.02);
    assert_moments(chance(a, WDIST_GENERALIZED_PARETO, 1000000, 500000, 0, false), 1500000, 1.0 / 9,
                   0.01);
    assert_moments(chance(a, WDIST_GENERALIZED_EXTREME_VALUE, 30800, 8200, 78700, false), 36221.8,
                   0.106175, 0.01);
    assert_moments(chance(a, WDIST_GENERALIZED_EXTREME_VALUE, 30800, 8200, 0, false), 35533.2,
                   0.087601, 0.01);
    arena_free(a);
}

/* Sizes of a few bytes keep their median: the location and scale of keys in whole bytes. */
static void
generalized_draws_have_their_quantiles(void **state)
{
    struct arena *a = arena_new();
    /* F(x) = exp(-(1 + 0.0787 (x - 31) / 8)^(-1 / 0.0787)) at 33.5 and at 50.5 */
    struct chance c = chance(a, WDIST_GENERALIZED_EXTREME_VALUE, 31, 8, 78700, false);
    struct rng rng;
    int below = 0, tail = 0;

    (void)state;
    rng_init(&rng, 3, "test", 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = chance_draw(&c, &rng);
        below += x < 34; /* rounded: below 33.5 */
        tail += x > 50;  /* above 50.5 */
    }
    assert_in_range(below, DRAWS * (0.4798 - 0.005), DRAWS * (0.4798 + 0.005));
    assert_in_range(tail, DRAWS * (0.1020 - 0.005), DRAWS * (0.1020 + 0.005));
    arena_free(a);
}

static void
a_pareto_draw_stays_between_its_ends(void **state)
{
    struct arena *a = arena_new();
    struct chance c = chance(a, WDIST_PARETO, 1000, 50000, 500000, false);
    struct rng rng;

    rng_init(&rng, 1, "test", 0);
    for (int i = 0; i < 10000; i++)
        assert_in_range(chance_draw(&c, &rng), 1000, 50000);
    arena_free(a);
}

static void
the_exponential_function_is_exact_to_a_billionth(void **state)
{
#define Q32(x) ((int64_t)((x)*4294967296.0))
    assert_int_equal(mul_exp_q32(1000000000, 0), 1000000000);
    assert_in_range(mul_exp_q32(1000000000, Q32(1)), 2718281827, 2718281830);
    assert_in_range(mul_exp_q32(1000000000, -Q32(1)), 367879440, 367879442);
    assert_in_range(mul_exp_q32(1000000000, Q32(10)), 22026465780000, 22026465810000);
    assert_in_range(mul_exp_q32(1000000000, -Q32(10)), 45399, 45400);
    assert_int_equal(mul_exp_q32(1000, Q32(1000)), CHANCE_MAX);
    assert_int_equal(mul_exp_q32(1000, -Q32(1000)), 0);
    assert_int_equal(mul_exp_q32(0, Q32(1000)), 0);
}

static void
the_logarithm_is_exact_to_a_billionth(void **state)
{
    assert_int_equal(ln_q32((uint64_t)1 << 32), 0);
    assert_in_range(ln_q32((uint64_t)2 << 32), 2977044471 - 4, 2977044472 + 4);
    assert_in_range(ln_q32((uint64_t)10 << 32), 9889527670 - 8, 9889527671 + 8);
    assert_in_range(ln_q32((uint64_t)1 << 63), 92288378626 - 64, 92288378626 + 64); /* 31 ln 2 */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_have_their_means_and_spreads),
        cmocka_unit_test(generalized_distributions_have_their_means_and_spreads),
        cmocka_unit_test(generalized_draws_have_their_quantiles),
        cmocka_unit_test(a_pareto_draw_stays_between_its_ends),
        cmocka_unit_test(the_exponential_function_is_exact_to_a_billionth),
        cmocka_unit_test(the_logarithm_is_exact_to_a_billionth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

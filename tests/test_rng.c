/* layer: base */
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DRAWS = 1000000 };

/* Computed with arbitrary-precision integers from the definition in rng.h. */
static void
draws_are_the_same_everywhere(void **state)
{
    (void)state;
    struct rng r;

    assert_true(rng_at(1, 2) == UINT64_C(0x35452a0ba5eab5e9));
    assert_true(rng_at(UINT64_MAX, UINT64_MAX) == UINT64_C(0x62906cc43ecdd963));
    rng_init(&r, 42, "arrivals", 7);
    assert_true(rng_u64(&r) == UINT64_C(0xde5101284e4017fe));
    assert_true(rng_u64(&r) == UINT64_C(0xe2875de50bd07032));
    assert_true(rng_u64(&r) == UINT64_C(0xea9cdb577765e04e));
    assert_int_equal(r.counter, 3);
}

static void
streams_differ_by_seed_purpose_and_index(void **state)
{
    (void)state;
    struct rng r[6];

    rng_init(&r[0], 1, "a", 0);
    rng_init(&r[1], 2, "a", 0);
    rng_init(&r[2], 1, "b", 0);
    rng_init(&r[3], 1, "a", 1);
    rng_init(&r[4], 1, "ab", 0);
    rng_init(&r[5], 1, "ba", 0);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            assert_true(r[i].key != r[j].key);
}

/* Chi-square of 256 cells: mean 255, deviation 22.6. */
static double
chi_square(const uint32_t cells[256], uint32_t draws)
{
    double expected = draws / 256.0, sum = 0;

    for (int i = 0; i < 256; i++)
        sum += (cells[i] - expected) * (cells[i] - expected) / expected;
    return sum;
}

static void
every_byte_of_a_stream_is_uniform(void **state)
{
    (void)state;
    for (int byte = 0; byte < 8; byte++) {
        uint32_t cells[256] = { 0 };
        struct rng r;

        rng_init(&r, 3, "bytes", 0);
        for (int i = 0; i < DRAWS; i++)
            cells[rng_u64(&r) >> (8 * byte) & 255]++;
        assert_true(fabs(chi_square(cells, DRAWS) - 255) < 5 * 22.6);
    }
}

static void
neighbouring_streams_are_unrelated(void **state)
{
    (void)state;
    uint32_t cells[256] = { 0 };

    for (uint32_t i = 0; i < DRAWS; i++) {
        struct rng a, b;

        rng_init(&a, 3, "task", i);
        rng_init(&b, 3, "task", i + 1);
        cells[(rng_u64(&a) - rng_u64(&b)) >> 56]++;
    }
    assert_true(fabs(chi_square(cells, DRAWS) - 255) < 5 * 22.6);
}

static void
one_bit_of_key_or_counter_changes_half_of_the_draw(void **state)
{
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        uint64_t key_flips = 0, counter_flips = 0;

        for (uint64_t i = 1; i <= 10000; i++) {
            uint64_t key = i * UINT64_C(0xd1342543de82ef95), at = rng_at(key, i);

            key_flips += (uint64_t)__builtin_popcountll(at ^ rng_at(key ^ UINT64_C(1) << bit, i));
            counter_flips +=
                (uint64_t)__builtin_popcountll(at ^ rng_at(key, i ^ UINT64_C(1) << bit));
        }
        /* 320000 expected, deviation 400 */
        assert_in_range(key_flips, 317500, 322500);
        assert_in_range(counter_flips, 317500, 322500);
    }
}

static void
below_stays_below_and_reaches_every_value(void **state)
{
    (void)state;
    struct rng r;
    uint32_t seen[7] = { 0 };

    rng_init(&r, 5, "below", 0);
    for (int i = 0; i < 70000; i++)
        seen[rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500);
    assert_int_equal(rng_below(&r, 1), 0);
}

/* A stream whose next draw is `draw` cannot be made, so the shape is checked through many draws:
 * the variate must be the exact function of the draw that rng_at() foretells. */
static void
exponential_is_the_logarithm_of_the_draw(void **state)
{
    (void)state;
    struct rng r;
    double sum = 0;

    rng_init(&r, 1, "exponential", 0);
    for (int i = 0; i < DRAWS; i++) {
        double u = (double)rng_at(r.key, r.counter) * 0x1p-64;
        double v = (double)rng_exponential(&r, SEC(1));

        if (fabs(v + log(u) * 1e9) > 1e9 * 0x1p-22 + 1)
            fail_msg("u %.17g: %.17g", u, v);
        sum += v;
    }
    assert_true(fabs(sum / DRAWS - 1e9) < 5e6); /* deviation of the mean: 1e6 */
    assert_int_equal(rng_exponential(&r, 0), 0);
    assert_true(rng_exponential(&r, UINT64_MAX / 64) > 0);
}

static void
normal_is_the_quantile_of_the_draw(void **state)
{
    (void)state;
    struct rng r;
    double sum = 0, squares = 0;
    int64_t most = 0;

    rng_init(&r, 1, "normal", 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t draw = rng_at(r.key, r.counter);
        int64_t q = rng_normal_q16(&r);
        double z = (double)q / 65536, p = (double)(draw | 1) * 0x1p-65;
        /* the distribution function taken back must give the draw, within 2^-15 of a deviation */
        double density = exp(-z * z / 2) / sqrt(2 * M_PI);
        double back = 0.5 * erfc(fabs(z) / sqrt(2));

        if (fabs(back - p) > density * 0x1p-14 + 1e-12)
            fail_msg("p %.17g: z %.17g", p, z);
        assert_true(draw & 1 ? z <= 0 : z >= 0);
        sum += z;
        squares += z * z;
        most = SIM_MAX(most, q);
    }
    assert_true(fabs(sum / DRAWS) < 0.005);
    assert_true(fabs(squares / DRAWS - 1) < 0.007);
    assert_in_range(most, 4 * 65536, 7 * 65536);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_the_same_everywhere),
        cmocka_unit_test(streams_differ_by_seed_purpose_and_index),
        cmocka_unit_test(every_byte_of_a_stream_is_uniform),
        cmocka_unit_test(neighbouring_streams_are_unrelated),
        cmocka_unit_test(one_bit_of_key_or_counter_changes_half_of_the_draw),
        cmocka_unit_test(below_stays_below_and_reaches_every_value),
        cmocka_unit_test(exponential_is_the_logarithm_of_the_draw),
        cmocka_unit_test(normal_is_the_quantile_of_the_draw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/weight.h"

/* Vectors: sched-core.md 2.1. */

static const uint32_t weights[40] = {
    88761, 71755, 56483, 46273, 36291, /* -20 */
    29154, 23254, 18705, 14949, 11916, /* -15 */
    9548,  7620,  6100,  4904,  3906,  /* -10 */
    3121,  2501,  1991,  1586,  1277,  /* -5 */
    1024,  820,   655,   526,   423,   /* 0 */
    335,   272,   215,   172,   137,   /* 5 */
    110,   87,    70,    56,    45,    /* 10 */
    36,    29,    23,    18,    15,    /* 15 */
};

static void
weights_are_the_kernels(void **state)
{
    (void)state;
    for (int nice = -20; nice <= 19; nice++)
        assert_int_equal(nice_weight(nice), weights[nice + 20]);
    assert_int_equal(SCHED_IDLE_WEIGHT, 3);
}

/* The stored inverse is floor(2^32 / w), and one more for these. */
static void
thirteen_inverses_are_rounded_up(void **state)
{
    static const uint32_t up[] = { 56483, 46273, 6100, 4904, 2501, 1586, 1277,
                                   820,   655,   423,  335,  272,  70 };
    uint32_t nr_up = 0;

    (void)state;
    for (int nice = -20; nice <= 19; nice++) {
        uint32_t w = weights[nice + 20], more = 0;
        for (size_t i = 0; i < ARRAY_LEN(up); i++)
            more |= up[i] == w;
        nr_up += more;
        assert_int_equal(nice_inv_weight(nice), ((uint64_t)1 << 32) / w + more);
    }
    assert_int_equal(nr_up, 13);
}

/* V2: the base slice of 8 CPUs in virtual time. */
static void
a_slice_is_longer_or_shorter_by_weight(void **state)
{
    static const struct {
        int nice;
        uint64_t vslice;
    } vectors[] = { { -20, 32302 }, { -5, 918679 }, { 5, 8558806 }, { 19, 191146666 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        int nice = vectors[i].nice;
        assert_int_equal(calc_delta_fair(2800000, nice_inv_weight(nice)), vectors[i].vslice);
    }
}

/* A group of 1048577 weighs 1024 when scaled down, but its inverse is that of any weight: floor of
 * (2^32 - 1) / 1024, so a millisecond loses the fraction. */
static void
only_exactly_nice_0_is_not_scaled(void **state)
{
    (void)state;
    assert_int_equal(calc_delta_fair(1000000, nice_inv_weight(0)), 1000000);
    /* nice 0 takes no rounding, however long (the kernel returns delta as it is) */
    assert_int_equal(calc_delta_fair(0x8123456789abcdef, nice_inv_weight(0)), 0x8123456789abcdef);
    assert_int_equal(weight_inverse(1024), 4194303);
    assert_int_equal(calc_delta_fair(1000000, weight_inverse(1024)), 999999);
}

static void
inverse_weights_are_the_stored_ones(void **state)
{
    (void)state;
    assert_int_equal(nice_inv_weight(0), 4194304);
    assert_int_equal(nice_inv_weight(1), 5237765);
    assert_int_equal(nice_inv_weight(19), 286331153);
    assert_int_equal(weight_inverse(SCHED_IDLE_WEIGHT), 1431655765);
    assert_int_equal(weight_inverse(0), UINT32_MAX);
    assert_int_equal(weight_inverse((uint64_t)1 << 32), 1);
}

static void
time_is_scaled_by_weight_as_the_kernel_rounds_it(void **state)
{
    static const struct {
        int nice;
        uint64_t vdelta;
    } vectors[] = {
        { -20, 11536 }, { -10, 107247 }, { -5, 328099 },  { -1, 801879 },   { 0, 1000000 },
        { 1, 1248780 }, { 5, 3056716 },  { 10, 9309090 }, { 19, 68266666 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        int nice = vectors[i].nice;
        assert_int_equal(calc_delta_fair(1000000, nice_inv_weight(nice)), vectors[i].vdelta);
    }
    assert_int_equal(calc_delta_fair(1000000, weight_inverse(SCHED_IDLE_WEIGHT)), 341333333);
}

static void
unfair_delta_is_the_least_that_reaches_the_target(void **state)
{
    (void)state;
    for (int nice = -20; nice <= 19; nice++) {
        uint32_t w = nice_weight(nice), inv = nice_inv_weight(nice);
        for (uint64_t v = 1; v < 100000000; v = v * 3 + 1) {
            uint64_t d = calc_delta_unfair(v, w, inv);
            assert_true(calc_delta_fair(d, inv) >= v);
            assert_true(d == 0 || calc_delta_fair(d - 1, inv) < v);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_the_kernels),
        cmocka_unit_test(thirteen_inverses_are_rounded_up),
        cmocka_unit_test(a_slice_is_longer_or_shorter_by_weight),
        cmocka_unit_test(only_exactly_nice_0_is_not_scaled),
        cmocka_unit_test(inverse_weights_are_the_stored_ones),
        cmocka_unit_test(time_is_scaled_by_weight_as_the_kernel_rounds_it),
        cmocka_unit_test(unfair_delta_is_the_least_that_reaches_the_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/weight.h"

/* Vectors: sched-core.md 2.1. */

static void
weights_are_the_kernels(void **state)
{
    (void)state;
    assert_int_equal(nice_weight(-20), 88761);
    assert_int_equal(nice_weight(-5), 3121);
    assert_int_equal(nice_weight(0), 1024);
    assert_int_equal(nice_weight(5), 335);
    assert_int_equal(nice_weight(19), 15);
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
        assert_int_equal(calc_delta_fair(1000000, nice_weight(nice), nice_inv_weight(nice)),
                         vectors[i].vdelta);
    }
    assert_int_equal(calc_delta_fair(1000000, SCHED_IDLE_WEIGHT, weight_inverse(SCHED_IDLE_WEIGHT)),
                     341333333);
}

static void
unfair_delta_is_the_least_that_reaches_the_target(void **state)
{
    (void)state;
    for (int nice = -20; nice <= 19; nice++) {
        uint32_t w = nice_weight(nice), inv = nice_inv_weight(nice);
        for (uint64_t v = 1; v < 100000000; v = v * 3 + 1) {
            uint64_t d = calc_delta_unfair(v, w, inv);
            assert_true(calc_delta_fair(d, w, inv) >= v);
            assert_true(d == 0 || calc_delta_fair(d - 1, w, inv) < v);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_the_kernels),
        cmocka_unit_test(inverse_weights_are_the_stored_ones),
        cmocka_unit_test(time_is_scaled_by_weight_as_the_kernel_rounds_it),
        cmocka_unit_test(unfair_delta_is_the_least_that_reaches_the_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

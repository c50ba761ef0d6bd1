/* layer: base */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The quotient changes at multiples: there a factor that is a little off shows first. */
static void
check_around(uint64_t x, uint64_t n, struct divisor d)
{
    uint64_t multiple = x - x % n;

    assert_true(divide_by(x, d) == x / n);
    assert_true(divide_by(multiple, d) == multiple / n);
    if (multiple > 0)
        assert_true(divide_by(multiple - 1, d) == (multiple - 1) / n);
}

static void
quotients_are_those_of_the_division(void **state)
{
    struct rng r;

    (void)state;
    rng_init(&r, 1, "divisors", 0);
    for (int i = 0; i < 200000; i++) {
        uint64_t n = 2 + (rng_u64(&r) >> 2 >> rng_u64(&r) % 62);
        uint64_t x = rng_u64(&r) >> 1 >> rng_u64(&r) % 40;

        check_around(x, n, divisor_of(n));
    }
}

/* Ticks of 100, 250, 300 and 1000 Hz, powers of two and their neighbours, up to the last dividend.
 */
static void
limits_hold(void **state)
{
    static const uint64_t ticks[] = { 10000000, 4000000, 3333333, 1000000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ticks); i++)
        check_around(INT64_MAX, ticks[i], divisor_of(ticks[i]));
    for (uint32_t bit = 1; bit < 63; bit++)
        for (uint64_t n = ((uint64_t)1 << bit) - 1; n <= ((uint64_t)1 << bit) + 1; n++)
            if (n > 1)
                check_around(INT64_MAX, n, divisor_of(n));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotients_are_those_of_the_division),
        cmocka_unit_test(limits_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

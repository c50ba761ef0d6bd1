/* layer: kernel */
/*
 * Sums of pages in need: which of several counts holds the nth page is told without a loop, and
 * must be what a loop finds.
 */
#include "sim_fixture.h"

#include "kernel/page_needs.h"

enum { ROUNDS = 2000 };

static uint32_t
by_loop(const uint16_t *counts, uint32_t nth, uint32_t *rest)
{
    uint32_t i = 0;

    for (; nth >= counts[i]; i++)
        nth -= counts[i];
    *rest = nth;
    return i;
}

/* Sixteen counts up to `most`; mode 0: all of them that, 1: few are not 0. How many in all. */
static uint32_t
draw_counts(struct rng *rng, int mode, uint32_t most, uint16_t counts[16])
{
    uint32_t all = 0;

    for (int i = 0; i < 16; i++) {
        counts[i] = (uint16_t)(mode == 0 ? most : rng_below(rng, most + 1));
        if (mode == 1 && rng_below(rng, 8) > 0)
            counts[i] = 0;
        all += counts[i];
    }
    return all;
}

static void
nth_page_lies_where_a_loop_finds_it(void **state)
{
    struct rng rng;
    (void)state;

    rng_init(&rng, 1, "needs", 0);
    for (int round = 0; round < ROUNDS; round++) {
        bool parts = round % 2;
        uint32_t most = parts ? PART_PAGES : CHUNK_PAGES, rest, expected;
        uint16_t counts[16];
        uint8_t bytes[16];
        uint32_t all = draw_counts(&rng, round % 3, most, counts);

        for (int i = 0; i < 16; i++)
            bytes[i] = (uint8_t)counts[i];
        for (uint32_t nth = 0; nth < all; nth += 1 + (uint32_t)rng_below(&rng, most / 16)) {
            uint32_t i = by_loop(counts, nth, &expected);

            rest = nth;
            assert_int_equal(
                parts ? needs_pick_part(bytes, &rest) : needs_pick_chunk(counts, &rest), i);
            assert_int_equal(rest, expected);
        }
    }
}

static void
nth_bit_is_that_of_a_loop(void **state)
{
    struct rng rng;
    (void)state;

    rng_init(&rng, 2, "needs", 0);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t mask = (uint32_t)rng_below(&rng, (uint64_t)1 << 32), nth = 0;

        if (round % 4 == 0)
            mask = round % 8 == 0 ? UINT32_MAX : mask & (mask << 7) & (mask >> 9);
        for (uint32_t bit = 0; bit < 32; bit++)
            if (mask >> bit & 1)
                assert_int_equal(needs_nth_bit(mask, nth++), bit);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_page_lies_where_a_loop_finds_it),
        cmocka_unit_test(nth_bit_is_that_of_a_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: base */
#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena *arena;

static int
setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* The highest value that counts as the same. */
static uint64_t
seen_as(uint64_t value)
{
    struct histogram h;

    histogram_init(&h, arena);
    histogram_record(&h, value);
    return histogram_percentile(&h, 5000);
}

/* HdrHistogram's documentation: 2048 sub-buckets of 1, then 1024 of 2, 1024 of 4 ... */
static void
a_bucket_is_twice_as_coarse_as_the_one_before(void **state)
{
    (void)state;
    assert_int_equal(seen_as(0), 0);
    assert_int_equal(seen_as(1), 1);
    assert_int_equal(seen_as(2047), 2047);
    assert_int_equal(seen_as(2048), 2049);
    assert_int_equal(seen_as(2049), 2049);
    assert_int_equal(seen_as(2050), 2051);
    assert_int_equal(seen_as(4095), 4095);
    assert_int_equal(seen_as(4096), 4099);
    assert_int_equal(seen_as(10000), 10007);
    assert_true(seen_as(UINT64_MAX) == UINT64_MAX);
}

static void
slots_follow_each_other_without_gaps(void **state)
{
    (void)state;
    uint32_t slots = 2048 + 53 * 1024;

    assert_true(histogram_slot_low(0) == 0);
    for (uint32_t i = 0; i < slots; i++) {
        uint64_t low = histogram_slot_low(i), high = histogram_slot_high(i);

        assert_true(low <= high);
        assert_true((high - low) <= low / 1000);
        if (i + 1 < slots)
            assert_true(histogram_slot_low(i + 1) == high + 1);
    }
    assert_true(histogram_slot_high(slots - 1) == UINT64_MAX);
}

static void
percentiles_are_nearest_rank(void **state)
{
    (void)state;
    struct histogram h;

    histogram_init(&h, arena);
    assert_int_equal(histogram_percentile(&h, 5000), 0);
    for (uint64_t v = 1; v <= 10; v++)
        histogram_record(&h, v * 100);
    assert_int_equal(histogram_percentile(&h, 0), 100);
    assert_int_equal(histogram_percentile(&h, 1000), 100);
    assert_int_equal(histogram_percentile(&h, 1001), 200);
    assert_int_equal(histogram_percentile(&h, 5000), 500);
    assert_int_equal(histogram_percentile(&h, 5001), 600);
    assert_int_equal(histogram_percentile(&h, 9000), 900);
    assert_int_equal(histogram_percentile(&h, 9001), 1000);
    assert_int_equal(histogram_percentile(&h, 10000), 1000);
    assert_int_equal(h.min, 100);
    assert_int_equal(h.max, 1000);
    assert_int_equal(h.sum, 5500);
}

static void
adding_is_recording_everything_again(void **state)
{
    (void)state;
    struct histogram small, large, both, sum;

    histogram_init(&small, arena);
    histogram_init(&large, arena);
    histogram_init(&both, arena);
    histogram_init(&sum, arena);
    for (uint64_t v = 1; v < 1000000000; v = v * 3 / 2 + 1) {
        histogram_record(v < 5000 ? &small : &large, v);
        histogram_record(&both, v);
    }
    histogram_add(&sum, &small);
    histogram_add(&sum, &large);
    assert_int_equal(sum.total, both.total);
    assert_int_equal(sum.sum, both.sum);
    assert_int_equal(sum.min, both.min);
    assert_int_equal(sum.max, both.max);
    assert_int_equal(sum.nr_slots, both.nr_slots);
    for (uint32_t i = 0; i < both.nr_slots; i++)
        assert_int_equal(histogram_count(&sum, i), histogram_count(&both, i));
}

/* A table that HdrHistogram wrote: every value in it ends a bucket of ours too, and its percentiles
 * are ours once its counts are recorded. Its values are milliseconds with three decimals. */
static void
a_table_written_by_hdrhistogram_reads_the_same(void **state)
{
    (void)state;
    FILE *file = fopen(SHARED_DIR "/corpus/hdr/example1.hgrm", "r");
    struct {
        double value, at;
        unsigned long long total;
    } rows[256];
    uint32_t n = 0, checked = 0;
    struct histogram h;
    char line[256];

    if (file == NULL) {
        print_message("skipped: %s/corpus/hdr is not here\n", SHARED_DIR);
        skip();
    }
    histogram_init(&h, arena);
    while (fgets(line, sizeof(line), file) != NULL && n < ARRAY_LEN(rows))
        n += sscanf(line, "%lf %lf %llu", &rows[n].value, &rows[n].at, &rows[n].total) == 3;
    fclose(file);
    assert_true(n > 50);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t value = (uint64_t)(rows[i].value * 1000 + 0.5);

        assert_true(seen_as(value) == value);
        for (uint64_t k = i > 0 ? rows[i - 1].total : 0; k < rows[i].total; k++)
            histogram_record(&h, value);
    }
    assert_int_equal(h.total, 475109);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = (uint32_t)(rows[i].at * 10000 + 0.5);

        if ((double)at / 10000 != rows[i].at)
            continue;
        checked++;
        assert_int_equal(histogram_percentile(&h, at), (uint64_t)(rows[i].value * 1000 + 0.5));
    }
    assert_true(checked >= 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_bucket_is_twice_as_coarse_as_the_one_before),
        CASE(slots_follow_each_other_without_gaps),
        CASE(percentiles_are_nearest_rank),
        CASE(adding_is_recording_everything_again),
        CASE(a_table_written_by_hdrhistogram_reads_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

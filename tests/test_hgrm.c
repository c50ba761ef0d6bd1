/* layer: report */
/*
 * Percentile files against one that HdrHistogram's own tools wrote: its distribution is known at
 * every level, so slots with just these counts must give the same rows.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "report/hgrm.h"

static const char EXAMPLE[] = SHARED_DIR "/corpus/hdr/example1.hgrm";

struct row {
    double value, level, total, inverse;
};

/* Rows of numbers; `inf` and a missing column are infinity. */
static GArray *
read_rows(const char *text)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(struct row));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 1; lines[i] != NULL; i++) {
        struct row r = { .inverse = INFINITY };
        if (sscanf(lines[i], "%lf %lf %lf %lf", &r.value, &r.level, &r.total, &r.inverse) >= 3)
            g_array_append_val(out, r);
    }
    return out;
}

static GArray *
slots_of(const GArray *rows)
{
    GArray *slots = g_array_new(FALSE, FALSE, sizeof(struct hgrm_slot));
    double before = 0;

    for (guint i = 0; i < rows->len; i++) {
        const struct row *r = &g_array_index(rows, struct row, i);
        struct hgrm_slot slot = { (uint64_t)(r->value * 1000 + 0.5),
                                  (uint64_t)(r->total - before) };
        if (slot.count > 0)
            g_array_append_val(slots, slot);
        before = r->total;
    }
    return slots;
}

static void
rows_are_those_of_the_tools(void **state)
{
    g_autofree char *text = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    (void)state;
    if (!g_file_get_contents(EXAMPLE, &text, NULL, NULL))
        skip();
    g_autoptr(GArray) want = read_rows(text);
    g_autoptr(GArray) slots = slots_of(want);
    hgrm_text((const struct hgrm_slot *)(const void *)slots->data, slots->len, out);
    g_autoptr(GArray) got = read_rows(out->str);
    assert_true(want->len > 80);
    assert_int_equal(got->len, want->len);
    for (guint i = 0; i < want->len; i++) {
        const struct row *a = &g_array_index(got, struct row, i);
        const struct row *b = &g_array_index(want, struct row, i);
        assert_true(fabs(a->value - b->value) < 5e-4 && fabs(a->level - b->level) < 6e-7);
        assert_true(fabs(a->total - b->total) < 0.5);
        assert_true(i + 1 == want->len ? isinf(a->inverse) : fabs(a->inverse - b->inverse) < 6e-3);
    }
}

/* Ten of 100 ns, ten of 300 and one of 5000 to 5003, by hand. */
static void
layout_and_footer_are_as_published(void **state)
{
    static const struct hgrm_slot slots[] = { { 100, 10 }, { 300, 10 }, { 5003, 1 } };
    g_autoptr(GString) out = g_string_new(NULL);

    (void)state;
    hgrm_text(slots, G_N_ELEMENTS(slots), out);
    g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
    assert_string_equal(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
    assert_string_equal(lines[1], "");
    assert_string_equal(lines[2], "       0.100 0.000000000000         10           1.00");
    assert_string_equal(lines[7], "       0.300 0.500000000000         20           2.00");
    /* 20 of 21 are 95.2 %: behind 93.75 and 95 comes 95.0 + 100 / 160 */
    guint nr = g_strv_length(lines);
    assert_string_equal(lines[nr - 5], "       5.003 1.000000000000         21");
    /* the middle of a slot of four is its third value */
    double mean = (10 * 100 + 10 * 300 + 5002) / 21.0;
    g_autofree char *first = g_strdup_printf(
        "#[Mean    = %12.3f, StdDeviation   = %12.3f]", mean / 1000,
        sqrt((10 * pow(100 - mean, 2) + 10 * pow(300 - mean, 2) + pow(5002 - mean, 2)) / 21) / 1e3);
    assert_string_equal(lines[nr - 4], first);
    assert_string_equal(lines[nr - 3], "#[Max     =        5.003, Total count    =           21]");
    assert_string_equal(lines[nr - 2], "#[Buckets =            3, SubBuckets     =         2048]");
    g_string_truncate(out, 0);
    hgrm_text(slots, 0, out);
    assert_int_equal(out->len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_the_tools),
        cmocka_unit_test(layout_and_footer_are_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: cli */
/* Fits to measured points: those of the shared data, curves whose parameters are known, bad files.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib/gstdio.h>

#include "config/measured.h"
#include "report/curve_fit.h"

static char *
write_temporary(const char *text)
{
    char *path = g_build_filename(g_get_tmp_dir(), "numasim-calibrate-XXXXXX", NULL);
    int fd = g_mkstemp(path);

    assert_true(fd >= 0);
    assert_true(g_close(fd, NULL));
    assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

/* What is said of a file with this text, its name cut off; *curves may be NULL. */
static char *
load_text(const char *text, GPtrArray **curves)
{
    g_autofree char *path = write_temporary(text);
    struct diag d;

    diag_init(&d);
    GPtrArray *got = measured_load(path, &d);
    g_autofree char *messages = diag_text(&d);
    g_auto(GStrv) parts = g_strsplit(messages, path, -1);
    diag_clear(&d);
    g_remove(path);
    if (curves != NULL)
        *curves = got;
    else if (got != NULL)
        g_ptr_array_unref(got);
    return g_strjoinv("FILE", parts);
}

static GArray *
curve_points(const struct measured_curve *c)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(struct curve_point));

    for (guint i = 0; i < c->points->len; i++) {
        const struct measured_point *p = &g_array_index(c->points, struct measured_point, i);
        struct curve_point point = { p->gb_per_s, p->latency_ns };
        g_array_append_val(out, point);
    }
    return out;
}

static void
a_curve_of_known_parameters_is_found(void **state)
{
    (void)state;
    static const struct {
        double a, d;
    } cases[] = { { 0.225, 0.2 }, { 0.085, 0.06 }, { 1.04, 1.0 }, { 0.02, 0.001 }, { 3, 0.5 } };

    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        struct curve_point points[12];
        struct curve_fit fit;
        for (guint i = 0; i < 12; i++)
            points[i] = (struct curve_point){ 120.0 * i / 11 + 1e-9,
                                              80 * curve_rise(cases[c].a, cases[c].d, i / 11.0) };
        assert_true(curve_fit(points, 12, 0, 0, &fit));
        assert_true(fabs(fit.a / cases[c].a - 1) < 1e-3);
        assert_true(fabs(fit.d / cases[c].d - 1) < 1e-3);
        assert_true(fit.rms < 1e-4);
        assert_int_equal(fit.nr_used, 11);
    }
}

/* No other a and d of a fine grid is better. */
static void
the_fit_is_the_least_error_of_all(void **state)
{
    (void)state;
    static const struct curve_point points[] = { { 2, 81 },    { 20, 90 },   { 60, 93 },
                                                 { 110, 101 }, { 160, 122 }, { 215, 227 } };
    struct curve_fit fit;

    assert_true(curve_fit(points, G_N_ELEMENTS(points), 81, 216.7, &fit));
    for (double a = 0.005; a < 2; a += 0.005)
        for (double d = 0.005; d <= 1.0; d += 0.005) {
            double sum = 0;
            for (guint i = 0; i < fit.nr_used; i++)
                sum += pow(
                    81 * curve_rise(a, d, points[i].gb_per_s / 216.7) / points[i].latency_ns - 1,
                    2);
            assert_true(sqrt(sum / fit.nr_used) > fit.rms - 1e-9);
        }
}

static void
too_few_points_below_saturation_are_no_curve(void **state)
{
    (void)state;
    static const struct curve_point points[] = {
        { 10, 80 }, { 50, 90 }, { 99.6, 150 }, { 100, 200 }
    };
    struct curve_fit fit;

    assert_false(curve_fit(points, 4, 0, 0, &fit));
    assert_int_equal(fit.nr_used, 2);
    assert_false(curve_fit(points, 0, 0, 0, &fit));
}

static void
what_writes_cost_is_found(void **state)
{
    (void)state;
    static const struct mix_point points[] = { { 0, 100 }, { 0.25, 85 }, { 0.5, 70 } };
    double k, rms;

    assert_true(derate_fit(points, 3, &k, &rms));
    assert_true(fabs(k - 0.6) < 1e-9 && rms < 1e-9);
    assert_false(derate_fit(points, 1, &k, &rms));
    assert_false(derate_fit(points + 1, 2, &k, &rms));
}

/* Row of the fits: machine, scope, L0, Bmax, A, d, rms, largest; the scope may be quoted. */
static void
check_row(const struct measured_curve *c, const char *row)
{
    g_autoptr(GArray) points = curve_points(c);
    const char *numbers =
        strchr(row, '"') != NULL ? strrchr(row, '"') + 2 : strchr(strchr(row, ',') + 1, ',') + 1;
    g_auto(GStrv) n = g_strsplit(numbers, ",", -1);
    double peak = g_ascii_strtod(n[1], NULL), a = g_ascii_strtod(n[2], NULL),
           d = g_ascii_strtod(n[3], NULL), rms = g_ascii_strtod(n[4], NULL), rise = 0;
    struct curve_fit fit;

    assert_true(
        curve_fit((const struct curve_point *)(const void *)points->data, points->len, 0, 0, &fit));
    assert_true(fabs(fit.peak_gb_per_s / peak - 1) < 0.002);
    assert_true(fit.rms < rms + 0.0006); /* theirs is rounded to a thousandth */
    assert_true(fit.rms > rms - 0.0025); /* and searched on a grid */
    for (double u = 0.05; u < CURVE_SATURATED; u += 0.05)
        rise = MAX(rise, fabs(curve_rise(fit.a, fit.d, u) / curve_rise(a, d, u) - 1));
    if (rise > 0.05)
        fail_msg("%s: a %.3f (%.3f), d %.3f (%.3f): %.1f %% apart", c->name, fit.a, a, fit.d, d,
                 rise * 100);
}

static void
the_fits_are_those_of_the_shared_data(void **state)
{
    (void)state;
    const char *path = SHARED_DIR "/data/loaded_latency.csv";
    g_autofree char *text = NULL;
    struct diag d;
    guint found = 0;

    if (!g_file_get_contents(SHARED_DIR "/data/loaded_latency_fits.csv", &text, NULL, NULL)) {
        print_message("skipped: the shared data is absent\n");
        skip();
    }
    g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
    diag_init(&d);
    g_autoptr(GPtrArray) curves = measured_load(path, &d);
    assert_non_null(curves);
    diag_clear(&d);
    for (guint i = 0; i < curves->len; i++) {
        const struct measured_curve *c = g_ptr_array_index(curves, i);
        for (guint n = 1; rows[n] != NULL; n++) {
            g_auto(GStrv) parts = g_strsplit(rows[n], "\"", -1);
            g_autofree char *plain = g_strjoinv("", parts);
            g_auto(GStrv) name = g_strsplit(c->name, ", ", 2);
            g_autofree char *head = g_strdup_printf("%s,%s,", name[0], name[1]);
            if (!g_str_has_prefix(plain, head))
                continue;
            check_row(c, rows[n]);
            found++;
        }
    }
    assert_int_equal(found, g_strv_length(rows) - 2); /* header, and nothing behind the last line */
}

static void
both_forms_of_input_are_read(void **state)
{
    (void)state;
    static const char mlc[] =
        "Measuring idle latencies (in ns)...\n\t\tNuma node\n       0\t81.3\n\n"
        "ALL Reads        :\t215637.6\n1:1 Reads-Writes :\t149532.3\n"
        "Stream-triad like:\t159546.9\n\n"
        "Measuring Loaded Latencies for the system\n"
        "Inject\tLatency\tBandwidth\nDelay\t(ns)\tMB/sec\n=====\n"
        " 00000\t281.66\t 215759.0\n 20000\t 80.95\t   2546.0\r\n\n"
        "Measuring cache-to-cache transfer latency (in ns)...\n 1 2 3\n";
    static const char csv[] = "\"name\",mix,\"bandwidth, MB/s\",delay,latency_ns,source\n"
                              "\"a, \"\"b\"\"\",ALL Reads,1000,7,90,x\na,75% read,2000,8,,y\n";
    GPtrArray *curves;
    g_autofree char *none = load_text(mlc, &curves);

    assert_string_equal(none, "");
    assert_int_equal(curves->len, 1);
    GArray *points = ((struct measured_curve *)g_ptr_array_index(curves, 0))->points;
    assert_int_equal(points->len, 5);
    assert_float_equal(g_array_index(points, struct measured_point, 1).written, 0.5, 1e-9);
    assert_float_equal(g_array_index(points, struct measured_point, 2).written, -1, 1e-9);
    assert_float_equal(g_array_index(points, struct measured_point, 3).gb_per_s, 215.759, 1e-9);
    assert_float_equal(g_array_index(points, struct measured_point, 4).latency_ns, 80.95, 1e-9);
    g_ptr_array_unref(curves);

    g_autofree char *nothing = load_text(csv, &curves);
    assert_string_equal(nothing, "");
    assert_int_equal(curves->len, 2);
    struct measured_curve *first = g_ptr_array_index(curves, 0), *second = curves->pdata[1];
    assert_string_equal(first->name, "a, \"b\"");
    assert_float_equal(g_array_index(first->points, struct measured_point, 0).gb_per_s, 1, 1e-9);
    assert_float_equal(g_array_index(second->points, struct measured_point, 0).written, 0.25, 1e-9);
    assert_float_equal(g_array_index(second->points, struct measured_point, 0).latency_ns, 0, 1e-9);
    g_ptr_array_unref(curves);
}

static void
bad_files_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "",
          "FILE: holds no measured points; write CSV with bandwidth_gb_s,latency_ns, or give the "
          "output of MLC\n" },
        { "latency_ns,latency\n1,2\n",
          "FILE:1:1: the header names 0 columns of bandwidth and 2 of latency; write one of each, "
          "as "
          "in bandwidth_gb_s,latency_ns, or give the output of MLC\n" },
        { "bandwidth,latency_ns\n1,2\n",
          "FILE:1:1: the column of bandwidth does not say its unit; write bandwidth_gb_s or "
          "bandwidth_mb_s\n" },
        { "GB_per_s,latency_ns\n1,x\n2,3\n-4,5\n1e999,5\n7\n",
          "FILE:2:3: latency: 'x' is not a number above 0\n"
          "FILE:4:1: bandwidth: '-4' is not a number above 0\n"
          "FILE:5:1: bandwidth: '1e999' is not a number above 0\n"
          "FILE:6:1: 1 fields, but the header has 2\n" },
        { "GB_per_s,latency_ns\n", "FILE: holds no measured points; write CSV with "
                                   "bandwidth_gb_s,latency_ns, or give the output of MLC\n" },
        { "\xff\xfe,latency\n", "FILE: is not text in UTF-8\n" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *said = load_text(cases[i].text, NULL);
        assert_string_equal(said, cases[i].message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_of_known_parameters_is_found),
        cmocka_unit_test(the_fit_is_the_least_error_of_all),
        cmocka_unit_test(too_few_points_below_saturation_are_no_curve),
        cmocka_unit_test(what_writes_cost_is_found),
        cmocka_unit_test(the_fits_are_those_of_the_shared_data),
        cmocka_unit_test(both_forms_of_input_are_read),
        cmocka_unit_test(bad_files_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

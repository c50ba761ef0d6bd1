/* layer: report */
/*
 * Comparisons from folders made by hand. Interval: t(0.975, 1) = 12.706 of two seeds; with values
 * 10 and 12 the standard error is 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>

#include "report/comparison.h"
#include "report/plot.h"

static const char *const policies[] = { "topology", "static:pack", NULL };

static char *
run_folder(const char *dir, const char *name, const char *work_done, const char *of_process)
{
    char *path = g_build_filename(dir, name, NULL);
    g_autofree char *summary =
        g_strdup_printf("topology,workload,policy,seed,complete,work_done,wait_p99_ns\n"
                        "m,w,p,1,1,%s,\n",
                        work_done);
    g_autofree char *processes =
        g_strdup_printf("scope,id,work_done\nprocess,\"a,b\",%s\n", of_process);

    assert_int_equal(g_mkdir(path, 0777), 0);
    assert_true(write_whole_file(path, "summary.csv", summary, NULL));
    assert_true(write_whole_file(path, "processes.csv", processes, NULL));
    return path;
}

static void
remove_run(char *path)
{
    const char *files[] = { "summary.csv", "processes.csv" };

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_build_filename(path, files[i], NULL);
        g_unlink(file);
    }
    g_rmdir(path);
    g_free(path);
}

struct folders {
    char *dir, *runs[4];
};

static int
set_up(void **state)
{
    struct folders *f = g_new0(struct folders, 1);

    f->dir = g_dir_make_tmp("numasim-test-XXXXXX", NULL);
    f->runs[0] = run_folder(f->dir, "t1", "10", "1");
    f->runs[1] = run_folder(f->dir, "t2", "12", "1");
    f->runs[2] = run_folder(f->dir, "p1", "5", "3");
    f->runs[3] = run_folder(f->dir, "p2", "6", "");
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct folders *f = *state;
    g_autofree char *csv = g_build_filename(f->dir, "compare.csv", NULL);

    for (guint i = 0; i < 4; i++)
        remove_run(f->runs[i]);
    g_unlink(csv);
    g_rmdir(f->dir);
    g_free(f->dir);
    g_free(f);
    return 0;
}

static char *
compare(const struct folders *f, const guint *order, guint nr)
{
    struct comparison *c = comparison_new("m", "w", policies, 2);
    g_autofree char *path = g_build_filename(f->dir, "compare.csv", NULL);
    char *text = NULL;

    for (guint i = 0; i < nr; i++)
        assert_true(comparison_add(c, order[i] / 2, order[i] % 2, f->runs[order[i]], NULL));
    assert_true(comparison_write(c, f->dir, NULL));
    comparison_free(c);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void
rows_have_means_intervals_and_paired_ratios(void **state)
{
    const guint order[] = { 0, 1, 2, 3 };
    g_autofree char *text = compare(*state, order, 4);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    assert_string_equal(lines[0],
                        "topology,workload,policy,scope,id,metric,unit,n,mean,stddev,ci95_low,"
                        "ci95_high,median,vs_baseline,vs_baseline_ci95_low,vs_baseline_ci95_high");
    g_auto(GStrv) base = g_strsplit(lines[1], ",", -1), pack = g_strsplit(lines[3], ",", -1);
    assert_true(g_str_has_prefix(lines[1], "m,w,topology,run,,work_done,,2,11,1.41421356"));
    assert_true(fabs(g_ascii_strtod(base[10], NULL) - (11 - 12.7062)) < 1e-3);
    assert_string_equal(base[13], "1");
    /* Each seed did exactly half: no spread in the ratio. */
    assert_true(g_str_has_prefix(lines[3], "m,w,static:pack,run,,work_done,,2,5.5,"));
    assert_string_equal(pack[13], "0.5");
    assert_string_equal(pack[14], "0.5");
    assert_string_equal(pack[15], "0.5");
}

static void
a_missing_value_takes_its_seed_out_of_the_ratio(void **state)
{
    const guint order[] = { 0, 1, 2, 3 };
    g_autofree char *text = compare(*state, order, 4);

    /* seed 2 has no value under static:pack: one pair is left, 3 / 1 */
    assert_non_null(strstr(text, "m,w,static:pack,process,\"a,b\",work_done,,1,3,,,,3,3,,\n"));
}

static void
a_run_that_failed_is_one_repeat_less(void **state)
{
    const guint order[] = { 0, 2, 3 };
    g_autofree char *text = compare(*state, order, 3);

    assert_non_null(strstr(text, "m,w,topology,run,,work_done,,1,10,,,,10,1,,\n"));
    assert_non_null(strstr(text, "m,w,static:pack,run,,work_done,,2,5.5,"));
}

static void
the_table_has_a_line_of_values_and_one_of_ratios(void **state)
{
    struct folders *f = *state;
    struct comparison *c = comparison_new("m", "w", policies, 1);
    g_autoptr(GString) out = g_string_new(NULL);

    g_autofree char *summary = g_build_filename(f->runs[0], "summary.csv", NULL);
    assert_true(g_file_set_contents(summary, "elapsed_ns,throughput\n2000000000,1500\n", -1, NULL));
    assert_true(comparison_add(c, 0, 0, f->runs[0], NULL));
    assert_true(comparison_add(c, 1, 0, f->runs[0], NULL));
    comparison_table(c, out);
    comparison_free(c);

    assert_string_equal(out->str, "policy          elapsed   work/s\n"
                                  "topology         2.00 s    1.50k\n"
                                  "static:pack      2.00 s    1.50k\n"
                                  "  vs topology     1.00x    1.00x\n");
}

static void
values_for_people_have_three_digits_and_a_unit(void **state)
{
    (void)state;
    static const struct {
        double value;
        enum metric_scale scale;
        const char *text;
    } cases[] = {
        { 999, SCALE_TIME_NS, "999 ns" },    { 999.6, SCALE_TIME_NS, "1.00 us" },
        { 4.1e6, SCALE_TIME_NS, "4.10 ms" }, { 72e9, SCALE_TIME_NS, "72.0 s" },
        { 0.613, SCALE_RATIO, "61.3%" },     { 999, SCALE_PLAIN, "999" },
        { 123456, SCALE_PLAIN, "123k" },     { 8.25e9, SCALE_BYTES, "8.25 GB" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = human_value(cases[i].value, cases[i].scale);
        assert_string_equal(text, cases[i].text);
    }
}

/* Names come from files of others, and gnuplot runs what stands between backquotes. */
static void
names_in_a_script_are_only_text(void **state)
{
    (void)state;
    g_autofree char *dir = g_dir_make_tmp("numasim-test-XXXXXX", NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *plots = g_build_filename(dir, "plots", NULL);
    g_autofree char *script = g_build_filename(plots, "locality.gp", NULL);
    g_autofree char *data = g_build_filename(plots, "locality.dat", NULL);
    g_autofree char *text = NULL;

    assert_true(write_whole_file(dir, "summary.csv",
                                 "topology,workload,policy,seed\nm,'`touch x`'\\,p,1\n", NULL));
    assert_true(write_whole_file(dir, "timeseries.csv",
                                 "time_ns,scope,id,metric,value\n"
                                 "1,run,,local_access_ratio,1\n",
                                 NULL));
    assert_true(plot_write(dir, names, NULL));
    assert_int_equal(names->len, 1);
    assert_true(g_file_get_contents(script, &text, NULL, NULL));
    assert_null(strchr(text, '`'));
    assert_non_null(strstr(text, "about = '''?touch x?''? on m'"));

    g_autofree char *summary = g_build_filename(dir, "summary.csv", NULL);
    g_autofree char *series = g_build_filename(dir, "timeseries.csv", NULL);
    const char *made[] = { script, data, summary, series };
    for (guint i = 0; i < G_N_ELEMENTS(made); i++)
        g_unlink(made[i]);
    g_rmdir(plots);
    g_rmdir(dir);
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        folder_test(rows_have_means_intervals_and_paired_ratios),
        folder_test(a_missing_value_takes_its_seed_out_of_the_ratio),
        folder_test(a_run_that_failed_is_one_repeat_less),
        folder_test(the_table_has_a_line_of_values_and_one_of_ratios),
        cmocka_unit_test(values_for_people_have_three_digits_and_a_unit),
        cmocka_unit_test(names_in_a_script_are_only_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

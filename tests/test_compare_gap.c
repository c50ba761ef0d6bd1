/* layer: report */
/* The gap to best, from folders made by hand: one of runs that end, one of runs as long as each
 * other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "report/comparison.h"

static const char *const policies[] = { "topology", "static:best", "autonuma", NULL };

/* compare.csv and the table of three runs with these lengths and rates. */
static char *
compare(const char *const *elapsed, const char *const *throughput, char **table)
{
    g_autofree char *dir = g_dir_make_tmp("numasim-test-XXXXXX", NULL);
    struct comparison *c = comparison_new("m", "w", policies, 1);
    const char *files[] = { "summary.csv", "processes.csv", "compare.csv" };
    GString *text = g_string_new(NULL);
    char *csv;

    for (guint p = 0; p < 3; p++) {
        g_autofree char *row =
            g_strdup_printf("topology,workload,policy,seed,complete,elapsed_ns,throughput\n"
                            "m,w,p,1,1,%s,%s\n",
                            elapsed[p], throughput[p]);
        assert_true(write_whole_file(dir, "summary.csv", row, NULL));
        assert_true(write_whole_file(dir, "processes.csv", "scope,id\n", NULL));
        assert_true(comparison_add(c, p, 0, dir, NULL));
    }
    assert_true(comparison_write(c, dir, NULL));
    comparison_table(c, text);
    *table = g_string_free(text, FALSE);
    g_autofree char *path = g_build_filename(dir, "compare.csv", NULL);
    assert_true(g_file_get_contents(path, &csv, NULL, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_build_filename(dir, files[i], NULL);
        g_unlink(file);
    }
    g_rmdir(dir);
    comparison_free(c);
    return csv;
}

static void
assert_gaps(const char *csv, const char *topology, const char *autonuma)
{
    g_autofree char *first =
        g_strdup_printf("m,w,topology,run,,gap_to_best,ratio,1,%s,,,,%s,,,\n", topology, topology);
    g_autofree char *third =
        g_strdup_printf("m,w,autonuma,run,,gap_to_best,ratio,1,%s,,,,%s,,,\n", autonuma, autonuma);

    assert_non_null(strstr(csv, first));
    assert_non_null(strstr(csv, "m,w,static:best,run,,gap_to_best,ratio,1,0,,,,0,,,\n"));
    assert_non_null(strstr(csv, third));
}

/* 30 s and 16 s against 20 s. */
static void
runs_that_end_differ_in_time(void **state)
{
    static const char *const elapsed[] = { "30", "20", "16" }, *const rate[] = { "2", "3", "4" };
    g_autofree char *table = NULL;
    g_autofree char *csv = compare(elapsed, rate, &table);

    (void)state;
    assert_gaps(csv, "0.5", "-0.19999999999999996");
    assert_non_null(strstr(table, "gap to best"));
    assert_non_null(strstr(table, "50.0%"));
    assert_non_null(strstr(table, "-20.0%"));
}

/* 8 units a second against 5 and 10. */
static void
runs_of_one_length_differ_in_work(void **state)
{
    static const char *const elapsed[] = { "9", "9", "9" }, *const rate[] = { "5", "8", "10" };
    g_autofree char *table = NULL;
    g_autofree char *csv = compare(elapsed, rate, &table);

    (void)state;
    assert_gaps(csv, "0.6000000000000001", "-0.19999999999999996");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_that_end_differ_in_time),
        cmocka_unit_test(runs_of_one_length_differ_in_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

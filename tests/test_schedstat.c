/* layer: report */
/* /proc/schedstat and /proc/PID/sched: layouts of the versions, and what is counted. */
#include "sim_fixture.h"

#include "report/schedstat.h"

/* Distinct numbers in the busy, idle and newly idle counts of CPU 0's lowest domain. */
static void
fill(struct sched_domain *sd)
{
    for (uint32_t i = 0; i < CPU_IDLE_TYPES; i++) {
        uint64_t b = 100 * (i + 1);

        sd->stat.lb[i].count = b + 1;
        sd->stat.lb[i].balanced = b + 2;
        sd->stat.lb[i].failed = b + 3;
        sd->stat.lb[i].imbalance_load = b + 4;
        sd->stat.lb[i].imbalance_util = b + 5;
        sd->stat.lb[i].imbalance_task = b + 6;
        sd->stat.lb[i].imbalance_misfit = b + 7;
        sd->stat.lb[i].gained = b + 8;
        sd->stat.lb[i].hot_gained = b + 9;
        sd->stat.lb[i].nobusyq = b + 10;
        sd->stat.lb[i].nobusyg = b + 11;
    }
    sd->stat.alb_count = 1;
    sd->stat.alb_failed = 2;
    sd->stat.alb_pushed = 3;
    sd->stat.ttwu_wake_remote = 10;
    sd->stat.ttwu_move_affine = 11;
}

static void
expect_line(uint32_t version, const char *line)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct fixture f;

    fixture_open(&f, 2, 2, 1, false);
    f.k->params.sched.schedstat_version = version;
    fill(f.k->domains->cpus[0].sd);
    schedstat_text(f.k, text);
    if (strstr(text->str, line) == NULL)
        fail_msg("'%s' is not in:\n%s", line, text->str);
    fixture_close(&f);
}

/* kernel/sched/stats.c of 6.12: busy, idle, newly idle, eight numbers each, then twelve. */
static void
schedstat_16_is_that_of_linux_6_12(void **state)
{
    (void)state;
    expect_line(SCHEDSTAT_16, "version 16\ntimestamp ");
    expect_line(SCHEDSTAT_16, "\ndomain0 3 101 102 103 422 108 109 110 111"
                              " 201 202 203 822 208 209 210 211"
                              " 301 302 303 1222 308 309 310 311"
                              " 1 2 3 0 0 0 0 0 0 10 11 0\n");
}

/* sched-stats.rst: version 16 swapped the places of busy and idle. */
static void
schedstat_15_has_idle_before_busy(void **state)
{
    (void)state;
    expect_line(SCHEDSTAT_15, "version 15\n");
    expect_line(SCHEDSTAT_15, "\ndomain0 3 201 202 203 822 208 209 210 211"
                              " 101 102 103 422 108 109 110 111"
                              " 301 302 303 1222 308 309 310 311 1 2 3 ");
}

/* sched-stats.rst of 6.14: four imbalances in place of one, and the domain's name: 45 numbers. */
static void
schedstat_17_names_domains_and_splits_the_imbalance(void **state)
{
    (void)state;
    expect_line(SCHEDSTAT_17, "version 17\n");
    expect_line(SCHEDSTAT_17, "\ndomain0 MC 3 101 102 103 104 105 106 107 108 109 110 111"
                              " 201 202 203 204 205 206 207 208 209 210 211"
                              " 301 302 303 304 305 306 307 308 309 310 311"
                              " 1 2 3 0 0 0 0 0 0 10 11 0\n");
}

/* %*pb: words of 32 bits, the first as many digits as its bits need. */
static void
masks_are_printed_as_the_kernel_does(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct fixture f;
    (void)state;

    fixture_open(&f, 2, 18, 1, false); /* 36 CPUs */
    schedstat_text(f.k, text);
    assert_non_null(strstr(text->str, "\ncpu0 0 0 0 0 0 0 0 0 0\ndomain0 0,0003ffff 0"));
    assert_non_null(strstr(text->str, "\ndomain1 f,ffffffff 0"));
    assert_non_null(strstr(text->str, "\ncpu35 0 0 "));
    fixture_close(&f);
}

static bool
has_line(const GString *text, const char *name, const char *value)
{
    g_autofree char *line = g_strdup_printf("\n%-45s:%21s\n", name, value);

    if (strstr(text->str, line) == NULL)
        print_error("no line '%s' in:\n%s", line + 1, text->str);
    return strstr(text->str, line) != NULL;
}

/* proc_sched_show_task: "%-45s:%21Ld", times as ms with six decimals; -1 ns is shown unsigned. */
static void
a_task_is_shown_in_the_kernels_layout(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct fixture f;
    (void)state;

    fixture_open(&f, 1, 1, 1, false);
    struct task *p = fixture_hog(&f, "hog", 5);
    p->stats.run_ns = 1234567890;
    p->stats.nr_voluntary = 3;
    p->stats.nr_involuntary = 7;
    p->sched.wait_sum = 5000001;
    p->sched.nr_wakeups = 12;
    proc_sched_text(f.k, p, text);
    assert_true(g_str_has_prefix(text->str, "hog (1, #threads: 1)\n"
                                            "----------------------------------------------------"
                                            "---------------\nse.exec_start "));
    assert_true(has_line(text, "se.sum_exec_runtime", "1234.567890"));
    assert_true(has_line(text, "wait_sum", "5.000001"));
    assert_true(has_line(text, "avg_atom", "123.456789"));
    assert_true(has_line(text, "avg_per_cpu", "0.000001"));
    assert_true(has_line(text, "nr_switches", "10"));
    assert_true(has_line(text, "nr_wakeups", "12"));
    assert_true(has_line(text, "policy", "0"));
    assert_true(has_line(text, "prio", "125"));
    assert_true(has_line(text, "se.load.weight", "343040")); /* 335 << 10 */
    assert_true(has_line(text, "numa_preferred_nid", "-1"));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedstat_16_is_that_of_linux_6_12),
        cmocka_unit_test(schedstat_15_has_idle_before_busy),
        cmocka_unit_test(schedstat_17_names_domains_and_splits_the_imbalance),
        cmocka_unit_test(masks_are_printed_as_the_kernel_does),
        cmocka_unit_test(a_task_is_shown_in_the_kernels_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

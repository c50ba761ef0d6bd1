/* layer: report */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "report/sched_tables.h"

#define US(n) ((sim_time)(n)*1000)

/* Tables over temporary files; `text` is what timehist or map came to. */
struct scene {
    struct sched_tables *t;
    char *text[2];
    size_t size[2];
    FILE *file[2];
};

static void
scene_open(struct scene *s, struct sched_tables_options o)
{
    *s = (struct scene){ .t = NULL };
    for (int i = 0; i < 2; i++)
        s->file[i] = open_memstream(&s->text[i], &s->size[i]);
    o.timehist = s->file[0];
    o.map = s->file[1];
    s->t = sched_tables_new(&o);
}

static void
scene_close(struct scene *s)
{
    sched_tables_free(s->t);
    for (int i = 0; i < 2; i++) {
        fclose(s->file[i]);
        free(s->text[i]);
    }
}

static struct sched_tables_row
row_of(const struct scene *s, uint32_t task)
{
    g_autoptr(GArray) rows = sched_tables_rows(s->t);

    for (guint i = 0; i < rows->len; i++)
        if (g_array_index(rows, struct sched_tables_row, i).task == task)
            return g_array_index(rows, struct sched_tables_row, i);
    fail_msg("no task %u", task);
    return (struct sched_tables_row){ 0 };
}

/* 7 wakes 9 at 100 us, goes on until it is preempted at 130, comes back at 150, sleeps at 160. */
static void
play(struct scene *s, char preempted)
{
    sched_tables_name(s->t, 7, "seven");
    sched_tables_name(s->t, 9, "nine");
    sched_tables_fork(s->t, 7, 9);
    sched_tables_switch(s->t, US(50), 1, 0, 'R', 7);
    sched_tables_wakeup(s->t, US(100), 9);
    sched_tables_switch(s->t, US(130), 1, 7, preempted, 9);
    sched_tables_switch(s->t, US(150), 1, 9, 'X', 7);
    sched_tables_switch(s->t, US(160), 1, 7, 'S', 0);
}

static void
delays_begin_with_wakeups_and_preemptions(void **state)
{
    (void)state;
    struct scene s;

    scene_open(&s, (struct sched_tables_options){ .nr_cpus = 2 });
    play(&s, '+');
    struct sched_tables_row seven = row_of(&s, 7), nine = row_of(&s, 9);
    assert_int_equal(nine.nr_delays, 1);
    assert_int_equal(nine.max_delay_ns, US(30));
    assert_int_equal(nine.max_start, US(100));
    assert_int_equal(nine.max_end, US(130));
    assert_int_equal(seven.nr_delays, 2); /* the first: never seen before, nothing waited */
    assert_int_equal(seven.delay_sum_ns, US(20));
    assert_int_equal(seven.runtime_ns, US(90));
    assert_int_equal(seven.nr_runs, 2);
    assert_int_equal(seven.min_run_ns, US(10));
    assert_int_equal(seven.max_run_ns, US(80));
    scene_close(&s);
}

static void
preempted_tasks_do_not_wait_where_perf_says_so(void **state)
{
    (void)state;
    struct scene s;

    scene_open(&s, (struct sched_tables_options){ .nr_cpus = 2, .skip_preempted = true });
    play(&s, '+');
    assert_int_equal(row_of(&s, 7).nr_delays, 1);
    scene_close(&s);
    scene_open(&s, (struct sched_tables_options){ .nr_cpus = 2, .skip_preempted = true });
    play(&s, 'R'); /* it yielded: that is a wait in any case */
    assert_int_equal(row_of(&s, 7).nr_delays, 2);
    scene_close(&s);
}

static void
recorded_run_times_win(void **state)
{
    (void)state;
    struct scene s;

    scene_open(&s, (struct sched_tables_options){ .nr_cpus = 2 });
    sched_tables_runtime(s.t, US(40), 7, 1234);
    play(&s, '+');
    sched_tables_runtime(s.t, US(170), 7, 1);
    assert_int_equal(row_of(&s, 7).runtime_ns, 1235);
    assert_int_equal(row_of(&s, 7).run_ns, US(90));
    assert_int_equal(row_of(&s, 9).runtime_ns, US(20));
    scene_close(&s);
}

/* The lines are those of corpus/sched/pipe.perf-sched-*.txt in their columns. */
static void
columns_are_those_of_perf(void **state)
{
    (void)state;
    g_autoptr(GString) latency = g_string_new(NULL), summary = g_string_new(NULL);
    struct scene s;

    scene_open(&s, (struct sched_tables_options){ .nr_cpus = 2 });
    play(&s, '+');
    sched_tables_end(s.t, US(200));
    fflush(s.file[0]);
    fflush(s.file[1]);
    sched_tables_latency(s.t, latency);
    sched_tables_summary(s.t, summary);
    assert_string_equal(
        s.text[0],
        "           time    cpu  task name                       wait time  sch delay   run time\n"
        "                        [tid/pid]                          (msec)     (msec)     (msec)\n"
        "--------------- ------  ------------------------------  ---------  ---------  ---------\n"
        "       0.000050 [0001]  <idle>                              0.000      0.000      0.000 \n"
        "       0.000130 [0001]  seven[7]                            0.000      0.000      0.080 \n"
        "       0.000150 [0001]  nine[9]                             0.000      0.030      0.020 \n"
        "       0.000160 [0001]  seven[7]                            0.020      0.000      0.010 "
        "\n");
    assert_string_equal(s.text[1], "      *A0       0.000050 secs A0 => seven:7\n"
                                   "      *B0       0.000130 secs B0 => nine:9\n"
                                   "      *A0       0.000150 secs \n"
                                   "      *.        0.000160 secs .  => swapper:0\n");
    assert_non_null(strstr(
        latency->str,
        "  nine:9                |      0.020 ms |        1 | avg:   0.030 ms | max:   0.030 ms |"
        " max start:     0.000100 s | max end:     0.000130 s\n"
        "  seven:7               |      0.090 ms |        2 | avg:   0.010 ms | max:   0.020 ms |"
        " max start:     0.000130 s | max end:     0.000150 s\n"));
    assert_non_null(strstr(latency->str, "  TOTAL:                |      0.110 ms |        3 |\n"));
    assert_non_null(strstr(summary->str,
                           "                      seven[7]      -1          2        0.090      "
                           "0.010       0.045       0.080   77.78       0\n"));
    assert_non_null(strstr(summary->str,
                           "Terminated tasks:\n"
                           "                       nine[9]       7          1        0.020      "
                           "0.020       0.020       0.020    0.00       0\n"));
    scene_close(&s);
}

static void
tasks_of_one_name_share_a_row(void **state)
{
    (void)state;
    g_autoptr(GString) merged = g_string_new(NULL), single = g_string_new(NULL);

    for (int by_task = 0; by_task < 2; by_task++) {
        struct scene s;
        scene_open(&s, (struct sched_tables_options){ .nr_cpus = 2, .by_task = by_task });
        play(&s, '+');
        sched_tables_name(s.t, 7, "nine");
        sched_tables_latency(s.t, by_task ? single : merged);
        scene_close(&s);
    }
    assert_non_null(strstr(merged->str, "  nine:(2)              |      0.110 ms |        3 | "));
    assert_non_null(strstr(single->str, "  nine:7                |      0.090 ms |        2 | "));
}

static void
machine_that_is_known_to_idle_is_shown_idle(void **state)
{
    (void)state;
    g_autoptr(GString) summary = g_string_new(NULL);
    struct scene s;

    scene_open(&s, (struct sched_tables_options){ .nr_cpus = 2 });
    sched_tables_begin(s.t, 0);
    play(&s, '+');
    sched_tables_end(s.t, US(200));
    fflush(s.file[1]);
    sched_tables_summary(s.t, summary);
    assert_true(g_str_has_prefix(s.text[1], "   .  *A0       0.000050 secs A0 => seven:7\n"));
    assert_non_null(strstr(summary->str, "    CPU  0 idle for      0.200  msec  (100.00%)\n"
                                         "    CPU  1 idle for      0.090  msec  ( 45.00%)\n"));
    scene_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_begin_with_wakeups_and_preemptions),
        cmocka_unit_test(preempted_tasks_do_not_wait_where_perf_says_so),
        cmocka_unit_test(recorded_run_times_win),
        cmocka_unit_test(columns_are_those_of_perf),
        cmocka_unit_test(tasks_of_one_name_share_a_row),
        cmocka_unit_test(machine_that_is_known_to_idle_is_shown_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

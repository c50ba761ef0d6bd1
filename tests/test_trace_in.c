/* layer: cli */
/*
 * Recorded traces: what is read from them, and what perf itself says about the same recordings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/import_trace_replay.h"
#include "config/import_trace_workload.h"
#include "report/sched_tables.h"

static const char *const recordings[] = { "cyclictest",      "hackbench",    "make-j4",
                                          "messaging",       "pgbench",      "pipe",
                                          "stressng-stream", "sysbench-cpu", "xz-T2" };

/* ---- reading ---- */

static void
append_event(void *priv, const struct trace_event *e)
{
    g_string_append_printf(priv, "%" G_GUINT64_FORMAT " %u %s by %d: %s:%d:%d", e->time / 1000,
                           e->cpu, trace_kind_names[e->kind], e->by, e->task.comm, e->task.pid,
                           e->task.prio);
    if (e->kind == TRACE_SWITCH)
        g_string_append_printf(priv, " %c%s > %s:%d:%d", e->state, e->preempted ? "+" : "",
                               e->other.comm, e->other.pid, e->other.prio);
    if (e->kind == TRACE_FORK)
        g_string_append_printf(priv, " > %s:%d", e->other.comm, e->other.pid);
    if (e->kind == TRACE_WAKING || e->kind == TRACE_WAKEUP || e->kind == TRACE_WAKEUP_NEW ||
        e->kind == TRACE_MIGRATE)
        g_string_append_printf(priv, " cpu %u", e->target_cpu);
    if (e->kind == TRACE_RUNTIME)
        g_string_append_printf(priv, " %" G_GUINT64_FORMAT, e->runtime);
    g_string_append_c(priv, '\n');
}

/* The events of a text, or its messages. */
static char *
events_of(const char *text, gsize len, struct trace_counts *counts)
{
    GString *out = g_string_new(NULL);
    const struct trace_sink sink = { out, append_event };
    struct diag d;

    diag_init(&d);
    if (!trace_read_memory("t", text, len, &sink, counts, &d)) {
        g_autofree char *messages = diag_text(&d);
        g_string_assign(out, messages);
    }
    diag_clear(&d);
    return g_string_free(out, FALSE);
}

static void
assert_events(const char *text, const char *expected)
{
    struct trace_counts counts;
    g_autofree char *got = events_of(text, strlen(text), &counts);

    assert_string_equal(got, expected);
}

static void
every_dialect_is_told_by_its_lines(void **state)
{
    static const struct {
        const char *line, *dialect;
    } lines[] = {
        { "     a b/0:1    18 [001]  1671.223149:       sched:sched_switch: prev_comm=a b/0:1 "
          "prev_pid=18 prev_prio=0 prev_state=R+ ==> next_comm=x next_pid=16140 next_prio=120\n",
          "perf script" },
        { "     a b/0:1    17/18 [001]  1671.223149000: 1 sched:sched_switch: prev_comm=a b/0:1 "
          "prev_pid=18 prev_prio=0 prev_state=R+ ==> next_comm=x next_pid=16140 next_prio=120\n",
          "perf script" },
        { "     a b/0:1-18      [001] d..2.  1671.223149: sched_switch: prev_comm=a b/0:1 "
          "prev_pid=18 prev_prio=0 prev_state=R+ ==> next_comm=x next_pid=16140 next_prio=120\n",
          "ftrace text" },
        { "     a b/0:1-18      (-----) [001] d..2.  1671.223149: sched_switch: prev_comm=a b/0:1 "
          "prev_pid=18 prev_prio=0 prev_state=R+ ==> next_comm=x next_pid=16140 next_prio=120\n",
          "ftrace text" },
        { "     a b/0:1-18    [001]  1671.223149: sched_switch:         a b/0:1:18 [0] R+ ==> "
          "x:16140 [120]\n",
          "trace-cmd report" },
        { "     a b/0:1-18    [001]  1671.223149123: sched_switch:         prev_comm=a b/0:1 "
          "prev_pid=18 prev_prio=0 prev_state=256 next_comm=x next_pid=16140 next_prio=120\n",
          "trace-cmd report" },
        { "a b/0:1-18      1d..2.  1671.223149: sched_switch:         a b/0:1:18 [0] R+ ==> "
          "x:16140 [120]\n",
          "trace-cmd report -l" },
    };
    (void)state;

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        struct trace_counts counts;
        g_autofree char *got = events_of(lines[i].line, strlen(lines[i].line), &counts);

        assert_string_equal(got,
                            "1671223149 1 sched_switch by 18: a b/0:1:18:0 R+ > x:16140:120\n");
        assert_string_equal(counts.dialect, lines[i].dialect);
    }
}

static void
a_name_may_hold_the_key_that_ends_it(void **state)
{
    (void)state;
    assert_events(" x pid=7 y    12 [000]  1.000001: sched:sched_waking: comm=x pid=7 y pid=12 "
                  "prio=120 target_cpu=003\n",
                  "1000001 0 sched_waking by 12: x pid=7 y:12:120 cpu 3\n");
    assert_events(" a-1 [000] 2.0-13    [002]  3.000001: sched_wakeup: a-1 [000] 2.0:13 [120] "
                  "CPU:001\n",
                  "3000001 2 sched_wakeup by 13: a-1 [000] 2.0:13:120 cpu 1\n");
}

static void
an_event_that_cannot_be_read_is_an_error_with_its_place(void **state)
{
    (void)state;
    assert_events("cpus=2\n a 1 [000] 1.000001: sched:sched_waking: comm=a pid=x prio=120\n",
                  "t:2:53: sched_waking: expected the number of a task\n");
    assert_events("nothing\n", "t: no event of a trace in the whole file\n");
    assert_events("", "t: no event of a trace in the whole file\n");
}

static void
lines_without_an_end_and_files_without_events_are_left_early(void **state)
{
    g_autofree char *line = g_strnfill(1 << 20, 'x');
    g_autoptr(GString) lines = g_string_new(NULL);
    (void)state;

    assert_events(line, "t:1:65536: the line is longer than 64 KiB; expected lines of text\n");
    for (int i = 0; i < 9999; i++)
        g_string_append(lines, "x\n");
    g_string_append(lines, " a 1 [000] 1.000001: x:y: z\n");
    struct trace_counts counts;
    g_autofree char *fine = events_of(lines->str, lines->len, &counts);
    assert_string_equal(fine, ""); /* the 10000th line is an event, and none of ours */
    assert_int_equal(counts.other_lines, 9999);
    assert_int_equal(counts.skipped_events, 1);
    g_string_prepend(lines, "x\n");
    g_autofree char *late = events_of(lines->str, lines->len, &counts);
    assert_true(g_str_has_prefix(late, "t:10000:1: no event of a trace so far"));
}

static void
marks_of_lost_events_are_counted(void **state)
{
    static const char text[] = "CPU:1 [LOST 12 EVENTS]\nCPU:0 [EVENTS DROPPED]\n"
                               " a 1 [000] 1.000001: sched:sched_process_exit: comm=a pid=1 "
                               "prio=120 group_dead=true\n"
                               " a 1 [000] 0.900001: x:y: z\n";
    struct trace_counts counts;
    g_autofree char *got = events_of(text, strlen(text), &counts);
    (void)state;

    assert_string_equal(got, "1000001 0 sched_process_exit by 1: a:1:120\n");
    assert_int_equal(counts.lost, 12);
    assert_int_equal(counts.lost_marks, 2);
}

/* ---- one recording in five forms ---- */

static char *
events_of_file(const char *path, struct trace_counts *counts)
{
    GString *out = g_string_new(NULL);
    const struct trace_sink sink = { out, append_event };
    struct diag d;

    diag_init(&d);
    if (!trace_read_file(path, &sink, counts, &d)) {
        g_autofree char *messages = diag_text(&d);
        g_string_assign(out, messages);
    }
    diag_clear(&d);
    return g_string_free(out, FALSE);
}

static bool
have_corpus(void)
{
    if (g_file_test(SHARED_DIR "/corpus/sched", G_FILE_TEST_IS_DIR))
        return true;
    print_message("skipped: the corpus is not beside the project\n");
    return false;
}

/* The tools agree on all but: the last microsecond (rounded or cut), W for an idle kernel thread
 * (I), X for Z and Z for X, and R for a task that was preempted (R+), where only the raw forms have
 * the mark. */
static guint
count_differences(const char *a, const char *b)
{
    g_auto(GStrv) x = g_strsplit(a, "\n", -1), y = g_strsplit(b, "\n", -1);
    guint nr = 0;

    assert_int_equal(g_strv_length(x), g_strv_length(y));
    for (guint i = 0; x[i] != NULL && *x[i] != '\0'; i++) {
        guint64 at = g_ascii_strtoull(x[i], NULL, 10), bt = g_ascii_strtoull(y[i], NULL, 10);
        g_autoptr(GString) left = g_string_new(strchr(x[i], ' '));
        g_autoptr(GString) right = g_string_new(strchr(y[i], ' '));

        g_string_replace(left, " W >", " I >", 0);
        g_string_replace(right, " W >", " I >", 0);
        g_string_replace(left, " Z >", " X >", 0);
        g_string_replace(right, " Z >", " X >", 0);
        g_string_replace(left, "+ >", " >", 0);
        g_string_replace(right, "+ >", " >", 0);
        nr += strcmp(left->str, right->str) != 0 || (at > bt ? at - bt : bt - at) > 1;
    }
    return nr;
}

static void
five_forms_of_one_recording_are_the_same_events(void **state)
{
    static const char *const forms[] = { "trace-cmd-report.txt.gz", "trace-cmd-report-R.txt.gz",
                                         "trace-cmd-report-l.txt.gz", "trace-cmd-report-t.txt.gz",
                                         "trace.dat.gz" };
    g_autofree char *first = NULL;
    (void)state;

    if (!have_corpus())
        skip();
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *path =
            g_build_filename(SHARED_DIR "/corpus/numa-guest/mesh8/hackbench", forms[i], NULL);
        struct trace_counts counts;
        g_autofree char *events = events_of_file(path, &counts);

        if (first == NULL)
            first = g_strdup(events);
        print_message("%-28s %" G_GUINT64_FORMAT " switches\n", forms[i],
                      counts.events[TRACE_SWITCH]);
        assert_int_equal(counts.events[TRACE_SWITCH], 2107);
        assert_int_equal(counts.events[TRACE_MIGRATE], 561);
        assert_int_equal(count_differences(first, events), 0);
    }
}

/* ---- what perf says of the same recordings ---- */

static void
feed_tables(void *priv, const struct trace_event *e)
{
    struct sched_tables *t = priv;
    uint32_t task = (uint32_t)MAX(e->task.pid, 0);

    if (task > 0)
        sched_tables_name(t, task, e->task.comm);
    if (e->kind == TRACE_SWITCH) {
        if (e->other.pid > 0)
            sched_tables_name(t, (uint32_t)e->other.pid, e->other.comm);
        sched_tables_switch(t, e->time, e->cpu, task, e->preempted ? '+' : e->state,
                            (uint32_t)MAX(e->other.pid, 0));
    } else if (e->kind == TRACE_WAKEUP || e->kind == TRACE_WAKEUP_NEW) {
        sched_tables_wakeup(t, e->time, task);
    } else if (e->kind == TRACE_MIGRATE) {
        sched_tables_migrate(t, e->time, task, 0, e->target_cpu);
    } else if (e->kind == TRACE_RUNTIME) {
        sched_tables_runtime(t, e->time, task, e->runtime);
    } else if (e->kind == TRACE_FORK) {
        sched_tables_fork(t, task, (uint32_t)e->other.pid);
        sched_tables_name(t, (uint32_t)e->other.pid, e->other.comm);
    }
}

struct oracle {
    guint tasks, runtimes, delays; /* of latency */
    guint runs, same_runs;         /* of timehist */
    guint64 ours, theirs;          /* sum of run times, us */
};

static struct sched_tables *
tables_of(const char *name)
{
    g_autofree char *path = g_strdup_printf(SHARED_DIR "/corpus/sched/%s.perf-script.txt.gz", name);
    const struct sched_tables_options o = { .skip_preempted = true };
    struct sched_tables *t = sched_tables_new(&o);
    const struct trace_sink sink = { t, feed_tables };
    struct trace_counts counts;
    struct diag d;

    diag_init(&d);
    assert_true(trace_read_file(path, &sink, &counts, &d));
    diag_clear(&d);
    return t;
}

/* What we counted for a row of latency: "name:123" is a task, "name:(3)" all tasks of a name. perf
 * names a task by what it found in /proc, the events by what the kernel says: numbers count first.
 */
static struct sched_tables_row
row_for(GArray *rows, const char *who)
{
    struct sched_tables_row sum = { 0 };
    const char *colon = strrchr(who, ':');
    guint64 pid = g_ascii_strtoull(colon + 1, NULL, 10);
    g_autofree char *name = g_strndup(who, (gsize)(colon - who));

    for (guint i = 0; i < rows->len; i++) {
        const struct sched_tables_row *r = &g_array_index(rows, struct sched_tables_row, i);

        if (pid > 0 ? r->task != pid : strcmp(r->name, name) != 0)
            continue;
        sum.nr_delays += r->nr_delays;
        sum.runtime_ns += r->runtime_ns;
        sum.max_delay_ns = MAX(sum.max_delay_ns, r->max_delay_ns);
    }
    return sum;
}

/* "  name:123    |   0.294 ms |   1 | avg:  2.299 ms | max:  2.299 ms | ..." */
static void
compare_latency(const char *name, const struct sched_tables *t, struct oracle *o)
{
    g_autofree char *path =
        g_strdup_printf(SHARED_DIR "/corpus/sched/%s.perf-sched-latency.txt", name);
    g_autofree char *text = NULL;
    g_autoptr(GArray) rows = sched_tables_rows(t);

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) theirs = g_strsplit(text, "\n", -1);
    for (guint i = 0; theirs[i] != NULL; i++) {
        g_auto(GStrv) cells = g_strsplit(theirs[i], "|", -1);

        if (g_strv_length(cells) < 7 || strstr(cells[0], "Task") != NULL)
            continue;
        struct sched_tables_row r = row_for(rows, g_strstrip(cells[0]));
        double runtime = g_ascii_strtod(cells[1], NULL) * 1e6;
        double delay = g_ascii_strtod(strchr(cells[4], ':') + 1, NULL) * 1e6;
        o->tasks++;
        o->runtimes += ABS((double)r.runtime_ns - runtime) <= 500;
        o->delays += ABS((double)r.max_delay_ns - delay) <= 2000;
    }
}

/* "  name[123]  parent  sched-in  run-time  min  avg  max  stddev  migrations" */
static void
compare_runs(const char *name, const struct sched_tables *t, struct oracle *o)
{
    g_autofree char *path =
        g_strdup_printf(SHARED_DIR "/corpus/sched/%s.perf-sched-timehist-summary.txt", name);
    g_autoptr(GArray) rows = sched_tables_rows(t);
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        const char *close = strrchr(lines[i], ']'), *open = strrchr(lines[i], '[');
        int parent, runs;
        double ms;

        if (close == NULL || open == NULL ||
            sscanf(close + 1, "%d %d %lf", &parent, &runs, &ms) != 3)
            continue;
        guint32 pid = (guint32)g_ascii_strtoull(open + 1, NULL, 10); /* [thread/process] */
        o->runs++;
        for (guint j = 0; j < rows->len; j++) {
            const struct sched_tables_row *r = &g_array_index(rows, struct sched_tables_row, j);
            if (r->task == pid && r->nr_runs == (guint64)runs &&
                ABS((double)r->run_ns / 1e6 - ms) <= 0.001 * runs + 0.0006)
                o->same_runs++;
        }
    }
}

static void
the_tables_of_a_recording_are_perfs_own(void **state)
{
    struct oracle sum = { 0 };
    (void)state;

    if (!have_corpus())
        skip();
    print_message("%-16s %s\n", "recording",
                  "tasks  runtimes equal  max delay within 2 us | "
                  "timehist rows  runs and run time equal");
    for (gsize i = 0; i < G_N_ELEMENTS(recordings); i++) {
        struct sched_tables *t = tables_of(recordings[i]);
        struct oracle o = { 0 };

        compare_latency(recordings[i], t, &o);
        compare_runs(recordings[i], t, &o);
        sched_tables_free(t);
        print_message("%-16s %5u %15u %22u | %13u %24u\n", recordings[i], o.tasks, o.runtimes,
                      o.delays, o.runs, o.same_runs);
        sum.tasks += o.tasks;
        sum.runtimes += o.runtimes;
        sum.delays += o.delays;
        sum.runs += o.runs;
        sum.same_runs += o.same_runs;
    }
    print_message("%-16s %5u %15u %22u | %13u %24u\n", "all", sum.tasks, sum.runtimes, sum.delays,
                  sum.runs, sum.same_runs);
    assert_true(sum.tasks > 150);
    assert_int_equal(sum.runtimes, sum.tasks);
    assert_true(sum.delays * 100 >= sum.tasks * 85);
    assert_true(sum.same_runs * 100 >= sum.runs * 92);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dialect_is_told_by_its_lines),
        cmocka_unit_test(a_name_may_hold_the_key_that_ends_it),
        cmocka_unit_test(an_event_that_cannot_be_read_is_an_error_with_its_place),
        cmocka_unit_test(lines_without_an_end_and_files_without_events_are_left_early),
        cmocka_unit_test(marks_of_lost_events_are_counted),
        cmocka_unit_test(five_forms_of_one_recording_are_the_same_events),
        cmocka_unit_test(the_tables_of_a_recording_are_perfs_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/* Runs of rt-app files against the logs of real runs. */
#include "rtapp_runs_kit.h"

/* ---- what rt-app itself logged ---- */

/* One thread's log: a line for each time round a phase. */
struct log {
    guint index;
    int nice;
    GArray *lines; /* struct line */
};

struct line {
    guint64 run_us, period_us; /* as configured: the columns c_duration and c_period */
};

/* The lines that a thread of the group would log, by walking its program. */
static GArray *
expected_lines(const struct workload *w, const struct wgroup *g, guint most)
{
    GArray *lines = g_array_new(FALSE, TRUE, sizeof(struct line));
    struct line line = { 0 };
    guint64 left[WORKLOAD_LOOPS_MAX];
    guint depth = 0;

    for (uint32_t pc = 0; pc < g->nr_steps && lines->len < most; pc++) {
        const struct wstep *s = &g->steps[pc];
        guint64 us = s->dist >= 0 ? w->dists[s->dist].a.ops[0].value / 1000 : 0;

        if (s->kind == WSTEP_COMPUTE)
            line.run_us += us;
        else if (s->kind == WSTEP_TIMER)
            line.period_us += us;
        else if (s->kind == WSTEP_LOOP)
            left[depth++] = s->amount.nr > 0 ? s->amount.ops[0].value : G_MAXUINT64;
        else if (s->kind == WSTEP_END_LOOP && --left[depth - 1] > 0)
            pc = s->jump;
        else if (s->kind == WSTEP_END_LOOP)
            depth--;
        if (s->kind == WSTEP_WORK) {
            g_array_append_val(lines, line);
            line = (struct line){ 0 };
        }
    }
    return lines;
}

static char *
unpacked(const char *path)
{
    g_autoptr(GFile) file = g_file_new_for_path(path);
    g_autoptr(GFileInputStream) raw = g_file_read(file, NULL, NULL);
    g_autoptr(GZlibDecompressor) zlib = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
    char *text = g_malloc0(1 << 20);
    gsize len;

    assert_non_null(raw);
    g_autoptr(GInputStream) in =
        g_converter_input_stream_new(G_INPUT_STREAM(raw), G_CONVERTER(zlib));
    assert_true(g_input_stream_read_all(in, text, (1 << 20) - 1, &len, NULL, NULL));
    return text;
}

static struct log
read_log(const char *path)
{
    struct log log = { .lines = g_array_new(FALSE, TRUE, sizeof(struct line)) };
    g_autofree char *text = unpacked(path);

    g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
    assert_int_equal(sscanf(rows[0], "# Policy : SCHED_OTHER priority : %d", &log.nice), 1);
    for (guint i = 2; rows[i] != NULL && rows[i][0] != '\0'; i++) {
        struct line line;
        assert_int_equal(sscanf(rows[i],
                                "%u %*d %*d %*d %*d %*d %*d %*d %" G_GUINT64_FORMAT
                                " %" G_GUINT64_FORMAT,
                                &log.index, &line.run_us, &line.period_us),
                         3);
        g_array_append_val(log.lines, line);
    }
    return log;
}

/* The group that a log is of, by its name (BASENAME-TASK-INDEX.log.gz); its index in *index. */
static const struct wgroup *
group_of_log(const struct workload *w, const char *name, guint *index)
{
    const struct wgroup *found = NULL;
    guint first = 0;

    *index = (guint)atoi(strrchr(name, '-') + 1);
    for (uint32_t i = 0; i < w->nr_groups; i++) {
        guint nr = (guint)w->groups[i].count.ops[0].value;
        g_autofree char *middle = g_strdup_printf("-%s-%u.log", w->groups[i].name, *index);
        if (*index >= first && *index < first + nr && strstr(name, middle) != NULL)
            found = &w->groups[i];
        first += nr;
    }
    return found;
}

static guint
compare_log(const struct workload *w, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct log log = read_log(path);
    guint index, nr = log.lines->len;
    const struct wgroup *g = group_of_log(w, name, &index);

    assert_non_null(g); /* the tasks in the same order, with as many instances */
    GArray *lines = expected_lines(w, g, nr);
    assert_int_equal(lines->len, nr);
    assert_true(nr == 0 || log.index == index);
    assert_int_equal(g->nr_nice > 0 ? g->nice[0] : 0, log.nice);
    for (guint i = 0; i < nr; i++) {
        const struct line *is = &g_array_index(lines, struct line, i);
        const struct line *was = &g_array_index(log.lines, struct line, i);
        if (is->run_us != was->run_us || is->period_us != was->period_us)
            fail_msg("%s, line %u: run %u us and period %u us, in the log %u and %u", name, i,
                     (guint)is->run_us, (guint)is->period_us, (guint)was->run_us,
                     (guint)was->period_us);
    }
    g_array_unref(lines);
    g_array_unref(log.lines);
    return nr;
}

static struct workload *
load_recorded(struct fixture *f, const char *recording)
{
    g_autofree char *json = g_build_filename(GUEST, recording, "run.json", NULL);
    struct workload *w = load_workload(json, NULL, f->arena, &f->diag);

    assert_fine(f);
    assert_non_null(w);
    return w;
}

/* What each time round was to run, and for how long, in every line that rt-app wrote. */
static void
run_counts_and_periods_equal_the_logs(void **state)
{
    static const struct {
        const char *name;
        guint threads, lines; /* files, and their lines without headers */
    } recordings[] = { { "rta-example2", 1, 29 },
                       { "rta-example3", 12, 0 },
                       { "rta-spreading-tasks", 2, 243 + 239 },
                       { "rta-video-short", 17, 801 } };

    if (!g_file_test(GUEST, G_FILE_TEST_IS_DIR)) {
        print_message("skipped: %s is absent\n", GUEST);
        skip();
    }
    for (gsize i = 0; i < ARRAY_LEN(recordings); i++) {
        struct fixture *f = *state;
        struct workload *w = load_recorded(f, recordings[i].name);
        g_autofree char *folder = g_build_filename(GUEST, recordings[i].name, "rt-app-log", NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        guint threads = 0, lines = 0;
        const char *name;

        while ((name = g_dir_read_name(dir)) != NULL) {
            lines += compare_log(w, folder, name);
            threads++;
        }
        print_message("%s: %u threads, %u lines are equal\n", recordings[i].name, threads, lines);
        assert_int_equal(threads, recordings[i].threads);
        assert_int_equal(lines, recordings[i].lines);
    }
}

/* The emulator kept up with example2 (10 ms in 100): there the number of rounds is the same. It
 * was too slow for the others, which here reach what their timers allow: 299 releases of 10 ms,
 * 179 of 16.667 ms and 90 of 33.333 ms end within 3 s. */
static void
rounds_of_a_recorded_run_are_simulated(void **state)
{
    struct fixture *f = *state;
    const char *machine = GUEST "/machine/numactl-hardware.txt";

    if (!g_file_test(machine, G_FILE_TEST_EXISTS)) {
        print_message("skipped: %s is absent\n", machine);
        skip();
    }
    simulate(f, load_recorded(f, "rta-example2"), machine, SEC(3));
    assert_int_equal(task(f, "thread0")->stats.work_done, 29);
    simulate(f, load_recorded(f, "rta-spreading-tasks"), machine, SEC(3));
    assert_int_equal(task(f, "thread1")->stats.work_done, 299);
    assert_int_equal(task(f, "thread2")->stats.work_done, 299);
    simulate(f, load_recorded(f, "rta-video-short"), machine, SEC(3));
    assert_int_equal(task(f, "hwc_eventmon")->stats.work_done, 179);
    assert_int_equal(task(f, "waker")->stats.work_done, 90);
}

/* 12 threads, twice ten rounds of 30 ms: 120 runs of 3 ms and 120 of 27 ms. */
static void
finite_tasks_do_all_their_rounds(void **state)
{
    struct fixture *f = *state;
    uint64_t run_ns = 0, rounds = 0;

    if (!g_file_test(CORPUS, G_FILE_TEST_IS_DIR)) {
        print_message("skipped: %s is absent\n", CORPUS);
        skip();
    }
    struct workload *w = load_workload(CORPUS "/tutorial--example3.json", NULL, f->arena, &f->diag);
    assert_int_equal(simulate(f, w, NULL, SIM_NEVER), SIMULATION_DONE);
    for (uint32_t i = 0; i < f->sim->kernel->nr_tasks; i++) {
        run_ns += f->sim->kernel->tasks[i]->stats.run_ns;
        rounds += f->sim->kernel->tasks[i]->stats.work_done;
    }
    assert_int_equal(rounds, 240);
    assert_int_equal(run_ns, MSEC(120 * 3 + 120 * 27));
    assert_int_equal(f->sim->elapsed, MSEC(600));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(run_counts_and_periods_equal_the_logs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rounds_of_a_recorded_run_are_simulated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finite_tasks_do_all_their_rounds, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/*
 * rt-app files when they run: how timers release and threads wake each other, every file of the
 * corpus and of the Debian package, and the logs that rt-app itself wrote on an emulated machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <gio/gio.h>

#include "config/import_rtapp.h"
#include "config/policy_yaml.h"
#include "run/simulation.h"

#define CORPUS SHARED_DIR "/corpus/rt-app"
#define GUEST SHARED_DIR "/corpus/numa-guest/mesh8"
#define DEBIAN "/usr/share/doc/rt-app"

struct fixture {
    struct arena *arena;
    struct diag diag;
    struct run_spec spec;
    struct simulation *sim;
};

static int
set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->arena = arena_new();
    diag_init(&f->diag);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    diag_clear(&f->diag);
    arena_free(f->arena);
    g_free(f);
    return 0;
}

static void
assert_fine(const struct fixture *f)
{
    g_autofree char *messages = diag_text(&f->diag);

    assert_string_equal(messages, "");
}

/* Kernel work costs nothing and nobody starts late, so that times can be reckoned by hand. */
static enum simulation_end
simulate(struct fixture *f, struct workload *w, const char *machine, sim_time until)
{
    const char *why = NULL;
    char text[128];

    f->spec = (struct run_spec){ .workload = w, .seed = 1, .until = until };
    f->spec.machine = load_machine(machine, f->arena, &f->diag);
    load_policy("topology", f->arena, &f->spec.policy, &f->diag);
    assert_fine(f);
    assert_true(kernel_params_set(&f->spec.policy.params, "noise.start_jitter", "no", f->arena,
                                  text, sizeof(text)));
    for (const struct field *p = kernel_param_fields; p->name != NULL; p++)
        if (g_str_has_prefix(p->name, "cost.") && p->type == FIELD_TIME)
            assert_true(kernel_params_set(&f->spec.policy.params, p->name, "0ns", f->arena, text,
                                          sizeof(text)));
    f->sim = simulation_new(f->arena, &f->spec, &why);
    if (f->sim == NULL)
        fail_msg("%s", why);
    return simulation_run(f->sim, SIM_NEVER);
}

static void
run(struct fixture *f, const char *text, sim_time until)
{
    struct workload *w = import_rtapp("t.json", text, strlen(text), NULL, f->arena, &f->diag);
    enum simulation_end end;

    assert_fine(f);
    end = simulate(f, w, NULL, until);
    assert_int_equal(end, until == SIM_NEVER ? SIMULATION_DONE : SIMULATION_UNTIL);
}

static const struct task *
task(const struct fixture *f, const char *name)
{
    g_autofree char *full = g_strconcat("rt-app/", name, NULL);

    for (uint32_t i = 0; i < f->sim->kernel->nr_tasks; i++)
        if (strcmp(f->sim->kernel->tasks[i]->name, full) == 0)
            return f->sim->kernel->tasks[i];
    fail_msg("there is no task %s", name);
    return NULL;
}

/* ---- timers: workloads.md, section 9 ---- */

#define LATE(mode)                                                                                 \
    "{\"tasks\": {\"a\": {\"loop\": 1, \"phases\": {\"slow\": {\"run\": 250000, \"timer\": "       \
    "{\"ref\": \"unique\", \"period\": 100000}}, \"fast\": {\"loop\": 5, \"run\": 1000, "          \
    "\"timer\": {\"ref\": \"unique\", \"period\": 100000" mode "}}}}}}"

/* The first release would have been at 100 ms. It is 250 ms now, and counting begins anew. */
static void
a_relative_timer_forgets_what_was_late(void **state)
{
    struct fixture *f = *state;

    run(f, LATE(""), SIM_NEVER);
    assert_int_equal(f->sim->elapsed, MSEC(750));
}

/* Releases at 100 and 200 ms are past: two rounds do not wait; then 300, 400, 500, 600 ms. */
static void
an_absolute_timer_catches_up(void **state)
{
    struct fixture *f = *state;

    run(f, LATE(", \"mode\": \"absolute\""), SIM_NEVER);
    assert_int_equal(f->sim->elapsed, MSEC(600));
}

/* a and b take the releases 100, 200, 300, 400 ms in turn. */
static void
a_shared_timer_releases_its_threads_in_turn(void **state)
{
    struct fixture *f = *state;

    run(f,
        "{\"tasks\": {\"a\": {\"loop\": 2, \"timer\": {\"ref\": \"t\", \"period\": 100000}},"
        " \"b\": {\"loop\": 2, \"timer\": {\"ref\": \"t\", \"period\": 100000}}}}",
        SIM_NEVER);
    assert_int_equal(f->sim->elapsed, MSEC(400));
}

static void
unique_timers_are_one_a_thread(void **state)
{
    struct fixture *f = *state;

    run(f,
        "{\"tasks\": {\"a\": {\"instance\": 2, \"loop\": 2, \"delay\": 7000,"
        " \"timer\": {\"ref\": \"unique\", \"period\": 100000},"
        " \"timer2\": {\"ref\": \"unique2\", \"period\": 150000}}}}",
        SIM_NEVER);
    /* from its delay of 7 ms on: 100, 150; 200, 300 */
    assert_int_equal(f->sim->elapsed, MSEC(307));
}

/* ---- threads that wait for each other ---- */

/* The resume at 10 ms finds nobody and is lost; from then on they take turns of 10 ms: a has 0-10,
 * 15-25, 35-45, 55-65, 75-85, 95-100 ms, b has 5-15, 25-35, 45-55, 65-75, 85-95 ms. */
static void
suspended_threads_wake_each_other(void **state)
{
    struct fixture *f = *state;

    run(f,
        "{\"tasks\": {\"a\": {\"run\": 10000, \"resume\": \"b\", \"suspend\"},"
        " \"b\": {\"delay\": 5000, \"run\": 10000, \"resume\": \"a\", \"suspend\"}}}",
        MSEC(100));
    assert_int_equal(task(f, "a")->stats.run_ns, MSEC(55));
    assert_int_equal(task(f, "b")->stats.run_ns, MSEC(50));
}

/* example7 of the tutorial says when each stage is over: 3, 6 and 9 ms a loop (the third stage:
 * task0 runs 1 and sleeps 2, task1 runs 2). */
static void
barriers_wait_for_the_last(void **state)
{
    struct fixture *f = *state;

    run(f,
        "{\"tasks\": {\"t0\": {\"loop\": 2, \"runtime1\": 1000, \"sleep1\": 2000, \"barrier1\": "
        "\"A\", \"runtime2\": 2000, \"barrier2\": \"B\", \"runtime3\": 1000, \"sleep3\": 2000, "
        "\"barrier3\": \"C\"}, \"t1\": {\"loop\": 2, \"runtime1\": 2000, \"barrier1\": \"A\", "
        "\"runtime2\": 1000, \"sleep2\": 2000, \"barrier2\": \"B\", \"runtime3\": 2000, "
        "\"barrier3\": \"C\"}}}",
        SIM_NEVER);
    assert_int_equal(f->sim->elapsed, MSEC(18));
}

static void
forks_start_threads(void **state)
{
    struct fixture *f = *state;

    run(f,
        "{\"tasks\": {\"a\": {\"loop\": 3, \"sleep\": 10000, \"fork\": \"c\"},"
        " \"c\": {\"instance\": 0, \"loop\": 1, \"run\": 25000,"
        " \"timer\": {\"ref\": \"unique\", \"period\": 40000}}}}",
        SIM_NEVER);
    assert_int_equal(f->sim->elapsed, MSEC(70)); /* the last one was forked at 30 ms */
    assert_int_equal(task(f, "c-2")->stats.run_ns, MSEC(25));
}

/* ---- the files of the field ---- */

struct counts {
    guint run, no_tasks, obsolete, other;
};

/* Loads and, if that succeeds, runs at most 200 ms of it. */
static void
try_file(struct fixture *f, const char *path, struct counts *c)
{
    diag_clear(&f->diag);
    diag_init(&f->diag);
    struct workload *w = load_workload(path, NULL, f->arena, &f->diag);
    g_autofree char *why = diag_text(&f->diag);

    if (w != NULL) {
        sim_time most = MSEC(200);
        enum simulation_end end =
            simulate(f, w, NULL, w->duration > 0 ? SIM_MIN(w->duration, most) : most);
        if (end != SIMULATION_DONE && end != SIMULATION_UNTIL)
            fail_msg("%s: %s", path, f->sim->failure);
        c->run++;
        return;
    }
    c->no_tasks += strstr(why, "there are no tasks") != NULL;
    c->obsolete += strstr(why, "obsolete keys of rt-app 0.x (") != NULL;
    print_message("refused: %.*s\n", (int)strcspn(why, "\n"), why);
}

static void
try_folder(struct fixture *f, const char *folder, struct counts *c)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            try_folder(f, path, c);
        else if (g_str_has_suffix(name, ".json"))
            try_file(f, path, c);
    }
}

static void
eleven_files_of_the_corpus_run_and_four_are_refused(void **state)
{
    struct counts c = { 0 };

    if (!g_file_test(CORPUS, G_FILE_TEST_IS_DIR)) {
        print_message("skipped: %s is absent\n", CORPUS);
        skip();
    }
    try_folder(*state, CORPUS, &c);
    print_message("rt-app corpus: %u run, %u without tasks, %u of rt-app 0.x\n", c.run, c.no_tasks,
                  c.obsolete);
    assert_int_equal(c.run, 11);
    assert_int_equal(c.no_tasks, 1);
    assert_int_equal(c.obsolete, 3);
}

/* 25 files: six of merge/ and taskset.json are no rt-app 1.0 files. */
static void
files_of_the_debian_package_run_or_are_refused_by_name(void **state)
{
    struct counts c = { 0 };

    if (!g_file_test(DEBIAN "/examples/tutorial", G_FILE_TEST_IS_DIR)) {
        print_message("skipped: %s is absent; apt-get install rt-app\n", DEBIAN "/examples");
        skip();
    }
    try_folder(*state, DEBIAN, &c);
    print_message("rt-app package: %u run, %u without tasks, %u of rt-app 0.x\n", c.run, c.no_tasks,
                  c.obsolete);
    assert_int_equal(c.run, 18);
    assert_int_equal(c.no_tasks, 2);
    assert_int_equal(c.obsolete, 5);
}

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
                       { "rta-video-short", 17, 0 } };

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
        assert_true(recordings[i].lines == 0 || lines == recordings[i].lines);
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
        cmocka_unit_test_setup_teardown(a_relative_timer_forgets_what_was_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_absolute_timer_catches_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_shared_timer_releases_its_threads_in_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(unique_timers_are_one_a_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(suspended_threads_wake_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(barriers_wait_for_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forks_start_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(eleven_files_of_the_corpus_run_and_four_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(files_of_the_debian_package_run_or_are_refused_by_name,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(run_counts_and_periods_equal_the_logs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rounds_of_a_recorded_run_are_simulated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finite_tasks_do_all_their_rounds, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

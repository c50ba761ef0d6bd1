/* layer: config */
/*
 * rt-app files when they run: how timers release and threads wake each other, every file of the
 * corpus and of the Debian package, and the logs that rt-app itself wrote on an emulated machine.
 */
#include "rtapp_runs_kit.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

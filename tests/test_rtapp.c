/* layer: config */
/* rt-app files: the format as it really is, what each event means, and what is refused where. */
#include "rtapp_kit.h"

/* The program in one line: verb, number (ns or bytes or rounds) and the name of what it meets. */
static char *
program(const struct workload *w, const struct wgroup *g)
{
    GString *s = g_string_new(NULL);

    for (uint32_t i = 0; i < g->nr_steps; i++) {
        const struct wstep *step = &g->steps[i];

        g_string_append_printf(s, "%s%s", s->len > 0 ? "; " : "", wstep_names[step->kind]);
        if (step->object >= 0)
            g_string_append_printf(s, " %s", w->objects[step->object].name);
        if (step->dist >= 0 && w->dists[step->dist].a.nr == 1)
            g_string_append_printf(s, " %" G_GUINT64_FORMAT, w->dists[step->dist].a.ops[0].value);
        if (step->amount.nr == 1)
            g_string_append_printf(s, " %" G_GUINT64_FORMAT, step->amount.ops[0].value);
    }
    return g_string_free(s, FALSE);
}

static void
assert_program(const struct workload *w, uint32_t group, const char *expected)
{
    g_autofree char *text = program(w, &w->groups[group]);

    assert_string_equal(text, expected);
}

/* ---- the format ---- */

static void
the_format_is_read_as_it_is(void **state)
{
    const struct workload *w = load(*state, "/* a */ { // b\n"
                                            " \"tasks\" : { \"a\" : {\n"
                                            "   \"loop\" : 1\n" /* no comma */
                                            "   \"run\" : 1,,\n"
                                            "   \"suspend\",\n" /* no value */
                                            "   \"run\" : 2,\n" /* again: both count */
                                            "   \"yield\" : \"\",\n"
                                            "   \"run0\" : 3, \"sleep_1\" : 4,\n"
                                            " }, },\n"
                                            "}\n\n");

    assert_program(w, 0,
                   "compute 1000; lock lock.a; wait condition.a; lock lock.a; unlock lock.a; "
                   "compute 2000; yield; compute 3000; sleep 4000; work 1");
}

static void
only_rtapp_files_look_like_it(void **state)
{
    static const char *const yes[] = { "{\"tasks\":", " /* x */\n{ \"global\" : {", "{\"frag\"",
                                       "\xef\xbb\xbf{\"tasks\"" };
    static const char *const no[] = { "",          "{",       "{ tasks: 1",       "version: 1",
                                      "/* x */",   "/* x",    "{\"version\": 1,", "[\"tasks\"]",
                                      "{\"name\"", "{\"tasks" };

    for (gsize i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(looks_like_rtapp(yes[i], strlen(yes[i])));
    for (gsize i = 0; i < ARRAY_LEN(no); i++)
        assert_false(looks_like_rtapp(no[i], strlen(no[i])));
}

/* ---- events ---- */

static void
locks_and_conditions_are_those_of_posix(void **state)
{
    const struct workload *w =
        load(*state, TASK("\"lock\": \"m\", \"wait\": {\"ref\": \"q\", \"mutex\": \"m\"}, "
                          "\"sync\": {\"ref\": \"q\", \"mutex\": \"m\"}, \"unlock\": \"m\", "
                          "\"signal\": \"q\", \"broad\": \"q\", \"resume\": \"b\""));

    assert_program(w, 0,
                   "lock lock.m; wait condition.q; lock lock.m; "
                   "signal condition.q; wait condition.q; lock lock.m; unlock lock.m; "
                   "signal condition.q; broadcast condition.q; "
                   "lock lock.b; broadcast condition.b; unlock lock.b; work 1");
}

/* video-short.json suspends under a name that it also waits on with `sync`. */
static void
suspending_and_waiting_under_one_name_is_the_same(void **state)
{
    const struct workload *w =
        load(*state, TASK("\"suspend\": \"x\", \"lock\": \"x\", "
                          "\"wait\": {\"ref\": \"x\", \"mutex\": \"x\"}, \"unlock\": \"x\""));

    assert_int_equal(w->nr_objects, 2);
    assert_says(*state, TASK("\"suspend\": \"x\", \"wait\": {\"ref\": \"x\", \"mutex\": \"y\"}"),
                "t.json:1:45: tasks.a.wait: 'x' is waited on with the mutex 'x' already; "
                "expected the same mutex everywhere\n");
}

static const struct wobject *
object(const struct workload *w, const char *name)
{
    for (uint32_t i = 0; i < w->nr_objects; i++)
        if (strcmp(w->objects[i].name, name) == 0)
            return &w->objects[i];
    return NULL;
}

static void
a_barrier_has_a_place_for_each_reference_of_each_instance(void **state)
{
    const struct workload *w =
        load(*state, "{\"tasks\": {\"a\": {\"instance\": 3, \"barrier\": \"b\"},"
                     " \"c\": {\"barrier1\": \"b\", \"barrier2\": \"b\"}}}");

    assert_int_equal(object(w, "barrier.b")->size.ops[0].value, 5);
}

static void
timers_are_shared_unless_unique(void **state)
{
    const struct workload *w =
        load(*state, "{\"tasks\": {\"a\": {\"instance\": 2,"
                     " \"timer0\": {\"ref\": \"unique\", \"period\": 10},"
                     " \"timer1\": {\"ref\": \"unique2\", \"period\": 20},"
                     " \"timer2\": {\"ref\": \"t\", \"period\": 30}}, \"c\": {"
                     " \"timer\": {\"ref\": \"t\", \"period\": 40, \"mode\": \"absolute\"}}}}");
    const struct wstep *a = w->groups[0].steps, *c = w->groups[1].steps;

    assert_program(w, 0,
                   "loop; timer 10000; timer timer.a.unique2 20000; timer timer.t 30000; "
                   "work 1; end of loop");
    assert_program(w, 1, "loop; timer timer.t 40000; work 1; end of loop");
    assert_int_equal(object(w, "timer.a.unique2")->count.ops[0].value, 2);
    assert_int_equal(a[2].index.ops[0].code, WEXPR_VAR); /* of this thread */
    assert_true(a[1].relative && a[2].relative && a[1].from_start);
    assert_false(a[3].relative || c[1].relative); /* absolute in one place is absolute */
}

static void
memory_is_what_events_use_of_the_buffer(void **state)
{
    const struct workload *w =
        load(*state,
             "{\"tasks\": {\"a\": {\"loop\": 1, \"mem\": 1000, \"mem1\": 5000, \"iorun\": 9000}},"
             " \"global\": {\"mem_buffer_size\": 4096, \"io_device\": \"/tmp/f\"}}");

    /* three calls of a buffer each; 9000 B at 500 MB/s are 18 us, 100 us a call */
    assert_program(w, 0,
                   "stream 1000; stream 5000; compute 3000; stream 9000; sleep 318000; work 1");
    assert_int_equal(w->regions[0].size.ops[0].value, 4096);
    assert_int_equal(w->groups[0].steps[0].mem->write_ppm, 1000000);
    w = load(*state, TASK("\"mem\": 1000, \"iorun\": 9000"));
    assert_program(w, 0, "stream 1000; compute 1000; work 1");
    assert_int_equal(w->regions[0].size.ops[0].value, 1000);
}

static void
a_forked_task_has_threads_for_all_its_forks(void **state)
{
    const struct workload *w =
        load(*state, "{\"tasks\": {\"a\": {\"instance\": 2, \"loop\": 3, \"fork\": \"c\"},"
                     " \"c\": {\"instance\": 0, \"loop\": 1, \"runtime\": 5},"
                     " \"d\": {\"loop\": 1, \"fork\": \"d\", \"fork2\": \"c\"}}}");

    assert_int_equal(w->nr_groups, 4);
    assert_string_equal(w->groups[1].name, "c");
    assert_true(w->groups[1].by_fork);
    assert_int_equal(w->groups[1].count.ops[0].value, 7);
    assert_program(w, 1, "compute 5000; work 1");
    assert_string_equal(w->groups[3].name, "d.fork");
    assert_says(*state, TASK("\"fork\": \"b\""),
                "t.json:1:37: tasks.a.fork: there is no task 'b' to fork\n");
    w = load(*state,
             "{\"tasks\": {\"a\": {\"fork\": \"c\"}, \"c\": {\"instance\": 0, \"run\": 1}}}");
    assert_int_equal(w->groups[1].count.ops[0].value, 1024); /* rt-app's own limit */
}

static void
semaphores_begin_at_zero(void **state)
{
    const struct workload *w = load(*state, TASK("\"sem_post\": \"s\", \"sem_wait\": \"s\""));

    assert_program(w, 0, "up semaphore.s; down semaphore.s; work 1");
    assert_int_equal(object(w, "semaphore.s")->size.ops[0].value, 0);
}

/* ---- tasks and phases ---- */

static void
loops_are_of_the_phase_and_of_the_task(void **state)
{
    const struct workload *w = load(
        *state, "{\"tasks\": {\"a\": {\"loop\": 2, \"phases\": {\"p\": {\"run\": 1},"
                " \"p\": {\"loop\": 3, \"run\": 2}, \"q\": {\"loop\": -1, \"run\": 3}}},"
                " \"b\": {\"phases\": {\"p\": {\"run\": 1}}}, \"c\": {\"loop\": 4, \"run\": 1}}}");

    assert_program(w, 0,
                   "loop 2; compute 1000; work 1; loop 3; compute 2000; work 1; end of loop; "
                   "loop; compute 3000; work 1; end of loop; end of loop");
    assert_program(w, 1, "loop; compute 1000; work 1; end of loop");
    assert_program(w, 2, "loop 4; compute 1000; work 1; end of loop");
}

static void
a_phase_without_a_place_returns_to_the_tasks(void **state)
{
    const struct workload *w =
        load(*state, "{\"tasks\": {\"a\": {\"loop\": 1, \"cpus\": [2, 3], \"priority\": -7,"
                     " \"policy\": \"SCHED_BATCH\", \"delay\": 250, \"phases\": {"
                     " \"p\": {\"cpus\": [0], \"membind_nodes\": [1], \"run\": 1},"
                     " \"q\": {\"priority\": 5, \"run\": 2}}}}}");
    const struct wgroup *g = &w->groups[0];

    assert_program(w, 0,
                   "set_affinity; set_mempolicy; compute 1000; work 1; "
                   "set_affinity; set_mempolicy; set_nice; compute 2000; work 1");
    assert_true(cpumask_test(g->affinity.set, 3) && g->nice[0] == -7);
    assert_int_equal(g->class.policy, POLICY_BATCH);
    assert_int_equal(g->start.ops[0].value, USEC(250));
    assert_true(cpumask_test(g->steps[0].affinity->set, 0));
    assert_int_equal(g->steps[1].policy->mode, MPOL_BIND);
    assert_int_equal(g->steps[1].policy->nodes[0], 1);
    assert_true(cpumask_test(g->steps[4].affinity->set, 2));
    assert_int_equal(g->steps[5].policy->mode, MPOL_DEFAULT);
    assert_int_equal(g->steps[6].nice, 5);
}

static void
names_become_names_of_the_workload(void **state)
{
    const struct workload *w =
        load(*state, "{\"tasks\": {\"a b\": {\"loop\": 1, \"suspend\"}, \"a b\": {\"run\": 1}}}");

    assert_string_equal(w->groups[0].name, "a_b");
    assert_string_equal(w->groups[1].name, "a_b1"); /* an index, as workgen gives it */
    assert_program(w, 0,
                   "lock lock.a_b; wait condition.a_b; lock lock.a_b; unlock lock.a_b; work 1");
}

static void
places_of_steps_are_those_of_the_file(void **state)
{
    const struct workload *w =
        load(*state, "{\"tasks\": {\"a\": {\n\"loop\": 1,\n\"run\": 1,\n\"lock\": \"m\"}}}");

    assert_int_equal(w->groups[0].steps[0].line, 3);
    assert_int_equal(w->groups[0].steps[1].line, 4);
}

/* What is written as YAML loads to the same workload. */
static void
the_source_is_the_same_workload(void **state)
{
    struct fixture *f = *state;
    const struct workload *w =
        load(f, "{\"tasks\": {\"a\": {\"instance\": 2, \"mem\": 9, \"suspend\", \"sleep\": 5}},"
                " \"global\": {\"duration\": 3}}");
    g_autofree char *text = g_strconcat("name: t\n", w->source, NULL);

    const struct workload *again =
        workload_yaml_load("again", text, strlen(text), NULL, f->arena, &f->diag);
    assert_non_null(again);
    assert_string_equal(again->source, w->source);
    assert_int_equal(again->duration, SEC(3));
    g_autofree char *a = program(w, &w->groups[0]), *b = program(again, &again->groups[0]);
    assert_string_equal(a, b);
}

static void
the_format_of_rtapp_0_is_refused_by_name(void **state)
{
    assert_says(
        *state, "{\"tasks\": {\"a\": {\"exec\": 1, \"period\": 2, \"lock_order\": [\"m\"]}}}",
        "t.json:1:18: tasks.a.exec: obsolete keys of rt-app 0.x (exec, period, lock_order); "
        "expected events of rt-app 1.0: run, timer, lock, wait...\n");
    assert_says(*state, "{\"global\": {}}",
                "t.json:1:1: there are no tasks; expected \"tasks\" : { NAME : { ... } }\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_format_is_read_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_rtapp_files_look_like_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(locks_and_conditions_are_those_of_posix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(suspending_and_waiting_under_one_name_is_the_same, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_barrier_has_a_place_for_each_reference_of_each_instance,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_are_shared_unless_unique, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_what_events_use_of_the_buffer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_forked_task_has_threads_for_all_its_forks, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(semaphores_begin_at_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loops_are_of_the_phase_and_of_the_task, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_phase_without_a_place_returns_to_the_tasks, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_become_names_of_the_workload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_of_steps_are_those_of_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_source_is_the_same_workload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_format_of_rtapp_0_is_refused_by_name, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/* rt-app files: the format as it really is, what each event means, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/import_rtapp.h"

struct fixture {
    struct arena *arena;
    struct diag diag;
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

static struct workload *
try_load(struct fixture *f, const char *text)
{
    diag_clear(&f->diag);
    diag_init(&f->diag);
    return import_rtapp("t.json", text, strlen(text), NULL, f->arena, &f->diag);
}

static struct workload *
load(struct fixture *f, const char *text)
{
    struct workload *w = try_load(f, text);
    g_autofree char *messages = diag_text(&f->diag);

    assert_string_equal(messages, "");
    assert_non_null(w);
    return w;
}

static void
assert_says(struct fixture *f, const char *text, const char *expected)
{
    assert_null(try_load(f, text));
    g_autofree char *messages = diag_text(&f->diag);
    assert_string_equal(messages, expected);
}

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

#define TASK(body) "{\"tasks\": {\"a\": {\"loop\": 1, " body "}}}"

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

static void
broken_text_is_told_where_it_breaks(void **state)
{
    assert_says(*state, "{ \"tasks\" : {\n \"a", "t.json:2:2: the text has no closing '\"'\n");
    assert_says(*state, "{ \"tasks\" : {\n",
                "t.json:2:1: the file ends inside of '{'; expected '}'\n");
    assert_says(*state, "{ \"a\" : [1 2",
                "t.json:1:13: the file ends inside of '['; expected ']'\n");
    assert_says(*state, "{ /* x", "t.json:1:3: the comment has no end; expected '*/'\n");
    assert_says(*state, "{ \"a\" : ;",
                "t.json:1:9: expected a value: a number, a text in quotes, '{' or '['\n");
    assert_says(*state, "{ 5 : 1 }", "t.json:1:3: expected a key in quotes, or '}'\n");
    assert_says(*state, "{ } }", "t.json:1:5: expected the end of the file after its last '}'\n");
    assert_says(*state, "{ \"\\u00\" }",
                "t.json:1:5: expected four hexadecimal digits after \\u\n");
}

/* Sixteen deep is read (and is no workload); one more is refused, and so are a million. */
static void
nesting_has_a_limit(void **state)
{
    struct fixture *f = *state;

    for (guint depth = 16; depth <= 1000000; depth = depth == 16 ? 17 : depth * 100) {
        g_autoptr(GString) s = g_string_new("{\"x\":");
        for (guint i = 1; i < depth; i++)
            g_string_append_c(s, '[');
        for (guint i = 1; i < depth; i++)
            g_string_append_c(s, ']');
        g_string_append_c(s, '}');
        assert_null(try_load(f, s->str));
        g_autofree char *messages = diag_text(&f->diag);
        assert_int_equal(strstr(messages, "is nested deeper than 16") != NULL, depth > 16);
        assert_int_equal(strstr(messages, "there are no tasks") != NULL, depth <= 16);
    }
}

static void
long_texts_and_many_values_have_limits(void **state)
{
    struct fixture *f = *state;
    g_autofree char *fits = g_strnfill(1000, 'k'), *is_long = g_strnfill(1001, 'k');
    g_autofree char *endless = g_strnfill(8 << 20, 'k');
    const char *keys[] = { fits, is_long, endless };

    for (gsize i = 0; i < ARRAY_LEN(keys); i++) {
        g_autofree char *text = g_strdup_printf("{\"%s\" : 1}", keys[i]);
        assert_null(try_load(f, text));
        g_autofree char *messages = diag_text(&f->diag);
        assert_int_equal(strstr(messages, "longer than 1000 characters") != NULL, i > 0);
    }
    g_autoptr(GString) many = g_string_new("{\"x\":[");
    for (guint i = 0; i < 500000; i++)
        g_string_append(many, "1 ");
    g_string_append(many, "]}");
    assert_null(try_load(f, many->str));
    g_autofree char *messages = diag_text(&f->diag);
    assert_non_null(strstr(messages, "there are too many values"));
}

static bool
says_of(struct fixture *f, guint nr, const char *head, const char *item, const char *tail,
        const char *expected)
{
    g_autoptr(GString) s = g_string_new(head);

    for (guint i = 0; i < nr; i++)
        g_string_append_printf(s, item, i);
    g_string_append(s, tail);
    const struct workload *w = try_load(f, s->str);
    g_autofree char *messages = diag_text(&f->diag);
    bool says = strstr(messages, expected) != NULL;
    assert_int_equal(w == NULL, says);
    return says;
}

/* The last number that is read, and the first that is not. */
static void
tasks_keys_and_locks_have_limits(void **state)
{
    static const char task[] = "\"%u\": {\"run\": 1} ", event[] = "\"run%u\": 1 ";
    static const char lock[] = "\"lock\": \"%u\" ";

    assert_false(says_of(*state, 1000, "{\"tasks\": {", task, "}}", "there are 1001 tasks"));
    assert_true(says_of(*state, 1001, "{\"tasks\": {", task, "}}", "there are 1001 tasks"));
    assert_false(says_of(*state, 10000, "{\"tasks\": {\"a\": {", event, "}}}", "more than 10000"));
    assert_true(says_of(*state, 10001, "{\"tasks\": {\"a\": {", event, "}}}", "more than 10000"));
    assert_false(says_of(*state, 2000, "{\"tasks\": {\"a\": {", lock, "}}}", "more than 2000"));
    assert_true(says_of(*state, 2001, "{\"tasks\": {\"a\": {", lock, "}}}", "more than 2000"));
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

/* ---- what is refused, and what is said ---- */

static void
what_is_not_modelled_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *body, *says;
    } cases[] = {
        { "\"run\": 1, \"policy\": \"SCHED_FIFO\", \"priority\": 0",
          "t.json:1:75: tasks.a.priority: expected a whole number from 1 to 99\n" },
        { "\"run\": 1, \"policy\": \"SCHED_DEADLINE\"",
          "t.json:1:49: tasks.a.policy: SCHED_DEADLINE needs dl-runtime <= dl-deadline <= "
          "dl-period, the first from 2 us, the last from 100 to 4194304 us\n" },
        { "\"run\": 1, \"taskgroup\": \"/x\"",
          "t.json:1:52: tasks.a.taskgroup: the membership in a task group is not modelled yet\n" },
        { "\"memrun\": 1",
          "t.json:1:29: tasks.a.memrun: the event 'memrun' is not modelled yet\n" },
        { "\"run\": 1, \"priority\": 20",
          "t.json:1:51: tasks.a.priority: expected a whole number from -20 to 19\n" },
        { "\"run\": 1.5",
          "t.json:1:36: tasks.a.run: expected a whole number from 0 to 2147483647\n" },
        { "\"run\": 2147483648",
          "t.json:1:36: tasks.a.run: expected a whole number from 0 to 2147483647\n" },
        { "\"run\": 1, \"instance\": 99999999999999999999999",
          "t.json:1:51: tasks.a.instance: expected a whole number from 0 to 1000000\n" },
        { "\"lock\": 5", "t.json:1:37: tasks.a.lock: expected a name in quotes\n" },
        { "\"phases\": {\"p\": {\"loop\": 0, \"run\": 1}}",
          "t.json:1:54: tasks.a.phases.p.loop: a loop of no rounds; expected -1 (forever) or a "
          "number from 1\n" },
        { "\"cpus\": []",
          "t.json:1:17: tasks.a: there are no events; expected run, sleep, timer...\n"
          "t.json:1:37: tasks.a.cpus: the list is empty; expected at least one number\n" },
    };

    for (gsize i = 0; i < ARRAY_LEN(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("{\"tasks\": {\"a\": {\"loop\": 1, %s}}}", cases[i].body);
        assert_null(try_load(*state, text));
        g_autofree char *messages = diag_text(&((struct fixture *)*state)->diag);
        assert_string_equal(messages, cases[i].says);
    }
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

static bool
has_note(const struct fixture *f, const char *text)
{
    for (guint i = 0; i < f->diag.notes->len; i++)
        if (strstr(g_ptr_array_index(f->diag.notes, i), text) != NULL)
            return true;
    return false;
}

/* rt-app's priority 10 where a real-time policy says none; a phase may change class, and is left in
 * the one that the thread has if it says nothing; pi_enabled makes every lock one that inherits. */
static void
real_time_policies_become_classes(void **state)
{
    struct fixture *f = *state;
    const struct workload *w =
        load(f, "{\"global\": {\"default_policy\": \"SCHED_FIFO\", \"pi_enabled\": true},"
                "\"tasks\": {\"a\": {\"lock\": \"m\", \"run\": 1, \"unlock\": \"m\"},"
                "\"b\": {\"policy\": \"SCHED_DEADLINE\", \"dl-runtime\": 2000,"
                " \"dl-period\": 10000, \"run\": 1},"
                "\"c\": {\"policy\": \"SCHED_OTHER\", \"phases\": {"
                "\"p\": {\"policy\": \"SCHED_RR\", \"priority\": 7, \"run\": 1},"
                "\"q\": {\"run\": 2}}}}}");

    assert_non_null(w);
    assert_int_equal(w->groups[0].class.policy, POLICY_FIFO);
    assert_int_equal(w->groups[0].class.rt_priority, 10);
    assert_true(w->groups[0].steps[1].kind == WSTEP_LOCK && w->groups[0].steps[1].pi);
    const struct wclass *b = &w->groups[1].class;
    assert_int_equal(b->policy, POLICY_DEADLINE);
    assert_int_equal(b->dl_runtime, MSEC(2));
    assert_int_equal(b->dl_deadline, MSEC(10));
    assert_int_equal(b->dl_period, MSEC(10));
    const struct wgroup *c = &w->groups[2];
    guint changes = 0;
    assert_int_equal(c->class.policy, POLICY_NORMAL);
    for (uint32_t i = 0; i < c->nr_steps; i++)
        if (c->steps[i].kind == WSTEP_SET_CLASS) {
            assert_int_equal(c->steps[i].class->policy, POLICY_RR);
            assert_int_equal(c->steps[i].class->rt_priority, 7);
            changes++;
        }
    assert_int_equal(changes, 1);
}

static void
nothing_is_skipped_in_silence(void **state)
{
    struct fixture *f = *state;

    load(f, "{\"tasks\": {\"a\": {\"run\": 1, \"fly\": 2, \"phase\": 3, \"sleepy\": 4}},\n"
            " \"more\": 1, \"resources\": {},\n"
            " \"global\": {\"fly\": 1, \"calibration\": \"CPU0\", \"pi_enabled\": true,"
            " \"default_policy\": \"SCHED_FIFO\"}}");
    assert_true(has_note(f, "5 unknown keys (4 different ones) are skipped: "
                            "more (line 2), fly (line 3), phase (line 1), sleepy (line 1)"));
    assert_true(has_note(f, "ignored: resources, calibration (work is counted at the reference"));
    load(f, TASK("\"run\": 1"));
    assert_int_equal(f->diag.notes->len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_format_is_read_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_rtapp_files_look_like_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_text_is_told_where_it_breaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nesting_has_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_and_many_values_have_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tasks_keys_and_locks_have_limits, set_up, tear_down),
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
        cmocka_unit_test_setup_teardown(what_is_not_modelled_is_refused_with_its_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_format_of_rtapp_0_is_refused_by_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(real_time_policies_become_classes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_skipped_in_silence, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/* What is no rt-app file, is too much, or is not modelled: refused with its place, or noted. */
#include "rtapp_kit.h"

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
        cmocka_unit_test_setup_teardown(broken_text_is_told_where_it_breaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nesting_has_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_and_many_values_have_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tasks_keys_and_locks_have_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_modelled_is_refused_with_its_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(real_time_policies_become_classes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_skipped_in_silence, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

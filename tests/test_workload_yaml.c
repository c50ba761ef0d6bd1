/* layer: config */
/* Workload YAML: what the grammar means, its limits, and the messages for files that are wrong. */
#include "workload_yaml_kit.h"

/* ---- expressions ---- */

static void
assert_value(struct fixture *f, const char *text, enum field_type type, uint64_t expected)
{
    struct wexpr e;
    struct wenv env;
    char why[400];
    uint64_t value = 0;
    const char *error;

    wenv_init(&env, machine(f));
    if (!wexpr_parse(&e, text, type, WEXPR_MACHINE, f->arena, why, sizeof(why)))
        fail_msg("%s: %s", text, why);
    error = wexpr_eval(&e, &env, &value);
    assert_null(error);
    assert_int_equal(value, expected);
}

static void
expressions_reckon_with_the_machine(void **state)
{
    assert_value(*state, "cpus/2", FIELD_U64, 16);
    assert_value(*state, "cpu_ids", FIELD_U64, 32);
    assert_value(*state, "cores + nodes * llcs", FIELD_U64, 16 + 4 * 4);
    assert_value(*state, "(cores + nodes) * llcs - 1", FIELD_U64, 79);
    assert_value(*state, "100 - 10 - 5", FIELD_U64, 85);
    assert_value(*state, "100 / 7 / 2", FIELD_U64, 7);
    assert_value(*state, "max(1, nodes - 4, 0)", FIELD_U64, 1);
    assert_value(*state, "min(2ms * cpus, 1s)", FIELD_TIME, MSEC(64));
    assert_value(*state, "1GiB / 64KiB", FIELD_U64, 16384);
    assert_value(*state, "64MiB * nodes + 1.5KiB", FIELD_SIZE, MIB(256) + 1536);
    assert_value(*state, "20 * node_bandwidth / (2 * 1GiB)", FIELD_U64, 93);
    assert_value(*state, "node_size", FIELD_SIZE, GIB(1));
    assert_value(*state, "mod(cpus + 7, cores)", FIELD_U64, 7);
    assert_value(*state, "mod(10ms, 4ms)", FIELD_TIME, MSEC(2));
}

static void
expressions_are_refused_with_a_reason(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "", "the expression ends too early" },
        { "cpus +", "the expression ends too early" },
        { "(cpus", "')' is missing" },
        { "cpus)", "')' is left over; put + - * or / before it" },
        { "2 3", "'2 3' is not a number; write a whole number" },
        { "cpus 2", "'2' is left over; put + - * or / before it" },
        { "cpus + 2ms", "values of different units cannot be added, subtracted or compared" },
        { "cpus * 2ms", "this is not a number" },
        { "-1", "'-1' cannot stand here; write a number, a name or '('" },
        { "thread", "there is no 'thread' to reckon with here; known: cpus, cpu_ids, nodes, "
                    "memory_nodes, cores, llcs, packages, llc_size, node_size, node_bandwidth" },
        { "((((((((((((((((((1))))))))))))))))))", "parentheses are nested deeper than 16" },
        { "max 1", "'(' is missing behind max" },
        { "mod(1, 2, 3)", "mod takes 2 numbers, not 3" },
        { "mod(5, 2ms)", "values of different units cannot be added, subtracted or compared" },
        { "random(5)", "'random' is for programs; here a number stands before the run" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct wexpr e;
        char why[400] = "";
        assert_false(
            wexpr_parse(&e, cases[i].text, FIELD_U64, WEXPR_MACHINE, f->arena, why, sizeof(why)));
        if (!g_str_has_prefix(why, cases[i].why))
            fail_msg("%s: %s", cases[i].text, why);
    }
}

static void
expressions_say_when_they_have_no_value(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][2] = {
        { "1 / (nodes - 4)", "divides by zero" },
        { "3 - nodes", "is less than zero" },
        { "mod(3, nodes - 4)", "divides by zero" },
        { "18446744073709551615 + nodes", "is too large" },
        { "4294967296 * 4294967296 * nodes", "is too large" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct wexpr e;
        struct wenv env;
        char why[400];
        uint64_t value;
        wenv_init(&env, machine(f));
        assert_true(
            wexpr_parse(&e, cases[i][0], FIELD_U64, WEXPR_MACHINE, f->arena, why, sizeof(why)));
        assert_string_equal(wexpr_eval(&e, &env, &value), cases[i][1]);
    }
}

/* ---- limits ---- */

static const char *
refusal(struct fixture *f, const char *thread)
{
    struct kernel_limits limits = { 0 };
    g_autofree char *text = g_strdup_printf(HEAD "%s", thread);

    return workload_limits(load(f, text), machine(f), &limits);
}

/* Behind its place. */
static void
assert_ends(const char *why, const char *end)
{
    assert_non_null(why);
    if (!g_str_has_suffix(why, end) || !g_str_has_prefix(why, "w:"))
        fail_msg("'%s' instead of a place and '%s'", why, end);
}

static void
what_does_not_fit_the_machine_is_refused_before_it_is_built(void **state)
{
    struct fixture *f = *state;
    size_t before = arena_used(f->arena);

    assert_ends(refusal(f, "  threads: [{name: a, count: 1000000000, program: []}]\n"),
                "a: the number of threads is 1000000000; the most is 1000000");
    assert_ends(refusal(f, "  count: 1000\n  threads: [{name: a, count: 1001, program: []}]\n"),
                "a: with it there are more than 1000000 threads");
    assert_null(refusal(f, "  count: 1000\n  threads: [{name: a, count: 1000, program: []}]\n"));
    assert_ends(refusal(f, "  threads: [{name: a, count: nodes / 5, program: []}]\n"),
                "a: the number of threads is 0 on this machine");
    assert_ends(refusal(f, "  threads: [{name: a, count: 1 / (nodes - 4), program: []}]\n"),
                "a: the number of threads divides by zero");
    assert_ends(refusal(f, "  threads: [{name: a, affinity: {cpus: 30-32}, program: []}]\n"),
                "a: the machine has no CPU 32; it has 0-31");
    assert_null(refusal(f, "  threads: [{name: a, affinity: {nodes: '10,20'}, program: []}]\n"));
    assert_ends(refusal(f, "  threads: [{name: a, affinity: {nodes: 1}, program: []}]\n"),
                "a: the machine has no node 1; it has 0,10,20,30");
    assert_ends(
        refusal(f, "  threads: [{name: a, program: [set_mempolicy: {mode: bind, nodes: 3}]}]\n"),
        "a: the machine has no node 3; it has 0,10,20,30");
    assert_ends(
        refusal(f, "  regions: [{name: d, size: 2048GiB}]\n  threads: [{name: a, program: []}]\n"),
        "d: with it there are more than 268435456 pages; use page_size: 2MiB");
    assert_null(
        refusal(f, "  regions: [{name: d, size: 1024GiB}]\n  threads: [{name: a, program: []}]\n"));
    assert_ends(refusal(f, "  sync: {l: {kind: lock, count: 1000000000}}\n"
                           "  threads: [{name: a, program: []}]\n"),
                "l: the number of copies is 1000000000; the most is 1048576");
    /* 512 queues of 65536 requests fit, and one more does not */
#define QUEUES(n)                                                                                  \
    "  sync: {q: {kind: queue, count: " n ", arrivals: {poisson: {rate: 1/s}}}}\n"                 \
    "  threads: [{name: a, program: []}]\n"
    assert_null(refusal(f, QUEUES("512")));
    assert_ends(refusal(f, QUEUES("513")),
                "q: with it there are more than 33554432 places in queues");
    assert_ends(refusal(f, "  regions: [{name: d, size: 8MiB, slices: 3000}]\n"
                           "  threads: [{name: a, program: []}]\n"),
                "d: there are more slices than pages");
    assert_ends(refusal(f, "  count: 3\n  regions: [{name: d, size: 4GiB, slices: 1000000}]\n"
                           "  threads: [{name: a, program: []}]\n"),
                "d: with it there are more than 2097152 slices");
    assert_true(arena_used(f->arena) - before < MIB(4));
}

static void
all_that_does_not_fit_is_said_at_once_with_its_place(void **state)
{
    assert_string_equal(
        refusal(*state, "  regions: [{name: d, size: 1MiB, policy: {mode: bind, nodes: 7}}]\n"
                        "  threads:\n"
                        "  - {name: a, affinity: {cpus: 40-90}, program: []}\n"
                        "  - {name: b, count: 0 * cpus, program: []}\n"),
        "w:7:25: processes[0].threads[0].affinity: a: the machine has no CPU 40; it has 0-31\n"
        "w:8:5: processes[0].threads[1]: b: the number of threads is 0 on this machine\n"
        "w:5:43: processes[0].regions[0].policy: d: the machine has no node 7; it has 0,10,20,30");
}

static void
loops_may_be_nested_twelve_deep_and_no_deeper(void **state)
{
    struct fixture *f = *state;

    for (guint depth = 12; depth <= 13; depth++) {
        g_autoptr(GString) s = g_string_new(HEAD "  threads: [{name: a, program: [");
        for (guint i = 0; i < depth; i++)
            g_string_append(s, "loop: {count: 2, do: [");
        for (guint i = 0; i < depth; i++)
            g_string_append(s, "]}");
        g_string_append(s, "]}]\n");
        assert_int_equal(try_load(f, s->str, NULL) != NULL, depth == 12);
    }
    g_autoptr(GString) deep = g_string_new(HEAD "  threads: [{name: a, program: [");
    for (guint i = 0; i < 1000; i++)
        g_string_append(deep, "loop: {count: 2, do: [");
    assert_null(try_load(f, deep->str, NULL));
}

static void
steps_that_are_not_known_get_a_hint(void **state)
{
    struct fixture *f = *state;

    assert_says(f, HEAD "  threads: [{name: a, program: [yeld, barier: b, receve: 1]}]\n",
                "w:5:33: processes[0].threads[0].program[0]: there is no step 'yeld'; did you mean "
                "'yield'?\n"
                "w:5:39: processes[0].threads[0].program[1].barier: there is no step 'barier'; did "
                "you mean 'barrier'?\n"
                "w:5:50: processes[0].threads[0].program[2].receve: there is no step 'receve'; did "
                "you mean 'receive'?\n");
}

/* ---- golden messages ---- */

static void
assert_golden(struct fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(SOURCE_DIR "/tests/bad", name, NULL);
    g_autofree char *golden = g_strndup(path, strlen(path) - strlen(".yaml"));
    g_autofree char *text_path = g_strconcat(golden, ".txt", NULL);
    g_autofree char *text = NULL, *expected = NULL;
    gsize len;

    assert_true(g_file_get_contents(path, &text, &len, NULL));
    assert_true(g_file_get_contents(text_path, &expected, NULL, NULL));
    diag_clear(&f->diag);
    diag_init(&f->diag);
    assert_null(workload_yaml_load("FILE", text, len, NULL, f->arena, &f->diag));
    g_autofree char *messages = diag_text(&f->diag);
    if (strcmp(messages, expected) != 0)
        print_error("%s says:\n", name);
    assert_string_equal(messages, expected);
}

static void
every_bad_file_says_what_is_wrong_with_it(void **state)
{
    g_autoptr(GDir) dir = g_dir_open(SOURCE_DIR "/tests/bad", 0, NULL);
    guint nr = 0;

    for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
        if (g_str_has_prefix(name, "workload-") && g_str_has_suffix(name, ".yaml")) {
            assert_golden(*state, name);
            nr++;
        }
    assert_true(nr >= 5);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(expressions_reckon_with_the_machine),
        TEST(expressions_are_refused_with_a_reason),
        TEST(expressions_say_when_they_have_no_value),
        TEST(what_does_not_fit_the_machine_is_refused_before_it_is_built),
        TEST(all_that_does_not_fit_is_said_at_once_with_its_place),
        TEST(loops_may_be_nested_twelve_deep_and_no_deeper),
        TEST(steps_that_are_not_known_get_a_hint),
        TEST(every_bad_file_says_what_is_wrong_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/* Workload YAML: what the grammar means, its limits, and the messages for files that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/workload_yaml.h"
#include "config/yaml_tree.h"

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
try_load(struct fixture *f, const char *text, const char *const *settings)
{
    diag_clear(&f->diag);
    diag_init(&f->diag);
    return workload_yaml_load("w", text, strlen(text), settings, f->arena, &f->diag);
}

static struct workload *
load(struct fixture *f, const char *text)
{
    struct workload *w = try_load(f, text, NULL);
    g_autofree char *messages = diag_text(&f->diag);

    assert_string_equal(messages, "");
    assert_non_null(w);
    return w;
}

static void
assert_says(struct fixture *f, const char *text, const char *expected)
{
    assert_null(try_load(f, text, NULL));
    g_autofree char *messages = diag_text(&f->diag);
    assert_string_equal(messages, expected);
}

/* A machine of 4 nodes with 8 CPUs each, 1 GB of memory and 10 GB/s a node. */
static struct machine *
machine(struct fixture *f)
{
    struct machine *m = machine_new(f->arena, 32, 4);

    m->name = "test";
    for (uint32_t n = 0; n < 4; n++) {
        m->nodes[n].os_index = 10 * n;
        m->nodes[n].online = true;
        m->nodes[n].mem_bytes = GIB(1);
        m->nodes[n].bandwidth = 10000000000;
    }
    for (uint32_t c = 0; c < 32; c++) {
        int32_t node = (int32_t)c / 8;
        m->cpus[c] = (struct machine_cpu){ .present = true,
                                           .online = true,
                                           .node = node,
                                           .package = node,
                                           .die = node,
                                           .core = (int32_t)c / 2,
                                           .cluster = (int32_t)c / 2,
                                           .l2 = (int32_t)c / 2,
                                           .llc = node,
                                           .capacity = 1024 };
        cpumask_set(m->nodes[node].cpus, c);
        cpumask_set(m->present, c);
        cpumask_set(m->online, c);
    }
    const char *why = machine_finish(m);
    assert_null(why);
    return m;
}

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

/* ---- files ---- */

#define HEAD "version: 1\nname: t\nprocesses:\n- name: p\n"

static void
every_shipped_workload_loads_and_loads_again_from_what_it_writes(void **state)
{
    struct fixture *f = *state;
    g_auto(GStrv) names = shipped_names(f->diag.data_dir, "workloads");
    guint nr = 0;

    for (; names[nr] != NULL; nr++) {
        struct kernel_limits limits, again = { 0 };
        struct machine *m = machine(f);

        for (uint32_t n = 0; n < m->nr_nodes; n++) /* shipped ones name nodes that there are */
            m->nodes[n].os_index = n;
        struct workload *w = load_workload(names[nr], NULL, f->arena, &f->diag);
        g_autofree char *messages = diag_text(&f->diag);
        assert_string_equal(messages, "");
        g_autofree char *name = g_path_get_basename(names[nr]); /* of perf-bench-numa/4x4-.. */
        assert_string_equal(w->name, name);
        assert_non_null(w->doc);
        const char *why = workload_limits(w, m, &limits);
        if (why != NULL)
            fail_msg("%s: %s", names[nr], why);

        g_autoptr(GString) once = g_string_new(NULL), twice = g_string_new(NULL);
        workload_yaml_write(w, NULL, 0, once);
        struct workload *w2 = load(f, once->str);
        workload_yaml_write(w2, NULL, 0, twice);
        assert_string_equal(once->str, twice->str);
        assert_int_equal(w->nr_params, w2->nr_params);
        for (uint32_t i = 0; i < w->nr_params; i++)
            assert_string_equal(w->params[i].value, w2->params[i].value);
        assert_null(workload_limits(w2, m, &again));
        assert_int_equal(limits.max_tasks, again.max_tasks);
    }
    assert_true(nr >= 20);
}

/* Every word of every choice; the tree says which there are. */
static guint
load_with_each_word(struct fixture *f, const char *name, const struct ynode *params)
{
    guint nr = 0;

    for (guint i = 0; params != NULL && i < params->nr; i++) {
        const struct ynode *of = ynode_get(params->values[i], "of");

        for (guint j = 0; of != NULL && j < of->nr; j++, nr++) {
            g_autofree char *setting =
                g_strdup_printf("%s=%s", params->keys[i]->text, of->values[j]->text);
            const char *const settings[] = { setting, NULL };
            struct kernel_limits limits;
            struct machine *m = machine(f);

            m->nodes[0].os_index = 0; /* some name node 0 */
            struct workload *w = load_workload(name, settings, f->arena, &f->diag);
            g_autofree char *messages = diag_text(&f->diag);
            assert_string_equal(messages, "");
            const char *why = workload_limits(w, m, &limits);
            if (why != NULL)
                fail_msg("%s, %s: %s", name, setting, why);
        }
    }
    return nr;
}

/* What `$case` leaves out nobody reads: so each of its branches must have been in. */
static void
every_choice_of_every_shipped_workload_loads(void **state)
{
    struct fixture *f = *state;
    g_auto(GStrv) names = shipped_names(f->diag.data_dir, "workloads");
    guint nr = 0;

    for (guint i = 0; names[i] != NULL; i++) {
        g_autofree char *path = g_strdup_printf("%s/workloads/%s.yaml", f->diag.data_dir, names[i]);
        struct yaml_doc doc;

        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            continue; /* the one that is built in */
        assert_true(yaml_load_file(&doc, path, f->arena, &f->diag));
        nr += load_with_each_word(f, names[i], ynode_get(doc.root, "parameters"));
    }
    assert_true(nr >= 60);
}

static void
the_example_of_the_documentation_is_a_workload(void **state)
{
    struct fixture *f = *state;
    g_autofree char *page = NULL;

    assert_true(g_file_get_contents(SOURCE_DIR "/workloads/README.md", &page, NULL, NULL));
    char *begin = strstr(page, "```yaml\n") + strlen("```yaml\n");
    *strstr(begin, "```") = '\0';
    const struct workload *w = load(f, begin);
    assert_string_equal(w->name, "shop");
    assert_false(workload_endless(w));
}

static void
settings_of_a_variant_and_of_the_command_line_reach_the_base(void **state)
{
    struct fixture *f = *state;
    static const char *const settings[] = { "loops=7", "loops=8", NULL };
    struct workload *w = load_workload("numa02_HARD_BIND", settings, f->arena, &f->diag);

    assert_non_null(w);
    assert_string_equal(w->name, "numa02_HARD_BIND");
    assert_int_equal(w->processes[0].bind, WBIND_HARD);
    for (uint32_t i = 0; i < w->nr_params; i++)
        if (strcmp(w->params[i].name, "loops") == 0)
            assert_string_equal(w->params[i].value, "8");
}

static void
a_setting_that_is_wrong_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const settings[] = { "lops=7", "threads=1ms", "variant=hart", NULL };

    assert_null(load_workload("numa02", settings, f->arena, &f->diag));
    g_autofree char *messages = diag_text(&f->diag);
    assert_non_null(strstr(messages, "workload: threads: '1ms' is not a number"));
    assert_non_null(
        strstr(messages, "workload: variant: there is no 'hart'; did you mean 'hard'?"));
    diag_clear(&f->diag);
    diag_init(&f->diag);
    static const char *const unknown[] = { "lops=7", NULL };
    assert_null(load_workload("numa02", unknown, f->arena, &f->diag));
    g_autofree char *more = diag_text(&f->diag);
    assert_non_null(strstr(more, "has no parameter 'lops'; did you mean 'loops'?"));
}

static void
a_name_that_is_not_shipped_gets_a_hint(void **state)
{
    struct fixture *f = *state;

    assert_null(load_workload("numa2", NULL, f->arena, &f->diag));
    g_autofree char *messages = diag_text(&f->diag);
    assert_non_null(
        strstr(messages, "there is no workload 'numa2', and no such file; did you mean"));
}

static void
numa02_is_what_the_study_says(void **state)
{
    struct fixture *f = *state;
    struct workload *w = load_workload("numa02", NULL, f->arena, &f->diag);
    struct kernel_limits limits = { 0 };

    assert_int_equal(w->nr_processes, 1);
    assert_int_equal(w->nr_regions, 1);
    assert_int_equal(w->regions[0].slices_of, 0);
    /* the main thread: touch all, fork, join; the workers: loop { stream own slice } */
    assert_int_equal(w->groups[1].steps[0].kind, WSTEP_STREAM);
    assert_int_equal(w->groups[1].steps[0].mem->uses[0].slice, WSLICE_WHOLE);
    assert_int_equal(w->groups[1].steps[1].kind, WSTEP_FORK);
    assert_int_equal(w->groups[1].steps[2].kind, WSTEP_JOIN);
    assert_int_equal(w->groups[0].steps[0].kind, WSTEP_LOOP);
    assert_int_equal(w->groups[0].steps[1].mem->uses[0].slice, WSLICE_OWN);
    assert_int_equal(w->groups[0].steps[1].mem->write_ppm, 1000000);
    assert_null(workload_limits(w, machine(f), &limits));
    assert_int_equal(limits.max_tasks, 33);
    assert_false(workload_endless(w));
}

static void
endless_is_what_has_no_end_of_its_own(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        bool endless;
    } cases[] = {
        { "[loop: {count: forever, do: [sleep: 1ms]}]", true },
        { "[loop: {count: 5, do: [sleep: 1ms]}]", false },
        { "[loop: {count: forever, do: [sleep: 1ms, exit]}]", false },
        { "[period: {every: 1ms, count: forever, do: [compute: 1us]}]", true },
        { "[loop: {count: forever, do: [request: {begin: finite}]}]", false },
        { "[loop: {count: forever, do: [request: {begin: infinite}]}]", true },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(
            HEAD "  sync:\n"
                 "    finite: {kind: queue, arrivals: {poisson: {rate: 5/s, count: 9}}}\n"
                 "    infinite: {kind: queue, arrivals: {poisson: {rate: 5/s}}}\n"
                 "  threads: [{name: a, program: %s}]\n",
            cases[i].text);
        assert_int_equal(workload_endless(load(f, text)), cases[i].endless);
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

static void
what_does_not_fit_the_machine_is_refused_before_it_is_built(void **state)
{
    struct fixture *f = *state;
    size_t before = arena_used(f->arena);

    assert_string_equal(refusal(f, "  threads: [{name: a, count: 1000000000, program: []}]\n"),
                        "a: the number of threads is 1000000000; the most is 1000000");
    assert_string_equal(
        refusal(f, "  count: 1000\n  threads: [{name: a, count: 1001, program: []}]\n"),
        "a: with it there are more than 1000000 threads");
    assert_null(refusal(f, "  count: 1000\n  threads: [{name: a, count: 1000, program: []}]\n"));
    assert_string_equal(refusal(f, "  threads: [{name: a, count: nodes / 5, program: []}]\n"),
                        "a: the number of threads is 0 on this machine");
    assert_string_equal(refusal(f, "  threads: [{name: a, count: 1 / (nodes - 4), program: []}]\n"),
                        "a: the number of threads divides by zero");
    assert_string_equal(
        refusal(f, "  threads: [{name: a, affinity: {cpus: 30-32}, program: []}]\n"),
        "a: the machine has no CPU 32");
    assert_null(refusal(f, "  threads: [{name: a, affinity: {nodes: '10,20'}, program: []}]\n"));
    assert_string_equal(refusal(f, "  threads: [{name: a, affinity: {nodes: 1}, program: []}]\n"),
                        "a: the machine has no node 1");
    assert_string_equal(
        refusal(f, "  threads: [{name: a, program: [set_mempolicy: {mode: bind, nodes: 3}]}]\n"),
        "a: the machine has no node 3");
    assert_string_equal(
        refusal(f, "  regions: [{name: d, size: 2048GiB}]\n  threads: [{name: a, program: []}]\n"),
        "d: with it there are more than 268435456 pages; use page_size: 2MiB");
    assert_null(
        refusal(f, "  regions: [{name: d, size: 1024GiB}]\n  threads: [{name: a, program: []}]\n"));
    assert_string_equal(refusal(f, "  sync: {l: {kind: lock, count: 1000000000}}\n"
                                   "  threads: [{name: a, program: []}]\n"),
                        "l: the number of copies is 1000000000; the most is 1048576");
    /* 512 queues of 65536 requests fit, and one more does not */
#define QUEUES(n)                                                                                  \
    "  sync: {q: {kind: queue, count: " n ", arrivals: {poisson: {rate: 1/s}}}}\n"                 \
    "  threads: [{name: a, program: []}]\n"
    assert_null(refusal(f, QUEUES("512")));
    assert_string_equal(refusal(f, QUEUES("513")),
                        "q: with it there are more than 33554432 places in queues");
    assert_string_equal(refusal(f, "  regions: [{name: d, size: 8MiB, slices: 3000}]\n"
                                   "  threads: [{name: a, program: []}]\n"),
                        "d: there are more slices than pages");
    assert_string_equal(refusal(f,
                                "  count: 3\n  regions: [{name: d, size: 4GiB, slices: 1000000}]\n"
                                "  threads: [{name: a, program: []}]\n"),
                        "d: with it there are more than 2097152 slices");
    assert_true(arena_used(f->arena) - before < MIB(4));
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
        TEST(every_shipped_workload_loads_and_loads_again_from_what_it_writes),
        TEST(every_choice_of_every_shipped_workload_loads),
        TEST(the_example_of_the_documentation_is_a_workload),
        TEST(settings_of_a_variant_and_of_the_command_line_reach_the_base),
        TEST(a_setting_that_is_wrong_is_refused),
        TEST(a_name_that_is_not_shipped_gets_a_hint),
        TEST(numa02_is_what_the_study_says),
        TEST(endless_is_what_has_no_end_of_its_own),
        TEST(what_does_not_fit_the_machine_is_refused_before_it_is_built),
        TEST(loops_may_be_nested_twelve_deep_and_no_deeper),
        TEST(steps_that_are_not_known_get_a_hint),
        TEST(every_bad_file_says_what_is_wrong_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

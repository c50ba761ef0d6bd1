/* layer: config */
/* Shipped workloads, their parameters, and what settings do to a file. */
#include "workload_yaml_kit.h"

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

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_shipped_workload_loads_and_loads_again_from_what_it_writes),
        TEST(every_choice_of_every_shipped_workload_loads),
        TEST(the_example_of_the_documentation_is_a_workload),
        TEST(settings_of_a_variant_and_of_the_command_line_reach_the_base),
        TEST(a_setting_that_is_wrong_is_refused),
        TEST(a_name_that_is_not_shipped_gets_a_hint),
        TEST(numa02_is_what_the_study_says),
        TEST(endless_is_what_has_no_end_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

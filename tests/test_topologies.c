/* layer: config */
/* The shipped machines: they load, say where their numbers come from, and survive being written. */
#include "topologies_kit.h"

static void
at_least_twelve_real_machines_and_the_teaching_ones_are_shipped(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "uma",
        "two-node",
        "four-node",
        "four-ring",
        "eight-node",
        "bench-8",
        "bench-64",
        "bench-512",
        "bench-4096",
        "clx-2s-6240",
        "skx-2s-8180",
        "clx-2s-8269cy-snc2",
        "spr-2s-8468-snc4",
        "epyc-rome-2s-7742-nps1",
        "epyc-rome-2s-7742-nps4",
        "opteron-6272-4s8n",
        "intel-8s-160cpu",
        "wsm-ex-4s-4870",
        "kunpeng920-2s-96c",
        "cxl-2s",
        "uv2000-24s",
        "altix-64n",
        "power9-ac922",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (!g_strv_contains((const char *const *)names, wanted[i]))
            fail_msg("%s is not shipped", wanted[i]);
    for (guint i = 1; names[i] != NULL; i++)
        assert_true(strcmp(names[i - 1], names[i]) < 0);
}

/* A text that begins with the key of a source, or with "assumed: RULE". */
static bool
names_a_source(const char *text)
{
    g_autofree char *key = g_strndup(text, strcspn(text, ":; "));
    g_autofree char *row = g_strconcat(key, ",", NULL);

    if (g_str_has_prefix(text, "assumed: "))
        return strlen(text) > strlen("assumed: ");
    for (guint i = 0; sources != NULL && sources[i] != NULL; i++)
        if (g_str_has_prefix(sources[i], row))
            return true;
    return sources == NULL && *key != '\0';
}

static const char *
source_of(const struct ynode *root, const struct ynode *n)
{
    const struct ynode *all = ynode_get(root, "source");
    g_autofree char *path = ynode_path(n);
    g_autoptr(GRegex) index = g_regex_new("\\[[0-9]+\\]", 0, 0, NULL);
    g_autofree char *plain = g_regex_replace_literal(index, path, -1, 0, "", 0, NULL);

    for (guint i = 0; all != NULL && i < all->nr; i++) {
        const char *key = all->keys[i]->text;
        gsize len = strlen(key);
        if (strncmp(plain, key, len) == 0 && (plain[len] == '\0' || plain[len] == '.'))
            return all->values[i]->text;
    }
    return NULL;
}

/* Which node or CPU is meant is a name, not a measurement. */
static bool
is_name(const struct ynode *n)
{
    static const char *const keys[] = { "node", "from", "to", "between", "via", "name", NULL };

    while (n->key == NULL && n->parent != NULL)
        n = n->parent;
    return n->key != NULL && g_strv_contains(keys, n->key);
}

static void
check_sources(const char *file, const struct ynode *root, const struct ynode *n)
{
    if (n->kind == YNODE_SCALAR && g_ascii_isdigit(n->text[0]) && !is_name(n)) {
        const char *source = source_of(root, n);
        if (source == NULL || !names_a_source(source))
            fail_msg("%s:%u: '%s' has no source", file, n->line, n->text);
    }
    for (guint i = 0; n->kind != YNODE_SCALAR && i < n->nr; i++)
        if (n != root ||
            (strcmp(n->keys[i]->text, "source") != 0 && strcmp(n->keys[i]->text, "title") != 0))
            check_sources(file, root, n->values[i]);
}

static void
every_number_names_its_source_or_the_rule_of_its_assumption(void **state)
{
    (void)state;
    if (sources == NULL)
        print_message("the list of sources is absent: only the form of source keys is checked\n");
    for (guint i = 0; names[i] != NULL; i++) {
        g_autofree char *path = g_strdup_printf("%s/topologies/%s.yaml", SOURCE_DIR, names[i]);
        struct arena *a = arena_new();
        struct yaml_doc doc;
        struct diag d;

        diag_init(&d);
        assert_true(yaml_load_file(&doc, path, a, &d));
        check_sources(names[i], doc.root, doc.root);
        diag_clear(&d);
        arena_free(a);
    }
}

/* Rows "machine,from,to,value,..." of a CSV file: calls check for those of a shipped machine. */
static void
for_each_row(const char *file, void (*check)(const struct machine *, char **row))
{
    g_auto(GStrv) rows = lines_of(file);
    struct arena *a = arena_new();
    struct machine *m = NULL;

    for (guint i = 1; rows[i] != NULL; i++) {
        g_auto(GStrv) row = g_strsplit(rows[i], ",", -1);
        if (row[0] == NULL || !g_strv_contains((const char *const *)names, row[0]))
            continue;
        if (m == NULL || strcmp(m->name, row[0]) != 0)
            m = load(row[0], a);
        check(m, row);
    }
    arena_free(a);
}

/* The data counts the nodes of this machine, elsewhere it has their own numbers. */
static int
node_of_data(const struct machine *m, const char *number)
{
    if (strcmp(m->name, "power7-780-8n") == 0)
        return atoi(number);
    return machine_node_by_os(m, (uint32_t)atoi(number));
}

static void
check_distance(const struct machine *m, char **row)
{
    int from = node_of_data(m, row[1]), to = node_of_data(m, row[2]);

    assert_true(from >= 0 && to >= 0);
    assert_int_equal(machine_distance(m, (uint32_t)from, (uint32_t)to), atoi(row[3]));
}

static void
check_latency(const struct machine *m, char **row)
{
    uint64_t ps;
    char why[128];
    g_autofree char *text = g_strconcat(row[3], "ns", NULL);

    /* Kunpeng's are rounded to a tenth; other rows name a device, or another way of measuring. */
    if (!g_ascii_isdigit(row[2][0]) || strstr(row[4], "512 MB") || strstr(row[4], "128 MB"))
        return;
    assert_true(parse_quantity(FIELD_TIME_PS, text, &ps, why, sizeof(why)));
    assert_in_range(machine_latency_ps(m, (uint32_t)atoi(row[1]), (uint32_t)atoi(row[2])), ps - 50,
                    ps + 50);
}

/* Lines of other caches, whoever is their home: of both homes the mean, by machine. */
static double transfers_got, transfers_data;

static void
check_transfer(const struct machine *m, char **row)
{
    double ns = g_ascii_strtod(row[4], NULL);

    if (strstr(row[1], "L2->L2 HITM") != NULL && row[2][0] == '\0') {
        assert_in_range(m->cache.transfer_llc_ps, ns * 1000 - 50, ns * 1000 + 50);
        return;
    }
    if (row[2][0] == '\0')
        return;
    int writer = cpumask_first(m->nodes[atoi(row[2])].cpus);
    int reader = cpumask_first(m->nodes[atoi(row[3])].cpus);
    double got = (double)machine_transfer_ps(m, (uint32_t)writer, (uint32_t)reader) / 1000;

    transfers_got += got;
    transfers_data += ns;
    assert_true(got > 0.65 * ns && got < 1.55 * ns); /* of one home */
}

static void
lines_of_other_caches_take_what_was_measured(void **state)
{
    (void)state;
    if (sources == NULL) {
        print_message("skipped: the shared data is absent\n");
        skip();
    }
    transfers_got = transfers_data = 0;
    for_each_row(SHARED_DIR "/data/cache_to_cache_ns.csv", check_transfer);
    assert_true(transfers_data > 1000);
    assert_true(transfers_got > 0.98 * transfers_data && transfers_got < 1.02 * transfers_data);
}

static void
distances_and_latencies_are_those_of_the_data(void **state)
{
    (void)state;
    if (sources == NULL) {
        print_message("skipped: the shared data is absent\n");
        skip();
    }
    for_each_row(SHARED_DIR "/data/slit.csv", check_distance);
    for_each_row(SHARED_DIR "/data/latency_ns.csv", check_latency);
}

static void
the_family_of_benchmarks_has_eight_cpus_a_cache_and_64_a_node(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 8, 64, 512, 4096 };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *name = g_strdup_printf("bench-%u", sizes[i]);
        struct arena *a = arena_new();
        struct machine *m = load(name, a);
        assert_int_equal(m->nr_cpus, sizes[i]);
        assert_int_equal(m->nr_llcs, sizes[i] / 8);
        assert_int_equal(m->nr_nodes, MAX(1, sizes[i] / 64));
        arena_free(a);
    }
}

static void
the_machine_for_users_who_name_none_needs_no_files(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct machine *shipped = load("four-node", a);

    g_setenv("NUMASIM_DATA", "/nowhere", TRUE);
    assert_machines_equal(load(NULL, a), shipped);
    assert_machines_equal(load("four-node", a), shipped);
    g_setenv("NUMASIM_DATA", SOURCE_DIR, TRUE);
    arena_free(a);
}

static void
a_name_that_is_not_shipped_is_an_error_with_a_suggestion(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct diag d;

    diag_init(&d);
    assert_null(load_machine("fuor-node", a, &d));
    g_autofree char *messages = diag_text(&d);
    assert_string_equal(messages, "there is no topology 'fuor-node', and no such file; "
                                  "did you mean 'four-node'?\n");
    diag_clear(&d);
    arena_free(a);
}

static void
the_documentation_lists_every_key(void **state)
{
    (void)state;
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(SOURCE_DIR "/topologies/README.md", &text, NULL, NULL));
    for (const struct topo_section *s = topology_sections; s->name != NULL; s++) {
        for (const struct field *f = s->fields; f != NULL && f->name != NULL; f++) {
            g_autofree char *row = g_strdup_printf("| `%s` | %s |", f->name, f->doc);
            if (strstr(text, row) == NULL)
                fail_msg("topologies/README.md lacks: %s", row);
        }
        for (const char *const *other = s->others; other != NULL && *other != NULL; other++) {
            g_autofree char *row = g_strdup_printf("| `%s` |", *other);
            if (strstr(text, row) == NULL)
                fail_msg("topologies/README.md lacks: %s", row);
        }
    }
}

/* The examples in the documentation are files that load. */
static void
the_examples_of_the_documentation_load(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    guint nr = 0;

    assert_true(g_file_get_contents(SOURCE_DIR "/topologies/README.md", &text, NULL, NULL));
    for (char *at = strstr(text, "```yaml\n"); at != NULL; at = strstr(at, "```yaml\n")) {
        struct arena *a = arena_new();
        struct diag d;

        at += strlen("```yaml\n");
        diag_init(&d);
        topology_yaml_load("example", at, (gsize)(strstr(at, "```") - at), a, &d);
        g_autofree char *messages = diag_text(&d);
        assert_string_equal(messages, "");
        diag_clear(&d);
        arena_free(a);
        nr++;
    }
    assert_true(nr >= 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_least_twelve_real_machines_and_the_teaching_ones_are_shipped),
        cmocka_unit_test(every_number_names_its_source_or_the_rule_of_its_assumption),
        cmocka_unit_test(distances_and_latencies_are_those_of_the_data),
        cmocka_unit_test(lines_of_other_caches_take_what_was_measured),
        cmocka_unit_test(the_family_of_benchmarks_has_eight_cpus_a_cache_and_64_a_node),
        cmocka_unit_test(the_machine_for_users_who_name_none_needs_no_files),
        cmocka_unit_test(a_name_that_is_not_shipped_is_an_error_with_a_suggestion),
        cmocka_unit_test(the_documentation_lists_every_key),
        cmocka_unit_test(the_examples_of_the_documentation_load),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* layer: report */
/*
 * summary.json and summary.md say what summary.csv says, and the schema that is published is that
 * of the table.
 */
#include <json-glib/json-glib.h>

#include "report/csv.h"
#include "report/summary.h"
#include "report_kit.h"

static JsonObject *
object_of(JsonParser *parser, const char *text)
{
    assert_true(json_parser_load_from_data(parser, text, -1, NULL));
    return json_node_get_object(json_parser_get_root(parser));
}

/* A member as the CSV would have it. */
static char *
field_of(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    assert_non_null(node);
    if (JSON_NODE_HOLDS_NULL(node))
        return g_strdup("");
    switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING:
        return g_strdup(json_node_get_string(node));
    case G_TYPE_BOOLEAN:
        return g_strdup(json_node_get_boolean(node) ? "1" : "0");
    case G_TYPE_INT64:
        return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
    default: {
        g_autoptr(GString) text = g_string_new(NULL);
        return g_strdup(real_text_append(text, json_node_get_double(node)));
    }
    }
}

static void
some_things_happened(struct world *w)
{
    struct task *p = add_task(w, add_process(w, "a", NULL), "a/0");

    w->k.rqs[3].busy_ns = MSEC(500);
    p->stats.work_done = 30;
    p->stats.accesses_local = 75;
    p->stats.accesses_remote = 25;
    p->stats.latency_ps = 100 * 91500;
}

static void
the_object_has_every_column_with_the_value_of_the_csv(void **state)
{
    struct world *w = *state;

    some_things_happened(w);
    write_all(w);

    g_autofree char *json = contents(w, "summary.json");
    g_autofree char *path = g_build_filename(w->dir, "summary.csv", NULL);
    g_autoptr(GPtrArray) rows = csv_read(path, NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonObject *object = object_of(parser, json);
    GStrv names = g_ptr_array_index(rows, 0), values = g_ptr_array_index(rows, 1);

    assert_int_equal(json_object_get_size(object), g_strv_length(names));
    for (guint i = 0; names[i] != NULL; i++) {
        g_autofree char *field = field_of(object, names[i]);
        assert_string_equal(field, values[i]);
    }
    assert_true(json_object_get_boolean_member(object, "complete"));
    assert_int_equal(json_object_get_int_member(object, "work_done"), 30);
    assert_true(json_object_get_null_member(object, "request_p99_ns"));
}

/* So that the types of the schema are right whatever a run has. */
static void
a_value_is_empty_or_of_the_kind_that_the_table_names(void **state)
{
    struct world *w = *state;
    struct arena *a = arena_new();
    struct totals t;

    some_things_happened(w);
    totals_of_run(&t, &w->k, &w->info, a);
    t.limited = t.held = true;
    for (const struct metric *m = metrics; m->name != NULL; m++) {
        enum metric_kind kind = metric_value(m, &t).kind;
        if (kind != METRIC_EMPTY && kind != m->kind)
            fail_msg("%s is of kind %d, the table says %d", m->name, kind, m->kind);
    }
    arena_free(a);
}

/* NUMASIM_WRITE=1 in the environment writes it. */
static void
the_published_schema_is_that_of_the_table(void **state)
{
    static const char path[] = SOURCE_DIR "/results/summary.schema.json";
    g_autofree char *published = NULL;
    g_autoptr(GString) schema = summary_json_schema();

    (void)state;
    if (g_getenv("NUMASIM_WRITE") != NULL)
        assert_true(g_file_set_contents(path, schema->str, -1, NULL));
    assert_true(g_file_get_contents(path, &published, NULL, NULL));
    assert_string_equal(published, schema->str);
}

static void
the_table_for_people_is_aligned_and_keeps_its_cells(void **state)
{
    struct world *w = *state;

    some_things_happened(w);
    w->info.workload = "a|b";
    write_all(w);

    g_autofree char *text = contents(w, "summary.md");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    assert_non_null(strstr(text, "| local_access_ratio               |    75.0% |\n"));
    assert_non_null(strstr(text, "| mem_latency_mean_ns              |  91.5 ns |\n"));
    assert_non_null(strstr(text, "| workload                         |     a\\|b |\n"));
    assert_null(strstr(text, "request_p99_ns"));
    for (guint i = 1; lines[i] != NULL && *lines[i] != '\0'; i++)
        assert_int_equal(strlen(lines[i]), strlen(lines[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        report_test(the_object_has_every_column_with_the_value_of_the_csv),
        report_test(a_value_is_empty_or_of_the_kind_that_the_table_names),
        cmocka_unit_test(the_published_schema_is_that_of_the_table),
        report_test(the_table_for_people_is_aligned_and_keeps_its_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* summary.json, its schema, and summary.md: see the header. */
#include "report/summary.h"

#include <json-glib/json-glib.h>

#include "report/comparison.h"
#include "report/csv.h"
#include "report/metric.h"

/* ---- JSON ---- */

static GString *
json_text(JsonBuilder *json)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(JsonNode) root = json_builder_get_root(json);
    GString *text = g_string_new(NULL);

    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, TRUE);
    json_generator_to_gstring(generator, text);
    return g_string_append_c(text, '\n');
}

static void
add_value(JsonBuilder *json, const struct metric *m, const struct metric_value *v)
{
    json_builder_set_member_name(json, m->name);
    if (v->kind == METRIC_EMPTY)
        json_builder_add_null_value(json);
    else if (v->kind == METRIC_TEXT)
        json_builder_add_string_value(json, v->text);
    else if (v->kind == METRIC_REAL)
        json_builder_add_double_value(json, v->real);
    else if (v->kind == METRIC_FLAG)
        json_builder_add_boolean_value(json, v->count != 0);
    else
        json_builder_add_int_value(json, (gint64)v->count);
}

GString *
summary_json(const struct totals *t)
{
    g_autoptr(JsonBuilder) json = json_builder_new();

    json_builder_begin_object(json);
    for (const struct metric *m = metrics; m->name != NULL; m++) {
        struct metric_value v = metric_value(m, t);
        add_value(json, m, &v);
    }
    json_builder_end_object(json);
    return json_text(json);
}

/* ---- the schema ---- */

static void
add_string(JsonBuilder *json, const char *name, const char *value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_string_value(json, value);
}

static const char *const json_types[] = {
    [METRIC_COUNT] = "integer",
    [METRIC_REAL] = "number",
    [METRIC_TEXT] = "string",
    [METRIC_FLAG] = "boolean",
};

/* { "type": ["number", "null"], "description": "...; ns" } */
static void
add_property(JsonBuilder *json, const struct metric *m)
{
    g_autofree char *doc =
        *m->unit != '\0' ? g_strdup_printf("%s; %s", m->doc, m->unit) : g_strdup(m->doc);

    json_builder_set_member_name(json, m->name);
    json_builder_begin_object(json);
    json_builder_set_member_name(json, "type");
    json_builder_begin_array(json);
    json_builder_add_string_value(json, json_types[m->kind]);
    json_builder_add_string_value(json, "null");
    json_builder_end_array(json);
    add_string(json, "description", doc);
    json_builder_end_object(json);
}

GString *
summary_json_schema(void)
{
    g_autoptr(JsonBuilder) json = json_builder_new();

    json_builder_begin_object(json);
    add_string(json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    add_string(json, "title", "summary.json of a run of numasim");
    add_string(json, "type", "object");
    json_builder_set_member_name(json, "properties");
    json_builder_begin_object(json);
    for (const struct metric *m = metrics; m->name != NULL; m++)
        add_property(json, m);
    json_builder_end_object(json);
    json_builder_set_member_name(json, "required");
    json_builder_begin_array(json);
    for (const struct metric *m = metrics; m->name != NULL; m++)
        json_builder_add_string_value(json, m->name);
    json_builder_end_array(json);
    json_builder_end_object(json);
    return json_text(json);
}

/* ---- Markdown ---- */

/* A bar would end the cell. */
static char *
cell_text(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "|", -1);

    return g_strjoinv("\\|", parts);
}

static char *
value_text(const struct metric *m, const struct metric_value *v)
{
    if (v->kind == METRIC_TEXT)
        return cell_text(v->text);
    if (v->kind == METRIC_FLAG)
        return g_strdup(v->count != 0 ? "yes" : "no");
    return m->identity ? g_strdup_printf("%" G_GUINT64_FORMAT, v->count)
                       : human_value(v->real, m->scale);
}

static void
append_rule(GString *out, glong width)
{
    g_autofree char *name = g_strnfill(34, '-');
    g_autofree char *value = g_strnfill((gsize)width + 1, '-');

    g_string_append_printf(out, "|%s|%s:|\n", name, value);
}

/* Rows of two cells, name and value, as wide as the widest value. */
static GString *
markdown_table(GPtrArray *names, GPtrArray *values)
{
    GString *out = g_string_new(NULL);
    glong width = 0;

    for (guint i = 0; i < values->len; i++)
        width = MAX(width, g_utf8_strlen(g_ptr_array_index(values, i), -1));
    for (guint i = 0; i < values->len; i++) {
        const char *value = g_ptr_array_index(values, i);
        g_string_append_printf(out, "| %-32s | %*s%s |\n",
                               (const char *)g_ptr_array_index(names, i),
                               (int)(width - g_utf8_strlen(value, -1)), "", value);
        if (i == 0)
            append_rule(out, width);
    }
    return out;
}

GString *
summary_markdown(const struct totals *t)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(names, g_strdup("metric"));
    g_ptr_array_add(values, g_strdup("value"));
    for (const struct metric *m = metrics; m->name != NULL; m++) {
        struct metric_value v = metric_value(m, t);
        if (v.kind == METRIC_EMPTY)
            continue;
        g_ptr_array_add(names, g_strdup(m->name));
        g_ptr_array_add(values, value_text(m, &v));
    }
    return markdown_table(names, values);
}

bool
summary_write(const char *dir, const struct totals *t, GError **error)
{
    g_autoptr(GString) json = summary_json(t);
    g_autoptr(GString) markdown = summary_markdown(t);

    return write_whole_file(dir, "summary.json", json->str, error) &&
           write_whole_file(dir, "summary.md", markdown->str, error);
}

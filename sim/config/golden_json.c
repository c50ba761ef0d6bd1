/*
 * json-glib keeps no places, but its parser says where it is whenever a value is complete. Writing
 * that down for each value costs a hash table and gives messages an editor can jump to.
 *
 * json-glib descends by recursion, so depth is checked before it sees the text.
 */
#include "config/golden_json.h"

#include <stdarg.h>
#include <stdio.h>

enum { DEPTH_MOST = 64, BYTES_MOST = 256 * 1024 * 1024 };

static void
remember_place(JsonParser *parser, JsonNode *node, GHashTable *places)
{
    gsize place = (gsize)json_parser_get_current_line(parser) << 32 |
                  (json_parser_get_current_pos(parser) & 0xffffffffu);

    g_hash_table_insert(places, node, GSIZE_TO_POINTER(place));
}

static void
member_parsed(JsonParser *parser, JsonObject *object, const char *name, gpointer places)
{
    remember_place(parser, json_object_get_member(object, name), places);
}

static void
element_parsed(JsonParser *parser, JsonArray *array, int index, gpointer places)
{
    remember_place(parser, json_array_get_element(array, (guint)index), places);
}

void
json_doc_error(const struct json_doc *doc, JsonNode *at, const char *path, const char *fmt, ...)
{
    gsize place = at != NULL ? GPOINTER_TO_SIZE(g_hash_table_lookup(doc->places, at)) : 0;
    va_list ap;

    va_start(ap, fmt);
    diag_verror(doc->diag, doc->file, SIM_MAX((unsigned)(place >> 32), 1u),
                SIM_MAX((unsigned)place, 1u), path, fmt, ap);
    va_end(ap);
}

/* The first place that is nested too deeply, or NULL. */
static const char *
too_deep(const char *text, gsize len)
{
    bool in_string = false;
    int depth = 0;

    for (gsize i = 0; i < len; i++) {
        if (in_string) {
            i += text[i] == '\\';
            in_string = i >= len || text[i] != '"' || text[i - 1] == '\\';
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '[' || text[i] == '{') {
            if (++depth > DEPTH_MOST)
                return text + i;
        } else if (text[i] == ']' || text[i] == '}') {
            depth--;
        }
    }
    return NULL;
}

static bool
check_text(const struct json_doc *doc, const char *text, gsize len)
{
    const char *bad;

    if (len > BYTES_MOST)
        diag_error(doc->diag, doc->file, 1, 1, NULL, "%zu bytes; at most %d are read", len,
                   BYTES_MOST);
    else if (!g_utf8_validate(text, (gssize)len, &bad))
        diag_error(doc->diag, doc->file, 1, 1, NULL, "byte %zu is not UTF-8 text",
                   (gsize)(bad - text));
    else if (too_deep(text, len) != NULL)
        diag_error(doc->diag, doc->file, 1, 1, NULL,
                   "nested more than %d levels deep; expected a topology file of the oracle",
                   DEPTH_MOST);
    else
        return true;
    return false;
}

/* The parser forgets where it was, but its message begins with it: "<data>:3:14: Parse error: ...".
 */
static void
syntax_error(const struct json_doc *doc, const char *message)
{
    const char *what = strstr(message, "Parse error: "), *at = strchr(message, ':');
    unsigned line = 1, column = 1;

    if (at == NULL || sscanf(at, ":%u:%u:", &line, &column) != 2)
        line = column = 1;
    diag_error(doc->diag, doc->file, SIM_MAX(line, 1u), SIM_MAX(column, 1u), NULL, "not JSON: %s",
               what != NULL ? what + strlen("Parse error: ") : message);
}

bool
json_doc_load(struct json_doc *doc, const char *file, const char *text, gsize len, struct diag *d)
{
    g_autoptr(GError) error = NULL;
    JsonNode *root;

    *doc = (struct json_doc){ .file = file, .diag = d, .parser = json_parser_new() };
    doc->places = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_signal_connect(doc->parser, "object-member", G_CALLBACK(member_parsed), doc->places);
    g_signal_connect(doc->parser, "array-element", G_CALLBACK(element_parsed), doc->places);
    if (!check_text(doc, text, len))
        return false;
    if (!json_parser_load_from_data(doc->parser, text, (gssize)len, &error)) {
        syntax_error(doc, error->message);
        return false;
    }
    root = json_parser_get_root(doc->parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        diag_error(d, file, 1, 1, NULL, "expected a JSON object: a topology file of the oracle");
        return false;
    }
    doc->root = json_node_get_object(root);
    return true;
}

void
json_doc_clear(struct json_doc *doc)
{
    g_clear_object(&doc->parser);
    g_clear_pointer(&doc->places, g_hash_table_unref);
}

static char *
member_path(const char *path, const char *name)
{
    return path == NULL ? g_strdup(name) : g_strdup_printf("%s.%s", path, name);
}

static JsonNode *
member(const struct json_doc *doc, JsonObject *object, const char *path, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    if (node == NULL) {
        g_autofree char *full = member_path(path, name);
        JsonNode *near = NULL;
        g_autoptr(GList) siblings = json_object_get_values(object);

        if (siblings != NULL && object != doc->root)
            near = siblings->data;
        json_doc_error(doc, near, full, "is missing");
    }
    return node;
}

JsonArray *
json_doc_array(const struct json_doc *doc, JsonObject *object, const char *path, const char *name)
{
    JsonNode *node = member(doc, object, path, name);

    if (node == NULL)
        return NULL;
    if (!JSON_NODE_HOLDS_ARRAY(node)) {
        g_autofree char *full = member_path(path, name);

        json_doc_error(doc, node, full, "expected a list");
        return NULL;
    }
    return json_node_get_array(node);
}

const char *
json_doc_string(const struct json_doc *doc, JsonObject *object, const char *path, const char *name)
{
    JsonNode *node = member(doc, object, path, name);

    if (node == NULL)
        return NULL;
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING) {
        g_autofree char *full = member_path(path, name);

        json_doc_error(doc, node, full, "expected a string");
        return NULL;
    }
    return json_node_get_string(node);
}

bool
json_doc_int(const struct json_doc *doc, JsonObject *object, const char *path, const char *name,
             gint64 min, gint64 max, gint64 *value)
{
    JsonNode *node = member(doc, object, path, name);

    if (node == NULL)
        return false;
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64 ||
        json_node_get_int(node) < min || json_node_get_int(node) > max) {
        g_autofree char *full = member_path(path, name);

        json_doc_error(doc, node, full,
                       "expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                       min, max);
        return false;
    }
    *value = json_node_get_int(node);
    return true;
}

bool
json_doc_maybe_int(const struct json_doc *doc, JsonObject *object, const char *path,
                   const char *name, gint64 min, gint64 max, gint64 *value)
{
    JsonNode *node = json_object_get_member(object, name);

    if (node == NULL || JSON_NODE_HOLDS_NULL(node))
        return true;
    return json_doc_int(doc, object, path, name, min, max, value);
}

JsonObject *
json_doc_element(const struct json_doc *doc, JsonArray *array, guint index, const char *path)
{
    JsonNode *node = json_array_get_element(array, index);

    if (!JSON_NODE_HOLDS_OBJECT(node)) {
        json_doc_error(doc, node, path, "expected an object");
        return NULL;
    }
    return json_node_get_object(node);
}

/*
 * What loaders ask of a YAML tree: values under keys, quantities, sets of CPUs, and whole structs
 * by their field tables. Whatever is wrong goes to diag with its place and path; the loader only
 * learns that it has no value, and goes on to find the next mistake.
 */
#include "config/yaml_tree.h"

#include <inttypes.h>

static const char *const kind_names[] = {
    [YNODE_SCALAR] = "a value",
    [YNODE_SEQ] = "a list",
    [YNODE_MAP] = "a map (key: value)",
};

static void
append_path(GString *s, const struct ynode *n)
{
    if (n->parent == NULL)
        return;
    append_path(s, n->parent);
    if (n->key != NULL)
        g_string_append_printf(s, "%s%.64s", s->len > 0 ? "." : "", n->key);
    else
        g_string_append_printf(s, "[%u]", n->index);
}

char *
ynode_path(const struct ynode *n)
{
    GString *s = g_string_new(NULL);

    append_path(s, n);
    return g_string_free(s, FALSE);
}

void
ynode_error(const struct yaml_doc *doc, const struct ynode *n, const char *fmt, ...)
{
    g_autofree char *path = ynode_path(n);
    va_list args;

    va_start(args, fmt);
    diag_verror(doc->diag, doc->file, n->line, n->column, path, fmt, args);
    va_end(args);
}

const struct ynode *
ynode_get(const struct ynode *map, const char *key)
{
    if (map == NULL || map->kind != YNODE_MAP)
        return NULL;
    for (guint i = 0; i < map->nr; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->values[i];
    return NULL;
}

const struct ynode *
ynode_expect(const struct yaml_doc *doc, const struct ynode *n, enum ynode_kind kind)
{
    if (n == NULL || n->kind == kind)
        return n;
    ynode_error(doc, n, "expected %s, but this is %s", kind_names[kind],
                n->kind == YNODE_SCALAR && n->text[0] == '\0' ? "empty" : kind_names[n->kind]);
    return NULL;
}

/* Whether the table has a field whose dotted name begins with `prefix` and a dot. */
static bool
is_part(const struct field *table, const char *prefix)
{
    gsize len = strlen(prefix);

    for (const struct field *f = table; f != NULL && f->name != NULL; f++)
        if (strncmp(f->name, prefix, len) == 0 && f->name[len] == '.')
            return true;
    return false;
}

/* The words that may stand in a map that is the part `prefix` ("" or "caches.") of the table. */
static GPtrArray *
allowed_words(const struct field *table, const char *prefix, const char *const *others)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (const struct field *f = table; f != NULL && f->name != NULL; f++) {
        if (!g_str_has_prefix(f->name, prefix))
            continue;
        const char *rest = f->name + strlen(prefix);
        char *word = g_strndup(rest, strcspn(rest, "."));
        if (g_hash_table_add(seen, word))
            g_ptr_array_add(words, word);
        else
            g_free(word);
    }
    for (; others != NULL && *others != NULL; others++) {
        const char *rest = g_str_has_prefix(*others, prefix) ? *others + strlen(prefix) : ".";
        if (table == NULL || strchr(rest, '.') == NULL) /* without a table a dot means no map */
            g_ptr_array_add(words, g_strdup(rest));
    }
    g_ptr_array_add(words, NULL);
    return words;
}

static void
check_part(const struct yaml_doc *doc, const struct ynode *map, const struct field *table,
           const char *prefix, const char *const *others)
{
    g_autoptr(GPtrArray) words = allowed_words(table, prefix, others);

    for (guint i = 0; map->kind == YNODE_MAP && i < map->nr; i++) {
        const char *key = map->keys[i]->text;
        g_autofree char *full = g_strconcat(prefix, key, NULL);
        bool other = others != NULL && g_strv_contains(others, full);
        if (other || (table != NULL && fields_find(table, full) != NULL))
            continue;
        if (is_part(table, full)) {
            g_autofree char *part = g_strconcat(full, ".", NULL);
            if (ynode_expect(doc, map->values[i], YNODE_MAP) != NULL)
                check_part(doc, map->values[i], table, part, others);
            continue;
        }
        if (diag_full(doc->diag)) {
            doc->diag->nr_left_out++;
            continue;
        }
        g_autofree char *hint = did_you_mean(key, (const char *const *)words->pdata);
        g_autofree char *excerpt = diag_excerpt(key);
        ynode_error(doc, map->keys[i], "unknown key '%s'%s", excerpt, hint);
    }
}

void
ynode_check_keys(const struct yaml_doc *doc, const struct ynode *map, const struct field *table,
                 const char *const *others)
{
    check_part(doc, map, table, "", others);
}

/* The node of a dotted name: as a nested map, or as the dotted key itself. */
static const struct ynode *
get_dotted(const struct ynode *map, const char *name)
{
    const struct ynode *n = ynode_get(map, name);
    const char *dot = strchr(name, '.');

    if (n != NULL || dot == NULL)
        return n;
    g_autofree char *head = g_strndup(name, (gsize)(dot - name));
    return get_dotted(ynode_get(map, head), dot + 1);
}

static bool
load_field(const struct yaml_doc *doc, const struct ynode *map, const struct field *f, void *object)
{
    const struct ynode *n = get_dotted(map, f->name);
    char why[256] = "";

    if (n == NULL) {
        if (f->required)
            ynode_error(doc, map, "'%s' is missing: %s", f->name, f->doc);
        return !f->required;
    }
    if (ynode_expect(doc, n, YNODE_SCALAR) == NULL)
        return false;
    if (f->type == FIELD_ENUM)
        return (*(uint32_t *)(void *)((char *)object + f->offset) =
                    (uint32_t)ynode_enum(doc, n, f->names)) != UINT32_MAX;
    if (field_set(f, object, n->text, doc->arena, why, sizeof(why)))
        return true;
    ynode_error(doc, n, "%s", why);
    return false;
}

bool
ynode_load_fields(const struct yaml_doc *doc, const struct ynode *map, const struct field *table,
                  const char *const *others, void *object)
{
    guint before = doc->diag->errors->len + doc->diag->nr_left_out;

    fields_init(table, object, doc->arena);
    if (ynode_expect(doc, map, YNODE_MAP) == NULL)
        return false;
    ynode_check_keys(doc, map, table, others);
    for (const struct field *f = table; f->name != NULL; f++)
        load_field(doc, map, f, object);
    return doc->diag->errors->len + doc->diag->nr_left_out == before;
}

bool
ynode_quantity(const struct yaml_doc *doc, const struct ynode *n, enum field_type type,
               uint64_t *value)
{
    char why[256] = "";

    if (ynode_expect(doc, n, YNODE_SCALAR) == NULL)
        return false;
    g_autofree char *text = diag_excerpt(n->text); /* what is too long to show is no quantity */
    if (parse_quantity(type, text, value, why, sizeof(why)))
        return true;
    ynode_error(doc, n, "%s", why);
    return false;
}

bool
ynode_number(const struct yaml_doc *doc, const struct ynode *n, uint64_t min, uint64_t max,
             uint64_t *value)
{
    if (!ynode_quantity(doc, n, FIELD_U64, value))
        return false;
    if (*value >= min && *value <= max)
        return true;
    ynode_error(doc, n, "%" PRIu64 " is out of range; write a number from %" PRIu64 " to %" PRIu64,
                *value, min, max);
    return false;
}

int
ynode_enum(const struct yaml_doc *doc, const struct ynode *n, const char *const *names)
{
    if (ynode_expect(doc, n, YNODE_SCALAR) == NULL)
        return -1;
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], n->text) == 0)
            return i;
    g_autofree char *hint = did_you_mean(n->text, names);
    g_autofree char *excerpt = diag_excerpt(n->text);
    ynode_error(doc, n, "there is no '%s'%s", excerpt, hint);
    return -1;
}

bool
ynode_cpulist(const struct yaml_doc *doc, const struct ynode *n, struct cpumask *m)
{
    g_autoptr(GString) list = g_string_new(NULL);
    const char *bad = "";

    if (n->kind == YNODE_MAP)
        return ynode_expect(doc, n, YNODE_SEQ) != NULL;
    if (n->kind == YNODE_SCALAR)
        g_string_append(list, n->text);
    for (guint i = 0; n->kind == YNODE_SEQ && i < n->nr; i++) {
        if (ynode_expect(doc, n->values[i], YNODE_SCALAR) == NULL)
            return false;
        g_string_append_printf(list, "%s%s", i > 0 ? "," : "", n->values[i]->text);
    }
    if (cpumask_parse(m, list->str, &bad))
        return true;
    g_autofree char *excerpt = diag_excerpt(bad);
    ynode_error(doc, n, "not a list of numbers below %u at '%s'; write it as in 0-3,8",
                m->nr_words * 64, excerpt);
    return false;
}

const char *
ynode_string(const struct yaml_doc *doc, const struct ynode *n)
{
    if (ynode_expect(doc, n, YNODE_SCALAR) == NULL)
        return NULL;
    if (n->text[0] != '\0')
        return n->text;
    ynode_error(doc, n, "this is empty; write a value");
    return NULL;
}

/*
 * The summary of lscpu, from text or from JSON. Its words have changed little in fifteen years;
 * "L2 cache: 256K" is the size of one cache in old versions, "8 MiB (32 instances)" of all in new
 * ones.
 */
#include "config/golden_json.h"
#include "config/import_lscpu.h"

enum { NUMBER_MOST = 1 << 20, DEPTH_MOST = 8, VALUE_MOST = 120, NODE_NUMBER_END = 1024 };

static const char *
clean(struct lscpu *l, const char *data)
{
    g_autofree char *ascii = g_strdup(data);

    for (char *c = ascii; *c != '\0'; c++)
        if (!g_ascii_isprint(*c))
            *c = '?';
    if (strlen(ascii) > VALUE_MOST)
        ascii[VALUE_MOST] = '\0';
    return *ascii == '\0' || g_str_equal(ascii, "-") ? NULL : arena_strdup(l->arena, ascii);
}

/* "1.3 MiB (40 instances)", "32K" */
static void
take_cache(struct lscpu_cache *c, const char *data)
{
    static const char units[] = "KMGT";
    char *end;
    double size = g_ascii_strtod(data, &end);
    const char *unit = strchr(units, g_ascii_toupper(*(end + strspn(end, " "))));
    const char *nr = strchr(data, '(');

    for (const char *u = units; unit != NULL && *unit != '\0' && u <= unit; u++)
        size *= 1024;
    if (!(size > 0 && size < (double)((guint64)1 << 44)))
        return;
    c->bytes = (int64_t)size;
    c->nr = nr != NULL ? (int64_t)SIM_MIN(g_ascii_strtoull(nr + 1, NULL, 10), NUMBER_MOST) : 0;
}

/* "NUMA node3 CPU(s)": 3; else -1. */
static int64_t
node_of(const char *field)
{
    static const char start[] = "NUMA node";
    char *end;

    if (!g_str_has_prefix(field, start) || !g_ascii_isdigit(field[strlen(start)]))
        return -1;
    guint64 number = g_ascii_strtoull(field + strlen(start), &end, 10);
    return number < NODE_NUMBER_END && g_str_has_prefix(end, " CPU") ? (int64_t)number : -1;
}

static bool
take_node(struct lscpu *l, int64_t number, const char *data)
{
    struct cpumask *cpus = cpumask_new(l->arena, CPU_MAX);
    const char *bad;

    if (l->nr_nodes == NODE_MAX || !cpumask_parse(cpus, data, &bad))
        return false;
    for (guint i = 0; i < l->nr_nodes; i++)
        if (l->node_numbers[i] == number)
            return false;
    l->node_numbers[l->nr_nodes] = (uint32_t)number;
    l->node_cpus[l->nr_nodes++] = cpus;
    return true;
}

bool
lscpu_take_field(struct lscpu *l, const char *field, const char *data)
{
    const struct {
        const char *field;
        int64_t *to;
    } numbers[] = { { "CPU(s)", &l->nr_cpus },
                    { "CPU family", &l->family },
                    { "Thread(s) per core", &l->threads_per_core },
                    { "Core(s) per socket", &l->cores_per_socket },
                    { "Socket(s)", &l->nr_sockets } };
    const struct {
        const char *field;
        const char **to;
    } texts[] = { { "Vendor ID", &l->vendor },
                  { "Model name", &l->model },
                  { "Architecture", &l->architecture } };
    const char *bad;

    for (gsize i = 0; i < ARRAY_LEN(numbers); i++)
        if (g_str_equal(field, numbers[i].field)) {
            *numbers[i].to =
                (int64_t)SIM_MIN(g_ascii_strtoull(data, NULL, 10), (guint64)NUMBER_MOST);
            return true;
        }
    for (gsize i = 0; i < ARRAY_LEN(texts); i++)
        if (g_str_equal(field, texts[i].field)) {
            *texts[i].to = clean(l, data);
            return true;
        }
    if (g_str_equal(field, "On-line CPU(s) list"))
        return cpumask_parse(l->online, data, &bad);
    if (g_str_equal(field, "Off-line CPU(s) list"))
        return cpumask_parse(l->offline, data, &bad);
    if (g_str_has_suffix(field, " cache") && field[0] == 'L' && field[1] > '0' &&
        field[1] < '0' + LSCPU_LEVELS) {
        if (field[2] != 'i')
            take_cache(&l->cache[field[1] - '0'], data);
        return true;
    }
    return node_of(field) >= 0 && take_node(l, node_of(field), data);
}

static const char *
text_member(JsonObject *o, const char *name)
{
    JsonNode *node = json_object_get_member(o, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                   json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : "";
}

/* [{"field": "L1d cache:", "data": "...", "children": [...]}, ...] */
static void
read_fields(struct lscpu *l, JsonNode *list, guint depth)
{
    if (list == NULL || !JSON_NODE_HOLDS_ARRAY(list) || depth > DEPTH_MOST)
        return;
    JsonArray *array = json_node_get_array(list);
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);

        if (!JSON_NODE_HOLDS_OBJECT(element))
            continue;
        JsonObject *o = json_node_get_object(element);
        g_autofree char *field = g_strdup(text_member(o, "field"));
        if (g_str_has_suffix(field, ":"))
            field[strlen(field) - 1] = '\0';
        lscpu_take_field(l, field, text_member(o, "data"));
        read_fields(l, json_object_get_member(o, "children"), depth + 1);
    }
}

/* What the cell would be in a table. */
static char *
cell_text(JsonNode *node)
{
    GType type = node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node)
                                                             : G_TYPE_INVALID;

    if (type == G_TYPE_STRING)
        return g_strdup(json_node_get_string(node));
    if (type == G_TYPE_INT64)
        return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
    if (type == G_TYPE_BOOLEAN)
        return g_strdup(json_node_get_boolean(node) ? "yes" : "no");
    return g_strdup("-");
}

/* lscpu -e -J: a row is an object, its members are the columns. */
static bool
read_row(struct lscpu *l, JsonObject *o)
{
    g_autoptr(GList) names = json_object_get_members(o);
    g_autoptr(GPtrArray) columns = g_ptr_array_new();
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);

    for (GList *n = names; n != NULL; n = n->next) {
        g_ptr_array_add(columns, n->data);
        g_ptr_array_add(cells, cell_text(json_object_get_member(o, n->data)));
    }
    g_ptr_array_add(columns, NULL);
    g_ptr_array_add(cells, NULL);
    lscpu_take_header(l, (char **)columns->pdata);
    return lscpu_take_row(l, (char **)cells->pdata);
}

static void
read_rows(struct lscpu *l, JsonNode *list)
{
    if (list == NULL || !JSON_NODE_HOLDS_ARRAY(list))
        return;
    JsonArray *array = json_node_get_array(list);
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);

        if (!JSON_NODE_HOLDS_OBJECT(element) || !read_row(l, json_node_get_object(element)))
            l->nr_unknown++;
    }
}

bool
lscpu_read_json(struct lscpu *l, const char *text, gsize len)
{
    struct json_doc doc;
    bool ok = json_doc_load(&doc, l->file, text, len, l->diag);

    if (ok) {
        read_fields(l, json_object_get_member(doc.root, "lscpu"), 0);
        read_rows(l, json_object_get_member(doc.root, "cpus"));
    }
    json_doc_clear(&doc);
    return ok;
}

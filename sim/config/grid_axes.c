/*
 * From the tree to axes.
 *
 * Every axis is the same to those who count and name points: a name and labelled values. What a
 * value does (which machine, which settings) stands beside its label. A key of a parameter may
 * stand in one place only: written twice, one of the two would silently do nothing.
 */
#include "config/grid_impl.h"

enum { SETTINGS_DEPTH_MAX = 8, COUNT_SEEDS = 5 };

static struct grid_axis *
add_axis(struct grid *g, const char *name)
{
    GRID_ROOM(g->doc->arena, g->axes, g->nr_axes);
    struct grid_axis *axis = &g->axes[g->nr_axes++];

    *axis = (struct grid_axis){ .name = name };
    return axis;
}

static struct grid_value *
add_value(struct grid *g, struct grid_axis *axis, const char *label, const struct ynode *node)
{
    GRID_ROOM(g->doc->arena, axis->values, axis->nr);
    struct grid_value *v = &axis->values[axis->nr++];

    *v = (struct grid_value){ .label = label, .node = node };
    return v;
}

/* ---- settings ---- */

static void
add_setting(struct grid *g, struct grid_setting **all, guint *nr, const char *key,
            const struct ynode *node)
{
    GRID_ROOM(g->doc->arena, *all, *nr);
    (*all)[(*nr)++] = (struct grid_setting){ key, node->text, node };
}

/* Calls `leaf` for each key of a map that may be nested: a: {b: 1} is a.b. */
static void
walk_settings(struct grid *g, const char *prefix, const struct ynode *map, int depth,
              void (*leaf)(struct grid *g, const char *key, const struct ynode *n, void *to),
              void *to)
{
    for (guint i = 0; i < map->nr; i++) {
        const struct ynode *n = map->values[i];
        const char *key = arena_printf(g->doc->arena, "%s%s%s", prefix, *prefix != '\0' ? "." : "",
                                       map->keys[i]->text);
        if (n->kind != YNODE_MAP)
            leaf(g, key, n, to);
        else if (depth == SETTINGS_DEPTH_MAX)
            ynode_error(g->doc, n, "nested too deeply for the name of a parameter");
        else
            walk_settings(g, key, n, depth + 1, leaf, to);
    }
}

static void
scalar_setting(struct grid *g, const char *key, const struct ynode *n, void *to)
{
    struct grid_value *v = to;

    if (ynode_expect(g->doc, n, YNODE_SCALAR) != NULL)
        add_setting(g, &v->settings, &v->nr_settings, key, n);
}

static void
read_settings(struct grid *g, const char *prefix, const struct ynode *map, struct grid_value *v)
{
    if (map != NULL && ynode_expect(g->doc, map, YNODE_MAP) != NULL)
        walk_settings(g, prefix, map, 0, scalar_setting, v);
}

/* A list of values is an axis; a single one holds for all points. */
static void
axis_or_constant(struct grid *g, const char *key, const struct ynode *n, void *to)
{
    (void)to;
    if (n->kind == YNODE_SCALAR) {
        add_setting(g, &g->constants, &g->nr_constants, key, n);
        return;
    }
    struct grid_axis *axis = add_axis(g, key);
    if (n->nr == 0)
        ynode_error(g->doc, n, "no values; write at least one");
    for (guint i = 0; i < n->nr; i++) {
        const struct ynode *item = n->values[i];
        if (ynode_string(g->doc, item) == NULL)
            continue;
        struct grid_value *v = add_value(g, axis, item->text, item);
        add_setting(g, &v->settings, &v->nr_settings, key, item);
    }
}

static void
read_variants(struct grid *g, const struct ynode *map)
{
    if (map == NULL || ynode_expect(g->doc, map, YNODE_MAP) == NULL)
        return;
    struct grid_axis *axis = add_axis(g, "variant");
    if (map->nr == 0)
        ynode_error(g->doc, map, "no variants; write NAME: {PARAMETER: VALUE}");
    for (guint i = 0; i < map->nr; i++)
        read_settings(g, "", map->values[i],
                      add_value(g, axis, map->keys[i]->text, map->values[i]));
}

/* ---- machines, workloads, policies ---- */

/* {base: NAME, as: LABEL, set: {...}} */
static void
read_entry(struct grid *g, struct grid_axis *axis, const struct ynode *n, const char *const *keys)
{
    const char *prefix = axis == &g->axes[GRID_WORKLOAD] ? "workload" : "";
    const struct ynode *as = ynode_get(n, "as"), *memory = ynode_get(n, "memory");
    const struct ynode *base = ynode_get(n, "base");

    ynode_check_keys(g->doc, n, NULL, keys);
    struct grid_value *v = add_value(g, axis, NULL, n);
    if (base == NULL)
        ynode_error(g->doc, n, "base is missing; write the name or the path of what is meant");
    else
        v->base = ynode_string(g->doc, base);
    if (as != NULL)
        v->label = ynode_string(g->doc, as);
    if (memory != NULL)
        v->memory = ynode_string(g->doc, memory);
    read_settings(g, prefix, ynode_get(n, "set"), v);
}

static void
read_entries(struct grid *g, const char *key, const char *name, const char *const *keys)
{
    const struct ynode *list = ynode_get(g->doc->root, key);
    struct grid_axis *axis = add_axis(g, name);

    if (list != NULL && list->kind == YNODE_SCALAR) { /* a list of one */
        const char *text = ynode_string(g->doc, list);
        if (text != NULL)
            add_value(g, axis, NULL, list)->base = text;
        return;
    }
    if (list == NULL || ynode_expect(g->doc, list, YNODE_SEQ) == NULL) {
        add_value(g, axis, NULL, NULL);
        return;
    }
    if (list->nr == 0 || list->nr > GRID_ENTRIES_MAX)
        ynode_error(g->doc, list, "%u entries; write 1 to %d", list->nr, GRID_ENTRIES_MAX);
    for (guint i = 0; i < SIM_MIN(list->nr, GRID_ENTRIES_MAX); i++) {
        const struct ynode *n = list->values[i];
        if (n->kind == YNODE_MAP)
            read_entry(g, axis, n, keys);
        else if (ynode_string(g->doc, n) != NULL)
            add_value(g, axis, NULL, n)->base = n->text;
    }
}

static void
set_policies(struct grid *g, struct grid_axis *axis, const char *const *names)
{
    const struct ynode *node = axis->values[0].node;

    axis->nr = 0;
    for (; *names != NULL; names++)
        if (!g_str_has_prefix(*names, "ext:"))
            add_value(g, axis, NULL, node)->base = *names;
}

static void
read_policies(struct grid *g)
{
    static const char *const usual[] = { "topology", "static:pack", "static:interleave", "autonuma",
                                         NULL };
    static const char *const keys[] = { "base", "as", "memory", "set", NULL };

    read_entries(g, "policies", "policy", keys);
    struct grid_axis *axis = &g->axes[g->nr_axes - 1];
    g->all_policies = axis->nr == 1 && g_strcmp0(axis->values[0].base, "all") == 0;
    if (ynode_get(g->doc->root, "policies") == NULL)
        set_policies(g, axis, usual);
    if (!g->all_policies)
        return;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; placement_models[i] != NULL; i++)
        g_ptr_array_add(names, (gpointer)(gsize)placement_models[i]->name);
    g_ptr_array_add(names, NULL);
    set_policies(g, axis, (const char *const *)names->pdata);
}

/* ---- seeds ---- */

/* "7" or "1-20". */
static void
add_seeds(struct grid *g, struct grid_axis *axis, const struct ynode *n)
{
    const char *text = ynode_string(g->doc, n);
    char *end = NULL;

    if (text == NULL)
        return;
    guint64 first = g_ascii_strtoull(text, &end, 10), last = first;
    if (g_ascii_isdigit(*text) && *end == '-' && g_ascii_isdigit(end[1]))
        last = g_ascii_strtoull(end + 1, &end, 10);
    if (!g_ascii_isdigit(*text) || *end != '\0' || last < first || last == G_MAXUINT64 ||
        last - first >= GRID_SEEDS_MAX || axis->nr >= GRID_SEEDS_MAX) {
        g_autofree char *shown = diag_excerpt(text);
        ynode_error(g->doc, n, "'%s' is no seed; write a number, or a range as in 1-20", shown);
        return;
    }
    for (guint64 seed = first; seed <= last; seed++)
        add_value(g, axis, arena_printf(g->doc->arena, "%" G_GUINT64_FORMAT, seed), n);
}

static void
count_seeds(struct grid *g, struct grid_axis *axis, const struct ynode *n)
{
    uint64_t nr = COUNT_SEEDS;

    if (n != NULL && strchr(n->text, '-') != NULL)
        add_seeds(g, axis, n);
    else if (n == NULL || ynode_number(g->doc, n, 1, GRID_SEEDS_MAX, &nr))
        for (uint64_t seed = 1; seed <= nr; seed++)
            add_value(g, axis, arena_printf(g->doc->arena, "%" G_GUINT64_FORMAT, seed), n);
}

static void
read_seeds(struct grid *g)
{
    const struct ynode *n = ynode_get(g->doc->root, "seeds");
    struct grid_axis *axis = add_axis(g, "seed");

    if (n == NULL || n->kind == YNODE_SCALAR)
        count_seeds(g, axis, n);
    else if (ynode_expect(g->doc, n, YNODE_SEQ) != NULL && n->nr == 0)
        ynode_error(g->doc, n, "no seeds; write a number of them, or a list");
    for (guint i = 0; n != NULL && n->kind == YNODE_SEQ && i < n->nr; i++)
        add_seeds(g, axis, n->values[i]);
    g->seeds = arena_new_array(g->doc->arena, uint64_t, axis->nr);
    for (guint i = 0; i < axis->nr; i++)
        g->seeds[i] = g_ascii_strtoull(axis->values[i].label, NULL, 10);
}

/* ---- one place for each key ---- */

static void
see_setting(struct grid *g, GHashTable *seen, const struct grid_setting *s)
{
    if (g_hash_table_contains(seen, s->key))
        ynode_error(g->doc, s->node,
                    "'%s' also stands elsewhere in this file; one would undo the "
                    "other",
                    s->key);
}

/* The values of one axis may each have the key, which then no other place may have. */
static void
see_axis(struct grid *g, GHashTable *seen, const struct grid_axis *axis)
{
    g_autoptr(GHashTable) here = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter at;
    gpointer key;

    for (guint i = 0; i < axis->nr; i++)
        for (guint j = 0; j < axis->values[i].nr_settings; j++) {
            const struct grid_setting *one = &axis->values[i].settings[j];
            if (g_hash_table_add(here, (gpointer)(gsize)one->key))
                see_setting(g, seen, one);
        }
    g_hash_table_iter_init(&at, here);
    while (g_hash_table_iter_next(&at, &key, NULL))
        g_hash_table_add(seen, key);
}

static void
check_keys_are_one(struct grid *g)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < g->nr_constants; i++) {
        see_setting(g, seen, &g->constants[i]);
        g_hash_table_add(seen, (gpointer)(gsize)g->constants[i].key);
    }
    for (guint i = 0; i < g->nr_axes; i++)
        see_axis(g, seen, &g->axes[i]);
}

void
grid_read_axes(struct grid *g)
{
    static const char *const keys[] = { "base", "as", "set", NULL };
    static const char *const machine_keys[] = { "base", "as", NULL };
    const struct ynode *set = ynode_get(g->doc->root, "set");

    read_entries(g, "topologies", "topology", machine_keys);
    read_entries(g, "workloads", "workload", keys);
    if (set != NULL && ynode_expect(g->doc, set, YNODE_MAP) != NULL)
        walk_settings(g, "", set, 0, axis_or_constant, NULL);
    read_variants(g, ynode_get(g->doc->root, "variants"));
    read_policies(g);
    read_seeds(g);
    check_keys_are_one(g);
}

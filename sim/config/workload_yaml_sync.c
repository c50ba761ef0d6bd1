/*
 * What threads meet at: the maps under `sync`.
 *
 * Names are declared in a first pass over the whole file, so that a program may name what stands
 * below it. A process sees its own objects first, then those of the whole workload.
 */
#include "config/workload_yaml_load.h"

/* The key that gives an object its size. */
static const char *const size_keys[WOBJECT_NR] = {
    [WOBJECT_BARRIER] = "size",
    [WOBJECT_SEMAPHORE] = "value",
    [WOBJECT_CHANNEL] = "capacity",
    [WOBJECT_QUEUE] = "capacity",
};

static const struct ynode *
kind_node(const struct ynode *n)
{
    return n->kind == YNODE_MAP ? ynode_get(n, "kind") : n;
}

void
wload_declare_objects(struct wload *l, const struct ynode *map, GArray *objects)
{
    if (map == NULL || ynode_expect(&l->doc, map, YNODE_MAP) == NULL)
        return;
    for (guint i = 0; i < map->nr; i++) {
        const struct ynode *kind = kind_node(map->values[i]);
        struct wobject o = { .name = wload_name(l, map->keys[i]), .process = l->process };
        int k = -1;

        if (kind == NULL)
            ynode_error(&l->doc, map->values[i], "'kind' is missing: lock, barrier, channel...");
        else
            k = ynode_enum(&l->doc, kind, wobject_names);
        o.kind = k < 0 ? WOBJECT_NR : (enum wobject_kind)k;
        o.lock = -1;
        g_array_append_val(objects, o); /* also a broken one: the order is that of the map */
    }
}

/* ---- objects ---- */

static void
read_size(struct wload *l, const struct ynode *n, struct wobject *o)
{
    const char *key = size_keys[o->kind];
    const char *def = o->kind == WOBJECT_CHANNEL ? "4KiB"
                      : o->kind == WOBJECT_QUEUE ? "65536"
                                                 : NULL;

    if (key == NULL)
        return;
    if (n->kind != YNODE_MAP && def == NULL)
        ynode_error(&l->doc, n, "a %s needs its '%s': {kind: %s, %s: 4}", wobject_names[o->kind],
                    key, wobject_names[o->kind], key);
    else
        wload_number_at(l, n, key, o->kind == WOBJECT_CHANNEL ? FIELD_SIZE : FIELD_U64,
                        WEXPR_PROCESS, def, &o->size);
}

static void
read_object(struct wload *l, const struct ynode *n, struct wobject *o)
{
    const char *keys[6] = { "kind", "count" };
    const struct ynode *lock = ynode_get(n, "lock"), *arrivals = ynode_get(n, "arrivals");
    guint nr = 2;

    o->at = wload_place(l, n);
    if (size_keys[o->kind] != NULL)
        keys[nr++] = size_keys[o->kind];
    if (o->kind == WOBJECT_CONDITION)
        keys[nr++] = "lock";
    if (o->kind == WOBJECT_QUEUE)
        keys[nr++] = "arrivals";
    if (n->kind == YNODE_MAP)
        ynode_check_keys(&l->doc, n, NULL, keys);
    wload_number(l, ynode_get(n, "count"), FIELD_U64, WEXPR_PROCESS, &o->count);
    read_size(l, n, o);
    if (o->kind == WOBJECT_CONDITION && lock == NULL)
        ynode_error(&l->doc, n, "a condition needs the lock that waiting releases: 'lock'");
    else if (o->kind == WOBJECT_CONDITION)
        o->lock = wload_find_object(l, lock, lock->text, 1u << WOBJECT_LOCK);
    o->arrivals.kind = WARRIVAL_NONE; /* others call */
    if (o->kind == WOBJECT_QUEUE && arrivals != NULL)
        wload_arrivals(l, arrivals, &o->arrivals);
}

void
wload_objects(struct wload *l, const struct ynode *map)
{
    uint32_t next = 0;

    if (map == NULL || map->kind != YNODE_MAP)
        return;
    while (next < l->w->nr_objects && l->w->objects[next].process != l->process)
        next++;
    for (guint i = 0; i < map->nr; i++, next++)
        if (l->w->objects[next].kind != WOBJECT_NR)
            read_object(l, map->values[i], &l->w->objects[next]);
}

static void
say_missing(struct wload *l, const struct ynode *n, const char *name, unsigned kinds)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GString) what = g_string_new(NULL);

    for (guint k = 0; k < WOBJECT_NR; k++)
        if (kinds >> k & 1)
            g_string_append_printf(what, "%s%s", what->len ? " or " : "", wobject_names[k]);
    for (uint32_t i = 0; i < l->w->nr_objects; i++) {
        const struct wobject *o = &l->w->objects[i];
        if ((o->process < 0 || o->process == l->process) && o->name != NULL &&
            (kinds >> o->kind & 1))
            g_ptr_array_add(names, (gpointer)(gsize)o->name);
    }
    g_autofree char *excerpt = diag_excerpt(name);
    if (names->len == 0 || wload_is_enough(l)) {
        ynode_error(&l->doc, n, "there is no %s '%s'; declare it under 'sync'", what->str, excerpt);
        return;
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = did_you_mean(name, (const char *const *)names->pdata);
    ynode_error(&l->doc, n, "there is no %s '%s'%s", what->str, excerpt, hint);
}

int32_t
wload_find_object(struct wload *l, const struct ynode *n, const char *name, unsigned kinds)
{
    int32_t found = -1;

    if (ynode_expect(&l->doc, n, YNODE_SCALAR) == NULL)
        return -1;
    for (uint32_t i = 0; i < l->w->nr_objects; i++) {
        const struct wobject *o = &l->w->objects[i];

        if (o->name == NULL || strcmp(o->name, name) != 0)
            continue;
        if (o->process == l->process || (o->process < 0 && found < 0))
            found = (int32_t)i;
    }
    if (found >= 0 && (kinds >> l->w->objects[found].kind & 1))
        return found;
    if (found >= 0 && l->w->objects[found].kind != WOBJECT_NR)
        ynode_error(&l->doc, n, "'%s' is a %s", name, wobject_names[l->w->objects[found].kind]);
    else if (found < 0)
        say_missing(l, n, name, kinds);
    return -1;
}

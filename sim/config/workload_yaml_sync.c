/*
 * What threads meet at, and where requests come from: the maps under `sync`.
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

/* ---- arrivals ---- */

static void
read_open(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "rate", "interval", "count", "start", NULL };
    const struct ynode *rate = ynode_get(n, "rate"), *interval = ynode_get(n, "interval");

    ynode_check_keys(&l->doc, n, NULL, keys);
    if ((rate == NULL) == (interval == NULL))
        ynode_error(&l->doc, n, "write one of 'rate' (5000/s) and 'interval' (200us)");
    else if (rate != NULL)
        wload_rate(l, rate, &a->rate);
    else
        wload_number(l, interval, FIELD_TIME, WEXPR_MACHINE, &a->interval);
}

static void
read_states(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "states", "count", "start", NULL };
    static const char *const state_keys[] = { "rate", "time", NULL };
    const struct ynode *states = ynode_get(n, "states");

    ynode_check_keys(&l->doc, n, NULL, keys);
    if (states == NULL || ynode_expect(&l->doc, states, YNODE_SEQ) == NULL || states->nr < 2 ||
        states->nr > WARRIVAL_STATES_MAX) {
        ynode_error(&l->doc, n,
                    "'states' is a list of 2 to %d states, each {rate: 5000/s, time: 1s}",
                    WARRIVAL_STATES_MAX);
        return;
    }
    for (guint i = 0; i < states->nr; i++) {
        const struct ynode *s = states->values[i];

        if (ynode_expect(&l->doc, s, YNODE_MAP) == NULL)
            continue;
        ynode_check_keys(&l->doc, s, NULL, state_keys);
        if (ynode_get(s, "rate") == NULL)
            ynode_error(&l->doc, s, "'rate' is missing: as in 5000/s");
        else
            wload_rate(l, ynode_get(s, "rate"), &a->state_rate[i]);
        wload_number_at(l, s, "time", FIELD_TIME, WEXPR_MACHINE, NULL, &a->state_time[i]);
    }
    a->nr_states = states->nr;
}

static void
read_times(struct wload *l, const struct ynode *n, struct warrival *a)
{
    sim_time *times, last = 0;

    if (ynode_expect(&l->doc, n, YNODE_SEQ) == NULL)
        return;
    times = arena_new_array(l->doc.arena, sim_time, n->nr);
    for (guint i = 0; i < n->nr; i++) {
        if (!ynode_quantity(&l->doc, n->values[i], FIELD_TIME, &times[i]))
            return;
        if (times[i] < last || times[i] > SEC(72000)) {
            ynode_error(&l->doc, n->values[i], "times must not go back, nor pass 20 hours");
            return;
        }
        last = times[i];
    }
    if (n->nr == 0)
        ynode_error(&l->doc, n, "the list is empty; write the times of the arrivals");
    a->nr_times = n->nr;
    a->times = times;
}

static void
read_closed(struct wload *l, const struct ynode *n, struct warrival *a)
{
    static const char *const keys[] = { "clients", "think", "count", "start", NULL };
    const struct ynode *think = ynode_get(n, "think");

    ynode_check_keys(&l->doc, n, NULL, keys);
    wload_number_at(l, n, "clients", FIELD_U64, WEXPR_MACHINE, NULL, &a->clients);
    int32_t dist = think == NULL ? wload_constant(l, 0) : wload_duration(l, think);
    a->think = dist < 0 ? 0 : (uint32_t)dist;
}

static void
read_arrivals(struct wload *l, const struct ynode *n, struct warrival *a)
{
    if (ynode_expect(&l->doc, n, YNODE_MAP) == NULL)
        return;
    if (n->nr == 1 && strcmp(n->keys[0]->text, "trace") == 0) {
        wload_not_yet(l, n->keys[0], "a file of arrivals");
        return;
    }
    int kind = n->nr == 1 ? ynode_enum(&l->doc, n->keys[0], warrival_names) : -1;
    if (n->nr != 1)
        ynode_error(&l->doc, n, "write one kind with its numbers, as in {poisson: {rate: 5000/s}}");
    if (kind < 0)
        return;
    const struct ynode *v = n->values[0];
    a->kind = (enum warrival_kind)kind;
    if (kind == WARRIVAL_TIMES) {
        read_times(l, v, a);
        return;
    }
    if (ynode_expect(&l->doc, v, YNODE_MAP) == NULL)
        return;
    if (kind == WARRIVAL_MMPP)
        read_states(l, v, a);
    else if (kind == WARRIVAL_CLOSED)
        read_closed(l, v, a);
    else
        read_open(l, v, a);
    wload_number(l, ynode_get(v, "count"), FIELD_U64, WEXPR_MACHINE, &a->count);
    wload_number(l, ynode_get(v, "start"), FIELD_TIME, WEXPR_MACHINE, &a->start);
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
    if (o->kind == WOBJECT_QUEUE && arrivals == NULL)
        ynode_error(&l->doc, n, "a queue needs its 'arrivals': {poisson: {rate: 5000/s}}");
    else if (o->kind == WOBJECT_QUEUE)
        read_arrivals(l, arrivals, &o->arrivals);
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

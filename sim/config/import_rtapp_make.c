/*
 * The workload that an rt-app file means, as the tree that the workload loader reads.
 *
 * A tree rather than a struct workload, because then there is one place only that knows what a
 * workload may hold, and it can be written as YAML; a tree rather than text, because its nodes keep
 * the places of the rt-app file, so that whatever the loader or a run has to say names the line
 * that a person wrote.
 */
#include "config/import_rtapp_impl.h"

#include <stdarg.h>

static struct ynode *
node_new(struct rtapp *r, const struct ynode *at, enum ynode_kind kind)
{
    struct ynode *n = arena_new_object(r->out.arena, struct ynode);

    n->kind = kind;
    n->line = at->line;
    n->column = at->column;
    n->text = "";
    return n;
}

struct ynode *
make_map(struct rtapp *r, const struct ynode *at)
{
    return node_new(r, at, YNODE_MAP);
}

struct ynode *
make_list(struct rtapp *r, const struct ynode *at)
{
    return node_new(r, at, YNODE_SEQ);
}

struct ynode *
make_text(struct rtapp *r, const struct ynode *at, const char *fmt, ...)
{
    struct ynode *n = node_new(r, at, YNODE_SCALAR);
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    n->text = arena_strdup(r->out.arena, text);
    return n;
}

/* Arrays double when they are full, which is when their length is a power of two. */
static struct ynode **
grown(struct rtapp *r, struct ynode **array, guint nr)
{
    struct ynode **copy;

    if ((nr & (nr - 1)) != 0)
        return array;
    copy = arena_new_array(r->out.arena, struct ynode *, nr == 0 ? 1 : 2 * (gsize)nr);
    if (nr > 0)
        memcpy(copy, array, nr * sizeof(*copy));
    return copy;
}

void
make_push(struct rtapp *r, struct ynode *list, struct ynode *item)
{
    list->values = grown(r, list->values, list->nr);
    item->parent = list;
    item->index = list->nr;
    list->values[list->nr++] = item;
}

void
make_put(struct rtapp *r, struct ynode *map, const char *key, struct ynode *value)
{
    struct ynode *k = node_new(r, value, YNODE_SCALAR);

    k->text = key;
    k->parent = map;
    value->key = key;
    map->keys = grown(r, map->keys, map->nr);
    map->keys[map->nr] = k;
    make_push(r, map, value);
}

void
make_step(struct rtapp *r, struct ynode *program, const char *verb, struct ynode *value)
{
    struct ynode *map = make_map(r, value);

    make_put(r, map, verb, value);
    make_push(r, program, map);
}

struct ynode *
make_loop(struct rtapp *r, struct ynode *program, const struct ynode *at, int64_t rounds)
{
    struct ynode *loop = make_map(r, at), *body = make_list(r, at);

    make_put(r, loop, "count",
             rounds < 0 ? make_text(r, at, "forever") : make_text(r, at, "%" PRId64, rounds));
    make_put(r, loop, "do", body);
    make_step(r, program, "loop", loop);
    return body;
}

/* ---- names ---- */

enum { NAME_MOST = 48 }; /* leaves room for an index */

const char *
make_name(struct rtapp *r, const char *wanted)
{
    g_autofree char *base = g_strndup(wanted, NAME_MOST);
    const char *name;

    for (char *c = base; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && strchr("_.-", *c) == NULL)
            *c = '_';
    name = arena_strdup(r->out.arena, base);
    for (guint i = 1; !g_hash_table_add(r->taken, (gpointer)(gsize)name); i++)
        name = arena_printf(r->out.arena, "%s%u", base, i);
    return name;
}

/* Found already, or NULL; *key is what it goes by. */
static const char *
known_object(struct rtapp *r, const char *kind, const char *name, const char **key)
{
    *key = arena_printf(r->out.arena, "%s %s", kind, name);
    return g_hash_table_lookup(r->objects, *key);
}

static const char *
new_object(struct rtapp *r, const char *key, const char *kind, const char *name, struct ynode *what)
{
    g_autofree char *wanted = g_strconcat(kind, ".", name, NULL);

    if (r->sync->nr >= RTAPP_OBJECTS_MAX) {
        if (!diag_failed(r->in.diag))
            diag_error(r->in.diag, r->in.file, what->line, what->column, NULL,
                       "with '%s' threads meet at more than %d locks, timers and the like", name,
                       RTAPP_OBJECTS_MAX);
        return name;
    }
    const char *made = make_name(r, wanted);

    g_hash_table_insert(r->objects, (gpointer)(gsize)key, (gpointer)(gsize)made);
    make_put(r, r->sync, made, what);
    return made;
}

const char *
make_object(struct rtapp *r, const struct ynode *at, const char *kind, const char *name,
            uint64_t size)
{
    const char *key, *known = known_object(r, kind, name, &key);
    struct ynode *map;

    if (known != NULL)
        return known;
    map = make_map(r, at);
    make_put(r, map, "kind", make_text(r, at, "%s", kind));
    if (strcmp(kind, "semaphore") == 0)
        make_put(r, map, "value", make_text(r, at, "0"));
    else if (size > 0)
        make_put(r, map, strcmp(kind, "barrier") == 0 ? "size" : "count",
                 make_text(r, at, "%" PRIu64, size));
    return new_object(r, key, kind, name, map->nr > 1 ? map : make_text(r, at, "%s", kind));
}

const char *
make_condition(struct rtapp *r, const struct ynode *at, const char *name)
{
    const char *mutex = g_hash_table_lookup(r->mutexes, name);
    const char *key, *known = known_object(r, "condition", name, &key);

    if (known != NULL)
        return known;
    struct ynode *map = make_map(r, at);
    const char *lock = make_object(r, at, "lock", mutex != NULL ? mutex : name, 0);
    make_put(r, map, "kind", make_text(r, at, "condition"));
    make_put(r, map, "lock", make_text(r, at, "%s", lock));
    return new_object(r, key, "condition", name, map);
}

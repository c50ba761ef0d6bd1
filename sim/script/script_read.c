/*
 * Reads the table that a script returns. Everything that is wrong with it is said at once.
 */
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/script_impl.h"

void
script_complain(struct look *k, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    k->why = arena_printf(k->a, "%s%s%s: %s", k->why == NULL ? "" : k->why,
                          k->why == NULL ? "" : "\n", k->s->name, text);
}

/* ---- words and numbers ---- */

/* The member of the table on top; NULL: absent, or not a string, which is said. */
static const char *
text_member(struct look *k, const char *key, const char *what)
{
    const char *text = NULL;
    int type = lua_getfield(k->L, -1, key);

    if (type == LUA_TSTRING)
        text = arena_strdup(k->a, lua_tostring(k->L, -1));
    else if (type != LUA_TNIL)
        script_complain(k, "%s%s is a %s; write a string", what, key, lua_typename(k->L, type));
    lua_pop(k->L, 1);
    return text;
}

static uint32_t
number_member(struct look *k, const char *key, uint32_t most)
{
    int is_number = 1;
    lua_Integer value = 0;

    if (lua_getfield(k->L, 1, key) != LUA_TNIL)
        value = lua_tointegerx(k->L, -1, &is_number);
    lua_pop(k->L, 1);
    if (is_number && value >= 0 && value <= most)
        return (uint32_t)value;
    script_complain(k, "%s is not a whole number from 0 to %u", key, most);
    return 0;
}

static bool
good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    return n > 0 && n < 128 && name[n] == '\0';
}

static void
read_name(struct look *k)
{
    const char *name = text_member(k, "name", "");

    if (name == NULL)
        script_complain(k, "name is missing; write one, as in name = \"near_first\"");
    else if (!good_name(name))
        script_complain(k,
                        "name has other characters than letters, digits, '_', '.' and '-', or more "
                        "than 127");
    k->s->ops.name = name;
    k->s->ops.doc = text_member(k, "doc", "");
    k->s->ops.page = text_member(k, "page", "");
}

static void
read_flags(struct look *k)
{
    lua_State *L = k->L;
    int type = lua_getfield(L, 1, "flags");

    if (type != LUA_TTABLE && type != LUA_TNIL)
        script_complain(k, "flags is a %s; write a list of names, as in flags = {\"ENQ_LAST\"}",
                        lua_typename(L, type));
    for (lua_Integer i = 1; type == LUA_TTABLE && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
        const struct scx_name *f = script_ops_flags;
        while (f->name != NULL && strcmp(f->name, name) != 0)
            f++;
        if (f->name == NULL)
            script_complain(k,
                            "flags: there is no '%s'; there are KEEP_BUILTIN_IDLE, ENQ_LAST, "
                            "ENQ_EXITING, SWITCH_PARTIAL, BUILTIN_IDLE_PER_NODE, HAS_CGROUP_WEIGHT",
                            name);
        k->s->ops.flags |= f->value;
        lua_pop(L, 1);
    }
    lua_settop(L, 1);
}

/* ---- parameters ---- */

static const struct {
    const char *name;
    enum field_type type;
    const char *example;
} kinds[] = {
    { "time", FIELD_TIME, "20ms" },  { "number", FIELD_U64, "2" },  { "size", FIELD_SIZE, "4MiB" },
    { "ratio", FIELD_RATIO, "25%" }, { "real", FIELD_REAL, "0.5" }, { "bool", FIELD_BOOL, "yes" },
};

static bool
kind_of(const char *name, enum field_type *type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (name != NULL && strcmp(kinds[i].name, name) == 0) {
            *type = kinds[i].type;
            return true;
        }
    return false;
}

/* Is the text a value of the field's type? */
static void
check_value(struct look *k, const struct field *f, const char *what, const char *text)
{
    struct field copy = *f;
    char why[256];
    uint64_t slot[2];

    copy.offset = 0;
    if (text != NULL && !field_set(&copy, slot, text, k->a, why, sizeof why))
        script_complain(k, "params.%s.%s: %s", f->name, what, why);
}

/* The parameter on top of the stack. */
static void
read_param(struct look *k, struct field *f, const char *name)
{
    static const char *const known[] = { "kind", "default", "min", "max", "doc" };
    char what[160];

    snprintf(what, sizeof what, "params.%s.", name);
    *f = (struct field){ .name = name, .doc = "" };
    if (!kind_of(text_member(k, "kind", what), &f->type)) {
        script_complain(
            k, "%skind is missing or unknown; write time, number, size, ratio, real or bool", what);
        return;
    }
    const char *def = text_member(k, "default", what), *min = text_member(k, "min", what),
               *max = text_member(k, "max", what), *doc = text_member(k, "doc", what);
    if (def == NULL)
        script_complain(k, "%sdefault is missing; write it as a string with its unit", what);
    check_value(k, f, "min", min);
    check_value(k, f, "max", max);
    f->min = min;
    f->max = max;
    check_value(k, f, "default", def);
    f->def = def;
    f->doc = doc == NULL ? "" : doc;
    for (lua_pushnil(k->L); lua_next(k->L, -2) != 0; lua_pop(k->L, 1)) {
        const char *key = lua_type(k->L, -2) == LUA_TSTRING ? lua_tostring(k->L, -2) : "?";
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found |= strcmp(key, known[i]) == 0;
        if (!found)
            script_complain(k, "%s%s: there is no such key; there are kind, default, min, max, doc",
                            what, key);
    }
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The string keys of the table on top, sorted; NULL-terminated. */
static const char **
keys_of(struct look *k, uint32_t *nr)
{
    lua_State *L = k->L;
    uint32_t n = 0, i = 0;

    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
        n++;
    const char **keys = arena_new_array(k->a, const char *, n + 1);
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING)
            keys[i++] = arena_strdup(k->a, lua_tostring(L, -2));
    if (i < n)
        script_complain(k, "a table of names has a number as a key");
    keys[i] = NULL;
    qsort(keys, i, sizeof *keys, by_name);
    *nr = i;
    return keys;
}

static size_t
slot_offset(struct script *s)
{
    return offsetof(struct instance, slots) + 8 * (size_t)s->nr_slots++;
}

static size_t
table_length(const struct field *table)
{
    size_t n = 0;

    while (table[n].name != NULL)
        n++;
    return n;
}

/* The limits and what every script has, then its own. */
static void
read_params(struct look *k)
{
    size_t nr_limits = table_length(box_limit_fields), nr_all = table_length(script_fields), n = 0;
    lua_State *L = k->L;
    int type = lua_getfield(L, 1, "params");
    const char **names = NULL;
    uint32_t nr = 0;

    if (type == LUA_TTABLE)
        names = keys_of(k, &nr);
    else if (type != LUA_TNIL)
        script_complain(k, "params is a %s; write a table", lua_typename(L, type));
    struct field *f = arena_new_array(k->a, struct field, nr_limits + nr_all + nr + 1);
    for (size_t i = 0; i < nr_limits; i++) {
        f[n] = box_limit_fields[i];
        f[n++].offset += offsetof(struct instance, limits);
    }
    for (size_t i = 0; i < nr_all; i++)
        f[n++] = script_fields[i];
    k->s->params = &f[n];
    for (uint32_t i = 0; i < nr; i++) {
        if (lua_getfield(L, -1, names[i]) == LUA_TTABLE)
            read_param(k, &f[n], names[i]);
        else
            script_complain(k,
                            "params.%s is not a table; write {kind = \"time\", default = \"20ms\"}",
                            names[i]);
        f[n].name = names[i];
        f[n++].offset = slot_offset(k->s);
        lua_pop(L, 1);
    }
    k->s->ops.params = f;
    lua_settop(L, 1);
}

static void
read_stats(struct look *k)
{
    lua_State *L = k->L;
    int type = lua_getfield(L, 1, "stats");
    lua_Unsigned nr = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    const char **names = arena_new_array(k->a, const char *, nr + 1);
    struct scx_stat *stats = arena_new_array(k->a, struct scx_stat, nr + 1);

    if (type != LUA_TTABLE && type != LUA_TNIL)
        script_complain(k, "stats is a %s; write a list of names", lua_typename(L, type));
    for (lua_Unsigned i = 0; i < nr; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        names[i] = lua_type(L, -1) == LUA_TSTRING ? arena_strdup(k->a, lua_tostring(L, -1)) : "";
        if (!good_name(names[i]))
            script_complain(k, "stats: entry %d is not a name", (int)i + 1);
        stats[i] = (struct scx_stat){ names[i], "of the script", slot_offset(k->s) };
        lua_pop(L, 1);
    }
    k->s->stats = names;
    k->s->ops.stats = stats;
    lua_settop(L, 1);
}

/* ---- operations ---- */

static int
op_by_name(const char *name)
{
    static const char *const names[] = {
#define X(op, context) #op,
        SCX_OPS(X)
#undef X
    };

    for (int i = 0; i < SCX_OP_NR; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static void
read_ops(struct look *k)
{
    static const char others[] =
        " name doc page flags timeout_ms dispatch_max_batch exit_dump_len params stats ";
    uint32_t nr;
    const char **keys = keys_of(k, &nr);

    for (uint32_t i = 0; i < nr; i++) {
        char spaced[160];
        int op = op_by_name(keys[i]);
        if (op >= 0) {
            if (lua_getfield(k->L, 1, keys[i]) != LUA_TFUNCTION)
                script_complain(k, "%s is a %s; write a function", keys[i],
                                luaL_typename(k->L, -1));
            lua_pop(k->L, 1);
            k->s->present |= UINT64_C(1) << op;
            continue;
        }
        snprintf(spaced, sizeof spaced, " %s ", keys[i]);
        if (strstr(others, spaced) == NULL)
            script_complain(k, "'%s' is no operation and no other key of a policy", keys[i]);
    }
}

int
script_read(lua_State *L)
{
    struct look *k = lua_touserdata(L, 2);

    lua_settop(L, 1);
    k->L = L;
    if (!lua_istable(L, 1)) {
        script_complain(k, "returns a %s; end it with `return` and the table of the policy",
                        luaL_typename(L, 1));
        return 0;
    }
    read_name(k);
    read_flags(k);
    k->s->ops.timeout_ms = number_member(k, "timeout_ms", 30000);
    k->s->ops.dispatch_max_batch = number_member(k, "dispatch_max_batch", 4096);
    k->s->ops.exit_dump_len = number_member(k, "exit_dump_len", 1 << 20);
    read_params(k);
    read_stats(k);
    read_ops(k);
    return 0;
}

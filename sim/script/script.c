/*
 * Looking at a script: its text is run once, in a box like that of a run, and what it returns is
 * read into a table of operations. Nothing of this box is kept but words and numbers.
 */
#include <lauxlib.h>

#include "script/script_impl.h"

static int
open_globals(lua_State *L)
{
    script_open_calls(L);
    script_open_params(L, NULL, NULL);
    return 0;
}

static void
look_at(struct look *k, struct box *b)
{
    struct script *s = k->s;

    lua_pushcfunction(b->L, open_globals);
    bool done = box_call(b, 0, 0) && box_load(b, s->name, s->text, s->len);
    if (done) {
        lua_pushcfunction(b->L, script_read);
        lua_insert(b->L, -2);
        lua_pushlightuserdata(b->L, k);
        b->limits.instructions = b->limits.load_instructions;
        done = box_call(b, 2, 0);
    }
    /* messages of Lua begin with the file already */
    if (!done && strncmp(b->message, s->name, strlen(s->name)) == 0)
        k->why = arena_strdup(k->a, b->message);
    else if (!done)
        script_complain(k, "%s", b->message);
}

const struct sched_ops *
script_load(const char *name, const char *text, size_t len, struct arena *a, const char **why)
{
    struct script *s = arena_new_object(a, struct script);
    struct look k = { .a = a, .s = s };
    struct box_limits limits;

    *s = (struct script){ .name = arena_strdup(a, name), .text = text, .len = len };
    fields_init(box_limit_fields, &limits, a);
    struct box *b = box_new(&limits);
    if (b == NULL)
        script_complain(&k, "there is no memory to look at it");
    else
        look_at(&k, b);
    box_free(b);
    *why = k.why;
    if (k.why != NULL)
        return NULL;
    s->ops.abi = SCX_OPS_ABI;
    s->ops.priv_size = offsetof(struct instance, slots) + 8 * (size_t)s->nr_slots;
    s->ops.adapter = s;
    script_set_ops(s, &s->ops);
    return &s->ops;
}

/* ---- in a run ---- */

static void
push_value(lua_State *L, const struct field *f, const unsigned char *at)
{
    switch (f->type) {
    case FIELD_BOOL:
        lua_pushboolean(L, *(const bool *)at);
        break;
    case FIELD_RATIO:
        lua_pushnumber(L, *(const uint32_t *)(const void *)at / 1e6);
        break;
    case FIELD_REAL:
        lua_pushnumber(L, *(const double *)(const void *)at);
        break;
    default:
        lua_pushinteger(L, (lua_Integer) * (const uint64_t *)(const void *)at);
    }
}

void
script_open_params(lua_State *L, const struct script *s, const struct instance *inst)
{
    lua_newtable(L);
    for (const struct field *f = s == NULL ? NULL : s->params; f != NULL && f->name != NULL; f++) {
        push_value(L, f, (const unsigned char *)inst + f->offset);
        lua_setfield(L, -2, f->name);
    }
    lua_setglobal(L, "param");
}

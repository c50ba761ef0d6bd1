/*
 * A script in a run: its box from init to exit, and the way into it.
 */
#include <lauxlib.h>

#include "script/script_impl.h"

const struct field script_fields[] = { FIELD(FIELD_TIME_PS, struct instance, instruction_cost,
                                             .def = "1ns", .max = "1us",
                                             .doc = "time that one instruction of a script takes"),
                                       FIELD_END };

static struct instance *
instance(struct scx *scx)
{
    return scx_priv(scx);
}

/* Puts the operation's function on the stack. */
lua_State *
script_begin(struct scx *scx, enum scx_op op, struct task *p)
{
    struct instance *inst = instance(scx);
    lua_State *L = inst->box->L;

    inst->scx = scx;
    inst->current = p;
    if (!lua_checkstack(L, 16))
        sim_panic(__FILE__, __LINE__, "no room on the stack of a script");
    lua_rawgeti(L, LUA_REGISTRYINDEX, inst->refs[op]);
    return L;
}

static void
failed(struct scx *scx, struct box *b, enum box_over over)
{
    const struct script *s = scx_adapter(scx);

    if (over == BOX_INSTRUCTIONS)
        scx_overrun(scx, b->message);
    else if (strncmp(b->message, s->name, strlen(s->name)) == 0) /* with its line */
        scx_error(scx, "%s", b->message);
    else
        scx_error(scx, "%s: %s", s->name, b->message);
}

/* True: the result is on the stack, and the caller takes it off. */
bool
script_call(struct scx *scx, int nr_args, int nr_results)
{
    struct instance *inst = instance(scx);
    struct box *b = inst->box;
    struct task *outer = inst->current;
    enum box_over over;
    uint64_t work;
    bool done;

    if (inst->depth++ > 0) {
        done = box_call_within(b, nr_args, nr_results, &work, &over);
    } else {
        done = box_call(b, nr_args, nr_results);
        work = b->work;
        over = b->over;
    }
    inst->depth--;
    inst->current = outer;
    scx_charge(scx, work * inst->instruction_cost / 1000);
    if (!done)
        failed(scx, b, over);
    return done;
}

void
script_push_task(lua_State *L, const struct task *p)
{
    if (p == NULL)
        lua_pushnil(L);
    else
        lua_pushinteger(L, task_pid(p));
}

void
script_push_cgroup(lua_State *L, struct scx *scx, const struct task_group *cgrp)
{
    if (cgrp == NULL)
        lua_pushnil(L);
    else
        lua_pushinteger(L, scx_cgroup_id(scx, cgrp));
}

/* Calls and takes a whole number off the stack; `otherwise`: it failed, or returned nothing. */
int64_t
script_call_for_number(struct scx *scx, int nr_args, int64_t otherwise)
{
    if (!script_call(scx, nr_args, 1))
        return otherwise;
    lua_State *L = instance(scx)->box->L;
    int is_number;
    lua_Integer value = lua_tointegerx(L, -1, &is_number);
    bool nothing = lua_isnil(L, -1);
    lua_pop(L, 1);
    if (!is_number && !nothing)
        scx_error(scx, "an operation returned something that is not a whole number");
    return is_number ? value : otherwise;
}

bool
script_call_for_bool(struct scx *scx, int nr_args)
{
    if (!script_call(scx, nr_args, 1))
        return false;
    lua_State *L = instance(scx)->box->L;
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* ---- the first and the last ---- */

struct setup {
    const struct script *script;
    struct instance *inst;
};

/* In the box, within its limits: what the script returned is below the light userdata. */
static int
set_up(lua_State *L)
{
    static const char *const names[] = {
#define X(name, context) #name,
        SCX_OPS(X)
#undef X
    };
    const struct setup *setup = lua_touserdata(L, 2);

    for (int op = 0; op < SCX_OP_NR; op++) {
        if (lua_getfield(L, 1, names[op]) == LUA_TFUNCTION)
            setup->inst->refs[op] = luaL_ref(L, LUA_REGISTRYINDEX);
        else
            lua_pop(L, 1);
    }
    return 0;
}

static int
open_globals(lua_State *L)
{
    const struct setup *setup = lua_touserdata(L, 1);

    script_open_calls(L);
    script_open_params(L, setup->script, setup->inst);
    return 0;
}

static bool
open_box(struct box *b, const struct script *s, struct instance *inst)
{
    struct setup setup = { s, inst };

    lua_pushcfunction(b->L, open_globals);
    lua_pushlightuserdata(b->L, &setup);
    if (!box_call(b, 1, 0) || !box_load(b, s->name, s->text, s->len))
        return false;
    lua_pushcfunction(b->L, set_up);
    lua_insert(b->L, -2);
    lua_pushlightuserdata(b->L, &setup);
    return box_call(b, 2, 0);
}

static void
free_box(void *box)
{
    box_free(box);
}

int
script_op_init(struct scx *scx)
{
    const struct script *s = scx_adapter(scx);
    struct instance *inst = instance(scx);

    inst->box = box_new(&inst->limits);
    if (inst->box == NULL) {
        scx_error(scx, "%s: max_memory has no room for the library", s->name);
        return -1;
    }
    scx_at_unload(scx, free_box, inst->box);
    inst->box->owner = inst;
    inst->scx = scx;
    if (!open_box(inst->box, s, inst)) {
        scx_error(scx, "%s", inst->box->message);
        return -1;
    }
    if (inst->refs[SCX_OP_init] == 0)
        return 0;
    script_begin(scx, SCX_OP_init, NULL);
    return (int)script_call_for_number(scx, 0, 0);
}

/* In the box: calls the function below with what the light userdata points to. */
static int
call_exit(lua_State *L)
{
    const struct scx_exit_info *info = lua_touserdata(L, 2);

    lua_settop(L, 1);
    lua_pushinteger(L, info->kind);
    lua_pushinteger(L, info->exit_code);
    lua_pushstring(L, info->reason);
    lua_pushstring(L, info->msg);
    lua_call(L, 4, 0);
    return 0;
}

void
script_op_exit(struct scx *scx, const struct scx_exit_info *info)
{
    struct instance *inst = instance(scx);

    if (inst->box != NULL && inst->refs[SCX_OP_exit] != 0) {
        struct scx_exit_info copy = *info;
        lua_State *L = script_begin(scx, SCX_OP_exit, NULL);
        lua_pushcfunction(L, call_exit);
        lua_insert(L, -2);
        lua_pushlightuserdata(L, &copy);
        script_call(scx, 2, 0);
    }
}

/*
 * The library inside the box: a list of what is safe, never the standard one with holes cut out.
 *
 * Missing on purpose: io, os, package, debug, require, load, dofile (ways out); setmetatable,
 * collectgarbage (finalizers and weak tables show when garbage is collected); coroutine (a
 * coroutine counts its instructions anew); patterns: find with a pattern, match, gmatch, gsub (time
 * without bound that no instruction counts); math.random (policies have streams of the run's seed);
 * functions of math whose last bit depends on the C library (sin, exp, log...).
 */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#include "script/box.h"

enum { BYTES_PER_INSTRUCTION = 32 };

/* ---- what a function costs, by its arguments ---- */

enum cost {
    COST_NOTHING,
    COST_STRING,
    COST_STRINGS,
    COST_TABLE,
    COST_SHIFT,
    COST_REP,
    COST_MOVE,
    COST_RANGE
};

static uint64_t
length_cost(lua_State *L, int i)
{
    return lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) / BYTES_PER_INSTRUCTION : 0;
}

static uint64_t
between(lua_State *L, int first, int last)
{
    lua_Integer a = lua_tointeger(L, first), b = lua_tointeger(L, last);

    return b >= a ? (uint64_t)b - (uint64_t)a + 1 : 0;
}

/* Elements that table.insert(t, at, value) and table.remove(t, at) push along. */
static uint64_t
shifted(lua_State *L)
{
    int args = lua_gettop(L);
    lua_Integer n = lua_istable(L, 1) ? (lua_Integer)lua_rawlen(L, 1) : 0;
    lua_Integer at = lua_tointeger(L, 2);

    if (args < 2 || (args == 2 && !lua_isinteger(L, 2)) || at < 1 || at > n)
        return 0;
    return (uint64_t)(n - at);
}

static uint64_t
cost_of(lua_State *L, enum cost cost)
{
    uint64_t sum = 0;

    switch (cost) {
    case COST_NOTHING:
        return 0;
    case COST_STRING:
        return length_cost(L, 1);
    case COST_STRINGS:
        for (int i = lua_gettop(L); i > 0; i--)
            sum += length_cost(L, i);
        return sum;
    case COST_TABLE:
        return lua_istable(L, 1) ? lua_rawlen(L, 1) : 0;
    case COST_SHIFT:
        return shifted(L);
    case COST_REP:
        sum = between(L, 2, 2) == 0 || lua_tointeger(L, 2) < 0 ? 0 : (uint64_t)lua_tointeger(L, 2);
        return sum / 4;
    case COST_MOVE:
        return between(L, 2, 3);
    case COST_RANGE:
        return lua_istable(L, 1) && !lua_isnoneornil(L, 3) ? between(L, 2, 3) : 0;
    }
    return 0;
}

/* Upvalues: the function of the standard library, the kind of cost. */
static int
charged(lua_State *L)
{
    box_charge(L, cost_of(L, (enum cost)lua_tointeger(L, lua_upvalueindex(2))));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* ---- strings ---- */

/* As tostring, but what would show an address shows its type only. */
static void
push_text(lua_State *L, int i)
{
    switch (lua_type(L, i)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
        luaL_tolstring(L, i, NULL);
        return;
    default:
        lua_pushstring(L, luaL_typename(L, i));
    }
}

static int
box_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    push_text(L, 1);
    return 1;
}

static void
refuse_addresses(lua_State *L, const char *format)
{
    for (const char *f = format; (f = strchr(f, '%')) != NULL; f++) {
        f += 1 + strspn(f + 1, "-+ #0123456789.");
        if (*f == 'p')
            luaL_error(L, "format: %%p would show an address");
        if (*f == '\0')
            return;
    }
}

/* Upvalue: string.format. */
static int
box_format(lua_State *L)
{
    refuse_addresses(L, luaL_checkstring(L, 1));
    box_charge(L, cost_of(L, COST_STRINGS) + (uint64_t)lua_gettop(L));
    for (int i = lua_gettop(L); i > 1; i--) {
        int type = lua_type(L, i);
        if (type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TBOOLEAN || type == LUA_TNIL)
            continue;
        push_text(L, i);
        lua_replace(L, i);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* Upvalue: string.find. Always as if its fourth argument were true. */
static int
box_find(lua_State *L)
{
    uint64_t n = lua_rawlen(L, 1) / 8 + 1, m = lua_rawlen(L, 2) / 8 + 1;

    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    box_charge(L, n * m / 4);
    lua_settop(L, 3);
    lua_pushboolean(L, true);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 4, 2);
    return 2;
}

/* ---- errors ---- */

/* Upvalue: pcall. Limits are not errors of the script, and are not its to catch. */
static int
box_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    box_rethrow(L);
    if (status == LUA_ERRMEM)
        return lua_error(L); /* the limit again, by its own name */
    lua_pushboolean(L, status == LUA_OK);
    lua_insert(L, 1);
    return lua_gettop(L);
}

/* ---- what there is ---- */

struct entry {
    const char *name;
    enum cost cost;
    lua_CFunction instead; /* gets the standard function as its upvalue */
};

static const struct entry base[] = {
    { "assert", COST_NOTHING, NULL },
    { "error", COST_NOTHING, NULL },
    { "ipairs", COST_NOTHING, NULL },
    { "pairs", COST_NOTHING, box_pairs },
    { "next", COST_NOTHING, box_next },
    { "pcall", COST_NOTHING, box_pcall },
    { "rawequal", COST_NOTHING, NULL },
    { "rawlen", COST_NOTHING, NULL },
    { "select", COST_NOTHING, NULL },
    { "tonumber", COST_STRING, NULL },
    { "tostring", COST_STRING, box_tostring },
    { "type", COST_NOTHING, NULL },
    { NULL, COST_NOTHING, NULL },
};
static const struct entry strings[] = {
    { "byte", COST_STRING, NULL },      { "char", COST_NOTHING, NULL },
    { "find", COST_STRINGS, box_find }, { "format", COST_STRINGS, box_format },
    { "len", COST_NOTHING, NULL },      { "lower", COST_STRING, NULL },
    { "rep", COST_REP, NULL },          { "reverse", COST_STRING, NULL },
    { "sub", COST_STRING, NULL },       { "upper", COST_STRING, NULL },
    { NULL, COST_NOTHING, NULL },
};
static const struct entry tables[] = {
    { "concat", COST_TABLE, NULL }, { "insert", COST_SHIFT, NULL },
    { "move", COST_MOVE, NULL },    { "pack", COST_NOTHING, NULL },
    { "remove", COST_SHIFT, NULL }, { "sort", COST_NOTHING, box_sort },
    { "unpack", COST_RANGE, NULL }, { NULL, COST_NOTHING, NULL },
};
static const struct entry maths[] = {
    { "abs", COST_NOTHING, NULL },       { "ceil", COST_NOTHING, NULL },
    { "floor", COST_NOTHING, NULL },     { "fmod", COST_NOTHING, NULL },
    { "max", COST_NOTHING, NULL },       { "min", COST_NOTHING, NULL },
    { "modf", COST_NOTHING, NULL },      { "sqrt", COST_NOTHING, NULL },
    { "tointeger", COST_NOTHING, NULL }, { "type", COST_NOTHING, NULL },
    { "ult", COST_NOTHING, NULL },       { NULL, COST_NOTHING, NULL },
};

/* From the standard table on top of the stack into the one below it. */
static void
choose(lua_State *L, const struct entry *list)
{
    for (const struct entry *e = list; e->name != NULL; e++) {
        lua_getfield(L, -1, e->name);
        if (e->instead != NULL) {
            lua_pushcclosure(L, e->instead, 1);
        } else if (e->cost != COST_NOTHING) {
            lua_pushinteger(L, e->cost);
            lua_pushcclosure(L, charged, 2);
        }
        lua_setfield(L, -3, e->name);
    }
}

static void
open_one(lua_State *L, const char *name, lua_CFunction standard, const struct entry *list)
{
    lua_newtable(L);
    lua_pushcfunction(L, standard);
    lua_call(L, 0, 1);
    choose(L, list);
    lua_pop(L, 1);
    lua_setglobal(L, name);
}

/* s:len() and the like find the safe functions; the table behind them cannot be had. */
static void
guard_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    if (lua_getmetatable(L, -1)) {
        lua_getglobal(L, "string");
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, false);
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

int
box_open_library(lua_State *L)
{
    static const char *const numbers[] = { "huge", "maxinteger", "mininteger", "pi", NULL };

    /* the standard base library fills the globals themselves: take what is safe, empty them */
    lua_newtable(L);
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    choose(L, base);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pop(L, 1);

    open_one(L, "string", luaopen_string, strings);
    open_one(L, "table", luaopen_table, tables);
    open_one(L, "math", luaopen_math, maths);
    guard_strings(L);
    lua_pushcfunction(L, luaopen_math);
    lua_call(L, 0, 1);
    lua_getglobal(L, "math");
    for (int i = 0; numbers[i] != NULL; i++) {
        lua_getfield(L, -2, numbers[i]);
        lua_setfield(L, -2, numbers[i]);
    }
    lua_settop(L, 0);
    return 0;
}

/*
 * Walks and sorts. Lua walks a table in the order of its hash, which depends on a random seed and
 * on addresses; here the order is that of the keys: false, true, numbers, strings by bytes. Keys of
 * other kinds have no order of their own and are refused. The sort is a merge sort, stable, without
 * the clock that Lua's own takes its pivots from.
 */
#include <lauxlib.h>

#include "script/box.h"

static int
kind_of(lua_State *L, int i)
{
    switch (lua_type(L, i)) {
    case LUA_TBOOLEAN:
        return lua_toboolean(L, i);
    case LUA_TNUMBER:
        return 2;
    case LUA_TSTRING:
        return 3;
    default:
        return luaL_error(L,
                          "a table with a %s as a key has no order to walk it in; use numbers, "
                          "strings or booleans as keys",
                          luaL_typename(L, i));
    }
}

/* Is the key at a before that at b? */
static bool
key_before(lua_State *L, int a, int b)
{
    int x = kind_of(L, a), y = kind_of(L, b);

    return x != y ? x < y : x >= 2 && lua_compare(L, a, b, LUA_OPLT);
}

typedef bool (*before_fn)(lua_State *L, int a, int b);

/* By the comparing function at index 2 of the stack, or by < if there is none. */
static bool
element_before(lua_State *L, int a, int b)
{
    if (lua_isnil(L, 2))
        return lua_compare(L, a, b, LUA_OPLT);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    bool before = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return before;
}

/* Merges [lo, mid) and [mid, hi) of the table at `from` into the one at `to`. */
static void
merge(lua_State *L, int from, int to, lua_Integer lo, lua_Integer mid, lua_Integer hi, before_fn f)
{
    lua_Integer a = lo, b = mid;

    for (lua_Integer i = lo; i < hi; i++) {
        bool second = a == mid;
        if (a < mid && b < hi) {
            lua_geti(L, from, b);
            lua_geti(L, from, a);
            second = f(L, lua_gettop(L) - 1, lua_gettop(L));
            lua_pop(L, 2);
        }
        lua_geti(L, from, second ? b++ : a++);
        lua_seti(L, to, i);
    }
}

static uint64_t
sort_cost(uint64_t n)
{
    uint64_t log = 1;

    while (n >> log != 0)
        log++;
    return n * log * 4;
}

/* Sorts elements 1 to n of the table at index `t`. */
static void
sort(lua_State *L, int t, lua_Integer n, before_fn f)
{
    box_charge(L, sort_cost((uint64_t)n));
    luaL_checkstack(L, 16, NULL);
    lua_createtable(L, (int)n, 0);
    int other = lua_gettop(L), from = t, to = other;
    for (lua_Integer width = 1; width < n; width *= 2) {
        for (lua_Integer lo = 1; lo <= n; lo += 2 * width) {
            lua_Integer mid = SIM_MIN(lo + width, n + 1), hi = SIM_MIN(lo + 2 * width, n + 1);
            merge(L, from, to, lo, mid, hi, f);
        }
        int was = from;
        from = to;
        to = was;
    }
    for (lua_Integer i = 1; from != t && i <= n; i++) {
        lua_geti(L, from, i);
        lua_seti(L, t, i);
    }
    lua_settop(L, other - 1);
}

int
box_sort(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    sort(L, 1, luaL_len(L, 1), element_before);
    return 0;
}

/* The keys of the table at index 1, in order, as a new table on top; how many. */
static lua_Integer
sorted_keys(lua_State *L)
{
    lua_Integer n = 0;

    lua_newtable(L);
    int keys = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, 1) != 0;) {
        lua_pop(L, 1);
        kind_of(L, -1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, keys, ++n);
    }
    sort(L, keys, n, key_before);
    return n;
}

/* Upvalues: the table, its keys, how many have been given out. */
static int
pairs_step(lua_State *L)
{
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));

    for (;;) {
        at++;
        if (lua_rawgeti(L, lua_upvalueindex(2), at) == LUA_TNIL)
            return 1;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
            break;
        lua_pop(L, 2); /* taken out since the walk began */
        box_charge(L, 1);
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
}

int
box_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    sorted_keys(L);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_step, 3);
    return 1;
}

/* The least key behind the one given: a look at all of them. */
int
box_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    lua_pushnil(L); /* 3: the best so far */
    bool found = false;
    for (lua_pushnil(L); lua_next(L, 1) != 0;) {
        lua_pop(L, 1);
        box_charge(L, 2);
        bool behind = lua_isnil(L, 2) ? kind_of(L, 4) >= 0 : key_before(L, 2, 4);
        if (behind && (!found || key_before(L, 4, 3))) {
            lua_copy(L, 4, 3);
            found = true;
        }
    }
    if (!found)
        return 1; /* nil */
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}

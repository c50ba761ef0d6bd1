/*
 * Sets of CPUs in scripts: copies, which only scx.mask_... look into. They live in the box and
 * count as its memory.
 */
#include <lauxlib.h>

#include "script/script_impl.h"

static const char kind[] = "cpumask";

static struct cpumask *
new_mask(lua_State *L, uint32_t nr_words)
{
    size_t size = sizeof(struct cpumask) + nr_words * sizeof(uint64_t);
    struct cpumask *m = lua_newuserdatauv(L, size, 0);

    memset(m, 0, size);
    m->nr_words = m->end_word = nr_words;
    luaL_setmetatable(L, kind);
    return m;
}

void
script_push_mask(lua_State *L, const struct cpumask *m)
{
    cpumask_copy(new_mask(L, m->nr_words), m);
}

const struct cpumask *
script_check_mask(lua_State *L, int i)
{
    return luaL_checkudata(L, i, kind);
}

static int
mask_test(lua_State *L)
{
    const struct cpumask *m = script_check_mask(L, 1);
    lua_Integer cpu = luaL_checkinteger(L, 2);

    lua_pushboolean(L, cpu >= 0 && cpu < (lua_Integer)m->nr_words * 64 &&
                           cpumask_test(m, (uint32_t)cpu));
    return 1;
}

/* mask_next(m [, from]): the first member at or behind `from`; nil: none. */
static int
mask_next(lua_State *L)
{
    const struct cpumask *m = script_check_mask(L, 1);
    lua_Integer from = luaL_optinteger(L, 2, 0);
    int cpu = from >= 0 && from < CPU_MAX ? cpumask_next(m, (uint32_t)from) : -1;

    box_charge(L, m->nr_words / 8);
    if (cpu < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, cpu);
    return 1;
}

static int
mask_weight(lua_State *L)
{
    const struct cpumask *m = script_check_mask(L, 1);

    box_charge(L, m->nr_words / 8);
    lua_pushinteger(L, cpumask_weight(m));
    return 1;
}

static int
mask_with(lua_State *L,
          void (*f)(struct cpumask *to, const struct cpumask *a, const struct cpumask *b))
{
    const struct cpumask *a = script_check_mask(L, 1), *b = script_check_mask(L, 2);

    luaL_argcheck(L, a->nr_words == b->nr_words, 2, "is of another machine");
    box_charge(L, a->nr_words / 8);
    f(new_mask(L, a->nr_words), a, b);
    return 1;
}

static int
mask_and(lua_State *L)
{
    return mask_with(L, cpumask_and);
}

static int
mask_or(lua_State *L)
{
    return mask_with(L, cpumask_or);
}

static int
mask_andnot(lua_State *L)
{
    return mask_with(L, cpumask_andnot);
}

/* mask_of(cpu...): these CPUs. */
static int
mask_of(lua_State *L)
{
    struct instance *inst = instance_of(L);

    if (inst == NULL || inst->scx == NULL || inst->depth == 0)
        return luaL_error(L, "nothing runs yet: call this in an operation");
    int nr = lua_gettop(L);
    uint32_t nr_cpus = scx_nr_cpu_ids(inst->scx);
    struct cpumask *m = new_mask(L, scx_possible_cpumask(inst->scx)->nr_words);
    for (int i = 1; i <= nr; i++) {
        lua_Integer cpu = luaL_checkinteger(L, i);
        luaL_argcheck(L, cpu >= 0 && cpu < (lua_Integer)nr_cpus, i, "there is no such CPU");
        cpumask_set(m, (uint32_t)cpu);
    }
    return 1;
}

void
script_open_masks(lua_State *L)
{
    static const struct luaL_Reg calls[] = {
        { "mask_test", mask_test },     { "mask_next", mask_next },
        { "mask_weight", mask_weight }, { "mask_and", mask_and },
        { "mask_or", mask_or },         { "mask_andnot", mask_andnot },
        { "mask_of", mask_of },         { NULL, NULL },
    };

    luaL_newmetatable(L, kind);
    lua_pop(L, 1);
    luaL_setfuncs(L, calls, 0);
}

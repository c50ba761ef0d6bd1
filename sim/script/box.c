/*
 * Limits. The hook of Lua fires every BOX_STEP instructions and is the only place that stops a
 * script. Once it has, it fires at every single instruction: a script that caught the error with
 * pcall runs one more and is stopped again, further out, until it is out of all of them.
 *
 * Memory is refused by the allocator. Lua then collects garbage and asks again, so a refusal is not
 * yet the end; it costs work, since a script at its limit would otherwise make every allocation a
 * collection of everything.
 */
#include "script/box.h"

#include <lauxlib.h>
#include <stdlib.h>

enum { BYTES_PER_INSTRUCTION = 64 };

const struct field box_limit_fields[] = {
    FIELD_NAMED(FIELD_SIZE, "max_memory", struct box_limits, memory, .def = "1MiB", .min = "64KiB",
                .max = "256MiB", .doc = "bytes that a script may hold"),
    FIELD_NAMED(FIELD_U64, "max_instructions", struct box_limits, instructions, .def = "100000",
                .min = "100", .max = "1000000000", .doc = "instructions of one operation"),
    FIELD_NAMED(FIELD_U64, "max_load_instructions", struct box_limits, load_instructions,
                .def = "1000000", .min = "100", .max = "1000000000",
                .doc = "instructions of loading the file"),
    FIELD_NAMED(FIELD_U32, "max_call_depth", struct box_limits, call_depth, .def = "64", .min = "4",
                .max = "180", .doc = "functions that call functions"),
    FIELD_NAMED(FIELD_U32, "max_loop_depth", struct box_limits, loop_depth, .def = "6", .min = "1",
                .max = "64", .doc = "loops within loops, in the text"),
    FIELD_NAMED(FIELD_SIZE, "max_program", struct box_limits, program_bytes, .def = "64KiB",
                .min = "1KiB", .max = "16MiB", .doc = "length of the file"),
    FIELD_END
};

static void *
allocate(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct box *b = ud;
    size_t old = ptr == NULL ? 0 : osize;

    if (nsize == 0) {
        free(ptr);
        b->used -= old;
        return NULL;
    }
    /* for a new object, osize tells what it is */
    if (ptr == NULL && osize == LUA_TSTRING && nsize > BOX_STRING_MAX + 64) {
        b->over = BOX_STRING;
        return NULL;
    }
    if (b->used - old + nsize > b->limits.memory) {
        b->work += b->used / BYTES_PER_INSTRUCTION;
        return NULL;
    }
    void *block = realloc(ptr, nsize);
    if (block == NULL)
        return NULL;
    b->used += nsize - old;
    b->peak = SIM_MAX(b->peak, b->used);
    b->work += nsize > old ? (nsize - old) / BYTES_PER_INSTRUCTION : 0;
    return block;
}

static const char *
over_text(const struct box *b)
{
    switch (b->over) {
    case BOX_INSTRUCTIONS:
        return "more instructions than one call may use";
    case BOX_MEMORY:
        return "more memory than a script may hold";
    case BOX_DEPTH:
        return "functions call one another too deeply";
    case BOX_STRING:
        return "a string is longer than 16 KiB";
    case BOX_WITHIN:
        break;
    }
    return "";
}

static void hook(lua_State *L, lua_Debug *ar);

/* `level` of the stack is the script's function that is to blame. */
static void
stop(lua_State *L, enum box_over over, int level)
{
    struct box *b = box_of(L);

    if (b->over == BOX_WITHIN)
        b->over = over;
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
    luaL_where(L, level);
    lua_pushstring(L, over_text(b));
    lua_concat(L, 2);
    lua_error(L);
}

static void
hook(lua_State *L, lua_Debug *ar)
{
    struct box *b = box_of(L);
    lua_Debug frame;

    (void)ar;
    b->work += BOX_STEP;
    if (b->over != BOX_WITHIN)
        stop(L, b->over, 0);
    if (b->work > b->budget)
        stop(L, BOX_INSTRUCTIONS, 0);
    if (lua_getstack(L, (int)b->limits.call_depth, &frame))
        stop(L, BOX_DEPTH, 0);
}

void
box_charge(lua_State *L, uint64_t instructions)
{
    struct box *b = box_of(L);

    b->work += instructions;
    if (b->work > b->budget || b->work < instructions)
        stop(L, BOX_INSTRUCTIONS, 1);
}

void
box_rethrow(lua_State *L)
{
    struct box *b = box_of(L);

    if (b->over != BOX_WITHIN)
        stop(L, b->over, 1);
}

static void
keep_message(struct box *b, int status)
{
    lua_State *L = b->L;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    size_t n = 0;

    if (status == LUA_ERRMEM && b->over == BOX_WITHIN)
        b->over = BOX_MEMORY;
    if (status == LUA_ERRMEM)
        text = over_text(b);
    if (text == NULL)
        text = "error() was called with something that is not a string";
    for (; text[n] != '\0' && n < sizeof b->message - 1; n++)
        b->message[n] = text[n] == '\n' ? ' ' : text[n];
    b->message[n] = '\0';
    lua_pop(L, 1);
}

static bool
call(struct box *b, int nr_args, int nr_results, uint64_t budget)
{
    b->work = BOX_STEP; /* one that has begun counts */
    b->budget = budget;
    b->over = BOX_WITHIN;
    lua_sethook(b->L, hook, LUA_MASKCOUNT, BOX_STEP);
    int status = lua_pcall(b->L, nr_args, nr_results, 0);
    if (status != LUA_OK)
        keep_message(b, status);
    return status == LUA_OK;
}

bool
box_call(struct box *b, int nr_args, int nr_results)
{
    return call(b, nr_args, nr_results, b->limits.instructions);
}

bool
box_call_within(struct box *b, int nr_args, int nr_results, uint64_t *work, enum box_over *over)
{
    uint64_t outer_work = b->work, outer_budget = b->budget;
    enum box_over outer_over = b->over;
    bool done = box_call(b, nr_args, nr_results);

    *work = b->work;
    *over = b->over;
    b->work = outer_work;
    b->budget = outer_budget;
    b->over = outer_over;
    return done;
}

bool
box_load(struct box *b, const char *name, const char *text, size_t len)
{
    char chunk[128] = "@"; /* Lua's mark of a file */

    if (!box_check(b, name, text, len))
        return false;
    strncat(chunk, name, sizeof chunk - 2);
    b->over = BOX_WITHIN;
    int status = luaL_loadbufferx(b->L, text, len, chunk, "t");
    if (status != LUA_OK) {
        keep_message(b, status);
        return false;
    }
    return call(b, 0, 1, b->limits.load_instructions);
}

struct box *
box_new(const struct box_limits *limits)
{
    struct box *b = calloc(1, sizeof *b);

    if (b == NULL)
        return NULL;
    b->limits = *limits;
    b->L = lua_newstate(allocate, b);
    if (b->L == NULL) {
        free(b);
        return NULL;
    }
    *(struct box **)lua_getextraspace(b->L) = b;
    b->budget = UINT64_MAX;
    lua_pushcfunction(b->L, box_open_library);
    if (lua_pcall(b->L, 0, 0, 0) != LUA_OK) {
        box_free(b);
        return NULL;
    }
    return b;
}

void
box_free(struct box *b)
{
    if (b == NULL)
        return;
    lua_close(b->L);
    free(b);
}

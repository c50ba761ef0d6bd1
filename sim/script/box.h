/*
 * A box for scripts: one Lua 5.4 state with limits and without a way out.
 *
 * Inside there is the language and a library that is safe: nothing reaches files, the clock, the
 * network, other processes, foreign code, or another box. What a script does is the same on every
 * run: tables are walked in the order of their keys, no address can be seen, and there are no
 * finalizers or coroutines. README.md, "What a script may use", lists what is there and why the
 * rest is not.
 *
 * Work is counted, not timed: every instruction of the virtual machine, and for library functions
 * and allocations what they cost in such instructions. Whoever has used up a limit is stopped, and
 * cannot catch that with pcall; the box is then of no further use for this call, but the next call
 * begins with a new budget. Memory is counted exactly, by the bytes that Lua asks for.
 */
#pragma once

#include <lua.h>

#include "base/field.h"

struct box_limits {
    uint64_t memory;            /* bytes at most, program and library (about 30 KiB) included */
    uint64_t instructions;      /* of one call */
    uint64_t load_instructions; /* of compiling and running the file itself */
    uint32_t call_depth;        /* functions within functions */
    uint32_t loop_depth;        /* loops within loops, in the text */
    uint64_t program_bytes;     /* of the text */
};

/* The limits with their names, ranges and documentation: "max_memory"... */
extern const struct field box_limit_fields[];

/* Which limit was overrun. */
enum box_over {
    BOX_WITHIN,
    BOX_INSTRUCTIONS,
    BOX_MEMORY,
    BOX_DEPTH,
    BOX_STRING, /* one string of more than BOX_STRING_MAX bytes */
};

/* Longer strings would make an instruction that compares two of them cost too much real time. */
enum { BOX_STRING_MAX = 16 << 10 };
/* Instructions are counted in steps of this many; one that has begun counts. */
enum { BOX_STEP = 16 };

struct box {
    lua_State *L;
    struct box_limits limits;
    uint64_t used, peak; /* bytes */
    uint64_t work;       /* of the present call, instructions */
    uint64_t budget;     /* of the present call */
    enum box_over over;
    void *owner;       /* of whoever made the box */
    char message[512]; /* why the last call failed: "FILE:LINE: what" */
};

/* NULL: there is not even room for the library. */
struct box *box_new(const struct box_limits *limits);
void box_free(struct box *b);

/*
 * Compiles the text (never bytecode) and runs it once; what it returned, or nil, is on the stack.
 * `name` is what messages call it. False: b->message says why.
 */
bool box_load(struct box *b, const char *name, const char *text, size_t len);
/*
 * Calls the function below nr_args arguments on the stack, as lua_pcall() does. False: b->message
 * says why, b->over whether a limit was overrun; nothing is left on the stack. b->work is what the
 * call has cost in either case.
 */
bool box_call(struct box *b, int nr_args, int nr_results);
/* The same for a call within a call, which a function of the library has caused: it has a budget of
 * its own, *work is its cost, *over the limit that it overran, and the outer call goes on as it
 * was. */
bool box_call_within(struct box *b, int nr_args, int nr_results, uint64_t *work,
                     enum box_over *over);

static inline struct box *
box_of(lua_State *L)
{
    return *(struct box **)lua_getextraspace(L);
}
/* For functions of the library: costs so many instructions; does not return if that is too much. */
void box_charge(lua_State *L, uint64_t instructions);
/* Ends the call if a limit was overrun: pcall must not catch that. */
void box_rethrow(lua_State *L);

/* box_check.c: the text's size and nesting, before it is compiled. False: the message is set. */
bool box_check(struct box *b, const char *name, const char *text, size_t len);
/* box_library.c: the safe library, as globals of an empty state. */
int box_open_library(lua_State *L);
/* box_order.c: pairs, next and table.sort, in an order that does not depend on addresses. */
int box_pairs(lua_State *L);
int box_next(lua_State *L);
int box_sort(lua_State *L);

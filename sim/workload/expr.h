/*
 * Numbers that depend on the machine: `cpus/2`, `64MiB * nodes`, `20 * node_bandwidth / 2GiB`.
 *
 * Integer arithmetic with + - * / min() max() mod() and parentheses, over numbers with or without a
 * unit and a handful of variables; in programs also random(n), a number below n. Units are checked
 * when the text is read (a time is not a size, and neither is a count); overflow, division by zero
 * and results below zero when it is evaluated. Division rounds down. An expression is a short
 * postfix program: nothing is allocated to evaluate it.
 */
#pragma once

#include "base/field.h"
#include "base/rng.h"
#include "machine/machine.h"

enum wvar {
    WVAR_CPUS,           /* online CPUs */
    WVAR_CPU_IDS,        /* one more than the highest CPU number */
    WVAR_NODES,          /* nodes with CPUs */
    WVAR_MEMORY_NODES,   /* nodes with memory */
    WVAR_CORES,          /* */
    WVAR_LLCS,           /* last-level caches */
    WVAR_PACKAGES,       /* */
    WVAR_LLC_SIZE,       /* bytes of one last-level cache */
    WVAR_NODE_SIZE,      /* bytes of the smallest node with memory */
    WVAR_NODE_BANDWIDTH, /* bytes a second of the fastest node's memory */
    WVAR_MACHINE_NR,
    WVAR_PROCESSES = WVAR_MACHINE_NR, /* copies of the process */
    WVAR_PROCESS,                     /* number of this copy */
    WVAR_THREADS,                     /* threads of the group */
    WVAR_THREAD,                      /* number of this thread in it */
    WVAR_LOOP,                        /* rounds of the innermost loop that are done */
    WVAR_CPU,                         /* where the thread runs */
    WVAR_NR,
};

/* How much an expression may know, where it stands: variables below this number. */
enum wexpr_scope {
    WEXPR_MACHINE = WVAR_MACHINE_NR,
    WEXPR_PROCESS = WVAR_THREADS,
    WEXPR_THREAD = WVAR_LOOP,
    WEXPR_LOOP = WVAR_NR,
};

extern const char *const wvar_names[WVAR_NR + 1];

enum { WEXPR_OPS_MAX = 64, WEXPR_TEXT_MAX = 400 };

struct wexpr_op {
    enum wexpr_code {
        WEXPR_CONST,
        WEXPR_VAR,
        WEXPR_ADD,
        WEXPR_SUB,
        WEXPR_MUL,
        WEXPR_DIV,
        WEXPR_MIN,
        WEXPR_MAX,
        WEXPR_MOD,
        WEXPR_RANDOM
    } code;
    uint64_t value; /* CONST: the number; VAR: which */
};

struct wexpr {
    uint32_t nr; /* 0: not given */
    const struct wexpr_op *ops;
};

/* Values of the variables: the machine's stay, the rest is filled in by whoever evaluates. */
struct wenv {
    uint64_t v[WVAR_NR];
    struct rng *rng; /* of random(); NULL: it is 0 */
};
void wenv_init(struct wenv *env, const struct machine *m);

/*
 * `type` is FIELD_U64, FIELD_TIME (ns) or FIELD_SIZE (bytes). False: `why` says what is wrong and
 * what would be right.
 */
bool wexpr_parse(struct wexpr *e, const char *text, enum field_type type, enum wexpr_scope scope,
                 struct arena *a, char *why, size_t why_size);

/* NULL, or what went wrong, as a phrase: "divides by zero". */
const char *wexpr_eval(const struct wexpr *e, const struct wenv *env, uint64_t *value);

struct wexpr wexpr_const(struct arena *a, uint64_t value);
static inline bool
wexpr_is_const(const struct wexpr *e)
{
    return e->nr == 1 && e->ops[0].code == WEXPR_CONST;
}

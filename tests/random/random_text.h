/*
 * Text of a random program: names that are in sight, by what they hold, and expressions that hold
 * what is asked for.
 */
#pragma once

#include "base/rng.h"

/* What a name or an expression holds. */
enum kind {
    KIND_INT = 'i',
    KIND_CPU = 'c',
    KIND_NODE = 'n',
    KIND_TASK = 't',
    KIND_OWN = 'p',   /* the task that the operation is about */
    KIND_DSQ = 'd',   /* one that an insertion may name */
    KIND_VTIME = 'v', /* one that is ordered by vtime */
    KIND_QUEUE = 'q', /* one that the policy has made, to look into */
    KIND_SLICE = 's',
    KIND_MASK = 'm',
    KIND_BOOL = 'b',
    KIND_WORD = 'w',
};

enum { NAMES_MAX = 16, TEXT_MAX = 32768 };
/* Of the policy: DSQs 0 to FIFOS - 1, then those ordered by vtime. */
enum { SCRIPT_FIFOS = 3, SCRIPT_VTIMES = 2, SCRIPT_DSQS = SCRIPT_FIFOS + SCRIPT_VTIMES };

struct text_name {
    char kind;
    char name[8];
};

struct program {
    char *text;
    uint32_t len;
    struct rng rng;
    uint32_t indent, next_name;
    const char *contexts; /* of the operation: letters of numasim/calls.h */
    bool unsound;         /* expressions are now and then not of their kind */
    struct text_name names[NAMES_MAX];
    uint32_t nr_names;
};

uint32_t program_dice(struct program *g, uint32_t n);
void program_put(struct program *g, const char *fmt, ...) SIM_PRINTF(2, 3);
/* A line of its own begins. */
void program_line(struct program *g);

/* A new name of this kind is in sight, until nr_names is set back. */
const char *program_name(struct program *g, char kind);
void program_see(struct program *g, char kind, const char *name);
bool program_sees(const struct program *g, char kind);

/* Writes an expression of this kind; `depth` more may be inside. */
void program_expression(struct program *g, char kind, uint32_t depth);
/* Writes "scx.NAME(...)", one that the operation may call, as a statement. */
void program_call(struct program *g);
/* Any call, with arguments of any kind. */
void program_unsound_call(struct program *g);

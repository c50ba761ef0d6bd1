/*
 * A recording while it is understood: shared by import_trace_replay.c (the stream),
 * import_trace_relations.c (who woke whom on purpose) and import_trace_stories.c (the result).
 */
#pragma once

#include "config/import_trace_replay.h"

enum { TRACE_IDLE = 0 };

enum state { UNKNOWN, UNBORN, RUNNING, RUNNABLE, SLEEPING, DEAD };

struct teller {
    struct trace_story s;
    uint32_t index;
    enum state state;
    bool in_wakeup; /* between sched_waking and sched_wakeup: who moves it is its waker */
    bool dropped, early;
    enum replay_start start;
    uint64_t start_at;
    GByteArray *code;
    uint64_t run;            /* of the burst, so far untold */
    uint64_t since;          /* RUNNING: switched in; SLEEPING: left */
    uint64_t awake_since;    /* began to want a CPU */
    uint64_t left;           /* its CPU, the last time */
    uint64_t ordinal;        /* of the last wake-up */
    int32_t cpu, parent;     /* RUNNING: where; a pid */
    struct teller *early_by; /* NULL: from outside */
    uint64_t early_at;
};

struct lane {
    struct teller *curr; /* NULL: idle, if known */
    bool known, seen;
    uint64_t last_switch;
    guint next_at; /* where its last switch names the next task in the script */
};

struct trace_compiler {
    struct trace_options o;
    GPtrArray *tellers; /* in order of appearance */
    GHashTable *by_pid; /* the living one of each number */
    struct lane *lanes;
    uint32_t nr_lanes;
    uint32_t nr_kept;
    bool begun;
    uint64_t t0, now, script_at;
    uint64_t mismatches, run_sum;
    GByteArray *script;
    bool irq_known;        /* some event was marked: the recorder tells */
    bool waking_known;     /* sched_waking is recorded */
    GHashTable *relations; /* struct relation, also in order in: */
    GPtrArray *all_relations;
    GHashTable *run_names, *woken_names; /* sums by name */
};

/* Seven bits a byte, lowest first. */
void trace_put_number(GByteArray *to, uint64_t value);
/* An operation of a story and its first number. */
void trace_put_op(GByteArray *to, guint8 op, uint64_t a);
/* What t has run since the last it told. */
void trace_tell_run(struct teller *t, uint64_t now);

/* ---- import_trace_relations.c ---- */

void trace_relations_init(struct trace_compiler *c);
void trace_relations_clear(struct trace_compiler *c);
/* One more wake-up of `t` by `by`: the number of their relation. */
guint trace_relation_of(struct trace_compiler *c, const struct teller *by, const struct teller *t);
/* For each relation, whether its wake-ups were meant. To be asked once, at the end. */
const uint8_t *trace_relations_meant(struct trace_compiler *c, struct arena *a);

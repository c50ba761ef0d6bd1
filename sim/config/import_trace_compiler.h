/*
 * A recording while it is understood: shared by import_trace_replay.c (the stream),
 * import_trace_tell.c, import_trace_lanes.c (what tasks did, and where),
 * import_trace_relations.c (who woke whom on purpose) and import_trace_stories.c (the result).
 */
#pragma once

#include "config/import_trace_lost.h"
#include "config/import_trace_replay.h"
#include "config/import_trace_shares.h"

enum { TRACE_IDLE = 0 };

enum state { UNKNOWN, UNBORN, RUNNING, RUNNABLE, SLEEPING, DEAD };

struct teller {
    struct trace_story s;
    uint32_t index;  /* of those that are kept */
    uint32_t number; /* of all */
    enum state state;
    bool in_wakeup; /* between sched_waking and sched_wakeup: who moves it is its waker */
    bool dropped, early;
    bool lost;   /* it left its CPU, and how was not recorded */
    bool open;   /* the recording ended before it did */
    bool zombie; /* it left to be waited for: the leader of a process */
    bool old;    /* its birth is not recorded */
    uint64_t awake_ns, died;
    uint64_t burst;    /* ran since it slept last */
    int32_t first_cpu; /* -1: not seen yet */
    int32_t pinned;    /* the CPU that it asked to be moved to, and never left; -1: none */
    int32_t queue;     /* RUNNABLE: the CPU where it waits; -1: not known */
    uint64_t queued;   /* since */
    enum replay_start start;
    uint64_t start_at;
    GByteArray *code;
    uint64_t run;             /* of the burst, so far untold */
    uint64_t since;           /* RUNNING: switched in; SLEEPING: left */
    uint64_t awake_since;     /* began to want a CPU */
    uint64_t left;            /* its CPU, the last time */
    uint64_t ordinal;         /* of the last wake-up */
    guint source, nr_sources; /* of it, and of all: import_trace_sources.c */
    uint64_t source_count;    /* its ordinal among those of its source */
    int32_t cpu, parent;      /* RUNNING: where; a pid */
    struct teller *mother;    /* who forked it, if recorded */
    struct teller *early_by;  /* NULL: from outside */
    struct teller *woke;      /* whom it woke last, and when */
    uint64_t woke_at;
    struct teller *survivor; /* who was told of its death: a parent, or another thread */
    uint64_t early_at;
    struct teller *woken_by; /* since it slept last; NULL: from outside; and its CPU time then */
    uint64_t woken_at;
};

struct lane {
    struct teller *curr; /* NULL: idle, if known */
    bool known, seen;
    uint64_t last_switch;
    guint next_at; /* where its last switch names the next task in the script */
};

struct trace_compiler {
    struct trace_options o;
    struct trace_window *window; /* events come through it */
    GPtrArray *tellers;          /* in order of appearance */
    GHashTable *by_pid;          /* the living one of each number */
    struct lane *lanes;
    uint32_t nr_lanes;
    uint32_t nr_kept;
    bool begun;
    uint64_t t0, now, script_at;
    uint64_t mismatches, run_sum;
    GByteArray *script;
    struct shares *shares;
    bool irq_known;        /* some event was marked: the recorder tells */
    bool waking_known;     /* sched_waking is recorded */
    bool lost;             /* the recorder lost events */
    GHashTable *relations; /* struct relation, also in order in: */
    GPtrArray *all_relations;
    GHashTable *sources;
    GHashTable *pairs; /* struct pair, also in order in: */
    GPtrArray *all_pairs;
    GHashTable *run_names, *woken_names; /* sums by name */
};

/* Seven bits a byte, lowest first. */
/* import_trace_tellers.c. A task that is new, in a state; the task of an event (NULL: idle, or a
 * number that the recorder did not know). */
struct teller *trace_new_teller(struct trace_compiler *c, const struct trace_task *from,
                                enum state state);
struct teller *trace_teller_of(struct trace_compiler *c, const struct trace_task *from);
void trace_free_teller(gpointer data);

/* Seven bits a byte, lowest first. */
void trace_put_number(GByteArray *to, uint64_t value);
/* An operation of a story and its first number. */
void trace_put_op(GByteArray *to, guint8 op, uint64_t a);
void trace_put_op2(GByteArray *to, guint8 op, uint64_t a, uint64_t b);

/* The script, if it is asked for: a wake-up, a move, a switch to `next`; and that the last switch
 * of the lane was to `prev`, as it turned out. */
void trace_script_wakeup(struct trace_compiler *c, const struct trace_event *e,
                         const struct teller *t);
void trace_script_move(struct trace_compiler *c, const struct teller *t, uint32_t cpu);
void trace_script_switch(struct trace_compiler *c, struct lane *lane, const struct trace_event *e,
                         const struct teller *next);
void trace_script_repair(struct trace_compiler *c, const struct lane *lane,
                         const struct teller *prev);

/* ---- import_trace_tell.c ---- */

/* It has run up to now. */
void trace_note_run(struct trace_compiler *c, struct teller *t);
/* It waits for that CPU from now on. */
void trace_queue_on(struct trace_compiler *c, struct teller *t, uint32_t cpu);
/* It is seen on that CPU: it may run there. */
void trace_note_cpu(struct teller *t, uint32_t cpu);
/* The wait that t began at `began` is over, by a task or (NULL) from outside. */
void trace_tell_wait(struct trace_compiler *c, struct teller *t, struct teller *by, uint64_t began,
                     uint64_t ended);
/* Its first event is that it is woken: its story begins there. */
void trace_tell_beginning(struct trace_compiler *c, struct teller *t, struct teller *by);
/* sched_waking, sched_wakeup, sched_wakeup_new. */
void trace_waking(struct trace_compiler *c, const struct trace_event *e, struct teller *t);
void trace_wakeup(struct trace_compiler *c, const struct trace_event *e, struct teller *t);
void trace_born(struct trace_compiler *c, const struct trace_event *e, struct teller *t);
/* What t has run since the last it told. */
void trace_tell_run(struct trace_compiler *c, struct teller *t);
/* It waited for its CPU until now. */
void trace_tell_waited(struct trace_compiler *c, struct teller *t);

/* ---- import_trace_lanes.c ---- */

/* A task leaves its CPU, another enters. */
void trace_leave(struct trace_compiler *c, const struct trace_event *e, struct teller *t);
void trace_enter(struct trace_compiler *c, struct lane *lane, struct teller *t, uint32_t cpu);
/* t runs there, as something shows. */
void trace_find_running(struct trace_compiler *c, struct lane *lane, struct teller *t,
                        uint32_t cpu);
/* What ran on the lane by our books cannot have: prev did, since the last switch that we saw. */
void trace_repair_lane(struct trace_compiler *c, struct lane *lane, struct teller *prev);

/* ---- import_trace_kthreads.c ---- */

bool trace_is_stopper(const char *comm);
/* Whether t, which is moved, has a new affinity or becomes another program. */
bool trace_asked_for_move(const struct trace_compiler *c, const struct trace_event *e,
                          const struct teller *t);

/* ---- import_trace_sessions.c ---- */

/* The session of each task that is kept, by its index; how many there are. False: the recorded
 * kernel made no groups of them. */
bool trace_sessions(const struct trace_compiler *c, uint32_t *sessions, uint32_t *nr);

/* ---- import_trace_relations.c ---- */

void trace_relations_init(struct trace_compiler *c);
void trace_relations_clear(struct trace_compiler *c);
/* The number of the relation of their names; and the same, for one more wake-up of t by `by`. */
guint trace_relation_number(struct trace_compiler *c, const struct teller *by,
                            const struct teller *t);
guint trace_relation_of(struct trace_compiler *c, const struct teller *by, const struct teller *t);
/* Its number, if there were any. */
bool trace_relation_known(const struct trace_compiler *c, const struct teller *by,
                          const struct teller *t, guint *number);
/* For each relation, whether its wake-ups were meant. To be asked once, at the end. */
const uint8_t *trace_relations_meant(struct trace_compiler *c, struct arena *a);

/* ---- import_trace_sources.c ---- */

void trace_sources_init(struct trace_compiler *c);
void trace_sources_clear(struct trace_compiler *c);
/* `by` wakes t, whose `source` and `source_count` are those of that wake-up from now on. */
void trace_source_woke(struct trace_compiler *c, const struct teller *by, struct teller *t);

/* ---- import_trace_pairs.c ---- */

void trace_pairs_init(struct trace_compiler *c);
void trace_pairs_clear(struct trace_compiler *c);
/* `by`, whose run is told up to now, wakes t, which sleeps: the number of the pair; 0: too many. */
uint32_t trace_pair_woke(struct trace_compiler *c, struct teller *by, struct teller *t);
void trace_pair_slept(struct trace_compiler *c, struct teller *t);
/* By number of the pair: how many wake-ups the waker may be ahead; or REPLAY_NO_LIMIT. */
const uint8_t *trace_pairs_slack(struct trace_compiler *c, struct arena *a, const uint8_t *meant);

/* What the files of Chrome's JSON share: trace_chrome.c says how it is meant. */
#pragma once

#include "report/trace_impl.h"

enum row_state { ROW_NONE, ROW_RUNNABLE, ROW_RUNNING, ROW_SLEEPING, ROW_BLOCKED };

enum { COUNTER_INTERVAL = MSEC(1), PID_NODES = 1, PID_PROCESSES = 1000 };

/* A thread's row, by task number. */
struct thread_row {
    struct task *task;
    enum row_state now, shown;
    bool wanted, pending, named;
    struct node_row *waits_on;   /* counted there; NULL: it does not wait */
    uint64_t woken_by, moved_by; /* arrows in flight; 0: none */
};

struct node_row {
    uint64_t free_bytes;
    uint32_t running, waiting;
    uint32_t nr_waiting; /* at present; the other figures are those last written */
    bool known;
};

struct chrome {
    GPtrArray *rows;    /* struct thread_row */
    GPtrArray *pending; /* the same, whose state has changed in this instant */
    struct task **curr; /* by CPU */
    bool *open;         /* CPU: a slice is open */
    struct node_row *nodes;
    GHashTable *processes; /* named ones, by id */
    sim_time now, counted_at;
    uint64_t arrow;
    bool begun;
};

/* ---- trace_chrome_put.c: events, and the slices of CPUs ---- */

/* {"ph":"B","ts":1.000,"pid":1,"tid":0 and whatever the caller adds before chrome_end(). */
void chrome_begin(struct trace_writer *w, char ph, uint32_t pid, uint32_t tid);
/* What stands before it, the text escaped, and the closing quote. */
void chrome_put_text(struct trace_writer *w, const char *before, const char *text);
void chrome_put_number(struct trace_writer *w, const char *before, uint64_t number);
void chrome_end(struct trace_writer *w);
/* Name and place of a "process" or "thread". */
void chrome_put_name(struct trace_writer *w, const char *what, uint32_t pid, uint32_t tid,
                     const char *name, uint32_t order);
void chrome_put_arrow(struct trace_writer *w, char ph, uint32_t pid, uint32_t tid, const char *kind,
                      uint64_t id);
uint32_t chrome_cpu_pid(const struct trace_writer *w, int32_t cpu);
void chrome_cpu_begin(struct trace_writer *w, int32_t cpu, const struct task *p);
/* why: how the task left, or NULL. */
void chrome_cpu_end(struct trace_writer *w, int32_t cpu, const char *why);

/* ---- trace_chrome_rows.c: the states of threads, and counters ---- */

uint32_t chrome_row_pid(const struct thread_row *r);
struct thread_row *chrome_row_of(struct trace_writer *w, struct task *p);
void chrome_row_draw(struct trace_writer *w, struct thread_row *r);
/* Its state or its CPU has changed. */
void chrome_count_waiting(struct trace_writer *w, struct thread_row *r);
/* The state a thread has come to; drawn when the instant is over. */
void chrome_row_set(struct trace_writer *w, struct thread_row *r, enum row_state state);
/* Counters of all nodes, where they have changed. */
void chrome_count(struct trace_writer *w);

/*
 * What trace.c tells writers: plain events that always make a legal schedule, in order of time.
 */
#pragma once

#include "report/trace_filter.h"
#include "report/trace_out.h"

enum traced_kind {
    TRACED_SWITCH,  /* task gives the CPU to other; NULL: idle */
    TRACED_WAKING,  /* task will be woken; its CPU is the old one */
    TRACED_WAKEUP,  /* task waits on CPU `to`; first: it has just begun */
    TRACED_MIGRATE, /* task moves from CPU `from` to CPU `to` */
    TRACED_FORK,    /* other forks task */
    TRACED_EXIT,
    TRACED_NUMA_MOVE, /* task goes to CPU `to`; other comes from there, or NULL */
    TRACED_PAGES,     /* pages of task move from node `from` to node `to` */
};

struct traced_event {
    enum traced_kind kind;
    sim_time time;
    int32_t cpu;        /* where it happens */
    struct task *actor; /* who runs there; NULL: idle */
    bool irq;           /* an interrupt does it, not the actor */
    struct task *task, *other;
    char state; /* SWITCH: of task: R, + (preempted), S, X, Z */
    bool first;
    int32_t from, to;
    uint64_t pages;
};

struct trace_writer {
    const struct trace_writer_ops *ops;
    struct kernel *kernel;
    const struct trace_filter *filter;
    struct trace_out *out; /* NULL: a writer with files of its own */
    char *path;
    void *priv;
    bool nanoseconds;
    bool open, over; /* within the window of time; behind it */
    bool cut;        /* by the limit */
    sim_time cut_at;
    uint64_t nr_events;
};

/* A run is told whole, so that a writer knows what goes on when its window opens; `open` in the
 * writer says whether an event may be shown. */
struct trace_writer_ops {
    const char *suffix; /* without .gz */
    void (*start)(struct trace_writer *w);
    void (*open)(struct trace_writer *w, sim_time now);
    void (*event)(struct trace_writer *w, const struct traced_event *e);
    void (*close)(struct trace_writer *w, sim_time now);
    bool (*finish)(struct trace_writer *w, sim_time now, GError **error);
    void (*free)(struct trace_writer *w);
};
extern const struct trace_writer_ops trace_chrome, trace_dat, trace_ftrace, trace_perfetto,
    trace_tables;

/* Process numbers as a kernel gives them: 0 is idle. */
enum { TRACE_PID_BASE = 1000 };
static inline uint32_t
trace_pid(const struct task *p)
{
    if (p == NULL)
        return 0;
    return p->pid > 0 ? (uint32_t)p->pid : TRACE_PID_BASE + p->id;
}

/* ---- trace_task.c: what the kernel's own events say of a task ---- */

enum { TRACE_COMM_LEN = 16 };

/* The name cut to the kernel's 15 bytes, without what could break a line or its columns; the idle
 * task of the CPU for NULL. Returns comm. */
const char *trace_comm(const struct task *p, int32_t cpu, char comm[TRACE_COMM_LEN]);
int trace_prio(const struct task *p);
/* Of the process: its first task's. */
uint32_t trace_tgid(const struct task *p);
/* Of a task that is switched out, as a kernel from 4.14 on records it; `state` as in an event. */
int64_t trace_state_bits(char state);
/* Is an event shown by writers that show events one by one? */
bool trace_wanted(const struct trace_filter *f, const struct traced_event *e);

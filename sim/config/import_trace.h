/*
 * Recorded traces as a stream of events: text of `perf script`, of the kernel's trace file, of
 * `trace-cmd report` in its four forms, and trace.dat; plain or packed with gzip, xz or zstd.
 *
 * Nothing is kept: each event goes to a sink and is forgotten, so that the size of a trace does not
 * matter. Events that nobody needs are counted by name.
 */
#pragma once

#include "config/diag.h"

enum { TRACE_COMM = 16, TRACE_CPUS_MAX = 8192, TRACE_PID_MAX = 1 << 30 };

enum trace_event_kind {
    TRACE_SWITCH,
    TRACE_WAKING,
    TRACE_WAKEUP,
    TRACE_WAKEUP_NEW,
    TRACE_MIGRATE,
    TRACE_FORK,
    TRACE_EXEC,
    TRACE_EXIT,
    TRACE_RUNTIME,
    TRACE_KIND_NR,
};

struct trace_task {
    int32_t pid; /* 0: idle; -1: the recorder did not know */
    int32_t prio;
    char comm[TRACE_COMM];
};

struct trace_counts;

struct trace_event {
    const struct trace_counts *counts; /* so far */
    enum trace_event_kind kind;
    uint64_t time; /* ns, of the recorder's clock; never falls */
    uint32_t cpu;
    int32_t by;     /* pid of what ran on the CPU; 0: idle */
    int32_t tgid;   /* of it; -1: not said */
    bool irq;       /* in an interrupt; only ftrace tells */
    bool preempted; /* SWITCH: R+ */
    bool made_up;   /* SWITCH: not recorded, see import_trace_lost.h */
    char state;     /* SWITCH: of the previous task */
    struct trace_task
        task; /* SWITCH: the previous one; FORK: the parent; else the one in question */
    struct trace_task other; /* SWITCH: the next one; FORK: the child */
    uint32_t target_cpu;     /* WAKING, WAKEUP, MIGRATE: where to */
    uint64_t runtime;        /* RUNTIME, ns */
};

/* What has been met on the way. */
struct trace_counts {
    const char *dialect; /* of the first event */
    bool simulated;      /* by us: its clock is that of the run */
    uint64_t bytes, lines, events[TRACE_KIND_NR];
    uint64_t skipped_events; /* with a name that is not in the table */
    guint skipped_types;
    uint64_t other_lines; /* neither event nor header */
    uint64_t lost;        /* events that the recorder says it lost */
    uint64_t lost_marks;
    uint64_t backward; /* time stamps below the one before: raised to it */
    uint32_t nr_cpus;  /* highest CPU number + 1 */
};

struct trace_sink {
    void *priv;
    void (*event)(void *priv, const struct trace_event *e);
};

/* Whether the file (packed or not) holds a trace, told by its first 64 KiB. "-" is never asked. */
bool looks_like_trace_file(const char *path);
bool looks_like_trace(const char *text, gsize len);

/* False: messages in diag. Notes about what was skipped go there too. */
bool trace_read_file(const char *path, const struct trace_sink *sink, struct trace_counts *counts,
                     struct diag *d);
/* The same from memory; the text may be packed. */
bool trace_read_memory(const char *name, const void *data, gsize len, const struct trace_sink *sink,
                       struct trace_counts *counts, struct diag *d);

extern const char *const trace_kind_names[TRACE_KIND_NR + 1];

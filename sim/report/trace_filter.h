/* Which part of a run a trace shows. */
#pragma once

#include <gio/gio.h>

#include "kernel/kernel.h"

struct trace_filter {
    GPtrArray *tasks;   /* GPatternSpec; empty: all */
    char *cpus, *nodes; /* as given; NULL: all */
    bool *cpu;          /* by CPU, once bound */
    sim_time from, to;
    uint64_t limit; /* events in a file */
};

/* text NULL: everything, up to the usual limit. False with an error; clear f in any case. */
bool trace_filter_parse(struct trace_filter *f, const char *text, GError **error);
/* Turns lists of CPUs and nodes into CPUs of this machine. */
bool trace_filter_bind(struct trace_filter *f, const struct machine *m, GError **error);
void trace_filter_clear(struct trace_filter *f);

bool trace_filter_task(const struct trace_filter *f, const struct task *p);
static inline bool
trace_filter_cpu(const struct trace_filter *f, int32_t cpu)
{
    return cpu >= 0 && f->cpu[cpu];
}

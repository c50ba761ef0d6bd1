/*
 * Traces of a run for viewers that exist: Chrome's JSON (Perfetto, chrome://tracing), Perfetto's
 * own format, the text of ftrace, and trace.dat of trace-cmd. An observer of the kernel: it looks
 * and never touches, so that a run with a trace gives the same results as without.
 */
#pragma once

#include <gio/gio.h>

#include "kernel/kernel.h"

struct trace;

struct trace_request {
    const char *const *files; /* NULL-terminated, or NULL; the suffix says the format */
    const char *filter;       /* "task=hog*,cpu=0-3,node=1,from=1s,to=2s,limit=100000", or NULL */
    bool nanoseconds;         /* in ftrace text: nine digits rather than the kernel's six */
    const char *tables;       /* folder for latency.txt, timehist.txt, map.txt; or NULL */
};

/* Anything wrong with the request itself, before there is a machine? */
bool trace_check(const struct trace_request *r, GError **error);

/* Starts to observe: before the first event of the run. NULL with an error. Files are written
 * beside their final names until trace_finish(). */
struct trace *trace_start(struct kernel *k, const struct trace_request *r, GError **error);

/* Closes what is open, however the run ended, and gives files their names. Frees t; t may be NULL.
 * Sentences that the user should read (an event limit was reached) go to remarks, char *. */
bool trace_finish(struct trace *t, GPtrArray *remarks, GError **error);

/* Drops everything, unfinished files too. */
void trace_discard(struct trace *t);

/*
 * Switches that a recorder lost, found by the run times that it kept: a filter between the reader
 * of a trace and whoever needs to know what ran where.
 */
#pragma once

#include "config/import_trace.h"

/* The state in which a task left its CPU, if that was not recorded. */
#define TRACE_STATE_LOST '?'

struct trace_window;

/* Events go on to `to`, a little later, in order of time, with `made_up` switches among them. */
struct trace_window *trace_window_new(const struct trace_sink *to);
void trace_window_sink(void *window, const struct trace_event *e); /* for a trace_sink */
/* The recording is over: whatever still waits goes on. */
void trace_window_flush(struct trace_window *w);
void trace_window_free(struct trace_window *w);

/*
 * Where a trace is written: a file beside the final one, compressed if its name ends in .gz, that
 * gets its name when it is complete. Writers add text and ask once, at the end, whether all of it
 * is on the disk.
 */
#pragma once

#include <gio/gio.h>

#include "base/base.h"

struct trace_sink;

struct trace_sink *trace_sink_new(const char *path, GError **error);
/* Frees s. False: not everything could be written; nothing is left behind. */
bool trace_sink_close(struct trace_sink *s, GError **error);
void trace_sink_discard(struct trace_sink *s);

void trace_sink_text(struct trace_sink *s, const char *text);
void trace_sink_uint(struct trace_sink *s, uint64_t value);
/* Nanoseconds as microseconds with three decimals. */
void trace_sink_us(struct trace_sink *s, sim_time ns);
/* As the inside of a JSON string. */
void trace_sink_escaped(struct trace_sink *s, const char *text);

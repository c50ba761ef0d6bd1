/*
 * Where a trace is written: a file beside the final one, compressed if its name ends in .gz, that
 * gets its name when it is complete. Writers add text or bytes and ask once, at the end, whether
 * all of it is on the disk.
 */
#pragma once

#include <gio/gio.h>

#include "base/base.h"

struct trace_out;

struct trace_out *trace_out_new(const char *path, GError **error);
/* Frees s. False: not everything could be written; nothing is left behind. */
bool trace_out_close(struct trace_out *s, GError **error);
void trace_out_discard(struct trace_out *s);

void trace_out_bytes(struct trace_out *s, const void *bytes, gsize length);
void trace_out_text(struct trace_out *s, const char *text);
void trace_out_uint(struct trace_out *s, uint64_t value);
/* Nanoseconds as microseconds with three decimals. */
void trace_out_us(struct trace_out *s, sim_time ns);
/* As the inside of a JSON string. */
void trace_out_escaped(struct trace_out *s, const char *text);

/* One line of a text trace, taken apart. Internal to the importers of traces. */
#pragma once

#include "config/import_trace.h"

/* A stretch of the line. */
struct span {
    const char *at, *end;
};

static inline gsize
span_len(struct span s)
{
    return (gsize)(s.end - s.at);
}

/* What stands before the payload. */
struct trace_head {
    const char *dialect;
    struct span comm, event, payload;
    int32_t pid, tgid;
    uint32_t cpu;
    uint64_t time;
    bool irq;
};

enum trace_line_kind {
    TRACE_LINE_EVENT,
    TRACE_LINE_EMPTY, /* or a comment */
    TRACE_LINE_LOST,  /* *lost says how many, 0: not said */
    TRACE_LINE_OTHER,
};

enum trace_line_kind trace_line_split(struct span line, struct trace_head *head, uint64_t *lost);

/* What is wrong with an event, and where. */
struct trace_fault {
    const char *at;
    const char *expected;
};

/* The kind of event by its name, or TRACE_KIND_NR. */
enum trace_event_kind trace_kind_of(struct span name);

/* Fills the event from its payload. False: *fault says what is wrong. */
bool trace_event_read(enum trace_event_kind kind, const struct trace_head *head,
                      struct trace_event *e, struct trace_fault *fault);

/* A whole number with nothing behind it, also "003"; false: none, or above `most`. */
bool span_number(struct span s, uint64_t most, uint64_t *value);

/* What the files of Perfetto's format share: trace_perfetto.c says how it is meant. */
#pragma once

#include "report/protobuf.h"
#include "report/trace_impl.h"

enum { BUNDLE_BYTES = 1024 };

struct perfetto_node {
    uint64_t free_bytes; /* last written */
    bool known;
};

struct perfetto_task {
    bool named, has_track;
};

struct perfetto {
    GByteArray **bundles; /* by CPU, events that are not written yet; NULL: never had one */
    struct perfetto_node *nodes;
    GArray *tasks;         /* struct perfetto_task, by task */
    GHashTable *processes; /* named ones, by number */
    sim_time counted_at;
    GByteArray *packet, *inner, *event, *part; /* messages that are being made */
};

/* ---- trace_perfetto_put.c: packets that are no events of the kernel ---- */

/* A packet that is this one message; `field` says which. */
void perfetto_packet(struct trace_writer *w, guint field, const GByteArray *inner);
/* Of which kernel this is. */
void perfetto_begin(struct trace_writer *w);
/* A thread and its process, once; NULL is idle, which needs no name. */
void perfetto_name_task(struct trace_writer *w, sim_time now, const struct task *p);
/* A moment in a thread's row: pages or the thread itself move. */
void perfetto_mark(struct trace_writer *w, const struct traced_event *e);
/* Free memory of nodes where it has changed, once a millisecond; at_once: now. */
void perfetto_count(struct trace_writer *w, sim_time now, bool at_once);

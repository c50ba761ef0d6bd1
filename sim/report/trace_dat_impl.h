/* What the files of trace-cmd's format share: trace_dat.c says how it is meant. */
#pragma once

#include "report/trace_impl.h"

enum { DAT_PAGE = 4096, DAT_PAGE_HEADER = 16, DAT_RECORD_MOST = 112 };

/* Kinds of fields; an int has 4 bytes, a long 8. */
enum dat_type { DAT_COMM, DAT_PID, DAT_INT, DAT_LONG, DAT_ULONG };

struct dat_field {
    const char *name; /* NULL ends the list */
    enum dat_type type;
};

/* An event of the kernel: what it is called, what it holds, and how a reader prints that. */
struct dat_event {
    const char *system, *name;
    struct dat_field fields[12];
    const char *print;
};

/* By number in the file less DAT_FIRST_ID, events of a system side by side; NULL name ends. */
enum { DAT_FIRST_ID = 300 };
enum dat_which {
    DAT_SWITCH,
    DAT_WAKING,
    DAT_WAKEUP,
    DAT_WAKEUP_NEW,
    DAT_MIGRATE,
    DAT_FORK,
    DAT_EXIT,
    DAT_MOVE_NUMA,
    DAT_SWAP_NUMA,
    DAT_MIGRATE_PAGES,
    NR_DAT_EVENTS
};
extern const struct dat_event dat_events[NR_DAT_EVENTS];

/* Bytes of a field; where it stands follows from those before it, behind 8 that all events have. */
guint dat_size(enum dat_type type);

/* Everything in front of the pages, for pages that begin at the next multiple of DAT_PAGE;
 * nr_pages by CPU. */
GByteArray *dat_header(const struct trace_writer *w, const guint64 *nr_pages);

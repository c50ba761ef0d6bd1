/*
 * Messages about files: all errors of a file are collected and reported in one go, each as
 * `file:line:column: path.to.key: what is wrong; what would be right`.
 */
#pragma once

#include <glib.h>
#include <stdarg.h>

#include "base/base.h"

enum { DIAG_MOST = 50 }; /* further messages are only counted */

struct diag_message {
    char *file;
    unsigned line, column; /* from 1; 0: the file as a whole */
    guint seq;             /* in the order of their discovery, where the place is the same */
    char *text;            /* the whole message, place included */
};

struct diag {
    GPtrArray *errors; /* struct diag_message *, as they were found */
    GPtrArray *notes;  /* char *: what was assumed or skipped; never an error */
    guint nr_left_out;
    const char *data_dir; /* of topologies/ and workloads/; diag_init() gives that of this build */
};

void diag_init(struct diag *d);
void diag_clear(struct diag *d);
static inline bool
diag_failed(const struct diag *d)
{
    return d->errors->len > 0;
}

/* Further messages would only be counted: the work that a message needs may be spared. */
static inline bool
diag_full(const struct diag *d)
{
    return d->errors->len >= DIAG_MOST;
}

/*
 * line and column count from 1; 0: the message names the file only. path may be NULL, and file too.
 * The text may hold what the file holds: control characters are shown as '?', long ones are cut.
 */
void diag_error(struct diag *d, const char *file, unsigned line, unsigned column, const char *path,
                const char *fmt, ...) SIM_PRINTF(6, 7);
void diag_verror(struct diag *d, const char *file, unsigned line, unsigned column, const char *path,
                 const char *fmt, va_list args) SIM_PRINTF(6, 0);
void diag_note(struct diag *d, const char *fmt, ...) SIM_PRINTF(2, 3);

/* All messages, one a line, sorted by place. Caller frees. */
char *diag_text(const struct diag *d);

/* "; did you mean 'near_first'?" for the nearest of `names`, else "; known: a, b, c" (caller
 * frees). */
char *did_you_mean(const char *wrong, const char *const *names);

/* What a message may show of a hostile text: at most 60 bytes, whole characters. Caller frees. */
char *diag_excerpt(const char *text);

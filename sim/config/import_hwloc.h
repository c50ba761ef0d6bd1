/*
 * The way of an hwloc topology into the simulator, step by step:
 *
 *   import_hwloc_check.c      the XML is well-formed, of a version and size that we take, and is
 *                             written anew with only what we need    (our process, GLib's parser)
 *   import_hwloc_synthetic.c  the same for a synthetic string: its counts are bounded
 *   import_hwloc_child.c      libhwloc loads it and describes it in lines of text      (a sandbox)
 *   import_hwloc_text.c       the lines become a description   (our process, trusts nothing)
 *   import_description.c      the description becomes a machine
 *
 * libhwloc knows twenty years of dialects, but crashes on some malformed files: hence the sandbox,
 * and a language between the two sides that is small enough to be read strictly.
 */
#pragma once

#include "config/import_description.h"

enum { HWLOC_TEXT_WORD = 200 }; /* longest text value; longer ones are cut */

/* Checks and rewrites. NULL: messages are in diag. Caller frees. */
GString *hwloc_xml_check(const char *file, const char *text, gsize len, struct diag *d,
                         guint *nr_skipped);

/* `string` is without the "hwloc:" in front; `spec` is with it, for messages. */
bool hwloc_synthetic_check(const char *spec, const char *string, struct diag *d);

struct hwloc_job {
    bool synthetic;
    const char *text;
    gsize len; /* without the zero byte at its end */
};

/* Runs in the sandbox: a struct hwloc_job becomes lines. */
void hwloc_describe(void *job, GString *out);

/* Strict: false with the number of the line that is not as agreed. Memory is from the arena. */
bool hwloc_description_read(struct description *h, const char *text, gsize len, struct arena *a,
                            unsigned *bad_line);

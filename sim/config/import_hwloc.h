/*
 * The way of an hwloc topology into the simulator, step by step:
 *
 *   import_hwloc_check.c      the XML is well-formed, of a version and size that we take, and is
 *                             written anew with only what we need    (our process, GLib's parser)
 *   import_hwloc_synthetic.c  the same for a synthetic string: its counts are bounded
 *   import_hwloc_child.c      libhwloc loads it and describes it in lines of text      (a sandbox)
 *   import_hwloc_text.c       the lines become a description           (our process, trusts
 * nothing) import_hwloc_build.c      the description becomes a machine
 *
 * libhwloc knows twenty years of dialects, but crashes on some malformed files: hence the sandbox,
 * and a language between the two sides that is small enough to be read strictly.
 */
#pragma once

#include "config/import.h"

enum { HWLOC_TEXT_WORD = 200 }; /* longest text value; longer ones are cut */

struct hwloc_cpu {
    int32_t os_index, allowed, package, die, core, cluster, l2, llc, node;
    int64_t capacity; /* in no unit; 0: unknown */
};

struct hwloc_node {
    int32_t os_index, allowed, kind, package;
    int64_t mem_bytes;
};

struct hwloc_description {
    const char *vendor, *model, *architecture, *product, *capacity_basis; /* NULL: not told */
    int64_t family, l1d_bytes, l2_bytes, llc_bytes, line_bytes;
    int64_t nr_left_out; /* CPUs of the machine that the tree has no object for */
    guint nr_cpus, nr_nodes;
    struct hwloc_cpu *cpus;   /* by os_index */
    struct hwloc_node *nodes; /* by os_index */
    bool zero_is_unknown;     /* a node of 0 bytes is one whose size was left out */
    bool has_matrix;
    int64_t *matrix;     /* nr_nodes^2 */
    int64_t *latency_ns; /* nr_nodes^2, 0: unknown */
    int64_t *bandwidth;  /* nr_nodes^2, MiB/s, 0: unknown */
    guint nr_notes;
    const char **notes;
    const char *refusal; /* instead of all the above: why libhwloc did not take it */
};

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
bool hwloc_description_read(struct hwloc_description *h, const char *text, gsize len,
                            struct arena *a, unsigned *bad_line);

struct machine *hwloc_build(const struct hwloc_description *h, const char *file, const char *name,
                            struct arena *a, struct diag *d);

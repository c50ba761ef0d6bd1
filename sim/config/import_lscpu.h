/*
 * What lscpu printed, in any of its forms, while it is read: a table with one row a CPU (-p, -e)
 * and the summary (no option, -J). import_lscpu.c reads text, _json.c JSON, _build.c makes the
 * machine.
 */
#pragma once

#include "config/import_description.h"
#include "config/import_numactl.h"

enum { LSCPU_LEVELS = 5 }; /* caches by level; [1] is that of data */

struct lscpu_row {
    int32_t cpu, core, socket, cluster, node; /* -1: not told */
    int32_t cache[LSCPU_LEVELS];              /* id of the instance */
    int32_t max_mhz;                          /* 0: not told */
    bool offline;
};

struct lscpu_cache {
    int64_t bytes; /* of one instance, or of all of them */
    int64_t nr;    /* instances; 0: not told, bytes is one's */
};

struct lscpu {
    const char *file;
    struct arena *arena;
    struct diag *diag;
    GArray *rows;       /* struct lscpu_row */
    GPtrArray *columns; /* char *, of the table; NULL before its header */
    struct cpumask *online, *offline, *node_cpus[NODE_MAX];
    uint32_t node_numbers[NODE_MAX];
    guint nr_nodes; /* of the summary, in the order of its lines */
    const char *vendor, *model, *architecture;
    int64_t family, nr_cpus, threads_per_core, cores_per_socket, nr_sockets;
    struct lscpu_cache cache[LSCPU_LEVELS];
    guint nr_unknown; /* lines and columns that were skipped */
};

/* By content, as the others. Looks at the beginning only. */
bool looks_like_lscpu(const char *text, gsize len);

struct machine *import_lscpu(const char *path, const char *text, gsize len, struct arena *a,
                             struct diag *d);

/* One "Field: data" of the summary. False: lscpu does not say such a thing about a machine. */
bool lscpu_take_field(struct lscpu *l, const char *field, const char *data);
/* The names of the columns; "L1d:L1i:L2:L3" is four of them. */
void lscpu_take_header(struct lscpu *l, char **cells);
/* A row by these columns. False: it does not fit them, or has no CPU number. */
bool lscpu_take_row(struct lscpu *l, char **cells);

struct lscpu_builder {
    struct lscpu *l;
    struct description *h;
    struct listing *numactl; /* in the same file; or NULL */
};

/* Cores, packages and caches by their numbers alone. */
void lscpu_assume_shape(struct lscpu_builder *b);

/* False: messages are in diag. */
bool lscpu_read_json(struct lscpu *l, const char *text, gsize len);
/* `numactl --hardware` in the same file, or NULL. */
struct machine *lscpu_build(struct lscpu *l, struct listing *numactl);

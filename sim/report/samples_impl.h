/* How samples are kept: shared by samples.c, which keeps and writes, and samples_look.c. */
#pragma once

#include "report/samples.h"

enum series_kind {
    SERIES_LEVEL, /* written as it is */
    SERIES_RATE,  /* per second since the sample before */
    SERIES_RATIO, /* gained in a / gained in a + b, since the sample before */
};

struct point {
    guint series;
    double a, b;
};

/* Pages of a part of a region that one node has. */
struct cell {
    const struct region *region;
    uint64_t first, nr_pages; /* the part, entries */
    uint32_t node;
    uint64_t on_node; /* entries */
};

struct sample {
    sim_time time;
    GArray *points;
    GArray *cells; /* by region, then part, then node */
};

struct samples {
    const struct kernel *kernel;
    sim_time interval, next;
    bool adaptive;
    GHashTable *by_name;                     /* "scope\037id\037metric" to struct series */
    GPtrArray *series;                       /* in the order of their first appearance */
    GPtrArray *all;                          /* struct sample */
    uint32_t *node_load_max, *link_load_max; /* in 1/1000 */
};

void sample_add(struct samples *s, struct sample *to, enum series_kind kind, const char *scope,
                const char *id, const char *metric, double a, double b);

/* Adds everything that can be seen now. */
void samples_look(struct samples *s, struct sample *to);
/* With mm.report: tasks, regions, a map of pages. */
void samples_look_at_memory(struct samples *s, struct sample *to);
bool samples_write_pages(const struct samples *s, const char *dir, GError **error);
/* Accesses of the running burst since it was last charged, by the mix that is known. */
void samples_uncharged(const struct kernel *k, const struct task *p, double *local, double *remote);

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

struct sample {
    sim_time time;
    GArray *points;
};

struct samples {
    const struct kernel *kernel;
    sim_time interval, next;
    bool adaptive;
    GHashTable *by_name; /* "scope\037id\037metric" to struct series */
    GPtrArray *series;   /* in the order of their first appearance */
    GPtrArray *all;      /* struct sample */
};

void sample_add(struct samples *s, struct sample *to, enum series_kind kind, const char *scope,
                const char *id, const char *metric, double a, double b);

/* Adds everything that can be seen now. */
void samples_look(struct samples *s, struct sample *to);

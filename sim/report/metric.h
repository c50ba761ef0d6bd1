/*
 * The metrics: one table with name, unit, meaning and the way each is computed. The header and rows
 * of summary.csv and processes.csv, compare.csv, the table on the terminal and the documentation
 * all read it. Its order is the order of the columns: it only grows at the end.
 */
#pragma once

#include "report/csv.h"
#include "report/totals.h"

/* A flag is a count of 0 or 1. */
enum metric_kind { METRIC_EMPTY, METRIC_COUNT, METRIC_REAL, METRIC_TEXT, METRIC_FLAG };

struct metric_value {
    enum metric_kind kind;
    uint64_t count;
    double real;
    const char *text;
};

/* How a person reads it in a table. */
enum metric_scale { SCALE_PLAIN, SCALE_TIME_NS, SCALE_RATIO, SCALE_RATE, SCALE_BYTES };

struct metric {
    const char *name, *unit; /* unit as in compare.csv: ns, bytes, 1/s, ratio, J, "" */
    enum metric_kind kind;   /* of every value that is not empty */
    enum metric_scale scale;
    bool identity; /* says which run it is: in no comparison */
    bool run_only; /* means nothing for a part of the run */
    struct metric_value (*value)(const struct totals *t, const struct metric *m);
    size_t offset;    /* of the member of struct totals, for plain counters */
    uint32_t per_10k; /* percentile */
    const char *doc;  /* one sentence, no full stop */
};

extern const struct metric metrics[]; /* ends with a NULL name */

const struct metric *metric_find(const char *name);
struct metric_value metric_value(const struct metric *m, const struct totals *t);

/* The columns of summary.csv; those of processes.csv leave the identity out. */
void metrics_header(struct csv *c, bool identity);
void metrics_row(struct csv *c, const struct totals *t, bool identity);

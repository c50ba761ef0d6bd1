/*
 * The tables of a sweep: points.csv, a row for each point, and sweep.csv, tidy as compare.csv, with
 * repeats put together.
 */
#pragma once

#include "report/comparison.h"
#include "report/sweep_plan.h"

/* What became of a point. */
struct point_result {
    const char *status; /* done, failed, crashed, missing */
    int code;
    /* CSV rows: message and warnings; then, if it is done, what run_report_rows() wrote. NULL:
     * missing. Whoever asked g_free()s it. */
    char *payload;
};

struct sweep_source {
    const struct sweep_plan *plan;
    const bool *shown; /* which points to write; NULL: all */
    void (*get)(guint point, struct point_result *out, void *data);
    void *data;
};

/* The first row of a payload. */
void sweep_payload_begin(GString *payload, const char *message, const char *warnings);

bool sweep_write_points(const struct sweep_source *s, const char *dir, GError **error);

/* Calls `cell` for each machine, workload and values of parameters, with policies and seeds
 * compared; `params` are the values. */
void sweep_each_cell(const struct sweep_source *s,
                     void (*cell)(const struct comparison *c, const char *const *params,
                                  void *data),
                     void *data);
bool sweep_write_table(const struct sweep_source *s, const char *dir, GError **error);

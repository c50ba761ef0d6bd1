/*
 * A comparison: the same machine and workload under several policies, each repeated with the same
 * seeds. Runs are read from their folders; rows come out in a fixed order, whatever the order in
 * which the runs ended.
 */
#pragma once

#include "report/csv.h"
#include "report/metric.h"

struct comparison;

struct comparison *comparison_new(const char *topology, const char *workload,
                                  const char *const *policies, guint nr_seeds);
void comparison_free(struct comparison *c);

/* Reads summary.csv and processes.csv of one run. A run that is never added is left out. */
bool comparison_add(struct comparison *c, guint policy, guint seed, const char *dir,
                    GError **error);

/* The same from one row of either file and its header. */
void comparison_add_row(struct comparison *c, guint policy, guint seed, GStrv header, GStrv row);

/* The rows of compare.csv, with further columns (NULL-terminated, may be NULL) after the workload.
 */
void comparison_header(struct csv *out, const char *const *extra);
void comparison_rows(const struct comparison *c, struct csv *out, const char *const *extra);
/* compare.csv. */
bool comparison_write(const struct comparison *c, const char *dir, GError **error);
/* "stream on four-node, 5 seeds". */
void comparison_title(const struct comparison *c, GString *out);
/* For the terminal: a row per policy, a second one with ratios to the first policy. */
void comparison_table(const struct comparison *c, GString *out);

/* "1.23 s", "61%", "8.2 GB": three digits and a unit. */
char *human_value(double value, enum metric_scale scale);

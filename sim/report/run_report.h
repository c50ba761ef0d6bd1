/*
 * The report of one run: everything that lands in its folder, apart from what the layers above add
 * (manifest.yaml, resolved.yaml).
 */
#pragma once

#include "report/csv.h"
#include "report/samples.h"
#include "report/totals.h"

/* All CSV files of a run whose kernel has been settled. NULL samples: no timeseries.csv. */
bool run_report_write(const char *dir, const struct kernel *k, const struct run_info *info,
                      const struct samples *samples, GError **error);

/* Parts of a run that have rows in processes.csv. */
enum run_scope {
    RUN_SCOPE_PROCESS = 1,
    RUN_SCOPE_TAG = 2,
    RUN_SCOPE_CGROUP = 4,
    RUN_SCOPE_ALL = RUN_SCOPE_PROCESS | RUN_SCOPE_TAG | RUN_SCOPE_CGROUP,
};

/* Appends the row of summary.csv, and those of processes.csv of some scopes, without headers. */
void run_report_rows(const struct kernel *k, const struct run_info *info, unsigned scopes,
                     GString *out);

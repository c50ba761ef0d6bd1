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

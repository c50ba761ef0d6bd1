/*
 * What Linux says of memory, with mm.report=yes: vmstat, numastat and numa_maps as they stand at
 * the end of the run.
 */
#pragma once

#include "kernel/kernel.h"
#include "report/csv.h"

/* /proc/vmstat, the counters that are kept here. */
void vmstat_text(const struct kernel *k, GString *out);
/* What the command numastat prints. */
void numastat_text(const struct kernel *k, GString *out);
/* /proc/PID/numa_maps of each process, behind a line with its name. */
void numa_maps_text(const struct kernel *k, GString *out);

bool vm_text_write(const char *dir, const struct kernel *k, GError **error);

/*
 * What /proc/schedstat and /proc/PID/sched would show at the end of the run, in the kernel's own
 * layouts, so that tools made for them read ours: `schedstat`, and `sched.txt` with a block for
 * each task; and the same numbers as a table, sched_tasks.csv, whose columns are the kernel's
 * names. Written if sched.schedstats is on.
 */
#pragma once

#include "report/csv.h"

struct kernel;
struct task;

/* The text of /proc/schedstat. */
void schedstat_text(const struct kernel *k, GString *out);
/* The text of /proc/PID/sched. */
void proc_sched_text(const struct kernel *k, const struct task *p, GString *out);

/* schedstat, sched.txt and sched_tasks.csv; nothing if sched.schedstats is off. */
bool schedstat_write(const char *dir, const struct kernel *k, GError **error);
bool proc_sched_write(const char *dir, const struct kernel *k, GError **error);

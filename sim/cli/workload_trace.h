/* `numasim workload show` of a recorded trace. */
#pragma once

#include "cli/cli.h"

struct workload_trace_options {
    gboolean timehist, map; /* also every schedule-out, every change of the CPUs */
    char **set;             /* "replay=timing"... */
};

/* What was understood, and perf's tables of the recording. Returns an exit code. */
int workload_trace_show(const char *path, const struct workload_trace_options *o);

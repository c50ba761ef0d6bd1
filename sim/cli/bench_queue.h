/*
 * The engine's rows of `numasim bench`: what an event costs, as a multiple of what the same event
 * costs in the reference queues and in the containers that others use, all measured in one go.
 */
#pragma once

#include <glib.h>

#include "base/base.h"

struct bench_row {
    const char *id, *what;
    double value, goal; /* ratios; no goal: 0 */
    bool at_most;       /* the goal is an upper limit */
    char missing[64];   /* not measured: what is missing */
};

/* A line each: id, what, ratio, goal, met or not. False if a goal was measured and missed. */
bool bench_rows_print(GArray *rows, GString *out);

/*
 * Runs the programs bench_queue, bench_engine, bench_ref_* and bench_containers of directory `dir`,
 * `rounds` times each in turn (12 is good, about 15 s), and returns an array of struct bench_row.
 */
GArray *bench_queue(const char *dir, guint rounds);

/* The directory of this program's own binary. Free it. */
char *bench_own_dir(void);

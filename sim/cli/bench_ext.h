/* The rows of `numasim bench` about programmable policies. */
#pragma once

#include "cli/bench_queue.h"

/* Runs bench_whole of `dir` with the fair class, a built-in policy and a script, `rounds` times each
 * in turn; an array of struct bench_row. */
GArray *bench_ext(const char *dir, guint rounds);

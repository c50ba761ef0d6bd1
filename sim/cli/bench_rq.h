/* The rows of `numasim bench` about the fair run queue: an operation, as a multiple of the same in
 * an augmented red-black tree. */
#pragma once

#include "cli/bench_queue.h"

/* Runs bench_rq and bench_rq_tree of `dir`, `rounds` times each in turn; an array of bench_row. */
GArray *bench_rq(const char *dir, guint rounds);

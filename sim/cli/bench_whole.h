/* The rows of `numasim bench` about the whole simulator: what a simulated context switch costs. */
#pragma once

#include "cli/bench_queue.h"

/* Runs bench_whole, bench_noprobe and bench_minisim of `dir`, `rounds` times each in turn; an array
 * of struct bench_row. */
GArray *bench_whole(const char *dir, guint rounds);

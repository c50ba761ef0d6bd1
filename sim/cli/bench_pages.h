/* The rows of `numasim bench` about pages: what a NUMA scan and its faults cost, in ns a page. */
#pragma once

#include "cli/bench_queue.h"

/* Runs bench_pages of `dir`, `rounds` times for each representation and way, and bench_ref_pages in
 * turn with them; an array of bench_row. */
GArray *bench_pages(const char *dir, guint rounds);

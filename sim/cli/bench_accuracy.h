/* The rows of `numasim bench --accuracy`: how far rates are from an exact solution. */
#pragma once

#include "cli/bench_queue.h"

/* Runs each case and looks at it many times; an array of bench_row. Takes some seconds. */
GArray *bench_accuracy(void);

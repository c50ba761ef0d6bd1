/* The rows of `numasim bench` about the whole simulator: what a simulated context switch costs. */
#pragma once

#include "cli/bench_queue.h"

/* Runs bench_whole, bench_noprobe and bench_minisim of `dir`, `rounds` times each in turn; an array
 * of struct bench_row. */
GArray *bench_whole(const char *dir, guint rounds);

/*
 * Runs `program` of `dir` (whole_run.c) and returns CPU ns per context switch; 0: it is not there
 * or has failed. *cpu: all of its CPU ns.
 */
double bench_switch(const char *dir, const char *program, const char *arguments, double *cpu);
/* *best is the least ns above 0 so far; 0: none. */
void bench_keep_best(double *best, double ns);

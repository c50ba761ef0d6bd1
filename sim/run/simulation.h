/*
 * One simulation: build, run, settle. Two of them in one program never meet, so they may be run in
 * turns; simulation_run() may be called with a growing limit.
 */
#pragma once

#include "run/run_spec.h"

enum simulation_end {
    SIMULATION_DONE,    /* the last task has ended */
    SIMULATION_UNTIL,   /* the limit was reached */
    SIMULATION_FAILED,  /* s->failure says why: the run could not go on */
    SIMULATION_BROKEN,  /* --check: an invariant broke, s->failure says which */
    SIMULATION_STOPPED, /* interrupted */
    SIMULATION_PAUSED,  /* `limit` was reached: call simulation_run() again */
};

struct simulation {
    struct arena *arena;
    struct run_spec spec;
    struct kernel *kernel;
    struct workload_run *workload;
    const char *failure;
    sim_time elapsed; /* once ended */
};

/* NULL with *why set (in the arena) if the parts do not fit together. */
struct simulation *simulation_new(struct arena *a, const struct run_spec *spec, const char **why);

/* Runs up to `limit` (at most spec.until); SIM_NEVER: to the end. Settles when the end is reached.
 */
enum simulation_end simulation_run(struct simulation *s, sim_time limit);

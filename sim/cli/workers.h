/*
 * Worker processes: jobs that may crash without taking the others along.
 *
 * Each job runs in a child of its own. Its exit code and what it wrote to stderr are kept by number
 * of the job, so that nothing depends on which one ends first.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct job_result {
    bool ended;   /* false: never started, or interrupted */
    int code;     /* exit code */
    int signal;   /* that killed it; 0: none */
    char *errors; /* what it wrote to stderr */
};

/*
 * Runs jobs 0..nr-1, at most `parallel` at once; job() is called in the child, its value is the
 * exit code. `scratch` is a folder for their stderr. progress() may be NULL. Stops to start jobs
 * once stop() says so. The caller frees results with workers_free().
 */
struct job_result *workers_run(guint nr, guint parallel, const char *scratch,
                               int (*job)(guint index, void *data), bool (*stop)(void),
                               void (*progress)(guint done, guint nr), void *data);
void workers_free(struct job_result *results, guint nr);

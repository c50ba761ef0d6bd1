/*
 * Worker processes: jobs that may crash without taking the others along.
 *
 * A worker is a fork of the program that does one job after the other, so that what was loaded
 * before is there and nothing is started anew for each; one that crashes is replaced. What a job
 * leaves is kept by its number, so that nothing depends on which one ends first.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct job_result {
    bool ended;   /* false: never started, or interrupted */
    int code;     /* exit code; -1: crashed */
    int signal;   /* that killed it; 0: none */
    char *errors; /* what it wrote to stderr */
};

struct workers {
    guint nr;       /* jobs 0 .. nr-1, started in this order */
    guint parallel; /* at most so many at once */
    /* In a worker: returns an exit code, and may leave bytes for done() in `out`. */
    int (*job)(guint index, GString *out, void *data);
    /* Here, as jobs end; `r` and `out` are gone afterwards. False: start no more jobs. */
    bool (*done)(guint index, const struct job_result *r, const GString *out, void *data);
    bool (*stop)(void); /* start no more jobs, end those that run */
    void (*progress)(guint ended, guint nr, const void *data); /* may be NULL */
    void *data;
};

/* Returns when no job runs any more. False: not even one process could be made. */
bool workers_run(const struct workers *w);

/* The exit code that one job comes to: a crash is a broken invariant of ours. */
int job_code(const struct job_result *r);
/* The exit code of a whole whose parts ended with these: the worse of two. */
int worse_code(int a, int b);

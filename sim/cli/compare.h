/* One comparison under way: shared by cmd_compare.c, which runs it, and compare_results.c. */
#pragma once

#include "cli/folder.h"
#include "cli/run_one.h"
#include "cli/workers.h"

struct compare {
    struct options o;
    int seeds, jobs;
    gboolean gap; /* static:best is compared with as well */
    struct inputs in;
    struct folder folder;
    struct job_result *results; /* one a run */
    char *command_line;
    gint64 started;
};

static inline guint
compare_nr_runs(const struct compare *c)
{
    return c->in.policies->len * (guint)c->seeds;
}

static inline const struct policy_spec *
compare_policy(const struct compare *c, guint run)
{
    return &g_array_index(c->in.policies, struct policy_spec, run / (guint)c->seeds);
}

static inline uint64_t
compare_seed(const struct compare *c, guint run)
{
    return c->in.run.spec.seed + run % (guint)c->seeds;
}

/* Caller frees. */
char *compare_run_folder(const struct compare *c, guint run);

/* The run can be compared. */
bool compare_usable(const struct job_result *r);

/* Says what went wrong in which run; the exit code of the whole. */
int compare_report_runs(const struct compare *c);
/* Compares the runs that are usable and brings the folder to its place. Returns `code` or worse. */
int compare_finish(struct compare *c, int code);

/* What comparison.c and comparison_table.c share. */
#pragma once

#include "report/comparison.h"
#include "report/stats.h"

/* What the metrics are of: the run, a process, a tag. */
struct subject {
    char *scope, *id;
    double *values; /* [policy][seed][metric]; NAN: empty */
};

struct comparison {
    char *topology, *workload;
    char **policies;
    guint nr_policies, nr_seeds, nr_metrics;
    GPtrArray *subjects; /* in the order of their first appearance; the run is the first */
};

struct cell {
    struct repeat_stats stats;
    struct ratio_stats ratio;
};

static inline gsize
value_index(const struct comparison *c, guint policy, guint seed, guint metric)
{
    return ((gsize)policy * c->nr_seeds + seed) * c->nr_metrics + metric;
}

/* False: no run has a value. */
bool comparison_cell(const struct comparison *c, const struct subject *s, guint policy,
                     guint metric, struct cell *out);

/* comparison_gap.c: what the policy loses against static:best. False: that was not run. */
bool comparison_gap(const struct comparison *c, guint policy, struct repeat_stats *out);

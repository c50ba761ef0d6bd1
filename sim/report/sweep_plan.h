/*
 * The plan of a sweep: which points there are, by what they differ, and the key of each. It is the
 * file plan.csv of a sweep's folder, and all that results are put together from: whoever merges
 * needs neither the grid nor what it names.
 *
 * Columns: point, key, topology, workload, one for each parameter that is varied, policy, seed,
 * baseline (the policy that ratios are to). Points that differ in policy and seed alone are
 * neighbours.
 */
#pragma once

#include "report/csv.h"

struct sweep_plan {
    GPtrArray *rows; /* GStrv; the first is the header */
    guint nr;        /* points */
    guint nr_params;
};

enum { PLAN_POINT, PLAN_KEY, PLAN_TOPOLOGY, PLAN_WORKLOAD, PLAN_PARAM };

/* Of the text of plan.csv; NULL: it is none. */
struct sweep_plan *sweep_plan_parse(const char *text);
void sweep_plan_free(struct sweep_plan *p);

static inline GStrv
sweep_plan_row(const struct sweep_plan *p, guint point)
{
    return (GStrv)g_ptr_array_index(p->rows, point + 1);
}

static inline GStrv
sweep_plan_header(const struct sweep_plan *p)
{
    return (GStrv)g_ptr_array_index(p->rows, 0);
}

static inline const char *
sweep_plan_key(const struct sweep_plan *p, guint point)
{
    return sweep_plan_row(p, point)[PLAN_KEY];
}

static inline const char *
sweep_plan_policy(const struct sweep_plan *p, guint point)
{
    return sweep_plan_row(p, point)[PLAN_PARAM + p->nr_params];
}

static inline const char *
sweep_plan_seed(const struct sweep_plan *p, guint point)
{
    return sweep_plan_row(p, point)[PLAN_PARAM + p->nr_params + 1];
}

static inline const char *
sweep_plan_baseline(const struct sweep_plan *p, guint point)
{
    return sweep_plan_row(p, point)[PLAN_PARAM + p->nr_params + 2];
}

/* Both points have the same machine, workload and parameters. */
bool sweep_plan_same_cell(const struct sweep_plan *p, guint a, guint b);

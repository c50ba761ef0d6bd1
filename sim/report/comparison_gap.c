/*
 * The gap to best: what a policy loses against static:best, the best fixed placement that a search
 * finds under the memory model. 0.12: it takes 12 % longer, or, if all runs are as long as each
 * other, it would have to do 12 % more work to be as good. Below 0: it is better, as a policy can
 * be that moves things while the run goes on.
 */
#include <math.h>

#include "report/comparison_impl.h"

static int
best_of(const struct comparison *c)
{
    for (guint p = 0; p < c->nr_policies; p++)
        if (strcmp(c->policies[p], "static:best") == 0)
            return (int)p;
    return -1;
}

static double
value_of(const struct comparison *c, guint policy, guint seed, const char *metric)
{
    const struct subject *run = g_ptr_array_index(c->subjects, 0);

    return run->values[value_index(c, policy, seed, (guint)(metric_find(metric) - metrics))];
}

/* NAN: one of the two runs is missing, or does no work that is counted. */
static double
gap_of_seed(const struct comparison *c, guint policy, guint best, guint seed)
{
    double elapsed = value_of(c, policy, seed, "elapsed_ns");
    double least = value_of(c, best, seed, "elapsed_ns");

    if (elapsed < least || elapsed > least)
        return elapsed / least - 1;
    return value_of(c, best, seed, "throughput") / value_of(c, policy, seed, "throughput") - 1;
}

bool
comparison_gap(const struct comparison *c, guint policy, struct repeat_stats *out)
{
    g_autofree double *gaps = g_new(double, c->nr_seeds);
    int best = best_of(c);
    guint n = 0;

    if (best < 0 || c->subjects->len == 0)
        return false;
    for (guint seed = 0; seed < c->nr_seeds; seed++) {
        double gap = gap_of_seed(c, policy, (guint)best, seed);
        if (isfinite(gap))
            gaps[n++] = gap;
    }
    if (n > 0)
        repeat_stats(gaps, n, out);
    return n > 0;
}

/*
 * Statistics over repeats: mean, spread, Student's interval, median, and ratios to a baseline whose
 * runs are paired by seed.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct repeat_stats {
    guint n;
    double mean, median;
    double stddev, ci95_low, ci95_high; /* NAN below two repeats */
};

/* n >= 1. */
void repeat_stats(const double *x, guint n, struct repeat_stats *out);

struct ratio_stats {
    double ratio;               /* of the means; NAN if it cannot be formed */
    double ci95_low, ci95_high; /* of the paired ratios; NAN where they cannot be formed */
};

/* x[i] and base[i] are of the same seed. */
void ratio_stats(const double *x, const double *base, guint n, struct ratio_stats *out);

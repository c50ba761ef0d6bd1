/*
 * Statistics over repeats.
 *
 * A comparison has five seeds, not five hundred, so the interval is Student's and not the normal
 * one: with n = 5 it is 2.776 standard errors wide and not 1.96. Ratios are formed seed by seed
 * before they are averaged: what a seed does to both policies (more arrivals, say) then cancels.
 * The ratio itself is that of the means, which is what a reader computes from the table.
 */
#include "report/stats.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int
by_value(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;

    return a < b ? -1 : a > b;
}

static double
median_of(const double *x, guint n)
{
    g_autofree double *sorted = g_memdup2(x, sizeof(*x) * n);

    qsort(sorted, n, sizeof(*sorted), by_value);
    return n % 2 == 1 ? sorted[n / 2] : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
}

static double
mean_of(const double *x, guint n)
{
    double sum = 0;

    for (guint i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

static double
stddev_of(const double *x, guint n, double mean)
{
    double sum = 0;

    for (guint i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (n - 1));
}

void
repeat_stats(const double *x, guint n, struct repeat_stats *out)
{
    *out = (struct repeat_stats){ n, mean_of(x, n), median_of(x, n), NAN, NAN, NAN };
    if (n < 2)
        return;
    out->stddev = stddev_of(x, n, out->mean);
    double half = gsl_cdf_tdist_Pinv(0.975, n - 1) * out->stddev / sqrt(n);
    out->ci95_low = out->mean - half;
    out->ci95_high = out->mean + half;
}

static bool
is_zero(double x)
{
    return !(x < 0) && !(x > 0);
}

void
ratio_stats(const double *x, const double *base, guint n, struct ratio_stats *out)
{
    *out = (struct ratio_stats){ NAN, NAN, NAN };
    double below = n > 0 ? mean_of(base, n) : 0;
    if (is_zero(below))
        return;
    out->ratio = mean_of(x, n) / below;

    g_autofree double *ratios = g_new(double, n);
    for (guint i = 0; i < n; i++) {
        if (is_zero(base[i]))
            return;
        ratios[i] = x[i] / base[i];
    }
    struct repeat_stats of_ratios;
    repeat_stats(ratios, n, &of_ratios);
    out->ci95_low = of_ratios.ci95_low;
    out->ci95_high = of_ratios.ci95_high;
}

/*
 * Fits of latency under load, and of what writes cost, to measured points.
 *
 * The curve is the one of topologies (curve.a, curve.d): latency = idle * (1 + a*u / (1 + d - u)),
 * u = bandwidth / peak. Idle latency and peak are those of the measurement, as they are the
 * machine's own figures elsewhere; a and d have the least relative error (root mean square) over
 * the points below saturation, u < 0.995: beyond, latency depends on how many lines the load
 * generator has in flight and no longer on the memory.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define CURVE_SATURATED 0.995
enum { CURVE_LEAST_POINTS = 3 };

struct curve_point {
    double gb_per_s, latency_ns; /* both above 0 */
};

struct curve_fit {
    double idle_ns, peak_gb_per_s;
    double a, d;            /* a >= 0, d in (0, 1] */
    double rms, largest;    /* relative errors */
    double largest_at_gb_s; /* where that is */
    guint nr_points, nr_used;
};

/* idle_ns, peak: 0 takes the lowest latency and the highest bandwidth. False: fewer than
 * CURVE_LEAST_POINTS points lie below saturation. */
bool curve_fit(const struct curve_point *points, guint nr, double idle_ns, double peak,
               struct curve_fit *out);

/* Latency over the idle one at utilisation u. */
double curve_rise(double a, double d, double u);

struct mix_point {
    double written; /* share of the bytes */
    double gb_per_s;
};

/* k of bandwidth = reads * (1 - k * written), by least squares with the figure of pure reads held;
 * *rms: relative error of the mixes. False: there are no pure reads, or nothing else. */
bool derate_fit(const struct mix_point *points, guint nr, double *k, double *rms);

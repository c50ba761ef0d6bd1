/*
 * How the latency of a controller or link grows with its load.
 *
 * With u the part of the capacity that is in use, latency is the idle one times 1 + growth(u):
 * a*u/(1+d-u) by default (memory-model.md 1.1), or a measured curve, straight between its points.
 * At u = 1 growth is finite: beyond, it is not the curve that says how long an access takes, but
 * how many the cores can wait for at a time.
 *
 * An idle latency is measured by one access after the other, and that one line under way is a load
 * too: on a narrow controller with a steep curve a per cent of latency and more, which is in the
 * machine's figure already. So growth counts from there on (curve_start).
 */
#pragma once

#include "base/base.h"

struct arena;
struct machine_curve_point;

struct load_curve {
    double a, d;
    double start;         /* growth that the idle latency contains */
    uint32_t nr;          /* points; 0: a and d say it */
    double *use, *growth; /* both ascend; from 0, 0 to use 1 */
};

/* A measured curve; `capacity` in bytes/s. What lies between its last point and the capacity goes
 * on as the last two points do. */
void curve_from_points(struct load_curve *c, struct arena *a,
                       const struct machine_curve_point *points, uint32_t nr, uint64_t capacity);

/* From now on growth is what is added to the growth at u, where the idle latency was measured; 0
 * below it. u is at least 0; beyond 1 is 1. */
void curve_start(struct load_curve *c, double u);

/* u within [0, 1]. */
double curve_growth(const struct load_curve *c, double u);
/* d growth / d u, also where growth is cut off at 0. */
double curve_slope(const struct load_curve *c, double u);
/* The greatest u with at most that growth; 0 where all have more, 1 where all have less. */
double curve_use(const struct load_curve *c, double growth);

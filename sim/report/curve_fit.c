/*
 * For a given d the best a is known (the model is linear in it), so only d is searched: where it is
 * coarsely, over a grid from 0.001 to 1 in equal ratios, and then by Brent's method between the
 * neighbours of the best. A search over both at once would need a start and could end anywhere;
 * this one finds the least error on the whole interval, and a d at its end is no special case.
 */
#include "report/curve_fit.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_min.h>
#include <math.h>

enum { GRID = 97, ROUNDS = 200 };
#define D_LEAST 1e-3
#define D_MOST 1.0

struct data {
    const struct curve_point *points; /* those below saturation */
    guint nr;
    double idle, peak;
};

static double
growth(double d, double u)
{
    return u / (1 + d - u);
}

double
curve_rise(double a, double d, double u)
{
    return 1 + a * growth(d, u);
}

/* Relative error of a point is (idle * (1 + a*g) - y) / y: linear in a. */
static double
best_a(const struct data *data, double d)
{
    double num = 0, den = 0;

    for (guint i = 0; i < data->nr; i++) {
        const struct curve_point *p = &data->points[i];
        double slope = data->idle / p->latency_ns * growth(d, p->gb_per_s / data->peak);

        num += slope * (1 - data->idle / p->latency_ns);
        den += slope * slope;
    }
    return den > 0 && num > 0 ? num / den : 0;
}

static double
square_error(double d, void *from)
{
    const struct data *data = from;
    double a = best_a(data, d), sum = 0;

    for (guint i = 0; i < data->nr; i++) {
        const struct curve_point *p = &data->points[i];
        double error = data->idle * curve_rise(a, d, p->gb_per_s / data->peak) / p->latency_ns - 1;

        sum += error * error;
    }
    return sum;
}

static double
grid_d(guint i)
{
    return i + 1 >= GRID ? D_MOST : D_LEAST * pow(D_MOST / D_LEAST, (double)i / (GRID - 1));
}

static double
narrow(gsl_function *f, double low, double middle, double high)
{
    gsl_min_fminimizer *s = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    gsl_error_handler_t *before = gsl_set_error_handler_off();
    double best = middle;

    if (gsl_min_fminimizer_set(s, f, middle, low, high) == GSL_SUCCESS) {
        for (guint round = 0; round < ROUNDS; round++) {
            if (gsl_min_fminimizer_iterate(s) != GSL_SUCCESS ||
                gsl_min_test_interval(gsl_min_fminimizer_x_lower(s), gsl_min_fminimizer_x_upper(s),
                                      1e-6, 1e-6) == GSL_SUCCESS)
                break;
        }
        best = gsl_min_fminimizer_x_minimum(s);
    }
    gsl_set_error_handler(before);
    gsl_min_fminimizer_free(s);
    return best;
}

static double
best_d(struct data *data)
{
    gsl_function f = { .function = square_error, .params = data };
    guint best = 0;

    for (guint i = 1; i < GRID; i++)
        if (square_error(grid_d(i), data) < square_error(grid_d(best), data))
            best = i;
    if (best == 0 || best + 1 == GRID)
        return grid_d(best);
    return narrow(&f, grid_d(best - 1), grid_d(best), grid_d(best + 1));
}

static void
find_errors(struct data *data, struct curve_fit *out)
{
    out->rms = sqrt(square_error(out->d, data) / data->nr);
    for (guint i = 0; i < data->nr; i++) {
        const struct curve_point *p = &data->points[i];
        double error = fabs(
            data->idle * curve_rise(out->a, out->d, p->gb_per_s / data->peak) / p->latency_ns - 1);

        if (i > 0 && error <= out->largest)
            continue;
        out->largest = error;
        out->largest_at_gb_s = p->gb_per_s;
    }
}

bool
curve_fit(const struct curve_point *points, guint nr, double idle_ns, double peak,
          struct curve_fit *out)
{
    g_autofree struct curve_point *used = g_new(struct curve_point, MAX(nr, 1));
    struct data data = { .points = used, .idle = idle_ns, .peak = peak };

    for (guint i = 0; i < nr; i++) {
        if (idle_ns <= 0 && (i == 0 || points[i].latency_ns < data.idle))
            data.idle = points[i].latency_ns;
        if (peak <= 0 && (i == 0 || points[i].gb_per_s > data.peak))
            data.peak = points[i].gb_per_s;
    }
    for (guint i = 0; i < nr; i++)
        if (points[i].gb_per_s < CURVE_SATURATED * data.peak)
            used[data.nr++] = points[i];
    *out = (struct curve_fit){
        .idle_ns = data.idle, .peak_gb_per_s = data.peak, .nr_points = nr, .nr_used = data.nr
    };
    if (data.nr < CURVE_LEAST_POINTS)
        return false;
    out->d = best_d(&data);
    out->a = best_a(&data, out->d);
    find_errors(&data, out);
    return true;
}

bool
derate_fit(const struct mix_point *points, guint nr, double *k, double *rms)
{
    double reads = 0, num = 0, den = 0, sum = 0;
    guint others = 0;

    for (guint i = 0; i < nr; i++)
        if (points[i].written <= 0)
            reads = MAX(reads, points[i].gb_per_s);
    for (guint i = 0; i < nr && reads > 0; i++) {
        num += points[i].written * (1 - points[i].gb_per_s / reads);
        den += points[i].written * points[i].written;
    }
    if (den <= 0)
        return false;
    *k = CLAMP(num / den, 0, 1);
    for (guint i = 0; i < nr; i++) {
        if (points[i].written <= 0)
            continue;
        double error = reads * (1 - *k * points[i].written) / points[i].gb_per_s - 1;
        sum += error * error;
        others++;
    }
    *rms = sqrt(sum / others);
    return true;
}

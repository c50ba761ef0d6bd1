#include "models/memory/curve.h"

#include "base/arena.h"
#include "machine/machine.h"

static void
add_point(struct load_curve *c, double use, double growth)
{
    c->use[c->nr] = use;
    c->growth[c->nr++] = growth;
}

void
curve_from_points(struct load_curve *c, struct arena *a, const struct machine_curve_point *points,
                  uint32_t nr, uint64_t capacity)
{
    c->use = arena_new_array(a, double, nr + 2);
    c->growth = arena_new_array(a, double, nr + 2);
    c->nr = 0;
    add_point(c, 0, 0);
    for (uint32_t i = 0; i < nr; i++) {
        double use = (double)points[i].bandwidth / (double)capacity;
        double growth = points[i].ratio_ppm / 1e6 - 1;

        if (use > c->use[c->nr - 1] && use <= 1)
            add_point(c, use, growth > 0 ? growth : 0);
    }
    double last = c->use[c->nr - 1];
    if (last < 1) {
        double slope = c->nr < 2 ? 0 : curve_slope(c, last);

        add_point(c, 1, c->growth[c->nr - 1] + slope * (1 - last));
    }
}

/* The piece that u lies on: from point i to i + 1. */
static uint32_t
piece_of(const double *at, uint32_t nr, double x)
{
    uint32_t low = 0, high = nr - 1;

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (at[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

double
curve_slope(const struct load_curve *c, double u)
{
    if (c->nr == 0)
        return c->a * (1 + c->d) / ((1 + c->d - u) * (1 + c->d - u));
    uint32_t i = piece_of(c->use, c->nr, u);
    return (c->growth[i + 1] - c->growth[i]) / (c->use[i + 1] - c->use[i]);
}

/* As the curve stands, from u = 0 on. */
static double
growth_at(const struct load_curve *c, double u)
{
    if (c->nr == 0)
        return c->a * u / (1 + c->d - u);
    uint32_t i = piece_of(c->use, c->nr, u);
    return c->growth[i] + (u - c->use[i]) * curve_slope(c, u);
}

double
curve_growth(const struct load_curve *c, double u)
{
    double growth = growth_at(c, u) - c->start;

    return growth > 0 ? growth : 0;
}

void
curve_start(struct load_curve *c, double u)
{
    c->start = growth_at(c, u < 1 ? u : 1);
}

double
curve_use(const struct load_curve *c, double growth)
{
    double u;

    if (growth < 0)
        return 0;
    growth += c->start;
    if (c->nr == 0) {
        if (growth >= c->a / c->d)
            return 1;
        u = growth * (1 + c->d) / (c->a + growth);
    } else {
        if (growth >= c->growth[c->nr - 1])
            return 1;
        uint32_t i = piece_of(c->growth, c->nr, growth);
        double rise = c->growth[i + 1] - c->growth[i];
        u = c->use[i] + (growth - c->growth[i]) / rise * (c->use[i + 1] - c->use[i]);
    }
    return u < 1 ? u : 1;
}

/*
 * How latency grows under load, in a machine file: two numbers of a formula, or points as they were
 * measured.
 *
 *     curve: {a: 0.225, d: 0.2}
 *     curve: {points: [[2GB/s, 81.3ns], [60GB/s, 92ns], [105GB/s, 170ns]]}
 *     curve: {points: [[2GB/s, 1], [60GB/s, 1.13], [105GB/s, 2.1]]}     of the idle latency
 *
 * The first point counts as idle. A sweep goes on where bandwidth no longer rises; those points say
 * how many accesses the load generator had in flight and are left out: there is one latency for
 * each bandwidth.
 */
#include "config/topology_yaml.h"

#include <math.h>

enum { POINTS_LEAST = 2, POINTS_MOST = 1000 };
#define RATIO_MOST 1000.0

/* The second number of a point: a time in ps, or (*is_ratio) a ratio. */
static bool
read_latency(struct topo *t, const struct ynode *n, bool *is_ratio, double *value)
{
    char *end = NULL;
    uint64_t ps;

    if (ynode_expect(&t->doc, n, YNODE_SCALAR) == NULL)
        return false;
    *value = g_ascii_strtod(n->text, &end);
    *is_ratio = n->text[0] != '\0' && *end == '\0';
    if (*is_ratio && isfinite(*value) && *value >= 1 && *value <= RATIO_MOST)
        return true;
    if (*is_ratio) {
        ynode_error(&t->doc, n, "a latency under load is 1 to 1000 times the idle one; write 1.25");
        return false;
    }
    if (!ynode_quantity(&t->doc, n, FIELD_TIME_PS, &ps))
        return false;
    *value = (double)ps;
    return true;
}

struct curve_reader {
    bool ratios; /* as the first point has it */
    double idle, before;
};

static bool
read_point(struct topo *t, const struct ynode *n, struct curve_reader *c, uint32_t i,
           struct machine_curve_point *points)
{
    bool is_ratio;
    double value;

    if (ynode_expect(&t->doc, n, YNODE_SEQ) == NULL)
        return false;
    if (n->nr != 2) {
        ynode_error(&t->doc, n, "a point has two numbers; write [60GB/s, 92ns] or [60GB/s, 1.13]");
        return false;
    }
    if (!ynode_quantity(&t->doc, n->values[0], FIELD_BANDWIDTH, &points[i].bandwidth) ||
        !read_latency(t, n->values[1], &is_ratio, &value))
        return false;
    if (i == 0)
        *c = (struct curve_reader){ .ratios = is_ratio, .idle = value, .before = value };
    if (is_ratio != c->ratios) {
        ynode_error(&t->doc, n->values[1],
                    "some points have times and some ratios; write all in one way");
    } else if (i == 0 && (is_ratio ? value > 1 : value <= 0)) {
        ynode_error(&t->doc, n->values[1],
                    "the first point counts as idle: its ratio is 1, its time more than 0ns");
    } else if (i > 0 && points[i].bandwidth <= points[i - 1].bandwidth) {
        ynode_error(&t->doc, n->values[0],
                    "bandwidths ascend from point to point; leave out those behind the peak");
    } else if (value < c->before || value > RATIO_MOST * c->idle) {
        ynode_error(&t->doc, n->values[1],
                    "latency does not fall under load, nor rise above 1000 times the idle one; "
                    "smooth the points");
    } else {
        points[i].ratio_ppm = (uint32_t)(value / c->idle * 1e6 + 0.5);
        c->before = value;
        return true;
    }
    return false;
}

static void
read_points(struct topo *t, const struct ynode *list, struct topo_curve *out)
{
    struct curve_reader reader = { .idle = 1 };

    if (ynode_expect(&t->doc, list, YNODE_SEQ) == NULL)
        return;
    if (list->nr < POINTS_LEAST || list->nr > POINTS_MOST) {
        ynode_error(&t->doc, list, "a curve has %d to %d points", POINTS_LEAST, POINTS_MOST);
        return;
    }
    out->points = arena_new_array(t->doc.arena, struct machine_curve_point, list->nr);
    for (guint i = 0; i < list->nr; i++)
        if (!read_point(t, list->values[i], &reader, i, out->points))
            return;
    out->nr_points = list->nr;
    out->given = true;
}

struct topo_curve
topo_read_curve(struct topo *t, const struct ynode *entry)
{
    const struct ynode *curve = ynode_get(entry, "curve");
    const struct ynode *a = curve == NULL ? ynode_get(entry, "curve.a") : ynode_get(curve, "a");
    const struct ynode *d = curve == NULL ? ynode_get(entry, "curve.d") : ynode_get(curve, "d");
    const struct ynode *points =
        curve == NULL ? ynode_get(entry, "curve.points") : ynode_get(curve, "points");
    struct topo_curve out = { .given = a != NULL && d != NULL };

    if (points != NULL && (a != NULL || d != NULL))
        ynode_error(&t->doc, points, "write either points or a and d, not both");
    else if (points != NULL)
        read_points(t, points, &out);
    else if (!out.given && curve != NULL && curve->kind == YNODE_MAP)
        ynode_error(&t->doc, curve,
                    "a curve has two numbers, {a: 0.225, d: 0.2}, or measured points, {points: "
                    "[[2GB/s, 81ns], [60GB/s, 92ns]]}");
    return out;
}

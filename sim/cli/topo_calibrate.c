/* numasim topo calibrate: from measured points to the lines of a machine's file. */
#include <math.h>
#include <stdlib.h>

#include "cli/options.h"
#include "cli/topo.h"
#include "config/measured.h"
#include "report/curve_fit.h"

static const struct command page = {
    .name = "topo calibrate",
    .arguments = "FILE",
    .summary = "Fits latency under load, and what writes cost, to measured points.",
    .page =
        "FILE is the output of Intel's Memory Latency Checker, or CSV with a header: a column of\n"
        "latency (ns), one of bandwidth that names its unit (bandwidth_gb_s, GB_per_s, MB/s...),\n"
        "if there are several mixes `mix` (ALL Reads, 3:1 Reads-Writes, 75% read), and columns of\n"
        "text that tell curves apart. Prints lines to paste into a topology, and how well they\n"
        "fit. Saturated points (from 99.5 % of the peak on) are left out: there latency depends\n"
        "on the load generator. Idle latency is the lowest, as it was measured: the load of the\n"
        "checker itself is in it, and the memory model counts growth from there.",
};

struct calibrate_options {
    double idle, peak;
    int nodes;
    gboolean points;
    char *output;
};

static void
add(GString *s, const char *before, const char *format, double value, const char *behind)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(s, "%s%s%s", before, g_ascii_formatd(text, sizeof(text), format, value),
                           behind);
}

/* Points of the mix that writes least among those with a latency. */
static GArray *
read_points(const struct measured_curve *c)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(struct curve_point));
    double least = INFINITY;

    for (guint i = 0; i < c->points->len; i++) {
        const struct measured_point *p = &g_array_index(c->points, struct measured_point, i);
        if (p->latency_ns > 0 && p->written >= 0)
            least = MIN(least, p->written);
    }
    for (guint i = 0; i < c->points->len; i++) {
        const struct measured_point *p = &g_array_index(c->points, struct measured_point, i);
        struct curve_point point = { p->gb_per_s, p->latency_ns };
        if (p->latency_ns > 0 && p->written >= 0 && p->written <= least)
            g_array_append_val(out, point);
    }
    return out;
}

/* The highest bandwidth of each mix. */
static GArray *
mix_points(const struct measured_curve *c)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(struct mix_point));

    for (guint i = 0; i < c->points->len; i++) {
        const struct measured_point *p = &g_array_index(c->points, struct measured_point, i);
        struct mix_point point = { p->written, p->gb_per_s };
        guint at = 0;

        while (at < out->len &&
               fabs(g_array_index(out, struct mix_point, at).written - p->written) > 1e-9)
            at++;
        if (p->written < 0)
            continue;
        if (at == out->len)
            g_array_append_val(out, point);
        else if (g_array_index(out, struct mix_point, at).gb_per_s < p->gb_per_s)
            g_array_index(out, struct mix_point, at) = point;
    }
    return out;
}

static void
add_curve(GString *s, const struct curve_fit *fit)
{
    g_string_append_printf(s, "# %u points, %u below saturation", fit->nr_points, fit->nr_used);
    add(s, "; idle ", "%.1f", fit->idle_ns, " ns, ");
    add(s, "peak ", "%.1f", fit->peak_gb_per_s, " GB/s\n");
    add(s, "# curve: rms error ", "%.1f", fit->rms * 100, " %, ");
    add(s, "largest ", "%.1f", fit->largest * 100, " % ");
    add(s, "at ", "%.1f", fit->largest_at_gb_s, " GB/s\n");
}

static int
by_bandwidth(const void *a, const void *b)
{
    const struct curve_point *x = a, *y = b;

    if (x->gb_per_s < y->gb_per_s || x->gb_per_s > y->gb_per_s)
        return x->gb_per_s < y->gb_per_s ? -1 : 1;
    return (x->latency_ns > y->latency_ns) - (x->latency_ns < y->latency_ns);
}

/* The points themselves, as a topology takes them: bandwidths ascend, latencies do not fall. What
 * does not fit in behind the one before, as at the end of a sweep, is left out. */
static void
add_points(GString *s, GArray *points, const struct calibrate_options *o)
{
    double latency = 0, bandwidth = 0;

    qsort(points->data, points->len, sizeof(struct curve_point), by_bandwidth);
    g_string_append(s, ", curve: {points: [");
    for (guint i = 0; i < points->len; i++) {
        const struct curve_point *p = &g_array_index(points, struct curve_point, i);

        if (p->latency_ns < latency || p->gb_per_s < bandwidth * 1.001)
            continue;
        add(s, latency > 0 ? ", [" : "[", "%.6g", p->gb_per_s / o->nodes, "GB/s, ");
        add(s, "", "%.4g", p->latency_ns, "ns]");
        latency = p->latency_ns;
        bandwidth = p->gb_per_s;
    }
    g_string_append(s, "]}");
}

/* What fits; false: nothing could be fitted. */
static bool
add_block(GString *s, const struct measured_curve *c, const struct calibrate_options *o)
{
    g_autoptr(GArray) points = read_points(c), mixes = mix_points(c);
    struct curve_fit fit;
    double k, error;
    bool curve = curve_fit((const struct curve_point *)(const void *)points->data, points->len,
                           o->idle, o->peak, &fit);
    bool derate =
        derate_fit((const struct mix_point *)(const void *)mixes->data, mixes->len, &k, &error);

    if (!curve && !derate)
        return false;
    g_string_append_printf(s, "%s# %s\n", s->len > 0 ? "\n" : "",
                           *c->name != '\0' ? c->name : "measured");
    if (curve)
        add_curve(s, &fit);
    if (derate)
        add(s, "# write_derating: rms error ", "%.1f", error * 100, " % over the mixes\n");
    if (curve && o->nodes == 1)
        g_string_append(s,
                        "# if several nodes were loaded, give --nodes: a bandwidth is a node's\n");
    if (curve)
        add(s, "latency: {local: ", "%.4g", fit.idle_ns, "ns}\n");
    g_string_append(s, "nodes:\n  - {node: all");
    if (curve)
        add(s, ", bandwidth: ", "%.6g", fit.peak_gb_per_s / o->nodes, "GB/s");
    if (derate)
        add(s, ", write_derating: ", "%.3g", k, "");
    if (curve && o->points) {
        add_points(s, points, o);
    } else if (curve) {
        add(s, ", curve: {a: ", "%.3g", fit.a, "");
        add(s, ", d: ", "%.3g", fit.d, "}");
    }
    g_string_append(s, "}\n");
    return true;
}

static int
fit_file(const char *path, const struct calibrate_options *o)
{
    g_autoptr(GString) s = g_string_new(NULL);
    struct diag d;
    int code = EXIT_INPUT;

    inputs_diag_init(&d);
    g_autoptr(GPtrArray) curves = measured_load(path, &d);
    for (guint i = 0; curves != NULL && i < curves->len; i++) {
        const struct measured_curve *c = g_ptr_array_index(curves, i);
        if (!add_block(s, c, o))
            diag_error(&d, path, g_array_index(c->points, struct measured_point, 0).line, 1,
                       *c->name != '\0' ? c->name : NULL,
                       "nothing to fit; a curve needs %d points below 99.5 %% of its highest "
                       "bandwidth, write_derating reads and a mix with writes",
                       CURVE_LEAST_POINTS);
    }
    g_autofree char *text = diag_text(&d);
    g_printerr("%s", text);
    if (!diag_failed(&d))
        code = topo_write(o->output, s);
    diag_clear(&d);
    return code;
}

int
topo_calibrate(int argc, char **argv)
{
    struct calibrate_options o = { .nodes = 1 };
    const GOptionEntry entries[] = {
        { "nodes", 0, 0, G_OPTION_ARG_INT, &o.nodes,
          "how many nodes were loaded together (default 1)", "N" },
        { "idle", 0, 0, G_OPTION_ARG_DOUBLE, &o.idle,
          "idle latency, ns (default: the lowest that was measured)", "NS" },
        { "peak", 0, 0, G_OPTION_ARG_DOUBLE, &o.peak,
          "bandwidth at full load, GB/s (default: the highest)", "GB/S" },
        { "points", 0, 0, G_OPTION_ARG_NONE, &o.points,
          "print the measured points instead of a fitted curve", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output, "write to FILE", "FILE" },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    if (cli_parse(&page, tables, argc, argv, &rest, &code)) {
        if (g_strv_length(rest) != 1)
            code = cli_usage(&page, "name one file");
        else if (o.nodes < 1 || !(o.idle >= 0 && o.idle < 1e9) || !(o.peak >= 0 && o.peak < 1e9))
            code = cli_usage(&page, "--nodes, --idle and --peak are numbers above 0");
        else
            code = fit_file(rest[0], &o);
    }
    g_free(o.output);
    return code;
}

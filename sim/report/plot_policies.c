/* The picture of a comparison: a panel per metric, a bar per policy, the interval on top. */
#include <math.h>

#include "report/plot_impl.h"

const struct plot_panel plot_panels[PLOT_PANELS] = {
    { "elapsed_ns", "elapsed, s", "*", 1e-9 },
    { "throughput", "work units per s", "*", 1 },
    { "local_access_ratio", "local accesses, %", "*<102", 100 }, /* intervals reach beyond all */
    { "mem_latency_mean_ns", "memory latency, ns", "*", 1 },
    { "wait_p99_ns", "wait p99, ms", "*", 1e-6 },
    { "numa_pages_migrated", "pages migrated, thousands", "*", 1e-3 },
};

/* A block of "place label mean low high"; false: no policy has a value other than 0. */
static bool
panel_data(struct plot *p, const GPtrArray *rows, guint panel)
{
    guint place = 0;
    bool some = false;
    gsize begin = p->data->len;

    for (guint i = 1; i < rows->len; i++) {
        if (g_strcmp0(plot_field(rows, i, "scope"), "run") != 0 ||
            g_strcmp0(plot_field(rows, i, "metric"), plot_panels[panel].metric) != 0)
            continue;
        double mean = plot_value(rows, i, "mean", 0);
        const double shown[] = { mean, plot_value(rows, i, "ci95_low", mean),
                                 plot_value(rows, i, "ci95_high", mean) };
        some = some || fabs(mean) > 0;
        g_autofree char *label = plot_quote(plot_field(rows, i, "policy"));
        g_strdelimit(label, "'\"", ' ');
        g_string_append_printf(p->data, "%u \"%s\"", place++, g_strstrip(label));
        for (guint j = 0; j < G_N_ELEMENTS(shown); j++) {
            g_string_append_c(p->data, ' ');
            plot_number(p->data, shown[j] * plot_panels[panel].scale);
        }
        g_string_append_c(p->data, '\n');
    }
    if (!some)
        g_string_truncate(p->data, begin);
    else
        plot_end_block(p->data);
    return some;
}

bool
plot_policies(struct plot *p)
{
    g_autoptr(GPtrArray) rows = p->comparison ? plot_rows(p->dir, "compare.csv") : NULL;
    g_autoptr(GString) plots = g_string_new(NULL);
    guint nr = 0;

    for (guint i = 0; rows != NULL && i < PLOT_PANELS; i++)
        if (panel_data(p, rows, i))
            /* gnuplot makes no room for an interval that ends below the axis */
            g_string_append_printf(
                plots,
                "set title '%s'\nset yrange [0:%s]\nplot data index %u using 1:3:xtic(2) with"
                " boxes lc rgb '#56B4E9', '' index %u using"
                " 1:3:($4 < 0 ? 0 : $4):5 with"
                " yerrorbars pt 7 ps 0.4 lw 2 lc rgb '#000000'\n",
                plot_panels[i].title, plot_panels[i].most, nr, nr),
                nr++;
    if (nr == 0)
        return false;
    g_string_append_printf(
        p->script,
        "set multiplot layout %u,%u title about.': mean and 95%% interval' noenhanced\n"
        "set style fill solid 0.7 noborder\nset boxwidth 0.6\nunset key\n"
        "set xrange [-0.6:*]\nset offsets 0,0.6,0,0\nset xtics rotate by -30 noenhanced"
        " font ',10'\nset grid noxtics\n%sunset multiplot\n",
        nr <= 3 ? 1u : 2u, nr <= 3 ? nr : (nr + 1) / 2, plots->str);
    return true;
}

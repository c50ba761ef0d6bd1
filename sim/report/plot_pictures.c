/*
 * The four pictures: what the policies did, where accesses went over time, how long tasks waited,
 * and which nodes talked to each other.
 */
#include <math.h>
#include <stdlib.h>

#include "report/metric.h"
#include "report/plot_impl.h"

/* One line of a `plot` command per series: "data index 0 using ... with ..." */
static void
add_series(GString *plot, guint index, const char *how, const char *label, bool heavy)
{
    g_autofree char *title = plot_quote(label);

    g_string_append_printf(plot, "%s data index %u %s lw %s dt %u lc rgb '%s' title %s",
                           index == 0 ? "plot" : ", \\\n    ", index, how, heavy ? "3" : "2",
                           index % 5 + 1, plot_colours[index % PLOT_SERIES_MOST], title);
}

static void
end_block(GString *data)
{
    g_string_append(data, "\n\n");
}

/* ---- means and intervals ---- */

static const struct {
    const char *metric, *title;
    double scale;
} panels[] = {
    { "elapsed_ns", "elapsed, s", 1e-9 },
    { "throughput", "work units per s", 1 },
    { "local_access_ratio", "local accesses, %", 100 },
    { "mem_latency_mean_ns", "memory latency, ns", 1 },
    { "wait_p99_ns", "wait p99, ms", 1e-6 },
    { "numa_pages_migrated", "pages migrated, thousands", 1e-3 },
};

static double
number(const GPtrArray *rows, guint row, const char *column, double otherwise)
{
    const char *text = plot_field(rows, row, column);

    return text != NULL && *text != '\0' ? g_ascii_strtod(text, NULL) : otherwise;
}

/* A block of "place label mean low high"; false: no policy has a value other than 0. */
static bool
panel_data(struct plot *p, const GPtrArray *rows, guint panel)
{
    guint place = 0;
    bool some = false;
    gsize begin = p->data->len;

    for (guint i = 1; i < rows->len; i++) {
        if (g_strcmp0(plot_field(rows, i, "scope"), "run") != 0 ||
            g_strcmp0(plot_field(rows, i, "metric"), panels[panel].metric) != 0)
            continue;
        double mean = number(rows, i, "mean", 0);
        const double shown[] = { mean, number(rows, i, "ci95_low", mean),
                                 number(rows, i, "ci95_high", mean) };
        some = some || fabs(mean) > 0;
        g_autofree char *label = plot_quote(plot_field(rows, i, "policy"));
        g_strdelimit(label, "'\"", ' ');
        g_string_append_printf(p->data, "%u \"%s\"", place++, g_strstrip(label));
        for (guint j = 0; j < G_N_ELEMENTS(shown); j++) {
            g_string_append_c(p->data, ' ');
            plot_number(p->data, shown[j] * panels[panel].scale);
        }
        g_string_append_c(p->data, '\n');
    }
    if (!some)
        g_string_truncate(p->data, begin);
    else
        end_block(p->data);
    return some;
}

bool
plot_policies(struct plot *p)
{
    g_autoptr(GPtrArray) rows = p->comparison ? plot_rows(p->dir, "compare.csv") : NULL;
    g_autoptr(GString) plots = g_string_new(NULL);
    guint nr = 0;

    for (guint i = 0; rows != NULL && i < G_N_ELEMENTS(panels); i++)
        if (panel_data(p, rows, i))
            g_string_append_printf(plots,
                                   "set title '%s'\nplot data index %u using 1:3:xtic(2) with"
                                   " boxes lc rgb '#56B4E9', '' index %u using 1:3:4:5 with"
                                   " yerrorbars pt 7 ps 0.4 lw 2 lc rgb '#000000'\n",
                                   panels[i].title, nr, nr),
                nr++;
    if (nr == 0)
        return false;
    g_string_append_printf(
        p->script,
        "set multiplot layout %u,%u title about.': mean and 95%% interval' noenhanced\n"
        "set style fill solid 0.7 noborder\nset boxwidth 0.6\nunset key\nset yrange [0:*]\n"
        "set xrange [-0.6:*]\nset offsets 0,0.6,0,0\nset xtics rotate by -30 noenhanced"
        " font ',10'\nset grid noxtics\n%sunset multiplot\n",
        nr <= 3 ? 1u : 2u, nr <= 3 ? nr : (nr + 1) / 2, plots->str);
    return true;
}

/* ---- locality over time ---- */

/* "seconds percent" of one scope and id; false: there are none. */
static bool
locality_block(struct plot *p, const GPtrArray *rows, const char *scope, const char *id)
{
    gsize begin = p->data->len;

    for (guint i = 1; i < rows->len; i++) {
        if (g_strcmp0(plot_field(rows, i, "metric"), "local_access_ratio") != 0 ||
            g_strcmp0(plot_field(rows, i, "scope"), scope) != 0 ||
            g_strcmp0(plot_field(rows, i, "id"), id) != 0)
            continue;
        plot_number(p->data, number(rows, i, "time_ns", 0) / 1e9);
        g_string_append_c(p->data, ' ');
        plot_number(p->data, number(rows, i, "value", 0) * 100);
        g_string_append_c(p->data, '\n');
    }
    if (p->data->len == begin)
        return false;
    end_block(p->data);
    return true;
}

/* The processes of a run, in the order of their rows. */
static GPtrArray *
process_names(const GPtrArray *rows)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 1; i < rows->len && names->len < PLOT_SERIES_MOST - 1; i++) {
        const char *id = plot_field(rows, i, "id");
        if (g_strcmp0(plot_field(rows, i, "scope"), "process") == 0 &&
            !g_ptr_array_find_with_equal_func(names, id, g_str_equal, NULL))
            g_ptr_array_add(names, g_strdup(id));
    }
    return names;
}

static guint
locality_of_source(struct plot *p, const struct plot_source *s, guint nr, GString *plot)
{
    g_autoptr(GPtrArray) rows = plot_rows(s->dir, "timeseries.csv");
    const char how[] = "using 1:2 with lines";

    if (rows == NULL)
        return nr;
    if (locality_block(p, rows, "run", ""))
        add_series(plot, nr++, how, p->comparison ? s->label : "all processes", !p->comparison);
    g_autoptr(GPtrArray) names = process_names(rows);
    for (guint i = 0; !p->comparison && names->len > 1 && i < names->len; i++)
        if (locality_block(p, rows, "process", g_ptr_array_index(names, i)))
            add_series(plot, nr++, how, g_ptr_array_index(names, i), false);
    return nr;
}

bool
plot_locality(struct plot *p)
{
    g_autoptr(GString) plot = g_string_new(NULL);
    guint nr = 0;

    for (guint i = 0; i < p->sources->len; i++)
        nr = locality_of_source(p, g_ptr_array_index(p->sources, i), nr, plot);
    g_string_append_printf(p->script,
                           "set title about.': where memory accesses go%s'\n"
                           "set xlabel 'simulated time, s'\nset ylabel 'local accesses, %%'\n"
                           "set yrange [0:102]\nset key outside right top\n%s\n",
                           p->comparison ? " (first seed)" : "", plot->str);
    return nr > 0;
}

/* ---- the tail of latencies ---- */

/* "microseconds share": how many are at least that long. */
static bool
tail_block(struct plot *p, const GPtrArray *rows, const char *kind)
{
    double total = 0, before = 0;
    gsize begin = p->data->len;

    for (guint pass = 0; pass < 2; pass++)
        for (guint i = 1; i < rows->len; i++) {
            if (g_strcmp0(plot_field(rows, i, "scope"), "run") != 0 ||
                g_strcmp0(plot_field(rows, i, "kind"), kind) != 0)
                continue;
            double count = number(rows, i, "count", 0), value = number(rows, i, "value_ns", 0);
            if (pass == 0) {
                total += count;
                continue;
            }
            if (value > 0) {
                plot_number(p->data, value / 1e3);
                g_string_append_c(p->data, ' ');
                plot_number(p->data, 1 - before / total);
                g_string_append_c(p->data, '\n');
            }
            before += count;
        }
    if (p->data->len == begin)
        return false;
    end_block(p->data);
    return true;
}

static guint
tails_of_source(struct plot *p, const struct plot_source *s, guint nr, GString *plot)
{
    static const struct {
        const char *kind, *label;
    } kinds[] = { { "wait", "wait: runnable, not running" },
                  { "wakeup", "wake-up to first run" },
                  { "request", "request" } };
    g_autoptr(GPtrArray) rows = plot_rows(s->dir, "latency.csv");

    for (guint i = 0; rows != NULL && i < (p->comparison ? 1 : G_N_ELEMENTS(kinds)); i++)
        if (tail_block(p, rows, kinds[i].kind))
            add_series(plot, nr++, "using 1:2 with steps",
                       p->comparison ? s->label : kinds[i].label, false);
    return nr;
}

bool
plot_latency(struct plot *p)
{
    g_autoptr(GString) plot = g_string_new(NULL);
    guint nr = 0;

    for (guint i = 0; i < p->sources->len; i++)
        nr = tails_of_source(p, g_ptr_array_index(p->sources, i), nr, plot);
    g_string_append_printf(
        p->script,
        "set title about.': %s'\nset logscale xy\nset xlabel 'at least, microseconds'\n"
        "set ylabel 'share of all'\nset format x '10^{%%L}'\n"
        "set yrange [*:1]\nset ytics ('all' 1, '1 in 10' 0.1, '1 in 100' 0.01,"
        " '1 in 1000' 0.001, '1 in 10^4' 0.0001, '1 in 10^5' 0.00001, '1 in 10^6' 0.000001)\n"
        "set key outside right top\n%s\n",
        p->comparison ? "time runnable but not running (first seed)" : "latencies", plot->str);
    return nr > 0;
}

/* ---- traffic between nodes ---- */

/* "to from GB" of every pair. */
static guint
traffic_block(struct plot *p, const struct plot_source *s, double *most)
{
    g_autoptr(GPtrArray) rows = plot_rows(s->dir, "traffic.csv");
    guint nr_nodes = 0, place = 0;

    if (rows == NULL || rows->len < 2)
        return 0;
    while (place + 1 < rows->len &&
           strcmp(plot_field(rows, place + 1, "from_node"), plot_field(rows, 1, "from_node")) == 0)
        place++;
    nr_nodes = place;
    for (guint i = 1; i < rows->len; i++) {
        double gb = number(rows, i, "bytes", 0) / 1e9;
        *most = MAX(*most, gb);
        g_string_append_printf(p->data, "%u %u ", (i - 1) % nr_nodes, (i - 1) / nr_nodes);
        plot_number(p->data, gb);
        g_string_append_printf(p->data, " %s %s\n", plot_field(rows, i, "to_node"),
                               plot_field(rows, i, "from_node"));
    }
    end_block(p->data);
    return nr_nodes;
}

static void
traffic_panel(const struct plot *p, const struct plot_source *s, guint index, guint nr_nodes,
              GString *plot)
{
    g_autofree char *label = plot_quote(s->label);

    g_string_append_printf(
        plot, "set title %s\nplot data index %u using 1:2:3:xtic(4):ytic(5) with image", label,
        index);
    if (nr_nodes <= 8)
        g_string_append_printf(plot,
                               ", '' index %u using 1:2:(sprintf('%%.3g', $3)):"
                               "($3 > 0.6 * most ? 0x000000 : 0xffffff) with labels tc rgb variable"
                               " font ',%u'",
                               index, p->comparison ? 9u : 12u);
    g_string_append_c(plot, '\n');
}

bool
plot_traffic(struct plot *p)
{
    g_autoptr(GString) plot = g_string_new(NULL);
    double most = 0;
    guint nr = 0;

    for (guint i = 0; i < p->sources->len; i++) {
        const struct plot_source *s = g_ptr_array_index(p->sources, i);
        guint nr_nodes = traffic_block(p, s, &most);
        if (nr_nodes > 0)
            traffic_panel(p, s, nr++, nr_nodes, plot);
    }
    if (nr == 0 || !(most > 0))
        return false;
    guint columns = nr == 1 ? 1 : nr <= 4 ? 2 : 4;
    g_string_append(p->script, "most = ");
    plot_number(p->script, most);
    g_string_append_printf(
        p->script,
        "\nset multiplot layout %u,%u title about.': GB from node (row) to node (column)'"
        " noenhanced\nunset key\nunset grid\nset cbrange [0:most]\n"
        "set palette defined (0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', 0.75 '#5ec962',"
        " 1 '#fde725')\n"
        "set yrange [] reverse\nset size ratio -1\nset xlabel 'to node'\nset ylabel 'from "
        "node'\n%sunset multiplot\n",
        (nr + columns - 1) / columns, columns, plot->str);
    return true;
}

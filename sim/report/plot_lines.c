/* Pictures made of lines: where accesses went over time, and how long tasks waited. */
#include "report/plot_impl.h"

void
plot_add_series(GString *plot, guint index, bool first, const char *how, const char *label,
                bool heavy)
{
    g_autofree char *title = plot_quote(label);

    g_string_append_printf(plot, "%s data index %u %s lw %s dt %u lc rgb '%s' title %s",
                           first ? "plot" : ", \\\n    ", index, how, heavy ? "3" : "2",
                           index % 5 + 1, plot_colours[index % PLOT_SERIES_MOST], title);
}

static void
add_series(GString *plot, guint index, const char *how, const char *label, bool heavy)
{
    plot_add_series(plot, index, index == 0, how, label, heavy);
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
        plot_number(p->data, plot_value(rows, i, "time_ns", 0) / 1e9);
        g_string_append_c(p->data, ' ');
        plot_number(p->data, plot_value(rows, i, "value", 0) * 100);
        g_string_append_c(p->data, '\n');
    }
    if (p->data->len == begin)
        return false;
    plot_end_block(p->data);
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
            double count = plot_value(rows, i, "count", 0),
                   value = plot_value(rows, i, "value_ns", 0);
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
    plot_end_block(p->data);
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

/* Where the pages of each region were over time: a stripe a region, a cell in the colour of the
 * node that has most of it. */
#include <math.h>

#include "report/plot_impl.h"

enum { REGIONS_MOST = 8 };

struct stripe {
    const char *region;
    double bytes;
};

/* The regions of a map in the order of their first rows, with their sizes. */
static guint
find_stripes(const GPtrArray *rows, struct stripe *stripes)
{
    guint nr = 0;

    for (guint i = 1; i < rows->len; i++) {
        const char *name = plot_field(rows, i, "region");
        double end = plot_value(rows, i, "first_byte", 0) + plot_value(rows, i, "bytes", 0);
        guint at = 0;

        while (at < nr && g_strcmp0(stripes[at].region, name) != 0)
            at++;
        if (at == nr && nr == REGIONS_MOST)
            continue;
        if (at == nr)
            stripes[nr++] = (struct stripe){ .region = name };
        stripes[at].bytes = fmax(stripes[at].bytes, end);
    }
    return nr;
}

static bool
same_cell(const GPtrArray *rows, guint a, guint b)
{
    return b < rows->len &&
           g_strcmp0(plot_field(rows, a, "time_ns"), plot_field(rows, b, "time_ns")) == 0 &&
           g_strcmp0(plot_field(rows, a, "region"), plot_field(rows, b, "region")) == 0 &&
           g_strcmp0(plot_field(rows, a, "first_byte"), plot_field(rows, b, "first_byte")) == 0;
}

/* "time from to node": of each cell, and how long until the next sample stands in the script. */
static void
put_cells(struct plot *p, const GPtrArray *rows, const struct stripe *stripes, guint nr)
{
    for (guint i = 1, next; i < rows->len; i = next) {
        const char *name = plot_field(rows, i, "region");
        guint at = 0, most = i;

        for (next = i; same_cell(rows, i, next); next++)
            if (plot_value(rows, next, "node_bytes", 0) > plot_value(rows, most, "node_bytes", 0))
                most = next;
        while (at < nr && g_strcmp0(stripes[at].region, name) != 0)
            at++;
        if (at == nr)
            continue;
        double first = plot_value(rows, i, "first_byte", 0) / stripes[at].bytes;
        double end = first + plot_value(rows, i, "bytes", 0) / stripes[at].bytes;
        const double numbers[] = { plot_value(rows, i, "time_ns", 0) / 1e9, at + 0.9 * first,
                                   at + 0.9 * end, plot_value(rows, most, "node", 0) };
        for (guint n = 0; n < G_N_ELEMENTS(numbers); n++) {
            plot_number(p->data, numbers[n]);
            g_string_append_c(p->data, n + 1 < G_N_ELEMENTS(numbers) ? ' ' : '\n');
        }
    }
    plot_end_block(p->data);
}

static double
interval_of(const GPtrArray *rows)
{
    double first = plot_value(rows, 1, "time_ns", 0);

    for (guint i = 2; i < rows->len; i++)
        if (plot_value(rows, i, "time_ns", 0) > first)
            return (plot_value(rows, i, "time_ns", 0) - first) / 1e9;
    return 1;
}

static void
put_colours(struct plot *p, const GPtrArray *rows)
{
    double nodes = 0;

    for (guint i = 1; i < rows->len; i++)
        nodes = fmax(nodes, plot_value(rows, i, "node", 0));
    g_string_append_printf(p->script, "set palette maxcolors %d defined (", (int)nodes + 1);
    for (int n = 0; n <= (int)nodes; n++)
        g_string_append_printf(p->script, "%s%d '%s'", n > 0 ? ", " : "", n,
                               plot_colours[n % PLOT_SERIES_MOST]);
    g_string_append_printf(p->script, "%s)\nset cbrange [-0.5:%d.5]\nset cbtics 1\n",
                           (int)nodes == 0 ? ", 1 '#000000'" : "", (int)nodes);
}

bool
plot_pages(struct plot *p)
{
    struct stripe stripes[REGIONS_MOST] = { { NULL, 0 } };

    if (p->comparison)
        return false;
    g_autoptr(GPtrArray) rows = plot_rows(p->dir, "pages.csv");
    guint nr = rows == NULL ? 0 : find_stripes(rows, stripes);
    if (nr == 0)
        return false;
    put_cells(p, rows, stripes, nr);
    put_colours(p, rows);
    g_string_append(p->script, "set ytics (");
    for (guint i = 0; i < nr; i++) {
        g_autofree char *name = plot_quote(stripes[i].region);
        g_string_append_printf(p->script, "%s%s %g", i > 0 ? ", " : "", name, i + 0.45);
    }
    g_string_append_printf(p->script,
                           ") noenhanced\nset title about.': where pages are'\n"
                           "set xlabel 'simulated time, s'\nset ylabel 'from the first page up'\n"
                           "set cblabel 'node'\nset yrange [0:%u]\nunset key\nunset grid\n"
                           "plot data using ($1-%g):2:($1-%g):1:2:3:4 with boxxyerror fs solid "
                           "noborder lc palette\n",
                           nr, interval_of(rows) / 2, interval_of(rows));
    return true;
}

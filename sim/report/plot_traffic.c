/* The picture of who talked to whom: a heat map per run, on one scale of colours. */
#include "report/plot_impl.h"

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
        double gb = plot_value(rows, i, "bytes", 0) / 1e9;
        *most = MAX(*most, gb);
        g_string_append_printf(p->data, "%u %u ", (i - 1) % nr_nodes, (i - 1) / nr_nodes);
        plot_number(p->data, gb);
        g_string_append_printf(p->data, " %s %s\n", plot_field(rows, i, "to_node"),
                               plot_field(rows, i, "from_node"));
    }
    plot_end_block(p->data);
    return nr_nodes;
}

static void
traffic_panel(const struct plot *p, const struct plot_source *s, guint index, guint nr_nodes,
              GString *plot)
{
    g_autofree char *label = plot_quote(s->label);

    g_string_append_printf(
        plot,
        "set title %s\nplot data index %u using 1:2:(scale * $3):xtic(4):ytic(5) with image pixels",
        label, index);
    if (nr_nodes <= 8)
        g_string_append_printf(plot,
                               ", '' index %u using 1:2:(sprintf('%%.3g', scale * $3)):"
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
        "\nscale = %s\n" /* of the data, which are GB */
        "set multiplot layout %u,%u title about.': %s from node (row) to node (column)'"
        " noenhanced\nunset key\nunset grid\nset cbrange [0:scale * most]\n"
        "set palette defined (0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', 0.75 '#5ec962',"
        " 1 '#fde725')\n"
        "set yrange [] reverse\nset size ratio -1\nset xlabel 'to node'\nset ylabel 'from "
        "node'\n%sunset multiplot\n",
        most < 1 ? "1000" : "1", (nr + columns - 1) / columns, columns, most < 1 ? "MB" : "GB",
        plot->str);
    return true;
}

/* The picture of how busy memory is: utilisation of controllers and links over simulated time. */
#include "report/plot_impl.h"

/* What has a line: a controller, a link, a device. */
struct line {
    char *id;
    double most;
};

static void
line_free(gpointer data)
{
    struct line *l = data;

    g_free(l->id);
    g_free(l);
}

static bool
is_load(const GPtrArray *rows, guint i, const char *scope)
{
    return g_strcmp0(plot_field(rows, i, "metric"), "utilisation_ratio") == 0 &&
           g_strcmp0(plot_field(rows, i, "scope"), scope) == 0;
}

static struct line *
line_of(GPtrArray *lines, const char *id)
{
    for (guint i = 0; i < lines->len; i++) {
        struct line *l = g_ptr_array_index(lines, i);

        if (strcmp(l->id, id) == 0)
            return l;
    }
    struct line *l = g_new0(struct line, 1);
    l->id = g_strdup(id);
    g_ptr_array_add(lines, l);
    return l;
}

/* The busiest first; of equals the one that came first. */
static gint
busier(gconstpointer a, gconstpointer b)
{
    const struct line *x = *(struct line *const *)a, *y = *(struct line *const *)b;

    return x->most > y->most ? -1 : x->most < y->most;
}

/* Those that ever carried anything. */
static GPtrArray *
find_lines(const GPtrArray *rows, const char *scope)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(line_free);

    for (guint i = 1; i < rows->len; i++)
        if (is_load(rows, i, scope)) {
            struct line *l = line_of(lines, plot_field(rows, i, "id"));
            l->most = MAX(l->most, plot_value(rows, i, "value", 0));
        }
    g_ptr_array_sort(lines, busier);
    for (guint i = lines->len; i-- > 0;) {
        const struct line *l = g_ptr_array_index(lines, i);

        if (i >= PLOT_SERIES_MOST || l->most <= 0)
            g_ptr_array_remove_index(lines, i);
    }
    return lines;
}

static void
put_point(struct plot *p, double ns, double ratio)
{
    plot_number(p->data, ns / 1e9);
    g_string_append_c(p->data, ' ');
    plot_number(p->data, ratio * 100);
    g_string_append_c(p->data, '\n');
}

/* A panel for the controllers, the links or the devices of a run; how many lines there are now. */
static guint
panel(struct plot *p, const GPtrArray *rows, const char *scope, const char *what, guint nr,
      guint *nr_panels)
{
    g_autoptr(GPtrArray) lines = find_lines(rows, scope);
    g_autoptr(GString) plot = g_string_new(NULL);

    for (guint i = 0; i < lines->len; i++, nr++) {
        const struct line *l = g_ptr_array_index(lines, i);
        g_autofree char *name = g_strdup_printf("%s %s", what, l->id);

        for (guint j = 1; j < rows->len; j++)
            if (is_load(rows, j, scope) && strcmp(plot_field(rows, j, "id"), l->id) == 0)
                put_point(p, plot_value(rows, j, "time_ns", 0), plot_value(rows, j, "value", 0));
        plot_end_block(p->data);
        plot_add_series(plot, nr, i == 0, "using 1:2 with lines", name, false);
    }
    if (lines->len == 0)
        return nr;
    g_string_append_printf(p->script, "%s\n", plot->str);
    (*nr_panels)++;
    return nr;
}

/* Of a comparison: the busiest controller of each run at each moment. */
static bool
busiest_block(struct plot *p, const struct plot_source *s)
{
    g_autoptr(GPtrArray) rows = plot_rows(s->dir, "timeseries.csv");
    gsize begin = p->data->len;
    double most = 0, when = -1;

    for (guint i = 1; rows != NULL && i < rows->len; i++) {
        double ns = plot_value(rows, i, "time_ns", 0);

        if (!is_load(rows, i, "node"))
            continue;
        if (ns > when && when >= 0) {
            put_point(p, when, most);
            most = 0;
        }
        when = ns;
        most = MAX(most, plot_value(rows, i, "value", 0));
    }
    if (when >= 0)
        put_point(p, when, most);
    if (p->data->len == begin)
        return false;
    plot_end_block(p->data);
    return true;
}

static void
put_axes(struct plot *p, const char *of)
{
    g_string_append_printf(p->script,
                           "set xlabel 'simulated time, s'\nset ylabel 'utilisation%s, %%'\n"
                           "set yrange [0:*]\nset key outside right top\n",
                           of);
}

static bool
compare_load(struct plot *p)
{
    g_autoptr(GString) plot = g_string_new(NULL);
    guint nr = 0;

    for (guint i = 0; i < p->sources->len; i++) {
        const struct plot_source *s = g_ptr_array_index(p->sources, i);

        if (busiest_block(p, s)) {
            plot_add_series(plot, nr, nr == 0, "using 1:2 with lines", s->label, false);
            nr++;
        }
    }
    g_string_append(p->script, "set title about.': the busiest memory controller (first seed)'\n");
    put_axes(p, "");
    g_string_append_printf(p->script, "%s\n", plot->str);
    return nr > 0;
}

bool
plot_load(struct plot *p)
{
    if (p->comparison)
        return compare_load(p);
    const struct plot_source *s = p->sources->len > 0 ? g_ptr_array_index(p->sources, 0) : NULL;
    g_autoptr(GPtrArray) rows = s != NULL ? plot_rows(s->dir, "timeseries.csv") : NULL;
    guint nr = 0, nr_panels = 0;

    if (rows == NULL)
        return false;
    gsize begin = p->script->len;
    put_axes(p, "");
    nr = panel(p, rows, "node", "node", nr, &nr_panels);
    nr = panel(p, rows, "link", "link", nr, &nr_panels);
    nr = panel(p, rows, "device", "device", nr, &nr_panels);
    if (nr == 0)
        return false;
    /* one axis of time below another, however wide their keys are; PLOT_SERIES_MOST names fit beside
     * a third of the picture, or gnuplot puts a second column over the curves */
    char last[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(last, sizeof(last), "%.9g",
                    plot_value(rows, rows->len - 1, "time_ns", 0) / 1e9);
    g_autofree char *head = g_strdup_printf(
        "set multiplot layout %u,1 title about.': how busy memory is' noenhanced\n"
        "set lmargin at screen 0.09\nset rmargin at screen 0.80\nset xrange [0:%s]\n%s",
        nr_panels, last, nr_panels > 2 ? "set key font ',11' spacing 0.85\n" : "");
    g_string_insert(p->script, (gssize)begin, head);
    g_string_append(p->script, "unset multiplot\n");
    return true;
}

/*
 * The picture of a sweep: a panel per metric, what is varied along x, a line for each policy (and
 * machine, workload and other parameter, as far as lines can be told apart), with the interval.
 *
 * Along x goes the first parameter that is a quantity; without one the first of what is varied at
 * all, then as points beside each other, since a line between two machines would mean nothing.
 */
#include <math.h>

#include "base/field.h"
#include "report/plot_impl.h"

enum { LOG_RANGE = 10 }; /* from there on equal steps are ratios */

struct sweep_plot {
    struct plot *p;
    GPtrArray *rows;  /* of sweep.csv */
    guint nr_columns; /* that say which cell: up to and with the policy */
    guint x;          /* the column along x */
    bool numeric;     /* its values are quantities */
    GPtrArray *xs;    /* const char *: its values, in order */
    GPtrArray *lines; /* char *: labels */
};

static GStrv
row_of(const struct sweep_plot *s, guint row)
{
    return g_ptr_array_index(s->rows, row);
}

static guint
place_of(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (strcmp(g_ptr_array_index(names, i), name) == 0)
            return i;
    return names->len;
}

/* The values of a column in the order of their first appearance. */
static GPtrArray *
values_of(const struct sweep_plot *s, guint column)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *values = g_ptr_array_new();

    for (guint i = 1; i < s->rows->len; i++)
        if (g_hash_table_add(seen, row_of(s, i)[column]))
            g_ptr_array_add(values, row_of(s, i)[column]);
    return values;
}

/* The rows that a panel may show, and the header: a large sweep has a hundred times as many. */
static GPtrArray *
rows_of_run(const GPtrArray *all)
{
    GPtrArray *rows = g_ptr_array_new();

    g_ptr_array_add(rows, all->pdata[0]);
    for (guint i = 1; i < all->len; i++)
        for (guint j = 0; j < PLOT_PANELS; j++)
            if (g_strcmp0(plot_field(all, i, "metric"), plot_panels[j].metric) == 0 &&
                g_strcmp0(plot_field(all, i, "scope"), "run") == 0)
                g_ptr_array_add(rows, all->pdata[i]);
    return rows;
}

static bool
quantity(const char *text, double *value)
{
    static const enum field_type types[] = { FIELD_U64,       FIELD_TIME, FIELD_SIZE,
                                             FIELD_BANDWIDTH, FIELD_FREQ, FIELD_RATIO };
    char why[256];
    uint64_t number;

    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (parse_quantity(types[i], text, &number, why, sizeof(why))) {
            *value = (double)number;
            return true;
        }
    return false;
}

static bool
all_quantities(const GPtrArray *values)
{
    double value;

    for (guint i = 0; i < values->len; i++)
        if (!quantity(g_ptr_array_index(values, i), &value))
            return false;
    return true;
}

/* Parameters come first, then machines, workloads, policies. */
static guint
candidate(const struct sweep_plot *s, guint rank)
{
    guint nr_params = s->nr_columns - 3;

    return rank < nr_params ? 2 + rank : rank == s->nr_columns - 1 ? rank : rank - nr_params;
}

static void
choose_x(struct sweep_plot *s)
{
    s->x = s->nr_columns - 1;
    for (guint pass = 0; pass < 2; pass++)
        for (guint rank = 0; rank < s->nr_columns; rank++) {
            guint column = candidate(s, rank);
            g_autoptr(GPtrArray) values = values_of(s, column);
            bool numeric = all_quantities(values);
            if (values->len < 2 || (pass == 0 && !numeric))
                continue;
            s->x = column;
            s->numeric = numeric;
            return;
        }
}

/* ---- lines ---- */

/* What varies besides x: "four-node autonuma". */
static char *
label_of(const struct sweep_plot *s, guint row, const bool *varies)
{
    g_autoptr(GString) label = g_string_new(NULL);

    for (guint i = 0; i < s->nr_columns; i++)
        if (i != s->x && varies[i])
            g_string_append_printf(label, "%s%s", label->len > 0 ? " " : "", row_of(s, row)[i]);
    return g_string_free(g_steal_pointer(&label), FALSE);
}

static bool *
find_varying(const struct sweep_plot *s)
{
    bool *varies = g_new(bool, s->nr_columns);

    for (guint i = 0; i < s->nr_columns; i++) {
        g_autoptr(GPtrArray) values = values_of(s, i);
        varies[i] = values->len > 1;
    }
    return varies;
}

/* The line of each row; lines beyond the most have a number, and are not drawn. */
static guint *
find_lines(struct sweep_plot *s)
{
    g_autoptr(GHashTable) by_label = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree bool *varies = find_varying(s);
    guint *line = g_new(guint, s->rows->len);

    for (guint i = 1; i < s->rows->len; i++) {
        g_autofree char *label = label_of(s, i, varies);
        gpointer found;
        if (!g_hash_table_lookup_extended(by_label, label, NULL, &found)) {
            found = GUINT_TO_POINTER(s->lines->len);
            g_hash_table_insert(by_label, label, found);
            g_ptr_array_add(s->lines, g_steal_pointer(&label));
        }
        line[i] = GPOINTER_TO_UINT(found);
    }
    return line;
}

/* ---- data ---- */

static double
x_of(const struct sweep_plot *s, const char *text, guint line)
{
    double value = 0;

    if (s->numeric && quantity(text, &value))
        return value;
    guint nr = MIN(s->lines->len, PLOT_SERIES_MOST);
    return place_of(s->xs, text) + 0.6 * ((line + 0.5) / nr - 0.5);
}

/* "x mean low high" for each point of a line; false: no point has a value. */
static bool
line_data(struct sweep_plot *s, const guint *lines, guint line, const struct plot_panel *panel,
          bool *some)
{
    gsize begin = s->p->data->len;

    for (guint i = 1; i < s->rows->len; i++) {
        if (lines[i] != line || g_strcmp0(plot_field(s->rows, i, "metric"), panel->metric) != 0)
            continue;
        double mean = plot_value(s->rows, i, "mean", 0);
        const double shown[] = { mean, plot_value(s->rows, i, "ci95_low", mean),
                                 plot_value(s->rows, i, "ci95_high", mean) };
        *some = *some || fabs(mean) > 0;
        plot_number(s->p->data, x_of(s, row_of(s, i)[s->x], line));
        for (guint j = 0; j < G_N_ELEMENTS(shown); j++) {
            g_string_append_c(s->p->data, ' ');
            plot_number(s->p->data, shown[j] * panel->scale);
        }
        g_string_append_c(s->p->data, '\n');
    }
    if (s->p->data->len == begin)
        return false;
    plot_end_block(s->p->data);
    return true;
}

static void
line_command(const struct sweep_plot *s, GString *out, guint index, guint line, bool first)
{
    const char *colour = plot_colours[line % PLOT_SERIES_MOST];

    g_string_append_printf(
        out,
        "%s data index %u using 1:2:($3 < 0 ? 0 : $3):4 with yerrorbars pt %u ps 0.6 lw 1.5 lc "
        "rgb '%s'",
        first ? "plot" : ", \\\n    ", index, line % 8 + 4, colour);
    if (s->numeric)
        g_string_append_printf(out,
                               ", '' index %u using 1:2 with lines lw 2 dt %u lc rgb '%s' "
                               "notitle",
                               index, line % 5 + 1, colour);
}

/* False: nothing but zeros. `nr`: blocks of data so far. */
static bool
panel(struct sweep_plot *s, const guint *lines, const struct plot_panel *panel, guint *nr,
      GString *out)
{
    gsize data = s->p->data->len, script = out->len;
    guint before = *nr;
    bool some = false;

    g_string_append_printf(out, "set title '%s'\nset yrange [0:%s]\n", panel->title, panel->most);
    for (guint line = 0; line < MIN(s->lines->len, PLOT_SERIES_MOST); line++)
        if (line_data(s, lines, line, panel, &some)) {
            line_command(s, out, *nr, line, *nr == before);
            (*nr)++;
        }
    g_string_append(out, "\n");
    if (some)
        return true;
    g_string_truncate(s->p->data, data);
    g_string_truncate(out, script);
    *nr = before;
    return false;
}

/* ---- the script ---- */

static void
axis_script(const struct sweep_plot *s, GString *out)
{
    g_autofree char *name = plot_quote(row_of(s, 0)[s->x]);
    double least = INFINITY, most = 0, value = 0;

    g_string_append_printf(
        out, "set xlabel %s noenhanced\nset xtics rotate by 30 right noenhanced (", name);
    for (guint i = 0; i < s->xs->len; i++) {
        const char *text = g_ptr_array_index(s->xs, i);
        g_autofree char *label = plot_quote(text);
        if (!s->numeric || !quantity(text, &value))
            value = i;
        g_string_append_printf(out, "%s%s ", i > 0 ? ", " : "", label);
        plot_number(out, value);
        least = fmin(least, value);
        most = fmax(most, value);
    }
    g_string_append(out, ")\n");
    if (s->numeric && least > 0 && most / least >= LOG_RANGE)
        g_string_append(out, "set logscale x\n");
    if (!s->numeric) {
        g_string_append_printf(out, "set xrange [-0.5:%u.5]\n", s->xs->len - 1);
    } else if (least < most) { /* on a log scale gnuplot would go on to the next power of ten */
        g_string_append(out, "set xrange [");
        plot_number(out, least);
        g_string_append(out, ":");
        plot_number(out, most);
        g_string_append(out, "]\n");
    }
}

/* One for all panels, along the lower edge: a plot of nothing. */
static void
legend(const struct sweep_plot *s, GString *out)
{
    g_string_append(out, "set lmargin at screen 0.02\nset rmargin at screen 0.98\n"
                         "set bmargin at screen 0\nset tmargin at screen 0.1\n"
                         "unset title\nunset xlabel\nunset tics\nunset border\nunset grid\n"
                         "unset logscale\nset key noenhanced horizontal center center\n"
                         "plot [0:1][0:1]");
    for (guint line = 0; line < MIN(s->lines->len, PLOT_SERIES_MOST); line++) {
        g_autofree char *title = plot_quote(g_ptr_array_index(s->lines, line));
        g_string_append_printf(out, "%s NaN with %s pt %u lw 2 dt %u lc rgb '%s' title %s",
                               line > 0 ? "," : "", s->numeric ? "linespoints" : "points",
                               line % 8 + 4, line % 5 + 1, plot_colours[line], title);
    }
    g_string_append_c(out, '\n');
}

static bool
draw(struct sweep_plot *s)
{
    g_autofree guint *lines = find_lines(s);
    g_autoptr(GString) panels = g_string_new(NULL);
    guint nr = 0, nr_panels = 0;

    for (guint i = 0; i < PLOT_PANELS; i++)
        nr_panels += panel(s, lines, &plot_panels[i], &nr, panels);
    if (nr_panels == 0)
        return false;
    guint nr_rows = nr_panels <= 3 ? 1 : 2;
    g_string_append_printf(s->p->script,
                           "set multiplot layout %u,%u margins 0.07,0.97,%s,0.88 spacing 0.07,0.24 "
                           "title about.': mean and 95%% interval",
                           nr_rows, (nr_panels + nr_rows - 1) / nr_rows,
                           nr_rows == 1 ? "0.3" : "0.22");
    if (s->lines->len > PLOT_SERIES_MOST)
        g_string_append_printf(s->p->script, ", the first %d of %u lines", PLOT_SERIES_MOST,
                               s->lines->len);
    g_string_append(s->p->script, "' noenhanced\nunset key\n");
    axis_script(s, s->p->script);
    g_string_append(s->p->script, panels->str);
    legend(s, s->p->script);
    g_string_append(s->p->script, "unset multiplot\n");
    return true;
}

bool
plot_sweep(struct plot *p)
{
    g_autoptr(GPtrArray) all = p->sweep ? plot_rows(p->dir, "sweep.csv") : NULL;

    if (all == NULL)
        return false;
    struct sweep_plot s = { .p = p, .rows = rows_of_run(all) };
    while (row_of(&s, 0)[s.nr_columns] != NULL &&
           strcmp(row_of(&s, 0)[s.nr_columns], "policy") != 0)
        s.nr_columns++;
    s.nr_columns++;
    bool fine = s.nr_columns >= 3 && s.nr_columns < g_strv_length(row_of(&s, 0));
    if (fine) {
        choose_x(&s);
        s.xs = values_of(&s, s.x);
        s.lines = g_ptr_array_new_with_free_func(g_free);
        fine = draw(&s);
        g_ptr_array_unref(s.xs);
        g_ptr_array_unref(s.lines);
    }
    g_ptr_array_unref(s.rows);
    return fine;
}

/*
 * The comparison as a table for people.
 *
 * compare.csv has everything; the table has what one looks at first, in units that one can say.
 * Each policy has two lines, the values and the ratios to the first policy: one wide line per
 * policy would not fit a terminal, and ratios beside values would be read as values. A ratio whose
 * interval leaves out 1 has a star: it is more than the luck of the seeds.
 */
#include <math.h>

#include "report/comparison_impl.h"

static const struct {
    const char *metric, *title;
} columns[] = {
    { "elapsed_ns", "elapsed" },
    { "throughput", "work/s" },
    { "local_access_ratio", "local" },
    { "mem_latency_mean_ns", "mem latency" },
    { "wait_p99_ns", "wait p99" },
    { "request_p99_ns", "request p99" },
    { "task_migrations_cross_node", "migr. node" },
    { "numa_pages_migrated", "pages moved" },
};

static char *
scaled(double value, const char *const *units, double step, guint most)
{
    guint at = 0;

    if (!(fabs(value) > 0))
        return g_strdup_printf("0%s", units[0]);
    /* 999.5 would be printed as 1000. */
    while (fabs(value) >= 999.5 && at < most) {
        value /= step;
        at++;
    }
    const char *format = fabs(value) >= 99.95 ? "%.0f" : fabs(value) >= 9.995 ? "%.1f" : "%.2f";
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(text, sizeof(text), format, value);
    return g_strdup_printf("%s%s", text, units[at]);
}

char *
human_value(double value, enum metric_scale scale)
{
    static const char *const times[] = { " ns", " us", " ms", " s" };
    static const char *const counts[] = { "", "k", "M", "G", "T" };
    static const char *const bytes[] = { " B", " kB", " MB", " GB", " TB" };
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    switch (scale) {
    case SCALE_TIME_NS:
        return scaled(value, times, 1000, 3);
    case SCALE_BYTES:
        return scaled(value, bytes, 1000, 4);
    case SCALE_RATIO:
        return g_strdup_printf("%s%%", g_ascii_formatd(text, sizeof(text), "%.1f", value * 100));
    default:
        if (value >= 0 && value < 1000 && !(value < floor(value)) && !(value > floor(value)))
            return g_strdup(g_ascii_formatd(text, sizeof(text), "%.0f", value));
        return scaled(value, counts, 1000, 4);
    }
}

/* "1.20 s ±1%"; the half width of the interval as a share of the mean. */
static char *
value_text(const struct cell *cell, enum metric_scale scale)
{
    g_autofree char *value = human_value(cell->stats.mean, scale);
    double half = (cell->stats.ci95_high - cell->stats.ci95_low) / 2;

    if (!isfinite(half) || !(fabs(cell->stats.mean) > 0))
        return g_steal_pointer(&value);
    double share = 100 * half / fabs(cell->stats.mean);
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(text, sizeof(text), share < 9.5 ? "%.1f" : "%.0f", share);
    return g_strdup_printf("%s \302\261%s%%", value, text);
}

static char *
ratio_text(const struct cell *cell)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(cell->ratio.ratio))
        return g_strdup("");
    bool clear = cell->ratio.ci95_low > 1 || cell->ratio.ci95_high < 1;
    g_ascii_formatd(text, sizeof(text), cell->ratio.ratio < 9.995 ? "%.2f" : "%.0f",
                    cell->ratio.ratio);
    return g_strdup_printf("%sx%s", text, clear ? "*" : "");
}

/* Columns in which some policy has a value, and not 0 in all. */
static bool
column_is_useful(const struct comparison *c, const struct subject *run, guint metric)
{
    struct cell cell;

    for (guint p = 0; p < c->nr_policies; p++)
        if (comparison_cell(c, run, p, metric, &cell) && fabs(cell.stats.mean) > 0)
            return true;
    return false;
}

/* The texts of a column: title, then for each policy its value and its ratio. */
static GPtrArray *
column_texts(const struct comparison *c, const struct subject *run, guint column)
{
    const struct metric *m = metric_find(columns[column].metric);
    guint index = (guint)(m - metrics);
    struct cell cell;

    if (!column_is_useful(c, run, index))
        return NULL;
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(texts, g_strdup(columns[column].title));
    for (guint p = 0; p < c->nr_policies; p++) {
        bool some = comparison_cell(c, run, p, index, &cell);
        g_ptr_array_add(texts, some ? value_text(&cell, m->scale) : g_strdup("-"));
        g_ptr_array_add(texts, some && p > 0 ? ratio_text(&cell) : g_strdup(""));
    }
    return texts;
}

/* As column_texts(), of the gap to best; NULL: static:best was not run. */
static GPtrArray *
gap_texts(const struct comparison *c)
{
    struct cell cell = { 0 };

    if (!comparison_gap(c, 0, &cell.stats))
        return NULL;
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(texts, g_strdup("gap to best"));
    for (guint p = 0; p < c->nr_policies; p++) {
        bool some = comparison_gap(c, p, &cell.stats);
        g_ptr_array_add(texts, some ? human_value(cell.stats.mean, SCALE_RATIO) : g_strdup("-"));
        g_ptr_array_add(texts, g_strdup(""));
    }
    return texts;
}

static GPtrArray *
first_column(const struct comparison *c)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(texts, g_strdup("policy"));
    for (guint p = 0; p < c->nr_policies; p++) {
        g_ptr_array_add(texts, g_strdup(c->policies[p]));
        g_ptr_array_add(texts, g_strdup_printf("  vs %s", c->policies[0]));
    }
    return texts;
}

static int
width_of(const GPtrArray *texts)
{
    glong width = 0;

    for (guint i = 0; i < texts->len; i++)
        width = MAX(width, g_utf8_strlen(g_ptr_array_index(texts, i), -1));
    return (int)width;
}

static void
pad(GString *out, const char *text, int width, bool left)
{
    int blanks = width - (int)g_utf8_strlen(text, -1);

    if (left)
        g_string_append(out, text);
    g_string_append_printf(out, "%*s", blanks, "");
    if (!left)
        g_string_append(out, text);
}

void
comparison_title(const struct comparison *c, GString *out)
{
    g_string_append_printf(out, "%s on %s, %u seed%s", c->workload, c->topology, c->nr_seeds,
                           c->nr_seeds == 1 ? "" : "s");
}

void
comparison_table(const struct comparison *c, GString *out)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    if (c->subjects->len == 0)
        return;
    const struct subject *run = g_ptr_array_index(c->subjects, 0);
    g_ptr_array_add(all, first_column(c));
    for (guint i = 0; i < G_N_ELEMENTS(columns); i++) {
        GPtrArray *texts = column_texts(c, run, i);
        if (texts != NULL)
            g_ptr_array_add(all, texts);
    }
    GPtrArray *gaps = gap_texts(c);
    if (gaps != NULL)
        g_ptr_array_add(all, gaps);
    for (guint row = 0; row <= 2 * c->nr_policies; row++) {
        if (row == 2) /* the first policy has no ratios to itself */
            continue;
        for (guint i = 0; i < all->len; i++) {
            const GPtrArray *texts = g_ptr_array_index(all, i);
            if (i > 0)
                g_string_append(out, "   ");
            pad(out, g_ptr_array_index(texts, row), width_of(texts), i == 0);
        }
        while (out->len > 0 && out->str[out->len - 1] == ' ')
            g_string_truncate(out, out->len - 1);
        g_string_append_c(out, '\n');
    }
}

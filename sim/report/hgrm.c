#include "report/hgrm.h"

#include <math.h>

#include "report/plot_impl.h"

enum { TICKS_PER_HALF = 5, SUB_BUCKETS = 2048 };

/* ---- levels ---- */

/* The level behind this one, per cent: the distance to 100 is halved again and again, and each half
 * has as many steps. */
static double
level_after(double level)
{
    double ticks = 2 * TICKS_PER_HALF;

    for (double left = 100 / (100 - level); left >= 2; left /= 2)
        ticks *= 2;
    return level + 100 / ticks;
}

static void
add(GString *out, const char *before, const char *format, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_ascii_formatd(text, sizeof(text), format, value);
    g_string_append_printf(out, "%s%12s", before, text);
}

static void
add_row(GString *out, uint64_t high, double level, uint64_t count)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    add(out, "", "%.3f", (double)high / 1000);
    g_ascii_formatd(text, sizeof(text), "%.12f", level / 100);
    g_string_append_printf(out, " %s %10" G_GUINT64_FORMAT, text, count);
    if (level < 100) {
        g_ascii_formatd(text, sizeof(text), "%.2f", 100 / (100 - level));
        g_string_append_printf(out, " %14s", text);
    }
    g_string_append_c(out, '\n');
}

/* ---- slots ---- */

/* How wide it is: 1 below SUB_BUCKETS, then half as many slots to each doubling. */
static uint64_t
width_of(uint64_t high)
{
    uint64_t width = 1;

    while (high / width >= SUB_BUCKETS)
        width *= 2;
    return width;
}

static double
middle_of(uint64_t high)
{
    uint64_t width = width_of(high);

    return (double)(high + 1 - width + width / 2);
}

static void
add_footer(GString *out, const struct hgrm_slot *slots, guint nr, uint64_t total)
{
    double mean = 0, squares = 0;
    guint buckets = 1;

    for (guint i = 0; i < nr; i++)
        mean += middle_of(slots[i].high) * (double)slots[i].count / (double)total;
    for (guint i = 0; i < nr; i++) {
        double off = middle_of(slots[i].high) - mean;

        squares += off * off * (double)slots[i].count / (double)total;
    }
    for (uint64_t width = width_of(slots[nr - 1].high); width > 1; width /= 2)
        buckets++;
    add(out, "#[Mean    = ", "%.3f", mean / 1000);
    add(out, ", StdDeviation   = ", "%.3f", sqrt(squares) / 1000);
    add(out, "]\n#[Max     = ", "%.3f", (double)slots[nr - 1].high / 1000);
    g_string_append_printf(out,
                           ", Total count    = %12" G_GUINT64_FORMAT
                           "]\n#[Buckets = %12u, SubBuckets     = %12d]\n",
                           total, buckets, SUB_BUCKETS);
}

void
hgrm_text(const struct hgrm_slot *slots, guint nr, GString *out)
{
    uint64_t total = 0, count = 0;
    double level = 0;

    if (nr == 0)
        return;
    for (guint i = 0; i < nr; i++)
        total += slots[i].count;
    g_string_append_printf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                           "1/(1-Percentile)");
    for (guint i = 0; i < nr; i++) {
        count += slots[i].count;
        while (level < 100 && 100 * (double)count / (double)total >= level) {
            add_row(out, slots[i].high, level, count);
            level = level_after(level);
            if (count == total)
                break;
        }
    }
    add_row(out, slots[nr - 1].high, 100, total);
    add_footer(out, slots, nr, total);
}

/* ---- files ---- */

/* Of the whole run. */
static GArray *
slots_of(const GPtrArray *rows, const char *kind)
{
    GArray *slots = g_array_new(FALSE, FALSE, sizeof(struct hgrm_slot));

    for (guint i = 1; i < rows->len; i++) {
        const char *scope = plot_field(rows, i, "scope"), *is = plot_field(rows, i, "kind");
        const char *value = plot_field(rows, i, "value_ns"), *nr = plot_field(rows, i, "count");

        if (g_strcmp0(scope, "run") != 0 || g_strcmp0(is, kind) != 0 || value == NULL || nr == NULL)
            continue;
        struct hgrm_slot slot = { g_ascii_strtoull(value, NULL, 10),
                                  g_ascii_strtoull(nr, NULL, 10) };
        g_array_append_val(slots, slot);
    }
    return slots;
}

bool
hgrm_write(const char *dir, const char *plots, GError **error)
{
    static const char *const kinds[] = { "wait", "wakeup", "request" };
    g_autoptr(GPtrArray) rows = plot_rows(dir, "latency.csv");

    for (guint i = 0; rows != NULL && i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GArray) slots = slots_of(rows, kinds[i]);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *name = g_strconcat(kinds[i], ".hgrm", NULL);

        hgrm_text((const struct hgrm_slot *)(const void *)slots->data, slots->len, text);
        if (text->len > 0 && !write_whole_file(plots, name, text->str, error))
            return false;
    }
    return true;
}

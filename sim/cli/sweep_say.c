/*
 * What is said of a sweep that has ended: what failed and why, what is to be known of the others,
 * and, for a small one, the table of a comparison for each of its cells.
 *
 * A thousand points can fail for one reason. So each text is said once, with how often and where.
 */
#include "cli/sweep.h"

enum { SAID_MOST = 10, CELLS_SHOWN = 4 };

struct saying {
    char *text;
    guint first, nr; /* point; points */
};

static void
saying_free(gpointer data)
{
    g_free(((struct saying *)data)->text);
    g_free(data);
}

static void
count_saying(GPtrArray *all, GHashTable *by_text, const char *text, guint point)
{
    if (*text == '\0')
        return;
    struct saying *s = g_hash_table_lookup(by_text, text);
    if (s == NULL) {
        s = g_new0(struct saying, 1);
        *s = (struct saying){ .text = g_strdup(text), .first = point };
        g_ptr_array_add(all, s);
        g_hash_table_insert(by_text, s->text, s);
    }
    s->nr++;
}

/* Of column 0, messages, or 1, warnings. */
static void
say_column(const struct sweep *s, guint column, const char *word)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(saying_free);
    g_autoptr(GHashTable) by_text = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < s->plan->nr; i++) {
        struct point_result r;
        sweep_get_result(i, &r, (void *)(gsize)s);
        g_autoptr(GPtrArray) rows = csv_parse(r.payload != NULL ? r.payload : "");
        if (rows->len > 0 && g_strv_length(g_ptr_array_index(rows, 0)) == 2)
            count_saying(all, by_text, ((GStrv)g_ptr_array_index(rows, 0))[column], i);
        g_free(r.payload);
    }
    for (guint i = 0; i < MIN(all->len, SAID_MOST); i++) {
        const struct saying *y = g_ptr_array_index(all, i);
        g_printerr("%s: %u point%s, the first is %u: %s\n", word, y->nr, y->nr == 1 ? "" : "s",
                   y->first, y->text);
    }
    if (all->len > SAID_MOST)
        g_printerr("%s: %u other texts; see points.csv\n", word, all->len - SAID_MOST);
}

/* ---- tables ---- */

struct tables {
    const struct sweep *s;
    GString *out;
    guint nr;
};

static void
add_table(const struct comparison *c, const char *const *params, void *data)
{
    struct tables *t = data;
    const struct sweep_plan *p = t->s->plan;

    if (t->nr++ >= CELLS_SHOWN)
        return;
    comparison_title(c, t->out);
    for (guint i = 0; i < p->nr_params; i++)
        g_string_append_printf(t->out, ", %s %s", sweep_plan_header(p)[PLAN_PARAM + i], params[i]);
    g_string_append(t->out, "\n\n");
    comparison_table(c, t->out);
    g_string_append_c(t->out, '\n');
}

static guint
count_cells(const struct sweep_plan *p)
{
    guint nr = p->nr > 0;

    for (guint i = 1; i < p->nr; i++)
        nr += !sweep_plan_same_cell(p, i - 1, i);
    return nr;
}

static bool
print_tables(const struct sweep *s)
{
    g_autoptr(GString) out = g_string_new(NULL);
    struct tables t = { s, out, 0 };
    const struct sweep_source source = { s->plan, NULL, sweep_get_result, (void *)(gsize)s };

    if (count_cells(s->plan) > CELLS_SHOWN)
        return true;
    sweep_each_cell(&source, add_table, &t);
    return cli_print(out->str);
}

bool
sweep_say(const struct sweep *s, const struct sweep_counts *c, bool drawn)
{
    bool printed = true;

    if (c->failed > 0)
        say_column(s, 0, "failed");
    if (s->o.quiet)
        return true;
    say_column(s, 1, "warning");
    if (c->missing == 0 && s->nr_shards == 1)
        printed = print_tables(s);
    g_printerr("%u points: %u done, %u failed", c->done + c->failed + c->missing, c->done,
               c->failed);
    if (c->missing > 0)
        g_printerr(", %u missing", c->missing);
    g_printerr("; results in %s%s%s%s\n", s->folder.dir, drawn ? ", pictures in " : "",
               drawn ? s->folder.dir : "", drawn ? "/plots" : "");
    return printed;
}

/*
 * The tables of a sweep.
 *
 * Both are written in the order of the plan and one cell at a time, from texts that runs have left:
 * so neither the order in which points ended nor the folder where they ran can be seen in them, and
 * a large sweep needs the memory of its largest cell.
 */
#include "report/sweep_table.h"

void
sweep_payload_begin(GString *payload, const char *message, const char *warnings)
{
    struct csv *c = csv_memory(payload);

    csv_text(c, message);
    csv_text(c, warnings);
    csv_end_row(c);
    csv_close(c, NULL);
}

/* The names of the columns that run_report_rows() has, of the run or of its parts. */
static GStrv
columns_of(bool run)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct csv *c = csv_memory(text);

    if (!run)
        csv_more(c, "scope,id");
    metrics_header(c, run);
    csv_close(c, NULL);
    g_autoptr(GPtrArray) rows = csv_parse(text->str);
    return g_strdupv(g_ptr_array_index(rows, 0));
}

static bool
is_shown(const struct sweep_source *s, guint point)
{
    return s->shown == NULL || s->shown[point];
}

/* ---- points.csv ---- */

/* What the plan says of a point already. */
enum { IDENTITY_COLUMNS = 4 }; /* topology, workload, policy, seed */

static void
fields(struct csv *out, GStrv row, guint from, guint to)
{
    for (guint i = from; i < to && row[i] != NULL; i++)
        csv_text(out, row[i]);
}

static void
point_row(struct csv *out, const struct sweep_source *s, guint point, guint nr_columns)
{
    struct point_result r = { 0 };

    s->get(point, &r, s->data);
    g_autoptr(GPtrArray) rows = csv_parse(r.payload != NULL ? r.payload : "");
    fields(out, sweep_plan_row(s->plan, point), 0, PLAN_PARAM + s->plan->nr_params + 2);
    csv_text(out, r.status);
    if (r.payload != NULL)
        csv_int(out, r.code);
    else
        csv_empty(out);
    if (rows->len > 0)
        fields(out, g_ptr_array_index(rows, 0), 0, 2);
    else
        csv_more(out, ",");
    if (rows->len > 1)
        fields(out, g_ptr_array_index(rows, 1), IDENTITY_COLUMNS, G_MAXUINT);
    for (guint i = IDENTITY_COLUMNS; rows->len <= 1 && i < nr_columns; i++)
        csv_empty(out);
    csv_end_row(out);
    g_free(r.payload);
}

bool
sweep_write_points(const struct sweep_source *s, const char *dir, GError **error)
{
    g_auto(GStrv) columns = columns_of(true);
    struct csv *out = csv_create(dir, "points.csv", error);

    if (out == NULL)
        return false;
    fields(out, sweep_plan_header(s->plan), 0, PLAN_PARAM + s->plan->nr_params + 2);
    csv_more(out, "status,code,message,warnings");
    fields(out, columns, IDENTITY_COLUMNS, G_MAXUINT);
    csv_end_row(out);
    for (guint point = 0; point < s->plan->nr; point++)
        if (is_shown(s, point))
            point_row(out, s, point, g_strv_length(columns));
    return csv_close(out, error);
}

/* ---- sweep.csv ---- */

/* Names in the order in which they were first met. */
struct names {
    GPtrArray *list;
    GHashTable *places; /* name: its place in the list */
};

static struct names
names_new(void)
{
    return (struct names){ g_ptr_array_new(), g_hash_table_new(g_str_hash, g_str_equal) };
}

static void
names_clear(struct names *n)
{
    g_ptr_array_unref(n->list);
    g_hash_table_unref(n->places);
}

static guint
place_of(const struct names *n, const char *name)
{
    gpointer place;

    if (g_hash_table_lookup_extended(n->places, name, NULL, &place))
        return GPOINTER_TO_UINT(place);
    g_hash_table_insert(n->places, (gpointer)(gsize)name, GUINT_TO_POINTER(n->list->len));
    g_ptr_array_add(n->list, (gpointer)(gsize)name);
    return n->list->len - 1;
}

struct cell_names {
    struct names policies, seeds;
};

/* The baseline is the first of the policies, whether it is there or not. */
static struct cell_names
names_of_cell(const struct sweep_plan *p, guint begin, guint end)
{
    struct cell_names n = { names_new(), names_new() };

    place_of(&n.policies, sweep_plan_baseline(p, begin));
    for (guint i = begin; i < end; i++) {
        place_of(&n.policies, sweep_plan_policy(p, i));
        place_of(&n.seeds, sweep_plan_seed(p, i));
    }
    return n;
}

static void
add_point(const struct sweep_source *s, struct comparison *c, const struct cell_names *n,
          guint point, GStrv run, GStrv part)
{
    struct point_result r = { 0 };

    s->get(point, &r, s->data);
    g_autoptr(GPtrArray) rows = csv_parse(r.payload != NULL ? r.payload : "");
    for (guint i = 1; i < rows->len; i++)
        comparison_add_row(c, place_of(&n->policies, sweep_plan_policy(s->plan, point)),
                           place_of(&n->seeds, sweep_plan_seed(s->plan, point)),
                           i == 1 ? run : part, g_ptr_array_index(rows, i));
    g_free(r.payload);
}

static struct comparison *
compare_cell(const struct sweep_source *s, guint begin, guint end, GStrv run, GStrv part)
{
    GStrv first = sweep_plan_row(s->plan, begin);
    struct cell_names n = names_of_cell(s->plan, begin, end);
    guint nr_seeds = n.seeds.list->len;

    g_ptr_array_add(n.policies.list, NULL);
    struct comparison *c = comparison_new(first[PLAN_TOPOLOGY], first[PLAN_WORKLOAD],
                                          (const char *const *)n.policies.list->pdata, nr_seeds);
    g_ptr_array_set_size(n.policies.list, (gint)n.policies.list->len - 1);
    for (guint i = begin; i < end; i++)
        if (is_shown(s, i))
            add_point(s, c, &n, i, run, part);
    names_clear(&n.policies);
    names_clear(&n.seeds);
    return c;
}

void
sweep_each_cell(const struct sweep_source *s,
                void (*cell)(const struct comparison *c, const char *const *params, void *data),
                void *data)
{
    g_auto(GStrv) run = columns_of(true), part = columns_of(false);

    for (guint begin = 0, end; begin < s->plan->nr; begin = end) {
        for (end = begin + 1; end < s->plan->nr && sweep_plan_same_cell(s->plan, begin, end);)
            end++;
        struct comparison *c = compare_cell(s, begin, end, run, part);
        g_autoptr(GPtrArray) params = g_ptr_array_new();
        for (guint i = 0; i < s->plan->nr_params; i++)
            g_ptr_array_add(params, sweep_plan_row(s->plan, begin)[PLAN_PARAM + i]);
        g_ptr_array_add(params, NULL);
        cell(c, (const char *const *)params->pdata, data);
        comparison_free(c);
    }
}

static void
write_cell_rows(const struct comparison *c, const char *const *params, void *data)
{
    comparison_rows(c, data, params);
}

bool
sweep_write_table(const struct sweep_source *s, const char *dir, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    struct csv *out = csv_create(dir, "sweep.csv", error);

    if (out == NULL)
        return false;
    for (guint i = 0; i < s->plan->nr_params; i++)
        g_ptr_array_add(names, sweep_plan_header(s->plan)[PLAN_PARAM + i]);
    g_ptr_array_add(names, NULL);
    comparison_header(out, (const char *const *)names->pdata);
    sweep_each_cell(s, write_cell_rows, out);
    return csv_close(out, error);
}

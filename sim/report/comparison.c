/*
 * Comparisons.
 *
 * The values travel through the CSV files of the runs: shortest round-trip numbers lose nothing,
 * and a comparison that is made again from folders on the disk, or from runs of other machines,
 * gives the same bytes. A value that a run leaves empty is left out of mean and ratio, with its
 * seed.
 */
#include "report/comparison.h"

#include <math.h>

#include "report/comparison_impl.h"

static void
subject_free(gpointer data)
{
    struct subject *s = data;

    g_free(s->scope);
    g_free(s->id);
    g_free(s->values);
    g_free(s);
}

static guint
count_metrics(void)
{
    guint nr = 0;

    while (metrics[nr].name != NULL)
        nr++;
    return nr;
}

struct comparison *
comparison_new(const char *topology, const char *workload, const char *const *policies,
               guint nr_seeds)
{
    struct comparison *c = g_new0(struct comparison, 1);

    c->topology = g_strdup(topology);
    c->workload = g_strdup(workload);
    c->policies = g_strdupv((char **)(void *)(uintptr_t)policies);
    c->nr_policies = g_strv_length(c->policies);
    c->nr_seeds = nr_seeds;
    c->nr_metrics = count_metrics();
    c->subjects = g_ptr_array_new_with_free_func(subject_free);
    return c;
}

void
comparison_free(struct comparison *c)
{
    if (c == NULL)
        return;
    g_free(c->topology);
    g_free(c->workload);
    g_strfreev(c->policies);
    g_ptr_array_unref(c->subjects);
    g_free(c);
}

/* ---- reading ---- */

static struct subject *
subject_get(struct comparison *c, const char *scope, const char *id)
{
    for (guint i = 0; i < c->subjects->len; i++) {
        struct subject *s = g_ptr_array_index(c->subjects, i);
        if (strcmp(s->scope, scope) == 0 && strcmp(s->id, id) == 0)
            return s;
    }
    gsize nr = (gsize)c->nr_policies * c->nr_seeds * c->nr_metrics;
    struct subject *s = g_new0(struct subject, 1);
    *s = (struct subject){ g_strdup(scope), g_strdup(id), g_new(double, nr) };
    for (gsize i = 0; i < nr; i++)
        s->values[i] = NAN;
    g_ptr_array_add(c->subjects, s);
    return s;
}

static const char *
field_of(GStrv header, GStrv row, const char *name)
{
    for (guint i = 0; header[i] != NULL && row[i] != NULL; i++)
        if (strcmp(header[i], name) == 0)
            return row[i];
    return NULL;
}

void
comparison_add_row(struct comparison *c, guint policy, guint seed, GStrv header, GStrv row)
{
    const char *scope = field_of(header, row, "scope"), *id = field_of(header, row, "id");
    struct subject *s = subject_get(c, scope != NULL ? scope : "run", id != NULL ? id : "");

    for (guint m = 0; m < c->nr_metrics; m++) {
        const char *text = field_of(header, row, metrics[m].name);
        if (!metrics[m].identity && text != NULL && *text != '\0')
            s->values[value_index(c, policy, seed, m)] = g_ascii_strtod(text, NULL);
    }
}

static bool
take_file(struct comparison *c, guint policy, guint seed, const char *dir, const char *name,
          GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GPtrArray) rows = csv_read(path, error);

    if (rows == NULL)
        return false;
    for (guint i = 1; i < rows->len; i++)
        comparison_add_row(c, policy, seed, g_ptr_array_index(rows, 0), g_ptr_array_index(rows, i));
    return true;
}

bool
comparison_add(struct comparison *c, guint policy, guint seed, const char *dir, GError **error)
{
    return take_file(c, policy, seed, dir, "summary.csv", error) &&
           take_file(c, policy, seed, dir, "processes.csv", error);
}

/* ---- one cell ---- */

bool
comparison_cell(const struct comparison *c, const struct subject *s, guint policy, guint metric,
                struct cell *out)
{
    g_autofree double *x = g_new(double, c->nr_seeds), *pair = g_new(double, c->nr_seeds),
                      *base = g_new(double, c->nr_seeds);
    guint n = 0, pairs = 0;

    for (guint seed = 0; seed < c->nr_seeds; seed++) {
        double value = s->values[value_index(c, policy, seed, metric)];
        double first = s->values[value_index(c, 0, seed, metric)];
        if (!isfinite(value))
            continue;
        x[n++] = value;
        if (isfinite(first)) {
            pair[pairs] = value;
            base[pairs++] = first;
        }
    }
    if (n == 0)
        return false;
    repeat_stats(x, n, &out->stats);
    ratio_stats(pair, base, pairs, &out->ratio);
    return true;
}

/* ---- compare.csv ---- */

static void
write_cell(struct csv *out, const struct comparison *c, const char *const *extra,
           const struct subject *s, guint policy, guint metric)
{
    struct cell cell;

    if (metrics[metric].identity || !comparison_cell(c, s, policy, metric, &cell))
        return;
    csv_text(out, c->topology);
    csv_text(out, c->workload);
    for (; extra != NULL && *extra != NULL; extra++)
        csv_text(out, *extra);
    csv_text(out, c->policies[policy]);
    csv_text(out, s->scope);
    csv_text(out, s->id);
    csv_text(out, metrics[metric].name);
    csv_text(out, metrics[metric].unit);
    csv_uint(out, cell.stats.n);
    csv_real(out, cell.stats.mean);
    csv_real(out, cell.stats.stddev);
    csv_real(out, cell.stats.ci95_low);
    csv_real(out, cell.stats.ci95_high);
    csv_real(out, cell.stats.median);
    csv_real(out, cell.ratio.ratio);
    csv_real(out, cell.ratio.ci95_low);
    csv_real(out, cell.ratio.ci95_high);
    csv_end_row(out);
}

/* A row of its own: not a column of the runs. */
static void
write_gap(struct csv *out, const struct comparison *c, const char *const *extra, guint policy)
{
    struct repeat_stats gap;

    if (!comparison_gap(c, policy, &gap))
        return;
    csv_text(out, c->topology);
    csv_text(out, c->workload);
    for (; extra != NULL && *extra != NULL; extra++)
        csv_text(out, *extra);
    csv_text(out, c->policies[policy]);
    csv_text(out, "run");
    csv_text(out, "");
    csv_text(out, "gap_to_best");
    csv_text(out, "ratio");
    csv_uint(out, gap.n);
    csv_real(out, gap.mean);
    csv_real(out, gap.stddev);
    csv_real(out, gap.ci95_low);
    csv_real(out, gap.ci95_high);
    csv_real(out, gap.median);
    for (int i = 0; i < 3; i++) /* a ratio of gaps says nothing */
        csv_real(out, NAN);
    csv_end_row(out);
}

void
comparison_header(struct csv *out, const char *const *extra)
{
    csv_text(out, "topology");
    csv_text(out, "workload");
    for (; extra != NULL && *extra != NULL; extra++)
        csv_text(out, *extra);
    csv_more(out, "policy,scope,id,metric,unit,n,mean,stddev,ci95_low,ci95_high,median,"
                  "vs_baseline,vs_baseline_ci95_low,vs_baseline_ci95_high");
    csv_end_row(out);
}

void
comparison_rows(const struct comparison *c, struct csv *out, const char *const *extra)
{
    for (guint policy = 0; policy < c->nr_policies; policy++) {
        for (guint i = 0; i < c->subjects->len; i++)
            for (guint m = 0; m < c->nr_metrics; m++)
                write_cell(out, c, extra, g_ptr_array_index(c->subjects, i), policy, m);
        write_gap(out, c, extra, policy);
    }
}

bool
comparison_write(const struct comparison *c, const char *dir, GError **error)
{
    struct csv *out = csv_create(dir, "compare.csv", error);

    if (out == NULL)
        return false;
    comparison_header(out, NULL);
    comparison_rows(c, out, NULL);
    return csv_close(out, error);
}

/*
 * Samples.
 *
 * How long a run will take is often not known before it ends, so no fixed interval is right: it
 * starts short, and whenever there are too many samples every second one is dropped and the
 * interval doubles. The times of the samples that remain depend on simulated time alone. An
 * interval that the user chose stays until it would take all memory; then the same happens, and is
 * said.
 *
 * That a sample may be dropped decides how it is kept: counters are kept as they stood and only
 * turned into rates and ratios, between neighbours, when the file is written.
 */
#include "report/samples.h"

#include "kernel/memory_model.h"

#include <math.h>

#include "report/samples_impl.h"

enum { FIRST_INTERVAL = 1000000, SAMPLES_MOST = 400, CHOSEN_MOST = 100000 };

struct series {
    char *scope, *id, *metric;
    enum series_kind kind;
    guint index;
};

static void
series_free(gpointer data)
{
    struct series *s = data;

    g_free(s->scope);
    g_free(s->id);
    g_free(s->metric);
    g_free(s);
}

static void
sample_free(gpointer data)
{
    struct sample *s = data;

    g_array_unref(s->points);
    g_array_unref(s->cells);
    g_free(s);
}

struct samples *
samples_new(const struct kernel *k, sim_time interval)
{
    struct samples *s = g_new0(struct samples, 1);

    s->kernel = k;
    s->node_load_max = g_new0(uint32_t, k->machine->nr_nodes);
    s->link_load_max = g_new0(uint32_t, k->machine->nr_links + 1);
    s->adaptive = interval == 0;
    s->interval = interval != 0 ? interval : FIRST_INTERVAL;
    s->next = s->interval;
    s->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    s->series = g_ptr_array_new_with_free_func(series_free);
    s->all = g_ptr_array_new_with_free_func(sample_free);
    return s;
}

void
samples_free(struct samples *s)
{
    if (s == NULL)
        return;
    g_hash_table_unref(s->by_name);
    g_ptr_array_unref(s->series);
    g_ptr_array_unref(s->all);
    g_free(s->node_load_max);
    g_free(s->link_load_max);
    g_free(s);
}

sim_time
samples_next(const struct samples *s)
{
    return s->next;
}

sim_time
samples_interval(const struct samples *s)
{
    return s->interval;
}

static guint
series_index(struct samples *s, enum series_kind kind, const char *scope, const char *id,
             const char *metric)
{
    g_autofree char *name = g_strdup_printf("%s\037%s\037%s", scope, id, metric);
    struct series *found = g_hash_table_lookup(s->by_name, name);

    if (found == NULL) {
        found = g_new0(struct series, 1);
        *found = (struct series){ g_strdup(scope), g_strdup(id), g_strdup(metric), kind,
                                  s->series->len };
        g_ptr_array_add(s->series, found);
        g_hash_table_insert(s->by_name, g_steal_pointer(&name), found);
    }
    return found->index;
}

void
sample_add(struct samples *s, struct sample *to, enum series_kind kind, const char *scope,
           const char *id, const char *metric, double a, double b)
{
    struct point p = { series_index(s, kind, scope, id, metric), a, b };

    g_array_append_val(to->points, p);
}

/* Every second sample goes: those at odd multiples of the interval. */
static void
thin_out(struct samples *s)
{
    s->interval *= 2;
    for (guint i = s->all->len; i-- > 0;) {
        const struct sample *at = g_ptr_array_index(s->all, i);
        if (at->time % s->interval != 0)
            g_ptr_array_remove_index(s->all, i);
    }
}

void
samples_take(struct samples *s)
{
    struct sample *to = g_new0(struct sample, 1);

    to->time = s->kernel->engine.now;
    to->points = g_array_new(FALSE, FALSE, sizeof(struct point));
    to->cells = g_array_new(FALSE, FALSE, sizeof(struct cell));
    samples_look(s, to);
    g_ptr_array_add(s->all, to);
    if (s->all->len >= (s->adaptive ? SAMPLES_MOST : CHOSEN_MOST))
        thin_out(s);
    s->next = (to->time / s->interval + 1) * s->interval;
}

/* ---- reading ---- */

double
samples_node_load_max(const struct samples *s, uint32_t node)
{
    return s->kernel->memory->node_load != NULL ? s->node_load_max[node] / 1000.0 : NAN;
}

double
samples_link_load_max(const struct samples *s, uint32_t link)
{
    return s->kernel->memory->link_load != NULL ? s->link_load_max[link] / 1000.0 : NAN;
}

/* ---- writing ---- */

/* The gain since the sample before; a counter that began again (warm-up) counts from 0. */
static double
gained(double now, double before)
{
    return now >= before ? now - before : now;
}

static double
point_value(enum series_kind kind, const struct point *p, const struct point *before, sim_time span)
{
    if (kind == SERIES_LEVEL)
        return p->a;
    double a = gained(p->a, before->a), b = gained(p->b, before->b);
    if (kind == SERIES_RATE)
        return span > 0 ? a * 1e9 / (double)span : NAN;
    return a + b > 0 ? a / (a + b) : NAN;
}

static void
write_sample(const struct samples *s, struct csv *c, const struct sample *at, sim_time span,
             struct point *before)
{
    for (guint i = 0; i < at->points->len; i++) {
        const struct point *p = &g_array_index(at->points, struct point, i);
        const struct series *of = g_ptr_array_index(s->series, p->series);
        double value = point_value(of->kind, p, &before[p->series], span);
        before[p->series] = *p;
        if (!isfinite(value))
            continue;
        csv_uint(c, at->time);
        csv_text(c, of->scope);
        csv_text(c, of->id);
        csv_text(c, of->metric);
        csv_real(c, value);
        csv_end_row(c);
    }
}

bool
samples_write(const struct samples *s, const char *dir, GError **error)
{
    struct csv *c = csv_create(dir, "timeseries.csv", error);
    g_autofree struct point *before = g_new0(struct point, s->series->len + 1);
    sim_time last = 0;

    if (c == NULL)
        return false;
    csv_header(c, "time_ns,scope,id,metric,value");
    for (guint i = 0; i < s->all->len; i++) {
        const struct sample *at = g_ptr_array_index(s->all, i);
        write_sample(s, c, at, at->time - last, before);
        last = at->time;
    }
    return csv_close(c, error) && samples_write_pages(s, dir, error);
}

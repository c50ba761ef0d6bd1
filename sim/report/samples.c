/*
 * Samples.
 *
 * How long a run will take is often not known before it ends, so no fixed interval is right: it
 * starts short, and whenever there are too many samples every second one is dropped and the
 * interval doubles. The times of the samples that remain depend on simulated time alone.
 *
 * That a sample may be dropped decides how it is kept: counters are kept as they stood and only
 * turned into rates and ratios, between neighbours, when the file is written.
 */
#include "report/samples.h"

#include <math.h>

#include "kernel/mm.h"

enum { FIRST_INTERVAL = 1000000, SAMPLES_MOST = 400 };

/* What grows with a square, or with the workload, has a limit: the first processes have series of
 * their own, and pairs of nodes have them on machines of which one could draw the pairs. */
enum { PROCESSES_MOST = 32, PAIRED_NODES_MOST = 16 };

enum series_kind {
    SERIES_LEVEL, /* written as it is */
    SERIES_RATE,  /* per second since the sample before */
    SERIES_RATIO, /* gained in a / gained in a + b, since the sample before */
};

struct series {
    char *scope, *id, *metric;
    enum series_kind kind;
    guint index;
};

struct point {
    guint series;
    double a, b;
};

struct sample {
    sim_time time;
    GArray *points;
};

struct samples {
    const struct kernel *kernel;
    sim_time interval, next;
    bool adaptive;
    GHashTable *by_name; /* "scope\037id\037metric" to struct series */
    GPtrArray *series;   /* in the order of their first appearance */
    GPtrArray *all;      /* struct sample */
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
    g_free(s);
}

struct samples *
samples_new(const struct kernel *k, sim_time interval)
{
    struct samples *s = g_new0(struct samples, 1);

    s->kernel = k;
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
    g_free(s);
}

sim_time
samples_next(const struct samples *s)
{
    return s->next;
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

static void
add(struct samples *s, struct sample *to, enum series_kind kind, const char *scope, const char *id,
    const char *metric, double a, double b)
{
    struct point p = { series_index(s, kind, scope, id, metric), a, b };

    g_array_append_val(to->points, p);
}

/* ---- looking ---- */

/* Accesses of the running burst since it was last charged, by the mix that is known. */
static void
uncharged(const struct kernel *k, const struct task *p, double *local, double *remote)
{
    const struct rq *rq = &k->rqs[p->cpu];

    if (p->state != TASK_RUNNING || rq->curr != p || p->mem == NULL || p->mem->mix_node < 0 ||
        p->profile == NULL || rq->node < 0 || k->engine.now <= rq->burst_at)
        return;
    double work = (double)(k->engine.now - rq->burst_at) * rq->rate / RATE_FULL;
    double misses = work * p->profile->misses_q20 / (1 << 20);
    double share = p->mem->mix.share_q16[rq->node] / 65536.0;
    *local += misses * share;
    *remote += misses * (1 - share);
}

static void
process_accesses(const struct kernel *k, const struct process *pr, double *local, double *remote)
{
    for (uint32_t i = 0; i < pr->nr_members; i++) {
        const struct task *p = pr->members[i];
        *local += (double)p->stats.accesses_local;
        *remote += (double)p->stats.accesses_remote;
        uncharged(k, p, local, remote);
    }
}

static void
look_at_memory(struct samples *s, struct sample *to, const struct process *pr)
{
    const struct machine *m = s->kernel->machine;

    if (pr->mm == NULL)
        return;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        uint64_t bytes = 0;
        for (const struct region *r = pr->mm->regions; r != NULL; r = r->next)
            bytes += region_whole(r)->count[n] * r->page_size;
        g_autofree char *metric = g_strdup_printf("node%u_bytes", m->nodes[n].os_index);
        add(s, to, SERIES_LEVEL, "process", pr->name, metric, (double)bytes, 0);
    }
}

static void
look_at_processes(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;
    double all_local = 0, all_remote = 0;
    guint whole = series_index(s, SERIES_RATIO, "run", "", "local_access_ratio");

    for (uint32_t i = 0; i < k->nr_processes; i++) {
        double local = 0, remote = 0;
        process_accesses(k, k->processes[i], &local, &remote);
        if (i < PROCESSES_MOST) {
            add(s, to, SERIES_RATIO, "process", k->processes[i]->name, "local_access_ratio", local,
                remote);
            look_at_memory(s, to, k->processes[i]);
        }
        all_local += local;
        all_remote += remote;
    }
    struct point p = { whole, all_local, all_remote };
    g_array_append_val(to->points, p);
}

static void
look_at_nodes(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;
    const struct machine *m = k->machine;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        g_autofree char *id = g_strdup_printf("%u", m->nodes[n].os_index);
        uint32_t running = 0, runnable = 0;
        for_each_cpu (cpu, m->nodes[n].cpus) {
            running += k->rqs[cpu].curr != NULL;
            runnable += k->rqs[cpu].nr_running;
        }
        add(s, to, SERIES_LEVEL, "node", id, "running", running, 0);
        add(s, to, SERIES_LEVEL, "node", id, "runnable", runnable, 0);
        if (k->mm != NULL)
            add(s, to, SERIES_LEVEL, "node", id, "free_bytes",
                (double)k->mm->nodes[n].free_pages * PAGE_4K, 0);
    }
}

static void
look_at_traffic(struct samples *s, struct sample *to)
{
    const struct kernel *k = s->kernel;
    const struct machine *m = k->machine;

    for (uint32_t from = 0; from < m->nr_nodes && m->nr_nodes <= PAIRED_NODES_MOST; from++)
        for (uint32_t at = 0; at < m->nr_nodes; at++) {
            uint64_t bytes = k->traffic[from * m->nr_nodes + at];
            g_autofree char *id =
                g_strdup_printf("%u-%u", m->nodes[from].os_index, m->nodes[at].os_index);
            if (bytes > 0)
                add(s, to, SERIES_RATE, "node_pair", id, "bytes_per_s", (double)bytes, 0);
        }
    for (uint32_t l = 0; l < m->nr_links && k->memory->link_load != NULL; l++)
        add(s, to, SERIES_LEVEL, "link", m->links[l].name, "utilisation_ratio",
            k->memory->link_load(k, l) / 1000.0, 0);
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
    look_at_processes(s, to);
    look_at_nodes(s, to);
    look_at_traffic(s, to);
    g_ptr_array_add(s->all, to);
    if (s->adaptive && s->all->len >= SAMPLES_MOST)
        thin_out(s);
    s->next = (to->time / s->interval + 1) * s->interval;
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
    return csv_close(c, error);
}

/* The tables of `perf sched` for a run. They always show all of it: a table of half the tasks
 * would have delays that nobody caused. */
#include "report/csv.h"
#include "report/sched_tables.h"
#include "report/trace_impl.h"

#include <errno.h>
#include <glib/gstdio.h>

struct tables {
    struct sched_tables *t;
    FILE *timehist, *map;
    int failed; /* errno */
    GHashTable *named;
};

static FILE *
create(struct tables *x, const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    FILE *f = g_fopen(path, "wbe");

    if (f == NULL)
        x->failed = errno;
    return f;
}

static void
start(struct trace_writer *w)
{
    struct tables *x = g_new0(struct tables, 1);

    w->priv = x;
    x->timehist = create(x, w->path, "timehist.txt");
    x->map = create(x, w->path, "map.txt");
    x->named = g_hash_table_new(NULL, NULL);
    x->t = sched_tables_new(&(struct sched_tables_options){
        .nr_cpus = w->kernel->machine->nr_cpus, .timehist = x->timehist, .map = x->map });
    sched_tables_begin(x->t, kernel_now(w->kernel));
}

static uint32_t
number_of(struct tables *x, const struct task *p)
{
    uint32_t pid = trace_pid(p);

    if (p != NULL && g_hash_table_add(x->named, GUINT_TO_POINTER(pid)))
        sched_tables_name(x->t, pid, p->name);
    return pid;
}

static void
event(struct trace_writer *w, const struct traced_event *e)
{
    struct tables *x = w->priv;
    uint32_t task = number_of(x, e->task), other = number_of(x, e->other);

    switch (e->kind) {
    case TRACED_SWITCH:
        sched_tables_switch(x->t, e->time, (uint32_t)e->cpu, task, e->state, other);
        break;
    case TRACED_WAKEUP:
        sched_tables_wakeup(x->t, e->time, task);
        break;
    case TRACED_MIGRATE:
        sched_tables_migrate(x->t, e->time, task, (uint32_t)e->from, (uint32_t)e->to);
        break;
    case TRACED_FORK:
        sched_tables_fork(x->t, other, task);
        break;
    default:
        break;
    }
}

static void
nothing(struct trace_writer *w, sim_time now)
{
    (void)w, (void)now;
}

static void
close_table(struct tables *x, FILE **file)
{
    FILE *f = *file;

    *file = NULL;
    if (f == NULL)
        return;
    bool failed = ferror(f) != 0;
    if ((fclose(f) != 0 || failed) && x->failed == 0)
        x->failed = errno != 0 ? errno : EIO;
}

static bool
finish(struct trace_writer *w, sim_time now, GError **error)
{
    struct tables *x = w->priv;
    g_autoptr(GString) latency = g_string_new(NULL), summary = g_string_new(NULL);

    sched_tables_end(x->t, now);
    sched_tables_latency(x->t, latency);
    sched_tables_summary(x->t, summary);
    if (x->timehist != NULL)
        fputs(summary->str, x->timehist);
    close_table(x, &x->timehist);
    close_table(x, &x->map);
    if (x->failed == 0)
        return write_whole_file(w->path, "latency.txt", latency->str, error);
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(x->failed),
                "%s: tables cannot be written: %s", w->path, g_strerror(x->failed));
    return false;
}

static void
tables_free(struct trace_writer *w)
{
    struct tables *x = w->priv;

    if (x == NULL)
        return;
    close_table(x, &x->timehist);
    close_table(x, &x->map);
    sched_tables_free(x->t);
    g_hash_table_destroy(x->named);
    g_free(x);
}

const struct trace_writer_ops trace_tables = {
    .start = start,
    .open = nothing,
    .event = event,
    .close = nothing,
    .finish = finish,
    .free = tables_free,
};

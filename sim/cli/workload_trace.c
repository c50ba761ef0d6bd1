/*
 * A recording, shown: first what the replay would do with it, then the tables that `perf sched`
 * would print. Both are made while the trace is read once, so that its size does not matter.
 */
#include "cli/workload_trace.h"

#include "cli/options.h"
#include "config/import_trace_workload.h"
#include "report/sched_tables.h"

struct show {
    struct trace_compiler *compiler;
    struct sched_tables *tables;
};

static void
table_event(struct sched_tables *t, const struct trace_event *e)
{
    uint32_t task = (uint32_t)MAX(e->task.pid, 0), other = (uint32_t)MAX(e->other.pid, 0);

    if (task > 0)
        sched_tables_name(t, task, e->task.comm);
    if (other > 0)
        sched_tables_name(t, other, e->other.comm);
    switch (e->kind) {
    case TRACE_SWITCH:
        sched_tables_switch(t, e->time, e->cpu, task, e->preempted ? '+' : e->state, other);
        break;
    case TRACE_WAKEUP:
    case TRACE_WAKEUP_NEW:
        sched_tables_wakeup(t, e->time, task);
        break;
    case TRACE_MIGRATE:
        sched_tables_migrate(t, e->time, task, e->cpu, e->target_cpu);
        break;
    case TRACE_RUNTIME:
        sched_tables_runtime(t, e->time, task, e->runtime);
        break;
    case TRACE_FORK:
        sched_tables_fork(t, task, other);
        break;
    default:
        break;
    }
}

static void
show_event(void *priv, const struct trace_event *e)
{
    struct show *s = priv;

    trace_compiler_event(s->compiler, e);
    table_event(s->tables, e);
}

/* ---- what was understood ---- */

static gint
by_run_time(gconstpointer a, gconstpointer b)
{
    const struct trace_story *x = a, *y = b;

    return x->run_ns != y->run_ns ? (x->run_ns < y->run_ns ? 1 : -1) : x->pid - y->pid;
}

static void
add_head(GString *s, const char *path, const struct trace_counts *c, GArray *stories,
         const struct trace_story_counts *n)
{
    guint64 bursts = 0, by_tasks = 0, outside = 0, run = 0;
    guint kthreads = 0;

    for (guint i = 0; i < stories->len; i++) {
        const struct trace_story *t = &g_array_index(stories, struct trace_story, i);
        bursts += t->bursts;
        by_tasks += t->woken_by_tasks;
        outside += t->woken_from_outside;
        run += t->run_ns;
        kthreads += t->kthread;
    }
    g_string_append_printf(s, "%s: %s, %.6f s on %u CPUs\n\n", path, c->dialect,
                           (double)n->length / 1e9, n->nr_cpus);
    for (int i = 0; i < TRACE_KIND_NR; i++)
        if (c->events[i] > 0)
            g_string_append_printf(s, "  %-20s %" G_GUINT64_FORMAT "\n", trace_kind_names[i],
                                   c->events[i]);
    g_string_append_printf(
        s,
        "\n  tasks                %u (%u kernel threads)\n"
        "  bursts               %" G_GUINT64_FORMAT "\n"
        "  dependencies         %" G_GUINT64_FORMAT " waits ended by a task\n"
        "  timers, external     %" G_GUINT64_FORMAT " waits ended from outside\n"
        "  CPU time             %.6f s\n"
        "  lost                 %" G_GUINT64_FORMAT " switches do not fit what ran before them\n\n",
        stories->len, kthreads, bursts, by_tasks, outside, (double)run / 1e9, n->mismatches);
}

static void
add_tasks(GString *s, GArray *stories)
{
    enum { MOST = 40 };

    g_array_sort(stories, by_run_time);
    g_string_append_printf(s, "  %-24s %12s %8s %10s %10s %8s %6s\n", "task", "CPU ms", "bursts",
                           "by tasks", "external", "wakes", "forks");
    for (guint i = 0; i < MIN(stories->len, (guint)MOST); i++) {
        const struct trace_story *t = &g_array_index(stories, struct trace_story, i);
        g_autofree char *name = g_strdup_printf("%s:%d", t->comm, t->pid);
        g_string_append_printf(s,
                               "  %-24s %12.3f %8" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT
                               " %10" G_GUINT64_FORMAT " %8" G_GUINT64_FORMAT " %6" G_GUINT64_FORMAT
                               "\n",
                               name, (double)t->run_ns / 1e6, t->bursts, t->woken_by_tasks,
                               t->woken_from_outside, t->wakes, t->forks);
    }
    if (stories->len > MOST)
        g_string_append_printf(s, "  ... and %u tasks with less CPU time\n", stories->len - MOST);
    g_string_append_c(s, '\n');
}

static bool
print_recording(const char *path, struct show *show, const struct trace_counts *counts)
{
    struct trace_story_counts n;
    g_autoptr(GArray) stories = trace_compiler_stories(show->compiler, &n);
    g_autoptr(GString) s = g_string_new(NULL);

    add_head(s, path, counts, stories, &n);
    add_tasks(s, stories);
    sched_tables_latency(show->tables, s);
    sched_tables_summary(show->tables, s);
    return cli_print(s->str);
}

static void
print_notes(const struct diag *d)
{
    g_autofree char *text = diag_text(d);

    g_printerr("%s", text);
    for (guint i = 0; i < d->notes->len; i++)
        g_printerr("note: %s\n", (const char *)g_ptr_array_index(d->notes, i));
}

int
workload_trace_show(const char *path, const struct workload_trace_options *o)
{
    const struct sched_tables_options tables = { .timehist = o->timehist ? stdout : NULL,
                                                 .map = o->map ? stdout : NULL };
    g_autoptr(GPtrArray) memory = g_ptr_array_new_with_free_func(g_free);
    struct trace_options options = { .memory = memory };
    struct trace_counts counts;
    struct diag d;
    int code = EXIT_INPUT;

    inputs_diag_init(&d);
    if (trace_options_read(&options, (const char *const *)o->set, &d)) {
        struct show show = { trace_compiler_new(&options), sched_tables_new(&tables) };
        const struct trace_sink sink = { &show, show_event };
        if (trace_read_file(path, &sink, &counts, &d))
            code = print_recording(path, &show, &counts) ? EXIT_DONE : EXIT_OUTPUT;
        trace_compiler_free(show.compiler);
        sched_tables_free(show.tables);
    }
    print_notes(&d);
    diag_clear(&d);
    return code;
}

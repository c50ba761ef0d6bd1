/*
 * Chrome's trace-event JSON: rows of CPUs by node, rows of threads by process, arrows, counters.
 *
 * Slices are pairs of B and E rather than single X events: an X is known when it ends but sorted by
 * its beginning, so it could only be written in order by holding back everything since the longest
 * open slice began. Pairs are in order as they happen, memory stays flat, and a file that was cut
 * short still opens.
 *
 * A thread changes its state several times within an instant (it is woken, moved, and runs). Only
 * the last state of an instant is drawn: changes are put on a list that is worked off when time
 * moves on. Arrows need both ends inside slices: a wake-up leaves from the waker's slice on its CPU
 * and arrives in the new state of the woken thread; a migration leaves from the thread's present
 * state and arrives where it next runs. An arrow still in flight when its row closes lands there.
 */
#include "report/trace_chrome_impl.h"

/* ---- time ---- */

/* What has changed in the instant that is over. */
static void
settle_instant(struct trace_writer *w)
{
    struct chrome *c = w->priv;

    for (guint i = 0; i < c->pending->len; i++)
        chrome_row_draw(w, g_ptr_array_index(c->pending, i));
    g_ptr_array_set_size(c->pending, 0);
    if (w->open && c->now - c->counted_at >= COUNTER_INTERVAL)
        chrome_count(w);
}

static void
advance(struct trace_writer *w, sim_time now)
{
    struct chrome *c = w->priv;

    if (now == c->now)
        return;
    settle_instant(w);
    c->now = now;
}

/* ---- the window ---- */

static void
start(struct trace_writer *w)
{
    struct chrome *c = g_new0(struct chrome, 1);
    const struct machine *m = w->kernel->machine;

    w->priv = c;
    c->rows = g_ptr_array_new_with_free_func(g_free);
    c->pending = g_ptr_array_new();
    c->curr = g_new0(struct task *, m->nr_cpus);
    c->open = g_new0(bool, m->nr_cpus);
    c->nodes = g_new0(struct node_row, m->nr_nodes);
    c->processes = g_hash_table_new(NULL, NULL);
    trace_out_text(w->out, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"program\":\"numasim\","
                           "\"topology\":\"");
    trace_out_escaped(w->out, m->name);
    trace_out_text(w->out, "\"},\"traceEvents\":[");
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        g_autofree char *name = g_strdup_printf("node %u", m->nodes[n].os_index);
        chrome_put_name(w, "process", PID_NODES + n, 0, name, n);
    }
    for_each_cpu (cpu, m->online) {
        g_autofree char *name = g_strdup_printf("CPU %d", cpu);
        if (trace_filter_cpu(w->filter, cpu))
            chrome_put_name(w, "thread", chrome_cpu_pid(w, cpu), (uint32_t)cpu, name,
                            (uint32_t)cpu);
    }
}

static bool
shows_on_cpu(struct trace_writer *w, int32_t cpu, struct task *p)
{
    return w->open && p != NULL && trace_filter_cpu(w->filter, cpu) && chrome_row_of(w, p)->wanted;
}

/* The window begins in the middle of things. */
static void
open_window(struct trace_writer *w, sim_time now)
{
    struct chrome *c = w->priv;

    w->open = false;
    settle_instant(w);
    w->open = true;
    c->now = now;
    for (uint32_t cpu = 0; cpu < w->kernel->machine->nr_cpus; cpu++)
        if (shows_on_cpu(w, (int32_t)cpu, c->curr[cpu]))
            chrome_cpu_begin(w, (int32_t)cpu, c->curr[cpu]);
    for (guint i = 0; i < c->rows->len; i++)
        if (g_ptr_array_index(c->rows, i) != NULL)
            chrome_row_draw(w, g_ptr_array_index(c->rows, i));
    chrome_count(w);
}

static void
close_window(struct trace_writer *w, sim_time now)
{
    struct chrome *c = w->priv;

    advance(w, now);
    settle_instant(w);
    chrome_count(w);
    for (uint32_t cpu = 0; cpu < w->kernel->machine->nr_cpus; cpu++)
        if (c->open[cpu])
            chrome_cpu_end(w, (int32_t)cpu, NULL);
    w->open = false;
    for (guint i = 0; i < c->rows->len; i++)
        if (g_ptr_array_index(c->rows, i) != NULL)
            chrome_row_draw(w, g_ptr_array_index(c->rows, i));
}

/* ---- events ---- */

static const char *
end_text(const struct traced_event *e)
{
    switch (e->state) {
    case '+':
    case 'R':
        return "preempted";
    case 'D':
        return "waits for I/O";
    case 'S':
        return e->task->state == TASK_BLOCKED ? "blocks" : "sleeps";
    default:
        return "exits";
    }
}

static enum row_state
row_state_after(const struct traced_event *e)
{
    switch (e->state) {
    case '+':
    case 'R':
        return ROW_RUNNABLE;
    case 'D':
    case 'S':
        return e->task->state == TASK_BLOCKED ? ROW_BLOCKED : ROW_SLEEPING;
    default:
        return ROW_NONE;
    }
}

static void
switch_in(struct trace_writer *w, int32_t cpu, struct task *p)
{
    struct thread_row *r = chrome_row_of(w, p);

    chrome_row_set(w, r, ROW_RUNNING);
    if (!shows_on_cpu(w, cpu, p))
        return;
    chrome_cpu_begin(w, cpu, p);
    if (r->moved_by != 0)
        chrome_put_arrow(w, 'f', chrome_cpu_pid(w, cpu), (uint32_t)cpu, "migration", r->moved_by);
    r->moved_by = 0;
}

static void
on_switch(struct trace_writer *w, const struct traced_event *e)
{
    struct chrome *c = w->priv;

    if (c->open[e->cpu])
        chrome_cpu_end(w, e->cpu, end_text(e));
    if (e->task != NULL)
        chrome_row_set(w, chrome_row_of(w, e->task), row_state_after(e));
    c->curr[e->cpu] = e->other;
    if (e->other != NULL)
        switch_in(w, e->cpu, e->other);
}

static void
on_wakeup(struct trace_writer *w, const struct traced_event *e)
{
    struct chrome *c = w->priv;
    struct thread_row *r = chrome_row_of(w, e->task);

    chrome_row_set(w, r, ROW_RUNNABLE);
    if (e->irq || !c->open[e->cpu] || r->woken_by != 0 || !r->wanted ||
        !trace_filter_cpu(w->filter, e->to))
        return;
    r->woken_by = ++c->arrow;
    chrome_put_arrow(w, 's', chrome_cpu_pid(w, e->cpu), (uint32_t)e->cpu, "wakeup", r->woken_by);
}

static void
on_migrate(struct trace_writer *w, const struct traced_event *e)
{
    struct chrome *c = w->priv;
    struct thread_row *r = chrome_row_of(w, e->task);

    chrome_count_waiting(w, r);
    if (r->shown == ROW_NONE || r->moved_by != 0)
        return;
    r->moved_by = ++c->arrow;
    chrome_put_arrow(w, 's', chrome_row_pid(r), trace_pid(e->task), "migration", r->moved_by);
}

static void
on_mark(struct trace_writer *w, const struct traced_event *e)
{
    struct thread_row *r = chrome_row_of(w, e->task);
    bool pages = e->kind == TRACED_PAGES;

    if (r->shown == ROW_NONE)
        return;
    chrome_begin(w, 'i', chrome_row_pid(r), trace_pid(e->task));
    chrome_put_text(w, ",\"s\":\"t\",\"cat\":\"numa\",\"name\":\"",
                    pages ? "pages migrate" : "NUMA move");
    chrome_put_number(
        w, pages ? ",\"args\":{\"from_node\":" : ",\"args\":{\"from_cpu\":", (uint64_t)e->from);
    chrome_put_number(w, pages ? ",\"to_node\":" : ",\"to_cpu\":", (uint64_t)e->to);
    if (pages)
        chrome_put_number(w, ",\"pages\":", e->pages);
    trace_out_text(w->out, "}}");
}

static void
event(struct trace_writer *w, const struct traced_event *e)
{
    static void (*const handlers[])(struct trace_writer *, const struct traced_event *) = {
        [TRACED_SWITCH] = on_switch,  [TRACED_WAKEUP] = on_wakeup, [TRACED_MIGRATE] = on_migrate,
        [TRACED_NUMA_MOVE] = on_mark, [TRACED_PAGES] = on_mark,
    };
    advance(w, e->time);
    if (e->kind < G_N_ELEMENTS(handlers) && handlers[e->kind] != NULL)
        handlers[e->kind](w, e);
}

static bool
finish(struct trace_writer *w, sim_time now, GError **error)
{
    (void)now, (void)error;
    trace_out_text(w->out, "\n]}\n");
    return true;
}

static void
chrome_free(struct trace_writer *w)
{
    struct chrome *c = w->priv;

    if (c == NULL)
        return;
    g_ptr_array_free(c->rows, TRUE);
    g_ptr_array_free(c->pending, TRUE);
    g_free(c->curr);
    g_free(c->open);
    g_free(c->nodes);
    g_hash_table_destroy(c->processes);
    g_free(c);
}

const struct trace_writer_ops trace_chrome = {
    .suffix = ".json",
    .start = start,
    .open = open_window,
    .event = event,
    .close = close_window,
    .finish = finish,
    .free = chrome_free,
};

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
#include "report/trace_impl.h"

#include "kernel/mm.h"

enum row_state { ROW_NONE, ROW_RUNNABLE, ROW_RUNNING, ROW_SLEEPING, ROW_BLOCKED };
static const char *const row_names[] = { [ROW_RUNNABLE] = "runnable",
                                         [ROW_RUNNING] = "running",
                                         [ROW_SLEEPING] = "sleeping",
                                         [ROW_BLOCKED] = "blocked" };

enum { COUNTER_INTERVAL = MSEC(1), PID_NODES = 1, PID_PROCESSES = 1000 };

/* A thread's row, by task number. */
struct thread_row {
    struct task *task;
    enum row_state now, shown;
    bool wanted, pending, named;
    struct node_row *waits_on;   /* counted there; NULL: it does not wait */
    uint64_t woken_by, moved_by; /* arrows in flight; 0: none */
};

struct node_row {
    uint64_t free_bytes;
    uint32_t running, waiting;
    uint32_t nr_waiting; /* at present; the other figures are those last written */
    bool known;
};

struct chrome {
    GPtrArray *rows;    /* struct thread_row */
    GPtrArray *pending; /* the same, whose state has changed in this instant */
    struct task **curr; /* by CPU */
    bool *open;         /* CPU: a slice is open */
    struct node_row *nodes;
    GHashTable *processes; /* named ones, by id */
    sim_time now, counted_at;
    uint64_t arrow;
    bool begun;
};

/* ---- one event ---- */

/* {"ph":"B","ts":1.000,"pid":1,"tid":0 */
static void
begin(struct trace_writer *w, char ph, uint32_t pid, uint32_t tid)
{
    struct chrome *c = w->priv;
    char head[] = "{\"ph\":\"B\"";

    head[7] = ph;
    trace_out_text(w->out, c->begun ? ",\n" : "\n");
    trace_out_text(w->out, head);
    if (ph != 'M') {
        trace_out_text(w->out, ",\"ts\":");
        trace_out_us(w->out, c->now);
        w->nr_events++;
    }
    trace_out_text(w->out, ",\"pid\":");
    trace_out_uint(w->out, pid);
    trace_out_text(w->out, ",\"tid\":");
    trace_out_uint(w->out, tid);
    c->begun = true;
}

static void
put_text(struct trace_writer *w, const char *before, const char *text)
{
    trace_out_text(w->out, before);
    trace_out_escaped(w->out, text);
    trace_out_text(w->out, "\"");
}

static void
put_number(struct trace_writer *w, const char *before, uint64_t number)
{
    trace_out_text(w->out, before);
    trace_out_uint(w->out, number);
}

static void
end(struct trace_writer *w)
{
    trace_out_text(w->out, "}");
}

static void
put_name(struct trace_writer *w, const char *what, uint32_t pid, uint32_t tid, const char *name,
         uint32_t order)
{
    begin(w, 'M', pid, tid);
    trace_out_text(w->out, ",\"name\":\"");
    trace_out_text(w->out, what);
    put_text(w, "_name\",\"args\":{\"name\":\"", name);
    trace_out_text(w->out, "}}");
    begin(w, 'M', pid, tid);
    trace_out_text(w->out, ",\"name\":\"");
    trace_out_text(w->out, what);
    put_number(w, "_sort_index\",\"args\":{\"sort_index\":", order);
    trace_out_text(w->out, "}}");
}

static void
put_arrow(struct trace_writer *w, char ph, uint32_t pid, uint32_t tid, const char *kind,
          uint64_t id)
{
    begin(w, ph, pid, tid);
    put_text(w, ",\"cat\":\"", kind);
    put_text(w, ",\"name\":\"", kind);
    put_number(w, ",\"id\":", id);
    if (ph == 'f')
        trace_out_text(w->out, ",\"bp\":\"e\"");
    end(w);
}

/* ---- rows of CPUs ---- */

static uint32_t
cpu_pid(const struct trace_writer *w, int32_t cpu)
{
    return PID_NODES + (uint32_t)w->kernel->machine->cpus[cpu].node;
}

static void
cpu_begin(struct trace_writer *w, int32_t cpu, const struct task *p)
{
    struct chrome *c = w->priv;

    begin(w, 'B', cpu_pid(w, cpu), (uint32_t)cpu);
    put_text(w, ",\"cat\":\"run\",\"name\":\"", p->name);
    put_number(w, ",\"args\":{\"pid\":", trace_pid(p));
    trace_out_text(w->out, "}}");
    c->open[cpu] = true;
}

static void
cpu_end(struct trace_writer *w, int32_t cpu, const char *why)
{
    struct chrome *c = w->priv;

    begin(w, 'E', cpu_pid(w, cpu), (uint32_t)cpu);
    if (why != NULL) {
        put_text(w, ",\"args\":{\"end\":\"", why);
        trace_out_text(w->out, "}");
    }
    end(w);
    c->open[cpu] = false;
}

/* ---- rows of threads ---- */

static uint32_t
row_pid(const struct thread_row *r)
{
    return PID_PROCESSES + r->task->process->id;
}

static struct thread_row *
row_of(struct trace_writer *w, struct task *p)
{
    struct chrome *c = w->priv;

    if (p->id >= c->rows->len)
        g_ptr_array_set_size(c->rows, (gint)p->id + 1);
    struct thread_row *r = g_ptr_array_index(c->rows, p->id);
    if (r == NULL) {
        r = g_new0(struct thread_row, 1);
        *r = (struct thread_row){ .task = p, .wanted = trace_filter_task(w->filter, p) };
        g_ptr_array_index(c->rows, p->id) = r;
    }
    return r;
}

static void
name_row(struct trace_writer *w, struct thread_row *r)
{
    struct chrome *c = w->priv;
    const struct process *pr = r->task->process;

    if (r->named)
        return;
    r->named = true;
    if (g_hash_table_add(c->processes, GUINT_TO_POINTER(pr->id)))
        put_name(w, "process", row_pid(r), 0, pr->name, PID_PROCESSES + pr->id);
    put_name(w, "thread", row_pid(r), trace_pid(r->task), r->task->name, r->task->id);
}

static void
land(struct trace_writer *w, struct thread_row *r, const char *kind, uint64_t *arrow)
{
    if (*arrow != 0)
        put_arrow(w, 'f', row_pid(r), trace_pid(r->task), kind, *arrow);
    *arrow = 0;
}

static void
row_end(struct trace_writer *w, struct thread_row *r)
{
    begin(w, 'E', row_pid(r), trace_pid(r->task));
    end(w);
    r->shown = ROW_NONE;
}

/* Draws the state that the thread has come to. */
static void
row_draw(struct trace_writer *w, struct thread_row *r)
{
    bool visible =
        w->open && r->wanted && (trace_filter_cpu(w->filter, r->task->cpu) || r->woken_by != 0);
    enum row_state want = visible ? r->now : ROW_NONE;

    r->pending = false;
    if (want == ROW_NONE && r->shown != ROW_NONE) {
        land(w, r, "wakeup", &r->woken_by);
        land(w, r, "migration", &r->moved_by);
    }
    if (want != r->shown) {
        if (r->shown != ROW_NONE)
            row_end(w, r);
        if (want != ROW_NONE) {
            name_row(w, r);
            begin(w, 'B', row_pid(r), trace_pid(r->task));
            put_text(w, ",\"cat\":\"state\",\"name\":\"", row_names[want]);
            end(w);
        }
        r->shown = want;
    }
    land(w, r, "wakeup", &r->woken_by);
}

static void
count_waiting(struct trace_writer *w, struct thread_row *r)
{
    struct chrome *c = w->priv;
    int32_t node = w->kernel->machine->cpus[r->task->cpu].node;

    if (r->waits_on != NULL)
        r->waits_on->nr_waiting--;
    r->waits_on = r->now == ROW_RUNNABLE ? &c->nodes[node] : NULL;
    if (r->waits_on != NULL)
        r->waits_on->nr_waiting++;
}

static void
row_set(struct trace_writer *w, struct thread_row *r, enum row_state state)
{
    struct chrome *c = w->priv;

    r->now = state;
    count_waiting(w, r);
    if (!r->pending)
        g_ptr_array_add(c->pending, r);
    r->pending = true;
}

/* ---- counters ---- */

static void
count_node(struct trace_writer *w, uint32_t node)
{
    struct chrome *c = w->priv;
    struct node_row *n = &c->nodes[node];
    uint64_t free_bytes = w->kernel->mm->nodes[node].free_pages * PAGE_4K;
    uint32_t running = 0;

    for_each_cpu (cpu, w->kernel->machine->nodes[node].cpus)
        running += c->curr[cpu] != NULL;
    if (!n->known || n->free_bytes != free_bytes) {
        begin(w, 'C', PID_NODES + node, 0);
        put_number(w, ",\"name\":\"free memory\",\"args\":{\"bytes\":", free_bytes);
        trace_out_text(w->out, "}}");
    }
    if (!n->known || n->running != running || n->waiting != n->nr_waiting) {
        begin(w, 'C', PID_NODES + node, 0);
        put_number(w, ",\"name\":\"tasks\",\"args\":{\"running\":", running);
        put_number(w, ",\"waiting\":", n->nr_waiting);
        trace_out_text(w->out, "}}");
    }
    *n = (struct node_row){ free_bytes, running, n->nr_waiting, n->nr_waiting, true };
}

static void
count(struct trace_writer *w)
{
    struct chrome *c = w->priv;

    for (uint32_t n = 0; n < w->kernel->machine->nr_nodes; n++)
        count_node(w, n);
    c->counted_at = c->now;
}

/* ---- time ---- */

/* What has changed in the instant that is over. */
static void
settle_instant(struct trace_writer *w)
{
    struct chrome *c = w->priv;

    for (guint i = 0; i < c->pending->len; i++)
        row_draw(w, g_ptr_array_index(c->pending, i));
    g_ptr_array_set_size(c->pending, 0);
    if (w->open && c->now - c->counted_at >= COUNTER_INTERVAL)
        count(w);
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
        put_name(w, "process", PID_NODES + n, 0, name, n);
    }
    for_each_cpu (cpu, m->online) {
        g_autofree char *name = g_strdup_printf("CPU %d", cpu);
        if (trace_filter_cpu(w->filter, cpu))
            put_name(w, "thread", cpu_pid(w, cpu), (uint32_t)cpu, name, (uint32_t)cpu);
    }
}

static bool
shows_on_cpu(struct trace_writer *w, int32_t cpu, struct task *p)
{
    return w->open && p != NULL && trace_filter_cpu(w->filter, cpu) && row_of(w, p)->wanted;
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
            cpu_begin(w, (int32_t)cpu, c->curr[cpu]);
    for (guint i = 0; i < c->rows->len; i++)
        if (g_ptr_array_index(c->rows, i) != NULL)
            row_draw(w, g_ptr_array_index(c->rows, i));
    count(w);
}

static void
close_window(struct trace_writer *w, sim_time now)
{
    struct chrome *c = w->priv;

    advance(w, now);
    settle_instant(w);
    count(w);
    for (uint32_t cpu = 0; cpu < w->kernel->machine->nr_cpus; cpu++)
        if (c->open[cpu])
            cpu_end(w, (int32_t)cpu, NULL);
    w->open = false;
    for (guint i = 0; i < c->rows->len; i++)
        if (g_ptr_array_index(c->rows, i) != NULL)
            row_draw(w, g_ptr_array_index(c->rows, i));
}

/* ---- events ---- */

static const char *
end_text(const struct traced_event *e)
{
    switch (e->state) {
    case '+':
    case 'R':
        return "preempted";
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
    case 'S':
        return e->task->state == TASK_BLOCKED ? ROW_BLOCKED : ROW_SLEEPING;
    default:
        return ROW_NONE;
    }
}

static void
switch_in(struct trace_writer *w, int32_t cpu, struct task *p)
{
    struct thread_row *r = row_of(w, p);

    row_set(w, r, ROW_RUNNING);
    if (!shows_on_cpu(w, cpu, p))
        return;
    cpu_begin(w, cpu, p);
    if (r->moved_by != 0)
        put_arrow(w, 'f', cpu_pid(w, cpu), (uint32_t)cpu, "migration", r->moved_by);
    r->moved_by = 0;
}

static void
on_switch(struct trace_writer *w, const struct traced_event *e)
{
    struct chrome *c = w->priv;

    if (c->open[e->cpu])
        cpu_end(w, e->cpu, end_text(e));
    if (e->task != NULL)
        row_set(w, row_of(w, e->task), row_state_after(e));
    c->curr[e->cpu] = e->other;
    if (e->other != NULL)
        switch_in(w, e->cpu, e->other);
}

static void
on_wakeup(struct trace_writer *w, const struct traced_event *e)
{
    struct chrome *c = w->priv;
    struct thread_row *r = row_of(w, e->task);

    row_set(w, r, ROW_RUNNABLE);
    if (e->irq || !c->open[e->cpu] || r->woken_by != 0 || !r->wanted ||
        !trace_filter_cpu(w->filter, e->to))
        return;
    r->woken_by = ++c->arrow;
    put_arrow(w, 's', cpu_pid(w, e->cpu), (uint32_t)e->cpu, "wakeup", r->woken_by);
}

static void
on_migrate(struct trace_writer *w, const struct traced_event *e)
{
    struct chrome *c = w->priv;
    struct thread_row *r = row_of(w, e->task);

    count_waiting(w, r);
    if (r->shown == ROW_NONE || r->moved_by != 0)
        return;
    r->moved_by = ++c->arrow;
    put_arrow(w, 's', row_pid(r), trace_pid(e->task), "migration", r->moved_by);
}

static void
on_mark(struct trace_writer *w, const struct traced_event *e)
{
    struct thread_row *r = row_of(w, e->task);
    bool pages = e->kind == TRACED_PAGES;

    if (r->shown == ROW_NONE)
        return;
    begin(w, 'i', row_pid(r), trace_pid(e->task));
    put_text(w, ",\"s\":\"t\",\"cat\":\"numa\",\"name\":\"", pages ? "pages migrate" : "NUMA move");
    put_number(w,
               pages ? ",\"args\":{\"from_node\":" : ",\"args\":{\"from_cpu\":", (uint64_t)e->from);
    put_number(w, pages ? ",\"to_node\":" : ",\"to_cpu\":", (uint64_t)e->to);
    if (pages)
        put_number(w, ",\"pages\":", e->pages);
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

/*
 * Perfetto's own format: events of the scheduler as ftrace records them, names of processes and
 * threads, marks where NUMA balancing moved something, and the free memory of nodes.
 *
 * Written as ftrace events, switches and wake-ups become what Perfetto makes of a real recording:
 * rows of CPUs, states of threads, and tables for SQL (scheduling latency among them). It sorts by
 * time when it reads, so events wait in a bundle for each CPU, which is written when it is full: a
 * bundle for each event would be larger than the event.
 *
 * Field numbers are those of perfetto_trace.proto. States of a switched-out task are those of a
 * kernel from 4.14 on, which is why the file says of which kernel it is.
 */
#include "report/trace_perfetto_impl.h"

/* ---- events of the kernel ---- */

enum { FLAG_HARDIRQ = 0x08 };

static void
add_task(GByteArray *m, const struct task *p, int32_t cpu, guint first)
{
    char comm[TRACE_COMM_LEN];

    pb_text(m, first, trace_comm(p, cpu, comm));
    pb_int(m, first + 1, trace_pid(p));
    pb_int(m, first + 2, trace_prio(p));
}

static guint
add_switch(GByteArray *m, const struct traced_event *e)
{
    add_task(m, e->task, e->cpu, 1);
    pb_int(m, 4, trace_state_bits(e->state));
    add_task(m, e->other, e->cpu, 5);
    return 4;
}

static guint
add_waking(GByteArray *m, const struct traced_event *e)
{
    add_task(m, e->task, 0, 1);
    pb_int(m, 4, 1); /* success */
    pb_int(m, 5, e->to);
    return e->kind == TRACED_WAKING ? 20 : e->first ? 114 : 17;
}

static guint
add_migrate(GByteArray *m, const struct traced_event *e)
{
    add_task(m, e->task, 0, 1);
    pb_int(m, 4, e->from);
    pb_int(m, 5, e->to);
    return 491;
}

static guint
add_fork(GByteArray *m, const struct traced_event *e)
{
    char comm[TRACE_COMM_LEN];

    pb_text(m, 1, trace_comm(e->other, 0, comm));
    pb_int(m, 2, trace_pid(e->other));
    pb_text(m, 3, trace_comm(e->task, 0, comm));
    pb_int(m, 4, trace_pid(e->task));
    return 239;
}

static guint
add_exit(GByteArray *m, const struct traced_event *e)
{
    char comm[TRACE_COMM_LEN];

    pb_text(m, 1, trace_comm(e->task, 0, comm));
    pb_int(m, 2, trace_pid(e->task));
    pb_int(m, 3, trace_tgid(e->task));
    pb_int(m, 4, trace_prio(e->task));
    return 238;
}

/* What a kind of event says, and the field of an event that holds it; NULL: no event of the kernel
 * that Perfetto knows, but a mark. */
static guint (*const payloads[])(GByteArray *m, const struct traced_event *e) = {
    [TRACED_SWITCH] = add_switch,   [TRACED_WAKING] = add_waking, [TRACED_WAKEUP] = add_waking,
    [TRACED_MIGRATE] = add_migrate, [TRACED_FORK] = add_fork,     [TRACED_EXIT] = add_exit,
    [TRACED_NUMA_MOVE] = NULL,      [TRACED_PAGES] = NULL,
};

static void
flush_bundle(struct trace_writer *w, uint32_t cpu)
{
    struct perfetto *f = w->priv;

    if (f->bundles[cpu] == NULL || f->bundles[cpu]->len == 0)
        return;
    g_byte_array_set_size(f->inner, 0);
    pb_int(f->inner, 1, cpu);
    g_byte_array_append(f->inner, f->bundles[cpu]->data, f->bundles[cpu]->len);
    g_byte_array_set_size(f->bundles[cpu], 0);
    perfetto_packet(w, 1, f->inner);
}

static void
put_event(struct trace_writer *w, const struct traced_event *e)
{
    struct perfetto *f = w->priv;

    g_byte_array_set_size(f->inner, 0);
    g_byte_array_set_size(f->event, 0);
    guint field = payloads[e->kind](f->inner, e);
    pb_int(f->event, 1, (gint64)e->time);
    pb_int(f->event, 2, trace_pid(e->actor));
    pb_message(f->event, field, f->inner);
    if (e->irq)
        pb_int(f->event, 5, FLAG_HARDIRQ);
    if (f->bundles[e->cpu] == NULL)
        f->bundles[e->cpu] = g_byte_array_sized_new(BUNDLE_BYTES + 256);
    pb_message(f->bundles[e->cpu], 2, f->event);
    if (f->bundles[e->cpu]->len >= BUNDLE_BYTES)
        flush_bundle(w, (uint32_t)e->cpu);
}

/* ---- the writer ---- */

static void
event(struct trace_writer *w, const struct traced_event *e)
{
    if (!w->open || !trace_wanted(w->filter, e))
        return;
    perfetto_name_task(w, e->time, e->actor);
    perfetto_name_task(w, e->time, e->task);
    if (e->other != NULL)
        perfetto_name_task(w, e->time, e->other);
    perfetto_count(w, e->time, false);
    if (payloads[e->kind] != NULL)
        put_event(w, e);
    else
        perfetto_mark(w, e);
    w->nr_events++;
}

static void
start(struct trace_writer *w)
{
    struct perfetto *f = g_new0(struct perfetto, 1);
    const struct machine *m = w->kernel->machine;

    w->priv = f;
    f->bundles = g_new0(GByteArray *, m->nr_cpus);
    f->nodes = g_new0(struct perfetto_node, m->nr_nodes);
    f->tasks = g_array_new(FALSE, TRUE, sizeof(struct perfetto_task));
    f->packet = g_byte_array_new();
    f->inner = g_byte_array_new();
    f->event = g_byte_array_new();
    f->part = g_byte_array_new();
    f->processes = g_hash_table_new(NULL, NULL);
    perfetto_begin(w);
}

static void
open_window(struct trace_writer *w, sim_time now)
{
    perfetto_count(w, now, true);
}

static void
close_window(struct trace_writer *w, sim_time now)
{
    perfetto_count(w, now, true);
    for (uint32_t cpu = 0; cpu < w->kernel->machine->nr_cpus; cpu++)
        flush_bundle(w, cpu);
}

static bool
finish(struct trace_writer *w, sim_time now, GError **error)
{
    (void)w, (void)now, (void)error;
    return true;
}

static void
perfetto_free(struct trace_writer *w)
{
    struct perfetto *f = w->priv;

    if (f == NULL)
        return;
    for (uint32_t cpu = 0; cpu < w->kernel->machine->nr_cpus; cpu++)
        if (f->bundles[cpu] != NULL)
            g_byte_array_unref(f->bundles[cpu]);
    g_free(f->bundles);
    g_free(f->nodes);
    g_array_unref(f->tasks);
    g_byte_array_unref(f->packet);
    g_byte_array_unref(f->inner);
    g_byte_array_unref(f->event);
    g_byte_array_unref(f->part);
    g_hash_table_destroy(f->processes);
    g_free(f);
}

const struct trace_writer_ops trace_perfetto = {
    .suffix = ".pftrace",
    .start = start,
    .open = open_window,
    .event = event,
    .close = close_window,
    .finish = finish,
    .free = perfetto_free,
};

#include "report/trace_perfetto_impl.h"

#include "kernel/mm.h"

enum { COUNTER_INTERVAL = MSEC(1), SEQUENCE = 1, UNIT_SIZE_BYTES = 3 };
enum { EVENT_INSTANT = 3, EVENT_COUNTER = 4 };

/* Tracks have numbers of their own: nodes from 1 on, threads above them. */
static gint64
node_track(uint32_t node)
{
    return 1 + (gint64)node;
}

static gint64
thread_track(const struct task *p)
{
    return ((gint64)1 << 32) + trace_pid(p);
}

static void
begin_packet(struct perfetto *f)
{
    g_byte_array_set_size(f->packet, 0);
    pb_int(f->packet, 10, SEQUENCE);
}

static void
end_packet(struct trace_writer *w)
{
    struct perfetto *f = w->priv;

    g_byte_array_set_size(f->part, 0);
    pb_message(f->part, 1, f->packet);
    trace_out_bytes(w->out, f->part->data, f->part->len);
}

void
perfetto_packet(struct trace_writer *w, guint field, const GByteArray *inner)
{
    struct perfetto *f = w->priv;

    begin_packet(f);
    pb_message(f->packet, field, inner);
    end_packet(w);
}

static void
timed_packet(struct trace_writer *w, sim_time now, guint field, const GByteArray *inner)
{
    struct perfetto *f = w->priv;

    begin_packet(f);
    pb_int(f->packet, 8, (gint64)now);
    pb_message(f->packet, field, inner);
    end_packet(w);
}

void
perfetto_begin(struct trace_writer *w)
{
    struct perfetto *f = w->priv;

    g_byte_array_set_size(f->part, 0);
    pb_text(f->part, 1, "Linux");
    pb_text(f->part, 2, "simulated by numasim");
    pb_text(f->part, 3, "6.12.0");
    g_byte_array_set_size(f->inner, 0);
    pb_message(f->inner, 1, f->part); /* utsname */
    begin_packet(f);
    pb_int(f->packet, 13, 1); /* nothing of this sequence was said before */
    pb_message(f->packet, 45, f->inner);
    end_packet(w);
}

/* ---- threads ---- */

static struct perfetto_task *
state_of(struct perfetto *f, const struct task *p)
{
    if (p->id >= f->tasks->len)
        g_array_set_size(f->tasks, p->id + 1);
    return &g_array_index(f->tasks, struct perfetto_task, p->id);
}

/* A name as protocol buffers want it. */
static void
add_name(GByteArray *m, guint field, const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);

    pb_text(m, field, valid);
}

void
perfetto_name_task(struct trace_writer *w, sim_time now, const struct task *p)
{
    struct perfetto *f = w->priv;

    if (p == NULL || state_of(f, p)->named)
        return;
    state_of(f, p)->named = true;
    uint32_t tgid = trace_tgid(p);
    g_byte_array_set_size(f->inner, 0);
    if (g_hash_table_add(f->processes, GUINT_TO_POINTER(tgid))) {
        g_byte_array_set_size(f->part, 0);
        pb_int(f->part, 1, tgid);
        add_name(f->part, 3, p->process->name);
        pb_message(f->inner, 1, f->part);
    }
    g_byte_array_set_size(f->part, 0);
    pb_int(f->part, 1, trace_pid(p));
    add_name(f->part, 2, p->comm != NULL ? p->comm : p->name);
    pb_int(f->part, 3, tgid);
    pb_message(f->inner, 2, f->part);
    timed_packet(w, now, 2, f->inner);
}

/* ---- marks ---- */

static void
describe_thread(struct trace_writer *w, const struct task *p)
{
    struct perfetto *f = w->priv;

    if (state_of(f, p)->has_track)
        return;
    state_of(f, p)->has_track = true;
    g_byte_array_set_size(f->part, 0);
    pb_int(f->part, 1, trace_tgid(p));
    pb_int(f->part, 2, trace_pid(p));
    g_byte_array_set_size(f->inner, 0);
    pb_int(f->inner, 1, thread_track(p));
    pb_message(f->inner, 4, f->part);
    perfetto_packet(w, 60, f->inner);
}

static void
annotate(struct perfetto *f, const char *name, gint64 value)
{
    g_byte_array_set_size(f->part, 0);
    pb_text(f->part, 10, name);
    pb_int(f->part, 4, value);
    pb_message(f->inner, 4, f->part);
}

void
perfetto_mark(struct trace_writer *w, const struct traced_event *e)
{
    struct perfetto *f = w->priv;
    bool pages = e->kind == TRACED_PAGES;

    describe_thread(w, e->task);
    g_byte_array_set_size(f->inner, 0);
    pb_int(f->inner, 9, EVENT_INSTANT);
    pb_int(f->inner, 11, thread_track(e->task));
    pb_text(f->inner, 22, "numa");
    pb_text(f->inner, 23, pages ? "pages migrate" : "NUMA move");
    annotate(f, pages ? "from_node" : "from_cpu", e->from);
    annotate(f, pages ? "to_node" : "to_cpu", e->to);
    if (pages)
        annotate(f, "pages", (gint64)e->pages);
    timed_packet(w, e->time, 11, f->inner);
}

/* ---- counters ---- */

static void
describe_node(struct trace_writer *w, uint32_t node)
{
    struct perfetto *f = w->priv;
    g_autofree char *name =
        g_strdup_printf("node %u: free memory", w->kernel->machine->nodes[node].os_index);

    g_byte_array_set_size(f->part, 0);
    pb_int(f->part, 3, UNIT_SIZE_BYTES);
    g_byte_array_set_size(f->inner, 0);
    pb_int(f->inner, 1, node_track(node));
    pb_text(f->inner, 2, name);
    pb_message(f->inner, 8, f->part);
    perfetto_packet(w, 60, f->inner);
}

static void
count_node(struct trace_writer *w, sim_time now, uint32_t node)
{
    struct perfetto *f = w->priv;
    struct perfetto_node *n = &f->nodes[node];
    uint64_t free_bytes = w->kernel->mm->nodes[node].free_pages * PAGE_4K;

    if (n->known && n->free_bytes == free_bytes)
        return;
    if (!n->known)
        describe_node(w, node);
    *n = (struct perfetto_node){ free_bytes, true };
    g_byte_array_set_size(f->inner, 0);
    pb_int(f->inner, 9, EVENT_COUNTER);
    pb_int(f->inner, 11, node_track(node));
    pb_int(f->inner, 30, (gint64)free_bytes);
    timed_packet(w, now, 11, f->inner);
}

void
perfetto_count(struct trace_writer *w, sim_time now, bool at_once)
{
    struct perfetto *f = w->priv;

    if (!at_once && now - f->counted_at < COUNTER_INTERVAL)
        return;
    f->counted_at = now;
    for (uint32_t n = 0; n < w->kernel->machine->nr_nodes; n++)
        count_node(w, now, n);
}

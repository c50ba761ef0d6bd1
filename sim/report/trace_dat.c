/*
 * trace.dat of trace-cmd (version 6): for kernelshark and `trace-cmd report`.
 *
 * The file is a head that describes every event, and for each CPU the pages of its ring buffer as
 * the kernel keeps them. Debian's libtracecmd reads it, but what it has for writing copies a
 * kernel's own files and is in no header, so pages and head are made here; tests read them with
 * the library and with trace-cmd.
 *
 * How many pages a CPU has is only known at the end, and its pages stand together. So full pages go
 * to a file without a name, and are put in order when the run is over.
 *
 * Readers merge CPUs by time and nothing else. Events of one instant of the simulation get times a
 * nanosecond apart, in the order in which they happened, as a clock that never repeats gives them.
 */
#include "report/trace_dat_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct ring {
    guint8 page[DAT_PAGE];
    guint used; /* bytes behind the header */
    sim_time last;
    GArray *pages; /* guint64: where the full ones are in the spool, in pages */
};

struct dat {
    struct ring **rings; /* by CPU; NULL: had no event */
    int spool;
    guint64 nr_spooled;
    int error; /* errno of the first failure */
    sim_time last;
};

static void
put(guint8 *at, guint64 value, guint bytes)
{
    guint64 little = GUINT64_TO_LE(value);

    memcpy(at, &little, bytes);
}

/* ---- pages ---- */

static void
spool_page(struct dat *d, struct ring *r)
{
    guint8 *from = r->page;
    gsize left = DAT_PAGE;

    put(r->page + 8, r->used, 8);
    memset(r->page + DAT_PAGE_HEADER + r->used, 0, DAT_PAGE - DAT_PAGE_HEADER - r->used);
    while (left > 0 && d->error == 0) {
        gssize n = write(d->spool, from, left);

        if (n < 0 && errno != EINTR)
            d->error = errno;
        from += MAX(n, 0);
        left -= (gsize)MAX(n, 0);
    }
    g_array_append_val(r->pages, d->nr_spooled);
    d->nr_spooled++;
    r->used = 0;
}

static struct ring *
ring_of(struct dat *d, int32_t cpu)
{
    if (d->rings[cpu] == NULL) {
        d->rings[cpu] = g_new0(struct ring, 1);
        d->rings[cpu]->pages = g_array_new(FALSE, FALSE, sizeof(guint64));
    }
    return d->rings[cpu];
}

/* Room for a record, and its head: 5 bits of length in words, 27 of time since the one before; more
 * time stands in an entry of its own (30). */
static guint8 *
reserve(struct dat *d, int32_t cpu, sim_time time, guint length)
{
    enum { DELTA_BITS = 27, TIME_EXTEND = 30 };
    struct ring *r = ring_of(d, cpu);
    guint words = (length + 3) / 4;

    if (DAT_PAGE_HEADER + r->used + 8 + 4 + words * 4 > DAT_PAGE)
        spool_page(d, r);
    if (r->used == 0) {
        put(r->page, time, 8);
        r->last = time;
    }
    guint8 *at = r->page + DAT_PAGE_HEADER + r->used;
    guint64 delta = time - r->last;
    if (delta >> DELTA_BITS != 0) {
        put(at, (delta & ((1 << DELTA_BITS) - 1)) << 5 | TIME_EXTEND, 4);
        put(at + 4, delta >> DELTA_BITS, 4);
        at += 8;
        delta = 0;
    }
    put(at, delta << 5 | words, 4);
    r->used = (guint)(at + 4 + words * 4 - r->page) - DAT_PAGE_HEADER;
    r->last = time;
    return at + 4;
}

/* ---- records ---- */

/* What is put into the fields of an event, one after the other. */
struct record {
    guint8 bytes[DAT_RECORD_MOST];
    guint used;
    const struct dat_field *next;
};

static void
put_next(struct record *r, gint64 value)
{
    guint size = dat_size(r->next->type);

    put(r->bytes + r->used, (guint64)value, size);
    r->used += size;
    r->next++;
}

static void
put_comm(struct record *r, const struct task *p, int32_t cpu)
{
    char comm[TRACE_COMM_LEN];

    g_strlcpy((char *)r->bytes + r->used, trace_comm(p, cpu, comm), TRACE_COMM_LEN);
    r->used += TRACE_COMM_LEN;
    r->next++;
}

static void
put_task(struct record *r, const struct task *p, int32_t cpu)
{
    put_comm(r, p, cpu);
    put_next(r, trace_pid(p));
    put_next(r, trace_prio(p));
}

static gint64
node_of(const struct trace_writer *w, int32_t cpu)
{
    const struct machine *m = w->kernel->machine;

    return m->nodes[m->cpus[cpu].node].os_index;
}

/* Process, its first task, no group, where it is. */
static void
put_place(const struct trace_writer *w, struct record *r, const struct task *p, int32_t cpu)
{
    put_next(r, trace_pid(p));
    put_next(r, trace_tgid(p));
    put_next(r, 0);
    put_next(r, cpu);
    put_next(r, node_of(w, cpu));
}

static void
put_numa(const struct trace_writer *w, struct record *r, const struct traced_event *e)
{
    put_place(w, r, e->task, e->from);
    if (e->other != NULL) {
        put_place(w, r, e->other, e->to);
    } else {
        put_next(r, e->to);
        put_next(r, node_of(w, e->to));
    }
}

static void
put_pages(struct record *r, const struct traced_event *e)
{
    enum { FAILED_AND_HUGE = 5, MIGRATE_ASYNC = 0, MR_NUMA_MISPLACED = 5 };

    put_next(r, (gint64)e->pages);
    for (guint i = 0; i < FAILED_AND_HUGE; i++)
        put_next(r, 0);
    put_next(r, MIGRATE_ASYNC);
    put_next(r, MR_NUMA_MISPLACED);
}

static void
put_payload(const struct trace_writer *w, struct record *r, const struct traced_event *e)
{
    switch (e->kind) {
    case TRACED_SWITCH:
        put_task(r, e->task, e->cpu);
        put_next(r, trace_state_bits(e->state));
        put_task(r, e->other, e->cpu);
        break;
    case TRACED_WAKING:
    case TRACED_WAKEUP:
        put_task(r, e->task, 0);
        put_next(r, e->to);
        break;
    case TRACED_MIGRATE:
        put_task(r, e->task, 0);
        put_next(r, e->from);
        put_next(r, e->to);
        break;
    case TRACED_FORK:
        put_comm(r, e->other, 0);
        put_next(r, trace_pid(e->other));
        put_comm(r, e->task, 0);
        put_next(r, trace_pid(e->task));
        break;
    case TRACED_EXIT:
        put_task(r, e->task, 0);
        break;
    case TRACED_NUMA_MOVE:
        put_numa(w, r, e);
        break;
    case TRACED_PAGES:
        put_pages(r, e);
        break;
    }
}

static enum dat_which
which(const struct traced_event *e)
{
    switch (e->kind) {
    case TRACED_WAKING:
        return DAT_WAKING;
    case TRACED_WAKEUP:
        return e->first ? DAT_WAKEUP_NEW : DAT_WAKEUP;
    case TRACED_MIGRATE:
        return DAT_MIGRATE;
    case TRACED_FORK:
        return DAT_FORK;
    case TRACED_EXIT:
        return DAT_EXIT;
    case TRACED_NUMA_MOVE:
        return e->other != NULL ? DAT_SWAP_NUMA : DAT_MOVE_NUMA;
    case TRACED_PAGES:
        return DAT_MIGRATE_PAGES;
    default:
        return DAT_SWITCH;
    }
}

/* ---- the writer ---- */

static void
event(struct trace_writer *w, const struct traced_event *e)
{
    enum { IRQS_OFF = 0x01, HARDIRQ = 0x08, PREEMPT_COUNT = 2 };
    struct dat *d = w->priv;

    if (!w->open || !trace_wanted(w->filter, e))
        return;
    enum dat_which id = which(e);
    struct record r = { .used = 8, .next = dat_events[id].fields };
    put(r.bytes, DAT_FIRST_ID + id, 2);
    put(r.bytes + 2, IRQS_OFF | (e->irq ? HARDIRQ : 0), 1);
    put(r.bytes + 3, PREEMPT_COUNT, 1);
    put(r.bytes + 4, trace_pid(e->actor), 4);
    put_payload(w, &r, e);
    d->last = MAX(e->time, d->last + 1);
    memcpy(reserve(d, e->cpu, d->last, r.used), r.bytes, r.used);
    w->nr_events++;
}

static void
start(struct trace_writer *w)
{
    struct dat *d = g_new0(struct dat, 1);
    g_autofree char *name = g_strconcat(w->path, ".pages.part", NULL);

    w->priv = d;
    d->rings = g_new0(struct ring *, w->kernel->machine->nr_cpus);
    d->spool = g_open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (d->spool < 0)
        d->error = errno;
    g_unlink(name);
}

static void
nothing(struct trace_writer *w, sim_time now)
{
    (void)w, (void)now;
}

static void
copy_pages(struct trace_writer *w, const struct ring *r)
{
    struct dat *d = w->priv;
    guint8 page[DAT_PAGE];

    for (guint i = 0; r != NULL && i < r->pages->len && d->error == 0; i++) {
        guint64 at = g_array_index(r->pages, guint64, i);
        gssize n;

        do
            n = pread(d->spool, page, DAT_PAGE, (off_t)(at * DAT_PAGE));
        while (n < 0 && errno == EINTR);
        if (n != DAT_PAGE)
            d->error = n < 0 ? errno : EIO;
        else
            trace_out_bytes(w->out, page, DAT_PAGE);
    }
}

static bool
finish(struct trace_writer *w, sim_time now, GError **error)
{
    struct dat *d = w->priv;
    uint32_t nr_cpus = w->kernel->machine->nr_cpus;
    g_autofree guint64 *nr_pages = g_new0(guint64, nr_cpus);
    (void)now;

    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        struct ring *r = d->rings[cpu];

        if (r != NULL && r->used > 0)
            spool_page(d, r);
        nr_pages[cpu] = r != NULL ? r->pages->len : 0;
    }
    g_autoptr(GByteArray) head = dat_header(w, nr_pages);
    trace_out_bytes(w->out, head->data, head->len);
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++)
        copy_pages(w, d->rings[cpu]);
    if (d->error != 0)
        g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(d->error),
                    "%s: cannot be written: %s", w->path, g_strerror(d->error));
    return d->error == 0;
}

static void
dat_free(struct trace_writer *w)
{
    struct dat *d = w->priv;

    if (d == NULL)
        return;
    for (uint32_t cpu = 0; cpu < w->kernel->machine->nr_cpus; cpu++)
        if (d->rings[cpu] != NULL) {
            g_array_unref(d->rings[cpu]->pages);
            g_free(d->rings[cpu]);
        }
    if (d->spool >= 0)
        close(d->spool);
    g_free(d->rings);
    g_free(d);
}

const struct trace_writer_ops trace_dat = {
    .suffix = ".dat",
    .start = start,
    .open = nothing,
    .event = event,
    .close = nothing,
    .finish = finish,
    .free = dat_free,
};

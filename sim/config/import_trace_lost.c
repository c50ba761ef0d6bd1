/*
 * Switches that the recorder lost are put back.
 *
 * A recorder may lose a switch and keep what follows it: perf in a container, for one, records
 * nothing that the idle task of any CPU but the first does, and so never the switch from idle to a
 * task. Who was switched to shows itself, by its own events on that CPU; for how long it has run
 * by then is not seen there, and to say since the last switch, as perf does, makes running of
 * idling. sched_stat_runtime knows: it counts from the switch, or from the count before. So events
 * wait here until all counts are read that may reach back to them, a tick of HZ=100; and where a
 * task that by the switches does not run counts its run time, the switch is made up, when the count
 * began. How a task left that ran there before is not known ('?').
 *
 * Where run times are not recorded nothing is made up, and the compiler repairs as perf does.
 */
#include "config/import_trace_lost.h"

enum {
    WAITING_MOST = 4096,
    NOT_KNOWN = -1, /* what runs on a CPU */
};
#define REACH_NS (10 * 1000 * 1000)

struct trace_window {
    struct trace_sink to;
    struct trace_event *events; /* those that wait: nr, from first; room for twice the most */
    guint first, nr;
    uint64_t passed; /* time of the last that was passed on */
    int32_t *curr;   /* by CPU, by the switches that came in */
    uint32_t nr_cpus;
    GHashTable *counted; /* by number of a task: when a count by others began, in an uint64_t */
};

struct trace_window *
trace_window_new(const struct trace_sink *to)
{
    struct trace_window *w = g_new0(struct trace_window, 1);

    w->to = *to;
    w->events = g_new(struct trace_event, 2 * WAITING_MOST);
    w->counted = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    return w;
}

void
trace_window_free(struct trace_window *w)
{
    g_hash_table_unref(w->counted);
    g_free(w->events);
    g_free(w->curr);
    g_free(w);
}

static void
pass_on(struct trace_window *w)
{
    const struct trace_event *e = &w->events[w->first++];

    w->nr--;
    w->passed = e->time;
    w->to.event(w->to.priv, e);
}

void
trace_window_flush(struct trace_window *w)
{
    while (w->nr > 0)
        pass_on(w);
}

/* At position `at` of those that wait. */
static void
insert(struct trace_window *w, guint at, const struct trace_event *e)
{
    if (w->first + w->nr == 2 * WAITING_MOST) {
        memmove(w->events, w->events + w->first, w->nr * sizeof(*e));
        w->first = 0;
    }
    struct trace_event *place = w->events + w->first + at;
    memmove(place + 1, place, (w->nr - at) * sizeof(*e));
    *place = *e;
    w->nr++;
}

static int32_t *
curr_of(struct trace_window *w, uint32_t cpu)
{
    if (cpu >= w->nr_cpus) {
        uint32_t nr = MAX(cpu + 1, 2 * w->nr_cpus);

        w->curr = g_renew(int32_t, w->curr, nr);
        for (uint32_t i = w->nr_cpus; i < nr; i++)
            w->curr[i] = NOT_KNOWN;
        w->nr_cpus = nr;
    }
    return &w->curr[cpu];
}

/* What the switch to pid on that CPU cannot come before: it was done by another there, or to it. */
static bool
comes_before(const struct trace_event *e, uint32_t cpu, int32_t pid)
{
    if (e->kind == TRACE_RUNTIME && e->by != pid)
        return e->cpu == cpu;
    return (e->cpu == cpu && e->by != pid) || e->task.pid == pid ||
           (e->kind == TRACE_SWITCH && e->other.pid == pid);
}

/* e counts the run time of who made it, who by the switches does not run there. */
static void
make_up_switch(struct trace_window *w, const struct trace_event *e, int32_t prev, uint64_t start)
{
    struct trace_event made = { .counts = e->counts,
                                .kind = TRACE_SWITCH,
                                .cpu = e->cpu,
                                .by = prev,
                                .tgid = -1,
                                .state = prev == 0 ? 'R' : TRACE_STATE_LOST,
                                .made_up = true,
                                .task = { .pid = prev },
                                .other = e->task };
    guint at = w->nr;

    while (at > 0) {
        const struct trace_event *before = &w->events[w->first + at - 1];
        bool own =
            before->cpu == e->cpu && before->by == e->task.pid && before->kind != TRACE_SWITCH;

        if (!own && (before->time <= start || comes_before(before, e->cpu, e->task.pid)))
            break;
        at--;
    }
    uint64_t since = at > 0 ? w->events[w->first + at - 1].time : w->passed;
    made.time = MIN(MAX(start, since), at < w->nr ? w->events[w->first + at].time : e->time);
    insert(w, at, &made);
}

static void
on_runtime(struct trace_window *w, const struct trace_event *e)
{
    uint64_t start = e->time - MIN(e->runtime, e->time);
    gpointer pid = GINT_TO_POINTER(e->task.pid);
    const uint64_t *counted = g_hash_table_lookup(w->counted, pid);
    int32_t *curr = curr_of(w, e->cpu);

    if (e->task.pid <= 0)
        return;
    if (e->by != e->task.pid) { /* it runs elsewhere, and where is not said */
        if (counted == NULL)
            g_hash_table_insert(w->counted, pid, g_memdup2(&start, sizeof(start)));
        return;
    }
    if (*curr == NOT_KNOWN || *curr == e->task.pid)
        return;
    make_up_switch(w, e, *curr, counted != NULL ? MIN(*counted, start) : start);
    *curr = e->task.pid;
}

static void
on_switch(struct trace_window *w, const struct trace_event *e)
{
    *curr_of(w, e->cpu) = e->other.pid;
    if (g_hash_table_size(w->counted) > 0) {
        g_hash_table_remove(w->counted, GINT_TO_POINTER(e->task.pid));
        g_hash_table_remove(w->counted, GINT_TO_POINTER(e->other.pid));
    }
}

void
trace_window_sink(void *window, const struct trace_event *e)
{
    struct trace_window *w = window;

    while (w->nr > 0 &&
           (w->nr >= WAITING_MOST - 1 || e->time - w->events[w->first].time > REACH_NS))
        pass_on(w);
    if (e->kind == TRACE_SWITCH)
        on_switch(w, e);
    else if (e->kind == TRACE_RUNTIME)
        on_runtime(w, e);
    insert(w, w->nr, e);
}

/*
 * The text of ftrace, as /sys/kernel/tracing/trace prints it with the tracer `nop` and the option
 * record-tgid: the cheapest way into tools that exist, and what our own importer reads back.
 *
 * Names are cut to the kernel's 15 bytes. A wake-up by a timer or a device is marked `h` (hardirq)
 * in the flags: it belongs to nobody, whoever happens to run there.
 */
#include "report/trace_impl.h"

#include <inttypes.h>

enum { LINE_LEN = 512 };

static void
start(struct trace_writer *w)
{
    trace_out_text(w->out, "# tracer: nop\n#\n# simulated by numasim: ");
    trace_out_uint(w->out, w->kernel->nr_online);
    trace_out_text(w->out, " CPUs online, ");
    trace_out_uint(w->out, w->kernel->machine->nr_nodes);
    trace_out_text(w->out,
                   " nodes\n#\n"
                   "#                                          _-----=> irqs-off/BH-disabled\n"
                   "#                                         / _----=> need-resched\n"
                   "#                                        | / _---=> hardirq/softirq\n"
                   "#                                        || / _--=> preempt-depth\n"
                   "#                                        ||| / _-=> migrate-disable\n"
                   "#                                        |||| /     delay\n"
                   "#           TASK-PID     TGID      CPU#  |||||  TIMESTAMP  FUNCTION\n"
                   "#              | |         |         |   |||||     |         |\n");
}

/* All payloads that name one task begin like this. */
static int
put_task(char *text, const struct task *p)
{
    char comm[TRACE_COMM_LEN];

    return g_snprintf(text, LINE_LEN, "comm=%s pid=%u prio=%d", trace_comm(p, 0, comm),
                      trace_pid(p), trace_prio(p));
}

static int32_t
node_of(const struct trace_writer *w, int32_t cpu)
{
    const struct machine *m = w->kernel->machine;

    return (int32_t)m->nodes[m->cpus[cpu].node].os_index;
}

static const char *
put_switch(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    char prev[TRACE_COMM_LEN], next[TRACE_COMM_LEN];
    (void)w;

    g_snprintf(text, LINE_LEN,
               "prev_comm=%s prev_pid=%u prev_prio=%d prev_state=%s ==> next_comm=%s next_pid=%u "
               "next_prio=%d",
               trace_comm(e->task, e->cpu, prev), trace_pid(e->task), trace_prio(e->task),
               e->state == '+' ? "R+" : (char[]){ e->state, '\0' },
               trace_comm(e->other, e->cpu, next), trace_pid(e->other), trace_prio(e->other));
    return "sched_switch";
}

static const char *
put_waking(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    int at = put_task(text, e->task);
    (void)w;

    g_snprintf(text + at, LINE_LEN - (gulong)at, " target_cpu=%03d", e->to);
    return e->kind == TRACED_WAKING ? "sched_waking"
           : e->first               ? "sched_wakeup_new"
                                    : "sched_wakeup";
}

static const char *
put_migrate(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    int at = put_task(text, e->task);
    (void)w;

    g_snprintf(text + at, LINE_LEN - (gulong)at, " orig_cpu=%d dest_cpu=%d", e->from, e->to);
    return "sched_migrate_task";
}

static const char *
put_fork(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    char parent[TRACE_COMM_LEN], child[TRACE_COMM_LEN];
    (void)w;

    g_snprintf(text, LINE_LEN, "comm=%s pid=%u child_comm=%s child_pid=%u",
               trace_comm(e->other, 0, parent), trace_pid(e->other), trace_comm(e->task, 0, child),
               trace_pid(e->task));
    return "sched_process_fork";
}

static const char *
put_exit(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    (void)w;
    put_task(text, e->task);
    return "sched_process_exit";
}

static const char *
put_numa_move(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    int from = node_of(w, e->from), to = node_of(w, e->to);

    if (e->other == NULL) {
        g_snprintf(text, LINE_LEN,
                   "pid=%u tgid=%u ngid=0 src_cpu=%d src_nid=%d dst_cpu=%d dst_nid=%d",
                   trace_pid(e->task), trace_tgid(e->task), e->from, from, e->to, to);
        return "sched_move_numa";
    }
    g_snprintf(text, LINE_LEN,
               "src_pid=%u src_tgid=%u src_ngid=0 src_cpu=%d src_nid=%d "
               "dst_pid=%u dst_tgid=%u dst_ngid=0 dst_cpu=%d dst_nid=%d",
               trace_pid(e->task), trace_tgid(e->task), e->from, from, trace_pid(e->other),
               trace_tgid(e->other), e->to, to);
    return "sched_swap_numa";
}

static const char *
put_pages(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    (void)w;
    g_snprintf(text, LINE_LEN,
               "nr_succeeded=%" PRIu64 " nr_failed=0 nr_thp_succeeded=0 nr_thp_failed=0 "
               "nr_thp_split=0 nr_split=0 mode=MIGRATE_ASYNC reason=numa_misplaced",
               e->pages);
    return "mm_migrate_pages";
}

/* Writes the payload and returns the name of the event. */
static const char *(*const payloads[])(const struct trace_writer *, const struct traced_event *,
                                       char *) = {
    [TRACED_SWITCH] = put_switch,       [TRACED_WAKING] = put_waking, [TRACED_WAKEUP] = put_waking,
    [TRACED_MIGRATE] = put_migrate,     [TRACED_FORK] = put_fork,     [TRACED_EXIT] = put_exit,
    [TRACED_NUMA_MOVE] = put_numa_move, [TRACED_PAGES] = put_pages,
};

static void
put_prefix(const struct trace_writer *w, const struct traced_event *e, char *text)
{
    char comm[TRACE_COMM_LEN], tgid[16] = "-------";
    const struct task *p = e->actor;

    if (p != NULL)
        g_snprintf(tgid, sizeof(tgid), "%7u", trace_tgid(p));
    int at = g_snprintf(text, LINE_LEN, "%16s-%-7u (%s) [%03d] %s ",
                        p != NULL ? trace_comm(p, e->cpu, comm) : "<idle>", trace_pid(p), tgid,
                        e->cpu, e->irq ? "d.h2." : "d..2.");
    uint64_t rest = e->time % 1000000000;
    g_snprintf(text + at, LINE_LEN - (gulong)at, "%5" PRIu64 ".%0*" PRIu64 ": ",
               e->time / 1000000000, w->nanoseconds ? 9 : 6, w->nanoseconds ? rest : rest / 1000);
}

static void
event(struct trace_writer *w, const struct traced_event *e)
{
    char prefix[LINE_LEN], payload[LINE_LEN];

    if (!w->open || !trace_wanted(w->filter, e))
        return;
    const char *name = payloads[e->kind](w, e, payload);
    put_prefix(w, e, prefix);
    trace_out_text(w->out, prefix);
    trace_out_text(w->out, name);
    trace_out_text(w->out, ": ");
    trace_out_text(w->out, payload);
    trace_out_text(w->out, "\n");
    w->nr_events++;
}

static void
nothing(struct trace_writer *w, sim_time now)
{
    (void)w, (void)now;
}

static bool
finish(struct trace_writer *w, sim_time now, GError **error)
{
    (void)w, (void)now, (void)error;
    return true;
}

const struct trace_writer_ops trace_ftrace = {
    .suffix = ".txt",
    .start = start,
    .open = nothing,
    .event = event,
    .close = nothing,
    .finish = finish,
};

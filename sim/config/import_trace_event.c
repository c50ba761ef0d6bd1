/*
 * The payload of an event.
 *
 * perf and the kernel write `key=value`, trace-cmd's own reader writes switches and wake-ups as
 * `name:pid [prio]`. A name ends at the key that follows it, and as it may hold that key too, at
 * its last place within the 15 bytes that a name can have. The short form is read from its end.
 */
#include "config/import_trace_line.h"

enum { COMM_MOST = TRACE_COMM - 1 };

struct reader {
    struct span rest;
    struct trace_fault *fault;
};

static bool
fail(struct reader *r, const char *at, const char *expected)
{
    if (r->fault->expected == NULL)
        *r->fault = (struct trace_fault){ at, expected };
    return false;
}

static const char *
find(struct span s, const char *text)
{
    return g_strstr_len(s.at, s.end - s.at, text);
}

/* Names come from the outside: what a terminal could trip over is not kept. */
static void
set_comm(struct trace_task *t, struct span s)
{
    gsize n = SIM_MIN(span_len(s), (gsize)COMM_MOST);

    for (gsize i = 0; i < n; i++)
        t->comm[i] = (guchar)s.at[i] < 32 || s.at[i] == 127 ? '?' : s.at[i];
    t->comm[n] = '\0';
}

/* Moves behind `key`, which is either here or further on. */
static bool
skip_to(struct reader *r, const char *key)
{
    const char *at = find(r->rest, key);

    if (at == NULL)
        return fail(r, r->rest.at, key);
    r->rest.at = at + strlen(key);
    return true;
}

/* The name that stands here, up to `next`. */
static bool
read_comm(struct reader *r, const char *next, struct trace_task *t)
{
    const char *end = find(r->rest, next);
    gsize most = SIM_MIN(span_len(r->rest), COMM_MOST + strlen(next));

    if (end == NULL)
        return fail(r, r->rest.at, next);
    for (;;) {
        const char *later = NULL;
        if (end + 1 < r->rest.at + most)
            later = find((struct span){ end + 1, r->rest.at + most }, next);
        if (later == NULL)
            break;
        end = later;
    }
    set_comm(t, (struct span){ r->rest.at, end });
    r->rest.at = end + strlen(next);
    return true;
}

static bool
read_number(struct reader *r, uint64_t most, uint64_t *value, const char *expected)
{
    struct span digits = { r->rest.at, r->rest.at };

    while (digits.end < r->rest.end && *digits.end >= '0' && *digits.end <= '9')
        digits.end++;
    if (!span_number(digits, most, value))
        return fail(r, r->rest.at, expected);
    r->rest.at = digits.end;
    return true;
}

static bool
read_int(struct reader *r, int64_t most, int32_t *value, const char *expected)
{
    uint64_t v;
    bool minus = r->rest.at < r->rest.end && *r->rest.at == '-';

    r->rest.at += minus;
    if (!read_number(r, (uint64_t)most, &v, expected))
        return false;
    *value = minus ? -(int32_t)v : (int32_t)v;
    return true;
}

static bool
read_pid(struct reader *r, struct trace_task *t)
{
    return read_int(r, TRACE_PID_MAX, &t->pid, "the number of a task");
}

static bool
read_prio(struct reader *r, struct trace_task *t)
{
    return read_int(r, 139, &t->prio, "a priority, -1 to 139");
}

static bool
read_target(struct reader *r, uint32_t *cpu)
{
    uint64_t v;

    if (!read_number(r, TRACE_CPUS_MAX - 1, &v, "the number of a CPU"))
        return false;
    *cpu = (uint32_t)v;
    return true;
}

/* ---- states ---- */

/* As a bit mask (trace-cmd -R): the lowest bit that is set; 256 marks a preempted task. */
static void
state_of_bits(uint64_t bits, struct trace_event *e)
{
    static const char letters[] = "SDTtXZPI";

    e->state = 'R';
    e->preempted = (bits & 0xff) == 0 && (bits & 0x100) != 0;
    for (int i = 0; i < 8; i++)
        if (bits >> i & 1) {
            e->state = letters[i];
            return;
        }
}

static bool
read_state(struct reader *r, struct trace_event *e)
{
    uint64_t bits;

    if (r->rest.at >= r->rest.end)
        return fail(r, r->rest.at, "a state");
    if (*r->rest.at >= '0' && *r->rest.at <= '9') {
        if (!read_number(r, UINT32_MAX, &bits, "a state"))
            return false;
        state_of_bits(bits, e);
        return true;
    }
    if (*r->rest.at == '\0' || strchr("RSDTtXxZPIWKN", *r->rest.at) == NULL)
        return fail(r, r->rest.at, "a state: one of R S D T t X x Z P I");
    e->state = *r->rest.at;
    e->preempted = r->rest.at + 1 < r->rest.end && r->rest.at[1] == '+';
    return true;
}

/* ---- the short form ---- */

/* "NAME:PID [PRIO]" that ends here: taken off the end. */
static bool
read_short_task(struct reader *r, struct span s, struct trace_task *t)
{
    const char *open = s.end, *colon;

    while (open > s.at && *open != '[')
        open--;
    if (open == s.at || open[-1] != ' ')
        return fail(r, s.at, "NAME:PID [PRIO]");
    for (colon = open; colon > s.at && *colon != ':';)
        colon--;
    if (*colon != ':')
        return fail(r, s.at, "NAME:PID [PRIO]");
    set_comm(t, (struct span){ s.at, colon });
    struct reader number = { { colon + 1, s.end }, r->fault };
    if (!read_pid(&number, t))
        return false;
    number.rest.at = open + 1;
    return read_prio(&number, t);
}

/* "NAME:PID [PRIO] STATE ==> NAME:PID [PRIO]" */
static bool
read_short_switch(struct reader *r, struct trace_event *e)
{
    const char *arrow = NULL, *at = r->rest.at;
    struct span state;

    while ((at = find((struct span){ at, r->rest.end }, " ==> ")) != NULL)
        arrow = at++;
    if (arrow == NULL)
        return fail(r, r->rest.at, "prev_comm=, or NAME:PID [PRIO] STATE ==> NAME:PID [PRIO]");
    for (state.at = state.end = arrow; state.at > r->rest.at && state.at[-1] != ' ';)
        state.at--;
    struct reader word = { state, r->fault };
    return read_state(&word, e) &&
           read_short_task(r, (struct span){ r->rest.at, state.at }, &e->task) &&
           read_short_task(r, (struct span){ arrow + strlen(" ==> "), r->rest.end }, &e->other);
}

/* "NAME:PID [PRIO] CPU:003" */
static bool
read_short_wakeup(struct reader *r, struct trace_event *e)
{
    const char *cpu = NULL, *at = r->rest.at;

    while ((at = find((struct span){ at, r->rest.end }, " CPU:")) != NULL)
        cpu = at++;
    if (cpu == NULL)
        return fail(r, r->rest.at, "comm=, or NAME:PID [PRIO] CPU:CPU");
    struct reader number = { { cpu + strlen(" CPU:"), r->rest.end }, r->fault };
    return read_target(&number, &e->target_cpu) &&
           read_short_task(r, (struct span){ r->rest.at, cpu }, &e->task);
}

/* ---- the events ---- */

static bool
begins_with(const struct reader *r, const char *text)
{
    return span_len(r->rest) >= strlen(text) && memcmp(r->rest.at, text, strlen(text)) == 0;
}

static bool
read_switch(struct reader *r, struct trace_event *e)
{
    if (!begins_with(r, "prev_comm="))
        return read_short_switch(r, e);
    return skip_to(r, "prev_comm=") && read_comm(r, " prev_pid=", &e->task) &&
           read_pid(r, &e->task) && skip_to(r, " prev_prio=") && read_prio(r, &e->task) &&
           skip_to(r, " prev_state=") && read_state(r, e) && skip_to(r, " next_comm=") &&
           read_comm(r, " next_pid=", &e->other) && read_pid(r, &e->other) &&
           skip_to(r, " next_prio=") && read_prio(r, &e->other);
}

static bool
read_wakeup(struct reader *r, struct trace_event *e)
{
    if (!begins_with(r, "comm="))
        return read_short_wakeup(r, e);
    return skip_to(r, "comm=") && read_comm(r, " pid=", &e->task) && read_pid(r, &e->task) &&
           skip_to(r, " prio=") && read_prio(r, &e->task) && skip_to(r, " target_cpu=") &&
           read_target(r, &e->target_cpu);
}

static bool
read_migrate(struct reader *r, struct trace_event *e)
{
    return skip_to(r, "comm=") && read_comm(r, " pid=", &e->task) && read_pid(r, &e->task) &&
           skip_to(r, " prio=") && read_prio(r, &e->task) && skip_to(r, " dest_cpu=") &&
           read_target(r, &e->target_cpu);
}

static bool
read_fork(struct reader *r, struct trace_event *e)
{
    bool parent = begins_with(r, "parent_");

    e->task.prio = e->other.prio = 120;
    return skip_to(r, "comm=") && read_comm(r, parent ? " parent_pid=" : " pid=", &e->task) &&
           read_pid(r, &e->task) && skip_to(r, " child_comm=") &&
           read_comm(r, " child_pid=", &e->other) && read_pid(r, &e->other);
}

/* The name of the file is of no use: the new name of the task follows with its next event. */
static bool
read_exec(struct reader *r, struct trace_event *e)
{
    const char *at = find(r->rest, " old_pid=");

    while (at != NULL && at > r->rest.at && memcmp(at, " pid=", 5) != 0)
        at--;
    if (at == NULL || at == r->rest.at)
        return fail(r, r->rest.at, "filename= pid= old_pid=");
    r->rest.at = at + 5;
    return read_pid(r, &e->task);
}

static bool
read_exit(struct reader *r, struct trace_event *e)
{
    return skip_to(r, "comm=") && read_comm(r, " pid=", &e->task) && read_pid(r, &e->task) &&
           skip_to(r, " prio=") && read_prio(r, &e->task);
}

static bool
read_runtime(struct reader *r, struct trace_event *e)
{
    return skip_to(r, "comm=") && read_comm(r, " pid=", &e->task) && read_pid(r, &e->task) &&
           skip_to(r, " runtime=") &&
           read_number(r, UINT64_MAX, &e->runtime, "a number of nanoseconds");
}

static const struct {
    const char *name;
    bool (*read)(struct reader *r, struct trace_event *e);
} events[TRACE_KIND_NR] = {
    [TRACE_SWITCH] = { "sched_switch", read_switch },
    [TRACE_WAKING] = { "sched_waking", read_wakeup },
    [TRACE_WAKEUP] = { "sched_wakeup", read_wakeup },
    [TRACE_WAKEUP_NEW] = { "sched_wakeup_new", read_wakeup },
    [TRACE_MIGRATE] = { "sched_migrate_task", read_migrate },
    [TRACE_FORK] = { "sched_process_fork", read_fork },
    [TRACE_EXEC] = { "sched_process_exec", read_exec },
    [TRACE_EXIT] = { "sched_process_exit", read_exit },
    [TRACE_RUNTIME] = { "sched_stat_runtime", read_runtime },
};

const char *const trace_kind_names[TRACE_KIND_NR + 1] = {
    "sched_switch",       "sched_waking",       "sched_wakeup",
    "sched_wakeup_new",   "sched_migrate_task", "sched_process_fork",
    "sched_process_exec", "sched_process_exit", "sched_stat_runtime",
};

enum trace_event_kind
trace_kind_of(struct span name)
{
    for (int i = 0; i < TRACE_KIND_NR; i++)
        if (strlen(events[i].name) == span_len(name) &&
            memcmp(events[i].name, name.at, span_len(name)) == 0)
            return (enum trace_event_kind)i;
    return TRACE_KIND_NR;
}

bool
trace_event_read(enum trace_event_kind kind, const struct trace_head *head, struct trace_event *e,
                 struct trace_fault *fault)
{
    struct reader r = { head->payload, fault };

    *fault = (struct trace_fault){ NULL, NULL };
    *e = (struct trace_event){ .kind = kind,
                               .time = head->time,
                               .cpu = head->cpu,
                               .by = head->pid,
                               .tgid = head->tgid,
                               .irq = head->irq };
    return events[kind].read(&r, e);
}

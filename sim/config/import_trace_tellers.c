/*
 * Tasks of a recording: made when they are first seen, found by number.
 */
#include "config/import_trace_compiler.h"

static void
name_teller(struct teller *t, const struct trace_task *from)
{
    if (from->comm[0] != '\0' && from->comm[0] != ':' && strcmp(from->comm, "<...>") != 0)
        memcpy(t->s.comm, from->comm, TRACE_COMM);
    if (from->prio != 0 || t->s.prio == 0)
        t->s.prio = from->prio;
}

/* Stoppers do what the recorded scheduler decided: the simulated one has its own. */
static bool
is_recorded_scheduler(const struct trace_compiler *c, const char *comm)
{
    return !c->o.placement && trace_is_stopper(comm);
}

struct teller *
trace_new_teller(struct trace_compiler *c, const struct trace_task *from, enum state state)
{
    struct teller *t = g_new0(struct teller, 1);

    t->s.pid = from->pid;
    t->s.tgid = -1;
    t->state = state;
    t->code = g_byte_array_new();
    t->start_at = c->now - c->t0;
    name_teller(t, from);
    t->s.kthread = trace_is_kthread(t->s.comm);
    t->old = state == UNKNOWN;
    t->first_cpu = -1;
    t->dropped = t->s.kthread && (c->o.drop_kthreads || is_recorded_scheduler(c, t->s.comm));
    t->index = t->dropped ? UINT32_MAX : c->nr_kept++;
    t->number = c->tellers->len;
    t->queue = t->pinned = -1;
    g_ptr_array_add(c->tellers, t);
    g_hash_table_insert(c->by_pid, GINT_TO_POINTER(from->pid), t);
    return t;
}

struct teller *
trace_teller_of(struct trace_compiler *c, const struct trace_task *from)
{
    struct teller *t;

    if (from->pid <= TRACE_IDLE)
        return NULL;
    t = g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(from->pid));
    if (t == NULL)
        return trace_new_teller(c, from, UNKNOWN);
    name_teller(t, from);
    return t;
}

void
trace_free_teller(gpointer data)
{
    struct teller *t = data;

    if (t->code != NULL)
        g_byte_array_unref(t->code);
    g_free(t);
}

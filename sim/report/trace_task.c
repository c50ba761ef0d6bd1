#include "report/trace_impl.h"

const char *
trace_comm(const struct task *p, int32_t cpu, char comm[TRACE_COMM_LEN])
{
    const gchar *end;

    if (p == NULL) {
        g_snprintf(comm, TRACE_COMM_LEN, "swapper/%d", cpu);
        return comm;
    }
    g_strlcpy(comm, p->comm != NULL ? p->comm : p->name, TRACE_COMM_LEN);
    if (!g_utf8_validate(comm, -1, &end))
        comm[end - comm] = '\0';
    for (char *c = comm; *c != '\0'; c++)
        if ((guchar)*c < 0x20 || *c == 0x7f || (c == comm && *c == ' '))
            *c = '_';
    return *comm != '\0' ? comm : strcpy(comm, "_");
}

int
trace_prio(const struct task *p)
{
    return p != NULL ? p->prio : 120;
}

uint32_t
trace_tgid(const struct task *p)
{
    return p->process->pid > 0 ? (uint32_t)p->process->pid : trace_pid(p->process->members[0]);
}

int64_t
trace_state_bits(char state)
{
    switch (state) {
    case 'S':
        return 0x1;
    case 'D':
        return 0x2;
    case 'X':
        return 0x10;
    case 'Z':
        return 0x20;
    default:
        return state == '+' ? 0x100 : 0;
    }
}

bool
trace_wanted(const struct trace_filter *f, const struct traced_event *e)
{
    if (!trace_filter_cpu(f, e->cpu) &&
        !(e->kind != TRACED_PAGES && e->kind != TRACED_SWITCH && e->kind != TRACED_FORK &&
          e->kind != TRACED_EXIT && trace_filter_cpu(f, e->to)))
        return false;
    if (f->tasks->len == 0)
        return true;
    return (e->task != NULL && trace_filter_task(f, e->task)) ||
           (e->other != NULL && trace_filter_task(f, e->other));
}

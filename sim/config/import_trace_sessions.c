/*
 * Sessions of the recorded machine, for sched.autogroup: who shares a task group with whom.
 *
 * A recording does not say who called setsid(). Taken for one session: whoever was forked within
 * the recording and who forked it, unless that was init or a kernel thread, whose children are
 * services. Of those that were there before, the threads of one process: by its number where that
 * is recorded, else tasks of one name whose numbers follow each other closely, as those of threads
 * do that are made in a row. A common name alone says nothing: many sessions have a shell.
 */
#include "config/import_trace_compiler.h"

enum { NEXT_THREAD = 16 }; /* numbers between threads of one process, at most */

static uint32_t
session_of(uint32_t *leader, uint32_t t)
{
    while (leader[t] != t)
        t = leader[t] = leader[leader[t]];
    return t;
}

static void
join(uint32_t *leader, const struct teller *a, const struct teller *b)
{
    uint32_t p = session_of(leader, a->index), q = session_of(leader, b->index);

    leader[MAX(p, q)] = MIN(p, q);
}

static bool
shares_with_children(const struct teller *t)
{
    return !t->dropped && !t->s.kthread && t->s.pid > 1;
}

static gint
by_name_and_pid(gconstpointer x, gconstpointer y)
{
    const struct teller *a = *(struct teller *const *)x, *b = *(struct teller *const *)y;
    int names = strcmp(a->s.comm, b->s.comm);

    return names != 0 ? names : (a->s.pid > b->s.pid) - (a->s.pid < b->s.pid);
}

static bool
threads_of_one(const struct teller *a, const struct teller *b)
{
    if (a->s.tgid > 0 && b->s.tgid > 0)
        return a->s.tgid == b->s.tgid;
    return strcmp(a->s.comm, b->s.comm) == 0 && b->s.pid - a->s.pid <= NEXT_THREAD;
}

static void
join_threads(const struct trace_compiler *c, uint32_t *leader)
{
    g_autoptr(GPtrArray) old = g_ptr_array_new();

    for (guint i = 0; i < c->tellers->len; i++) {
        struct teller *t = g_ptr_array_index(c->tellers, i);
        if (!t->dropped && !t->s.kthread && t->mother == NULL)
            g_ptr_array_add(old, t);
    }
    g_ptr_array_sort(old, by_name_and_pid);
    for (guint i = 1; i < old->len; i++)
        if (threads_of_one(old->pdata[i - 1], old->pdata[i]))
            join(leader, old->pdata[i - 1], old->pdata[i]);
}

/* From the first of each session to numbers without gaps. */
static uint32_t
number_sessions(uint32_t *leader, uint32_t nr)
{
    g_autofree uint32_t *number = g_new(uint32_t, nr + 1);
    uint32_t sessions = 0;

    for (uint32_t i = 0; i < nr; i++) {
        uint32_t first = session_of(leader, i); /* never above i */
        number[i] = first == i ? sessions++ : number[first];
    }
    memcpy(leader, number, nr * sizeof(*number));
    return sessions;
}

uint32_t
trace_sessions(const struct trace_compiler *c, uint32_t *sessions)
{
    for (uint32_t i = 0; i < c->nr_kept; i++)
        sessions[i] = i;
    for (guint i = 0; i < c->tellers->len; i++) {
        const struct teller *t = g_ptr_array_index(c->tellers, i);
        if (!t->dropped && t->mother != NULL && shares_with_children(t->mother))
            join(sessions, t->mother, t);
    }
    join_threads(c, sessions);
    return number_sessions(sessions, c->nr_kept);
}

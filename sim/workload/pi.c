/*
 * Locks with priority inheritance (kernel/locking/rtmutex.c): whoever holds one runs as if it were
 * as important as the most important thread that waits for it; if the holder itself waits for such
 * a lock, its holder inherits in turn. The most important waiter gets the lock first; of equal ones
 * the one that came first.
 */
#include "workload/run.h"

#include "kernel/sched_change.h"

enum { CHAIN_MAX = 1024 }; /* as in the kernel: longer ones are a knot */

/* Does a come before b? Equal: no. */
static bool
is_more_important(const struct task *a, const struct task *b)
{
    if (a->prio != b->prio)
        return a->prio < b->prio;
    return a->prio < 0 && (int64_t)(a->dl.deadline - b->dl.deadline) < 0;
}

struct thread *
pi_first_waiter(const struct meeting *m)
{
    struct thread *best = NULL;

    list_for_each (node, &m->waiters) {
        struct thread *w = list_entry(node, struct thread, node);
        if (best == NULL || is_more_important(w->task, best->task))
            best = w;
    }
    return best;
}

/* The holder's priority is what its waiters make it; so, along the chain, is that of others. */
static void
adjust(struct thread *owner)
{
    for (int i = 0; owner != NULL && i < CHAIN_MAX; i++) {
        struct thread *best = NULL;
        int before = owner->task->prio;

        list_for_each (node, &owner->pi_held) {
            struct thread *w = pi_first_waiter(list_entry(node, struct meeting, held));
            if (w != NULL && (best == NULL || is_more_important(w->task, best->task)))
                best = w;
        }
        rt_mutex_setprio(owner->run->k, owner->task, best != NULL ? best->task : NULL);
        if (owner->task->prio == before || owner->pi_waits == NULL)
            return;
        owner = owner->pi_waits->owner;
    }
}

void
pi_wait(struct thread *t, struct meeting *m)
{
    m->pi = true;
    t->pi_waits = m;
    if (m->owner == NULL)
        return;
    if (list_empty(&m->held))
        list_push_back(&m->owner->pi_held, &m->held);
    adjust(m->owner);
}

void
pi_taken(struct thread *t, struct meeting *m)
{
    m->pi = true;
    t->pi_waits = NULL;
    list_push_back(&t->pi_held, &m->held);
    if (!list_empty(&m->waiters))
        adjust(t);
}

void
pi_released(struct thread *t, struct meeting *m)
{
    list_remove(&m->held);
    adjust(t);
}

void
pi_left(struct thread *t)
{
    struct thread *owner = t->pi_waits->owner;

    t->pi_waits = NULL;
    if (owner != NULL)
        adjust(owner);
}

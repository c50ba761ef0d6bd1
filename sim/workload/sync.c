/*
 * Where threads meet: locks, barriers, conditions, semaphores, channels, queues of requests, forks.
 *
 * A thread that has to wait joins a list and blocks, spins, or polls for a while and then blocks.
 * It leaves the list in one of two ways. A grant hands it what it waits for: the barrier has
 * opened, the bytes are taken out for it; it only goes on. Or it is told to retry, and does its
 * step again.
 *
 * Barriers, conditions, semaphores, channels and queues grant in the order of arrival. Locks do as
 * Linux's do: a spinning waiter is handed the lock (queued spinlock), a blocked one is woken and
 * may find that somebody else has taken it meanwhile (futex); it then waits at the head of the
 * list.
 */
#include "workload/run.h"

/* A poller looks whether its wait is over only between chunks of its spinning. */
enum { POLL_CHUNKS = 8, POLL_LEAST = 500 };

/* Channels say themselves which bytes come with it; a timer is the kernel's. */
static bool
writes_word(const struct meeting *m)
{
    return m->spec->kind != WOBJECT_CHANNEL && m->spec->kind != WOBJECT_TIMER;
}

struct meeting *
meeting_of(struct thread *t, const struct wstep *s)
{
    const struct instance *in = t->crew->instance;
    uint64_t index = 0;

    if (s->index.nr > 0 && !step_number(t, s, &s->index, &index))
        return NULL;
    if (index >= in->nr_meetings[s->object]) {
        thread_fail(t, s, "names an object beyond the end of its array");
        return NULL;
    }
    t->met = &in->meetings[s->object][index];
    if (writes_word(t->met))
        caches_take(t->run->k, t->task, &t->met->word, 0);
    return t->met;
}

/* ---- waiting ---- */

bool
wait_more(struct thread *t, const struct wstep *s, struct action *act)
{
    uint64_t chunk = SIM_MIN(t->spin_left, SIM_MAX(s->spin_ns / POLL_CHUNKS, (uint64_t)POLL_LEAST));

    t->how = s->wait == WAIT_SPIN ? HOW_SPINNING : chunk > 0 ? HOW_POLLING : HOW_BLOCKED;
    t->spin_left -= chunk;
    *act = (struct action){ .kind = t->how == HOW_SPINNING  ? ACTION_SPIN
                                    : t->how == HOW_POLLING ? ACTION_RUN
                                                            : ACTION_BLOCK,
                            .work = chunk };
    return true;
}

bool
wait_in(struct list *waiters, struct thread *t, const struct wstep *s, struct action *act)
{
    list_push_back(waiters, &t->node);
    t->queued = true;
    t->spin_left = s->wait == WAIT_SPIN_THEN_BLOCK ? s->spin_ns : 0;
    return wait_more(t, s, act);
}

/* The end of a wait: the step is done, and the next may come. */
bool
is_granted(struct thread *t)
{
    bool granted = t->granted;

    t->granted = false;
    t->pc += granted;
    if (!granted || t->met == NULL)
        return granted;
    if (t->met->spec->kind == WOBJECT_BARRIER) /* all see that it has opened */
        caches_read(t->run->k, t->task, &t->met->word, 0);
    else if (writes_word(t->met))
        caches_take(t->run->k, t->task, &t->met->word, 0);
    return granted;
}

static void
let_go(struct thread *w, struct task *by, bool sync)
{
    list_remove(&w->node);
    w->queued = false;
    if (w->how == HOW_SPINNING)
        task_unspin(w->run->k, w->task);
    else if (w->how == HOW_BLOCKED && by == NULL && w->run->irq_cpu >= 0)
        task_wake_irq(w->run->k, w->task, w->run->irq_cpu);
    else if (w->how == HOW_BLOCKED)
        task_wake(w->run->k, w->task, by, sync);
}

void
wait_leave(struct thread *t)
{
    if (!t->queued)
        return;
    list_remove(&t->node);
    t->queued = false;
    if (t->pi_waits != NULL)
        pi_left(t);
}

static struct thread *
first_waiter(const struct list *waiters)
{
    return list_empty(waiters) ? NULL : list_entry(waiters->next, struct thread, node);
}

void
grant_first(struct list *waiters, struct task *by, bool sync)
{
    struct thread *w = first_waiter(waiters);

    w->granted = true;
    let_go(w, by, sync);
}

void
retry_all(struct list *waiters, struct task *by)
{
    while (!list_empty(waiters))
        let_go(first_waiter(waiters), by, false);
}

/* ---- the steps ---- */

bool
step_barrier(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m;

    if (is_granted(t))
        return false;
    if (t->queued)
        return wait_more(t, s, act);
    if ((m = meeting_of(t, s)) == NULL)
        return false;
    if (++m->value < m->size)
        return wait_in(&m->waiters, t, s, act);
    m->value = 0;
    while (!list_empty(&m->waiters))
        grant_first(&m->waiters, t->task, false);
    t->pc++;
    return false;
}

bool
step_lock(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m;

    if (is_granted(t))
        return false; /* whoever let go has made it the owner */
    if (t->queued)
        return wait_more(t, s, act);
    if ((m = meeting_of(t, s)) == NULL)
        return false;
    if (m->owner == t) {
        thread_fail(t, s, "takes a lock that it holds already");
        return false;
    }
    if (m->owner == NULL) {
        m->owner = t;
        t->locked = m;
        t->retrying = false;
        t->pc++;
        if (s->pi || m->pi)
            pi_taken(t, m);
        return false;
    }
    bool first = t->retrying;
    wait_in(&m->waiters, t, s, act);
    if (first) { /* it was at the head before */
        list_remove(&t->node);
        list_push_front(&m->waiters, &t->node);
    }
    if (s->pi || m->pi)
        pi_wait(t, m);
    return true;
}

static bool
give_up_lock(struct thread *t, const struct wstep *s, struct meeting *m)
{
    struct thread *w = m->pi ? pi_first_waiter(m) : first_waiter(&m->waiters);

    if (m->owner != t) {
        thread_fail(t, s, "releases a lock that it does not hold");
        return false;
    }
    m->owner = NULL;
    if (m->pi)
        pi_released(t, m);
    if (w == NULL)
        return true;
    if (w->how == HOW_BLOCKED) {
        w->retrying = true;
        let_go(w, t->task, false);
    } else {
        m->owner = w;
        w->locked = m;
        w->granted = true;
        let_go(w, t->task, false);
        if (m->pi)
            pi_taken(w, m);
    }
    return true;
}

bool
step_unlock(struct thread *t, const struct wstep *s, struct action *act)
{
    /* of an array without an index: the one that it took last, whatever the index says by now */
    bool last = s->index.nr == 0 && t->locked != NULL && t->locked->owner == t &&
                t->locked->spec == &t->run->w->objects[s->object];
    struct meeting *m = last ? t->locked : meeting_of(t, s);

    if (last)
        caches_take(t->run->k, t->task, &m->word, 0);

    if (m != NULL && give_up_lock(t, s, m))
        t->pc++;
    return false;
}

bool
step_wait(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m;

    if (is_granted(t))
        return false;
    if (t->queued)
        return wait_more(t, s, act);
    if ((m = meeting_of(t, s)) == NULL || !give_up_lock(t, s, m->lock))
        return false;
    return wait_in(&m->waiters, t, s, act);
}

bool
step_signal(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m = meeting_of(t, s);

    if (m != NULL && !list_empty(&m->waiters))
        grant_first(&m->waiters, t->task, false);
    t->pc++;
    return false;
}

bool
step_broadcast(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m = meeting_of(t, s);

    while (m != NULL && !list_empty(&m->waiters))
        grant_first(&m->waiters, t->task, false);
    t->pc++;
    return false;
}

bool
step_down(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m;

    if (is_granted(t))
        return false;
    if (t->queued)
        return wait_more(t, s, act);
    if ((m = meeting_of(t, s)) == NULL)
        return false;
    if (m->value == 0)
        return wait_in(&m->waiters, t, s, act);
    m->value--;
    t->pc++;
    return false;
}

bool
step_up(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m = meeting_of(t, s);

    if (m != NULL && !list_empty(&m->waiters))
        grant_first(&m->waiters, t->task, false);
    else if (m != NULL)
        m->value++;
    t->pc++;
    return false;
}

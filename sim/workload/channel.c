/*
 * Channels, forks and joins.
 *
 * A channel is a pipe: so many bytes of room, no boundaries between messages. Bytes are put in and
 * taken out on behalf of the waiters, in the order of their arrival, whenever there are enough; the
 * wake-ups are synchronous ones, as in a pipe. A message larger than the channel goes in when it is
 * empty.
 */
#include "workload/run.h"

static bool
has_room(const struct meeting *m, uint64_t bytes)
{
    return m->value == 0 || (bytes <= m->size && m->value <= m->size - bytes);
}

static uint64_t
first_need(const struct list *waiters)
{
    return list_entry(waiters->next, struct thread, node)->need;
}

/* Serves who can be served; every service may make the other side's possible. */
static void
channel_settle(struct meeting *m, struct task *by)
{
    for (;;) {
        if (!list_empty(&m->waiters) && first_need(&m->waiters) <= m->value) {
            m->value -= first_need(&m->waiters);
            grant_first(&m->waiters, by, true);
        } else if (!list_empty(&m->senders) && has_room(m, first_need(&m->senders))) {
            m->value += first_need(&m->senders);
            grant_first(&m->senders, by, true);
        } else {
            return;
        }
    }
}

/* Whoever receives reads the bytes, where the other end wrote them. */
static void
take_channel(struct thread *t, const struct wstep *s, struct meeting *m)
{
    caches_take(t->run->k, t->task, &m->word, s->kind == WSTEP_RECEIVE ? t->need : 0);
}

/* Both ends of a channel: false if the step is over, done or failed. */
static bool
begin_transfer(struct thread *t, const struct wstep *s, struct meeting **m)
{
    *m = NULL;
    if (t->granted) {
        t->granted = false;
        t->pc++;
        take_channel(t, s, t->met);
        return false;
    }
    if (t->queued)
        return true;
    *m = meeting_of(t, s);
    return *m != NULL && step_number(t, s, &s->amount, &t->need);
}

bool
step_send(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m;

    if (!begin_transfer(t, s, &m))
        return false;
    if (m == NULL)
        return wait_more(t, s, act);
    if (!list_empty(&m->senders) || !has_room(m, t->need))
        return wait_in(&m->senders, t, s, act);
    take_channel(t, s, m);
    m->value += t->need;
    t->pc++;
    channel_settle(m, t->task);
    return false;
}

bool
step_receive(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m;

    if (!begin_transfer(t, s, &m))
        return false;
    if (m == NULL)
        return wait_more(t, s, act);
    if (!list_empty(&m->waiters) || m->value < t->need)
        return wait_in(&m->waiters, t, s, act);
    take_channel(t, s, m);
    m->value -= t->need;
    t->pc++;
    channel_settle(m, t->task);
    return false;
}

/* ---- forks ---- */

static struct thread *
free_thread(struct crew *c)
{
    for (uint32_t i = 0; i < c->nr; i++) {
        struct thread *t = &c->threads[(c->next + i) % c->nr];
        if (!t->alive) {
            c->next = (uint32_t)(t - c->threads + 1) % c->nr;
            return t;
        }
    }
    return NULL;
}

static struct crew *
crew_of(struct thread *t, const struct wstep *s)
{
    const struct instance *in = t->crew->instance;

    return &in->crews[(uint32_t)s->group - in->spec->first_group];
}

/* A number of threads waits until so many are free; "all" takes those that are. */
bool
step_fork(struct thread *t, const struct wstep *s, struct action *act)
{
    struct crew *c = crew_of(t, s);
    uint64_t n = c->nr;

    if (t->queued)
        return wait_more(t, s, act);
    if (s->amount.nr > 0 && !step_number(t, s, &s->amount, &n))
        return false;
    while (t->nr_forked < n && c->nr_alive < c->nr) {
        t->nr_forked++;
        thread_start(free_thread(c), t->task);
    }
    if (t->nr_forked < n && s->amount.nr > 0)
        return wait_in(&c->waiters, t, s, act);
    t->nr_forked = 0;
    t->pc++;
    return false;
}

bool
step_join(struct thread *t, const struct wstep *s, struct action *act)
{
    struct crew *c = crew_of(t, s);

    if (t->queued)
        return wait_more(t, s, act);
    if (c->nr_alive > 0)
        return wait_in(&c->waiters, t, s, act);
    t->pc++;
    return false;
}

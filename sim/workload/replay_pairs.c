/*
 * Wakers that do not get ahead of whom they wake further than the recording shows
 * (import_trace_pairs.c finds out how far).
 *
 * With a slack of k, a waker gives its wake-up when the other has consumed all but the last k that
 * it was given by it, and waits for more. Else the waker waits for that: it sleeps, as a task does
 * that waits for an answer or for room in a pipe, and the other wakes it on its way.
 */
#include "workload/replay_run.h"

struct replay_pair {
    uint8_t slack;
    uint64_t count;
    uint64_t given[REPLAY_SLACK_MOST + 1]; /* numbers of the last slack + 1 wake-ups, in a ring */
};

void
replay_pairs_build(struct replay_run *run)
{
    const struct replay *r = run->spec;

    run->pairs = arena_new_array(run->k->arena, struct replay_pair *, r->nr_pairs);
    for (uint32_t i = 0; i < r->nr_pairs; i++) {
        if (r->slack[i] == REPLAY_NO_LIMIT)
            continue;
        run->pairs[i] = arena_new_object(run->k->arena, struct replay_pair);
        run->pairs[i]->slack = r->slack[i];
    }
}

static bool
has_reached(const struct replay_thread *t, uint64_t n)
{
    return t->ended || !t->started || t->reached >= n;
}

bool
replay_may_wake(struct replay_thread *t, struct replay_thread *other, uint64_t n, uint64_t pair)
{
    struct replay_pair *p = pair < t->run->spec->nr_pairs ? t->run->pairs[pair] : NULL;

    if (p == NULL)
        return true;
    uint64_t ring = p->slack + 1u, *oldest = &p->given[p->count % ring];
    if (p->count >= ring && !has_reached(other, *oldest + 1)) {
        t->held_for = *oldest + 1;
        t->next_held = other->held;
        other->held = t;
        return false;
    }
    *oldest = n;
    p->count++;
    return true;
}

void
replay_reached(struct replay_thread *t, uint64_t n)
{
    struct replay_thread **at = &t->held, *go = NULL;

    t->reached = n;
    while (*at != NULL) { /* newest first; `go` has the oldest first */
        struct replay_thread *h = *at;
        if (!has_reached(t, h->held_for)) {
            at = &h->next_held;
            continue;
        }
        *at = h->next_held;
        h->next_held = go;
        go = h;
    }
    while (go != NULL) {
        struct replay_thread *h = go;
        go = h->next_held;
        h->next_held = NULL;
        task_wake(t->run->k, h->task, t->task, false);
    }
}

/*
 * Requests: taken from a queue, made for another thread, answered.
 *
 * A call is a request whose answer somebody waits for: the end of the request at the thread that
 * serves it counts the caller's open calls down, and wakes it at the last one. So a tree of
 * services is threads that call while they serve. Calls are function calls of the model: what a
 * message costs stands beside them in the program.
 *
 * A call is part of what its caller does: it is no request of its own in the results of the run,
 * nor a unit of work, and counts only by the name that its end gives.
 */
#include "workload/run.h"

void
request_take(struct thread *t, struct source *src, struct request q)
{
    t->has_request = true;
    t->request = q;
    t->request_source = src;
}

static struct request_kind *
kind_of(const struct thread *t, const struct wstep *s)
{
    return t->crew->kinds[s - t->crew->spec->steps];
}

bool
step_request_begin(struct thread *t, const struct wstep *s, struct action *act)
{
    struct meeting *m;
    struct source *src;

    if (is_granted(t))
        return false;
    if (t->queued)
        return wait_more(t, s, act);
    if (s->object < 0) {
        request_take(t, NULL, (struct request){ .at = kernel_now(t->run->k) });
        request_arrived(kind_of(t, s));
        t->pc++;
        return false;
    }
    if ((m = meeting_of(t, s)) == NULL)
        return false;
    src = m->source;
    if (source_exhausted(src)) {
        t->pc = t->crew->spec->nr_steps;
        t->depth = 0;
        return false;
    }
    if (src->nr == 0)
        return wait_in(&m->waiters, t, s, act);
    request_take(t, src, src->ring[src->first]);
    src->first = (src->first + 1) % src->capacity;
    src->nr--;
    t->pc++;
    if (source_exhausted(src))
        retry_all(&m->waiters, t->task);
    return false;
}

/* ---- calls ---- */

bool
step_call(struct thread *t, const struct wstep *s, struct action *act)
{
    struct request q = { .at = kernel_now(t->run->k),
                         .caller = s->reply == WREPLY_NONE ? NULL : t };
    struct meeting *m;
    uint64_t n = 1;

    if (is_granted(t))
        return false;
    if (t->queued)
        return wait_more(t, s, act);
    if ((m = meeting_of(t, s)) == NULL || (s->amount.nr > 0 && !step_number(t, s, &s->amount, &n)))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        t->calls_open += q.caller != NULL;
        if (!request_arrives(m->source, q, t->task)) {
            thread_fail(t, s, "calls a queue that is full; give it more capacity");
            return false;
        }
    }
    if (s->reply == WREPLY_NOW && t->calls_open > 0)
        return wait_in(&t->replies, t, s, act);
    t->pc++;
    return false;
}

bool
step_replies(struct thread *t, const struct wstep *s, struct action *act)
{
    if (is_granted(t))
        return false;
    if (t->queued)
        return wait_more(t, s, act);
    if (t->calls_open > 0)
        return wait_in(&t->replies, t, s, act);
    t->pc++;
    return false;
}

/* Who has ended meanwhile wants no answer; who was started anew has no call open. */
static void
answer(struct thread *caller, struct task *by)
{
    if (!caller->alive || caller->calls_open == 0)
        return;
    if (--caller->calls_open == 0 && !list_empty(&caller->replies))
        grant_first(&caller->replies, by, false);
}

static bool
is_call(const struct thread *t)
{
    return t->request_source != NULL && t->request_source->spec->kind == WARRIVAL_NONE;
}

bool
step_request_end(struct thread *t, const struct wstep *s, struct action *act)
{
    struct process *pr = t->crew->instance->process;
    sim_time latency = kernel_now(t->run->k) - t->request.at;
    struct request_kind *named = kind_of(t, s);
    uint64_t work;

    if (!t->has_request) {
        thread_fail(t, s, "ends a request, but none has begun");
        return false;
    }
    if (!step_number(t, s, &s->amount, &work))
        return false;
    if (!is_call(t)) {
        process_request_done(pr, latency);
        request_ended(pr->kinds[0], latency);
        task_work_done(t->task, work);
    }
    if (s->tag != NULL)
        request_ended(named, latency);
    if (t->request.kind != NULL)
        request_ended(t->request.kind, latency);
    t->has_request = false;
    if (t->request.caller != NULL)
        answer(t->request.caller, t->task);
    else if (t->request_source != NULL)
        source_answered(t->request_source, t->request.client);
    t->pc++;
    return false;
}

/* ---- building ---- */

static bool
is_request_step(const struct wstep *s)
{
    return s->kind == WSTEP_REQUEST_BEGIN || s->kind == WSTEP_REQUEST_END;
}

void
build_request_kinds(struct workload_run *r, struct crew *c)
{
    const struct wgroup *g = c->spec;
    bool any = false;

    for (uint32_t i = 0; i < g->nr_steps; i++)
        any |= is_request_step(&g->steps[i]);
    if (!any)
        return;
    c->kinds = arena_new_array(r->k->arena, struct request_kind *, g->nr_steps);
    for (uint32_t i = 0; i < g->nr_steps; i++)
        if (is_request_step(&g->steps[i]))
            c->kinds[i] = request_kind(r->k, c->instance->process,
                                       g->steps[i].tag != NULL ? g->steps[i].tag : "");
}

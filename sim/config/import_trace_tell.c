/*
 * What tasks are understood to have done, and what woke them, as it is told in their stories.
 */
#include "config/import_trace_compiler.h"

/* It has run up to now. */
void
trace_note_run(struct trace_compiler *c, struct teller *t)
{
    t->run += c->now - t->since;
    t->burst += c->now - t->since;
    t->s.run_ns += c->now - t->since;
    if (t->s.prio >= 100)
        shares_add(c->shares, t->number, (uint32_t)t->cpu, t->since - c->t0, c->now - c->t0, true);
    t->since = c->now;
}

void
trace_tell_run(struct trace_compiler *c, struct teller *t)
{
    if (t->state == RUNNING)
        trace_note_run(c, t);
    if (t->run > 0)
        trace_put_op(t->code, REPLAY_RUN, t->run);
    t->run = 0;
}

void
trace_tell_waited(struct trace_compiler *c, struct teller *t)
{
    if (t->queue >= 0 && t->s.prio >= 100)
        shares_add(c->shares, t->number, (uint32_t)t->queue, t->queued - c->t0, c->now - c->t0,
                   false);
    t->queued = c->now;
}

/* It waits for that CPU from now on. */
void
trace_queue_on(struct trace_compiler *c, struct teller *t, uint32_t cpu)
{
    t->state = RUNNABLE;
    t->queue = (int32_t)cpu;
    t->queued = c->now;
}

/* The wait that t began at `since` is over, by a task or from outside. */
void
trace_tell_wait(struct trace_compiler *c, struct teller *t, struct teller *by, uint64_t began,
                uint64_t ended)
{
    uint64_t took = ended - MIN(began, ended);

    t->awake_since = ended;
    t->burst = 0;

    if (by != NULL) {
        t->s.woken_by_tasks++;
        trace_put_op2(t->code, REPLAY_WAIT, t->ordinal, MAX(took, 1));
        trace_put_number(t->code, ended - c->t0);
        trace_put_number(t->code, trace_relation_of(c, by, t));
        trace_put_number(t->code, t->source);
        trace_put_number(t->code, t->source_count);
    } else {
        t->s.woken_from_outside++;
        trace_put_op2(t->code, REPLAY_SLEEP, MAX(took, 1), ended - c->t0);
    }
}

/* Its first event is that it is woken: its story begins there. */
void
trace_tell_beginning(struct trace_compiler *c, struct teller *t, struct teller *by)
{
    t->start_at = c->now - c->t0;
    t->awake_since = c->now;
    t->start = by != NULL ? REPLAY_START_WOKEN : REPLAY_START_AT;
    if (by != NULL)
        trace_tell_wait(c, t, by, c->t0, c->now);
}

/* The waker as far as it counts: a task that runs, and not the sleeper itself. */
static struct teller *
waker_of(struct trace_compiler *c, const struct trace_event *e, const struct teller *t)
{
    struct teller *by;

    if (e->irq || e->by <= TRACE_IDLE)
        return NULL;
    by = g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(e->by));
    return by != NULL && by != t && !by->dropped && by->state == RUNNING ? by : NULL;
}

void
trace_waking(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    struct teller *by = waker_of(c, e, t);

    if (t->lost && t->state == RUNNABLE)
        t->state = SLEEPING; /* only sleepers are woken: that is how it left */
    t->lost = false;
    if (t->state != SLEEPING && t->state != UNKNOWN && t->state != RUNNING)
        return;
    if (by != NULL && !t->dropped) {
        trace_tell_run(c, by);
        trace_put_op2(by->code, REPLAY_WAKE, t->index, ++t->ordinal);
        /* one that comes before the sleep says nothing, and must not wait for it */
        trace_put_number(by->code, t->state == SLEEPING ? trace_pair_woke(c, by, t) : 0);
        trace_source_woke(c, by, t);
        trace_put_number(by->code, t->source);
        by->s.wakes++;
        by->woke = t;
        by->woke_at = c->now;
    }
    if (t->state == RUNNING) {
        t->early = true;
        t->early_by = by;
        t->early_at = c->now;
        return;
    }
    if (t->state == UNKNOWN) {
        t->first_cpu = (int32_t)e->target_cpu;
        trace_tell_beginning(c, t, by);
    } else
        trace_tell_wait(c, t, by, t->since, c->now);
    trace_queue_on(c, t, e->target_cpu);
}

/* It is seen on that CPU: it may run there. */
void
trace_note_cpu(struct teller *t, uint32_t cpu)
{
    if (t->pinned != (int32_t)cpu)
        t->pinned = -1;
}

/* The wake-up itself tells what its sched_waking has not: where that is not recorded. */
void
trace_wakeup(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    if (t->state == SLEEPING || t->state == UNKNOWN || t->lost)
        trace_waking(c, e, t);
    else if (t->state == RUNNING)
        t->early = false; /* it went on running */
    trace_note_cpu(t, e->target_cpu);
    if (t->state == RUNNABLE)
        t->queue = (int32_t)e->target_cpu;
    trace_script_wakeup(c, e, t);
}

void
trace_born(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    struct teller *by = waker_of(c, e, t);

    if (t->state == UNBORN && by != NULL && !t->dropped) {
        trace_tell_run(c, by);
        trace_put_op(by->code, REPLAY_FORK, t->index);
        by->s.forks++;
        t->start = REPLAY_START_FORKED;
        t->awake_since = c->now;
        trace_queue_on(c, t, e->target_cpu);
    } else if (t->state == UNBORN || t->state == UNKNOWN) {
        trace_tell_beginning(c, t, NULL);
        trace_queue_on(c, t, e->target_cpu);
    }
    trace_script_wakeup(c, e, t);
}

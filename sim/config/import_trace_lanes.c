/*
 * CPUs of a recording: tasks leave them and enter, and those are found running whose coming the
 * recorder lost.
 */
#include "config/import_trace_compiler.h"

/* A task leaves its CPU. */
void
trace_leave(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    bool slept = e->state != 'R';
    bool early = t->early && slept;

    if (t->state != RUNNING)
        return;
    if (!slept || e->state == TRACE_STATE_LOST) {
        trace_note_run(c, t);
        t->left = c->now;
        trace_queue_on(c, t, e->cpu);
        if (e->state == TRACE_STATE_LOST) {
            t->queue = -1;
            t->lost = true;
        }
        return;
    }
    trace_tell_run(c, t);
    t->s.bursts++;
    trace_pair_slept(c, t);
    t->awake_ns += c->now - MIN(t->awake_since, c->now);
    t->early = false;
    t->since = c->now;
    t->state = SLEEPING;
    if (e->state == 'X' || e->state == 'x' || e->state == 'Z') {
        t->state = DEAD;
        t->zombie = e->state == 'Z';
        t->died = c->now;
        if (t->woke != NULL && c->now - t->woke_at <= REPLAY_LAST_WORDS)
            t->survivor = t->woke;
        if (g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(t->s.pid)) == t)
            g_hash_table_remove(c->by_pid, GINT_TO_POINTER(t->s.pid));
    } else if (early) {
        trace_tell_wait(c, t, t->early_by, c->now, c->now);
        trace_queue_on(c, t, e->cpu);
    }
}

/* What ran on the lane by our books cannot have: prev did, since the last switch that we saw. */
void
trace_repair_lane(struct trace_compiler *c, struct lane *lane, struct teller *prev)
{
    struct teller *t = lane->curr;

    if (!lane->known || t == prev)
        return;
    c->mismatches++;
    if (t != NULL && t->state == RUNNING && &c->lanes[t->cpu] == lane) {
        t->state = RUNNABLE;
        t->queue = -1;
        t->lost = true;
        t->since = lane->last_switch;
    }
    trace_script_repair(c, lane, prev);
}

/*
 * Since when somebody runs who is found running: since the last switch that we saw, but not before
 * he was last seen to wait or to sleep. Where no switch was seen yet, the CPU's recording has just
 * begun, later than that of others: whoever was seen elsewhere has just come.
 */
static uint64_t
found_since(const struct trace_compiler *c, const struct lane *lane, const struct teller *t)
{
    if (t->state == UNKNOWN)
        return lane->known ? lane->last_switch : c->t0;
    if (!lane->known)
        return c->now;
    return MAX(lane->last_switch, t->state == RUNNABLE ? t->queued : t->since);
}

void
trace_find_running(struct trace_compiler *c, struct lane *lane, struct teller *t, uint32_t cpu)
{
    uint64_t since = found_since(c, lane, t);

    if (t->state == RUNNING && t->cpu == (int32_t)cpu)
        return;
    if (t->state == UNKNOWN) {
        t->start_at = (t->awake_since = since) - c->t0;
        t->first_cpu = (int32_t)cpu;
    } else if (t->state == SLEEPING)
        trace_tell_wait(c, t, NULL, t->since, since);
    t->since = since;
    t->state = RUNNING;
    t->lost = false;
    t->cpu = (int32_t)cpu;
    lane->curr = t;
}

void
trace_enter(struct trace_compiler *c, struct lane *lane, struct teller *t, uint32_t cpu)
{
    switch (t->state) {
    case UNKNOWN:
    case UNBORN:
        trace_tell_beginning(c, t, NULL);
        t->first_cpu = (int32_t)cpu;
        if (t->old && !c->lost) { /* nobody woke it: it has waited since before the recording */
            t->awake_since = c->t0;
            t->start_at = 0;
            t->queue = (int32_t)cpu;
            t->queued = c->t0;
            trace_tell_waited(c, t);
        }
        break;
    case SLEEPING: /* how it was woken was lost */
        trace_tell_wait(c, t, NULL, t->since, c->now);
        break;
    case RUNNABLE:
        trace_tell_waited(c, t);
        break;
    default:
        break;
    }
    trace_note_cpu(t, cpu);
    t->state = RUNNING;
    t->early = t->lost = false;
    t->since = c->now;
    t->cpu = (int32_t)cpu;
    lane->curr = t;
}

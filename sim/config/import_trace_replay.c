/*
 * A recording becomes stories.
 *
 * Every task has a state, and events move it: a switch lets one run and stops another, a waking
 * ends a wait. What a task did is appended to its story as it is understood, so that a recording of
 * any size is read once. The rules (formats.md 2.3):
 *
 *   run         from switch to switch; pieces parted by preemption are joined, since when it was
 *               preempted is the recorded scheduler's doing
 *   wait        begins where the task leaves its CPU in another state than R, ends with its
 *               sched_waking: by a running task, then it is that task's doing at that point of its
 *               own CPU time; by idle, by an interrupt, or by a task that is left out, then it is
 *               the outside world, and only its length is known
 *   queueing    between waking and running: a result, not part of any story
 *
 * A task that is woken before it has left its CPU has its wait all the same, of length zero, if it
 * then leaves; if it goes on running, there was none. Tasks that were there before the recording
 * begin in the state that their first event implies.
 */
#include "config/import_trace_compiler.h"

static void
on_switch(struct trace_compiler *c, struct lane *lane, const struct trace_event *e)
{
    struct teller *prev = trace_teller_of(c, &e->task), *next = trace_teller_of(c, &e->other);

    c->mismatches += e->made_up;
    trace_repair_lane(c, lane, prev);
    if (prev != NULL) {
        trace_find_running(c, lane, prev, e->cpu);
        trace_leave(c, e, prev);
    }
    lane->curr = NULL;
    lane->known = true;
    if (next != NULL && next->state != DEAD)
        trace_enter(c, lane, next, e->cpu);
    trace_script_switch(c, lane, e, next);
    lane->last_switch = c->now;
}

static void
on_fork(struct trace_compiler *c, const struct trace_event *e)
{
    struct teller *parent = trace_teller_of(c, &e->task);

    if (e->other.pid <= TRACE_IDLE)
        return;
    struct teller *child = trace_new_teller(c, &e->other, UNBORN);
    child->parent = e->task.pid;
    if (parent != NULL)
        child->s.prio = parent->s.prio;
    child->mother = parent;
}

/* Another program: the kernel placed it anew. */
static void
on_exec(struct trace_compiler *c, struct teller *t)
{
    if (t->state != RUNNING)
        return;
    trace_tell_run(c, t);
    trace_put_op(t->code, REPLAY_EXEC, 0);
    t->pinned = -1;
}

static void
on_move(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    bool delayed = t->state == SLEEPING && c->waking_known; /* asleep, and still on a queue */

    if (t->state == RUNNABLE) {
        trace_tell_waited(c, t);
        t->queue = (int32_t)e->target_cpu;
    }
    t->pinned = trace_asked_for_move(c, e, t) ? (int32_t)e->target_cpu : -1;
    if (!t->dropped && !t->in_wakeup && (delayed || t->state != SLEEPING))
        trace_script_move(c, t, e->target_cpu);
}

/* ---- the stream ---- */

static struct lane *
lane_of(struct trace_compiler *c, uint32_t cpu)
{
    if (cpu >= c->nr_lanes) {
        uint32_t nr = MAX(cpu + 1, 2 * c->nr_lanes);

        c->lanes = g_renew(struct lane, c->lanes, nr);
        memset(c->lanes + c->nr_lanes, 0, (nr - c->nr_lanes) * sizeof(struct lane));
        c->nr_lanes = nr;
    }
    return &c->lanes[cpu];
}

/* Whoever an event is by runs on its CPU, and may have done so since before the recording. */
static void
see_current(struct trace_compiler *c, struct lane *lane, const struct trace_event *e)
{
    struct teller *by = g_hash_table_lookup(c->by_pid, GINT_TO_POINTER(e->by));
    const struct trace_task unknown = { .pid = e->by, .prio = 120 };

    if (by != NULL && e->tgid >= 0)
        by->s.tgid = e->tgid;
    if (lane->known || e->by <= TRACE_IDLE)
        return;
    if (by == NULL)
        by = trace_new_teller(c, &unknown, UNKNOWN);
    trace_find_running(c, lane, by, e->cpu);
    lane->known = true;
    lane->last_switch = c->t0;
}

static void
take_event(void *compiler, const struct trace_event *e)
{
    struct trace_compiler *c = compiler;
    struct lane *lane = lane_of(c, e->cpu);
    struct teller *t;

    if (!c->begun)
        c->t0 = c->now = c->script_at = e->counts->simulated ? 0 : e->time;
    c->begun = true;
    c->now = e->time;
    c->irq_known |= e->irq;
    c->lost |= e->counts->lost > 0;
    c->waking_known |= e->kind == TRACE_WAKING;
    see_current(c, lane, e);
    if (e->kind == TRACE_SWITCH)
        on_switch(c, lane, e);
    else if (e->kind == TRACE_FORK)
        on_fork(c, e);
    else if ((t = trace_teller_of(c, &e->task)) != NULL) {
        if (e->kind == TRACE_WAKING || e->kind == TRACE_WAKEUP || e->kind == TRACE_WAKEUP_NEW)
            t->in_wakeup = e->kind == TRACE_WAKING;
        if (e->kind == TRACE_WAKING)
            trace_waking(c, e, t);
        else if (e->kind == TRACE_WAKEUP)
            trace_wakeup(c, e, t);
        else if (e->kind == TRACE_WAKEUP_NEW)
            trace_born(c, e, t);
        else if (e->kind == TRACE_MIGRATE)
            on_move(c, e, t);
        else if (e->kind == TRACE_EXEC)
            on_exec(c, t);
    }
    lane->seen = true;
}

void
trace_compiler_event(void *compiler, const struct trace_event *e)
{
    struct trace_compiler *c = compiler;

    trace_window_sink(c->window, e);
}

struct trace_compiler *
trace_compiler_new(const struct trace_options *o)
{
    struct trace_compiler *c = g_new0(struct trace_compiler, 1);

    const struct trace_sink through = { c, take_event };

    c->o = *o;
    c->window = trace_window_new(&through);
    c->tellers = g_ptr_array_new_with_free_func(trace_free_teller);
    c->by_pid = g_hash_table_new(g_direct_hash, g_direct_equal);
    c->script = g_byte_array_new();
    c->shares = shares_new();
    trace_relations_init(c);
    trace_sources_init(c);
    trace_pairs_init(c);
    return c;
}

void
trace_compiler_free(struct trace_compiler *c)
{
    g_ptr_array_unref(c->tellers);
    g_hash_table_unref(c->by_pid);
    g_byte_array_unref(c->script);
    shares_free(c->shares);
    trace_relations_clear(c);
    trace_sources_clear(c);
    trace_pairs_clear(c);
    trace_window_free(c->window);
    g_free(c->lanes);
    g_free(c);
}

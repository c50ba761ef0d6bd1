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

/* ---- what they did ---- */

/* It has run up to now. */
static void
note_run(struct trace_compiler *c, struct teller *t)
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
        note_run(c, t);
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
static void
queue_on(struct trace_compiler *c, struct teller *t, uint32_t cpu)
{
    t->state = RUNNABLE;
    t->queue = (int32_t)cpu;
    t->queued = c->now;
}

/* The wait that t began at `since` is over, by a task or from outside. */
static void
tell_wait(struct trace_compiler *c, struct teller *t, struct teller *by, uint64_t began,
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
static void
tell_beginning(struct trace_compiler *c, struct teller *t, struct teller *by)
{
    t->start_at = c->now - c->t0;
    t->awake_since = c->now;
    t->start = by != NULL ? REPLAY_START_WOKEN : REPLAY_START_AT;
    if (by != NULL)
        tell_wait(c, t, by, c->t0, c->now);
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

static void
waking(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
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
        tell_beginning(c, t, by);
    } else
        tell_wait(c, t, by, t->since, c->now);
    queue_on(c, t, e->target_cpu);
}

/* It is seen on that CPU: it may run there. */
static void
note_cpu(struct teller *t, uint32_t cpu)
{
    if (t->pinned != (int32_t)cpu)
        t->pinned = -1;
}

/* The wake-up itself tells what its sched_waking has not: where that is not recorded. */
static void
wakeup(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    if (t->state == SLEEPING || t->state == UNKNOWN || t->lost)
        waking(c, e, t);
    else if (t->state == RUNNING)
        t->early = false; /* it went on running */
    note_cpu(t, e->target_cpu);
    if (t->state == RUNNABLE)
        t->queue = (int32_t)e->target_cpu;
    trace_script_wakeup(c, e, t);
}

static void
born(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    struct teller *by = waker_of(c, e, t);

    if (t->state == UNBORN && by != NULL && !t->dropped) {
        trace_tell_run(c, by);
        trace_put_op(by->code, REPLAY_FORK, t->index);
        by->s.forks++;
        t->start = REPLAY_START_FORKED;
        t->awake_since = c->now;
        queue_on(c, t, e->target_cpu);
    } else if (t->state == UNBORN || t->state == UNKNOWN) {
        tell_beginning(c, t, NULL);
        queue_on(c, t, e->target_cpu);
    }
    trace_script_wakeup(c, e, t);
}

/* A task leaves its CPU. */
static void
leave(struct trace_compiler *c, const struct trace_event *e, struct teller *t)
{
    bool slept = e->state != 'R';
    bool early = t->early && slept;

    if (t->state != RUNNING)
        return;
    if (!slept || e->state == TRACE_STATE_LOST) {
        note_run(c, t);
        t->left = c->now;
        queue_on(c, t, e->cpu);
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
        tell_wait(c, t, t->early_by, c->now, c->now);
        queue_on(c, t, e->cpu);
    }
}

/* What ran on the lane by our books cannot have: prev did, since the last switch that we saw. */
static void
repair_lane(struct trace_compiler *c, struct lane *lane, struct teller *prev)
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

static void
find_running(struct trace_compiler *c, struct lane *lane, struct teller *t, uint32_t cpu)
{
    uint64_t since = found_since(c, lane, t);

    if (t->state == RUNNING && t->cpu == (int32_t)cpu)
        return;
    if (t->state == UNKNOWN) {
        t->start_at = (t->awake_since = since) - c->t0;
        t->first_cpu = (int32_t)cpu;
    } else if (t->state == SLEEPING)
        tell_wait(c, t, NULL, t->since, since);
    t->since = since;
    t->state = RUNNING;
    t->lost = false;
    t->cpu = (int32_t)cpu;
    lane->curr = t;
}

static void
enter(struct trace_compiler *c, struct lane *lane, struct teller *t, uint32_t cpu)
{
    switch (t->state) {
    case UNKNOWN:
    case UNBORN:
        tell_beginning(c, t, NULL);
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
        tell_wait(c, t, NULL, t->since, c->now);
        break;
    case RUNNABLE:
        trace_tell_waited(c, t);
        break;
    default:
        break;
    }
    note_cpu(t, cpu);
    t->state = RUNNING;
    t->early = t->lost = false;
    t->since = c->now;
    t->cpu = (int32_t)cpu;
    lane->curr = t;
}

static void
on_switch(struct trace_compiler *c, struct lane *lane, const struct trace_event *e)
{
    struct teller *prev = trace_teller_of(c, &e->task), *next = trace_teller_of(c, &e->other);

    c->mismatches += e->made_up;
    repair_lane(c, lane, prev);
    if (prev != NULL) {
        find_running(c, lane, prev, e->cpu);
        leave(c, e, prev);
    }
    lane->curr = NULL;
    lane->known = true;
    if (next != NULL && next->state != DEAD)
        enter(c, lane, next, e->cpu);
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
    find_running(c, lane, by, e->cpu);
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
            waking(c, e, t);
        else if (e->kind == TRACE_WAKEUP)
            wakeup(c, e, t);
        else if (e->kind == TRACE_WAKEUP_NEW)
            born(c, e, t);
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

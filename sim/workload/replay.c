/*
 * Replaying: tasks do again what they did, on another machine or under another policy.
 *
 * Wake-ups are counted by the task that is woken and by source, the name of the waker
 * (import_trace_sources.c). A wait is over when its source has given as many as in the recording,
 * before or after the task got there, so the order in which two tasks wake a third may change, and
 * none is lost. Those wake-ups all lie earlier in the recording than the end of the wait, so waits
 * never form a circle, whatever the new order is: a replay cannot hang.
 *
 * The recorded CPU time contains the kernel's own work: switches, wake-ups. The simulated kernel
 * charges its costs on top, so what it has charged to a task is taken off its next burst. What
 * costs more than the recorded machine did, memory for instance, still shows.
 */
#include "workload/replay_run.h"

const char *const replay_mode_names[REPLAY_MODE_NR + 1] = { "dependency", "timing", "open", NULL };

/* ---- waits ---- */

/* What it waits for has been given: as many wake-ups of that source as in the recording. */
static bool
has_been_woken(const struct replay_thread *t, uint64_t source, uint64_t n)
{
    return t->given[source] >= n;
}

static void
start_thread(struct replay_thread *t, struct task *parent)
{
    if (t->started || t->spec->start == REPLAY_START_NEVER)
        return;
    t->started = true;
    task_start(t->run->k, t->task, parent);
}

/* It has nothing left to do but to run for a moment: it tells its parent. */
static bool
is_dying(const struct replay_thread *t)
{
    const uint8_t *at = t->at;

    if (t->spec->open)
        return false;
    if (at < t->end && *at == REPLAY_RUN) {
        at++;
        if (replay_number(&at, t->end) > REPLAY_LAST_WORDS)
            return false;
    }
    return at == t->end;
}

/*
 * Whether the waker said that it was about to sleep (WF_SYNC): pipes and sockets do, which is how
 * processes wake each other; threads of one process do so by futexes, which do not. Two of one name
 * that both died as processes were two. What a dying task says does not count (PF_EXITING).
 */
static bool
is_sync(const struct replay_thread *waker, const struct replay_task *t)
{
    const struct replay_task *by = waker->spec;

    return !is_dying(waker) && !by->kthread && !t->kthread &&
           (by->process != t->process || (by->zombie && t->zombie));
}

static void
wake_thread(struct replay_thread *t, uint64_t source, struct replay_thread *by)
{
    struct task *waker = by->task;

    t->given[source]++;
    if (t->spec->start == REPLAY_START_WOKEN && !t->started) {
        start_thread(t, waker);
    } else if (t->waits && has_been_woken(t, t->waits_source, t->waits_for)) {
        t->waits = false;
        task_wake(t->run->k, t->task, waker, is_sync(by, t->spec));
    }
}

/* ---- the program ---- */

static uint64_t
number(struct replay_thread *t)
{
    return replay_number(&t->at, t->end);
}

static struct replay_thread *
thread_at(struct replay_run *run, uint64_t index)
{
    return index < run->spec->nr_tasks ? &run->threads[index] : NULL;
}

static bool
op_run(struct replay_thread *t, struct action *act)
{
    uint64_t work = number(t), kernel = t->task->stats.kernel_ns;

    t->debt += kernel - SIM_MIN(t->kernel_seen, kernel);
    t->kernel_seen = kernel;
    uint64_t off = SIM_MIN(t->debt, work);
    t->debt -= off;
    work -= off;
    if (t->has_memory)
        work = mul_div_u64(work, t->work_q20, 1 << 20);
    *act = (struct action){ .kind = ACTION_RUN, .work = work };
    if (t->has_memory)
        act->profile = &t->profile;
    return work > 0;
}

static bool
op_wake(struct replay_thread *t, struct action *act)
{
    const uint8_t *op = t->at - 1;
    struct replay_thread *other = thread_at(t->run, number(t));
    uint64_t n = number(t), pair = number(t), source = number(t);

    if (other == NULL || other == t || t->run->spec->mode == REPLAY_TIMING)
        return false;
    if (!replay_may_wake(t, other, n, pair)) {
        t->at = op;
        *act = (struct action){ .kind = ACTION_BLOCK };
        return true;
    }
    wake_thread(other, source, t);
    return false;
}

static bool
op_fork(struct replay_thread *t, struct action *act)
{
    struct replay_thread *child = thread_at(t->run, number(t));

    if (child != NULL)
        start_thread(child, t->task);
    return false;
}

static bool
sleep_until(struct replay_thread *t, sim_time until, struct action *act)
{
    *act = (struct action){ .kind = ACTION_SLEEP, .until = until };
    return until > kernel_now(t->run->k);
}

/* A sleep that came from outside: as long as recorded, or up to the recorded instant. */
static bool
sleep_outside(struct replay_thread *t, uint64_t took, sim_time at, struct action *act)
{
    bool open = t->run->spec->mode == REPLAY_OPEN;

    return sleep_until(t, open ? at : kernel_now(t->run->k) + took, act);
}

static bool
op_wait(struct replay_thread *t, struct action *act)
{
    uint64_t n = number(t), took = number(t), at = number(t), relation = number(t);
    uint64_t source = number(t), count = number(t);
    const struct replay *r = t->run->spec;

    replay_reached(t, n);
    if (r->mode == REPLAY_TIMING || relation >= r->nr_relations || !r->meant[relation])
        return !t->first_op &&
               sleep_outside(t, took, at, act); /* first: it has just been started */
    if (has_been_woken(t, source, count))
        return false;
    t->waits = true;
    t->waits_source = source;
    t->waits_for = count;
    *act = (struct action){ .kind = ACTION_BLOCK };
    return true;
}

/*
 * The beginning of a task that was there before the recording: asleep where it was first seen.
 * What wakes it is the first op of its story, or it is its start alone. On a machine of another
 * size recorded CPUs mean nothing: it is placed like a new one.
 */
static bool
begin_asleep(struct replay_thread *t)
{
    const struct replay_task *spec = t->spec;
    struct kernel *k = t->run->k;
    sim_time until = spec->start_at;

    if (!spec->old || spec->cpu < 0 || t->run->spec->nr_cpus != k->machine->nr_cpus ||
        !cpumask_test(t->task->allowed, (uint32_t)spec->cpu))
        return false;
    if (spec->start == REPLAY_START_WOKEN && t->at < t->end) {
        struct action act;
        uint8_t op = *t->at++;

        sim_assert(op == REPLAY_WAIT);
        t->first_op = false;
        if (op_wait(t, &act) && act.kind == ACTION_BLOCK)
            until = SIM_NEVER;
    }
    t->started = true;
    task_start_asleep(k, t->task, spec->cpu, spec->wanted, spec->had, until);
    return true;
}

static bool
op_sleep(struct replay_thread *t, struct action *act)
{
    uint64_t took = number(t), at = number(t);

    return sleep_outside(t, took, at, act);
}

static bool
op_nice(struct replay_thread *t, struct action *act)
{
    int nice = (int)SIM_MIN(number(t), (uint64_t)39) - 20;

    task_set_nice(t->run->k, t->task, nice);
    return false;
}

/* The recording was a window on a machine that went on, and the others would feel it. */
static bool
op_go_on(struct replay_thread *t, struct action *act)
{
    *act = (struct action){ .kind = ACTION_RUN, .work = number(t) };
    if (t->has_memory)
        act->profile = &t->profile;
    return !t->run->spec->drain;
}

static bool
op_exec(struct replay_thread *t, struct action *act)
{
    number(t);
    task_exec(t->run->k, t->task);
    return false;
}

static bool (*const ops[REPLAY_OP_NR])(struct replay_thread *t, struct action *act) = {
    [REPLAY_RUN] = op_run,     [REPLAY_WAKE] = op_wake,   [REPLAY_FORK] = op_fork,
    [REPLAY_WAIT] = op_wait,   [REPLAY_SLEEP] = op_sleep, [REPLAY_NICE] = op_nice,
    [REPLAY_GO_ON] = op_go_on, [REPLAY_EXEC] = op_exec,
};

static struct action
replay_next(struct kernel *k, struct task *p)
{
    struct replay_thread *t = p->prog;
    struct action act;

    while (t->at < t->end) {
        uint8_t op = *t->at++;

        sim_assert(op < REPLAY_OP_NR);
        bool acts = ops[op](t, &act);
        t->first_op = false;
        if (acts)
            return act;
    }
    return (struct action){ .kind = ACTION_EXIT };
}

void
replay_exited(struct kernel *k, struct task *p)
{
    struct replay_thread *t = p->prog;

    t->ended = true;
    replay_reached(t, t->reached);
    if (t->run->nr_unfinished > 0 && --t->run->nr_unfinished == 0)
        engine_stop(&k->engine);
}

const struct task_ops replay_ops = { .next = replay_next, .exited = replay_exited };

/* ---- beginning and end ---- */

static void
window_fire(struct engine *eng, struct event *ev)
{
    struct replay_run *run = container_of(ev, struct replay_run, ev);

    run->nr_unfinished = 0;
    engine_stop(eng);
}

void
replay_start(struct replay_run *run)
{
    const struct replay *spec = run->spec;

    for (uint32_t i = 0; i < spec->nr_tasks; i++)
        run->nr_unfinished += spec->tasks[i].start != REPLAY_START_NEVER;
    if (spec->placement) {
        script_start(run);
        return;
    }
    if (!spec->drain) {
        event_init(&run->k->engine, &run->ev, EVENT_SOURCE, 0, PHASE_SAMPLE, window_fire);
        engine_at(&run->k->engine, &run->ev, spec->length);
    }
    for (uint32_t i = 0; i < spec->nr_tasks; i++) {
        struct replay_thread *t = &run->threads[i];

        if (t->spec->start != REPLAY_START_NEVER && begin_asleep(t))
            continue;
        if (t->spec->start == REPLAY_START_AT ||
            (t->spec->start == REPLAY_START_WOKEN && spec->mode == REPLAY_TIMING)) {
            t->started = true;
            task_start_at(run->k, t->task, t->spec->start_at);
        }
    }
}

bool
replay_done(const struct replay_run *run)
{
    return run->nr_unfinished == 0;
}

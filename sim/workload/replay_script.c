/*
 * --replay-placement: the recorded schedule itself, CPU by CPU and instant by instant.
 *
 * One event walks through the recording. Tasks have no story of their own: they run until the
 * recording takes their CPU away. The walk stops behind every switch and goes on within the same
 * instant once the CPU has switched, so that switches come in the recorded order too, and a trace
 * of the replay is the trace that was replayed.
 *
 * A recording may have holes. A task that is to run and is not there is brought there first, as
 * well as the calls of the kernel allow; how often is said at the end.
 */
#include "workload/replay_run.h"

static void
put_on(struct replay_thread *t, uint32_t cpu)
{
    cpumask_zero(t->only);
    cpumask_set(t->only, cpu);
    task_set_affinity(t->run->k, t->task, t->only);
}

static bool
asleep(const struct task *p)
{
    return p->state == TASK_BLOCKED || p->state == TASK_SLEEPING;
}

/* Wakes or starts a task onto `cpu`; without a waker a start was seen on the CPU `from`. */
static void
bring(struct replay_thread *t, uint32_t cpu, struct task *waker, uint32_t from)
{
    struct kernel *k = t->run->k;

    if (t->task->state == TASK_RUNNING || t->task->state == TASK_DEAD) {
        t->run->nr_misfits++;
        return;
    }
    put_on(t, cpu);
    k->start_cpu = (int32_t)from;
    if (t->task->state == TASK_NEW)
        task_start(k, t->task, waker);
    else if (asleep(t->task))
        task_wake(k, t->task, waker, false);
}

static void
block(struct kernel *k, struct rq *rq, struct task *p)
{
    p->state = TASK_BLOCKED;
    p->slept_at = k->engine.now;
    p->stats.nr_voluntary++;
    deactivate_task(k, rq, p, DEQUEUE_SLEEP);
}

/* What runs leaves the CPU as recorded. */
static void
leave(struct kernel *k, struct rq *rq, uint8_t state)
{
    struct task *p = rq->curr;

    if (p == NULL || p == rq->script)
        return;
    if (state == 'X' || state == 'Z')
        task_exit(k, p);
    else if (state != 'R' && state != '+')
        block(k, rq, p);
}

static void
switch_to(struct replay_run *run, uint32_t cpu, uint8_t state, uint64_t next)
{
    struct kernel *k = run->k;
    struct rq *rq = &k->rqs[cpu];
    struct replay_thread *t = next > 0 ? &run->threads[next - 1] : NULL;

    if (t != NULL && !(t->task->state == TASK_RUNNABLE && t->task->cpu == (int)cpu)) {
        run->nr_misfits += t->started;
        bring(t, cpu, NULL, cpu);
    }
    if (t != NULL)
        t->started = true;
    rq->script = t != NULL ? t->task : NULL;
    leave(k, rq, state);
    resched_curr(k, rq);
}

static void
wake(struct replay_run *run, uint32_t cpu, uint64_t task, uint32_t target, bool irq)
{
    struct replay_thread *t = &run->threads[task - 1];

    if (t->task->state != TASK_NEW && !asleep(t->task)) {
        run->nr_misfits += t->task->state == TASK_DEAD;
        return; /* it was woken before it slept */
    }
    t->started = true;
    bring(t, target, irq ? NULL : run->k->rqs[cpu].curr, cpu);
}

static void
move(struct replay_run *run, uint64_t task, uint32_t target)
{
    struct replay_thread *t = &run->threads[task - 1];

    if (t->task->state == TASK_RUNNABLE) {
        put_on(t, target);
    } else if (asleep(t->task)) { /* its dequeue was delayed, and somebody pulled it */
        put_on(t, target);
        set_task_cpu(t->run->k, t->task, (int)target);
    }
}

static uint64_t
number(struct replay_run *run)
{
    return replay_number(&run->at, run->end);
}

/* Four bytes, lowest first. */
static uint32_t
next_task(struct replay_run *run)
{
    uint32_t value = 0;

    for (unsigned shift = 0; shift < 32 && run->at < run->end; shift += 8)
        value |= (uint32_t)*run->at++ << shift;
    return value;
}

/* Carries out the next thing that happened. True: a CPU has to switch first. */
static bool
script_step(struct replay_run *run)
{
    uint8_t what = *run->at++;
    uint64_t a = number(run), b = number(run), c;

    switch (what) {
    case REPLAY_SWITCH:
        switch_to(run, (uint32_t)a, (uint8_t)b, next_task(run));
        return true;
    case REPLAY_WAKEUP:
        c = number(run);
        wake(run, (uint32_t)(a >> 1), b, (uint32_t)c, a & 1);
        break;
    default:
        move(run, a, (uint32_t)b);
    }
    return false;
}

static void
script_end(struct replay_run *run)
{
    run->nr_unfinished = 0;
    engine_stop(&run->k->engine);
}

static void
script_fire(struct engine *eng, struct event *ev)
{
    struct replay_run *run = container_of(ev, struct replay_run, ev);
    bool stop = false;

    while (!stop && run->at_time <= eng->now) {
        if (run->at >= run->end) {
            script_end(run);
            return;
        }
        stop = script_step(run);
        if (run->at < run->end)
            run->at_time += number(run);
        else
            run->at_time = SIM_MAX(eng->now, run->spec->length);
    }
    engine_at(eng, ev, SIM_MAX(run->at_time, eng->now));
}

static struct action
script_next(struct kernel *k, struct task *p)
{
    (void)k, (void)p;
    return (struct action){ .kind = ACTION_SPIN };
}

const struct task_ops script_ops = { .next = script_next, .exited = replay_exited };

void
script_build(struct replay_run *run)
{
    struct kernel *k = run->k;

    for (uint32_t i = 0; i < run->spec->nr_tasks; i++) {
        struct replay_thread *t = &run->threads[i];

        t->only = cpumask_new(k->arena, k->machine->nr_cpus);
        t->task->class = &script_sched_class;
    }
    event_init(&k->engine, &run->ev, EVENT_SOURCE, 0, PHASE_SAMPLE, script_fire);
    run->at = run->spec->script;
    run->end = run->at + run->spec->script_len;
    run->at_time = run->at < run->end ? number(run) : 0;
}

void
script_start(struct replay_run *run)
{
    engine_at(&run->k->engine, &run->ev, run->at_time);
}

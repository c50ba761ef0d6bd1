/*
 * The life of a task: built, started, woken, ended; and the calls by which a workload changes it.
 */
#include "kernel/balance.h"
#include "kernel/burst.h"
#include "kernel/core.h"
#include "kernel/ext.h"
#include "kernel/fair_cfs.h"
#include "kernel/fetch.h"
#include "kernel/host_turns.h"
#include "kernel/hotplug.h"
#include "kernel/mm.h"
#include "kernel/numa.h"
#include "kernel/sched_change.h"
#include "kernel/sched_stats.h"
#include "kernel/timer_slack.h"
#include "kernel/weight.h"

struct process *
process_new(struct kernel *k, const char *name, const char *tag)
{
    struct process *pr = arena_new_object(k->arena, struct process);

    if (k->nr_processes == k->cap_processes) {
        uint32_t cap = k->cap_processes ? 2 * k->cap_processes : 16;
        k->processes =
            arena_grow(k->arena, k->processes, k->cap_processes * sizeof(pr), cap * sizeof(pr));
        k->cap_processes = cap;
    }
    pr->id = k->nr_processes;
    k->processes[k->nr_processes++] = pr;
    pr->name = arena_strdup(k->arena, name);
    pr->tag = tag;
    pr->mm = mm_new(k, pr);
    histogram_init(&pr->stats.wait, k->arena);
    histogram_init(&pr->stats.wakeup, k->arena);
    histogram_init(&pr->stats.request, k->arena);
    return pr;
}

void
process_request_done(struct process *pr, sim_time latency)
{
    histogram_record(&pr->stats.request, latency);
}

static void
task_register(struct kernel *k, struct task *p)
{
    int slot = cpumask_first(k->free_slots);

    if (k->nr_tasks == k->cap_tasks) {
        uint32_t cap = k->cap_tasks ? 2 * k->cap_tasks : 64;
        k->tasks = arena_grow(k->arena, k->tasks, k->cap_tasks * sizeof(p), cap * sizeof(p));
        k->cap_tasks = cap;
    }
    sim_assert(slot >= 0);
    cpumask_clear(k->free_slots, (uint32_t)slot);
    p->slot = (uint32_t)slot;
    p->id = k->nr_tasks;
    k->tasks[k->nr_tasks++] = p;
    k->nr_alive++;
    event_init(&k->engine, &p->timer, EVENT_TASK, p->slot, PHASE_ARRIVE, task_timer_fire);
}

static void
process_add(struct kernel *k, struct process *pr, struct task *p)
{
    if ((pr->nr_members & (pr->nr_members - 1)) == 0) {
        uint32_t cap = pr->nr_members ? 2 * pr->nr_members : 1;
        pr->members =
            arena_grow(k->arena, pr->members, pr->nr_members * sizeof(p), cap * sizeof(p));
    }
    pr->members[pr->nr_members++] = p;
    pr->nr_tasks++;
    pr->nr_alive++;
}

/* SCHED_IDLE ignores the nice level. */
static void
set_weight(struct task *p)
{
    if (p->policy == POLICY_IDLE) {
        p->se.weight = SCHED_IDLE_WEIGHT;
        p->se.inv_weight = weight_inverse(SCHED_IDLE_WEIGHT);
    } else {
        p->se.weight = nice_weight(p->nice);
        p->se.inv_weight = nice_inv_weight(p->nice);
    }
    p->se.load_weight = p->se.weight << 10;
}

struct task *
task_new(struct kernel *k, struct process *pr, const struct task_attr *attr)
{
    struct task *p = arena_new_object(k->arena, struct task);

    task_register(k, p);
    p->name = arena_strdup(k->arena, attr->name);
    p->tag = attr->tag;
    p->state = TASK_NEW;
    p->class = &fair_sched_class;
    p->nice = attr->nice;
    set_weight(p);
    pelt_init_task(&p->se.avg, p->se.weight);
    p->se.custom_slice = attr->slice_ns != 0;
    p->se.slice = attr->slice_ns ? attr->slice_ns : k->params.sched.base_slice_ns;
    p->group = attr->group != NULL ? attr->group : k->groups[0];
    p->group->nr_tasks++;
    p->affinity = attr->allowed != NULL ? attr->allowed : k->machine->online;
    task_find_allowed(k, p);
    sched_init_task(k, p, attr);
    p->cpu = k->start_cpu;
    set_task_rq(k, p, p->cpu);
    p->recent_used_cpu = p->cpu;
    p->ops = attr->ops;
    p->prog = attr->prog;
    p->process = pr;
    p->mm = pr->mm;
    list_init(&p->rq_node);
    process_add(k, pr, p);
    mm_task_init(k, p);
    if (k->place_task != NULL)
        k->place_task(k, p);
    return p;
}

static int
choose_cpu(struct kernel *k, struct task *p, const struct sched_class *class,
           enum decision_kind kind, int this_cpu, int flags)
{
    if (unlikely(k->hotplug != NULL))
        hotplug_before_placing(k, p);
    int cpu = p->nr_allowed > 1 ? class->select_task_rq(k, p, this_cpu, flags)
                                : cpumask_first(p->allowed);

    if (p->nr_allowed == 1)
        cpu = (int)probe_decide(k, kind, "only_allowed_cpu", p, this_cpu, cpu);
    if (unlikely(k->hotplug != NULL) && cpu >= 0 && !cpu_online(k, cpu))
        cpu = select_fallback_rq(k, p);
    if (unlikely(cpu < 0 || (uint32_t)cpu >= k->machine->nr_cpus ||
                 !cpumask_test(p->allowed, (uint32_t)cpu))) {
        kernel_fail(k, "--force-decision: CPU %d is not one that %s may run on", cpu, p->name);
        cpu = cpumask_first(p->allowed);
    }
    return cpu;
}

/* The class that places a new task: its parent's. It gets its own when it first runs, which takes
 * no time here; only an rt task forks rt tasks. */
static const struct sched_class *
fork_class(const struct task *p, const struct task *parent)
{
    bool inherits = parent != NULL && parent->class == &rt_sched_class;

    bool own = p->class == &script_sched_class || p->class == &ext_sched_class;

    return inherits || own ? p->class : &fair_sched_class;
}

/* sched_fork and wake_up_new_task. */
void
task_start(struct kernel *k, struct task *p, struct task *parent)
{
    int cpu = parent != NULL ? parent->cpu : k->start_cpu;

    sim_assert(p->state == TASK_NEW);
    if (parent != NULL && parent->policy == POLICY_DEADLINE)
        kernel_fail(k, "%s is a deadline task and cannot fork (EAGAIN)", parent->name);
    numa_task_init(k, p, parent);
    mm_task_begin(p);
    p->cpu = p->recent_used_cpu = cpu;
    p->started_at = k->engine.now;
    if (parent != NULL) {
        p->decision = parent->decision;
        p->wakee = parent->wakee; /* as the whole task is copied */
    }
    k->this_cpu = cpu;
    if (unlikely(k->scx != NULL) && !ext_may_fork(k, p))
        return;
    if (fair_is_cfs(k))
        cfs_task_fork(k, p, parent);
    k->forker = parent == NULL ? cpu : -1; /* whoever starts it runs there, and is not simulated */
    p->cpu = choose_cpu(k, p, fork_class(p, parent), DECISION_FORK, cpu, WF_FORK);
    k->forker = -1;
    set_task_rq(k, p, p->cpu);
    post_init_entity_util_avg(k, p);
    struct rq *rq = &k->rqs[p->cpu];
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_fork != NULL)
            o->task_fork(o->priv, k, p, parent);
    activate_task(k, rq, p, ENQUEUE_INITIAL);
    wakeup_preempt(k, rq, p, WF_FORK);
    if (p->class->task_woken != NULL)
        p->class->task_woken(k, rq, p);
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_wakeup != NULL)
            o->task_wakeup(o->priv, k, p, cpu);
}

void
task_start_at(struct kernel *k, struct task *p, sim_time when)
{
    sim_assert(p->state == TASK_NEW);
    p->mm->nr_expected++;
    engine_at(&k->engine, &p->timer, when);
}

/* TIMER_DEFERRABLE: the wheel of timers is looked at by the ticks of its CPU. */
static bool
deferred(struct kernel *k, struct task *p)
{
    sim_time tick = next_tick_at(k, k->engine.now);

    if (p->state != TASK_SLEEPING || (tick == k->engine.now && k->rqs[p->cpu].curr != NULL))
        return false;
    engine_at(&k->engine, &p->timer, tick > k->engine.now ? tick : tick + k->tick_ns);
    return true;
}

void
task_start_asleep(struct kernel *k, struct task *p, int cpu, uint32_t wanted, uint32_t had,
                  sim_time until)
{
    sim_assert(p->state == TASK_NEW && cpumask_test(p->allowed, (uint32_t)cpu));
    numa_task_init(k, p, NULL);
    mm_task_begin(p);
    p->cpu = p->recent_used_cpu = cpu;
    p->started_at = p->slept_at = k->engine.now;
    set_task_rq(k, p, cpu);
    pelt_init_old_task(&p->se.avg, p->se.weight, wanted, had);
    p->state = until == SIM_NEVER ? TASK_BLOCKED : TASK_SLEEPING;
    if (until != SIM_NEVER)
        engine_at(&k->engine, &p->timer, until);
}

void
task_timer_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct task *p = container_of(ev, struct task, timer);

    fetch_task(k, p);
    fetch_rq(k, p->cpu);
    if (unlikely(p->deferrable) && deferred(k, p))
        return;
    if (p->state == TASK_NEW) {
        p->mm->nr_expected--;
        task_start(k, p, NULL);
    } else if (likely(k->host == NULL) || !host_delays_timer(k, p)) {
        int cpu = p->cpu;
        task_wake(k, p, NULL, false);
        if (unlikely(k->slack != NULL))
            timer_slack_interrupt(k, cpu);
    }
}

/* The queue is told by an interrupt if the target idles or does not share a cache with the waker.
 */
static void
charge_wakeup(struct kernel *k, int this_cpu, int cpu, const struct task *waker)
{
    charge(k, this_cpu, k->params.cost.wakeup, waker != NULL ? CHARGE_TASK : CHARGE_IRQ);
    if (cpu != this_cpu && (idle_cpu(k, cpu) || !cpus_share_cache(k->domains, cpu, this_cpu)))
        charge(k, cpu, k->params.cost.ipi, CHARGE_IRQ);
}

/* `waker` is NULL for an interrupt on this_cpu. */
static bool
wake_from(struct kernel *k, struct task *p, int this_cpu, struct task *waker, bool sync)
{
    int old = p->cpu, outer = k->this_cpu;

    if (p->state != TASK_SLEEPING && p->state != TASK_BLOCKED)
        return false;
    if (unlikely(k->hotplug != NULL))
        this_cpu = hotplug_interrupt_cpu(k, this_cpu);
    k->this_cpu = this_cpu;
    engine_cancel(&k->engine, &p->timer);
    p->stats.sleep_ns += k->engine.now - p->slept_at;
    p->stats.io_wait_ns += p->io_sleep ? k->engine.now - p->slept_at : 0;
    p->stats.nr_wakeups++;
    p->migrate_pending = false; /* it slept instead, and is placed anew */
    p->stop_cpu = 0;
    if (waker != NULL)
        p->decision = waker->decision;
    if (k->rqs[old].put_due && k->rqs[old].last == p)
        put_left(k, &k->rqs[old]);
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_waking != NULL)
            o->task_waking(o->priv, k, p, this_cpu, waker != NULL);
    bool queued = p->on_rq; /* its dequeue was delayed: it wakes where it is */
    int cpu = queued ? old
                     : choose_cpu(k, p, p->class, DECISION_WAKE, this_cpu,
                                  WF_TTWU | (sync ? WF_SYNC : 0) |
                                      (waker != NULL && waker->cpu_kthread ? WF_KTHREAD : 0));
    if (cpu != old) {
        fetch_rq(k, cpu);
        set_task_cpu(k, p, cpu);
    }
    charge_wakeup(k, this_cpu, cpu, waker);
    ttwu_stat(k, p, this_cpu, cpu, (sync ? WF_SYNC : 0) | (cpu != old ? WF_MIGRATED : 0));
    p->woken = true;
    p->woken_at = k->engine.now;
    struct rq *rq = &k->rqs[cpu];
    activate_task(k, rq, p,
                  ENQUEUE_WAKEUP | (queued ? ENQUEUE_DELAYED : 0) |
                      (cpu != old ? ENQUEUE_MIGRATED : 0));
    wakeup_preempt(k, rq, p, WF_TTWU);
    if (p->class->task_woken != NULL)
        p->class->task_woken(k, rq, p);
    update_avg_idle(k, rq);
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_wakeup != NULL)
            o->task_wakeup(o->priv, k, p, this_cpu);
    k->this_cpu = outer;
    return true;
}

bool
task_wake(struct kernel *k, struct task *p, struct task *waker, bool sync)
{
    return wake_from(k, p, waker != NULL ? waker->cpu : p->cpu, waker, sync);
}

bool
task_wake_irq(struct kernel *k, struct task *p, int cpu)
{
    return wake_from(k, p, cpu, NULL, false);
}

/* What is left to do for a task that has left its CPU for good. */
void
task_bury(struct kernel *k, struct task *p)
{
    p->state = TASK_DEAD;
    p->exited_at = k->engine.now;
    engine_cancel(&k->engine, &p->timer);
    cpumask_set(k->free_slots, p->slot);
    if (p->class->task_dead != NULL)
        p->class->task_dead(k, p);
    if (unlikely(p->scx != NULL))
        ext_task_dead(k, p);
    p->group->nr_tasks--;
    numa_task_exit(k, p);
    mm_task_exit(k, p);
    p->process->nr_alive--;
    if (--k->nr_alive == 0)
        engine_stop(&k->engine);
}

/* Whoever waits for its end is woken while it still runs (exit_notify comes before do_task_dead),
 * and sees its CPU as busy. */
void
task_exit(struct kernel *k, struct task *p)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (unlikely(p->scx != NULL))
        ext_task_exiting(p);
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_exit != NULL)
            o->task_exit(o->priv, k, p);
    if (p->ops->exited != NULL)
        p->ops->exited(k, p);
    deactivate_task(k, rq, p, DEQUEUE_SLEEP | DEQUEUE_SPECIAL);
    p->in_burst = false;
    put_left(k, rq);
    task_bury(k, p);
}

void
task_set_nice(struct kernel *k, struct task *p, int nice)
{
    struct rq *rq = &k->rqs[p->cpu];
    bool queued = p->on_rq, running = rq->curr == p;
    int old_prio = p->prio;

    if (nice == p->nice)
        return;
    if (rq->put_due && rq->last == p)
        put_left(k, rq);
    if (p->class == &rt_sched_class || p->class == &dl_sched_class) { /* counts later */
        p->nice = nice;
        p->normal_prio = p->policy <= POLICY_IDLE ? 120 + nice : p->normal_prio;
        set_weight(p);
        return;
    }
    update_rq_clock(k, rq);
    if (queued)
        p->class->dequeue_task(k, rq, p, DEQUEUE_SAVE);
    if (running)
        p->class->put_prev_task(k, rq, p);
    p->nice = nice;
    if (p->class->rank != RANK_RT && p->class->rank != RANK_DL)
        p->prio = p->normal_prio = 120 + nice;
    if (p->class->reweight_task != NULL)
        p->class->reweight_task(k, rq, p, nice);
    else
        set_weight(p);
    if (queued)
        p->class->enqueue_task(k, rq, p, ENQUEUE_RESTORE);
    if (running)
        p->class->set_next_task(k, rq, p);
    sums_update(k, rq);
    if (p->class->prio_changed != NULL)
        p->class->prio_changed(k, rq, p, old_prio);
    if (rq->curr != NULL)
        tick_update(k, rq);
}

/*
 * The core: queues tasks, wakes them, switches between them, moves them (kernel/sched/core.c).
 *
 * Whoever finds that a CPU should think again calls resched_curr(); the kick fires once per
 * instant, in PHASE_RESCHED, when all causes are known, and schedule() decides. A task that blocks
 * leaves the CPU at once, in the phase in which its burst ended: whoever is placed in the same
 * instant already sees the CPU without it.
 */
#include "kernel/core.h"
#include "kernel/balance.h"
#include "kernel/burst.h"
#include "kernel/dl_server.h"
#include "kernel/fair.h"
#include "kernel/memory_model.h"
#include "kernel/mm.h"
#include "kernel/numa.h"
#include "kernel/push.h"
#include "kernel/sched_stats.h"

#include <stdarg.h>
#include <stdio.h>

const struct sched_class *const sched_classes[] = { &script_sched_class, &dl_sched_class,
                                                    &rt_sched_class, &fair_sched_class, NULL };

void
kernel_fail(struct kernel *k, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (k->error != NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    k->error = arena_strdup(k->arena, text);
    engine_stop(&k->engine);
}

bool
idle_cpu(const struct kernel *k, int cpu)
{
    return cpumask_test(k->idle_cpus, (uint32_t)cpu);
}

/* A CPU gets its first task, or loses its last one. */
static void
set_idle(struct kernel *k, struct rq *rq, bool idle)
{
    if (idle) {
        cpumask_set(k->idle_cpus, (uint32_t)rq->cpu);
    } else {
        cpumask_clear(k->idle_cpus, (uint32_t)rq->cpu);
        rq->idle_left = k->engine.now;
    }
    k->nr_idle += idle ? 1 : UINT32_MAX;
}

void
add_nr_running(struct kernel *k, struct rq *rq, uint32_t n)
{
    uint32_t before = rq->nr_running;

    rq->nr_running += n;
    if (before == 0 && n > 0)
        set_idle(k, rq, false);
    if (unlikely(rq->cfs.idle_h_nr_running > 0))
        k->sched_idle_seen = true;
    if (before < 2 && rq->nr_running >= 2) {
        cpumask_set(k->overloaded_cpus, (uint32_t)rq->cpu);
        k->nr_overloaded++;
        k->rd_overloaded |= k->domains->cpus[rq->cpu].sd != NULL;
    }
    sums_update(k, rq);
}

void
sub_nr_running(struct kernel *k, struct rq *rq, uint32_t n)
{
    uint32_t before = rq->nr_running;

    rq->nr_running -= n;
    if (before > 0 && rq->nr_running == 0)
        set_idle(k, rq, true);
    if (before >= 2 && rq->nr_running < 2) {
        cpumask_clear(k->overloaded_cpus, (uint32_t)rq->cpu);
        k->nr_overloaded--;
    }
    sums_update(k, rq);
}

void
resched_curr(struct kernel *k, struct rq *rq)
{
    if (rq->need_resched)
        return;
    rq->need_resched = true;
    engine_at(&k->engine, &rq->kick_ev, k->engine.now);
}

static bool
above_fair(const struct task *p)
{
    return p->class == &rt_sched_class || p->class == &dl_sched_class;
}

void
enqueue_task(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    update_rq_clock(k, rq);
    p->class->enqueue_task(k, rq, p, flags);
}

bool
dequeue_task(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    update_rq_clock(k, rq);
    return p->class->dequeue_task(k, rq, p, flags);
}

void
activate_task(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    if (!p->se.sched_delayed || !(flags & ENQUEUE_MIGRATED)) {
        p->state = TASK_RUNNABLE;
        p->queued_at = k->engine.now;
    } /* else it sleeps on, and is only moved */
    enqueue_task(k, rq, p, flags);
    update_stats_enqueue(k, rq, p, flags);
    p->on_rq = true;
    if (rq->curr != NULL && rq->nr_running == 2) /* its slice matters from now on */
        tick_update(k, rq);
}

void
deactivate_task(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    bool running = rq->curr == p;

    if (running) {
        burst_settle(k, rq);
        update_rq_clock(k, rq);
        p->class->update_curr(k, rq);
        sched_info_depart(k, rq, p, false);
    } else {
        sched_info_dequeue(k, rq, p);
    }
    bool gone = dequeue_task(k, rq, p, flags);
    update_stats_dequeue(k, p, flags, running, gone);
    if (gone)
        p->on_rq = false; /* else the dequeue is delayed */
    if (running) {
        rq->put_due = p->class == &fair_sched_class && flags & DEQUEUE_SLEEP;
        if (!rq->put_due)
            p->class->put_prev_task(k, rq, p);
        burst_suspend(k, rq);
        rq->busy_ns += k->engine.now - rq->busy_since;
        rq->left = true;
        rq->unseen_tick = SIM_NEVER;
        resched_curr(k, rq);
    } else if (rq->curr != NULL && rq->nr_running == 1) {
        tick_update(k, rq);
    }
}

/* The class of a task that has left lets go of it. */
void
put_left(struct kernel *k, struct rq *rq)
{
    if (!rq->put_due)
        return;
    rq->put_due = false;
    rq->last->class->put_prev_task(k, rq, rq->last);
}

/* Ticks of what runs now are computed when somebody asks, unless its class wants each of them. */
void
see_ticks_from_now(struct kernel *k, struct rq *rq)
{
    bool computed = k->params.sched.tick == TICK_COMPUTED && rq->curr->class == &fair_sched_class &&
                    rq->curr->se.depth == 0;

    rq->unseen_tick =
        computed ? next_tick_at(k, k->engine.now + (k->engine.reached >= PHASE_TICK)) : SIM_NEVER;
    cpumask_set(k->quiet_cpus, (uint32_t)rq->cpu);
}

static void
count_migration(struct kernel *k, struct task *p, int from, int to)
{
    const struct machine_cpu *a = &k->machine->cpus[from], *b = &k->machine->cpus[to];

    k->stats.task_migrations++;
    if (a->node != b->node) {
        k->stats.task_migrations_cross_node++;
        p->stats.migrations_cross_node++;
    } else if (cpus_share_cache(k->domains, from, to)) {
        p->stats.migrations_llc++;
    } else {
        p->stats.migrations_node++;
    }
}

void
set_task_cpu(struct kernel *k, struct task *p, int cpu)
{
    int from = p->cpu;

    if (from == cpu)
        return;
    count_migration(k, p, from, cpu);
    if (p->class->migrate_task_rq != NULL)
        p->class->migrate_task_rq(k, p, cpu);
    p->cpu = cpu;
    set_task_rq(k, p, cpu);
    numa_task_migrated(k, p, from, cpu);
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_migrate != NULL)
            o->task_migrate(o->priv, k, p, from, cpu);
}

void
wakeup_preempt(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    if (rq->curr == NULL || p->class->rank > rq->curr->class->rank)
        resched_curr(k, rq);
    else if (p->class == rq->curr->class)
        p->class->wakeup_preempt(k, rq, p, flags);
}

void
detach_task(struct kernel *k, struct task *p, int to_cpu)
{
    struct rq *rq = &k->rqs[p->cpu];

    if (rq->curr == p)
        p->queued_at = k->engine.now;
    if (rq->put_due && rq->last == p)
        put_left(k, rq);
    deactivate_task(k, rq, p, DEQUEUE_MIGRATING);
    set_task_cpu(k, p, to_cpu);
}

void
attach_task(struct kernel *k, struct task *p)
{
    struct rq *to = &k->rqs[p->cpu];
    sim_time queued_at = p->queued_at;

    activate_task(k, to, p, ENQUEUE_MIGRATED);
    if (p->state == TASK_RUNNABLE)
        p->queued_at = queued_at; /* it has waited all the time */
    wakeup_preempt(k, to, p, 0);
}

void
move_queued_task(struct kernel *k, struct task *p, int to_cpu)
{
    sim_assert(p->on_rq && k->rqs[p->cpu].curr != p);
    detach_task(k, p, to_cpu);
    attach_task(k, p);
}

void
migrate_task_to(struct kernel *k, struct task *p, int to_cpu)
{
    struct rq *from = &k->rqs[p->cpu];

    if (p->cpu == to_cpu || !p->on_rq)
        return;
    if (from->curr == p) {
        deactivate_task(k, from, p, DEQUEUE_MIGRATING);
        set_task_cpu(k, p, to_cpu);
        activate_task(k, &k->rqs[to_cpu], p, ENQUEUE_MIGRATED);
        wakeup_preempt(k, &k->rqs[to_cpu], p, 0);
    } else {
        move_queued_task(k, p, to_cpu);
    }
    charge(k, from->cpu, k->params.cost.migration, CHARGE_STOPPER);
}

void
migrate_swap(struct kernel *k, struct task *a, struct task *b)
{
    int cpu_a = a->cpu, cpu_b = b->cpu;

    migrate_task_to(k, a, cpu_b);
    migrate_task_to(k, b, cpu_a);
}

/* Waits end when a task gets its CPU. */
static void
account_start_of_run(struct kernel *k, struct task *p)
{
    sim_time now = k->engine.now;
    struct process_stats *s = &p->process->stats;

    p->stats.wait_ns += now - p->queued_at;
    histogram_record(&s->wait, now - p->queued_at);
    p->stats.nr_slices++;
}

/* A wake-up is over when the task does its own work: after the interrupt and the switch. */
static void
account_wakeup(struct rq *rq, struct task *p)
{
    if (!p->woken)
        return;
    histogram_record(&p->process->stats.wakeup, rq->burst_at - p->woken_at);
    p->woken = false;
}

static sim_time
switch_cost(const struct kernel *k, const struct task *prev, const struct task *next)
{
    bool same = prev != NULL && prev->mm == next->mm;

    return same ? k->params.cost.context_switch_same_mm : k->params.cost.context_switch;
}

static void
switch_in(struct kernel *k, struct rq *rq, struct task *prev, struct task *next)
{
    burst_settle(k, rq); /* nothing ran: the books start here */
    next->state = TASK_RUNNING;
    account_start_of_run(k, next);
    sched_info_arrive(k, rq, next);
    update_stats_wait_end(k, next, false);
    rq->curr = rq->last = next;
    rq->numa_due = numa_tick_due(k, rq, next);
    see_ticks_from_now(k, rq);
    rq->busy_since = k->engine.now;
    k->stats.switches_to_task++;
    charge_ahead(k, rq, switch_cost(k, prev, next), CHARGE_TASK); /* burst_resume() reprices */
    account_wakeup(rq, next);
}

/* prev gives up the CPU although it could go on. */
static void
switch_out(struct kernel *k, struct rq *rq, struct task *prev)
{
    prev->state = TASK_RUNNABLE;
    prev->queued_at = k->engine.now;
    prev->stats.nr_involuntary++;
    sched_info_depart(k, rq, prev, true);
    update_stats_wait_start(k, prev);
    rq->put_due = prev->class == &fair_sched_class;
    if (!rq->put_due)
        prev->class->put_prev_task(k, rq, prev);
    burst_suspend(k, rq);
    rq->unseen_tick = SIM_NEVER;
    rq->busy_ns += k->engine.now - rq->busy_since;
}

/* The classes learn who is current; fair to fair only the levels that differ are touched. */
static void
switch_classes(struct kernel *k, struct rq *rq, struct task *next)
{
    struct task *prev = rq->put_due ? rq->last : NULL;

    rq->put_due = false;
    if (prev != NULL && next != NULL && prev != next && prev->class == next->class &&
        prev->class->switch_task != NULL) {
        prev->class->switch_task(k, rq, prev, next);
        return;
    }
    if (prev != NULL)
        prev->class->put_prev_task(k, rq, prev);
    if (next != NULL)
        next->class->set_next_task(k, rq, next);
}

static void
context_switch(struct kernel *k, struct rq *rq, struct task *next)
{
    struct task *prev = rq->curr != NULL || rq->left ? rq->last : NULL;
    bool was_idle = prev == NULL;

    if (prev == NULL && next == NULL)
        return;
    if (rq->curr != NULL)
        switch_out(k, rq, rq->curr);
    switch_classes(k, rq, next);
    rq->left = false;
    k->stats.context_switches++;
    rq->nr_switches++;
    if (prev != NULL)
        prev->stats.nr_switches++;
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_switch != NULL)
            o->task_switch(o->priv, k, rq->cpu, prev, next);
    if (next == NULL) {
        rq->stat.sched_goidle++;
        rq->idle_since = k->engine.now;
        update_idle_core(k, rq);
        nohz_balance_enter_idle(k, rq);
        cpumask_clear(k->quiet_cpus, (uint32_t)rq->cpu);
        return;
    }
    if (was_idle)
        nohz_balance_leave_idle(k, rq);
    switch_in(k, rq, was_idle ? rq->last : prev, next);
    burst_resume(k, rq);
}

static struct task *
pick_next_task(struct kernel *k, struct rq *rq)
{
    const struct sched_class *const *class = sched_classes;
    struct task *prev = rq->curr != NULL ? rq->curr : rq->left ? rq->last : NULL;

    if (likely(!k->higher_classes && rq->script == NULL)) {
        struct task *p;

        do
            p = fair_sched_class.pick_task(k, rq);
        while (p == NULL && fair_sched_class.newidle(k, rq));
        return p;
    }
    while (*class != NULL) {
        if ((*class)->balance != NULL)
            (*class)->balance(k, rq, prev);
        struct task *p = (*class)->pick_task(k, rq);

        if (p != NULL)
            return p;
        if ((*class)->newidle != NULL && (*class)->newidle(k, rq))
            class = sched_classes;
        else
            class ++;
    }
    return NULL;
}

/* The task with this number if it may run here now. */
static struct task *
forced_pick(struct kernel *k, const struct rq *rq, int64_t id)
{
    if (id < 0)
        return NULL;
    if (id >= k->nr_tasks || !k->tasks[id]->on_rq || k->tasks[id]->cpu != rq->cpu) {
        kernel_fail(k, "--force-decision: task %lld is not queued on CPU %d", (long long)id,
                    rq->cpu);
        return rq->curr;
    }
    return k->tasks[id];
}

/* What competed on the queue, for the probe. */
static void
probe_queue(struct kernel *k, const struct rq *rq, const struct task *next)
{
    probe_input(k, "nr_running", rq->nr_running);
    if (next != NULL && next->class == &fair_sched_class)
        probe_pick_fair(k, next);
}

/* Where the stopper moves a task: what exec chose, or where its new affinity allows it. */
static int
pending_cpu(const struct task *p)
{
    bool exec = p->exec_cpu > 0 && cpumask_test(p->allowed, (uint32_t)p->exec_cpu - 1);

    return exec ? p->exec_cpu - 1 : cpumask_first(p->allowed);
}

static const char *
pick_rule(const struct task *next)
{
    if (next == NULL)
        return "pick_task_idle";
    if (next->class == &rt_sched_class)
        return "pick_next_rt_entity";
    return next->class == &dl_sched_class ? "pick_next_dl_entity" : "pick_eevdf";
}

static void
schedule(struct kernel *k, struct rq *rq)
{
    rq->need_resched = rq->unannounced = false;
    rq->stat.sched_count++;
    if (unlikely(rq->active_balance))
        active_load_balance_cpu_stop(k, rq);
    struct task *prev = rq->curr;
    if (prev != NULL && prev->migrate_pending) {
        int to = pending_cpu(prev);

        prev->migrate_pending = false;
        prev->exec_cpu = 0;
        migrate_task_to(k, prev, to);
        prev = rq->curr;
    }
    if (prev != NULL)
        burst_settle(k, rq);
    update_rq_clock(k, rq);
    if (prev != NULL && !above_fair(prev))
        prev->class->update_curr(k, rq);
    struct task *next = pick_next_task(k, rq);
    if (probe_wants(k, DECISION_PICK))
        probe_queue(k, rq, next);
    int64_t wish = next != NULL ? (int64_t)next->id : -1;
    int64_t chosen = probe_decide(k, DECISION_PICK, pick_rule(next), next, rq->cpu, wish);
    if (unlikely(chosen != wish))
        next = forced_pick(k, rq, chosen);
    if (rq->need_resched) { /* update_curr and a pull may have asked again: this was the answer */
        rq->need_resched = false;
        engine_cancel(&k->engine, &rq->kick_ev);
    }
    if (next != rq->curr || (next == NULL && rq->left))
        context_switch(k, rq, next);
    else if (next != NULL && !next->in_burst)
        burst_resume(k, rq); /* it yielded, and nobody else wanted the CPU */
    if (rq->balance_callback != 0)
        balance_callbacks(k, rq);
    tick_update(k, rq);
}

void
kick_fire(struct engine *eng, struct event *ev)
{
    schedule(eng->owner, container_of(ev, struct rq, kick_ev));
}

sim_time
next_tick_at(struct kernel *k, sim_time t)
{
    if (t <= k->tick_phase)
        return k->tick_phase;
    if (t > SIM_NEVER / 2)
        return SIM_NEVER;
    if (t > k->coming_tick && t <= k->coming_tick + k->tick_ns)
        return k->coming_tick + k->tick_ns;
    if (t > k->coming_tick || t + k->tick_ns <= k->coming_tick)
        k->coming_tick =
            k->tick_phase + div_round_up_u64(t - k->tick_phase, k->tick_ns) * k->tick_ns;
    return k->coming_tick;
}

/* The event of the tick is only ever moved forward: a tick that has become needless costs less when
 * it fires and finds nothing due than its event does when it is moved at every switch. */
void
tick_update(struct kernel *k, struct rq *rq)
{
    sim_time due = SIM_NEVER;

    if (rq->curr != NULL) {
        bool computed = k->params.sched.tick == TICK_COMPUTED && !above_fair(rq->curr);
        due = computed ? rq->curr->class->tick_due(k, rq) : 0;
        due = SIM_MIN(due, rq->numa_due);
        due = SIM_MIN(due, balance_tick_due(k, rq));
        if (unlikely(rq->fair_server.active) && rq->curr->class == &fair_sched_class)
            due = SIM_MIN(due, dl_server_tick_due(k, rq));
        /* a tick at this very instant may be over */
        due = SIM_MAX(due, k->engine.now + (k->engine.reached >= PHASE_TICK));
    }
    rq->tick_due = due;
    if (due <= engine_when(&k->engine, &rq->tick_ev) - k->tick_ns)
        engine_at(&k->engine, &rq->tick_ev, next_tick_at(k, due));
}

/* sched_tick(): only ticks that can change something count. */
void
tick_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct rq *rq = container_of(ev, struct rq, tick_ev);

    if (rq->tick_due > k->engine.now) {
        engine_at(&k->engine, &rq->tick_ev, next_tick_at(k, rq->tick_due));
        return;
    }
    rq->nr_ticks++;
    if (rq->curr == NULL)
        return;
    update_rq_clock(k, rq);
    rq->curr->class->task_tick(k, rq, rq->curr);
    task_tick_numa(k, rq, rq->curr);
    if (rq->curr != NULL)
        rq->numa_due = numa_tick_due(k, rq, rq->curr);
    balance_trigger(k, rq);
    if (rq->curr != NULL)
        tick_update(k, rq);
}

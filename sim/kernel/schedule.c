/*
 * schedule(): a CPU picks its next task and switches to it (kernel/sched/core.c). What it costs is
 * put in front of the task's own work.
 */
#include "kernel/balance.h"
#include "kernel/burst.h"
#include "kernel/caches.h"
#include "kernel/core.h"
#include "kernel/dl_server.h"
#include "kernel/ext.h"
#include "kernel/fair_cfs.h"
#include "kernel/fetch.h"
#include "kernel/host_turns.h"
#include "kernel/numa.h"
#include "kernel/push.h"
#include "kernel/sched_stats.h"

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
    if (unlikely(k->scx != NULL))
        ext_switch(k, rq, prev, next);
    switch_classes(k, rq, next);
    if (unlikely(k->scx != NULL))
        ext_charge_decision(k, rq);
    rq->left = false;
    k->stats.context_switches++;
    rq->nr_switches++;
    if (prev != NULL)
        prev->stats.nr_switches++;
    for (struct observer *o = k->observers; o != NULL; o = o->next)
        if (o->task_switch != NULL)
            o->task_switch(o->priv, k, rq->cpu, prev, next);
    if (unlikely(k->caches_on) && (was_idle || next == NULL))
        caches_cpu_busy(k, rq);
    if (next == NULL) {
        rq->stat.sched_goidle++;
        rq->idle_since = k->engine.now;
        update_idle_core(k, rq);
        nohz_balance_enter_idle(k, rq);
        cpumask_clear(k->quiet_cpus, (uint32_t)rq->cpu);
        if (unlikely(k->host != NULL))
            host_goes_idle(k, rq);
        return;
    }
    if (was_idle)
        nohz_balance_leave_idle(k, rq);
    fetch_task_memory(k, next);
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
    if (unlikely(k->scx != NULL) && ext_is_on(k))
        return ext_pick_next_task(k, rq, prev);
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

/* Where the stopper moves a task: what exec chose or its new affinity drew, unless CPUs have left
 * since. */
static int
pending_cpu(const struct task *p)
{
    bool may = p->stop_cpu > 0 && cpumask_test(p->allowed, (uint32_t)p->stop_cpu - 1);

    return may ? p->stop_cpu - 1 : cpumask_first(p->allowed);
}

static const char *
pick_rule(const struct kernel *k, const struct task *next)
{
    const struct sched_class *class = next != NULL ? next->class : NULL;

    if (unlikely(class != &fair_sched_class)) {
        if (class == NULL)
            return "pick_task_idle";
        if (class == &rt_sched_class)
            return "pick_next_rt_entity";
        if (class == &dl_sched_class)
            return "pick_next_dl_entity";
        if (class == &ext_sched_class)
            return "pick_task_scx";
    }
    return fair_is_cfs(k) ? k->cfs_rule : "pick_eevdf";
}

static void
schedule(struct kernel *k, struct rq *rq)
{
    rq->need_resched = rq->unannounced = false;
    k->this_cpu = rq->cpu;
    rq->stat.sched_count++;
    if (unlikely(rq->active_balance))
        active_load_balance_cpu_stop(k, rq);
    struct task *prev = rq->curr;
    if (prev != NULL && prev->migrate_pending) {
        int to = pending_cpu(prev);

        prev->migrate_pending = false;
        prev->stop_cpu = 0;
        if (unlikely(prev->class == &ext_sched_class) && prev->cpu != to)
            ext_stop_and_move(k, rq, prev, to);
        else
            migrate_task_to(k, prev, to);
        prev = rq->curr;
    }
    if (prev != NULL)
        burst_settle(k, rq);
    update_rq_clock(k, rq);
    fetch_lowest_domain(k, rq->cpu);
    if (prev != NULL && !above_fair(prev))
        prev->class->update_curr(k, rq);
    struct task *next = pick_next_task(k, rq);
    if (next != NULL && next != prev) {
        fetch_task(k, next);
        fetch_task_parts(k, next);
    }
    if (probe_wants(k, DECISION_PICK))
        probe_queue(k, rq, next);
    int64_t wish = next != NULL ? (int64_t)next->id : -1;
    int64_t chosen = probe_decide(k, DECISION_PICK, pick_rule(k, next), next, rq->cpu, wish);
    if (unlikely(chosen != wish))
        next = forced_pick(k, rq, chosen);
    if (rq->need_resched) { /* update_curr and a pull may have asked again: this was the answer */
        rq->need_resched = false;
        engine_cancel(&k->engine, &rq->kick_ev);
    }
    bool still_idle = next == NULL && rq->curr == NULL && !rq->left;
    if (next != rq->curr || (next == NULL && rq->left))
        context_switch(k, rq, next);
    else if (next != NULL && !next->in_burst)
        burst_resume(k, rq); /* it yielded, and nobody else wanted the CPU */
    if (unlikely(k->scx != NULL))
        ext_schedule_end(k, rq, still_idle);
    if (rq->balance_callback != 0)
        balance_callbacks(k, rq);
    tick_update(k, rq);
}

void
kick_fire(struct engine *eng, struct event *ev)
{
    struct kernel *k = eng->owner;
    struct rq *rq = container_of(ev, struct rq, kick_ev);

    if (likely(k->host == NULL) || !host_delays(k, rq, HOST_LATE_KICK))
        schedule(k, rq);
}

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
#include "kernel/fair.h"
#include "kernel/numa.h"
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

void
add_nr_running(struct kernel *k, struct rq *rq, uint32_t n)
{
    uint32_t before = rq->nr_running;

    rq->nr_running += n;
    if (before == 0 && n > 0) {
        cpumask_clear(k->idle_cpus, (uint32_t)rq->cpu);
        k->nr_idle--;
        rq->idle_left = k->engine.now;
    }
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
    if (before > 0 && rq->nr_running == 0) {
        cpumask_set(k->idle_cpus, (uint32_t)rq->cpu);
        k->nr_idle++;
    }
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
    engine_at_now(&k->engine, &rq->kick_ev);
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
        update_rq_clock(k, rq);
        sched_info_dequeue(k, rq, p);
    }
    bool gone = p->class->dequeue_task(k, rq, p, flags);
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

/*
 * --check: what must be true after every event. Each rule stands on its own line, so that its text
 * is the message.
 *
 * This file has what is common to all classes: where a task is, who idles, who is overloaded. The
 * averages of load tracking are compared once in CHECK_PELT_EVENTS events: that takes as long as
 * all the rest, and what is wrong with an average stays wrong for milliseconds.
 */
#include "kernel/check.h"
#include "kernel/check_rt.h"
#include "kernel/device.h"
#include "kernel/ext.h"
#include "kernel/host_turns.h"

#include "kernel/mm.h"

enum { CHECK_PELT_EVENTS = 16, CHECK_NUMA_EVENTS = 32 };

static const char *
check_listed(const struct rq *rq, uint32_t *nr)
{
    list_for_each (node, &rq->cfs_tasks) {
        const struct task *p = list_entry(node, struct task, rq_node);

        RULE(p->cpu == rq->cpu);
        RULE(p->on_rq);
        RULE(p->class == &fair_sched_class);
        (*nr)++;
    }
    return NULL;
}

/* A recorded schedule is carried out: who waits is in no queue, and nobody runs unless it says so.
 */
static bool
is_scripted(const struct kernel *k)
{
    return k->nr_tasks > 0 && k->tasks[0]->class == &script_sched_class;
}

static const char *
check_rq(const struct kernel *k, const struct rq *rq)
{
    const struct task *curr = rq->curr;
    uint32_t queued = rq->cfs.h_nr_queued + (rq->rt.throttled ? 0 : rq->rt.nr_running) + rq->dl.nr -
                      rq->fair_server.dl.on_rq + ext_nr_running(k, rq->cpu);
    bool idle = cpumask_test(k->idle_cpus, (uint32_t)rq->cpu);

    RULE(is_scripted(k) || queued == rq->nr_running);
    RULE((rq->nr_running == 0) == idle);
    RULE((rq->nr_running >= 2) == cpumask_test(k->overloaded_cpus, (uint32_t)rq->cpu));
    RULE(curr == NULL || (curr->state == TASK_RUNNING && curr->cpu == rq->cpu && curr->on_rq));
    RULE(curr == NULL || rq->last == curr);
    RULE(curr == NULL || curr->migrate_pending || cpumask_test(curr->allowed, (uint32_t)rq->cpu));
    /* work waits only where the CPU is about to think again, a script wants it so, or it came out
     * of a throttled group by a change of group: the kernel tells nobody; or a programmable policy
     * has it */
    RULE(curr != NULL || rq->nr_running == ext_nr_running(k, rq->cpu) || rq->need_resched ||
         is_scripted(k) || rq->unannounced);
    RULE(!rq->need_resched || engine_pending(&k->engine, &rq->kick_ev) || !host_has_turn(k, rq));
    return NULL;
}

/* Queued, asleep, new or dead: one of them. */
static const char *
check_task(const struct kernel *k, const struct task *p)
{
    bool runnable = p->state == TASK_RUNNABLE || p->state == TASK_RUNNING;

    RULE(!runnable || p->on_rq || p->dl.throttled);
    RULE(runnable || !p->on_rq || p->se.sched_delayed);
    RULE(p->state != TASK_RUNNING || k->rqs[p->cpu].curr == p);
    RULE(p->state != TASK_SLEEPING || engine_pending(&k->engine, &p->timer) ||
         host_keeps_timer(k, p));
    RULE(p->state == TASK_NEW || p->state == TASK_DEAD || p->migrate_pending || !p->on_rq ||
         cpumask_test(p->allowed, (uint32_t)p->cpu));
    RULE(p->nr_allowed == cpumask_weight(p->allowed));
    return p->class == &fair_sched_class ? check_fair_task(k, p) : NULL;
}

static const char *
check_tasks(const struct kernel *k, uint32_t nr_listed)
{
    uint32_t fair = 0, alive = 0;
    const char *broken;

    for (uint32_t i = 0; i < k->nr_tasks; i++) {
        const struct task *p = k->tasks[i];

        if ((broken = check_task(k, p)) != NULL)
            return broken;
        fair += p->on_rq && p->class == &fair_sched_class;
        alive += p->state != TASK_DEAD;
    }
    RULE(alive == k->nr_alive);
    uint32_t fair_tasks_queued = fair, fair_tasks_listed = nr_listed;
    RULE(fair_tasks_queued == fair_tasks_listed);
    return NULL;
}

const char *
kernel_check(struct kernel *k)
{
    uint32_t overloaded = 0, listed = 0;
    const char *broken;

    for_each_cpu (cpu, k->machine->online) {
        const struct rq *rq = &k->rqs[cpu];

        if ((broken = check_rq(k, rq)) != NULL || (broken = check_listed(rq, &listed)) != NULL ||
            (broken = check_fair(k, rq)) != NULL || (broken = check_higher_classes(k, rq)) != NULL)
            return broken;
        overloaded += rq->nr_running >= 2;
    }
    RULE(overloaded == k->nr_overloaded);
    RULE(k->nr_idle == cpumask_weight(k->idle_cpus));
    if ((broken = sums_check(k)) != NULL || (broken = check_tasks(k, listed)) != NULL ||
        (broken = check_time(k)) != NULL)
        return broken;
    if (k->engine.nr_events % CHECK_PELT_EVENTS == 0 && (broken = check_pelt(k)) != NULL)
        return broken;
    if (k->params.numa.mode != NUMA_BALANCING_DISABLED &&
        k->engine.nr_events % CHECK_NUMA_EVENTS == 0 && (broken = check_numa(k)) != NULL)
        return broken;
    if (k->scx != NULL && (broken = ext_check(k)) != NULL)
        return broken;
    if ((broken = check_memory(k)) != NULL || (broken = devices_check(k)) != NULL)
        return broken;
    return mm_check(k);
}

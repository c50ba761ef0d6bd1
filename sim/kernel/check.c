/*
 * --check: what must be true after every event. Each rule stands on its own line, so that its text
 * is the message.
 */
#include "kernel/check_rt.h"
#include "kernel/kernel.h"
#include "kernel/mm.h"

#define RULE(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return #cond;                                                                          \
    } while (0)

static const char *
check_cfs_rq(const struct cfs_rq *cfs)
{
    int64_t avg_key = 0;
    uint64_t avg_weight = 0,
             load = cfs->curr != NULL && cfs->curr->on_rq ? cfs->curr->load_weight : 0;

    for (uint32_t i = 0; i < cfs->nr; i++) {
        const struct sched_entity *se = cfs->entity[i];

        RULE(se->rq_index == i);
        RULE(se->on_rq && se->cfs_rq == cfs);
        RULE(cfs->vruntime[i] == se->vruntime && cfs->deadline[i] == se->deadline);
        avg_key += (se->vruntime - cfs->zero) * (int64_t)se->weight;
        avg_weight += se->weight;
        load += se->load_weight;
    }
    RULE(cfs->avg_key == avg_key);
    RULE(cfs->avg_weight == avg_weight);
    RULE(cfs->load_weight == load);
    RULE(cfs->nr_queued == cfs->nr + (cfs->curr != NULL && cfs->curr->on_rq));
    return NULL;
}

static const char *
check_rq(const struct kernel *k, const struct rq *rq)
{
    uint32_t listed = 0, fair = 0;

    list_for_each (node, &rq->cfs_tasks) {
        const struct task *p = list_entry(node, struct task, rq_node);

        RULE(p->cpu == rq->cpu);
        RULE(p->on_rq);
        RULE(p->migrate_pending || cpumask_test(p->allowed, (uint32_t)rq->cpu));
        listed++;
        fair += p->class == &fair_sched_class;
    }
    RULE(fair == listed);
    listed = rq->cfs.h_nr_queued + (rq->rt.throttled ? 0 : rq->rt.nr_running);
    RULE(listed + rq->dl.nr - rq->fair_server.dl.on_rq <= rq->nr_running); /* scripts count too */
    RULE((rq->nr_running == 0) == cpumask_test(k->idle_cpus, (uint32_t)rq->cpu));
    RULE(rq->curr == NULL || rq->curr->state == TASK_RUNNING);
    RULE(rq->curr == NULL || rq->curr->class != &fair_sched_class ||
         rq->curr->se.cfs_rq->curr == &rq->curr->se);
    /* work waits only where the CPU is about to think again, or a script wants it so */
    RULE(rq->curr != NULL || rq->nr_running == 0 || rq->need_resched || rq->script != NULL);
    list_for_each (node, &rq->leaf_cfs_rqs) {
        const char *broken = check_cfs_rq(list_entry(node, struct cfs_rq, leaf_node));
        if (broken != NULL)
            return broken;
    }
    const char *higher = check_higher_classes(k, rq);

    return higher != NULL ? higher : check_cfs_rq(&rq->cfs);
}

static const char *
check_task(const struct kernel *k, const struct task *p)
{
    RULE((p->on_rq && !p->se.sched_delayed) ==
         (p->state == TASK_RUNNABLE || p->state == TASK_RUNNING));
    RULE(p->state != TASK_RUNNING || k->rqs[p->cpu].curr == p);
    RULE(p->state != TASK_SLEEPING || engine_pending(&k->engine, &p->timer));
    RULE(p->class->rank == RANK_RT || p->class->rank == RANK_DL || p->on_rq == p->se.on_rq);
    return NULL;
}

const char *
kernel_check(struct kernel *k)
{
    uint32_t overloaded = 0;
    const char *broken;

    for_each_cpu (cpu, k->machine->online) {
        if ((broken = check_rq(k, &k->rqs[cpu])) != NULL)
            return broken;
        overloaded += k->rqs[cpu].nr_running >= 2;
    }
    RULE(overloaded == k->nr_overloaded);
    RULE(overloaded == cpumask_weight(k->overloaded_cpus));
    RULE(k->nr_idle == cpumask_weight(k->idle_cpus));
    if ((broken = sums_check(k)) != NULL)
        return broken;
    for (uint32_t i = 0; i < k->nr_tasks; i++)
        if ((broken = check_task(k, k->tasks[i])) != NULL)
            return broken;
    return mm_check(k);
}

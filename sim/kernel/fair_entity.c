/*
 * One level of a task's way onto and off its queues, for whoever goes level by level, and what
 * becomes of a dequeue that is delayed: a task that blocks while it has had more than its share
 * stays queued until its lag is used up (sched-core.md 2.5 and 2.6).
 */
#include "kernel/fair_level.h"

/* The task's runnable part goes from every level at once: groups have their own flag. */
void
set_delayed(struct sched_entity *se)
{
    se->sched_delayed = true;
    if (!entity_is_task(se))
        return;
    for_each_sched_entity (se) {
        se->cfs_rq->h_nr_runnable--;
        se->cfs_rq->h_nr_delayed++;
        if (cfs_rq_throttled(se->cfs_rq))
            break;
    }
}

void
clear_delayed(struct sched_entity *se)
{
    se->sched_delayed = false;
    if (!entity_is_task(se))
        return;
    for_each_sched_entity (se) {
        se->cfs_rq->h_nr_runnable++;
        se->cfs_rq->h_nr_delayed--;
        if (cfs_rq_throttled(se->cfs_rq))
            break;
    }
}

void
requeue_delayed_entity(struct kernel *k, struct sched_entity *se)
{
    struct cfs_rq *cfs = se->cfs_rq;

    sim_assert(se->sched_delayed && se->on_rq);
    if (sched_feat(k, DELAY_ZERO)) {
        se->vlag = entity_lag(cfs, se, k->tick_ns);
        if (se->vlag > 0) {
            cfs->nr_queued--;
            if (se != cfs->curr)
                cfs_rq_remove(cfs, se);
            se->vlag = 0;
            place(k, cfs, se, 0);
            if (se != cfs->curr)
                cfs_rq_insert(cfs, k->arena, se);
            cfs->nr_queued++;
        }
    }
    update_load_avg(k, cfs, se, 0);
    clear_delayed(se);
}

void
enqueue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    enqueue_at(k, cfs, se, flags, LEVEL_ANY);
}

bool
dequeue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    return dequeue_at(k, cfs, se, flags, LEVEL_ANY);
}

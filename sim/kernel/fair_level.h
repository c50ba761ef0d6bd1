/*
 * An entity comes or goes at one level: a task, or a group above it (enqueue_entity,
 * dequeue_entity; sched-core.md 2.5 and 2.6). Inline, since a task of the root queue needs little
 * of it: fair_queue.c, which goes through all levels, and fair_entity.c include it, nobody else.
 */
#pragma once

#include "kernel/fair_cfs.h"
#include "kernel/numa.h"

/* A task that is delayed is no runnable one, at any level (fair_entity.c). */
void set_delayed(struct sched_entity *se);
void clear_delayed(struct sched_entity *se);
/* It is woken before its dequeue was carried out. */
void requeue_delayed_entity(struct kernel *k, struct sched_entity *se);

static inline void
account_entity_enqueue(struct cfs_rq *cfs, struct sched_entity *se)
{
    cfs->load_weight += se->load_weight;
    cfs->nr_queued++;
    if (entity_is_task(se)) {
        struct task *p = task_of(se);
        account_numa_enqueue(cfs->rq, p);
        list_push_front(&cfs->rq->cfs_tasks, &p->rq_node);
    }
}

static inline void
account_entity_dequeue(struct cfs_rq *cfs, struct sched_entity *se)
{
    cfs->load_weight -= se->load_weight;
    cfs->nr_queued--;
    if (entity_is_task(se)) {
        struct task *p = task_of(se);
        account_numa_dequeue(cfs->rq, p);
        list_remove(&p->rq_node);
    }
}

static inline void
place(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    if (fair_is_cfs(k)) {
        cfs_enqueue(k, cfs, se, flags);
        return;
    }
    if (!se->custom_slice)
        se->slice = k->params.sched.base_slice_ns;
    place_entity(cfs, se, flags & ENQUEUE_INITIAL, k->params.sched.features);
}

/* In the queue of the CPU itself there is no limit, and nothing above it; a task has no weight that
 * follows a load. Both are said by constants, so that most tasks pass by what only groups need. */
enum level { LEVEL_ROOT, LEVEL_ANY };

static inline __attribute__((always_inline)) void
enqueue_at(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags,
           enum level level)
{
    bool curr = cfs->curr == se;

    if (curr)
        place(k, cfs, se, flags);
    update_curr(k, cfs);
    update_load_avg(k, cfs, se, UPDATE_TG | DO_ATTACH);
    if (level != LEVEL_ROOT) {
        se_update_runnable(k, se);
        update_cfs_group(k, se);
    }
    if (!curr)
        place(k, cfs, se, flags);
    account_entity_enqueue(cfs, se);
    if (flags & ENQUEUE_MIGRATED)
        se->exec_start = 0; /* not cache hot */
    if (!curr)
        cfs_rq_insert(cfs, k->arena, se);
    se->on_rq = true;
    if (level != LEVEL_ROOT && cfs->nr_queued == 1) {
        check_enqueue_throttle(k, cfs);
        if (!throttled_hierarchy(cfs))
            list_add_leaf_cfs_rq(cfs);
    }
}

static inline __attribute__((always_inline)) bool
dequeue_at(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags,
           enum level level)
{
    bool sleep = flags & DEQUEUE_SLEEP, task = level == LEVEL_ROOT || entity_is_task(se);

    update_curr(k, cfs);
    clear_buddies(cfs, se);
    if (!(flags & (DEQUEUE_DELAYED | DEQUEUE_SPECIAL)) && sleep && sched_feat(k, DELAY_DEQUEUE) &&
        !entity_eligible(cfs, se)) {
        update_load_avg(k, cfs, se, 0);
        set_delayed(se);
        return false;
    }
    update_load_avg(k, cfs, se,
                    UPDATE_TG | (task && flags & DEQUEUE_MIGRATING ? (uint32_t)DO_DETACH : 0));
    if (level != LEVEL_ROOT)
        se_update_runnable(k, se);
    if (!fair_is_cfs(k))
        se->vlag = entity_lag(cfs, se, k->tick_ns);
    if (sched_feat(k, PLACE_REL_DEADLINE) && !sleep) {
        se->deadline -= se->vruntime;
        se->rel_deadline = true;
    }
    if (se != cfs->curr)
        cfs_rq_remove(cfs, se);
    se->on_rq = false;
    account_entity_dequeue(cfs, se);
    if (level != LEVEL_ROOT) {
        return_cfs_rq_runtime(k, cfs);
        update_cfs_group(k, se);
    }
    if (fair_is_cfs(k))
        cfs_dequeue(cfs, se, flags);
    if (flags & DEQUEUE_DELAYED) {
        clear_delayed(se);
        if (sched_feat(k, DELAY_ZERO) && se->vlag > 0)
            se->vlag = 0;
    }
    return true;
}

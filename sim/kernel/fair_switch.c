/*
 * Becoming and ceasing to be the running entity, of a queue and of all above it (put_prev_entity,
 * set_next_entity; sched-core.md 2.4). Who runs is not among those that wait.
 */
#include "kernel/fair_cfs.h"
#include "kernel/sched_stats.h"

#include "kernel/balance.h"

/* se is the one that runs. */
static inline __attribute__((always_inline)) void
set_next_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    clear_buddies(cfs, se);
    if (fair_is_cfs(k))
        cfs_clear_buddies(cfs, se);
    if (se->on_rq) {
        cfs_rq_remove(cfs, se);
        update_load_avg(k, cfs, se, UPDATE_TG);
        set_protect_slice(k, cfs, se);
    }
    se->exec_start = cfs->rq->clock_task;
    cfs->curr = se;
    if (schedstat_enabled(k) && entity_is_task(se))
        update_stats_slice(k, task_of(se), cfs->rq->cfs.load_weight);
    se->prev_sum_exec = se->sum_exec;
}

static inline __attribute__((always_inline)) void
put_prev_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    if (se->on_rq)
        update_curr(k, cfs);
    if (unlikely(cfs->runtime_enabled))
        check_cfs_rq_runtime(k, cfs);
    if (se->on_rq) {
        cfs_rq_insert(cfs, k->arena, se);
        update_load_avg(k, cfs, se, 0);
    }
    cfs->curr = NULL;
}

void
put_prev_task_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    struct sched_entity *se = &p->se;

    for_each_sched_entity (se)
        put_prev_entity(k, se->cfs_rq, se);
    sums_update(k, rq);
}

void
set_next_task_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    struct sched_entity *se = &p->se;

    for_each_sched_entity (se) {
        set_next_entity(k, se->cfs_rq, se);
        if (unlikely(se->cfs_rq->runtime_enabled))
            account_cfs_rq_runtime(k, se->cfs_rq, 0);
    }
    update_misfit_status(k, p, rq);
    list_move_front(&rq->cfs_tasks, &p->rq_node);
    sums_update(k, rq);
}

/* From prev to next: only the levels at which they differ are put and set. */
void
switch_task_fair(struct kernel *k, struct rq *rq, struct task *prev, struct task *next)
{
    struct sched_entity *pse = &prev->se, *se = &next->se;

    while (se->cfs_rq != pse->cfs_rq) {
        uint32_t depth = se->depth, pdepth = pse->depth;

        if (depth <= pdepth) {
            put_prev_entity(k, pse->cfs_rq, pse);
            pse = pse->parent;
        }
        if (depth >= pdepth) {
            set_next_entity(k, se->cfs_rq, se);
            se = se->parent;
        }
    }
    put_prev_entity(k, pse->cfs_rq, pse);
    set_next_entity(k, se->cfs_rq, se);
    update_misfit_status(k, next, rq);
    list_move_front(&rq->cfs_tasks, &next->rq_node);
    sums_update(k, rq);
}

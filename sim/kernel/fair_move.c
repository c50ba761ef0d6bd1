/*
 * A task changes CPU, group or class, is new, or dies: where its averages go (sched-core.md 2.9).
 */
#include "kernel/fair_cfs.h"

void
set_task_rq(struct kernel *k, struct task *p, int cpu)
{
    struct task_group *tg = p->group;
    struct rq *rq = &k->rqs[cpu];

    if (likely(tg->parent == NULL)) {
        p->se.cfs_rq = &rq->cfs;
        p->se.parent = NULL;
        p->se.depth = 0;
        return;
    }
    p->se.cfs_rq = task_group_cfs_rq(k, tg, cpu);
    p->se.parent = tg->se[cpu];
    p->se.depth = (uint8_t)(p->se.parent->depth + 1);
}

/* A wakee that goes elsewhere leaves its old queue's averages at that queue's next update. The old
 * queue's clock stood still while its CPU idled, which is made up for. */
void
migrate_task_rq_fair(struct kernel *k, struct task *p, int new_cpu)
{
    struct rq *rq = p->se.cfs_rq->rq;
    (void)new_cpu;

    if (fair_is_cfs(k) && (p->state == TASK_SLEEPING || p->state == TASK_BLOCKED))
        cfs_wakee_moves(k, p);
    if (!p->on_rq && p->se.avg.last_update_time != 0) {
        remove_entity_load_avg(k, &p->se);
        if (rq->curr == NULL) {
            update_rq_clock(k, rq);
            update_load_avg_blocked_se(&p->se, cfs_rq_clock_pelt(k, p->se.cfs_rq));
        }
    }
    p->se.avg.last_update_time = 0; /* attached where it is queued next */
}

void
task_dead_fair(struct kernel *k, struct task *p)
{
    if (p->se.avg.last_update_time != 0)
        remove_entity_load_avg(k, &p->se);
}

void
post_init_entity_util_avg(struct kernel *k, struct task *p)
{
    struct cfs_rq *cfs = p->se.cfs_rq;

    if (p->class != &fair_sched_class) {
        update_rq_clock(k, cfs->rq);
        p->se.avg.last_update_time = cfs_rq_clock_pelt(k, cfs);
        return;
    }
    rq_catch_up(k, cfs->rq);
    pelt_post_init_task(&p->se.avg, &cfs->avg, p->se.weight, cfs->rq->capacity_orig);
}

static void
propagate_entity_cfs_rq(struct kernel *k, struct sched_entity *se)
{
    if (cfs_rq_throttled(se->cfs_rq))
        return;
    if (!throttled_hierarchy(se->cfs_rq))
        list_add_leaf_cfs_rq(se->cfs_rq);
    for (se = se->parent; se != NULL; se = se->parent) {
        update_load_avg(k, se->cfs_rq, se, UPDATE_TG);
        if (cfs_rq_throttled(se->cfs_rq))
            break;
        if (!throttled_hierarchy(se->cfs_rq))
            list_add_leaf_cfs_rq(se->cfs_rq);
    }
}

static void
detach_entity_cfs_rq(struct kernel *k, struct sched_entity *se)
{
    if (se->avg.last_update_time == 0)
        return;
    update_load_avg(k, se->cfs_rq, se, 0);
    detach_entity_load_avg(se->cfs_rq, se);
    update_tg_load_avg(k, se->cfs_rq);
    propagate_entity_cfs_rq(k, se);
}

void
attach_entity_cfs_rq(struct kernel *k, struct sched_entity *se)
{
    update_load_avg(k, se->cfs_rq, se, sched_feat(k, ATTACH_AGE_LOAD) ? 0 : SKIP_AGE_LOAD);
    attach_entity_load_avg(se->cfs_rq, se);
    update_tg_load_avg(k, se->cfs_rq);
    propagate_entity_cfs_rq(k, se);
}

/* The task is off its queue while it changes; the caller queues it again. */
void
task_change_group_fair(struct kernel *k, struct task *p, struct task_group *tg)
{
    bool joined = p->state != TASK_NEW;

    if (joined && fair_is_cfs(k))
        cfs_leave_asleep(k, p);
    if (joined)
        detach_entity_cfs_rq(k, &p->se);
    p->se.avg.last_update_time = 0;
    p->group = tg;
    set_task_rq(k, p, p->cpu);
    if (joined)
        attach_entity_cfs_rq(k, &p->se);
    if (joined && fair_is_cfs(k))
        cfs_join_asleep(k, p);
}

void
switched_from_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    if (fair_is_cfs(k))
        cfs_leave_asleep(k, p);
    detach_entity_cfs_rq(k, &p->se);
    sums_update(k, rq);
}

void
switched_to_fair(struct kernel *k, struct rq *rq, struct task *p)
{
    attach_entity_cfs_rq(k, &p->se);
    if (fair_is_cfs(k))
        cfs_join_asleep(k, p);
    sums_update(k, rq);
    if (!p->on_rq)
        return;
    if (rq->curr == p)
        resched_curr(k, rq);
    else
        wakeup_preempt(k, rq, p, 0);
}

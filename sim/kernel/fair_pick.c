/*
 * Who runs: picking down the tree, and wake-up preemption (sched-core.md 2.4 and 2.7).
 */
#include "kernel/fair_cfs.h"
#include "kernel/sched_stats.h"

/* ---- buddies ---- */

void
clear_next_buddy(struct sched_entity *se)
{
    for_each_sched_entity (se) {
        if (se->cfs_rq->next != se)
            break;
        se->cfs_rq->next = NULL;
    }
}

void
set_next_buddy(struct sched_entity *se)
{
    for_each_sched_entity (se) {
        if (!se->on_rq || se_is_idle(se))
            return;
        se->cfs_rq->next = se;
    }
}

/* ---- picking ---- */

/* NULL: what was picked was delayed and is gone now; begin again. */
static struct sched_entity *
pick_next_entity(struct kernel *k, struct rq *rq, struct cfs_rq *cfs)
{
    if (fair_is_cfs(k))
        return cfs_pick_next_entity(k, cfs);
    if (unlikely(cfs->next != NULL) && sched_feat(k, PICK_BUDDY) && entity_eligible(cfs, cfs->next))
        return cfs->next;
    bool alone = cfs->nr == 1 && (cfs->curr == NULL || !cfs->curr->on_rq);
    struct sched_entity *se = alone ? cfs->entity[0] : pick_eevdf(cfs, slice_protection(k));
    if (unlikely(se->sched_delayed)) {
        dequeue_entities(k, rq, se, DEQUEUE_SLEEP | DEQUEUE_DELAYED);
        return NULL;
    }
    return se;
}

struct task *
pick_task_fair(struct kernel *k, struct rq *rq)
{
    struct cfs_rq *cfs = &rq->cfs;

    while (cfs->nr_queued > 0) {
        if (cfs->curr != NULL && cfs->curr->on_rq)
            update_curr(k, cfs);
        if (unlikely(cfs->runtime_enabled) && check_cfs_rq_runtime(k, cfs)) {
            cfs = &rq->cfs;
            continue;
        }
        struct sched_entity *se = pick_next_entity(k, rq, cfs);
        if (se == NULL)
            cfs = &rq->cfs;
        else if (entity_is_task(se))
            return task_of(se);
        else
            cfs = se->my_q;
    }
    sim_assert(cfs == &rq->cfs);
    return NULL;
}

/* ---- preemption ---- */

void
find_matching_se(struct sched_entity **se, struct sched_entity **pse)
{
    while ((*se)->depth > (*pse)->depth)
        *se = (*se)->parent;
    while ((*pse)->depth > (*se)->depth)
        *pse = (*pse)->parent;
    while ((*se)->cfs_rq != (*pse)->cfs_rq) {
        *se = (*se)->parent;
        *pse = (*pse)->parent;
    }
}

/* The rule by which the woken p is to run instead of curr; NULL, and why not in *keep. */
static const char *
preempt_rule(struct kernel *k, struct task *p, struct sched_entity *se, struct sched_entity *pse,
             const char **keep)
{
    bool curr_idle = se_is_idle(se), p_idle = se_is_idle(pse);

    if (probe_wants(k, DECISION_PREEMPT))
        probe_preempt_class(k, p, curr_idle, p_idle);
    *keep = "sched_idle";
    if (curr_idle && !p_idle) {
        cancel_protect_slice(k, se);
        return "preempt_sched_idle";
    }
    if (curr_idle != p_idle)
        return NULL;
    *keep = "not_normal_policy";
    if (p->policy != POLICY_NORMAL)
        return NULL;
    struct cfs_rq *cfs = se->cfs_rq;
    update_curr(k, cfs);
    if (probe_wants(k, DECISION_PREEMPT))
        probe_preempt_queue(k, pse);
    *keep = "run_to_parity";
    return pick_says_preempt(k, cfs, pse, se) ? "pick_eevdf" : NULL;
}

void
wakeup_preempt_fair(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct task *curr = rq->curr;
    struct sched_entity *se = &curr->se, *pse = &p->se;
    const char *keep;

    if (se == pse || throttled_hierarchy(pse->cfs_rq))
        return;
    if (fair_is_cfs(k)) {
        cfs_wakeup_preempt(k, rq, p, flags);
        return;
    }
    if (unlikely(sched_feat(k, NEXT_BUDDY)) && !(flags & WF_FORK) && !pse->sched_delayed)
        set_next_buddy(pse);
    if (rq->need_resched || !sched_feat(k, WAKEUP_PREEMPTION))
        return;
    find_matching_se(&se, &pse);
    const char *rule = preempt_rule(k, p, se, pse, &keep);
    if (probe_decide(k, DECISION_PREEMPT, rule != NULL ? rule : keep, p, rq->cpu, rule != NULL))
        resched_curr(k, rq);
    else
        tick_update(k, rq); /* its slice may have lost its protection */
}

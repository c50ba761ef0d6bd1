/*
 * The classic CFS: who is picked, who preempts, what a tick finds (fair_cfs.h).
 */
#include "kernel/fair_cfs.h"

/* ---- buddies ---- */

static void
clear_last(struct sched_entity *se)
{
    for (; se != NULL && se->cfs_rq->last == se; se = se->parent)
        se->cfs_rq->last = NULL;
}

static void
clear_skip(struct sched_entity *se)
{
    for (; se != NULL && se->cfs_rq->skip == se; se = se->parent)
        se->cfs_rq->skip = NULL;
}

void
cfs_clear_buddies(struct cfs_rq *cfs, struct sched_entity *se)
{
    clear_last(se);
    clear_buddies(cfs, se);
    clear_skip(se);
}

static void
set_last_buddy(struct sched_entity *se)
{
    for (; se != NULL && se->on_rq && !se_is_idle(se); se = se->parent)
        se->cfs_rq->last = se;
}

/* ---- wake-up preemption ---- */

uint64_t
cfs_wakeup_gran(const struct kernel *k, const struct sched_entity *se)
{
    return calc_delta_fair(k->params.sched.wakeup_granularity_ns, se->inv_weight);
}

int
cfs_wakeup_preempt_entity(const struct kernel *k, const struct sched_entity *curr,
                          const struct sched_entity *se)
{
    int64_t behind = curr->vruntime - se->vruntime;

    if (behind <= 0)
        return -1;
    return behind > (int64_t)cfs_wakeup_gran(k, se);
}

struct preemption {
    struct sched_entity *se, *pse; /* at the level at which the two compete */
    const char *rule;
    bool yes, compared; /* by virtual time */
};

/* Why p is, or is not, to run instead of curr. */
static struct preemption
preempt_rule(struct kernel *k, struct task *curr, struct task *p)
{
    struct preemption x = { &curr->se, &p->se, "sched_idle", true, false };
    bool wants = probe_wants(k, DECISION_PREEMPT);

    if (wants)
        probe_preempt_task_cfs(k, curr, p);
    if (curr->policy == POLICY_IDLE && p->policy != POLICY_IDLE)
        return x;
    x.yes = false;
    x.rule = "not_normal_policy";
    if (p->policy != POLICY_NORMAL || !sched_feat(k, WAKEUP_PREEMPTION))
        return x;
    find_matching_se(&x.se, &x.pse);
    bool curr_idle = se_is_idle(x.se), p_idle = se_is_idle(x.pse);
    x.compared = curr_idle == p_idle;
    x.rule = "sched_idle";
    x.yes = curr_idle;
    if (x.compared) {
        update_curr(k, x.se->cfs_rq);
        x.rule = "wakeup_preempt_entity";
        x.yes = cfs_wakeup_preempt_entity(k, x.se, x.pse) == 1;
    }
    if (wants)
        probe_preempt_queue_cfs(k, x.pse, curr_idle, p_idle);
    return x;
}

void
cfs_wakeup_preempt(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct task *curr = rq->curr;
    bool many = curr->se.cfs_rq->nr_queued >= k->params.sched.nr_latency;
    bool marked = sched_feat(k, NEXT_BUDDY) && many && !(flags & WF_FORK);

    if (marked)
        set_next_buddy(&p->se);
    if (rq->need_resched)
        return;
    struct preemption x = preempt_rule(k, curr, p);
    if (x.yes && !marked && x.compared)
        set_next_buddy(x.pse);
    if (!probe_decide(k, DECISION_PREEMPT, x.rule, p, rq->cpu, x.yes)) {
        tick_update(k, rq);
        return;
    }
    resched_curr(k, rq);
    if (x.se->on_rq && sched_feat(k, LAST_BUDDY) && many && entity_is_task(x.se))
        set_last_buddy(x.se);
}

/* ---- picking ---- */

/* The second choice, if the first one has just yielded and that is not too unfair. */
static struct sched_entity *
past_skip(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *curr,
          struct sched_entity *left)
{
    struct sched_entity *second = cfs_first_entity(cfs, left);

    if (left != curr && curr != NULL && (second == NULL || curr->vruntime < second->vruntime))
        second = curr;
    if (second == NULL || cfs_wakeup_preempt_entity(k, second, left) == 1)
        return left;
    k->cfs_rule = "skip_buddy";
    return second;
}

struct sched_entity *
cfs_pick_next_entity(struct kernel *k, struct cfs_rq *cfs)
{
    struct sched_entity *curr = cfs->curr != NULL && cfs->curr->on_rq ? cfs->curr : NULL;
    struct sched_entity *left = cfs_first_entity(cfs, NULL), *se;

    if (left == NULL || (curr != NULL && curr->vruntime < left->vruntime))
        left = curr;
    k->cfs_rule = "leftmost";
    se = cfs->skip == left ? past_skip(k, cfs, curr, left) : left;
    if (cfs->next != NULL && cfs_wakeup_preempt_entity(k, cfs->next, left) < 1) {
        k->cfs_rule = "next_buddy";
        se = cfs->next;
    } else if (cfs->last != NULL && cfs_wakeup_preempt_entity(k, cfs->last, left) < 1) {
        k->cfs_rule = "last_buddy";
        se = cfs->last;
    }
    return se;
}

void
cfs_yield(struct kernel *k, struct rq *rq)
{
    struct sched_entity *se = &rq->curr->se;

    cfs_clear_buddies(se->cfs_rq, se);
    if (rq->curr->policy != POLICY_BATCH)
        update_curr(k, se->cfs_rq);
    for_each_sched_entity (se)
        se->cfs_rq->skip = se;
}

/* ---- ticks ---- */

void
cfs_entity_tick(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se)
{
    if (cfs->nr_queued <= 1)
        return;
    uint64_t ideal = cfs_sched_slice(k, se), ran = se->sum_exec - se->prev_sum_exec;

    if (ran > ideal) {
        resched_curr(k, cfs->rq);
        cfs_clear_buddies(cfs, se);
        return;
    }
    if (ran < k->params.sched.min_granularity_ns)
        return;
    if (se->vruntime - cfs_first_entity(cfs, NULL)->vruntime > (int64_t)ideal)
        resched_curr(k, cfs->rq);
}

/* Rounding by pieces only makes virtual time slower, so the second rule is not met earlier. */
uint64_t
cfs_run_until_tick(struct kernel *k, const struct cfs_rq *cfs)
{
    const struct sched_entity *se = cfs->curr, *left = cfs_first_entity(cfs, NULL);
    uint64_t ideal = cfs_sched_slice(k, se), ran = se->sum_exec - se->prev_sum_exec;
    uint64_t min_gran = k->params.sched.min_granularity_ns;
    int64_t need = left->vruntime + (int64_t)ideal + 1 - se->vruntime;

    uint64_t slice_ends = ideal + 1 > ran ? ideal + 1 - ran : 0;
    uint64_t too_far = need > 0 ? calc_delta_unfair((uint64_t)need, se->weight, se->inv_weight) : 0;
    return SIM_MIN(slice_ends, SIM_MAX(too_far, min_gran > ran ? min_gran - ran : 0));
}

void
cfs_slices_changed(struct kernel *k, struct rq *rq)
{
    const struct task *curr = rq->curr;

    if (curr != NULL && curr->class == &fair_sched_class && curr->se.cfs_rq->curr == &curr->se)
        tick_update(k, rq);
}

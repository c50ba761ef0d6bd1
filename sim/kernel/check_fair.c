/*
 * Fair queues under --check: arrays and sums of a queue, what each level says of the levels below,
 * delayed entities, throttled groups.
 */
#include "kernel/check.h"

/* Far more than any lag, and key times weight must not overflow. The longest lag is a group's: two
 * slices of 100 ms at a weight of 2, kept as shares fall from 2 * 1024 - 1 to 2 (reweight_entity)
 * and placed beside as little (place_entity), 2.1e14 ns. */
#define FARTHEST_KEY ((int64_t)1 << 48)
#define LARGEST_PRODUCT ((int64_t)1 << 61)

static bool
is_far(const struct cfs_rq *cfs, const struct sched_entity *se)
{
    int64_t key = se->vruntime - cfs->zero;
    int64_t farthest = SIM_MIN(FARTHEST_KEY, LARGEST_PRODUCT / (int64_t)se->weight);

    return key >= farthest || key <= -farthest;
}

/* What the entities of one queue come to. */
struct below {
    uint32_t queued, delayed, idle;
};

static void
add_below(struct below *b, const struct sched_entity *se)
{
    if (se->my_q == NULL) {
        b->queued++;
        b->delayed += se->sched_delayed;
        b->idle += se_is_idle(se);
    } else {
        b->queued += se->my_q->h_nr_queued;
        b->delayed += se->my_q->h_nr_delayed;
        b->idle += se_is_idle(se) ? se->my_q->h_nr_queued : se->my_q->idle_h_nr_running;
    }
}

static const char *
check_entity(const struct kernel *k, const struct cfs_rq *cfs, const struct sched_entity *se)
{
    RULE(se->on_rq && se->cfs_rq == cfs);
    RULE(se->parent == cfs->se);
    RULE(se->weight == SIM_MAX(2, se->load_weight >> 10));
    RULE(!is_far(cfs, se));
    RULE(!se->sched_delayed || sched_feat(k, DELAY_DEQUEUE));
    RULE(!se->sched_delayed || se->my_q == NULL || se->my_q->nr_queued == 0);
    RULE(se->my_q == NULL || !se->my_q->throttled);
    RULE(se->my_q == NULL || se->my_q->nr_queued > 0 || se->sched_delayed);
    return NULL;
}

/* The running entity is in no array. */
static const char *
check_curr(const struct kernel *k, const struct cfs_rq *cfs)
{
    const struct sched_entity *curr = cfs->curr;
    const struct rq *rq = cfs->rq;

    if (curr == NULL)
        return NULL;
    RULE(curr->cfs_rq == cfs);
    RULE(curr->my_q == NULL || curr->my_q->curr != NULL || rq->put_due);
    RULE(curr->my_q != NULL || curr == &rq->last->se);
    RULE(rq->curr != NULL || rq->put_due);
    return curr->on_rq ? check_entity(k, cfs, curr) : NULL;
}

static const char *
check_sums(const struct kernel *k, const struct cfs_rq *cfs, struct below *b)
{
    bool running = cfs->curr != NULL && cfs->curr->on_rq;
    int64_t avg_key = 0;
    uint64_t avg_weight = 0, load = running ? cfs->curr->load_weight : 0;
    const char *broken;

    for (uint32_t i = 0; i < cfs->nr; i++) {
        const struct sched_entity *se = cfs->entity[i];

        if ((broken = check_entity(k, cfs, se)) != NULL)
            return broken;
        RULE(se->rq_index == i);
        RULE(se != cfs->curr);
        RULE(cfs->vruntime[i] == se->vruntime && cfs->deadline[i] == se->deadline);
        avg_key += (se->vruntime - cfs->zero) * (int64_t)se->weight;
        avg_weight += se->weight;
        load += se->load_weight;
        add_below(b, se);
    }
    if (running)
        add_below(b, cfs->curr);
    RULE(cfs->avg_key == avg_key);
    RULE(cfs->avg_weight == avg_weight);
    RULE(cfs->load_weight == load);
    RULE(cfs->nr_queued == cfs->nr + running);
    return NULL;
}

static const char *
check_cfs_rq(const struct kernel *k, const struct cfs_rq *cfs)
{
    const struct sched_entity *se = cfs->se;
    struct below b = { 0 };
    const char *broken;

    if ((broken = check_curr(k, cfs)) != NULL || (broken = check_sums(k, cfs, &b)) != NULL)
        return broken;
    uint32_t queued_below = b.queued, delayed_below = b.delayed, idle_below = b.idle;
    RULE(cfs->h_nr_queued == queued_below);
    RULE(cfs->h_nr_delayed == delayed_below);
    RULE(cfs->h_nr_runnable == cfs->h_nr_queued - cfs->h_nr_delayed);
    RULE(cfs->idle_h_nr_running == idle_below);
    RULE(cfs->next == NULL || (cfs->next->on_rq && cfs->next->cfs_rq == cfs));
    RULE(cfs->last == NULL || (cfs->last->on_rq && cfs->last->cfs_rq == cfs));
    /* who yields in a group that is throttled is skipped on all levels, queued there or not */
    RULE(cfs->skip == NULL ||
         ((cfs->skip->on_rq || cfs->skip->my_q != NULL) && cfs->skip->cfs_rq == cfs));
    RULE(k->params.sched.fair == FAIR_CFS || (cfs->last == NULL && cfs->skip == NULL));
    if (se == NULL)
        return NULL;
    RULE(cfs->throttle_count == se->cfs_rq->throttle_count + cfs->throttled);
    RULE(cfs->throttled || se->on_rq == (cfs->nr_queued > 0) || se->sched_delayed ||
         cfs->throttle_count > 0);
    return NULL;
}

/* The task was put and queued anew while it ran, and all that is out above it ran out then. */
static bool
throttled_itself(const struct task *curr)
{
    const struct sched_entity *se = &curr->se;

    for_each_sched_entity (se)
        if (se->cfs_rq->throttled && se->cfs_rq->throttled_itself != curr)
            return false;
    return true;
}

const char *
check_fair(const struct kernel *k, const struct rq *rq)
{
    const struct task *curr = rq->curr;
    const char *broken = check_cfs_rq(k, &rq->cfs);

    if (broken != NULL)
        return broken;
    for (uint32_t i = 1; i < k->nr_groups; i++) {
        const struct cfs_rq *cfs = k->groups[i]->cfs_rq[rq->cpu];

        if (cfs != NULL && (broken = check_cfs_rq(k, cfs)) != NULL)
            return broken;
    }
    if (curr == NULL || curr->class != &fair_sched_class)
        return NULL;
    RULE(curr->se.cfs_rq->curr == &curr->se);
    RULE(!throttled_hierarchy(curr->se.cfs_rq) || rq->need_resched || throttled_itself(curr));
    return NULL;
}

const char *
check_fair_task(const struct kernel *k, const struct task *p)
{
    const struct sched_entity *se = &p->se;

    RULE(p->on_rq == se->on_rq);
    if (p->state == TASK_DEAD)
        return NULL;
    RULE(se->cfs_rq->rq == &k->rqs[p->cpu]);
    RULE(se->cfs_rq->tg == p->group);
    RULE(se->parent == se->cfs_rq->se);
    RULE(se->depth == (se->parent != NULL ? se->parent->depth + 1 : 0));
    RULE(!se->sched_delayed || p->state == TASK_SLEEPING || p->state == TASK_BLOCKED);
    RULE(!se->sched_delayed || se->on_rq);
    return NULL;
}

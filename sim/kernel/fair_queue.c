/*
 * Tasks come and go, and with them the groups above, level by level (enqueue_task_fair,
 * dequeue_task_fair; sched-core.md 2.5 and 2.6). Most are in the root queue, where there is one
 * level.
 */
#include "kernel/fair_level.h"
#include "kernel/sched_stats.h"

#include "kernel/dl_server.h"

static void
add_h_nr(struct cfs_rq *cfs, struct h_nr_delta *d, bool add)
{
    uint32_t sign = add ? 1 : UINT32_MAX;

    if (d->delayed == 0)
        cfs->h_nr_runnable += sign * d->queued;
    cfs->h_nr_queued += sign * d->queued;
    cfs->idle_h_nr_running += sign * d->idle;
    cfs->h_nr_delayed += sign * d->delayed;
    if (cfs_rq_is_idle(cfs))
        d->idle = d->queued;
}

/* What the levels above see of a change below: averages, weight, slice, counts. False: one of them
 * is throttled. */
static bool
update_ancestors(struct kernel *k, struct sched_entity *se, uint64_t slice, struct h_nr_delta *d,
                 bool add)
{
    for_each_sched_entity (se) {
        struct cfs_rq *cfs = se->cfs_rq;

        update_load_avg(k, cfs, se, UPDATE_TG);
        se_update_runnable(k, se);
        update_cfs_group(k, se);
        se->slice = slice;
        slice = cfs_rq_min_slice(cfs);
        add_h_nr(cfs, d, add);
        if (cfs_rq_throttled(cfs))
            return false;
    }
    return true;
}

/* Up to the first entity that is queued already; false: into a throttled queue. */
static bool
enqueue_levels(struct kernel *k, struct sched_entity **sep, int flags, uint64_t *slice,
               struct h_nr_delta *d)
{
    struct sched_entity *se = *sep;

    for (; se != NULL; se = se->parent) {
        struct cfs_rq *cfs = se->cfs_rq;

        if (se->on_rq) {
            if (se->sched_delayed)
                requeue_delayed_entity(k, se);
            break;
        }
        if (*slice != 0) { /* a group wants what the most urgent of its members wants */
            se->slice = *slice;
            se->custom_slice = true;
        }
        enqueue_entity(k, cfs, se, flags);
        *slice = cfs->se != NULL ? cfs_rq_min_slice(cfs) : 0;
        add_h_nr(cfs, d, true);
        if (cfs_rq_throttled(cfs)) {
            *sep = NULL;
            return false;
        }
        flags = ENQUEUE_WAKEUP;
    }
    *sep = se;
    return true;
}

/* What the counts of the root queue know of a task. */
static void
count_in_root(struct cfs_rq *cfs, const struct task *p, bool delayed, uint32_t sign)
{
    cfs->h_nr_queued += sign;
    if (unlikely(delayed))
        cfs->h_nr_delayed += sign;
    else
        cfs->h_nr_runnable += sign;
    if (unlikely(p->policy == POLICY_IDLE))
        cfs->idle_h_nr_running += sign;
}

static inline void
enqueue_entities(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct sched_entity *se = &p->se;
    bool delayed = !(flags & ENQUEUE_WAKEUP) && se->sched_delayed;

    if (flags & ENQUEUE_DELAYED) {
        requeue_delayed_entity(k, se);
        return;
    }
    if (likely(se->parent == NULL)) {
        enqueue_at(k, &rq->cfs, se, flags, LEVEL_ROOT);
        count_in_root(&rq->cfs, p, delayed, 1);
        add_nr_running(k, rq, 1);
        return;
    }
    struct h_nr_delta d = { .queued = 1, .idle = p->policy == POLICY_IDLE, .delayed = delayed };
    uint64_t slice = 0;

    if (enqueue_levels(k, &se, flags, &slice, &d) && update_ancestors(k, se, slice, &d, true))
        add_nr_running(k, rq, 1);
}

void
enqueue_task_fair(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    bool migrating_delayed = p->se.sched_delayed && flags & (ENQUEUE_MIGRATED | ENQUEUE_RESTORE);
    bool first = rq->cfs.h_nr_queued == 0;

    if (!migrating_delayed)
        util_est_enqueue(k, &rq->cfs, p);
    if (first && rq->nr_running == 0)
        dl_server_update_idle_time(k, rq);
    enqueue_entities(k, rq, p, flags);
    if (first && rq->cfs.h_nr_queued > 0)
        dl_server_start(k, rq);
    sums_update(k, rq);
    if (fair_is_cfs(k))
        cfs_slices_changed(k, rq);
}

static void
bias_to_group(struct sched_entity *parent, const struct cfs_rq *cfs, bool sleep)
{
    if (sleep && parent != NULL && !throttled_hierarchy(cfs))
        set_next_buddy(parent);
}

/* Up to the first queue that is left with other entities. `*stop`: a throttled queue, or the task
 * itself is delayed. */
static struct sched_entity *
dequeue_levels(struct kernel *k, struct sched_entity *se, int flags, uint64_t *slice,
               struct h_nr_delta *d, bool *throttled)
{
    bool sleep = flags & DEQUEUE_SLEEP;

    for (; se != NULL; se = se->parent) {
        struct cfs_rq *cfs = se->cfs_rq;

        if (!dequeue_entity(k, cfs, se, flags)) {
            if (!entity_is_task(se)) /* else there is nobody whose slice follows from it */
                *slice = cfs_rq_min_slice(cfs);
            return se;
        }
        add_h_nr(cfs, d, false);
        if (cfs_rq_throttled(cfs)) {
            *throttled = true;
            return NULL;
        }
        if (cfs->load_weight > 0) {
            *slice = cfs->se != NULL ? cfs_rq_min_slice(cfs) : 0;
            bias_to_group(se->parent, cfs, sleep);
            return se->parent;
        }
        flags |= DEQUEUE_SLEEP;
        flags &= ~(DEQUEUE_DELAYED | DEQUEUE_SPECIAL);
    }
    return NULL;
}

/* A dequeue that was delayed is carried out: the task is off the queue at last. */
static void
finish_block(struct kernel *k, struct task *p)
{
    update_stats_dequeue(k, p, DEQUEUE_SLEEP, false, true);
    p->on_rq = false;
}

/* Only SCHED_IDLE tasks are left: something better is to be pulled at the next tick. */
static void
balance_early(struct kernel *k, struct rq *rq, const struct task *gone)
{
    rq->next_balance = jiffies(k);
    if (rq->curr != NULL && rq->curr != gone)
        tick_update(k, rq);
}

/* From the root queue; false: its dequeue is delayed. */
static inline __attribute__((always_inline)) bool
dequeue_from_root(struct kernel *k, struct rq *rq, struct task *p, int flags, bool delayed)
{
    if (!dequeue_at(k, &rq->cfs, &p->se, flags, LEVEL_ROOT))
        return false;
    count_in_root(&rq->cfs, p, delayed, UINT32_MAX);
    sub_nr_running(k, rq, 1);
    return true;
}

/* A task, or nobody, and the groups that are left without any member by it. */
static bool
dequeue_with_groups(struct kernel *k, struct rq *rq, struct sched_entity *se, int flags,
                    struct h_nr_delta d)
{
    bool throttled = false;
    uint64_t slice = 0;
    struct sched_entity *rest = dequeue_levels(k, se, flags, &slice, &d, &throttled);

    if (entity_is_task(se) && rest == se)
        return false;
    if (!throttled && update_ancestors(k, rest, slice, &d, false))
        sub_nr_running(k, rq, d.queued);
    return true;
}

static inline __attribute__((always_inline)) bool
dequeue_from(struct kernel *k, struct rq *rq, struct sched_entity *se, int flags)
{
    struct task *p = entity_is_task(se) ? task_of(se) : NULL;
    bool was_sched_idle = sched_idle_rq(rq);
    bool delayed = p != NULL && !(flags & (DEQUEUE_SLEEP | DEQUEUE_DELAYED)) && se->sched_delayed;

    if (likely(se->parent == NULL && p != NULL)) {
        if (!dequeue_from_root(k, rq, p, flags, delayed))
            return false;
    } else {
        struct h_nr_delta d = { 0 };
        if (p != NULL)
            d = (struct h_nr_delta){ 1, p->policy == POLICY_IDLE, delayed };
        if (!dequeue_with_groups(k, rq, se, flags, d))
            return false;
    }
    if (unlikely(!was_sched_idle && sched_idle_rq(rq)))
        balance_early(k, rq, p);
    if (p != NULL && flags & DEQUEUE_DELAYED)
        finish_block(k, p);
    return true;
}

bool
dequeue_entities(struct kernel *k, struct rq *rq, struct sched_entity *se, int flags)
{
    return dequeue_from(k, rq, se, flags);
}

bool
dequeue_task_fair(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    bool migrating_delayed = p->se.sched_delayed && flags & (DEQUEUE_MIGRATING | DEQUEUE_SAVE);

    if (!migrating_delayed)
        util_est_dequeue(k, &rq->cfs, p);
    if (flags & DEQUEUE_SLEEP && sched_feat(k, UTIL_EST))
        util_est_update(&p->se.avg, rq->capacity_orig);
    bool gone = dequeue_from(k, rq, &p->se, flags);
    sums_update(k, rq);
    if (fair_is_cfs(k) && rq->curr != p)
        cfs_slices_changed(k, rq);
    return gone;
}

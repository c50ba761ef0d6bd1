/*
 * Entities come and go: a task, and with it the groups above it, level by level (enqueue_entity,
 * dequeue_entity; sched-core.md 2.5 and 2.6). A task that blocks while it has had more than its
 * share stays queued until its lag is used up: the dequeue is delayed.
 */
#include "kernel/fair_cfs.h"
#include "kernel/numa.h"
#include "kernel/sched_stats.h"

static void
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

static void
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

static void
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

void
enqueue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    enqueue_at(k, cfs, se, flags, LEVEL_ANY);
}

/* The task's runnable part goes from every level at once: groups have their own flag. */
static void
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

static void
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

static void
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

bool
dequeue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    return dequeue_at(k, cfs, se, flags, LEVEL_ANY);
}

/* ---- all levels ---- */

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

void
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
static bool
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

bool
dequeue_entities(struct kernel *k, struct rq *rq, struct sched_entity *se, int flags)
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

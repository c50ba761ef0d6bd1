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

void
enqueue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    bool curr = cfs->curr == se;

    if (curr)
        place(k, cfs, se, flags);
    update_curr(k, cfs);
    update_load_avg(k, cfs, se, UPDATE_TG | DO_ATTACH);
    se_update_runnable(k, se);
    update_cfs_group(k, se);
    if (!curr)
        place(k, cfs, se, flags);
    account_entity_enqueue(cfs, se);
    if (flags & ENQUEUE_MIGRATED)
        se->exec_start = 0; /* not cache hot */
    if (!curr)
        cfs_rq_insert(cfs, k->arena, se);
    se->on_rq = true;
    if (cfs->nr_queued == 1) {
        check_enqueue_throttle(k, cfs);
        if (!throttled_hierarchy(cfs))
            list_add_leaf_cfs_rq(cfs);
    }
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

bool
dequeue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags)
{
    bool sleep = flags & DEQUEUE_SLEEP;

    update_curr(k, cfs);
    clear_buddies(cfs, se);
    if (!(flags & (DEQUEUE_DELAYED | DEQUEUE_SPECIAL)) && sleep && sched_feat(k, DELAY_DEQUEUE) &&
        !entity_eligible(cfs, se)) {
        update_load_avg(k, cfs, se, 0);
        set_delayed(se);
        return false;
    }
    update_load_avg(
        k, cfs, se,
        UPDATE_TG | (entity_is_task(se) && flags & DEQUEUE_MIGRATING ? (uint32_t)DO_DETACH : 0));
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
    return_cfs_rq_runtime(k, cfs);
    update_cfs_group(k, se);
    if (fair_is_cfs(k))
        cfs_dequeue(cfs, se, flags);
    if (flags & DEQUEUE_DELAYED) {
        clear_delayed(se);
        if (sched_feat(k, DELAY_ZERO) && se->vlag > 0)
            se->vlag = 0;
    }
    return true;
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

void
enqueue_entities(struct kernel *k, struct rq *rq, struct task *p, int flags)
{
    struct sched_entity *se = &p->se;
    struct h_nr_delta d = { .queued = 1, .idle = p->policy == POLICY_IDLE };
    uint64_t slice = 0;

    if (flags & ENQUEUE_DELAYED) {
        requeue_delayed_entity(k, se);
        return;
    }
    if (!(flags & ENQUEUE_WAKEUP))
        d.delayed = se->sched_delayed;
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

bool
dequeue_entities(struct kernel *k, struct rq *rq, struct sched_entity *se, int flags)
{
    struct task *p = entity_is_task(se) ? task_of(se) : NULL;
    struct sched_entity *first = se;
    struct h_nr_delta d = { 0 };
    bool was_sched_idle = sched_idle_rq(rq), throttled = false;
    uint64_t slice = 0;

    if (p != NULL) {
        d.queued = 1;
        d.idle = p->policy == POLICY_IDLE;
        if (!(flags & (DEQUEUE_SLEEP | DEQUEUE_DELAYED)))
            d.delayed = se->sched_delayed;
    }
    se = dequeue_levels(k, se, flags, &slice, &d, &throttled);
    if (p != NULL && se == first)
        return false;
    if (!throttled && update_ancestors(k, se, slice, &d, false)) {
        sub_nr_running(k, rq, d.queued);
        if (unlikely(!was_sched_idle && sched_idle_rq(rq)))
            balance_early(k, rq, p);
    }
    if (p != NULL && flags & DEQUEUE_DELAYED)
        finish_block(k, p);
    return true;
}

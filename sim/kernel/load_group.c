/*
 * Load tracking through groups: a group's entity carries its queue's averages upwards, a group's
 * load is the sum over its queues, and a task's load is its part of its groups' parts
 * (sched-core.md 2.10).
 */
#include "kernel/fair.h"

/* At most once a millisecond. The machine was up before the run: a queue's first load is published
 * at once. */
void
update_tg_load_avg(struct kernel *k, struct cfs_rq *cfs)
{
    int64_t delta = (int64_t)cfs->avg.load_avg - (int64_t)cfs->tg_load_avg_contrib;
    uint64_t clock = k->engine.now + MSEC(1);

    if (cfs->se == NULL || clock - cfs->last_update_tg_load_avg < MSEC(1))
        return;
    if (unlikely(k->hotplug != NULL) && !cpumask_test(k->machine->online, (uint32_t)cfs->rq->cpu))
        return;
    if ((uint64_t)(delta < 0 ? -delta : delta) <= cfs->tg_load_avg_contrib / 64)
        return;
    cfs->tg->load_avg = (uint64_t)((int64_t)cfs->tg->load_avg + delta);
    cfs->tg_load_avg_contrib = cfs->avg.load_avg;
    cfs->last_update_tg_load_avg = clock;
}

void
clear_tg_load_avg(struct kernel *k, struct rq *rq)
{
    for (uint32_t i = 1; i < k->nr_groups; i++) {
        struct cfs_rq *cfs = k->groups[i]->cfs_rq[rq->cpu];

        if (cfs == NULL)
            continue;
        k->groups[i]->load_avg -= cfs->tg_load_avg_contrib;
        cfs->tg_load_avg_contrib = 0;
    }
}

/* x + delta, not below zero. */
static uint64_t
add_positive(uint64_t x, int64_t delta)
{
    return delta < 0 && (uint64_t)-delta > x ? 0 : (uint64_t)((int64_t)x + delta);
}

static void
update_tg_cfs_util(struct cfs_rq *cfs, struct sched_entity *se, const struct cfs_rq *gcfs)
{
    int64_t delta = (int64_t)gcfs->avg.util_avg - (int64_t)se->avg.util_avg;

    if (delta == 0)
        return;
    uint32_t sum = gcfs->avg.util_avg * pelt_divider(&cfs->avg);
    int64_t delta_sum = (int64_t)sum - (int64_t)se->avg.util_sum;
    se->avg.util_avg = gcfs->avg.util_avg;
    se->avg.util_sum = sum;
    cfs->avg.util_avg = (uint32_t)add_positive(cfs->avg.util_avg, delta);
    cfs->avg.util_sum = (uint32_t)add_positive(cfs->avg.util_sum, delta_sum);
    cfs->avg.util_sum = SIM_MAX(cfs->avg.util_sum, cfs->avg.util_avg * PELT_MIN_DIVIDER);
}

static void
update_tg_cfs_runnable(struct cfs_rq *cfs, struct sched_entity *se, const struct cfs_rq *gcfs)
{
    int64_t delta = (int64_t)gcfs->avg.runnable_avg - (int64_t)se->avg.runnable_avg;

    if (delta == 0)
        return;
    uint64_t sum = (uint64_t)gcfs->avg.runnable_avg * pelt_divider(&cfs->avg);
    cfs->moved += (uint64_t)(delta < 0 ? -delta : delta);
    int64_t delta_sum = (int64_t)sum - (int64_t)se->avg.runnable_sum;
    se->avg.runnable_avg = gcfs->avg.runnable_avg;
    se->avg.runnable_sum = sum;
    cfs->avg.runnable_avg = (uint32_t)add_positive(cfs->avg.runnable_avg, delta);
    cfs->avg.runnable_sum = add_positive(cfs->avg.runnable_sum, delta_sum);
    note_long_sums(cfs);
    cfs->avg.runnable_sum = pelt_at_least(cfs->avg.runnable_sum, cfs->avg.runnable_avg);
}

/* The unweighted sum of the group's entity after a change of its queue's. */
static int64_t
group_runnable_sum(const struct cfs_rq *cfs, const struct sched_entity *se,
                   const struct cfs_rq *gcfs, int64_t change)
{
    int64_t sum, running = se->avg.util_sum >> 10;

    if (change >= 0) {
        sum = SIM_MIN(change + (int64_t)se->avg.load_sum, (int64_t)pelt_divider(&cfs->avg));
    } else {
        uint64_t weight = cfs_rq_weight(gcfs);
        sum = weight > 0 ? (int64_t)(gcfs->avg.load_sum / weight) : 0;
        sum = SIM_MIN((int64_t)se->avg.load_sum, sum);
    }
    return SIM_MAX(sum, running);
}

static void
update_tg_cfs_load(struct cfs_rq *cfs, struct sched_entity *se, struct cfs_rq *gcfs)
{
    int64_t change = gcfs->prop_runnable_sum;

    if (change == 0)
        return;
    gcfs->prop_runnable_sum = 0;
    int64_t runnable = group_runnable_sum(cfs, se, gcfs, change);
    int64_t load_sum = (int64_t)se->weight * runnable;
    int64_t load_avg = load_sum / pelt_divider(&cfs->avg);
    int64_t delta = load_avg - (int64_t)se->avg.load_avg;
    if (delta == 0)
        return;
    cfs->moved += (uint64_t)(delta < 0 ? -delta : delta);
    int64_t delta_sum = load_sum - (int64_t)(se->weight * se->avg.load_sum);
    se->avg.load_sum = (uint64_t)runnable;
    se->avg.load_avg = (uint64_t)load_avg;
    cfs->avg.load_avg = add_positive(cfs->avg.load_avg, delta);
    cfs->avg.load_sum = add_positive(cfs->avg.load_sum, delta_sum);
    note_long_sums(cfs);
    cfs->avg.load_sum = pelt_at_least(cfs->avg.load_sum, cfs->avg.load_avg);
}

bool
propagate_entity_load_avg(struct sched_entity *se)
{
    struct cfs_rq *gcfs = se->my_q, *cfs = se->cfs_rq;

    if (gcfs == NULL || !gcfs->propagate)
        return false;
    gcfs->propagate = false;
    add_tg_cfs_propagate(cfs, gcfs->prop_runnable_sum);
    update_tg_cfs_util(cfs, se, gcfs);
    update_tg_cfs_runnable(cfs, se, gcfs);
    update_tg_cfs_load(cfs, se, gcfs);
    return true;
}

/* Deeper queues first: blocked updates go from children to parents. The root is no member. */
void
list_add_leaf_cfs_rq(struct cfs_rq *cfs)
{
    struct list *at = &cfs->rq->leaf_cfs_rqs;

    if (cfs->se == NULL || !list_empty(&cfs->leaf_node))
        return;
    list_for_each (node, &cfs->rq->leaf_cfs_rqs)
        if (list_entry(node, struct cfs_rq, leaf_node)->se->depth <= cfs->se->depth) {
            at = node;
            break;
        }
    list_push_back(at, &cfs->leaf_node);
}

bool
cfs_rq_is_decayed(const struct cfs_rq *cfs)
{
    return cfs->load_weight == 0 && cfs->avg.load_sum == 0 && cfs->avg.util_sum == 0 &&
           cfs->avg.runnable_sum == 0 && cfs->tg_load_avg_contrib == 0;
}

static void
update_blocked_group(struct kernel *k, struct cfs_rq *cfs)
{
    struct sched_entity *se = cfs->se;

    if (update_cfs_rq_load_avg(k, cfs, cfs_rq_clock_pelt(k, cfs)))
        update_tg_load_avg(k, cfs);
    if (se->avg.load_avg != 0 || se->avg.util_avg != 0 || cfs->propagate)
        update_load_avg(k, se->cfs_rq, se, UPDATE_TG);
    if (cfs_rq_is_decayed(cfs)) {
        list_remove(&cfs->leaf_node);
        list_init(&cfs->leaf_node);
    }
}

void
sched_balance_update_blocked_averages(struct kernel *k, struct rq *rq)
{
    update_rq_clock(k, rq);
    for (struct list *node = rq->leaf_cfs_rqs.next, *next; node != &rq->leaf_cfs_rqs; node = next) {
        next = node->next;
        update_blocked_group(k, list_entry(node, struct cfs_rq, leaf_node));
        sums_update(k, rq);
    }
    /* a CPU that runs dry has just brought its queue up to date */
    uint64_t now = cfs_rq_clock_pelt(k, &rq->cfs);
    if (now - rq->cfs.avg.last_update_time >= 1024 || rq->cfs.nr_removed > 0) {
        update_cfs_rq_load_avg(k, &rq->cfs, now);
        sums_update(k, rq);
    }
}

/* Once a jiffy; the path upwards is short, so it is walked by recursion. */
static uint64_t
update_cfs_rq_h_load(struct cfs_rq *cfs, uint64_t jiffy)
{
    uint64_t now = jiffy + 1; /* 0: never */

    if (cfs->last_h_load_update == now)
        return cfs->h_load;
    if (cfs->se == NULL) {
        cfs->h_load = cfs->avg.load_avg;
    } else {
        struct cfs_rq *parent = cfs->se->cfs_rq;
        uint64_t above = update_cfs_rq_h_load(parent, jiffy);
        cfs->h_load = above * cfs->se->avg.load_avg / (parent->avg.load_avg + 1);
    }
    cfs->last_h_load_update = now;
    return cfs->h_load;
}

uint64_t
task_h_load_at(struct kernel *k, const struct task *p, sim_time when)
{
    struct cfs_rq *cfs = p->se.cfs_rq;

    if (cfs == NULL)
        return p->se.avg.load_avg;
    uint64_t h_load = update_cfs_rq_h_load(cfs, jiffies_at(k, when));
    return p->se.avg.load_avg * h_load / (cfs->avg.load_avg + 1);
}

uint64_t
task_h_load(struct kernel *k, const struct task *p)
{
    if (p->se.cfs_rq != NULL)
        rq_catch_up(k, p->se.cfs_rq->rq);
    return task_h_load_at(k, p, k->engine.now);
}

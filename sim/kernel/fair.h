/*
 * The parts of the fair class, one file each: the queue's arithmetic (cfs_rq.c), entities that
 * come and go (fair_queue.c, fair_entity.c), picking (fair_pick.c), who is current (fair_switch.c),
 * load tracking (load.c, load_group.c), groups (group.c), the class itself (fair.c), and classic
 * CFS instead of EEVDF (fair_cfs.h).
 */
#pragma once

#include "kernel/cfs_rq.h"
#include "kernel/group.h"
#include "kernel/load.h"
#include "kernel/weight.h"

/* Up the tree, from a task or a group to the entity in the root queue. */
#define for_each_sched_entity(se) for (; (se) != NULL; (se) = (se)->parent)

/* Flags of update_load_avg(). */
enum { UPDATE_TG = 1 << 0, SKIP_AGE_LOAD = 1 << 1, DO_ATTACH = 1 << 2, DO_DETACH = 1 << 3 };

/* ---- time and averages (load.c) ---- */

/* Charges the queue's running entity up to now (update_curr). */
void charge_curr(struct kernel *k, struct cfs_rq *cfs, uint64_t delta);
static inline void
update_curr(struct kernel *k, struct cfs_rq *cfs)
{
    if (cfs->curr == NULL)
        return;
    int64_t delta = (int64_t)(cfs->rq->clock_task - cfs->curr->exec_start);
    if (delta > 0)
        charge_curr(k, cfs, (uint64_t)delta);
}

/* Brings a queue's averages up to now. True: they are new, or part of them was taken away. */
bool update_cfs_rq_load_avg_slow(struct kernel *k, struct cfs_rq *cfs, uint64_t now);
static inline bool
update_cfs_rq_load_avg(struct kernel *k, struct cfs_rq *cfs, uint64_t now)
{
    if (pelt_is_fresh(&cfs->avg, now) && cfs->nr_removed == 0)
        return false;
    return update_cfs_rq_load_avg_slow(k, cfs, now);
}
static inline uint64_t
cfs_rq_clock_pelt(struct kernel *k, struct cfs_rq *cfs)
{
    (void)k;
    if (unlikely(cfs->throttle_count > 0))
        return cfs->throttled_pelt_at - cfs->throttled_pelt_ns;
    return cfs->rq->clock_pelt - cfs->throttled_pelt_ns;
}
/* Brings entity and queue up to now, with what `flags` ask for. A task and its queue that both were
 * a moment ago have nothing to be brought up to. */
void update_load_avg_slow(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se,
                          uint32_t flags, uint64_t now);
static inline void
update_load_avg(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, uint32_t flags)
{
    uint64_t now = cfs_rq_clock_pelt(k, cfs);
    bool fresh = pelt_is_fresh(&cfs->avg, now) &&
                 se->avg.last_update_time == cfs->avg.last_update_time && cfs->nr_removed == 0 &&
                 se->my_q == NULL;

    if (!fresh || flags & DO_DETACH)
        update_load_avg_slow(k, cfs, se, flags, now);
}
/* For --check: parts of sums of more than 32 bits are about to be lost (pelt_at_least). */
static inline void
note_long_sums(struct cfs_rq *cfs)
{
    if (likely((cfs->avg.load_sum | cfs->avg.runnable_sum) >> 32 == 0))
        return;
    cfs->stale_load += cfs->avg.load_avg + cfs->avg.load_sum / PELT_MIN_DIVIDER;
    cfs->stale_util += cfs->avg.runnable_avg + cfs->avg.runnable_sum / PELT_MIN_DIVIDER;
}
/* A sleeping task leaves its queue's averages from elsewhere: they go at its next update. */
void remove_entity_load_avg(struct kernel *k, struct sched_entity *se);
/* Ages a sleeping entity up to `now`. */
void update_load_avg_blocked_se(struct sched_entity *se, uint64_t now);
void attach_entity_load_avg(struct cfs_rq *cfs, struct sched_entity *se);
void detach_entity_load_avg(struct cfs_rq *cfs, struct sched_entity *se);

static inline uint32_t
task_util_est_of(const struct task *p)
{
    return p->se.avg.util_est & ~UTIL_AVG_UNCHANGED;
}
void util_est_enqueue(struct kernel *k, struct cfs_rq *root, const struct task *p);
void util_est_dequeue(struct kernel *k, struct cfs_rq *root, const struct task *p);

/* What a queue weighs, scaled down. */
static inline uint64_t
cfs_rq_weight(const struct cfs_rq *cfs)
{
    return cfs->load_weight == 0 ? 0 : SIM_MAX(2, cfs->load_weight >> LOAD_SHIFT);
}

/* ---- group parts of the averages (load_group.c) ---- */

void update_tg_load_avg(struct kernel *k, struct cfs_rq *cfs);
/* The CPU leaves: no group counts its queues there (clear_tg_offline_cfs_rqs). */
void clear_tg_load_avg(struct kernel *k, struct rq *rq);
bool propagate_entity_load_avg(struct sched_entity *se);
static inline void
add_tg_cfs_propagate(struct cfs_rq *cfs, int64_t runnable_sum)
{
    cfs->propagate = true;
    cfs->prop_runnable_sum += runnable_sum;
}
/* Nothing is left to decay. */
bool cfs_rq_is_decayed(const struct cfs_rq *cfs);
/* The queue has averages to decay: blocked updates look at it. */
void list_add_leaf_cfs_rq(struct cfs_rq *cfs);
/* Tasks below that count as runnable: those whose dequeue is delayed do not, but in 6.12.0, where
 * only their own averages know. */
static inline uint32_t
cfs_rq_runnable(const struct kernel *k, const struct cfs_rq *cfs)
{
    bool all = unlikely(k->params.sched.kernel == KERNEL_6_12_0);

    return all ? cfs->h_nr_queued : cfs->h_nr_runnable;
}
static inline void
se_update_runnable(const struct kernel *k, struct sched_entity *se)
{
    if (se->my_q != NULL)
        se->runnable_weight = cfs_rq_runnable(k, se->my_q);
}

/* ---- protection of the running entity (fair_protect.c) ---- */

/* What counts in sched.kernel, with the features that are on. */
enum slice_protection slice_protection(const struct kernel *k);
void set_protect_slice(struct kernel *k, const struct cfs_rq *cfs, struct sched_entity *se);
void cancel_protect_slice(const struct kernel *k, struct sched_entity *se);
/* Whether RUN_TO_PARITY is on or not. */
bool slice_is_protected(const struct kernel *k, const struct sched_entity *se);
/* The running entity has been charged, others wait: are they to be looked at before its deadline?
 */
bool protection_ended(const struct kernel *k, const struct cfs_rq *cfs,
                      const struct sched_entity *curr);
/* Is the woken pse to run instead of se? A slice that is longer than its own may lose protection.
 */
bool pick_says_preempt(const struct kernel *k, struct cfs_rq *cfs, const struct sched_entity *pse,
                       struct sched_entity *se);

/* ---- tasks and entities come and go (fair_queue.c, fair_entity.c) ---- */

void enqueue_task_fair(struct kernel *k, struct rq *rq, struct task *p, int flags);
bool dequeue_task_fair(struct kernel *k, struct rq *rq, struct task *p, int flags);

/* Above the level where an enqueue or dequeue ended: only what the ancestors know of it changes. */
struct h_nr_delta {
    uint32_t queued, idle, delayed;
};
/* False: the dequeue of the task is delayed. */
bool dequeue_entities(struct kernel *k, struct rq *rq, struct sched_entity *se, int flags);

/* One level. False: the dequeue is delayed. */
void enqueue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags);
bool dequeue_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags);

/* ---- the reasons of picks and preemptions (fair_probe.c) ---- */

/* Every level down to the task that was picked, before it becomes current. */
void probe_pick_fair(struct kernel *k, const struct task *next);
void probe_preempt_class(struct kernel *k, const struct task *p, bool curr_idle, bool p_idle);
/* The queue in which the woken entity competes with the running one, charged up to now. */
void probe_preempt_queue(struct kernel *k, const struct sched_entity *pse);
/* The same of sched.fair=cfs. */
void probe_preempt_task_cfs(struct kernel *k, const struct task *curr, const struct task *p);
void probe_preempt_queue_cfs(struct kernel *k, const struct sched_entity *pse, bool curr_idle,
                             bool p_idle);

/* ---- picking (fair_pick.c) ---- */

struct task *pick_task_fair(struct kernel *k, struct rq *rq);
void wakeup_preempt_fair(struct kernel *k, struct rq *rq, struct task *p, int flags);
void set_next_buddy(struct sched_entity *se);
void clear_next_buddy(struct sched_entity *se);
static inline void
clear_buddies(struct cfs_rq *cfs, struct sched_entity *se)
{
    if (unlikely(cfs->next == se))
        clear_next_buddy(se);
}
/* Goes up from both until they compete in one queue. */
void find_matching_se(struct sched_entity **se, struct sched_entity **pse);

/* ---- who is current (fair_switch.c) ---- */

void put_prev_task_fair(struct kernel *k, struct rq *rq, struct task *p);
void set_next_task_fair(struct kernel *k, struct rq *rq, struct task *p);
void switch_task_fair(struct kernel *k, struct rq *rq, struct task *prev, struct task *next);

/* ---- changing CPU, group, life (fair_move.c) ---- */

/* se queues with the tasks of tg on this CPU from now on (set_task_rq). */
void set_task_rq(struct kernel *k, struct task *p, int cpu);
/* The entity joins the averages of its queue, and those above hear of it. */
void attach_entity_cfs_rq(struct kernel *k, struct sched_entity *se);
void migrate_task_rq_fair(struct kernel *k, struct task *p, int new_cpu);
void task_dead_fair(struct kernel *k, struct task *p);
/* What a new task is taken to use, once its CPU is known. */
void post_init_entity_util_avg(struct kernel *k, struct task *p);
void task_change_group_fair(struct kernel *k, struct task *p, struct task_group *tg);
void switched_from_fair(struct kernel *k, struct rq *rq, struct task *p);
void switched_to_fair(struct kernel *k, struct rq *rq, struct task *p);

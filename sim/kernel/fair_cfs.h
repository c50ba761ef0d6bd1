/*
 * sched.fair=cfs: the classic CFS of Linux 6.1 in the place of EEVDF.
 *
 * The queue, the tree of groups, load tracking, bandwidth, CPU selection and load balancing are
 * those of 6.12; what differs is here: where an entity is placed, who is picked, when a wakee
 * preempts, and what a tick and a yield do. cfs_rq.zero is min_vruntime then. Deadlines, lags and
 * slices of a task's own mean nothing.
 */
#pragma once

#include "kernel/fair.h"

static inline bool
fair_is_cfs(const struct kernel *k)
{
    return unlikely(k->params.sched.fair == FAIR_CFS);
}

/* Switches off the features that 6.1 does not have, and scales what was left at 0ns. */
void fair_cfs_init(struct kernel *k);
/* Scales it anew: CPUs came or went. */
void fair_cfs_scale(struct kernel *k);

/* What the entity may run before a tick takes the CPU from it, ns (sched_slice). */
uint64_t cfs_sched_slice(struct kernel *k, const struct sched_entity *se);

/* By how much of its own virtual time a wakee must be behind what runs (wakeup_gran), to preempt.
 */
uint64_t cfs_wakeup_gran(const struct kernel *k, const struct sched_entity *se);

/* 1: se is so far behind curr that it preempts; 0: behind; -1: not. */
int cfs_wakeup_preempt_entity(const struct kernel *k, const struct sched_entity *curr,
                              const struct sched_entity *se);

/* ---- the places where the fair class asks ---- */

/* The leftmost that waits, but for `but`; of equals whoever was queued first. NULL: none. */
struct sched_entity *cfs_first_entity(const struct cfs_rq *cfs, const struct sched_entity *but);

/* min_vruntime follows the leftmost entity, and never goes back. */
void cfs_update_min_vruntime(struct cfs_rq *cfs);

/* Virtual time of an entity that joins its queue. */
void cfs_enqueue(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se, int flags);
/* It has left: it takes along how far it was from min_vruntime, unless it sleeps. */
void cfs_dequeue(struct cfs_rq *cfs, struct sched_entity *se, int flags);
/* A new task is placed where its parent runs, behind what is queued there. */
void cfs_task_fork(struct kernel *k, struct task *p, const struct task *parent);
/* A task that sleeps leaves a queue for good: for another CPU, class or group. */
void cfs_leave_asleep(struct kernel *k, struct task *p);
void cfs_join_asleep(struct kernel *k, struct task *p);
/* It wakes on another CPU; those that are queued have left their queue when they move. */
void cfs_wakee_moves(struct kernel *k, struct task *p);

void cfs_clear_buddies(struct cfs_rq *cfs, struct sched_entity *se);
/* Who runs next; the rule is left in k->cfs_rule. */
struct sched_entity *cfs_pick_next_entity(struct kernel *k, struct cfs_rq *cfs);
void cfs_wakeup_preempt(struct kernel *k, struct rq *rq, struct task *p, int flags);
void cfs_yield(struct kernel *k, struct rq *rq);

/* A tick: has it run for its slice (check_preempt_tick)? */
void cfs_entity_tick(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se);
/* How long curr, in a root queue, can run since it was last charged until a tick has something to
 * say; never too long. */
uint64_t cfs_run_until_tick(struct kernel *k, const struct cfs_rq *cfs);
/* Slices depend on all that is queued: the next tick that counts may be earlier now. */
void cfs_slices_changed(struct kernel *k, struct rq *rq);

/*
 * The fair queue: who waits, their virtual times, and the average that decides who is eligible
 * (sched-core.md 2.3 to 2.5).
 *
 * Entities wait in parallel arrays, the running one apart; removal moves the last entry into the
 * gap. A pick reads two arrays of 8-byte numbers in order, which beats a tree while the queue is
 * short; a queue that has been longer than some tens has an index besides (cfs_blocks.h). Ties of
 * deadlines go to whoever was inserted first, so the arrays' order never shows.
 */
#pragma once

#include "kernel/kernel.h"

void cfs_rq_init(struct cfs_rq *cfs, struct arena *a);

/* Insert and remove an entity that waits; counts and load are the caller's business. */
void cfs_rq_insert(struct cfs_rq *cfs, struct arena *a, struct sched_entity *se);
void cfs_rq_remove(struct cfs_rq *cfs, struct sched_entity *se);

/* V: the weighted average of vruntimes, the running entity included. Moves the reference point. */
int64_t avg_vruntime(struct cfs_rq *cfs);

/* lag >= 0: the entity has had no more than its share. */
bool entity_eligible(const struct cfs_rq *cfs, const struct sched_entity *se);

/* What keeps the running entity its CPU, kept in its lag (fair_protect.c): nothing; the deadline
 * that it had when it was picked; a virtual time up to which it may run. */
enum slice_protection { PROTECT_NOT, PROTECT_DEADLINE, PROTECT_VPROT };

/* The eligible entity with the earliest deadline, the running one included, and that one alone as
 * long as it is protected; NULL: nothing queued. */
struct sched_entity *pick_eevdf(struct cfs_rq *cfs, enum slice_protection by);

static inline bool
protected_slice(const struct sched_entity *se, enum slice_protection by)
{
    return by == PROTECT_DEADLINE ? se->vlag == se->deadline
                                  : by == PROTECT_VPROT && se->vlag > se->vruntime;
}

/* V - vruntime within the limits of update_entity_lag. */
int64_t entity_lag(struct cfs_rq *cfs, const struct sched_entity *se, uint64_t tick_ns);

/* Virtual time and deadline of an entity that joins (place_entity). `features`: sched.features. */
void place_entity(struct cfs_rq *cfs, struct sched_entity *se, bool initial, uint64_t features);

/* The shortest slice of what is queued; UINT64_MAX: nothing is. */
uint64_t cfs_rq_min_slice(const struct cfs_rq *cfs);

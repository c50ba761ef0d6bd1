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
#include "kernel/weight.h"

/* Bytes of an entry in all four arrays: two fill a cache line. */
enum { CFS_ENTRY = 2 * 8 + 8 + sizeof(struct sched_entity *) };

void cfs_rq_init(struct cfs_rq *cfs, struct arena *a);

/* More room in the arrays. */
void cfs_rq_reserve(struct cfs_rq *cfs, struct arena *a, uint32_t capacity);
/* The index of a long queue: what stands at `place` is new, or is removed and `last` takes its
 * place. */
void cfs_rq_index_add(struct cfs_rq *cfs, uint32_t place);
void cfs_rq_index_remove(struct cfs_rq *cfs, uint32_t place, uint32_t last);

/* Virtual time from the reference point on. */
static inline int64_t
entity_key(const struct cfs_rq *cfs, const struct sched_entity *se)
{
    return se->vruntime - cfs->zero;
}

/* Insert and remove an entity that waits; counts and load are the caller's business. */
static inline void
cfs_rq_insert(struct cfs_rq *cfs, struct arena *a, struct sched_entity *se)
{
    if (unlikely(cfs->nr == cfs->capacity))
        cfs_rq_reserve(cfs, a, cfs->capacity * 2);
    uint32_t i = cfs->nr++;

    cfs->vruntime[i] = se->vruntime;
    cfs->deadline[i] = se->deadline;
    cfs->order[i] = cfs->next_order++;
    cfs->entity[i] = se;
    se->rq_index = i;
    if (unlikely(cfs->blocks != NULL))
        cfs_rq_index_add(cfs, i);
    cfs->avg_key += entity_key(cfs, se) * (int64_t)se->weight;
    cfs->avg_weight += se->weight;
}

static inline void
cfs_rq_remove(struct cfs_rq *cfs, struct sched_entity *se)
{
    uint32_t i = se->rq_index, last = --cfs->nr;

    sim_assert(cfs->entity[i] == se);
    if (unlikely(cfs->blocks != NULL))
        cfs_rq_index_remove(cfs, i, last);
    cfs->avg_key -= entity_key(cfs, se) * (int64_t)se->weight;
    cfs->avg_weight -= se->weight;
    cfs->vruntime[i] = cfs->vruntime[last];
    cfs->deadline[i] = cfs->deadline[last];
    cfs->order[i] = cfs->order[last];
    cfs->entity[i] = cfs->entity[last];
    cfs->entity[i]->rq_index = i;
}

/* b > 0 */
static inline int64_t
div_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* V: the weighted average of vruntimes, the running entity included. Moves the reference point. */
static inline int64_t
avg_vruntime(struct cfs_rq *cfs)
{
    const struct sched_entity *curr = cfs->curr;
    int64_t weight = (int64_t)cfs->avg_weight, shift = 0;

    if (curr != NULL && !curr->on_rq)
        curr = NULL;
    if (weight > 0) {
        int64_t key = cfs->avg_key;
        if (curr != NULL) {
            key += entity_key(cfs, curr) * (int64_t)curr->weight;
            weight += curr->weight;
        }
        shift = div_floor(key, weight);
    } else if (curr != NULL) {
        shift = entity_key(cfs, curr);
    }
    cfs->zero += shift;
    cfs->avg_key -= shift * (int64_t)cfs->avg_weight;
    return cfs->zero;
}

/* lag >= 0: the entity has had no more than its share. */
static inline bool
entity_eligible(const struct cfs_rq *cfs, const struct sched_entity *se)
{
    const struct sched_entity *curr = cfs->curr;
    int64_t key = cfs->avg_key, weight = (int64_t)cfs->avg_weight;

    if (curr != NULL && curr->on_rq) {
        key += entity_key(cfs, curr) * (int64_t)curr->weight;
        weight += curr->weight;
    }
    return key >= entity_key(cfs, se) * weight;
}

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
static inline int64_t
entity_lag(struct cfs_rq *cfs, const struct sched_entity *se, uint64_t tick_ns)
{
    int64_t limit = (int64_t)calc_delta_fair(SIM_MAX(2 * se->slice, tick_ns), se->inv_weight);
    int64_t lag = avg_vruntime(cfs) - se->vruntime;

    return SIM_CLAMP(lag, -limit, limit);
}

/* Virtual time and deadline of an entity that joins (place_entity). `features`: sched.features. */
void place_entity(struct cfs_rq *cfs, struct sched_entity *se, bool initial, uint64_t features);

/* The shortest slice of what is queued; UINT64_MAX: nothing is. */
uint64_t cfs_rq_min_slice(const struct cfs_rq *cfs);

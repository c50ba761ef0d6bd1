#include "kernel/cfs_rq.h"

#include "kernel/cfs_blocks.h"
#include "kernel/weight.h"

/* Where vruntimes begin: 2^20 ns below zero, as in the kernel. */
#define ZERO_VRUNTIME (-((int64_t)1 << 20))

/* Longer queues than CFS_FLAT have an index. */
enum { CFS_FLAT = 32, CFS_FIRST_CAPACITY = 2 };

/* The arrays lie behind each other: most queues are short, and theirs then share a line. */
void
cfs_rq_reserve(struct cfs_rq *cfs, struct arena *a, uint32_t capacity)
{
    const struct cfs_rq old = *cfs;
    char *block = arena_alloc(a, (size_t)capacity * CFS_ENTRY);

    cfs->vruntime = (void *)block;
    cfs->deadline = (void *)(cfs->vruntime + capacity);
    cfs->order = (void *)(cfs->deadline + capacity);
    cfs->entity = (void *)(cfs->order + capacity);
    cfs->capacity = capacity;
    for (uint32_t i = 0; i < old.nr; i++) {
        cfs->vruntime[i] = old.vruntime[i];
        cfs->deadline[i] = old.deadline[i];
        cfs->order[i] = old.order[i];
        cfs->entity[i] = old.entity[i];
    }
    if (capacity <= CFS_FLAT)
        return;
    cfs->blocks = cfs_blocks_new(a, capacity, cfs->order);
    for (uint32_t i = 0; i < cfs->nr; i++)
        cfs_blocks_add(cfs->blocks, i, cfs->vruntime[i], cfs->deadline[i]);
}

void
cfs_rq_init(struct cfs_rq *cfs, struct arena *a)
{
    cfs->zero = ZERO_VRUNTIME;
    cfs_rq_reserve(cfs, a, CFS_FIRST_CAPACITY);
}

/* Out of line: most queues are short. */
void
cfs_rq_index_add(struct cfs_rq *cfs, uint32_t place)
{
    cfs_blocks_add(cfs->blocks, place, cfs->vruntime[place], cfs->deadline[place]);
}

void
cfs_rq_index_remove(struct cfs_rq *cfs, uint32_t place, uint32_t last)
{
    cfs_blocks_remove(cfs->blocks, place, last);
}

/* Who was inserted first of all that are eligible and have this deadline. */
static uint32_t
first_inserted(const struct cfs_rq *cfs, int64_t deadline, int64_t v)
{
    uint64_t order = UINT64_MAX;
    uint32_t first = 0;

    for (uint32_t i = 0; i < cfs->nr; i++)
        if (cfs->deadline[i] == deadline && cfs->vruntime[i] <= v && cfs->order[i] < order) {
            order = cfs->order[i];
            first = i;
        }
    return first;
}

/* Earliest deadline among the waiting entities that are eligible, or -1. */
static int
earliest_eligible(const struct cfs_rq *cfs, int64_t v)
{
    if (unlikely(cfs->blocks != NULL))
        return cfs_blocks_pick(cfs->blocks, v);
    struct earliest e = earliest_of(cfs->vruntime, cfs->deadline, cfs->nr, v);
    return (int)(unlikely(e.tie) ? first_inserted(cfs, e.deadline, v) : e.at);
}

struct sched_entity *
pick_eevdf(struct cfs_rq *cfs, enum slice_protection by)
{
    struct sched_entity *curr = cfs->curr;

    if (curr != NULL && !curr->on_rq)
        curr = NULL;
    if (cfs->nr == 0)
        return curr;
    if (cfs->nr == 1 && curr == NULL)
        return cfs->entity[0];
    int64_t v = avg_vruntime(cfs);
    if (curr != NULL && curr->vruntime > v)
        curr = NULL;
    if (curr != NULL && protected_slice(curr, by))
        return curr;
    int best = earliest_eligible(cfs, v);
    if (best < 0 || (curr != NULL && curr->deadline < cfs->deadline[best]))
        return curr;
    return cfs->entity[best];
}

void
place_entity(struct cfs_rq *cfs, struct sched_entity *se, bool initial, uint64_t features)
{
    int64_t vslice = (int64_t)calc_delta_fair(se->slice, se->inv_weight);
    int64_t v = avg_vruntime(cfs), lag = 0;

    if (features >> SCHED_FEAT_PLACE_LAG & 1 && cfs->nr_queued > 0) {
        int64_t load = (int64_t)cfs->avg_weight;
        if (cfs->curr != NULL && cfs->curr->on_rq)
            load += cfs->curr->weight;
        load = SIM_MAX(load, 1);
        /* so that the lag is what it was once the entity itself counts in the average */
        lag = se->vlag * (load + (int64_t)se->weight) / load;
    }
    se->vruntime = v - lag;
    if (se->rel_deadline) {
        se->deadline += se->vruntime;
        se->rel_deadline = false;
        return;
    }
    if (features >> SCHED_FEAT_PLACE_DEADLINE_INITIAL & 1 && initial)
        vslice /= 2;
    se->deadline = se->vruntime + vslice;
}

uint64_t
cfs_rq_min_slice(const struct cfs_rq *cfs)
{
    uint64_t least = cfs->curr != NULL && cfs->curr->on_rq ? cfs->curr->slice : UINT64_MAX;

    for (uint32_t i = 0; i < cfs->nr; i++)
        least = SIM_MIN(least, cfs->entity[i]->slice);
    return least;
}

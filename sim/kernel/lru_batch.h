/*
 * Pages that are not on their LRU list yet (mm/swap.c: the lru_add batches).
 *
 * A CPU that has got a new page, by first touch or by migration, puts it on a batch of its own; 31
 * of them go to the LRU lists together. Until then a page cannot be taken off a list, so it cannot
 * migrate: a hinting fault on it counts as a failed migration, and that doubles the scan period of
 * the task. A huge page does not wait, and takes the batch with it.
 *
 * Where pages are kept in blocks, so many of a block's pages with one tag on a node wait, and any
 * of them are as likely to be among those as others. Their tags tell them apart because they go
 * with the waiting: a page that a task has just moved and only reads has the task's tag, and
 * whoever faults on it next from elsewhere only asks for it a second time, while one that was just
 * touched first, or written to since, has none and may be asked for at once.
 *
 * Model assumption: pages that a workload places before the run have long left their batch, unless
 * mm.lru_batches=all. Nothing but new pages and the calls that drain all CPUs (mbind and the like)
 * empties a batch; on a real machine other processes that end there do.
 */
#pragma once

#include "kernel/pages.h"

enum { LRU_BATCH = 31 };
enum { LRU_NEAR_SHIFT = 6, LRU_PLACE_BITS = 33 }; /* pages side by side, log2; bits of a place */

/* What waits is found by neighbourhood: 64 pages that are known one by one, or a block. Few have
 * anything on a batch, so that one look tells of most pages that they do not wait. */
struct lru_state {
    struct lot **near; /* what waits there; by a hash of the neighbourhood */
    uint32_t shift;    /* 64 - log2 of how many there are */
    bool on;
    struct lru_batch *batches; /* by CPU */
    struct rng rng;
};

void lru_batch_init(struct kernel *k);
/* Pages [first, first + n) of a region, or one huge page of that size, have just been allocated on
 * `node` by this CPU. */
void lru_add(struct kernel *k, int cpu, const struct region *r, uint64_t first, uint64_t n,
             int node, bool huge);
/* They have this access tag, where it is other than 0. */
void lru_add_tagged(struct kernel *k, int cpu, const struct region *r, uint64_t first, uint64_t n,
                    int node, uint32_t tag);
/* The same before the run, on the first CPU of the pages' node. */
void lru_add_initial(struct kernel *k, int node, const struct region *r, uint64_t first, uint64_t n,
                     bool huge);
/* lru_add_drain_all() */
void lru_add_drain_all(struct kernel *k);
/* Does the page wait on some CPU's batch? */
bool lru_on_batch(const struct kernel *k, const struct region *r, uint64_t page);

/* The neighbourhood of a page. */
static inline uint64_t
lru_place_known(const struct region *r, uint64_t page)
{
    return ((uint64_t)r->id + 1) << (LRU_PLACE_BITS + 1) | page >> LRU_NEAR_SHIFT;
}
static inline uint64_t
lru_place_of_block(const struct region *r, uint64_t page)
{
    uint64_t block =
        likely(r->nr_slices == 1) ? page >> CHUNK_SHIFT : r->ops->lot(r, page, 0) / NODE_MAX;

    return (((uint64_t)r->id + 1) * 2 + 1) << LRU_PLACE_BITS | block;
}
static inline uint64_t
lru_place(const struct region *r, uint64_t page)
{
    return r->ops->lot == NULL ? lru_place_known(r, page) : lru_place_of_block(r, page);
}
static inline struct lot **
lru_near(const struct lru_state *s, uint64_t place)
{
    return &s->near[place * 0x9E3779B97F4A7C15u >> s->shift];
}

/* lru_waiting() of a neighbourhood where something waits, or of one with the same hash. */
uint32_t lru_waiting_near(const struct kernel *k, const struct region *r, uint64_t first,
                          uint32_t n, int node, uint32_t tag);
/* How many of n pages of a node with one tag from `first` on do; where each is known, all of them
 * or none. */
static inline uint32_t
lru_waiting(const struct kernel *k, const struct region *r, uint64_t first, uint32_t n, int node,
            uint32_t tag)
{
    const struct lru_state *s = k->mm->lru;

    if (likely(*lru_near(s, lru_place(r, first)) == NULL))
        return 0;
    return lru_waiting_near(k, r, first, n, node, tag);
}
/* How many pages from `first` on, of n, may be asked about together. */
uint32_t lru_alike(const struct kernel *k, const struct region *r, uint64_t first, uint32_t n);

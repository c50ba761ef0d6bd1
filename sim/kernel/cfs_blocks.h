/*
 * The index of a long fair queue: its entries in small blocks, the blocks in order of deadlines,
 * and of each block the least vruntime.
 *
 * The first block that has anybody eligible has the entity to pick, so a pick looks at the entries
 * of one block only. Within a block there is no order. Entries are known by their place in the
 * arrays of the queue.
 */
#pragma once

#include "base/arena.h"

enum { CFS_BLOCK = 32 };

/* Where the earliest deadline of some entries is; nobody eligible: UINT32_MAX. A tie may be one of
 * a deadline that was beaten later. */
struct earliest {
    int64_t deadline;
    uint32_t at;
    bool tie;
};

/* Whether an entity is eligible is as good as a coin's toss, so no jump depends on it. An
 * ineligible one looks like the latest deadline there is, which is later than that of nobody. */
static inline struct earliest
earliest_of(const int64_t *vruntimes, const int64_t *deadlines, uint32_t nr, int64_t v)
{
    int64_t best = INT64_MAX - 1;
    uint32_t at = UINT32_MAX, tie = 0;

    for (uint32_t i = 0; i < nr; i++) {
        uint64_t ineligible = (uint64_t)((int64_t)((uint64_t)v - (uint64_t)vruntimes[i]) >> 63);
        int64_t deadline = deadlines[i] | (int64_t)(ineligible >> 1);
        tie |= deadline == best;
        at = deadline < best ? i : at;
        best = SIM_MIN(best, deadline);
    }
    return (struct earliest){ best, at, tie != 0 };
}

struct cfs_blocks;

/* For up to `capacity` entries, a power of two of at least CFS_BLOCK. order: of insertion, by
 * place; what is added has been inserted last. */
struct cfs_blocks *cfs_blocks_new(struct arena *a, uint32_t capacity, const uint64_t *order);

void cfs_blocks_add(struct cfs_blocks *b, uint32_t place, int64_t vruntime, int64_t deadline);

/* The entry of `place` is gone, and that of `last` takes its place; call it before `order` moves.
 */
void cfs_blocks_remove(struct cfs_blocks *b, uint32_t place, uint32_t last);

/* The place of the entry with vruntime <= v that has the earliest deadline, and of several the one
 * that was inserted first; -1: none. */
int cfs_blocks_pick(const struct cfs_blocks *b, int64_t v);

/*
 * Blocks hold the entries by (deadline, order of insertion): all of one block come before all of
 * the next. What is inserted comes after everything with the same deadline, so comparing deadlines
 * is enough to find its block. A full block is split at the mean of its deadlines, or of its orders
 * if it has but one deadline: no exact halves, yet one pass and no sorting. Blocks are dropped when
 * they are empty, and merged only when no block is left for a split.
 */
#include "kernel/cfs_blocks.h"

#include <string.h>

/* Merged blocks have at most MERGED entries, two neighbours more: less than 2 / MERGED of the
 * capacity, well below what there are. */
enum { MERGED = 24, ENTRIES_PER_BLOCK = 8 };

struct block {
    int64_t vruntime[CFS_BLOCK], deadline[CFS_BLOCK];
    uint32_t place[CFS_BLOCK];
    uint32_t nr, rank; /* rank: among the blocks */
};

struct cfs_blocks {
    const uint64_t *order;
    uint32_t nr, nr_all, nr_free;
    /* by rank: the earliest deadline it is for, the first block's does not count; least vruntime */
    int64_t *low, *least;
    struct block **block;
    struct block **free;
    /* by place */
    struct block **of;
    uint8_t *slot;
};

struct cfs_blocks *
cfs_blocks_new(struct arena *a, uint32_t capacity, const uint64_t *order)
{
    struct cfs_blocks *b = arena_new_object(a, struct cfs_blocks);
    uint32_t nr = capacity / ENTRIES_PER_BLOCK;
    struct block *all = arena_new_array(a, struct block, nr);

    *b = (struct cfs_blocks){ .order = order, .nr = 1, .nr_all = nr, .nr_free = nr - 1 };
    b->low = arena_new_array(a, int64_t, nr);
    b->least = arena_new_array(a, int64_t, nr);
    b->block = arena_new_array(a, struct block *, nr);
    b->free = arena_new_array(a, struct block *, nr);
    b->of = arena_new_array(a, struct block *, capacity);
    b->slot = arena_new_array(a, uint8_t, capacity);
    b->block[0] = &all[0];
    b->least[0] = INT64_MAX;
    for (uint32_t i = 1; i < nr; i++)
        b->free[i - 1] = &all[i];
    return b;
}

static int64_t
least_of(const int64_t *value, uint32_t nr)
{
    int64_t least = INT64_MAX;

    for (uint32_t i = 0; i < nr; i++)
        least = SIM_MIN(least, value[i]);
    return least;
}

static void
renew_least(struct cfs_blocks *b, const struct block *x)
{
    b->least[x->rank] = least_of(x->vruntime, x->nr);
}

static void
append(struct cfs_blocks *b, struct block *x, uint32_t place, int64_t vruntime, int64_t deadline)
{
    uint32_t slot = x->nr++;

    x->vruntime[slot] = vruntime;
    x->deadline[slot] = deadline;
    x->place[slot] = place;
    b->of[place] = x;
    b->slot[place] = (uint8_t)slot;
}

/* The last entry of the block fills the gap. */
static void
take(struct cfs_blocks *b, struct block *x, uint32_t slot)
{
    uint32_t last = --x->nr;

    x->vruntime[slot] = x->vruntime[last];
    x->deadline[slot] = x->deadline[last];
    x->place[slot] = x->place[last];
    b->slot[x->place[slot]] = (uint8_t)slot;
}

/* `by` ranks more or fewer before what is at `rank` now. */
static void
shift_ranks(struct cfs_blocks *b, uint32_t rank, int by)
{
    uint32_t nr = b->nr - rank, to = (uint32_t)((int)rank + by);

    memmove(&b->low[to], &b->low[rank], nr * sizeof(*b->low));
    memmove(&b->least[to], &b->least[rank], nr * sizeof(*b->least));
    memmove(&b->block[to], &b->block[rank], nr * sizeof(*b->block));
    b->nr = (uint32_t)((int)b->nr + by);
    for (uint32_t i = to; i < b->nr; i++)
        b->block[i]->rank = i;
}

static void
drop(struct cfs_blocks *b, struct block *x)
{
    b->free[b->nr_free++] = x;
    shift_ranks(b, x->rank + 1, -1);
}

static void
merge(struct cfs_blocks *b)
{
    for (uint32_t rank = 0; rank + 1 < b->nr;) {
        struct block *x = b->block[rank], *next = b->block[rank + 1];

        if (x->nr + next->nr > MERGED) {
            rank++;
            continue;
        }
        for (uint32_t i = 0; i < next->nr; i++)
            append(b, x, next->place[i], next->vruntime[i], next->deadline[i]);
        next->nr = 0;
        renew_least(b, x);
        drop(b, next);
    }
}

static void
copy_entry(struct block *to, uint32_t slot, const struct block *from, uint32_t i)
{
    to->vruntime[slot] = from->vruntime[i];
    to->deadline[slot] = from->deadline[i];
    to->place[slot] = from->place[i];
}

static void
remember_slots(struct cfs_blocks *b, struct block *x)
{
    for (uint32_t i = 0; i < x->nr; i++) {
        b->of[x->place[i]] = x;
        b->slot[x->place[i]] = (uint8_t)i;
    }
}

/* Entries above the mean of the keys go from the full block x to block y. Each is written to both,
 * and counts in one: no jump depends on which. */
static void
move_upper_part(struct cfs_blocks *b, struct block *x, struct block *y, const int64_t *key)
{
    int64_t least = least_of(key, CFS_BLOCK), sum = 0;
    uint32_t kept = 0, moved = 0;

    for (uint32_t i = 0; i < CFS_BLOCK; i++)
        sum += key[i] - least;
    int64_t mean = least + sum / CFS_BLOCK;
    for (uint32_t i = 0; i < CFS_BLOCK; i++) {
        copy_entry(y, moved, x, i);
        copy_entry(x, kept, x, i);
        moved += key[i] > mean;
        kept += key[i] <= mean;
    }
    x->nr = kept;
    y->nr = moved;
    remember_slots(b, x);
    remember_slots(b, y);
}

static void
split(struct cfs_blocks *b, struct block *x)
{
    int64_t key[CFS_BLOCK];
    bool equal = true;

    for (uint32_t i = 0; i < CFS_BLOCK; i++) {
        key[i] = x->deadline[i];
        equal &= key[i] == key[0];
    }
    for (uint32_t i = 0; equal && i < CFS_BLOCK; i++)
        key[i] = (int64_t)b->order[x->place[i]];
    struct block *y = b->free[--b->nr_free];
    shift_ranks(b, x->rank + 1, 1);
    y->rank = x->rank + 1;
    b->block[y->rank] = y;
    move_upper_part(b, x, y, key);
    b->low[y->rank] = least_of(y->deadline, y->nr);
    renew_least(b, x);
    renew_least(b, y);
}

/* The last block that is for deadlines from this one or from an earlier one. */
static struct block *
block_for(const struct cfs_blocks *b, int64_t deadline)
{
    uint32_t rank = 0;

    for (uint32_t nr = b->nr; nr > 1;) {
        uint32_t half = nr / 2;
        rank += half & -(uint32_t)(b->low[rank + half] <= deadline);
        nr -= half;
    }
    return b->block[rank];
}

void
cfs_blocks_add(struct cfs_blocks *b, uint32_t place, int64_t vruntime, int64_t deadline)
{
    struct block *x = block_for(b, deadline);

    while (unlikely(x->nr == CFS_BLOCK)) {
        if (b->nr_free == 0)
            merge(b);
        split(b, x);
        x = block_for(b, deadline);
    }
    append(b, x, place, vruntime, deadline);
    b->least[x->rank] = SIM_MIN(b->least[x->rank], vruntime);
}

void
cfs_blocks_remove(struct cfs_blocks *b, uint32_t place, uint32_t last)
{
    struct block *x = b->of[place];
    int64_t vruntime = x->vruntime[b->slot[place]];

    take(b, x, b->slot[place]);
    if (place != last) {
        b->of[place] = b->of[last];
        b->slot[place] = b->slot[last];
        b->of[place]->place[b->slot[place]] = place;
    }
    if (x->nr == 0 && b->nr > 1)
        drop(b, x);
    else if (vruntime == b->least[x->rank])
        renew_least(b, x);
}

static uint32_t
first_inserted(const struct cfs_blocks *b, const struct block *x, int64_t deadline, int64_t v)
{
    uint64_t order = UINT64_MAX;
    uint32_t first = 0;

    for (uint32_t i = 0; i < x->nr; i++)
        if (x->deadline[i] == deadline && x->vruntime[i] <= v && b->order[x->place[i]] < order) {
            order = b->order[x->place[i]];
            first = i;
        }
    return first;
}

int
cfs_blocks_pick(const struct cfs_blocks *b, int64_t v)
{
    uint32_t rank = 0;

    while (rank < b->nr && b->least[rank] > v)
        rank++;
    if (rank == b->nr)
        return -1;
    const struct block *x = b->block[rank];
    struct earliest e = earliest_of(x->vruntime, x->deadline, x->nr, v);
    if (unlikely(e.tie))
        e.at = first_inserted(b, x, e.deadline, v);
    return (int)x->place[e.at];
}

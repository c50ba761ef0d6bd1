/*
 * Marks of the block representation: a scan takes parts of blocks, or whole slabs at once.
 */
#include "kernel/page_block.h"

static void
look_for(const struct mapping *m, uint64_t index)
{
    block_attention(m)[index / 64] |= (uint64_t)1 << (index % 64);
}

/* Who goes through a block from its start has been at all pages before this part. */
static uint32_t
share_of(uint32_t n, const struct block *b, uint64_t page, uint64_t stop)
{
    return stop == block_end(b) ? n : (uint32_t)(n * (stop - page) / (block_end(b) - page));
}

/* Marks a part of one block. */
static uint32_t
mark_some(struct mapping *m, uint64_t page, uint64_t stop, nodemask left_out,
          const struct mark_how *how)
{
    struct region *r = m->region;
    struct block b = block_at(m, page);
    uint32_t marked = 0;

    for (uint32_t n = 0; n < blocks_of(r)->nr_nodes; n++) {
        uint32_t some = (left_out & NODE_BIT(n))
                            ? 0
                            : share_of((uint32_t)b.count[n] - b.marked[n], &b, page, stop);

        if (some == 0)
            continue;
        if (how->timed & NODE_BIT(n))
            retag_some(r, &b,
                       &(struct retagged){ .from = (int)n, .to = (int)n, .nr = some, .m = m },
                       how->time);
        deal_marks(m, &b, (int)n, some);
        add_marked(m, &b, (int)n, (int32_t)some);
        marked += some;
    }
    if (marked > 0)
        look_for(m, b.index);
    return marked;
}

/* The counts of n blocks become those of their marks, but for nodes that are left out. */
static void
mark_counts(uint16_t *marks, const uint16_t *counts, uint64_t n, uint32_t stride, nodemask left_out)
{
    uint16_t keep[NODE_MAX + 3] = { 0 };
    uint64_t mark, count, kept;

    if (left_out == 0) {
        memcpy(marks, counts, n * stride * sizeof(*marks));
        return;
    }
    for_each_node (node, left_out)
        keep[node] = UINT16_MAX;
    for (uint32_t i = 0; i < stride; i += 4) {
        memcpy(&kept, &keep[i], sizeof(kept));
        for (uint64_t at = i; at < n * stride; at += stride) {
            memcpy(&mark, &marks[at], sizeof(mark));
            memcpy(&count, &counts[at], sizeof(count));
            mark = (count & ~kept) | (mark & kept);
            memcpy(&marks[at], &mark, sizeof(mark));
        }
    }
}

/* Marks all blocks of a slab. */
static uint32_t
mark_blocks(struct mapping *m, uint64_t slab, nodemask left_out)
{
    const struct block_pages *x = blocks_of(m->region);
    struct block_marks *marks = block_marks_of(m);
    uint64_t first = slab << SLAB_SHIFT, n = (uint64_t)1 << SLAB_SHIFT;

    n = SIM_MIN(x->nr_blocks - first, n);
    mark_counts(&marks->marked[first * x->stride], &x->count[first * x->stride], n, x->stride,
                left_out);
    uint32_t some = mark_slab(m, slab, left_out);
    if (some > 0) /* whether in each, shows when it is looked at */
        marks->attention[first / 64] |= (((uint64_t)1 << n) - 1) << (first % 64);
    return some;
}

uint64_t
block_mark(struct mapping *m, uint64_t first, uint64_t end, const struct mark_how *how,
           uint64_t *huge)
{
    enum { SLAB_PAGES = CHUNK_PAGES << SLAB_SHIFT };
    const struct region *r = m->region;
    nodemask left_out = how->skip | (how->skip_node >= 0 ? NODE_BIT(how->skip_node) : 0);
    uint64_t all = 0;
    (void)huge;

    for (uint64_t page = first, stop; page < end; page = stop) {
        uint64_t slab_end = SIM_MIN(page + SLAB_PAGES, r->nr_pages);
        uint32_t some;

        if (r->nr_slices == 1 && page % SLAB_PAGES == 0 && slab_end <= end && how->timed == 0) {
            stop = slab_end;
            some = mark_blocks(m, page / SLAB_PAGES, left_out);
        } else {
            struct block b = block_at(m, page);
            stop = SIM_MIN(end, block_end(&b));
            some = mark_some(m, page, stop, left_out, how);
        }
        if (some > 0)
            count_marks(m, page, 1, some);
        all += some;
    }
    return all;
}

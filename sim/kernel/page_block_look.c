/*
 * Looking at blocks: a page drawn among those that need attention, and the check that sums add up.
 */
#include "kernel/page_block.h"

enum { FEW_TRIES = 4, BLOCKS_A_TRY = 16 };

static uint64_t
count_needs(const struct mapping *m, uint64_t first, uint64_t end, uint64_t nth, uint64_t *page)
{
    uint64_t seen = 0;

    for (uint64_t at = first, stop; at < end; at = stop) {
        struct block b = block_at(m, at);
        uint64_t from = SIM_MAX(at, first_needing(m, &b));

        stop = SIM_MIN(end, block_end(&b));
        uint64_t n = stop > from ? stop - from : 0;
        if (nth < seen + n) {
            *page = from + nth - seen;
            return seen;
        }
        seen += n;
    }
    return seen;
}

uint64_t
block_needs(const struct mapping *m, uint64_t first, uint64_t n)
{
    uint64_t page;

    return count_needs(m, first, first + n, UINT64_MAX, &page);
}

static uint64_t
draw_one(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng)
{
    uint64_t tries = SIM_MAX((n >> CHUNK_SHIFT) / BLOCKS_A_TRY, (uint64_t)FEW_TRIES), page = first;

    while (tries-- > 0) {
        page = first + rng_below(rng, n);
        struct block b = block_at(m, page);

        if (page >= first_needing(m, &b))
            return page;
    }
    uint64_t all = count_needs(m, first, first + n, UINT64_MAX, &page);
    sim_assert(all > 0);
    count_needs(m, first, first + n, rng_below(rng, all), &page);
    return page;
}

void
block_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng, uint64_t *pages,
           uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++)
        pages[i] = draw_one(m, first, n, rng);
}

/* Sums of a slice's blocks against its group, marks of a mapping. */
static bool
slice_adds_up(const struct kernel *k, const struct mapping *m, uint32_t slice)
{
    const struct region *r = m->region;
    uint64_t first = region_slice_first(r, slice), n = region_slice_pages(r, slice), marked = 0;
    struct page_tally t = { .unpopulated = n };

    for (uint64_t page = first; page < first + n; page += CHUNK_PAGES) {
        struct block b = block_at(m, page);

        if (block_populated(m, &b) > b.span)
            return false;
        for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
            if (b.marked[i] > b.count[i])
                return false;
            t.count[i] += b.count[i];
        }
        t.unpopulated -= block_populated(m, &b);
        marked += block_marked(m, &b);
        if (first_needing(m, &b) < block_end(&b) &&
            !(block_attention(m)[b.index / 64] >> (b.index % 64) & 1))
            return false;
    }
    return tally_agrees(&t, &r->groups[slice], k->machine->nr_nodes) &&
           marked == *mapping_marked(m, slice);
}

const char *
block_check(struct kernel *k, const struct region *r)
{
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        for (uint32_t s = 0; s < r->nr_slices; s++)
            if (!slice_adds_up(k, m, s))
                return arena_printf(k->arena, "region %s: the blocks of slice %u do not add up",
                                    r->name, s);
    return NULL;
}

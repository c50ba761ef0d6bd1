/*
 * What random accesses ask of a stretch of pages: how many need attention, and one of them.
 */
#pragma once

#include "kernel/region.h"

static inline uint64_t
page_set_needs(const struct mem_use *u)
{
    return u->group->unpopulated + *u->marked;
}

/* Does a page need attention? And its node, -1: it is not there. */
static inline bool
page_set_look(const struct mapping *m, uint64_t page, int *node)
{
    uint32_t word = m->region->pages[page];

    *node = page_populated(word) ? page_node(word) : -1;
    return mapping_needs_attention(m, page);
}

/* One of the pages in [first, first + n) that need attention, each with the same chance; there is
 * at least one. Trying pages until one does takes n ln n tries until all are in order. */
static inline uint64_t
page_set_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng)
{
    for (;;) {
        uint64_t page = first + rng_below(rng, n);

        if (mapping_needs_attention(m, page))
            return page;
    }
}

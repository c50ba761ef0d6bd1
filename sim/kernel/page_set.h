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
    return m->region->ops->look(m, page, node);
}

/* One of the pages in [first, first + n) that need attention, each with the same chance; there is
 * at least one. */
static inline uint64_t
page_set_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng)
{
    uint64_t page;

    m->region->ops->draw(m, first, n, rng, &page, 1);
    return page;
}

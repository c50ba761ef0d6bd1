/*
 * Which pages are cold.
 *
 * Nobody counts accesses page by page. A slice counts visits to its pages, and a view those that
 * are spread by popularity (a walk visits a page once in as many misses as it has lines). So the
 * visits that a page can expect are a sum of such counts, each divided by the page's part of it;
 * when reclaim looks at a page, it takes the visits expected since its last look, x, and draws
 * whether there was one: with chance 1 - exp(-x). A hot page is practically always found accessed,
 * and a page that nobody uses never.
 *
 * Model assumption: visits come at random instants. A walk comes round at regular ones, so that a
 * page behind it looks colder than it is, and one before it warmer.
 *
 * What was expected at the last look is kept for regions that reclaim has been to: a number for
 * each huge page, and for each page of a chunk that has small ones.
 */
#include "kernel/reclaim_age.h"

#include "kernel/mm_view.h"

/* Visits in 1/4096, modulo 2^20 visits. */
enum { VISIT_ONE = 4096 };

struct page_looks {
    uint32_t whole, *each; /* each: by page of the chunk */
};

static uint64_t
group_visits(const struct region_group *g, uint32_t np)
{
    return g->nr_pages > 0 ? mul_div_u64(g->visits, np, g->nr_pages) : 0;
}

/* A huge page is visited with any of its parts. */
static uint32_t
expected(struct kernel *k, struct region *r, uint64_t page, uint32_t np)
{
    uint64_t visits = group_visits(&r->groups[region_slice_of(r, page)], np);

    if (r->nr_groups > 1)
        visits += group_visits(region_whole(r), np);
    return (uint32_t)(visits + view_visits(k, r, page, np));
}

static uint32_t *
look_of(struct kernel *k, struct region *r, uint64_t page, uint32_t np)
{
    if (r->looks == NULL)
        r->looks = arena_new_array(k->arena, struct page_looks,
                                   div_round_up_u64(r->nr_pages, CHUNK_PAGES));
    struct page_looks *l = &r->looks[page >> CHUNK_SHIFT];
    if (np > 1)
        return &l->whole;
    if (l->each == NULL)
        l->each = arena_new_array(k->arena, uint32_t, CHUNK_PAGES);
    return &l->each[page & (CHUNK_PAGES - 1)];
}

bool
page_referenced(struct kernel *k, struct region *r, uint64_t page, uint32_t np)
{
    uint32_t now = expected(k, r, page, np), *last = look_of(k, r, page, np);
    uint32_t since = now - *last;

    *last = now;
    return since > 0 && rng_exponential(&k->mm->reclaim_rng, VISIT_ONE) < since;
}

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
 * What was expected at the last look is kept per page, for regions that reclaim has been to.
 */
#include "kernel/reclaim_age.h"

#include "kernel/mm_view.h"

/* Visits in 1/4096, modulo 2^20 visits. */
enum { VISIT_ONE = 4096 };

static uint64_t
group_visits(const struct region_group *g)
{
    return g->nr_pages > 0 ? g->visits / g->nr_pages : 0;
}

static uint32_t
expected(struct kernel *k, struct region *r, uint64_t page)
{
    uint64_t visits = group_visits(&r->groups[region_slice_of(r, page)]);

    if (r->nr_groups > 1)
        visits += group_visits(region_whole(r));
    return (uint32_t)(visits + view_visits(k, r, page));
}

bool
page_referenced(struct kernel *k, struct region *r, uint64_t page)
{
    uint32_t now = expected(k, r, page), since;

    if (r->looked == NULL)
        r->looked = arena_new_array(k->arena, uint32_t, r->nr_pages);
    since = now - r->looked[page];
    r->looked[page] = now;
    return since > 0 && rng_exponential(&k->mm->reclaim_rng, VISIT_ONE) < since;
}

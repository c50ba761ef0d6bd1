/*
 * Uses whose accesses are drawn: uniform over the pages of a slice.
 *
 * Only hits matter, accesses to a page that is not there yet or that is marked. If A of N pages
 * need attention, an access is a hit with chance A/N, and the page is then any of the A. So nothing
 * is drawn per access. Each use keeps what is left of an exponential variable with mean 1, and
 * every miss takes A/N from it; when nothing is left, there is a hit, and the next variable is
 * drawn. If A changes, because the scan marks pages or because others were faster, only the rate
 * changes: nothing is drawn anew, and expectation and order of first touches stay those of the
 * accesses one by one, with misses that come at random instants instead of equal distances (a
 * Poisson stream of the same rate; tests/test_touch.c compares).
 *
 * A stop at every hit would cost an event each. So while hits are dense, a burst goes on for
 * mm.touch_batch of work (or 64 hits on average, or as many accesses as 1/64 of the pages, so that
 * others see them soon enough), and the hits of that stretch are counted from the same variables
 * and dealt with together, in their order. A burst that is settled earlier counts the hits so far
 * as due; they come first when it goes on.
 */
#include "kernel/mm_draw.h"

#include "kernel/page_set.h"

__extension__ typedef unsigned __int128 u128;

enum { BATCH_HITS = 64, BATCH_SHARE = 64 };
static const uint64_t ONE = (uint64_t)1 << 32;

static struct rng
use_stream(const struct mem_use *u)
{
    return (struct rng){ .key = u->key, .counter = u->draw };
}

static uint64_t
draw_left(struct mem_use *u)
{
    struct rng rng = use_stream(u);
    uint64_t left = rng_exponential(&rng, ONE);

    u->draw = rng.counter;
    return left;
}

/* Pages that the next hit may be: hits that are due have taken theirs. */
static uint64_t
open_pages(const struct mem_use *u)
{
    uint64_t needs = page_set_needs(u);

    return needs > u->due ? needs - u->due : 0;
}

void
use_draw_start(struct kernel *k, struct mem_use *u)
{
    struct rng rng;

    rng_init(&rng, k->seed, "touch", u->task->id);
    u->key = rng_at(rng_at(rng.key, u->region->id), (uint64_t)u->slice << 8 | u->pattern);
    u->draw = u->due = 0;
    u->needs = open_pages(u);
    u->left = draw_left(u);
}

uint64_t
use_draw_horizon(struct mem_use *u, uint64_t batch)
{
    uint64_t needs = u->needs = open_pages(u);

    if (u->due > 0)
        return 0;
    if (needs == 0)
        return UINT64_MAX;
    u128 hit = ((u128)u->left * u->nr_pages / needs + ONE - 1) >> 32;
    if (hit >= batch)
        return hit > UINT64_MAX ? UINT64_MAX : SIM_MAX((uint64_t)hit, 1u);
    batch = SIM_MIN(batch, BATCH_HITS * u->nr_pages / needs);
    batch = SIM_MIN(batch, u->nr_pages / BATCH_SHARE);
    return SIM_MAX(SIM_MAX(batch, (uint64_t)hit), 1u);
}

/* Twice the pages that needed attention since they were last counted. Users of few are settled
 * whenever one is dealt with (region_needs_fell); of many, a small part may be gone, and went
 * evenly. When there are more now, they came just now: whoever marks pages settles those who use
 * them. */
static uint64_t
twice_needs_since(const struct mem_use *u, uint64_t now)
{
    return u->needs + (u->needs < NEEDS_TELL_SHARE ? u->needs : SIM_MIN(now, u->needs));
}

void
use_draw_advance(struct task_mem *mem, struct mem_use *u, uint64_t misses)
{
    uint64_t open = open_pages(u), twice = twice_needs_since(u, open);
    u128 gone = u->nr_pages == 0 ? 0 : ((u128)misses * twice << 31) / u->nr_pages;

    while (open > 0 && gone >= u->left) {
        gone = twice > 2 ? (gone - u->left) * (twice - 2) / twice : 0;
        u->left = draw_left(u);
        u->due++;
        mem->due++;
        twice = twice > 2 ? twice - 2 : 0;
        open--;
    }
    if (open > 0 && gone < u->left)
        u->left -= (uint64_t)gone;
    u->needs = open;
}

bool
use_draw_next(struct task_mem *mem, struct mem_use *u, uint64_t *page)
{
    if (u->due == 0)
        return false;
    if (page_set_needs(u) == 0) { /* others were faster */
        use_draw_forget(mem, u);
        return false;
    }
    struct rng rng = use_stream(u);
    *page = page_set_draw(u->map, u->first, u->nr_pages, &rng);
    u->draw = rng.counter;
    u->due--;
    mem->due--;
    return true;
}

void
use_draw_forget(struct task_mem *mem, struct mem_use *u)
{
    mem->due -= u->due;
    u->due = 0;
}

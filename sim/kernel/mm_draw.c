/*
 * Uses whose accesses are drawn: over the pages of a slice, uniform or by popularity.
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
 *
 * Where pages differ in popularity (mm_view.c), the chance of a hit is the sum of the weights of
 * the pages that need attention, and the page is drawn by weight. Such hits are not put together,
 * nor those on huge pages: each changes the chance by what it takes with it.
 *
 * Blocks of several lines from each place make hits rarer: so many misses count as one access.
 * Where a block reaches into further pages, each of them is drawn by itself.
 */
#include "kernel/mm_draw.h"

#include "kernel/mm_view.h"

__extension__ typedef unsigned __int128 u128;

enum { BATCH_HITS = 64, BATCH_SHARE = 64 };
static const uint64_t ONE = (uint64_t)1 << 32;

/* a * b / c: nearly always of numbers that 64 bits are enough for, which is faster. */
static u128
mul_div(u128 a, uint64_t b, uint64_t c)
{
    uint64_t product;

    if (likely(a <= UINT64_MAX && !__builtin_mul_overflow((uint64_t)a, b, &product)))
        return product / c;
    return a * b / c;
}

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

/* The chance of any access, and by how much a hit lowers that of hits: in pages, or in weights. */
static uint64_t
use_all(const struct mem_use *u)
{
    return u->view != NULL ? view_all(u->view) : u->nr_pages;
}

/* A block of many lines comes to one page, and to those that it reaches into. */
static uint32_t
misses_of_page(const struct kernel *k, const struct mem_use *u)
{
    uint32_t page = u->region->thp ? PAGE_2M : PAGE_4K, lines = u->shape.block / k->mm->line_bytes;

    return SIM_MAX((uint32_t)mul_div_u64(lines, page, (uint64_t)page + u->shape.block), 1u);
}

static uint64_t
one_hit(const struct mem_use *u)
{
    return u->view != NULL ? view_mean_hit(u->view) : 1;
}

/* The chance of a hit; hits that are due have taken theirs. */
static uint64_t
open_now(const struct mem_use *u)
{
    uint64_t needs = u->view != NULL ? view_open(u->view) : page_set_needs(u);
    uint64_t due = u->due > 0 ? u->due * one_hit(u) : 0;

    return needs > due ? needs - due : 0;
}

void
use_draw_start(struct kernel *k, struct mem_use *u)
{
    struct rng rng;

    rng_init(&rng, k->seed, "touch", u->task->id);
    u->key = rng_at(rng_at(rng.key, u->region->id), (uint64_t)u->slice << 8 | u->pattern);
    if (u->pattern == ACCESS_ZIPF || u->pattern == ACCESS_HOT)
        u->view = view_get(k, u);
    u->misses_each = misses_of_page(k, u);
    u->draw = u->due = 0;
    u->needs = open_now(u);
    u->left = draw_left(u);
}

/* How far hits are put together. */
static uint64_t
batch_limit(const struct mem_use *u, uint64_t batch, uint64_t needs)
{
    if (u->view != NULL || u->region->thp)
        return 0;
    batch = SIM_MIN(batch, BATCH_HITS * u->nr_pages / needs);
    return SIM_MIN(batch, u->nr_pages / BATCH_SHARE);
}

uint64_t
use_draw_horizon(struct mem_use *u, uint64_t batch)
{
    uint64_t needs = u->needs = open_now(u);

    if (u->due > 0)
        return 0;
    if (needs == 0)
        return UINT64_MAX;
    u128 hit = (mul_div(u->left, use_all(u), needs) * u->misses_each + ONE - 1) >> 32;
    if (hit > UINT64_MAX)
        return UINT64_MAX;
    if (hit < batch)
        hit = SIM_MAX((uint64_t)hit, batch_limit(u, batch, needs));
    return SIM_MAX((uint64_t)hit, 1u);
}

/* Twice the chance of a hit since it was last looked at. Users are settled when it has changed by a
 * small part (region_needs_fell), of few pages whenever one is dealt with; less than that went
 * evenly. When there is more now, it came just now: whoever marks pages settles those who use them.
 */
static uint64_t
twice_needs_since(const struct mem_use *u, uint64_t now)
{
    bool known = u->view != NULL || u->needs < NEEDS_TELL_SHARE;

    return u->needs + (known ? u->needs : SIM_MIN(now, u->needs));
}

static void
count_hits(struct task_mem *mem, struct mem_use *u, uint64_t twice, u128 gone)
{
    uint64_t one = one_hit(u), open = open_now(u);

    while (open > 0 && gone >= u->left) {
        uint64_t next = twice > 2 * one ? twice - 2 * one : 0;

        gone = mul_div(gone - u->left, next, twice);
        u->left = draw_left(u);
        u->due++;
        mem->due++;
        twice = next;
        open -= SIM_MIN(open, one);
    }
    if (open > 0 && gone < u->left)
        u->left -= (uint64_t)gone;
    u->needs = open;
}

void
use_draw_count(struct task_mem *mem, struct mem_use *u, uint64_t misses)
{
    uint64_t open = open_now(u), twice = twice_needs_since(u, open), all = use_all(u);

    if (open == 0) {
        u->needs = 0;
        return;
    }
    u128 gone = all == 0 ? 0 : mul_div((u128)misses << 31, twice, all) / u->misses_each;

    u->needs = open;
    if (gone >= u->left)
        count_hits(mem, u, twice, gone);
    else
        u->left -= (uint64_t)gone;
}

/* A page of several that were drawn together may be dealt with by the time of its turn: the others
 * are then still any of those that need attention. */
static uint64_t
next_drawn(const struct mem_use *u, struct drawn *d, struct rng *rng)
{
    for (;;) {
        int node;

        if (d->at == d->nr) {
            d->at = 0;
            d->nr = (uint32_t)SIM_MIN(u->due, (uint64_t)DRAWS_MOST);
            u->region->ops->draw(u->map, u->first, u->nr_pages, rng, d->pages, d->nr);
        }
        uint64_t page = d->pages[d->at++];
        if (page_set_look(u->map, page, &node))
            return page;
    }
}

bool
use_draw_next(struct task_mem *mem, struct mem_use *u, struct drawn *d, uint64_t *page)
{
    if (u->due == 0)
        return false;
    if (page_set_needs(u) == 0) { /* others were faster */
        use_draw_forget(mem, u);
        return false;
    }
    struct rng rng = use_stream(u);
    if (u->view != NULL)
        *page = view_draw(u->view, &rng);
    else
        *page = next_drawn(u, d, &rng);
    u->draw = rng.counter;
    u->due--;
    mem->due--;
    return true;
}

uint64_t
use_draw_dealt(struct mem_use *u)
{
    return u->view != NULL ? view_dealt(u->view) : 0;
}

void
use_draw_forget(struct task_mem *mem, struct mem_use *u)
{
    mem->due -= u->due;
    u->due = 0;
}

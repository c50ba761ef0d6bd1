/*
 * What a burst does to memory between two stops: walks, horizons and accounts.
 *
 * A burst misses the cache at a constant rate per unit of work, and its misses are dealt to its
 * uses by weight. Each use walks through its slice of a region: a sequential walk stays on a page
 * for as many misses as it has lines, and wraps. Nothing is simulated per miss: a walk is a page
 * and a count, moved when the burst is settled.
 *
 * Model assumption: a random, strided or chasing use is a walk that leaves a page after every miss;
 * random and chasing ones start at a page drawn from the seed. Every page of the slice is then
 * touched once before any is touched again, where true random accesses would leave a few pages
 * untouched for long: first touches and hinting faults of such a use are over sooner than on a real
 * machine. How misses spread over nodes does not depend on it: that follows the counts of pages.
 */
#include "kernel/region.h"

__extension__ typedef unsigned __int128 u128;

static bool
use_matches(const struct mem_use *u, const struct burst_use *bu)
{
    return u->region == bu->region && u->slice == bu->slice && u->pattern == bu->pattern;
}

static void
use_start(struct kernel *k, struct mem_use *u, const struct burst_use *bu)
{
    const struct region *r = bu->region;
    bool jumps = bu->pattern == ACCESS_RANDOM || bu->pattern == ACCESS_CHASE;

    u->region = bu->region;
    u->slice = bu->slice;
    u->group = &r->groups[region_group_index(r, bu->slice)];
    u->pattern = bu->pattern;
    u->first = region_slice_first(r, bu->slice);
    u->nr_pages = region_slice_pages(r, bu->slice);
    u->step = bu->pattern == ACCESS_SEQUENTIAL ? r->page_size / k->mm->line_bytes : 1;
    u->page = u->first;
    u->lines = u->carry = 0;
    if (jumps && u->nr_pages > 0) {
        struct rng rng = k->mm->rng;
        rng.counter = (uint64_t)u->task->id << 32 | r->id;
        u->page += rng_below(&rng, u->nr_pages);
    }
}

/* Everything but the places in lists. */
static void
use_swap(struct mem_use *a, struct mem_use *b)
{
    struct mem_use t = *a;

    if (a == b)
        return;
    *a = *b;
    *b = t;
    list_init(&a->user);
    list_init(&b->user);
}

static struct mem_use *
find_place(struct task_mem *mem, uint32_t from, const struct burst_use *bu)
{
    struct mem_use *empty = &mem->uses[BURST_USES_MAX - 1];

    for (uint32_t j = BURST_USES_MAX; j-- > from;) {
        struct mem_use *u = &mem->uses[j];

        if (u->region != NULL && use_matches(u, bu))
            return u;
        if (u->region == NULL)
            empty = u;
    }
    return empty;
}

/* The places of the profile's uses come first; walks of other profiles stay behind them. */
void
mm_burst_begin(struct kernel *k, struct task *p, const struct burst_profile *profile)
{
    struct task_mem *mem = p->mem;

    if (mem->profile == profile)
        return;
    sim_assert(profile->nr_uses <= BURST_USES_MAX);
    for (uint32_t i = 0; i < BURST_USES_MAX; i++)
        list_remove(&mem->uses[i].user);
    mem->profile = profile;
    mem->nr_uses = profile->nr_uses;
    mem->total_weight = 0;
    mem->mix_node = -1;
    for (uint32_t i = 0; i < profile->nr_uses; i++) {
        const struct burst_use *bu = &profile->uses[i];

        use_swap(&mem->uses[i], find_place(mem, i, bu));
        if (mem->uses[i].region == NULL || !use_matches(&mem->uses[i], bu))
            use_start(k, &mem->uses[i], bu);
        mem->uses[i].weight = bu->weight;
        mem->total_weight += bu->weight;
    }
    mem->total_weight = SIM_MAX(mem->total_weight, 1u);
}

/* Misses of this use before its walk comes to a page that needs attention. */
static uint64_t
use_horizon(struct mem_use *u)
{
    const struct region_group *g = u->group;

    if (g->unpopulated + g->marked == 0 || u->weight == 0)
        return UINT64_MAX;
    uint64_t end = u->first + u->nr_pages, pages;
    uint64_t next = region_next_attention(u->region, u->page, end);
    if (next < end) {
        pages = next - u->page;
    } else {
        next = region_next_attention(u->region, u->first, u->page);
        if (next == u->page)
            return UINT64_MAX;
        pages = end - u->page + next - u->first;
    }
    return pages == 0 ? 0 : pages * u->step - u->lines;
}

/* Work after which the task has had `misses` more. */
static uint64_t
work_for(const struct task_mem *mem, uint64_t misses)
{
    uint32_t rate = mem->profile->misses_q20;
    u128 work = (((u128)misses << MISS_SHIFT) - mem->fraction + rate - 1) / rate;

    return work > UINT64_MAX ? UINT64_MAX : (uint64_t)work;
}

uint64_t
mm_horizon(struct kernel *k, struct task *p)
{
    struct task_mem *mem = p->mem;
    uint64_t misses = UINT64_MAX;
    (void)k;

    for (uint32_t i = 0; i < mem->nr_uses; i++) {
        struct mem_use *u = &mem->uses[i];

        if (list_empty(&u->user))
            list_push_back(&u->group->users, &u->user);
        uint64_t lines = use_horizon(u);
        if (lines == 0)
            return 0;
        if (lines == UINT64_MAX)
            continue;
        u128 m = ((u128)lines * mem->total_weight - u->carry + u->weight - 1) / u->weight;
        misses = m < misses ? (uint64_t)m : misses;
    }
    return misses == UINT64_MAX ? UINT64_MAX : work_for(mem, misses);
}

static void
use_advance(struct mem_use *u, uint64_t misses)
{
    uint64_t lines = u->lines + misses;

    if (lines < u->step || u->nr_pages == 0) {
        u->lines = lines;
        return;
    }
    uint64_t pages = u->step == 1 ? lines : lines / u->step; /* the usual step needs no division */
    uint64_t at = u->page - u->first + pages;
    u->lines = lines - pages * u->step;
    u->page = u->first + (at < u->nr_pages ? at : at % u->nr_pages);
}

void
mem_walk(struct task_mem *mem, uint64_t misses)
{
    if (mem->nr_uses == 1) {
        use_advance(&mem->uses[0], misses);
        return;
    }
    for (uint32_t i = 0; i < mem->nr_uses; i++) {
        struct mem_use *u = &mem->uses[i];
        uint64_t shares = u->carry + misses * u->weight;

        u->carry = shares % mem->total_weight;
        use_advance(u, shares / mem->total_weight);
    }
}

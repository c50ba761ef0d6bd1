/*
 * What a burst does to memory between two stops: where its walks begin, and how far it may go.
 *
 * A burst misses the cache at a constant rate per unit of work, and its misses are dealt to its
 * uses by weight. A use is a walk or is drawn. A walk goes through its slice of a region: a
 * sequential one stays on a page for as many misses as it has lines, a strided one for as many as
 * its strides fit in a page, or leaves pages out; it wraps, and a stride over whole pages begins
 * its next round a line later. Nothing is simulated per miss: a walk is a page and a count, moved
 * when the burst is settled (mm_account.c). Random and chasing uses are drawn: mm_draw.c.
 */
#include "kernel/caches.h"
#include "kernel/filemap.h"
#include "kernel/khugepaged.h"
#include "kernel/migration_wait.h"
#include "kernel/mm_draw.h"
#include "kernel/mm_view.h"
#include "kernel/page_set.h"
#include "kernel/region.h"

__extension__ typedef unsigned __int128 u128;

enum { STRIDE_TRIES = 64 };

static bool
use_matches(const struct mem_use *u, const struct burst_use *bu)
{
    return u->region == bu->region && u->slice == bu->slice && u->pattern == bu->pattern &&
           memcmp(&u->shape, &bu->shape, sizeof(u->shape)) == 0;
}

static void
walk_start(const struct kernel *k, struct mem_use *u)
{
    uint32_t page = PAGE_4K, stride = page;

    if (u->pattern == ACCESS_SEQUENTIAL)
        stride = k->mm->line_bytes;
    else if (u->shape.stride > 0)
        stride = u->shape.stride;
    u->step = SIM_MAX(page / stride, 1u);
    u->jump = SIM_MAX(stride / page, 1u);
    u->page = u->first;
    u->lines = 0;
}

/* The kernel would kill the process (SIGSEGV); a workload that means that is a mistake. */
static void
segfault(struct kernel *k, const struct mem_use *u, const char *what)
{
    kernel_fail(k,
                "%s may not %s memory of region %s: its access, or mprotect, forbids it (SIGSEGV)",
                u->task->name, what, u->region->name);
}

static void
use_start(struct kernel *k, struct mem_use *u, const struct burst_use *bu)
{
    const struct region *r = bu->region;

    u->region = bu->region;
    u->map = region_map(k, bu->region, u->task->mm);
    u->slice = bu->slice;
    u->group = &r->groups[region_group_index(r, bu->slice)];
    u->marked = mapping_marked(u->map, region_group_index(r, bu->slice));
    u->pattern = bu->pattern;
    u->shape = bu->shape;
    u->first = region_slice_first(r, bu->slice);
    u->nr_pages = region_slice_pages(r, bu->slice);
    u->carry = u->step = u->passed_until = 0;
    u->view = NULL;
    if (unlikely(!mapping_allows(u->map, u->first, u->nr_pages, false)))
        segfault(k, u, "read");
    if (bu->pattern == ACCESS_SEQUENTIAL || bu->pattern == ACCESS_STRIDED)
        walk_start(k, u);
    else
        use_draw_start(k, u);
    u->visits = u->view != NULL ? view_visits_of(u->view) : &u->group->visits;
    u->visit = (uint32_t)(4096 / SIM_MAX(u->step, (uint64_t)1));
}

static void
use_writes(struct kernel *k, struct mem_use *u)
{
    if (unlikely(!mapping_allows(u->map, u->first, u->nr_pages, true)))
        segfault(k, u, "write");
    if (unlikely(region_is_file(u->region))) {
        if (!u->region->unmapped && !u->map->vmas[0]->shared)
            kernel_fail(k,
                        "%s writes to region %s, a private mapping of a file: what it writes to "
                        "is memory of its own; leave 'file' out, or map it shared",
                        u->task->name, u->region->name);
        u->task->mem->writes_file = true;
        file_write_begins(k, u->region, u->slice);
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
    if (unlikely(k->mm->khugepaged_dozes))
        khugepaged_stir(k);
    for (uint32_t i = 0; i < BURST_USES_MAX; i++)
        list_remove(&mem->uses[i].user);
    mem->profile = profile;
    mem->nr_uses = (uint16_t)profile->nr_uses;
    mem->total_weight = 0;
    mem->mix_node = -1;
    mem->miss_q16 = MIX_ALL;
    mem->mlp_q8 = profile->mlp_q8;
    mem->writes_file = false;
    if (unlikely(profile->reuse != NULL))
        caches_set_begin(k, p, profile);
    if (unlikely(profile->shares))
        caches_lines_begin(k);
    for (uint32_t i = 0; mem->due > 0 && i < BURST_USES_MAX; i++)
        if (mem->uses[i].region != NULL && use_draws(&mem->uses[i]))
            use_draw_forget(mem, &mem->uses[i]);
    for (uint32_t i = 0; i < profile->nr_uses; i++) {
        const struct burst_use *bu = &profile->uses[i];

        use_swap(&mem->uses[i], find_place(mem, i, bu));
        if (mem->uses[i].region == NULL || !use_matches(&mem->uses[i], bu))
            use_start(k, &mem->uses[i], bu);
        if (profile->write_q8 > 0)
            use_writes(k, &mem->uses[i]);
        mem->uses[i].weight = bu->weight;
        mem->total_weight += bu->weight;
    }
    mem->total_weight = SIM_MAX(mem->total_weight, 1u);
}

/* The first page in [from, to) that needs attention, or that somebody else is moving. */
static uint64_t
next_stop(const struct kernel *k, const struct mem_use *u, uint64_t from, uint64_t to)
{
    return migration_next(k, u, from, region_next_attention(u->map, from, to));
}

/* The next page of this round that needs attention; else the end of the round, or as far as a few
 * tries lead. */
static uint64_t
strided_horizon(const struct kernel *k, const struct mem_use *u)
{
    uint64_t end = u->first + u->nr_pages, page = u->page;

    for (int i = 0; i < STRIDE_TRIES && page < end; i++) {
        uint64_t next = next_stop(k, u, page, end);
        uint64_t steps = div_round_up_u64(next - page, u->jump);

        page += steps * u->jump;
        if (page == next && page < end)
            break;
    }
    return div_round_up_u64(SIM_MIN(page, end) - u->page, u->jump);
}

/* Misses of this use before its walk comes to a page that needs attention. */
static uint64_t
walk_horizon(const struct kernel *k, const struct mem_use *u)
{
    uint64_t end = u->first + u->nr_pages, pages;
    uint64_t next = next_stop(k, u, u->page, end);

    if (next < end) {
        pages = next - u->page;
    } else {
        next = next_stop(k, u, u->first, u->page);
        if (next == u->page)
            return UINT64_MAX;
        pages = end - u->page + next - u->first;
    }
    return pages == 0 ? 0 : pages * u->step - u->lines;
}

/* Drawn accesses of which none can be a hit: what nearly all bursts are, once their memory is
 * there.
 */
static inline bool
draws_in_order(const struct mem_use *u)
{
    return use_draws(u) && u->view == NULL && u->due == 0 && page_set_needs(u) == 0;
}

static uint64_t
use_horizon(const struct kernel *k, const struct task_mem *mem, struct mem_use *u)
{
    const struct region_group *g = u->group;

    if (use_draws(u)) {
        if (likely(draws_in_order(u))) {
            u->needs = 0;
            return UINT64_MAX;
        }
        uint64_t batch = k->params.mm.touch_batch * mem->profile->misses_q20 >> MISS_SHIFT;
        if (mem->nr_uses > 1)
            batch = mul_div_u64(batch, u->weight, mem->total_weight);
        return u->weight == 0 ? UINT64_MAX : use_draw_horizon(u, batch);
    }
    if (u->weight == 0 ||
        (g->unpopulated + *u->marked == 0 && likely(g->moving_until <= k->engine.now)))
        return UINT64_MAX;
    return u->jump > 1 ? strided_horizon(k, u) : walk_horizon(k, u);
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

    if (likely(mem->nr_uses == 1 && !list_empty(&mem->uses[0].user) &&
               draws_in_order(&mem->uses[0]))) {
        mem->uses[0].needs = 0;
        return UINT64_MAX;
    }

    for (uint32_t i = 0; i < mem->nr_uses; i++) {
        struct mem_use *u = &mem->uses[i];

        if (list_empty(&u->user))
            list_push_back(&u->group->users, &u->user);
        uint64_t lines = use_horizon(k, mem, u);
        if (lines == 0)
            return 0;
        if (lines == UINT64_MAX)
            continue;
        u128 m = ((u128)lines * mem->total_weight - u->carry + u->weight - 1) / u->weight;
        misses = m < misses ? (uint64_t)m : misses;
    }
    return misses == UINT64_MAX ? UINT64_MAX : work_for(mem, misses);
}

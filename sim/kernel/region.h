/*
 * Inside of regions, for the mm and numa files: every change of a page goes through here, so that
 * counts, sums and users stay right.
 */
#pragma once

#include "kernel/mm.h"

/* The first page in [from, to) that is unpopulated or marked, or `to`. */
uint64_t region_next_attention(struct region *r, uint64_t from, uint64_t to);

/* End of the run of pages from `page` on that lies in one slice and before `end`. */
uint64_t region_slice_end(const struct region *r, uint64_t page, uint64_t end);

/* n pages of `slice` from `first` on, which were unpopulated, now live on `node`. */
void region_claim(struct region *r, uint32_t slice, uint64_t first, uint64_t n, int node);

/* Marks the pages of [first, end) that `skip_node` (-1: none) does not hold. Returns how many. */
uint64_t region_mark(struct region *r, uint64_t first, uint64_t end, int skip_node);

/* n pages of a slice (and of the whole) changed: users are told once that matters to their mix. */
void region_changed(struct kernel *k, struct region *r, uint32_t slice, uint64_t n);
/* Pages need attention that did not before: the horizons of running users have come closer. */
void region_closer(struct kernel *k, struct region *r);

/* n pages of a slice are in order now. Those who draw accesses are settled whenever the rate of
 * their hits has changed by 1/NEEDS_TELL_SHARE. */
enum { NEEDS_TELL_SHARE = 32 };
void region_needs_fell(struct kernel *k, struct region *r, uint32_t slice, uint64_t n);

/* n pages of `slice` have lost their mark. */
static inline void
region_unmarked(struct region *r, uint32_t slice, uint64_t n)
{
    r->groups[slice].marked -= n;
    if (r->nr_groups > 1)
        region_whole(r)->marked -= n;
}

static inline void
region_recount(struct region *r, uint32_t slice, int from, int to, uint64_t n)
{
    struct region_group *g = &r->groups[slice];

    g->count[from] -= n;
    g->count[to] += n;
    if (r->nr_groups == 1)
        return;
    g = region_whole(r);
    g->count[from] -= n;
    g->count[to] += n;
}

/* Moves a populated page if the target has room for it; `slice` is the page's. */
static inline bool
region_move(struct kernel *k, struct region *r, uint32_t slice, uint64_t page, int to)
{
    struct mm_node *target = &k->mm->nodes[to];
    int from = page_node(r->pages[page]);

    if (target->free_pages <= target->high_watermark + r->scale)
        return false;
    target->free_pages -= r->scale;
    k->mm->nodes[from].free_pages += r->scale;
    r->pages[page] = (r->pages[page] & ~(uint32_t)PAGE_NODE_MASK) | (uint32_t)to;
    region_recount(r, slice, from, to, 1);
    return true;
}

/* Does the mix of p's burst, seen from `node`, need to be made anew? And makes it. */
bool mem_mix_stale(const struct task *p, int node);
void mem_mix_make(struct kernel *k, struct task *p, int node);

/* Moves the walks and draws of a burst on by so many misses. */
void mem_walk(struct task_mem *mem, uint64_t misses);
/* Work is counted in ns; the rate of misses is in 1/2^20 of a miss. */
enum { MISS_SHIFT = 20 };

/*
 * Inside of regions, for the mm and numa files: every change of a page goes through here, so that
 * counts, sums and users stay right.
 */
#pragma once

#include "kernel/vma.h"

/* The first page in [from, to) that is unpopulated or that the mapping has marked, or `to`. */
uint64_t region_next_attention(const struct mapping *m, uint64_t from, uint64_t to);

/* End of the run of pages from `page` on that lies in one slice and before `end`. */
uint64_t region_slice_end(const struct region *r, uint64_t page, uint64_t end);

/* n pages of `slice` from `first` on, which were unpopulated, now live on `node`. */
void region_claim(struct region *r, uint32_t slice, uint64_t first, uint64_t n, int node);

/* Marks the pages of [first, end) that `skip_node` (-1: none) does not hold. Returns how many. */
uint64_t region_mark(struct mapping *m, uint64_t first, uint64_t end, int skip_node);

/* n pages of a slice (and of the whole) changed: users are told once that matters to their mix. */
void region_changed(struct kernel *k, struct region *r, uint32_t slice, uint64_t n);
/* Pages need attention that did not before: the horizons of running users in the address space
 * have come closer. */
void region_closer(struct kernel *k, const struct mapping *m);

/* n pages of a slice are in order now, for who uses the mapping. Those who draw accesses are
 * settled whenever the rate of their hits has changed by 1/NEEDS_TELL_SHARE. */
enum { NEEDS_TELL_SHARE = 32 };
void region_needs_fell(struct kernel *k, const struct mapping *m, uint32_t slice, uint64_t n);

/* How many pages of a group are unpopulated, or marked by the mapping. */
static inline uint64_t
mapping_needs(const struct mapping *m, uint32_t group)
{
    return m->region->groups[group].unpopulated + *mapping_marked(m, group);
}
static inline bool
mapping_needs_attention(const struct mapping *m, uint64_t page)
{
    return m->own == NULL ? page_needs_attention(m->region->pages[page])
                          : !page_populated(m->region->pages[page]) || mapping_page_marked(m, page);
}

/* A marked page of `slice` is accessible again. */
static inline void
mapping_unmark(struct mapping *m, uint64_t page)
{
    if (m->own != NULL)
        m->own->bits[page / 64] &= ~((uint64_t)1 << (page % 64));
    else
        m->region->pages[page] &= ~(uint32_t)PAGE_MARKED;
}
/* n pages of `slice` have lost their mark. */
static inline void
mapping_unmarked(struct mapping *m, uint32_t slice, uint64_t n)
{
    *mapping_marked(m, slice) -= n;
    if (m->region->nr_groups > 1)
        *mapping_marked(m, m->region->nr_groups - 1) -= n;
}

/* A page has moved: its entries were made anew, and whoever else had marked it has no mark left. */
void region_moved_unmark(struct region *r, uint32_t slice, uint64_t page, const struct mapping *by);

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
    region_moved_unmark(r, slice, page, NULL);
    return true;
}

/* Does the mix of p's burst, seen from `node`, need to be made anew? And makes it. */
bool mem_mix_stale(const struct task *p, int node);
void mem_mix_make(struct kernel *k, struct task *p, int node);

/* Moves the walks and draws of a burst on by so many misses. */
void mem_walk(struct task_mem *mem, uint64_t misses);
/* Work is counted in ns; the rate of misses is in 1/2^20 of a miss. */
enum { MISS_SHIFT = 20 };

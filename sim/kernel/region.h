/*
 * Inside of regions, for the mm and numa files: every change of a page goes through here, so that
 * counts, sums and users stay right.
 */
#pragma once

#include "kernel/pages.h"

/* n pages of a slice (and of the whole) changed: users are told once that matters to their mix. */
void region_changed(struct kernel *k, struct region *r, uint32_t slice, uint64_t n);
/* Pages need attention that did not before: the horizons of running users in the address space
 * have come closer. */
/* Calls `fn` for whoever runs on the group now (in `mm`; NULL: in any), and forgets those who do
 * not: they come back when they run. */
void region_each_running(struct kernel *k, struct region_group *g, const struct mm *mm,
                         void (*fn)(struct kernel *k, struct task *p));
/* The same for all mappings: pages have gone (pages.h: release). */
void region_all_closer(struct kernel *k, struct region *r);
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
/* Does the mix of p's burst, seen from `node`, need to be made anew? And makes it. */
static inline bool
mem_mix_stale(const struct task *p, int node)
{
    const struct task_mem *mem = p->mem;

    if (mem->mix_node != node)
        return true;
    for (uint32_t i = 0; i < mem->nr_uses; i++)
        if (mem->uses[i].version != mem->uses[i].group->version)
            return true;
    return false;
}
void mem_mix_make(struct kernel *k, struct task *p, int node);

/* Work is counted in ns; the rate of misses is in 1/2^20 of a miss. */
enum { MISS_SHIFT = 20 };

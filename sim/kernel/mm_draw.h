/*
 * Uses whose accesses are drawn: when the next one comes to a page that needs attention, and which
 * page that is. For the mm files.
 */
#pragma once

#include "kernel/page_set.h"

static inline bool
use_draws(const struct mem_use *u)
{
    return u->step == 0;
}

/* Begins; the use knows its region and slice. */
void use_draw_start(struct kernel *k, struct mem_use *u);
/* Misses of the use before mm_attend() is wanted; UINT64_MAX: no page of it needs attention.
 * `batch`: misses that it may do at a time. */
uint64_t use_draw_horizon(struct mem_use *u, uint64_t batch);
/* So many misses are done: counts the hits among them. */
void use_draw_count(struct task_mem *mem, struct mem_use *u, uint64_t misses);
static inline void
use_draw_advance(struct task_mem *mem, struct mem_use *u, uint64_t misses)
{
    if (likely(u->view == NULL && page_set_needs(u) == 0))
        u->needs = 0; /* no access can be a hit */
    else
        use_draw_count(mem, u, misses);
}
/* Pages for the next hits, drawn together; to begin with none. */
struct drawn {
    uint32_t nr, at;
    uint64_t pages[DRAWS_MOST];
};
/* The page of the next hit that is due; false: there is none. The page must be dealt with before
 * the next call. */
bool use_draw_next(struct task_mem *mem, struct mem_use *u, struct drawn *d, uint64_t *page);
/* It has been dealt with. Returns by how many pages more than one the chance of hits has fallen. */
uint64_t use_draw_dealt(struct mem_use *u);
/* The use ends, and forgets hits that are due. */
void use_draw_forget(struct task_mem *mem, struct mem_use *u);

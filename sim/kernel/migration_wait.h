/*
 * Pages in migration: who comes to them waits (migration_entry_wait).
 *
 * While a hinting fault moves a page, its entries in all page tables are migration entries, and the
 * page is locked. A task that touches it then sleeps, uninterruptibly and as if for I/O, and is
 * woken from the CPU of the task that moves it. Before, the page is isolated, but its entry is
 * still the marked one: who comes then takes a fault of its own, which finds the mover's tag,
 * cannot move the page, and maps it. Threads of one process that are at the same page at the same
 * time meet like that, and come into one NUMA group. Who is held up at one page passes its mover at
 * one of the next.
 *
 * A stretch of pages faults in one go here, one page after the other in its time. Who walks into it
 * meets the page that is being moved at that moment: it waits until that one has arrived, if its
 * entry is one of migration already, or faults on it, and then passes. With stretches of one page
 * (mm.touch_chunk) that is every page.
 *
 * Model assumptions: the fault and half of a migration's fixed cost (isolation, the new page) are
 * before the entry of migration; the rest and the copy are in its time. A walk waits or faults once
 * for a stretch, and faults only if all of it comes from one node and none of it is a huge page.
 * Accesses that are drawn do neither: the page that is being moved is one of many. Nor does anybody
 * wait for pages that move_pages(), mbind() or reclaim move.
 */
#pragma once

#include "kernel/mm.h"

/* Pages of one slice that a task is moving, one after the other. */
struct in_migration {
    struct task *task;         /* who moves them */
    uint64_t first, end;       /* pages of the region */
    sim_time begin, until;     /* given: as if it began at 0 */
    sim_time period, mapped;   /* of one page, of which it is still mapped so long */
    const struct mapping *map; /* whose entries were marked */
    int from;                  /* the node that they leave; -1: several, or huge pages */
    uint64_t stop;             /* task_mem.nr_stops of the task then */
};

void migration_task_init(struct kernel *k, struct task *p);
/* Those who wait for p go on. */
void migration_task_exit(struct kernel *k, struct task *p);

/* p, which runs on rq, moves pages of the slice when it has paid for what it has done before
 * (task_mem.paying); what it moved before in this group is done. */
void migration_begin(struct kernel *k, struct rq *rq, struct task *p, struct region *r,
                     uint32_t slice, const struct in_migration *what);

/* The first page in [from, to) that somebody else is moving and that u's walk has not passed, or
 * `to`. */
uint64_t migration_next_slow(const struct kernel *k, const struct mem_use *u, uint64_t from,
                             uint64_t to);
static inline uint64_t
migration_next(const struct kernel *k, const struct mem_use *u, uint64_t from, uint64_t to)
{
    return likely(u->group->moving_until <= k->engine.now) ? to
                                                           : migration_next_slow(k, u, from, to);
}

/* The walk's task, which runs on rq, is about to touch its page: if somebody else is moving it, the
 * task sleeps until it has arrived, and its burst goes on then. True: it does. Else `isolated` is
 * who is about to move it, if its entry is still marked, or NULL. */
bool migration_wait(struct kernel *k, struct rq *rq, struct mem_use *u,
                    const struct in_migration **isolated);

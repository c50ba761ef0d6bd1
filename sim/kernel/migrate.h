/*
 * Pages that move for another reason than a hinting fault: calls of a program, a cpuset that
 * changes, demotion (mm/migrate.c, mm/mempolicy.c). Facts: numa-balancing.md 2.6, 2.8.
 */
#pragma once

#include "kernel/charge.h"
#include "kernel/page_alloc.h"

/* What one call has moved, and on whose account; pages of 4 KiB. */
struct page_mover {
    struct kernel *k;
    struct task *p; /* whose call it is; NULL: the kernel's own */
    struct mm *mm;  /* whose pages they are */
    int cpu;        /* that does the work */
    uint64_t moved, failed;
    uint64_t units[2]; /* moved since the last flush: pages, huge pages */
    sim_time cost;     /* not charged yet */
    sim_time spent;
};

/* A call begins: pages that wait on per-CPU lists are collected from all CPUs. */
struct page_mover page_mover_begin(struct kernel *k, struct task *p, struct mm *mm, int cpu);
/* One page of r to a node that the walk finds. False: there is none. */
bool page_mover_move(struct page_mover *mv, struct region *r, uint64_t page, struct page_walk *w);
/* The call is over: counters, and the time on its CPU. */
void page_mover_end(struct page_mover *mv, enum charge_kind kind);

/* A populated page is on `to` from now on, which has given a free page for it. */
void region_relocate(struct kernel *k, struct region *r, uint64_t page, int to);

/* Each returns NULL, or the name of the error. */
enum mbind_flags { MBIND_STRICT = 1, MBIND_MOVE = 2, MBIND_MOVE_ALL = 4 };
const char *mbind_pages(struct kernel *k, struct task *p, struct region *r, uint64_t first,
                        uint64_t n, const struct mempolicy *policy, uint32_t flags);
const char *move_pages(struct kernel *k, struct task *p, struct region *r, uint64_t first,
                       uint64_t n, int node, bool all, uint64_t *failed);
const char *migrate_pages(struct kernel *k, struct task *p, nodemask from, nodemask to, bool all,
                          uint64_t *failed);
/* Up to so many pages of p's from a node to another; what it costs is for the caller to charge. How
 * many moved; shared regions stay. */
uint64_t migrate_some(struct kernel *k, struct task *p, int from, int to, uint64_t pages, int cpu,
                      sim_time *cost);
/* All pages of an address space by position, as a cpuset that changes asks for. */
void migrate_mm(struct kernel *k, struct mm *mm, int cpu, nodemask from, nodemask to);

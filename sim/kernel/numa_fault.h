/*
 * Hinting faults that a task takes at one instant, on pages of one VMA and slice.
 *
 * They are begun, taken stretch by stretch, and ended: what the kernel counts once a fault is
 * added up meanwhile, and others hear of it at the end. A stretch may be one page, drawn among
 * many, or all of a block.
 */
#pragma once

#include "kernel/numa.h"
#include "kernel/pages.h"

/* Pages are of 4 KiB. */
struct fault_sums {
    uint64_t nr, nr_here, nr_huge; /* faults; on the task's node; of huge pages */
    uint64_t here, moved, failed;  /* pages */
    uint64_t huge_moved;
    uint64_t nr_kind[2], nr_local[2]; /* accounted: by NUMA_SHARED/PRIVATE, NUMA_REMOTE/LOCAL */
};

struct faults {
    struct kernel *k;
    struct numa_fault one; /* the task and its CPU; what is decided on now */
    struct vma *v;
    struct region *r;
    uint32_t slice; /* of all the pages */
    int32_t node;   /* of the CPU */
    struct fault_sums sums;
    uint64_t *membuf; /* of the task: [node][priv] */
    uint32_t asked;   /* the last tag of somebody else that the group was asked about */
    bool gate_open;   /* the next fault places the task anew */
    nodemask from;    /* where pages moved from: those have an entry in */
    uint64_t from_pages[NODE_MAX];
};

void numa_faults_begin(struct faults *f, struct kernel *k, struct rq *rq, struct task *p,
                       struct vma *v, uint32_t slice);
/* The marked pages of a stretch fault, until the task wants to move. */
void numa_faults_take(struct faults *f, struct page_stretch *st);
/* Others that walk to [first, end), where pages were taken at this cost, wait for those that moved.
 */
void numa_faults_hold_up(const struct faults *f, uint64_t first, uint64_t end, sim_time cost);
/* p touches a page that another task is about to move (migration_wait.h): it faults, and cannot
 * move it either. The ns that it costs; 0 if p is not balanced. */
sim_time numa_fault_isolated(struct kernel *k, struct rq *rq, struct task *p, struct vma *v,
                             uint64_t page, const struct in_migration *m);
/* The ns that they cost. region_changed() is left to the caller. */
sim_time numa_faults_end(const struct faults *f);

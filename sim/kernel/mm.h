/*
 * Memory: address spaces, regions of pages, who gets which node, and what a running task does to
 * them.
 *
 * A region is an object of pages, each with a node, a mark and an access tag (one word a page);
 * vma.h is about the address spaces that it is mapped into. It may be cut into equal slices, one
 * per thread; counts of pages per node are kept for each slice and for the whole, so that a burst's
 * mix is looked up and never counted. A 2 MiB page is one entry.
 *
 * A running burst touches its regions at the rate of its misses. Only two kinds of page need more
 * than arithmetic: pages that are not there yet (first touch) and pages that a NUMA scan has
 * marked. mm_horizon() tells how much work lies before the next such page; mm_attend() deals with
 * it.
 */
#pragma once

#include "base/list.h"
#include "kernel/memory_model.h"

enum { REGION_WHOLE = UINT32_MAX, PAGE_4K = 4096, PAGE_2M = 2 << 20 };
/* Most uses in one profile. */
enum { BURST_USES_MAX = 8 };

enum mempolicy_mode {
    MPOL_DEFAULT,
    MPOL_LOCAL,
    MPOL_PREFERRED,
    MPOL_PREFERRED_MANY,
    MPOL_BIND,
    MPOL_INTERLEAVE,
    MPOL_WEIGHTED_INTERLEAVE,
    MPOL_NR
};
extern const char *const mempolicy_names[MPOL_NR + 1];
struct mempolicy {
    enum mempolicy_mode mode;
    bool numa_balancing; /* MPOL_F_NUMA_BALANCING, with BIND and PREFERRED_MANY */
    bool static_nodes, relative_nodes;
    bool rebound;  /* since it was set */
    bool has_home; /* BIND, PREFERRED_MANY: begin at `home`, not at the CPU's node */
    int32_t home;
    nodemask nodes;                  /* in force; dense numbers */
    nodemask user_nodes, allowed_at; /* asked for; allowed when the policy was last bound */
    uint8_t weights[NODE_MAX];       /* WEIGHTED_INTERLEAVE; 0: the machine's */
};

/* One word a page. */
enum {
    PAGE_NODE_MASK = 0xff, /* node, PAGE_NOWHERE: not populated */
    PAGE_NOWHERE = 0xff,
    PAGE_MARKED = 1 << 8, /* by a NUMA scan: the next access faults */
    PAGE_TAG_SHIFT = 10,  /* last access: (cpu << 8 | pid & 255) + 1, 0: unset */
};

enum region_sharing { REGION_PRIVATE, REGION_SHARED, REGION_GLOBAL };

/* What is counted for a slice, or for the whole region. */
struct region_group {
    uint64_t *count;                        /* [node], entries */
    uint64_t nr_pages, unpopulated, marked; /* entries */
    uint64_t version;                       /* changes with the counts */
    uint64_t changed;                       /* entries since the users were last told */
    uint64_t visits;                        /* of any of its pages, in 1/4096, for reclaim */
    uint64_t fell;                          /* entries that got in order since the same */
    uint64_t released;                      /* pages that have gone: views count anew */
    sim_time written_at;                    /* somebody who writes had begun, + 1; 0: nobody */
    struct list users;                      /* mem_use.user: may hold some that run no more */
    struct sharers *sharers;                /* caches_impl.h; NULL: nobody shares written lines */
    sim_time moving_until;                  /* nothing is in migration from then on */
    struct in_migration *moving;            /* migration_wait.h */
    uint32_t nr_moving, cap_moving;
};

struct region {
    uint32_t id; /* unique in the run */
    const char *name;
    struct mm *mm; /* the address space that it was built in */
    enum region_sharing sharing;
    int32_t owner;        /* index of the owning thread in its process; -1: none */
    bool thp;             /* its pages may be huge: thp.h */
    bool unmapped;        /* a file that is read and written, but not mapped: filemap.h */
    uint64_t nr_pages;    /* of 4 KiB */
    uint32_t nr_slices;   /* 1: not sliced */
    uint32_t chunk_shift; /* pages that are attended to at once, log2 */
    uint32_t nr_groups;   /* slices, then the whole; 1 if not sliced */
    struct region_group *groups;
    const struct page_ops *ops; /* pages.h: who keeps the pages */
    void *pages;                /* theirs */
    struct mapping *maps;       /* the first exists always, also while nobody uses the region */
    struct region *next;        /* built in the same mm */
    struct page_looks *looks;   /* by chunk: reclaim_age.c; NULL: never reclaimed */
    struct swap_map *swap;      /* swap.c; NULL: nothing was ever swapped out */
};

enum vma_kind { VMA_ANON, VMA_FILE, VMA_SHMEM };
/* What madvise() has said about huge pages. */
enum thp_advice { THP_NO_ADVICE, THP_HUGEPAGE, THP_NOHUGEPAGE };

/* What NUMA balancing knows of a VMA (vma_numab_state). */
struct vma_numab {
    bool made;
    uint64_t next_scan, pids_active_reset;  /* jiffies */
    uint64_t start_scan_seq, prev_scan_seq; /* passes */
    uint64_t pids_active[2];                /* the last window, this one */
};

/* A stretch of one mapping with one policy. */
struct vma {
    struct mapping *map;
    struct vma *next;         /* in its mm, by address */
    uint64_t start;           /* page number of the address */
    uint64_t first, nr_pages; /* of the region */
    struct mempolicy policy;  /* MPOL_DEFAULT: the task's, then the system's */
    enum vma_kind kind;
    bool readable, writable, exec, shared;
    enum thp_advice advice;
    struct vma_numab numab;
};

/* Marks of a mapping that is not its region's first: they are not with the pages. */
struct mapping_marks {
    uint64_t *marked; /* by group of the region */
    void *pages;      /* of page_ops */
};

/* A region in one address space: a process that shares it has marks and VMAs of its own. All
 * mappings of a region are cut into VMAs alike. */
struct mapping {
    struct region *region;
    struct mm *mm;        /* NULL: a first mapping that nobody uses yet */
    struct mapping *next; /* of the region */
    uint64_t start;       /* page number of the address */
    struct vma **vmas;    /* by address */
    uint32_t nr_vmas, cap_vmas;
    struct mapping_marks *own; /* NULL: the first */
};

struct mm {
    struct process *process;
    struct region *regions, **last_region; /* that were built in it */
    struct vma *vmas;                      /* by address */
    uint64_t mmap_base;                    /* page number of the next mapping's address */
    uint64_t rss_pages;                    /* 4 KiB pages that are populated */
    uint32_t nr_users, nr_expected;        /* tasks that have begun and live; that will begin */
    /* NUMA scan state */
    uint64_t numa_next_scan; /* jiffies; 0: not set yet */
    uint64_t numa_scan_seq;
    uint64_t numa_scan_offset; /* page number of the address where the next scan goes on */
};

struct mm_node {
    uint64_t nr_pages, free_pages; /* 4 KiB pages */
    /* Allocations end at min, fall back at low; migrations are refused at high; kswapd reclaims up
     * to high, with tiering to promo. */
    uint64_t min_watermark, low_watermark, high_watermark, promo_watermark;
    uint32_t tier;                  /* where its abstract distances begin: lower is faster */
    nodemask demotion, lower_tiers; /* targets of its cold pages, and what stands in for them */
    uint64_t numa_hit, numa_miss, numa_foreign, local_node, other_node, interleave_hit;
    uint64_t pgdemote_kswapd, pgdemote_direct; /* pages that went from here */
};

/* One use of a burst: a walk (mm_burst.c), or accesses that are drawn (mm_draw.c). What every
 * settling looks at fills two cache lines. */
struct mem_use {
    struct region_group *group; /* of the region, for the slice */
    uint64_t version;           /* of the group when the mix was made */
    const uint64_t *marked;     /* by the mapping, of the group */
    union {
        uint64_t page; /* a walk: reached */
        uint64_t draw; /* draws: how many were made */
    };
    uint64_t step; /* misses before the walk leaves a page; 0: accesses are drawn */
    union {
        uint64_t lines; /* a walk: misses in this page so far */
        uint64_t left;  /* draws: of the chance until the next hit, exponential, in 1/2^32 */
    };
    union {
        uint64_t needs; /* draws: chance of a hit when last looked at, in 1/use_all(u) */
        uint64_t jump;  /* a walk: pages from one to the next */
    };
    uint64_t *visits;         /* of the group or the view, */
    struct access_view *view; /* draws: of pages that differ in popularity; NULL: all are alike */
    uint64_t due;             /* draws: hits that wait for attention */
    uint64_t first, nr_pages; /* of the slice */
    uint32_t weight, slice;
    uint32_t visit;        /* what a miss adds to them */
    uint32_t misses_each;  /* draws: misses for each page that is drawn */
    struct list user;      /* in its region_group */
    struct region *region; /* NULL: an empty place */
    struct mapping *map;
    enum access_pattern pattern;
    struct access_shape shape;
    uint64_t carry; /* of misses among the uses, in 1/total_weight */
    uint64_t key;   /* of its stream of draws */
    struct task *task;
    /* a walk: pages that it need not wait for again while they are in migration */
    uint64_t passed_first, passed_end;
    sim_time passed_until;
};

/* Where a task has its working set, and what went through those caches when it left. */
struct warmth {
    const struct region *region; /* NULL: nowhere */
    uint32_t slice;
    int32_t cpu;    /* where it ran last */
    bool known;     /* it ran there with this set */
    bool running;   /* there now */
    bool arrived;   /* at this instant: what is missing is still to be reckoned */
    uint64_t bytes; /* in the last-level cache */
    uint64_t l2_fills, llc_fills;
};

/* State of one task's memory use; made with the task. What every settling looks at stands in the
 * first cache line, beside the first use. */
struct task_mem {
    const struct burst_profile *profile; /* of the burst that the walks belong to */
    uint16_t nr_uses;
    bool writes_file; /* the burst does: its pages stay dirty */
    uint32_t total_weight;
    uint64_t fraction;            /* of a miss, in 1/2^20, carried over */
    uint64_t misses;              /* so far: the phase of their split over nodes */
    uint64_t written;             /* of a write-back, in 1/256, carried over */
    uint64_t due;                 /* hits of its draws that wait for attention */
    int32_t mix_node;             /* that the mix was made for; -1: none was made */
    uint32_t mlp_q8;              /* in flight, after what siblings take */
    uint32_t miss_q16, carry_q16; /* of references, those that miss; of a miss, carried over */
    _Alignas(64) struct mem_use uses[BURST_USES_MAX]; /* of the profile, then remembered ones */
    _Alignas(64) struct mem_mix mix;
    struct warmth warm;
    struct mempolicy policy; /* set_mempolicy(); MPOL_DEFAULT: none */
    sim_time io_until;       /* a page is being read; past: none */
    int32_t il_prev;         /* cursor of allocations without an address */
    uint32_t il_weight;      /* that il_prev still gets in a row */
    struct task *task;
    struct list waiters;  /* task_mem.wait_node of those who wait for a page that it moves, */
    struct event arrived; /* and when it has arrived: migration_wait.h */
    struct list wait_node;
    sim_time paying;                     /* for what it has done at this stop so far */
    uint64_t nr_stops;                   /* what it moved at an earlier one has arrived */
    uint64_t arrived_stop, arrived_left; /* then, with so much of its work left, the page arrives */
    struct task_mem *next_free;
};

struct lru_state;
struct mm_state {
    struct lru_state *lru; /* lru_batch.h */
    struct mm_node *nodes;
    uint32_t nr_regions, cap_regions, nr_block_regions;
    uint64_t exact_bytes; /* of the representation of pages: mm.exact_limit */
    struct region **regions;
    struct task_mem *free_mem;
    struct vma *free_vmas;     /* by next */
    void *free_tables;         /* of page_exact, by their first word */
    struct access_view *views; /* mm_view.c */
    uint32_t line_bytes;
    uint64_t nr_checks;
    uint8_t weights[NODE_MAX]; /* of weighted interleaving; 0 counts as 1 */
    uint32_t top_tier;         /* the slowest that has CPUs */
    struct kswapd *kswapd;     /* by node: vmscan.c */
    struct khugepaged *khugepaged;
    bool khugepaged_dozes;
    struct swap_state *swap; /* swap.h */
    struct filemap *files;   /* filemap.h */
    struct rng rng, demotion_rng, reclaim_rng;
};

void mm_init(struct kernel *k);
void mm_setup_watermarks(struct kernel *k);
void mm_reset_stats(struct kernel *k);
struct mm *mm_new(struct kernel *k, struct process *pr);
void mm_task_init(struct kernel *k, struct task *p);
void mm_task_begin(struct task *p);
void mm_task_exit(struct kernel *k, struct task *p);

struct region_attr {
    const char *name;
    uint64_t bytes;
    uint32_t page_size; /* PAGE_2M: huge pages where they can be had; else 4 KiB */
    enum region_sharing sharing;
    int32_t owner;      /* -1 */
    uint32_t nr_slices; /* 0, 1: not sliced */
    struct mempolicy policy;
    enum vma_kind kind; /* a global region is at least shared memory */
    bool read_only, no_access, exec;
    bool map_private; /* VMA_FILE: MAP_PRIVATE; else a mapping of a file is MAP_SHARED */
    bool unmapped;    /* VMA_FILE: read and written by calls, in no address space */
    enum thp_advice advice;
    bool may_get_huge; /* a call may ask for huge pages (mm.thp=madvise) */
};
/* A region that is not global is mapped at once; a global one by the processes that use it. */
struct region *region_new(struct kernel *k, struct mm *mm, const struct region_attr *attr);

/* Populates [first, first + n) at once at no cost, as by the given policy seen from `node` (initial
 * placement before the run). */
void region_populate(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                     const struct mempolicy *policy, int node);
/* munmap: gives every page back; the region may be touched anew. */
void region_unmap(struct kernel *k, struct region *r);
static inline uint64_t
region_slice_first(const struct region *r, uint32_t slice)
{
    return slice == REGION_WHOLE ? 0 : mul_div_u64(r->nr_pages, slice, r->nr_slices);
}
static inline uint64_t
region_slice_pages(const struct region *r, uint32_t slice)
{
    return slice == REGION_WHOLE ? r->nr_pages
                                 : mul_div_u64(r->nr_pages, slice + 1, r->nr_slices) -
                                       mul_div_u64(r->nr_pages, slice, r->nr_slices);
}
/* The slice that holds a page. */
static inline uint32_t
region_slice_of(const struct region *r, uint64_t page)
{
    return r->nr_slices == 1 ? 0 : (uint32_t)(((page + 1) * r->nr_slices - 1) / r->nr_pages);
}
static inline uint32_t
region_group_index(const struct region *r, uint32_t slice)
{
    return slice == REGION_WHOLE ? r->nr_groups - 1 : slice;
}
static inline struct region_group *
region_whole(const struct region *r)
{
    return &r->groups[r->nr_groups - 1];
}
static inline uint64_t
region_group_populated(const struct region_group *g)
{
    return g->nr_pages - g->unpopulated;
}

/* ---- for burst.c ---- */

/* p's burst begins or changes its phase: profile and positions. A walk that the task has been on
 * goes on where it was. */
void mm_burst_begin(struct kernel *k, struct task *p, const struct burst_profile *profile);
/* Most work that p can do before a page needs attention; UINT64_MAX: no limit. */
uint64_t mm_horizon(struct kernel *k, struct task *p);
/* Work before p's walk comes to a page that lies ahead of it; 0: it is there, or past it. */
uint64_t mm_work_to_page(const struct task *p, const struct mem_use *u, uint64_t page);
/* p did `work` on rq in `elapsed` ns (at most a horizon): accesses, stalls, bytes. */
void mm_account(struct kernel *k, struct rq *rq, struct task *p, uint64_t work, sim_time elapsed);
/* The horizon is reached: first touches and hinting faults of the next stretch, with their costs. A
 * hinting fault may move p to another CPU. */
void mm_attend(struct kernel *k, struct rq *rq, struct task *p);
/* On which nodes the pages of a region, or of a slice of it, are: shares of 65536. Nothing is there
 * yet: no nodes. */
void region_shares(const struct kernel *k, const struct region *r, uint32_t slice, nodemask *nodes,
                   uint32_t *share_q16);
/* The mix of the task's burst, brought up to date. */
struct mem_mix *mm_mix(struct kernel *k, struct task *p);

/* p's burst sleeps until then before it goes on: a page that it needs is being read. */
static inline void
mm_await_page(struct task *p, sim_time until)
{
    p->mem->io_until = SIM_MAX(p->mem->io_until, until);
    p->awaits_page = true;
}

/* Pages of r moved, appeared or were marked: bursts that use it are repriced, rates re-solved. */
void mm_region_changed(struct kernel *k, struct region *r);

/* Bytes that went from one node to the memory or the CPUs of another, over its route. */
void mm_traffic(struct kernel *k, int from, int to, uint64_t bytes);
/* What all that was over each link: adds it to `bytes`, by link. For reports: it looks at every
 * pair of nodes. */
void mm_link_bytes(const struct kernel *k, uint64_t *bytes);
/* Bytes that the controllers of a node have read or written. */
static inline void
mm_served(struct kernel *k, int node, uint64_t read, uint64_t written)
{
    k->served[node].read += read;
    k->served[node].written += written;
}
/* Bytes of pages that a CPU has copied: all of that, and load for others. */
void mm_copied(struct kernel *k, int from, int to, uint64_t bytes);

/* One page to another node: counts, free pages, tags. False: the target is full. No cost. */
bool region_move_page(struct kernel *k, struct region *r, uint64_t page, int to);
/* The policy in force in a VMA: its own, the task's, else the system default (MPOL_DEFAULT). */
static inline const struct mempolicy *
get_vma_policy(const struct task *p, const struct vma *v)
{
    return v->policy.mode != MPOL_DEFAULT || p->mem == NULL ? &v->policy : &p->mem->policy;
}

/*
 * Takes up to `want` entries of `scale` pages each from one node, for a CPU of `cpu_node`, by the
 * policy and with fallback. Returns how many (as many as the node gives, at least one) and *node;
 * 0: out of memory, and the run has failed.
 */
uint64_t page_alloc(struct kernel *k, const struct mempolicy *policy, int cpu_node, uint64_t index,
                    uint32_t scale, uint64_t want, int *node);

/* NULL, or what does not add up. */
const char *mm_check(struct kernel *k);

static inline int
page_node(uint32_t page)
{
    return (int)(page & PAGE_NODE_MASK);
}

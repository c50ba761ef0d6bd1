/*
 * Automatic NUMA balancing: scanning, hinting faults, page migration, preferred nodes
 * (kernel/sched/fair.c, mm/mempolicy.c). Facts: numa-balancing.md section 1.
 *
 * A task's view is in task_numa: faults that decay by half once a pass, by node of the page and of
 * the CPU. Groups of tasks that share memory are in numa_group.h, quirks in numa_quirks.h.
 */
#pragma once

#include "kernel/numa_quirks.h"
#include "kernel/pages.h"

/* Parts of task_numa.faults, in kernel order; *BUF: raw counts since the last placement. */
enum numa_faults_kind { NUMA_MEM, NUMA_CPU, NUMA_MEMBUF, NUMA_CPUBUF, NUMA_KIND_NR };
enum { NUMA_SHARED = 0, NUMA_PRIVATE = 1 };
enum { NUMA_REMOTE = 0, NUMA_LOCAL = 1, NUMA_FAILED = 2 };
enum { NUMA_NO_NODE = -1 };

struct numa_group;
struct task_numa {
    uint64_t scan_seq;                     /* numa_scan_seq: last pass seen */
    uint64_t scan_period, scan_period_max; /* ms */
    uint64_t node_stamp;                   /* ns of task runtime */
    uint64_t migrate_retry;                /* jiffies */
    int32_t preferred;                     /* node, NUMA_NO_NODE: none */
    bool move_wanted;                      /* a fault asked for a move to the preferred node */
    uint64_t total_faults;
    uint64_t *faults;     /* [kind][node][priv], NULL until the first fault */
    uint64_t locality[3]; /* remote, local, failed; 4 KiB pages */
    uint64_t pages_migrated;
    sim_time last_placement; /* se.exec_start at the last placement; 0: there was none */
    uint64_t last_sum_exec;
    struct numa_group *group; /* NULL: none yet */
};

struct numa_tier_node;
struct numa_state {
    struct numa_tier_node *tiers; /* by node */
    struct numa_group *groups, *free_groups;
    uint32_t nr_groups_made;
    uint32_t exact_shift;      /* bits for pids in tags where they are not cut to 8 */
    sim_time copy_4k, copy_2m; /* of a page */
};

static inline uint32_t
node_distance(const struct kernel *k, int from, int to)
{
    return k->domains->distances[(uint32_t)from * k->machine->nr_nodes + (uint32_t)to];
}

static inline uint64_t *
numa_faults(const struct kernel *k, const struct task_numa *n, enum numa_faults_kind kind, int node)
{
    return &n->faults[2 * ((uint32_t)kind * k->machine->nr_nodes + (uint32_t)node)];
}

void numa_init(struct kernel *k);
void numa_task_init(struct kernel *k, struct task *p, const struct task *parent);
/* From the tick of a fair task: queue the scan if it is due; the scan runs and is charged at once.
 */
void task_tick_numa(struct kernel *k, struct rq *rq, struct task *p);
/* From when on a tick finds something to do for task_tick_numa() if p keeps running; SIM_NEVER if
 * off. */
sim_time numa_tick_due(const struct kernel *k, const struct rq *rq, const struct task *p);

void numa_faults_alloc(struct kernel *k, struct task_numa *n);
void numa_task_exit(struct kernel *k, struct task *p);
/* exec: what was learnt of the old address space is forgotten, and scans wait as for a new one. */
void numa_task_exec(struct kernel *k, struct task *p);

/* The marked pages of the stretch, all of one slice and of the VMA, are touched by p on rq: each is
 * decided upon, migrated, accounted. Returns the ns that it cost. */
sim_time numa_fault_pages(struct kernel *k, struct rq *rq, struct task *p, struct vma *v,
                          struct page_stretch st);
/* A fault has found that p should try to move; until it has, it takes no more faults. */
static inline bool
numa_move_wanted(const struct task *p)
{
    return p->numa != NULL && p->numa->move_wanted;
}
/* After the faults of a stretch: p may move towards its preferred node. */
void numa_fault_done(struct kernel *k, struct task *p);

/* p moved from one CPU to another (any reason). */
void numa_task_migrated(struct kernel *k, struct task *p, int from, int to);

/* A fair task enters or leaves a queue: nr_numa_running, nr_preferred_running. */
static inline void
account_numa_enqueue(struct rq *rq, const struct task *p)
{
    if (p->numa == NULL || p->numa->preferred == NUMA_NO_NODE)
        return;
    rq->nr_numa_running++;
    rq->nr_preferred_running += p->numa->preferred == rq->node;
}
static inline void
account_numa_dequeue(struct rq *rq, const struct task *p)
{
    if (p->numa == NULL || p->numa->preferred == NUMA_NO_NODE)
        return;
    rq->nr_numa_running--;
    rq->nr_preferred_running -= p->numa->preferred == rq->node;
}

/* ---- between the numa files ---- */

/* Periods in ms (task_scan_min, task_scan_start, task_scan_max); see numa.c. */
uint64_t numa_scan_min(const struct kernel *k, const struct mm *mm);
uint64_t numa_scan_start(const struct kernel *k, const struct task *p);
uint64_t numa_scan_max(const struct kernel *k, const struct task *p);
/* Jiffies of so many ms, rounded up. */
uint64_t numa_jiffies(const struct kernel *k, uint64_t ms);
/* One scan pass of p's address space, if it is due (task_numa_work). */
void task_numa_work(struct kernel *k, struct rq *rq, struct task *p);
/* Access tags as one task on one CPU sees them: its own, and how those of others are divided. */
struct numa_tag_of {
    uint32_t own, shift, pid_mask;
};
/* One hinting fault, while it is decided whether the page moves to the faulting CPU's node. */
struct numa_fault {
    struct rq *rq;
    struct task *p;
    const struct mempolicy *policy; /* in force for the page */
    int src;                        /* the page's node */
    uint32_t np;                    /* its 4 KiB pages */
    uint32_t tag;                   /* in: of the last access; out: what it becomes */
    const char *rule;               /* out: what decided */
    struct numa_tag_of self;        /* given by whoever calls numa_misplaced.h */
};
bool numa_misplaced(struct kernel *k, struct numa_fault *f);
bool should_numa_migrate_memory(struct kernel *k, struct numa_fault *f);
/* Does the policy let a scan mark pages (MPOL_F_MOF)? */
static inline bool
mempolicy_migrates(const struct mempolicy *policy)
{
    return policy->mode == MPOL_DEFAULT || policy->numa_balancing;
}
/* Once per completed pass: decay, preferred node, scan period. */
void task_numa_placement(struct kernel *k, struct rq *rq, struct task *p);
void numa_set_preferred(struct kernel *k, struct task *p, int node);
/* Sets the time of the next try; a task away from its preferred node then wants to move. */
void numa_migrate_preferred(struct kernel *k, struct task *p);
/* Tries to find a better CPU (task_numa_migrate). */
void task_numa_migrate(struct kernel *k, struct task *p);

/* ---- access tags: (cpu << pid bits | low bits of the pid) + 1; 0: unset ---- */

/* 8 bits as the kernel's, or as many as fit. */
static inline uint32_t
numa_tag_shift(const struct kernel *k)
{
    return numa_quirk(k, PID_BITS) ? 8 : k->numa->exact_shift;
}
static inline int
numa_pid_bits(const struct kernel *k, const struct task *p)
{
    return (int)(task_pid(p) & ((1u << numa_tag_shift(k)) - 1));
}
static inline uint32_t
numa_tag(const struct kernel *k, int cpu, const struct task *p)
{
    return ((uint32_t)cpu << numa_tag_shift(k) | (uint32_t)numa_pid_bits(k, p)) + 1;
}
static inline int
numa_tag_cpu(const struct kernel *k, uint32_t tag)
{
    return (int)((tag - 1) >> numa_tag_shift(k));
}
static inline int
numa_tag_pid(const struct kernel *k, uint32_t tag)
{
    return (int)((tag - 1) & ((1u << numa_tag_shift(k)) - 1));
}
/* Tested on the bits of the pid only, as in the kernel. */
static inline bool
numa_tag_pid_unset(const struct kernel *k, uint32_t tag)
{
    return tag == 0 || (numa_quirk(k, PID_BITS) && numa_tag_pid(k, tag) == 255);
}
/* An unset tag has all bits set, and so matches a task whose bits are all set. */
static inline bool
numa_tag_matches(const struct kernel *k, uint32_t tag, const struct task *p)
{
    return numa_tag_pid(k, tag) == numa_pid_bits(k, p);
}

/* The same, of a task that looks at many. */
static inline struct numa_tag_of
numa_tag_of(const struct kernel *k, int cpu, const struct task *p)
{
    uint32_t shift = numa_tag_shift(k), mask = (1u << shift) - 1;

    return (struct numa_tag_of){ .own = ((uint32_t)cpu << shift | (task_pid(p) & mask)) + 1,
                                 .shift = shift,
                                 .pid_mask = mask };
}
static inline bool
numa_tag_is_mine(const struct numa_tag_of *self, uint32_t tag)
{
    return (((tag - 1) ^ (self->own - 1)) & self->pid_mask) == 0;
}

/* The bit of a task in the access windows of a VMA. */
static inline uint64_t
numa_pid_bit(const struct task *p)
{
    return (uint64_t)1 << ((uint32_t)(task_pid(p) * 0x61C88647u) >> 26);
}

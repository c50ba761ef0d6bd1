/*
 * Tasks, entities and processes.
 *
 * A task is what is scheduled. Its fair-class state is an entity, so that groups can queue beside
 * tasks (group.h). A process owns an address space and the statistics of
 * its tasks. Tasks are numbered; a number is reused, lowest first, after its task has died.
 */
#pragma once

#include "base/cpumask.h"
#include "base/histogram.h"
#include "base/list.h"
#include "engine/engine.h"
#include "kernel/pelt.h"

struct kernel;
struct cfs_rq;
struct sched_class;
struct task_group;
struct task;
struct process;
struct mm;
struct task_mem;
struct task_numa;
struct scx_task;

enum task_state {
    TASK_NEW,      /* built, not started */
    TASK_RUNNABLE, /* queued, waits for its CPU */
    TASK_RUNNING,
    TASK_SLEEPING, /* until its timer */
    TASK_BLOCKED,  /* until somebody wakes it */
    TASK_DEAD,
};

/*
 * How the work of a burst uses the machine. Work is counted in ns at nominal speed with every
 * access a cache hit. Immutable; owned by the workload, shared by many bursts.
 */
enum access_pattern {
    ACCESS_SEQUENTIAL,
    ACCESS_RANDOM, /* each access to a page drawn uniformly */
    ACCESS_STRIDED,
    ACCESS_CHASE, /* random, one after the other */
    ACCESS_ZIPF,  /* random, pages by popularity: the i-th in 1 / i^skew of the accesses */
    ACCESS_HOT,   /* random, a part of the pages has a part of the accesses */
    ACCESS_NR
};
/* What a pattern needs beside its name; the rest is 0. */
struct access_shape {
    uint32_t stride;    /* STRIDED: bytes from one access to the next; 0: a page */
    uint32_t skew_ppm;  /* ZIPF: the exponent; HOT: share of the accesses */
    uint32_t hot_ppm;   /* HOT: share of the pages */
    uint32_t block;     /* drawn: bytes that are worked through from each place; 0: a line */
    uint32_t scattered; /* ZIPF, HOT: popular pages lie all over the slice, not at its start */
};
struct burst_use {
    struct region *region;
    uint32_t slice;  /* part of a sliced region, or REGION_WHOLE */
    uint32_t weight; /* share of the accesses, relative to the other uses */
    enum access_pattern pattern;
    struct access_shape shape;
    uint32_t shared_q16; /* of them, to lines that another core has written last; MIX_ALL: all */
};
/* How the part of references that miss a cache falls with what it holds: straight lines between
 * points; the last one is the working set. Bytes ascend from 0, misses never rise. */
struct reuse_point {
    uint64_t bytes;
    uint32_t miss_q16;
};
struct burst_reuse {
    uint32_t nr;
    bool all_levels; /* references go through the L1 and L2 first; else they have missed those */
    const struct reuse_point *points;
};
struct burst_profile {
    uint32_t misses_q20; /* last-level cache misses per ns of work, in 1/2^20; with `reuse`
                            references, of which a part hits */
    uint32_t mlp_q8;     /* misses in flight at once, in 1/256; 256: one after the other */
    uint32_t write_q8;   /* share of the missed lines that are written back, in 1/256 */
    uint32_t nr_uses;
    const struct burst_use *uses;
    bool shares;                     /* some use has shared_q16 */
    const struct burst_reuse *reuse; /* of the first use's memory; NULL: every reference misses */
};

/* What a task does next: the answer of task_ops.next(). */
enum action_kind {
    ACTION_RUN,   /* `work` ns under `profile` (NULL: no misses) */
    ACTION_SPIN,  /* run until task_unspin() */
    ACTION_SLEEP, /* until `until` */
    ACTION_BLOCK, /* until task_wake() */
    ACTION_YIELD, /* sched_yield(), then ask again */
    ACTION_EXIT,
};
struct action {
    enum action_kind kind;
    bool io; /* SLEEP, BLOCK: counts as I/O wait */
    uint64_t work;
    const struct burst_profile *profile;
    sim_time until;
};

struct task_plan;
/* What the kernel asks of the workload. Both run on the task's CPU, in its context. `next` may wake
 * and start other tasks and change mempolicies; `exited`, the last call, may wake others. */
struct task_ops {
    struct action (*next)(struct kernel *k, struct task *p);
    void (*exited)(struct kernel *k, struct task *p);
    /* What p will do, before it starts (task_plan.h); `plan` is zeroed. NULL: nobody knows. */
    void (*plan)(struct kernel *k, struct task *p, struct task_plan *plan);
};

/* The queue's arithmetic has the first cache line, load tracking the second. */
struct sched_entity {
    int64_t vruntime;
    int64_t deadline;
    int64_t vlag;        /* when not queued; of the running one: its deadline when it was picked */
    uint64_t exec_start; /* clock_task when last accounted */
    uint64_t sum_exec;
    uint32_t weight, inv_weight; /* scaled down: 1024 at nice 0 */
    uint32_t load_weight;        /* with the kernel's 10 extra bits: NICE_0_LOAD at nice 0 */
    uint32_t rq_index;           /* place in the arrays of its cfs_rq */
    bool on_rq, rel_deadline, custom_slice;
    bool sched_delayed; /* blocked, and still queued until its lag is used up */
    uint8_t depth;      /* 0: in a root queue */
    struct sched_avg avg;
    struct cfs_rq *cfs_rq; /* where it is queued, or was last */
    uint64_t slice;        /* ns */
    struct sched_entity *parent;
    struct cfs_rq *my_q; /* a group's own queue; NULL: a task */
    uint64_t prev_sum_exec;
    uint32_t runnable_weight; /* a group's: tasks below that can run */
};

/* A task of the real-time class (rt.c). */
struct sched_rt_entity {
    struct list run_list;  /* of its priority on its rq; the running task keeps its place */
    uint32_t time_slice;   /* RR: ticks left */
    uint64_t seen_jiffies; /* RR: ticks up to this one are taken off */
    bool on_list;
};

/* A reservation (deadline.c): a task's, or the fair server of a CPU. All in ns. */
struct sched_dl_entity {
    uint64_t dl_runtime, dl_deadline, dl_period; /* what was asked for */
    uint64_t dl_bw, dl_density;                  /* runtime << 20 by period, by deadline */
    int64_t runtime;                             /* left of this instance */
    uint64_t deadline;                           /* absolute, of this instance */
    struct list node;                            /* dl_rq.queue */
    struct sched_dl_entity *pi_se; /* whose parameters count: its own, or a waiter's */
    struct task *task;             /* NULL: a fair server */
    bool throttled, yielded, on_rq;
    bool defer, defer_armed, defer_running; /* of a server that waits for its zero laxity */
};

/* What every wake-up, switch and burst counts has the first two cache lines. */
struct task_stats {
    _Alignas(64) uint64_t wait_ns;
    uint64_t sleep_ns, io_wait_ns; /* io_wait_ns: of sleep_ns */
    uint64_t nr_switches, nr_voluntary, nr_wakeups, nr_slices, work_done;
    uint64_t stall_local_ns, stall_remote_ns;
    uint64_t accesses_local, accesses_remote;
    __extension__ unsigned __int128 latency_ps; /* sum over accesses */
    uint64_t kernel_ns;
    uint64_t migrations_llc, migrations_node,
        migrations_cross_node; /* within LLC, within node, across */
    uint64_t nr_involuntary, run_ns;
};

/* /proc/PID/sched: what the reports print under these names (sched-core.md 6.2). */
struct sched_statistics {
    uint64_t sum_sleep_runtime, sum_block_runtime, sleep_max, block_max;
    uint64_t exec_max, slice_max, wait_max, wait_sum, wait_count;
    uint64_t iowait_sum, iowait_count;
    uint64_t nr_failed_migrations_affine, nr_failed_migrations_running, nr_failed_migrations_hot;
    uint64_t nr_forced_migrations;
    uint64_t nr_wakeups, nr_wakeups_sync, nr_wakeups_migrate, nr_wakeups_local, nr_wakeups_remote;
    uint64_t nr_wakeups_affine, nr_wakeups_affine_attempts;
    uint64_t wait_start, sleep_start, block_start; /* 0: none */
};

/* /proc/PID/schedstat: always counted (sched_stats.h). */
struct sched_info {
    uint64_t pcount, run_delay;
    sim_time last_arrival, last_queued; /* last_queued 0: it does not wait */
};

/* Whom a task wakes: how often it turns from one to another (record_wakee). */
struct wakee_record {
    uint32_t flips;
    uint32_t last;     /* task id + 1; 0: nobody yet */
    sim_time decay_at; /* when flips are halved next */
};

/* What a wake-up and a switch look at stands first, then what a wake-up alone does, what only some
 * tasks have and what only reports read. */
struct task {
    _Alignas(64) struct sched_entity se;
    enum task_state state;
    bool migrate_pending; /* its affinity no longer allows its CPU: moved when it is next seen */
    bool on_rq, woken;    /* woken: no run since the last wake-up */
    bool spinning;
    bool cpu_kthread; /* a kernel thread that belongs to a CPU (KTHREAD_IS_PER_CPU) */
    bool deferrable;  /* its timer waits for a tick of its CPU, and idle CPUs have none */
    bool in_burst;    /* work_left belongs to a burst that has begun */
    bool io_sleep;    /* sleeps for I/O: uninterruptible */
    bool awaits_page; /* mem->io_until is set: the burst sleeps before it goes on */
    enum __attribute__((packed)) task_policy {
        POLICY_NORMAL,
        POLICY_BATCH,
        POLICY_IDLE,
        POLICY_FIFO,
        POLICY_RR,
        POLICY_DEADLINE,
        POLICY_EXT
    } policy;
    const struct sched_class *class;
    struct event timer;
    struct list rq_node;    /* rq.cfs_tasks, most recently run first */
    uint64_t decision;      /* number of the last decision about it: the cause of the next */
    struct task_numa *numa; /* AutoNUMA state: numa.h */
    uint32_t id;            /* number in order of creation: never reused */
    int32_t cpu;            /* where it runs, is queued, or ran last */
    uint64_t work_left;     /* of the burst, ns of work */
    uint64_t debt_ns;       /* stall that comes before it: cold caches, lines of other cores */
    const struct burst_profile *profile;
    struct task_mem *mem; /* positions and mix in its regions: mm.h */
    struct mm *mm;
    struct process *process;
    sim_time queued_at; /* waits since */
    struct sched_info info;
    sim_time woken_at, slept_at;
    const struct task_ops *ops;
    void *prog; /* the workload's state of this task */
    struct wakee_record wakee;
    const struct cpumask *allowed; /* affinity within its cpuset; never NULL */
    struct task_group *group;      /* never NULL */
    uint32_t nr_allowed;
    int32_t recent_used_cpu;
    int32_t stop_cpu; /* + 1: where the stopper moves it, while migrate_pending; 0: nowhere */
    int32_t nice;
    struct scx_task *scx; /* of the ext class, once a policy was loaded: ext_impl.h */
    uint32_t slot;        /* of its timer; reused, lowest first */
    struct task_stats stats;
    struct sched_statistics sched;
    const struct cpumask *affinity; /* what was asked for: sched_setaffinity() */
    uint32_t rt_priority;           /* FIFO, RR: 1 (lowest) to 99 */
    int32_t prio, normal_prio;      /* kernel scale: -1 deadline, 0 to 98 rt, 100 to 139 fair;
                                       prio is better while a lock's waiter lends its own */
    struct sched_rt_entity rt;
    struct sched_dl_entity dl;
    struct event dl_timer; /* replenishes dl */
    struct task *pi_top;   /* the most important of those that wait for its locks, or NULL */
    struct list pushable;  /* rt or deadline: in its rq's list while it waits and may move */
    sim_time started_at, exited_at;
    uint64_t run_before_warmup; /* of se.sum_exec */
    const char *name;
    const char *tag;
    int32_t pid;      /* in traces; 0: numbered by `id` */
    const char *comm; /* in traces, 15 bytes; NULL: the name */
};

/* Statistics of a process; the run's totals are sums over processes. */
struct process_stats {
    struct histogram wait, wakeup, request;
    uint64_t deadline_misses, deadline_total;
    uint64_t numa_pte_updates, numa_hint_faults, numa_hint_faults_local, numa_pages_migrated;
    uint64_t remote_bytes;
};
struct process {
    uint32_t id;
    int32_t pid;            /* in traces; 0: that of its first task */
    const char *name, *tag; /* tag may be NULL */
    struct mm *mm;
    struct process_stats stats;
    uint32_t nr_tasks, nr_alive;
    bool killed, reaped; /* SIGKILL: its tasks exit; its memory is given back */
    uint32_t nr_members; /* tasks[] in order of creation: static placement deals by it */
    struct task **members;
    uint32_t nr_kinds; /* of requests: requests.h */
    struct request_kind **kinds;
};

/* As it is printed, and as access tags and group ids know it. */
static inline uint32_t
task_pid(const struct task *p)
{
    return p->pid > 0 ? (uint32_t)p->pid : p->id + 1;
}

static inline struct task *
task_of(struct sched_entity *se)
{
    return container_of(se, struct task, se);
}

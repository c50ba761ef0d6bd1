/*
 * Run queues: what each CPU knows of the tasks on it, by class; and the counters of
 * /proc/schedstat.
 */
#pragma once

#include "base/list.h"
#include "base/rng.h"
#include "kernel/charge.h"
#include "kernel/pelt.h"
#include "kernel/task.h"

struct cfs_blocks;
struct cpu_sums;

/*
 * A fair queue: of a CPU, or of a task group on a CPU. Entities that wait are in parallel arrays,
 * the running one is apart. What is looked at most fills the first four cache lines, and what
 * balancing reads of other CPUs the first one.
 */
struct cfs_rq {
    _Alignas(64) struct sched_avg avg;
    uint32_t h_nr_queued, h_nr_runnable; /* tasks below, of this group and of groups in it */
    uint64_t load_weight;                /* with the extra bits, the running one included */
    int64_t zero, avg_key; /* V = zero + avg_key / avg_weight, entities in the arrays only */
    uint64_t avg_weight;   /* scaled down */
    struct sched_entity *curr;
    int64_t *vruntime, *deadline; /* by place */
    struct sched_entity **entity;
    uint64_t *order;           /* of insertion: breaks ties of deadlines */
    struct cfs_blocks *blocks; /* the index of a long queue; NULL: it has never been long */
    struct sched_entity *next; /* the buddy */
    struct rq *rq;
    uint64_t throttled_pelt_ns; /* that rq's PELT clock stood still for this queue */
    uint32_t nr;                /* entities in the arrays */
    uint32_t nr_queued;         /* with the running one: the kernel's cfs_rq.nr_running */
    uint32_t nr_removed, idle_h_nr_running;
    uint32_t throttle_count; /* throttled queues among this one and those above */
    bool propagate;          /* a change that the parent has not seen */
    bool runtime_enabled, throttled;
    /* what only some looks at the queue need */
    uint64_t next_order;
    struct sched_entity *se; /* stands for this queue in its parent's; NULL: the root */
    uint32_t capacity;       /* of the arrays */
    uint32_t h_nr_delayed;
    /* what tasks that were woken elsewhere left behind, taken off at the next update */
    uint64_t removed_load, removed_util, removed_runnable;
    uint64_t moved; /* for --check: the larger averages of all that came and went */
    int64_t prop_runnable_sum;
    /* groups, cpu.max, checks */
    struct task_group *tg;
    struct list leaf_node;     /* rq.leaf_cfs_rqs, while averages are not all zero */
    int64_t runtime_remaining; /* cpu.max (bandwidth.c), with the throttled ones below */
    /* for --check: load of sleepers that got another weight, and of those who left since their
     * averages were made; the same of time alone */
    uint64_t stale_load, stale_util;
    uint64_t tg_load_avg_contrib, last_update_tg_load_avg;
    uint64_t h_load, last_h_load_update;
    sim_time throttled_clock, throttled_clock_self; /* tasks wait since; 0: none */
    uint64_t throttled_pelt_at;                     /* of rq's PELT clock: frozen since */
    struct list throttled_node;
    const struct task *throttled_itself; /* ran here when it throttled the queue, and runs on */
    struct sched_entity *last, *skip;    /* buddies of sched.fair=cfs */
};

/* FIFO and RR tasks by priority (rt.c). Kernel priorities: 0 is highest. */
enum { MAX_RT_PRIO = 100, NO_RT_PRIO = MAX_RT_PRIO - 1 };
struct rt_rq {
    uint64_t bitmap[2];
    struct list queue[MAX_RT_PRIO]; /* the running task included */
    uint32_t nr_running;
    int32_t highest_prio; /* NO_RT_PRIO: none */
    int32_t next_prio;    /* of those that may be pushed */
    struct list pushable; /* tasks that wait and may move, best first */
    bool overloaded;      /* there are such */
    /* sched.rt_throttling=classic */
    bool throttled, period_active;
    uint64_t time; /* run in this period */
    struct event period_ev;
};

/* Deadline tasks and the fair server (deadline.c). */
struct dl_rq {
    struct list queue; /* entities by deadline, the running one included */
    uint32_t nr;
    uint64_t earliest, next; /* deadlines: of all, of those that may be pushed; 0: none */
    struct list pushable;    /* tasks that wait and may move, earliest first */
    bool overloaded;
};

/* The fair server: a deferred reservation that lets fair tasks run below a busy higher class
 * (dl_server.c). */
struct dl_server {
    struct sched_dl_entity dl;
    sim_time timer_at; /* when its timer expires; SIM_NEVER: not armed */
    sim_time idle_at;  /* idle time is charged up to here */
    struct event timer_ev;
};

/* Work that waits for the end of a switch or of a change of class (balance callbacks). */
enum { CALLBACK_PUSH_RT = 1, CALLBACK_PULL_RT = 2, CALLBACK_PUSH_DL = 4, CALLBACK_PULL_DL = 8 };

/* /proc/schedstat, the line of the CPU (sched-core.md 6.1); those of its domains: domains.h. */
struct rq_schedstat {
    uint64_t yld_count, ttwu_count, ttwu_local, sched_goidle, sched_count;
    uint64_t rq_cpu_time, run_delay, pcount;
};

/* What nearly every event looks at stands first, in six cache lines, then what only some do, by
 * what they do, a line each (events that cause a switch, going idle, switching, charging,
 * interrupts); then the other classes, and what only reports read. */
struct rq {
    _Alignas(64) int32_t cpu;
    int32_t node;
    uint32_t nr_running; /* of all classes, with curr */
    uint32_t rate;       /* of the running burst */
    uint32_t speed;      /* of work that waits for no memory, in the unit of rates: caches.h */
    bool fair_server_active;
    struct task *curr;  /* NULL: idle */
    sim_time burst_at;  /* work is accounted up to here; may lie ahead: kernel work first */
    sim_time irq_until; /* stolen time ahead of now */
    uint64_t irq_ns;    /* stolen so far, with what lies ahead */
    uint64_t decision;  /* the last decision made here */
    uint64_t clock_task, clock_pelt; /* as of the last update_rq_clock() */
    sim_time unseen_tick;            /* the first tick that curr and the averages have not felt */
    sim_time busy_since;
    struct list cfs_tasks;  /* fair tasks, most recently run first */
    uint32_t capacity_orig; /* of 1024: what the CPU could do if nothing else used it */
    uint32_t balance_callback;
    bool left, need_resched;
    bool put_due;     /* left, and its class still holds it for the current one */
    bool awaits_rate; /* the memory model was told of a new burst, which has no price yet */
    bool numa_migrate_on;
    bool active_balance; /* a stopper is to push curr to push_cpu */
    bool unannounced;    /* idle, and a task came from another group: nobody told the CPU */
    bool sums_dirty;     /* its sets lag behind: sums_flush() */
    struct event burst_ev, tick_ev;
    struct cfs_rq cfs;
    _Alignas(64) struct event kick_ev;
    struct task *last;   /* who ran here last; left: it blocked or moved away since */
    struct task *script; /* whom the script class is to run here next */
    uint64_t nr_switches;
    sim_time numa_due; /* curr's next NUMA scan, if nothing steals time from it */
    /* idle and balance */
    sim_time idle_left; /* when it last stopped being idle */
    sim_time idle_since;
    sim_time idle_stamp; /* when newly idle balancing last began, 0: not idle since */
    uint64_t avg_idle;
    uint64_t max_idle_balance_cost;
    uint64_t next_balance; /* jiffies */
    uint64_t cpu_capacity; /* for fair tasks: the original one less interrupts, rt, dl */
    uint8_t nohz_flags;    /* a kick of the nohz balancer that this CPU has still to answer */
    bool has_blocked_load;
    struct rq_schedstat stat;
    uint64_t kernel_ns[CHARGE_KIND_NR];
    uint64_t busy_ns;
    struct list leaf_cfs_rqs; /* queues with averages, groups before their parents; root last */
    uint64_t irq_pending;     /* ns of interrupts that avg_irq has still to see */
    struct sched_avg avg_irq;
    struct event balance_ev;
    struct rng rng;
    struct wakee_record idle_wakee; /* whom its interrupts wake while it idles */
    _Alignas(64) struct cpu_sums *sums[8];
    uint32_t nr_sums;   /* the sets that this CPU is in */
    uint32_t idle_rank; /* drawn: orders CPUs that idle since the same instant */
    int32_t push_cpu;   /* of active balancing */
    uint64_t misfit_task_load;
    uint64_t nr_numa_running, nr_preferred_running;
    uint64_t clock_seen;          /* clock_task when the PELT clock was last moved */
    uint64_t last_blocked_update; /* jiffies */
    uint64_t nr_ticks, nr_balance_passes;
    /* the other classes */
    struct sched_avg avg_rt, avg_dl;
    uint64_t lost_idle_time; /* that the PELT clock of a slow CPU never makes up for */
    int32_t distribute_prev; /* where the last search for any CPU of a set ended */
    struct rt_rq rt;
    struct dl_rq dl;
    struct dl_server fair_server;
};

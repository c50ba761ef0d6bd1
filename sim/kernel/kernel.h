/*
 * The kernel of one simulated machine: run queues, tasks, processes, memory, and the calls by which
 * a workload drives them. It holds everything that a run changes; two kernels in one program never
 * meet.
 */
#pragma once

#include "kernel/class.h"
#include "kernel/domains.h"
#include "kernel/features.h"
#include "kernel/params.h"
#include "kernel/probe.h"
#include "kernel/rq.h"
#include "kernel/sums.h"

struct memory_model_ops;
struct placement_ops;
struct observer;
struct wasted;
struct check_parts;
struct caches;
struct host_turns;
struct timer_slack;
struct hotplug;
struct devices;
struct scx;
struct copies;

/* Rates: work per ns, in 1/2^24. */
#define RATE_SHIFT 24
#define RATE_FULL (1u << RATE_SHIFT)

/* Machine-wide counters; names as in /proc/vmstat where Linux has one. */
struct kernel_stats {
    uint64_t context_switches, switches_to_task, task_migrations, task_migrations_cross_node;
    uint64_t numa_pte_updates, numa_hint_faults, numa_hint_faults_local, numa_pages_migrated;
    uint64_t pgmigrate_success, pgmigrate_fail;
    uint64_t pgpromote_success, pgpromote_candidate, pgdemote_kswapd, pgdemote_direct;
    uint64_t oom_kill, thp_migration_success, thp_migration_fail;
    uint64_t numa_huge_pte_updates, thp_fault_alloc, thp_fault_fallback, thp_split_page;
    uint64_t thp_collapse_alloc, thp_collapse_alloc_failed, thp_deferred_split_page;
    uint64_t thp_migration_split, thp_swpout;
    uint64_t pgfault, pgmajfault, pswpin, pswpout;
    uint64_t pgscan_kswapd, pgscan_direct, pgsteal_kswapd, pgsteal_direct;
    uint64_t pgsteal_anon, pgsteal_file;
    uint64_t numa_hit, numa_miss, numa_foreign, numa_local, numa_other, numa_interleave;
    uint64_t remote_bytes;
    uint64_t sched_overhead_ns;
};

/* What the user should know about this run. */
struct kernel_note {
    const char *text;
    struct kernel_note *next;
};

struct kernel_limits {
    uint32_t max_tasks;  /* alive at once */
    uint32_t nr_sources; /* arrival sources of the workload */
    uint32_t nr_samplers;
    uint32_t nr_groups;  /* task groups, the root apart */
    uint32_t nr_hotplug; /* times that CPUs go offline or come online */
    uint32_t nr_devices; /* device.h */
    bool ext;            /* programmable policies may be loaded: ext.h */
    uint32_t nr_policy_timers;
};

/* Idle CPUs whose tick has stopped, and what is to be done for them (balance_nohz.c). */
struct nohz {
    struct cpumask *idle_cpus; /* without a tick; a CPU leaves at its first busy tick */
    struct cpumask *leaving;   /* of them: busy again, and their first tick is still to come */
    uint32_t nr_cpus;          /* in idle_cpus */
    uint32_t nr_busy_llcs;     /* LLCs with more than one CPU that is not in idle_cpus */
    bool has_blocked, needs_update;
    uint64_t next_balance, next_blocked; /* jiffies */
    struct event ev;
};

struct kernel {
    struct engine engine;
    struct arena *arena;
    const struct machine *machine;
    struct domains *domains;
    struct host_turns *host;   /* NULL: CPUs are real */
    struct timer_slack *slack; /* NULL: sleeps end on time */
    struct hotplug *hotplug;   /* NULL: all CPUs stay as they are */
    struct devices *devices;   /* NULL: there are none */
    struct copies *copies;
    const struct cpumask *possible; /* CPUs that are or were online */
    struct kernel_params params;
    uint64_t seed;
    sim_time tick_ns, tick_phase;
    struct divisor by_tick; /* tick_ns: ticks are counted at every turn */
    sim_time coming_tick;   /* the first tick after some recent instant: spares divisions */

    struct rq *rqs; /* by CPU */
    uint32_t nr_online, nr_idle;
    struct cpu_sums *cpu_sums, *node_sums; /* by CPU, by node */
    struct rq **dirty_rqs;                 /* whose changes their sets have not taken over yet */
    uint32_t nr_dirty;
    struct cpumask *overloaded_cpus; /* with two tasks or more */
    struct cpumask *idle_cpus;       /* online CPUs that run nothing and have nothing queued */
    struct cpumask *quiet_cpus; /* busy, their ticks not simulated: averages lag (rq_catch_up) */
    uint32_t nr_overloaded;     /* queues with two tasks or more */
    bool smt_active;            /* some core has several threads */
    bool asym_cpucapacity;      /* CPUs of unequal capacity, and domains that know it */
    bool sched_idle_seen;       /* some SCHED_IDLE task, or one of an idle group, has been queued */
    enum decision_kind select_kind; /* fork or exec: what the slow path chooses for */
    int32_t start_cpu;              /* forks whatever has no parent */
    int32_t forker;                 /* the CPU on which such a fork is under way, else -1 */
    bool rd_overloaded;        /* some queue had two tasks when last looked at, or since then */
    uint64_t capacity_changes; /* counts them: sums of capacities are as good as they were */
    uint32_t nr_reduced;       /* CPUs that other classes and interrupts took capacity from */
    struct cpumask *reduced_cpus;
    struct cpumask *lb_cpus; /* of a balancing pass that leaves out CPUs */
    struct nohz nohz;

    bool fetches;        /* a large machine: what is needed soon is fetched, see fetch.h */
    struct task **tasks; /* by id, in order of creation */
    uint32_t nr_tasks, cap_tasks;
    uint32_t max_tasks; /* alive at once: slots of their timers */
    struct cpumask *free_slots;
    uint32_t nr_alive; /* started or new, not dead */
    struct process **processes;
    uint32_t nr_processes, cap_processes;
    struct task_group **groups; /* by id; the first is the root */
    uint32_t nr_groups, max_groups;

    const struct memory_model_ops *memory;
    void *memory_priv;
    struct event rates_ev;
    struct caches *caches;   /* what they hold of whom; SMT: caches.h */
    bool caches_on;          /* something about caches or speeds may matter */
    struct mm_state *mm;     /* nodes' free pages, regions: mm.h */
    struct numa_state *numa; /* groups: numa.h */
    const struct placement_ops *placement;
    void *placement_priv;
    /* Places a task that is made after placement has been; NULL: nobody does. */
    void (*place_task)(struct kernel *k, struct task *p);
    struct kernel_note *notes, *last_note; /* oldest first */
    struct scx *scx;                       /* the ext class; NULL: no policy is ever loaded */
    int32_t this_cpu;                      /* that runs this code: an event's handler sets it */
    uint32_t nr_policy_timers;
    /* The value of a hint that is in force for p, or NULL; NULL: there are no hints. */
    const char *(*task_hint)(const struct task *p, const char *name);
    struct push_state *push; /* priorities and deadlines of CPUs: push.h */
    struct dl_bw *dl_bw;     /* what deadline tasks may have: deadline.h */
    bool higher_classes;     /* there is or was a task above the fair class */

    /* of sched.fair=cfs: by which rule it picked last; times as they were asked for, 0: scaled */
    const char *cfs_rule;
    uint64_t cfs_latency, cfs_min_granularity, cfs_wakeup_granularity;
    struct probe probe;
    struct observer *observers;
    struct check_parts *check_parts; /* scratch of --check */
    struct wasted *wasted; /* looks for CPUs that idle while tasks wait; NULL: nobody does */
    struct kernel_stats stats;
    uint64_t *traffic; /* bytes, nr_nodes^2, [from][to] */
    struct node_served {
        uint64_t read, written; /* bytes, by its controllers */
    } * served;                 /* by node */
    sim_time warmup_at;
    const char *error; /* the run could not go on: why. NULL: fine */
    struct rng rng;
};

/* The CPU's averages, tasks, capacity or NUMA counts have changed. Sets take changes over when
 * somebody looks; whoever reads cpu_sums itself flushes first, group_sums() does. */
static inline void
sums_update(struct kernel *k, struct rq *rq)
{
    if (rq->sums_dirty)
        return;
    rq->sums_dirty = true;
    k->dirty_rqs[k->nr_dirty++] = rq;
}

static inline void
sums_flush(struct kernel *k)
{
    if (k->nr_dirty > 0)
        sums_flush_slow(k);
}

/* The sums of a group: its own, or `total`, which has been filled in. */
static inline const struct cpu_sums *
group_sums(struct kernel *k, const struct sched_group *sg, struct cpu_sums *total)
{
    sums_flush(k);
    if (likely(sg->sums != NULL))
        return sg->sums;
    node_group_sums(k, sg, total);
    return total;
}

/* Builds run queues and domains; the clock stands at 0. Everything is the arena's. */
struct kernel *kernel_new(struct arena *a, const struct machine *m, const struct kernel_params *kp,
                          uint64_t seed, const struct kernel_limits *limits,
                          const struct memory_model_ops *memory);

/* ---- processes and tasks ---- */

struct process *process_new(struct kernel *k, const char *name, const char *tag);

struct task_attr {
    const char *name, *tag;
    int nice;
    enum task_policy policy;
    uint64_t slice_ns;                           /* 0: the base slice */
    uint32_t rt_priority;                        /* FIFO, RR: 1 to 99 */
    uint64_t dl_runtime, dl_deadline, dl_period; /* DEADLINE, ns; period 0: the deadline */
    struct task_group *group;                    /* NULL: the root */
    const struct cpumask *allowed;               /* NULL: all online CPUs */
    const struct task_ops *ops;
    void *prog;
};
struct task *task_new(struct kernel *k, struct process *pr, const struct task_attr *attr);

/* Starts a new task, forked on `parent`'s CPU (parent NULL: on the machine's start CPU). */
void task_start(struct kernel *k, struct task *p, struct task *parent);
/* The same, by the task's timer at `when`. */
void task_start_at(struct kernel *k, struct task *p, sim_time when);
/* p was there before the run: it sleeps, last seen on `cpu`, until `until` (SIM_NEVER: until it is
 * woken). Its averages are those of one that wanted a CPU, and had it, for these shares of 1024. */
void task_start_asleep(struct kernel *k, struct task *p, int cpu, uint32_t wanted, uint32_t had,
                       sim_time until);

/* Wakes a sleeping or blocked task. `waker` is the running task that does it, or NULL: a timer, an
 * interrupt, on the CPU where the task slept. False: it was not asleep. sync: the waker is about to
 * sleep. */
bool task_wake(struct kernel *k, struct task *p, struct task *waker, bool sync);
/* The same by an interrupt on `cpu`, which is where it is woken from. */
bool task_wake_irq(struct kernel *k, struct task *p, int cpu);

/* Ends a spin: the task asks for its next action at once. */
void task_unspin(struct kernel *k, struct task *p);

/* p, which runs, executes another program: it may be placed anew (sched_exec). */
void task_exec(struct kernel *k, struct task *p);

void task_set_affinity(struct kernel *k, struct task *p, const struct cpumask *allowed);
/* Its cpuset has changed: what its affinity leaves of it. */
void task_apply_cpuset(struct kernel *k, struct task *p);
void task_set_nice(struct kernel *k, struct task *p, int nice);

/* Changes class and parameters of a task, queued or not (sched_setscheduler). NULL, or why not.
 * The group, the affinity and the program of `attr` do not count. */
const char *task_set_scheduler(struct kernel *k, struct task *p, const struct task_attr *attr);

/* One request of the process took `latency`. */
void process_request_done(struct process *pr, sim_time latency);
/* p finished n units of what the workload counts as work. */
static inline void
task_work_done(struct task *p, uint64_t n)
{
    p->stats.work_done += n;
}

/* ---- the core (core.c) ---- */

static inline sim_time
kernel_now(const struct kernel *k)
{
    return k->engine.now;
}
/* When jiffy j begins. */
static inline sim_time
jiffy_time(const struct kernel *k, uint64_t j)
{
    return j == 0 ? 0 : k->tick_phase + (j - 1) * k->tick_ns;
}
static inline uint64_t
jiffies_at(const struct kernel *k, sim_time t)
{
    return divide_by(t + k->tick_ns - k->tick_phase, k->by_tick);
}
static inline uint64_t
jiffies(const struct kernel *k)
{
    return jiffies_at(k, k->engine.now);
}
/* The last tick at or before t; 0: none yet. */
static inline sim_time
last_tick_at(const struct kernel *k, sim_time t)
{
    if (t < k->tick_phase)
        return 0;
    return k->tick_phase + divide_by(t - k->tick_phase, k->by_tick) * k->tick_ns;
}
/* The first tick at or after t. */
sim_time find_next_tick(struct kernel *k, sim_time t);
static inline sim_time
next_tick_at(struct kernel *k, sim_time t)
{
    if (likely(t <= k->coming_tick && k->coming_tick - t < k->tick_ns))
        return k->coming_tick;
    return find_next_tick(k, t);
}

/* clock_task: time less what interrupts stole. */
static inline sim_time
rq_clock_task(const struct kernel *k, const struct rq *rq)
{
    sim_time now = k->engine.now;

    return now - rq->irq_ns + (rq->irq_until > now ? rq->irq_until - now : 0);
}

/* Brings the queue to where its last tick would have left it. Every reader of another CPU's
 * averages does it first (load.c). */
void see_ticks(struct kernel *k, struct rq *rq);
static inline void
rq_catch_up(struct kernel *k, struct rq *rq)
{
    if (unlikely(rq->unseen_tick <= k->engine.now))
        see_ticks(k, rq);
}

/* The PELT clock runs with the CPU: a CPU of half the capacity gets through half the time. It
 * begins at 2^20 ns, since 0 stands for "not attached". */
#define PELT_CLOCK_BEGIN ((uint64_t)1 << 20)
void move_slow_pelt_clock(struct rq *rq);
static inline void
move_pelt_clock(struct rq *rq)
{
    if (likely(rq->capacity_orig == 1024))
        rq->clock_pelt = rq->clock_task + PELT_CLOCK_BEGIN;
    else
        move_slow_pelt_clock(rq);
}

/* Sets the queue's clocks to now, after the ticks that nobody has simulated. Every operation on a
 * queue begins with it. */
static inline void
update_rq_clock(struct kernel *k, struct rq *rq)
{
    rq_catch_up(k, rq);
    rq->clock_task = rq_clock_task(k, rq);
    move_pelt_clock(rq);
}

/* The same clock for what is asked of the higher classes. */
static inline uint64_t
rq_clock_pelt(struct kernel *k, struct rq *rq)
{
    if (likely(rq->capacity_orig == 1024))
        return rq_clock_task(k, rq);
    update_rq_clock(k, rq);
    return rq->clock_pelt;
}

void task_exit(struct kernel *k, struct task *p);
void resched_curr(struct kernel *k, struct rq *rq);
/* A task that has blocked stays its class's current one until the CPU has picked another; whoever
 * changes its CPU, group or class before that has the class let go of it first. */
void put_left(struct kernel *k, struct rq *rq);
/* Which ticks of rq->curr are computed (its class or group may have changed). */
void see_ticks_from_now(struct kernel *k, struct rq *rq);
/* The classes say how many tasks came and went; idle and overloaded CPUs follow from it. */
void add_nr_running(struct kernel *k, struct rq *rq, uint32_t n);
void sub_nr_running(struct kernel *k, struct rq *rq, uint32_t n);
void activate_task(struct kernel *k, struct rq *rq, struct task *p, int flags);
void deactivate_task(struct kernel *k, struct rq *rq, struct task *p, int flags);
/* The balancer moves p, queued or running: off its queue, with the CPU it goes to; onto that one.
 */
void detach_task(struct kernel *k, struct task *p, int to_cpu);
void attach_task(struct kernel *k, struct task *p);
/* Moves a queued, not running task to another CPU's queue. */
void move_queued_task(struct kernel *k, struct task *p, int to_cpu);
/* Moves p wherever it is, also while it runs (the stopper's work is charged). */
void migrate_task_to(struct kernel *k, struct task *p, int to_cpu);
/* p changes CPU: counters and whoever must know. The caller moves it between queues. */
void set_task_cpu(struct kernel *k, struct task *p, int cpu);
/* Does p preempt what runs on rq? Kicks if so. */
void wakeup_preempt(struct kernel *k, struct rq *rq, struct task *p, int flags);
/* Arms the next tick that can change anything on this CPU. The event of the tick is only ever moved
 * forward, and not looked at if it is that of the coming tick: one that is needless costs less when
 * it fires and finds nothing due than to find that out at every switch. */
void tick_move(struct kernel *k, struct rq *rq);
static inline void
tick_update(struct kernel *k, struct rq *rq)
{
    if (engine_when(&k->engine, &rq->tick_ev) - k->engine.now >= k->tick_ns)
        tick_move(k, rq);
}
/* Swaps two runnable tasks (AutoNUMA). */
void migrate_swap(struct kernel *k, struct task *a, struct task *b);
static inline bool
idle_cpu(const struct kernel *k, int cpu)
{
    return cpumask_test(k->idle_cpus, (uint32_t)cpu);
}

/* The run cannot go on: stops the engine with a reason (the first one stays). */
void kernel_fail(struct kernel *k, const char *fmt, ...) SIM_PRINTF(2, 3);

/* Adds a note; the run layer shows them all. */
void kernel_note(struct kernel *k, const char *fmt, ...) SIM_PRINTF(2, 3);

/* Brings every account up to now; at the end of the run and at the end of the warm-up. */
void kernel_settle(struct kernel *k);
void kernel_reset_stats(struct kernel *k);
/* Verifies all invariants: NULL, or what is broken. Changes nothing. */
const char *kernel_check(struct kernel *k);

/* ---- bursts (burst.c): how fast a task gets through its work ---- */

/* Accounts for the work done up to now. Settle before you change. */
void burst_account(struct kernel *k, struct rq *rq);
static inline void
burst_settle(struct kernel *k, struct rq *rq)
{
    if (k->engine.now > rq->burst_at)
        burst_account(k, rq);
}
/* Moves the end of the burst after something changed. */
void burst_reprice(struct kernel *k, struct rq *rq);
/* How fast the CPU works while it waits for no memory, for a burst that uses none. */
void burst_set_speed(struct kernel *k, struct rq *rq, uint32_t speed);
/* The memory model's result for the CPU: settles and reprices if it differs. */
void burst_set_rate(struct kernel *k, struct rq *rq, uint32_t rate);

/* ---- the probe, inline part ---- */

static inline bool
probe_wants(const struct kernel *k, enum decision_kind kind)
{
#ifdef NUMASIM_NO_PROBE
    (void)k, (void)kind;
    return false;
#else
    return unlikely(k->probe.wanted >> kind & 1);
#endif
}

static inline int64_t
probe_decide(struct kernel *k, enum decision_kind kind, const char *rule, struct task *p, int cpu,
             int64_t chosen)
{
#ifdef NUMASIM_NO_PROBE
    (void)k, (void)kind, (void)rule, (void)p, (void)cpu;
    return chosen;
#else
    uint64_t seq = ++k->probe.seq;

    if (unlikely(((k->probe.wanted | k->probe.noted) >> kind & 1) || seq == k->probe.force_seq))
        chosen = probe_report(k, kind, rule, p, cpu, chosen, seq);
    if (p != NULL)
        p->decision = seq;
    if (cpu >= 0)
        k->rqs[cpu].decision = seq;
    return chosen;
#endif
}

/* ---- observers: they look and never touch ---- */

struct observer {
    struct observer *next;
    void *priv;
    void (*task_switch)(void *priv, struct kernel *k, int cpu, struct task *prev,
                        struct task *next);
    /* A task begins (parent NULL: nobody forked it), before its first wake-up. */
    void (*task_fork)(void *priv, struct kernel *k, struct task *p, struct task *parent);
    void (*task_exit)(void *priv, struct kernel *k, struct task *p);
    /* p is about to be woken from waker_cpu, by a task or by an interrupt; its CPU is the old one.
     */
    void (*task_waking)(void *priv, struct kernel *k, struct task *p, int waker_cpu, bool by_task);
    void (*task_wakeup)(void *priv, struct kernel *k, struct task *p, int waker_cpu);
    void (*task_migrate)(void *priv, struct kernel *k, struct task *p, int from, int to);
    /* NUMA balancing is about to move p to a CPU, or to swap it with `other`, which runs there. */
    void (*numa_move)(void *priv, struct kernel *k, struct task *p, int to, struct task *other);
    void (*pages_migrate)(void *priv, struct kernel *k, struct task *p, int from, int to,
                          uint64_t pages);
};
void kernel_observe(struct kernel *k, struct observer *o);

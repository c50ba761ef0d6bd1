/*
 * Task groups: the cpu and cpuset controllers of a cgroup tree (sched-core.md 2.10 and 2.11).
 *
 * A group has a queue and an entity on every CPU on which a task of it has ever been queued; the
 * entity stands for the group in the queue of its parent, and its weight is the group's shares in
 * proportion to the load that the group has on that CPU. The root group has neither: its tasks are
 * in rq.cfs.
 */
#pragma once

#include "kernel/kernel.h"

enum { CPU_WEIGHT_DEFAULT = 100, CPU_WEIGHT_MAX = 10000 };

/* cpu.max: ns. */
#define CFS_PERIOD_DEFAULT MSEC(100)
#define CFS_PERIOD_MIN MSEC(1)
#define CFS_PERIOD_MAX SEC(1)
#define CFS_QUOTA_MIN MSEC(1)
#define CFS_QUOTA_MAX ((((uint64_t)1 << 44) - 1) * 1000)
#define CFS_NO_QUOTA UINT64_MAX

/* cpu.max: a pool that a period refills, shared by the group's queues (bandwidth.c). */
struct cfs_bandwidth {
    uint64_t quota, period, burst; /* ns; quota UINT64_MAX: no limit */
    uint64_t runtime, runtime_snap;
    uint64_t phase; /* when in its period the pool is refilled */
    bool idle, period_active, slack_started, has_timers;
    int32_t timer_cpu; /* gets the interrupts */
    struct event period_ev, slack_ev;
    struct list throttled; /* cfs_rq.throttled_node */
    /* cpu.stat, and throttled_usec of cpu.stat.local */
    uint64_t nr_periods, nr_throttled, throttled_ns, nr_bursts, burst_ns, throttled_self_ns;
};

struct task_group {
    uint32_t id;
    const char *name; /* path below the root, "web/db"; the root: "/" */
    struct task_group *parent, *children, *sibling;
    uint64_t shares;            /* with the 10 extra bits */
    bool idle;                  /* cpu.idle */
    bool autogroup;             /* of a session: no cgroup */
    uint64_t load_avg;          /* of all its queues, as they published it */
    struct cfs_rq **cfs_rq;     /* by CPU; NULL: none yet */
    struct sched_entity **se;   /* by CPU; the root: NULL */
    const struct cpumask *cpus; /* cpuset.cpus.effective */
    nodemask mems_wanted, mems; /* cpuset.mems (0: as above), and .effective */
    struct cfs_bandwidth bandwidth;
    uint32_t nr_tasks;
};

/* A group below `parent` (NULL: the root); weight 100, no limit, all its parent's CPUs. */
struct task_group *task_group_new(struct kernel *k, struct task_group *parent, const char *name);
/* cpu.weight 1..10000. */
void task_group_set_weight(struct kernel *k, struct task_group *tg, uint32_t cpu_weight);
/* cpu.weight.nice. */
void task_group_set_nice(struct kernel *k, struct task_group *tg, int nice);
void task_group_set_idle(struct kernel *k, struct task_group *tg, bool idle);
/* cpu.max in ns; quota UINT64_MAX: no limit. NULL, or what is wrong with it. */
const char *task_group_set_bandwidth(struct kernel *k, struct task_group *tg, uint64_t quota,
                                     uint64_t period, uint64_t burst);
/* NULL, or what is wrong with these numbers for cpu.max (bandwidth.c). */
const char *cfs_bandwidth_refusal(uint64_t quota, uint64_t period, uint64_t burst);
/* cpuset.cpus, before tasks are in it: what its parent has of them. */
void task_group_set_cpus(struct kernel *k, struct task_group *tg, const struct cpumask *cpus);
/* Moves p, queued or not (sched_move_task). */
void task_set_group(struct kernel *k, struct task *p, struct task_group *tg);
/* Moves all threads of a process, as who writes to cgroup.procs; false: a programmable policy does
 * not let one of them go, and all stay. */
bool process_set_group(struct kernel *k, struct process *pr, struct task_group *tg);

/* The root group; `max_groups` more can be made. */
void task_groups_init(struct kernel *k, uint32_t max_groups);

/* The group's queue on a CPU, made when it is first asked for. */
struct cfs_rq *task_group_cfs_rq(struct kernel *k, struct task_group *tg, int cpu);

/* The group entity's weight follows the group's load on this CPU (update_cfs_group). */
void update_cfs_group(struct kernel *k, struct sched_entity *se);
uint64_t calc_group_shares(const struct cfs_rq *gcfs);
/* A task's new weight, scaled down, while it is off the queue. */
void reweight_task(struct kernel *k, struct task *p, uint32_t weight, uint32_t inv_weight);
void reweight_entity(struct kernel *k, struct cfs_rq *cfs, struct sched_entity *se,
                     uint32_t load_weight);
static inline bool
entity_is_task(const struct sched_entity *se)
{
    return se->my_q == NULL;
}
static inline bool
cfs_rq_is_idle(const struct cfs_rq *cfs)
{
    return cfs->tg->idle;
}
static inline bool
se_is_idle(const struct sched_entity *se)
{
    if (se->my_q != NULL)
        return cfs_rq_is_idle(se->my_q);
    return ((const struct task *)(const void *)((const char *)se - offsetof(struct task, se)))
               ->policy == POLICY_IDLE;
}

/* ---- cpu.max (bandwidth.c) ---- */

/* A queue is new: does its group have a limit? */
void init_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs);
/* cfs's current entity has run for delta: takes it from the queue's share of the pool. */
void account_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs, uint64_t delta);
/* At pick and put: throttles a queue without runtime. True: it is throttled. */
bool check_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs);
/* The queue got its first entity, or lost its last one. */
void check_enqueue_throttle(struct kernel *k, struct cfs_rq *cfs);
void return_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs);
static inline bool
cfs_rq_throttled(const struct cfs_rq *cfs)
{
    return cfs->throttled;
}
/* The CPU leaves, or is back (hotplug). */
void rq_offline_bandwidth(struct kernel *k, struct rq *rq);
void rq_online_bandwidth(struct kernel *k, struct rq *rq);
/* A group's queues are out on one of these CPUs: its tasks stay where they are. */
bool throttled_lb_pair(const struct task_group *tg, int src_cpu, int dst_cpu);
void cfs_bandwidth_reset_stats(struct kernel *k);
/* The queue or one above it is throttled. */
static inline bool
throttled_hierarchy(const struct cfs_rq *cfs)
{
    return cfs->throttle_count > 0;
}

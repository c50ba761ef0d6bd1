/*
 * Scheduling classes, in kernel order: stop, deadline, rt, fair, ext, idle; above them script,
 * which is ours. Each is one file and one table with the kernel's operations; an operation that is
 * NULL is one that the class does not need.
 */
#pragma once

#include "kernel/task.h"

struct rq;

/* Flags of enqueue and dequeue, with the kernel's meaning. */
enum {
    ENQUEUE_WAKEUP = 1 << 0,
    ENQUEUE_INITIAL = 1 << 1,
    ENQUEUE_MIGRATED = 1 << 2,
    ENQUEUE_RESTORE = 1 << 3,
    DEQUEUE_SLEEP = 1 << 0,
    DEQUEUE_SAVE = 1 << 1,
    DEQUEUE_MIGRATING = 1 << 2,
    DEQUEUE_DELAYED = 1 << 3,   /* a delayed dequeue is carried out */
    DEQUEUE_SPECIAL = 1 << 4,   /* dead: never delayed */
    DEQUEUE_MOVE = 1 << 5,      /* with SAVE: it may come back to another place */
    ENQUEUE_DELAYED = 1 << 4,   /* a delayed task is woken: it is queued already */
    ENQUEUE_HEAD = 1 << 5,      /* to the head of its priority */
    ENQUEUE_REPLENISH = 1 << 6, /* a reservation gets its next budget */
    WF_FORK = 1 << 0,
    WF_TTWU = 1 << 1,
    WF_EXEC = 1 << 2,
    WF_SYNC = 1 << 3,
    WF_MIGRATED = 1 << 4,
    WF_KTHREAD = 1 << 5, /* by a kernel thread of one CPU, itself and no interrupt */
};

struct sched_class {
    const char *name;
    int rank; /* higher preempts lower */
    void (*enqueue_task)(struct kernel *k, struct rq *rq, struct task *p, int flags);
    /* Both keep rq->nr_running, by add_nr_running() and sub_nr_running(). False: the dequeue is
     * delayed and the task stays queued. */
    bool (*dequeue_task)(struct kernel *k, struct rq *rq, struct task *p, int flags);
    void (*yield_task)(struct kernel *k, struct rq *rq);
    /* A task of this class has become runnable: does it preempt rq->curr? Kicks if so. */
    void (*wakeup_preempt)(struct kernel *k, struct rq *rq, struct task *p, int flags);
    /* Nothing of this class or above is queued: pull? True: something came. */
    bool (*balance)(struct kernel *k, struct rq *rq, struct task *prev);
    /* There was nothing to pick: pull. True: pick again. */
    bool (*newidle)(struct kernel *k, struct rq *rq);
    struct task *(*pick_task)(struct kernel *k, struct rq *rq);
    void (*put_prev_task)(struct kernel *k, struct rq *rq, struct task *p);
    void (*set_next_task)(struct kernel *k, struct rq *rq, struct task *p);
    /* Both in one, where prev is still queued or has just left; NULL: put, then set. */
    void (*switch_task)(struct kernel *k, struct rq *rq, struct task *prev, struct task *next);
    int (*select_task_rq)(struct kernel *k, struct task *p, int cpu, int flags);
    void (*migrate_task_rq)(struct kernel *k, struct task *p, int new_cpu);
    void (*task_woken)(struct kernel *k, struct rq *rq, struct task *p);
    void (*set_cpus_allowed)(struct kernel *k, struct task *p, const struct cpumask *allowed);
    void (*rq_online)(struct kernel *k, struct rq *rq);
    void (*rq_offline)(struct kernel *k, struct rq *rq);
    /* A tick; queued says that others wait. */
    void (*task_tick)(struct kernel *k, struct rq *rq, struct task *p);
    /* From when on a tick may change something for curr, or SIM_NEVER. */
    sim_time (*tick_due)(struct kernel *k, struct rq *rq);
    void (*task_fork)(struct kernel *k, struct task *p);
    void (*task_dead)(struct kernel *k, struct task *p);
    void (*switching_to)(struct kernel *k, struct rq *rq, struct task *p);
    void (*switched_from)(struct kernel *k, struct rq *rq, struct task *p);
    void (*switched_to)(struct kernel *k, struct rq *rq, struct task *p);
    void (*reweight_task)(struct kernel *k, struct rq *rq, struct task *p, int nice);
    void (*prio_changed)(struct kernel *k, struct rq *rq, struct task *p, int old_prio);
    void (*update_curr)(struct kernel *k, struct rq *rq);
};

enum { RANK_FAIR = 1, RANK_RT = 2, RANK_DL = 3, RANK_SCRIPT = 100 };

extern const struct sched_class script_sched_class, dl_sched_class, rt_sched_class,
    fair_sched_class;

/* Highest first, NULL at the end. */
extern const struct sched_class *const sched_classes[];

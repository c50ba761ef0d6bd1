/*
 * The deadline class (kernel/sched/deadline.c; sched-core.md 5.5): reservations (deadline.c), the
 * class of tasks that have one (deadline_class.c), where they run (deadline_push.c), and how much
 * may be reserved (dl_bw.c). The fair server is a reservation, too: dl_server.h.
 */
#pragma once

#include "kernel/kernel.h"

#define DL_BW_SHIFT 20
#define DL_SCALE 10 /* budgets are compared in units of 1024 ns */

/* What is reserved on the machine: runtime << 20 by period, summed. */
struct dl_bw {
    uint64_t limit; /* of one CPU; UINT64_MAX: there is no admission test */
    uint64_t total;
    /* bandwidth of tasks that left the class is given back at their zero-lag time */
    struct dl_release {
        sim_time at;
        uint64_t bw;
        const struct task *task;
    } * releases;
    uint32_t nr_releases, cap_releases;
};

static inline bool
dl_time_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}
static inline bool
dl_entity_preempt(const struct sched_dl_entity *a, const struct sched_dl_entity *b)
{
    return dl_time_before(a->deadline, b->deadline);
}
static inline bool
dl_prio(int prio)
{
    return prio < 0;
}
static inline bool
is_dl_boosted(const struct sched_dl_entity *dl)
{
    return dl->pi_se != dl;
}
static inline uint64_t
to_ratio(uint64_t period, uint64_t runtime)
{
    return period == 0 ? 0 : (runtime << DL_BW_SHIFT) / period;
}

/* ---- capacity ---- */

/* What a budget has been used by: a CPU of half the capacity uses it half as fast. */
static inline uint64_t
dl_scaled_delta_exec(const struct rq *rq, uint64_t delta)
{
    return delta * rq->capacity_orig >> 10;
}

/* Can the CPU do a budget's work by the deadline? */
static inline bool
dl_task_fits_capacity(const struct kernel *k, const struct task *p, int cpu)
{
    return k->rqs[cpu].capacity_orig >= p->dl.dl_density >> (DL_BW_SHIFT - 10);
}

/* ---- admission (dl_bw.c) ---- */

void dl_bw_init(struct kernel *k);
/* NULL, or what is wrong with the parameters as such. */
const char *dl_check_params(const struct task_attr *attr);
/* Room for p with these parameters? Takes it. NULL, or why not. */
const char *dl_bw_admit(struct kernel *k, struct task *p, const struct task_attr *attr);
/* p has left the class, or died: what it held is given back at its zero-lag time. */
void dl_bw_leave(struct kernel *k, struct task *p);
/* So many CPUs fewer: is there still room for what is reserved (dl_bw_deactivate)? */
bool dl_bw_may_leave(struct kernel *k, const struct cpumask *cpus);
/* The fair servers of these CPUs come or go. */
void dl_bw_count_servers(struct kernel *k, const struct cpumask *cpus, bool online);
void dl_set_params(struct sched_dl_entity *dl, uint64_t runtime, uint64_t deadline,
                   uint64_t period);

/* ---- reservations (deadline.c) ---- */

void dl_rq_init(struct kernel *k, struct rq *rq);
void dl_entity_init(struct sched_dl_entity *dl, struct task *p);
struct rq *rq_of_dl_se(struct kernel *k, struct sched_dl_entity *dl);
void replenish_dl_new_period(struct sched_dl_entity *dl, sim_time now);
void replenish_dl_entity(struct kernel *k, struct sched_dl_entity *dl, sim_time now);
/* False: the instant has passed. */
bool start_dl_timer(struct kernel *k, struct sched_dl_entity *dl, sim_time now);
void cancel_dl_timer(struct kernel *k, struct sched_dl_entity *dl);
void enqueue_dl_entity(struct kernel *k, struct sched_dl_entity *dl, int flags, sim_time now);
void dequeue_dl_entity(struct kernel *k, struct sched_dl_entity *dl);
/* It has run for delta up to now. */
void update_curr_dl_se(struct kernel *k, struct sched_dl_entity *dl, uint64_t delta, sim_time now);

/* ---- the class ---- */

void dl_task_timer_fire(struct engine *eng, struct event *ev);
void enqueue_task_dl(struct kernel *k, struct rq *rq, struct task *p, int flags);
void update_dl_rq_load_avg(struct kernel *k, struct rq *rq, bool running);

void enqueue_pushable_dl_task(struct kernel *k, struct rq *rq, struct task *p);
void dequeue_pushable_dl_task(struct kernel *k, struct rq *rq, struct task *p);
int select_task_rq_dl(struct kernel *k, struct task *p, int cpu, int flags);
void check_preempt_equal_dl(struct kernel *k, struct rq *rq, struct task *p);
/* The first of those that wait goes where it can run; false: it has nowhere to go. */
bool push_dl_task(struct kernel *k, struct rq *rq);
void push_dl_tasks(struct kernel *k, struct rq *rq);
void pull_dl_task(struct kernel *k, struct rq *rq);
void task_woken_dl(struct kernel *k, struct rq *rq, struct task *p);

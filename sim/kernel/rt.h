/* What others ask of the rt class (rt.c, rt_push.c, rt_throttle.c). */
#pragma once

#include "kernel/kernel.h"

static inline bool
rt_prio(int prio)
{
    return prio >= 0 && prio < NO_RT_PRIO;
}
static inline bool
rt_policy(enum task_policy policy)
{
    return policy == POLICY_FIFO || policy == POLICY_RR;
}

void rt_rq_init(struct kernel *k, struct rq *rq);
void push_rt_tasks(struct kernel *k, struct rq *rq);
void pull_rt_task(struct kernel *k, struct rq *rq);
/* What the class did to the CPU's utilisation up to now; running: in the time since the last call.
 */
void update_rt_rq_load_avg(struct kernel *k, struct rq *rq, bool running);

/* ---- between rt.c and its other files ---- */

void enqueue_pushable_task(struct kernel *k, struct rq *rq, struct task *p);
void dequeue_pushable_task(struct kernel *k, struct rq *rq, struct task *p);
int select_task_rq_rt(struct kernel *k, struct task *p, int cpu, int flags);
void task_woken_rt(struct kernel *k, struct rq *rq, struct task *p);
void check_preempt_equal_prio(struct kernel *k, struct rq *rq, struct task *p);
void requeue_task_rt(struct rq *rq, struct task *p, bool head);

/* Classic throttling: rt work starts, has run `delta`; when its limit is reached at the earliest.
 */
/* The CPU leaves: its tasks wait for no period (hotplug). */
void rq_offline_rt(struct kernel *k, struct rq *rq);
void start_rt_bandwidth(struct kernel *k, struct rq *rq);
void account_rt_time(struct kernel *k, struct rq *rq, uint64_t delta);
void rt_period_fire(struct engine *eng, struct event *ev);
sim_time rt_throttle_due(const struct kernel *k, const struct rq *rq);

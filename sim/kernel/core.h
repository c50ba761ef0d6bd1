/* Handlers of the core, for kernel.c and task.c. */
#pragma once

#include "kernel/kernel.h"

void kick_fire(struct engine *eng, struct event *ev);
void tick_fire(struct engine *eng, struct event *ev);
void task_timer_fire(struct engine *eng, struct event *ev);

struct domains *kernel_build_domains(struct kernel *k, bool without_numa);
/* What sched.tunable_scaling multiplies tunables of the fair class with; at most 8 CPUs count
 * (get_update_sysctl_factor). */
uint64_t sched_tunable_factor(const struct kernel *k);
/* What p may use follows from its affinity, its cpuset and the online CPUs. */
void task_find_allowed(struct kernel *k, struct task *p);
/* And its class hears of it; it is not moved. */
void task_see_allowed(struct kernel *k, struct task *p);

/* Onto and off its class's queue, in whatever state the task is. */
void enqueue_task(struct kernel *k, struct rq *rq, struct task *p, int flags);
bool dequeue_task(struct kernel *k, struct rq *rq, struct task *p, int flags);

/* Ends a task that is on no queue. */
void task_bury(struct kernel *k, struct task *p);

/* Of the rt or the deadline class. */
static inline bool
above_fair(const struct task *p)
{
    return p->class == &rt_sched_class || p->class == &dl_sched_class;
}

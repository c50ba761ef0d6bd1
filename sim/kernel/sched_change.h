/* Changes of class and priority (sched_change.c). */
#pragma once

#include "kernel/kernel.h"

/* The policy that a new task begins with; its weight is set elsewhere. False: the kernel has failed
 * (kernel_fail). */
bool sched_init_task(struct kernel *k, struct task *p, const struct task_attr *attr);

/* The class that p's policy means now, whatever it had: for who switches policies of whole
 * machines. */
void sched_class_refresh(struct kernel *k, struct task *p);

/* The first time a task above the fair class is made, servers begin. */
void sched_class_used(struct kernel *k, const struct sched_class *class);

/*
 * Priority inheritance: p holds a lock that `waiter` waits for and runs as if it were as important
 * as the most important of those, `waiter`; NULL: nobody waits (rt_mutex_setprio).
 */
void rt_mutex_setprio(struct kernel *k, struct task *p, struct task *waiter);

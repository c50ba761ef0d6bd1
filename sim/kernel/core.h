/* Handlers of the core, for kernel.c and task.c. */
#pragma once

#include "kernel/kernel.h"

void kick_fire(struct engine *eng, struct event *ev);
void tick_fire(struct engine *eng, struct event *ev);
void task_timer_fire(struct engine *eng, struct event *ev);

/* Onto and off its class's queue, in whatever state the task is. */
void enqueue_task(struct kernel *k, struct rq *rq, struct task *p, int flags);
bool dequeue_task(struct kernel *k, struct rq *rq, struct task *p, int flags);

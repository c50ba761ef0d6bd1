/* Handlers of the core, for kernel.c and task.c. */
#pragma once

#include "kernel/kernel.h"

void kick_fire(struct engine *eng, struct event *ev);
void tick_fire(struct engine *eng, struct event *ev);
void task_timer_fire(struct engine *eng, struct event *ev);

/* The events of a burst, for core.c: see burst.c. */
#pragma once

#include "kernel/kernel.h"

/* p has been switched in: goes on with its burst, or asks for the next action. */
void burst_resume(struct kernel *k, struct rq *rq);
/* p is about to leave the CPU. */
void burst_suspend(struct kernel *k, struct rq *rq);
void burst_fire(struct engine *eng, struct event *ev);
/* What runs waits for so long before it goes on with its work. */
void burst_owe(struct kernel *k, struct rq *rq, sim_time ns);
/* What runs sleeps in the middle of its burst, as for I/O, until task_wake(). */
void burst_wait_io(struct kernel *k, struct rq *rq);
/* Asks the memory model to look again at this instant. */
void rates_dirty(struct kernel *k);
void rates_fire(struct engine *eng, struct event *ev);

/*
 * The fair server (kernel/sched/deadline.c: dl_server_*; sched-core.md 5.4): a deferred reservation
 * by which fair tasks get a little of a CPU that higher classes keep busy.
 *
 * A machine on which no task above the fair class has ever been has no use for it: every call
 * returns at once, and there are no events.
 */
#pragma once

#include "kernel/kernel.h"

void dl_server_init(struct kernel *k, struct rq *rq);
void dl_server_stop(struct kernel *k, struct rq *rq);
/* There is a task above the fair class now: from here on servers are kept. */
void dl_server_begin(struct kernel *k);
/* Its timer; SIM_NEVER: none. */
void dl_server_set_timer(struct kernel *k, struct rq *rq, sim_time at);

/* A task above the fair class is queued on the CPU. */
static inline bool
dl_server_watched(const struct rq *rq)
{
    return rq->rt.nr_running > 0 || rq->dl.nr > (rq->fair_server.dl.on_rq ? 1 : 0);
}

void dl_server_start_slow(struct kernel *k, struct rq *rq);
void dl_server_charge(struct kernel *k, struct rq *rq, uint64_t delta);
void dl_server_charge_idle(struct kernel *k, struct rq *rq);
void dl_server_watch_slow(struct kernel *k, struct rq *rq);

/* The first fair task is queued. */
static inline void
dl_server_start(struct kernel *k, struct rq *rq)
{
    if (unlikely(k->higher_classes))
        dl_server_start_slow(k, rq);
}

/* A fair task has run for delta, up to now. */
static inline void
dl_server_update(struct kernel *k, struct rq *rq, uint64_t delta)
{
    if (unlikely(rq->fair_server_active))
        dl_server_charge(k, rq, delta);
}

/* The CPU stops being idle. */
static inline void
dl_server_update_idle_time(struct kernel *k, struct rq *rq)
{
    if (unlikely(k->higher_classes))
        dl_server_charge_idle(k, rq);
}

/* A task above the fair class has been queued. */
static inline void
dl_server_watch(struct kernel *k, struct rq *rq)
{
    if (rq->fair_server_active || rq->curr == NULL)
        dl_server_watch_slow(k, rq);
}

/* The first tick that finds the budget of the server that runs curr used up. */
sim_time dl_server_tick_due(const struct kernel *k, const struct rq *rq);

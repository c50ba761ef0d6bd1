/*
 * Load balancing over the domain tree (kernel/sched/fair.c: sched_balance_*).
 *
 * Busy CPUs balance at their own ticks, at the busy interval; for idle CPUs, whose tick is stopped,
 * a CPU with more than one task kicks the nohz balancer; a CPU that runs dry pulls at once.
 */
#pragma once

#include "kernel/kernel.h"

void balance_init(struct kernel *k);
/* At a tick: raises the softirq if a pass is due, and kicks the nohz balancer. */
void balance_trigger(struct kernel *k, struct rq *rq);
/* From when on a tick of a busy CPU finds something to do for balance_trigger(). */
sim_time balance_tick_due(const struct kernel *k, const struct rq *rq);
/* The softirq, in PHASE_BALANCE. */
void balance_fire(struct engine *eng, struct event *ev);
/* rq has nothing to run: pull. True if something came. */
bool sched_balance_newidle(struct kernel *k, struct rq *rq);

/* One pass for dst over one domain; the number of tasks moved. */
uint32_t sched_balance_rq(struct kernel *k, struct rq *dst, struct sched_domain *sd,
                          enum idle_type idle, bool *continue_balancing);

/* ---- CPU selection (select.c) ---- */

/* After the domains and the run queues. */
void select_init(struct kernel *k);
/* rq goes idle: does its whole core? */
void update_idle_core(struct kernel *k, struct rq *rq);
/* select_task_rq_fair: the CPU for a wake-up, a fork or an exec (WF_*) seen from `cpu`. */
uint32_t adjust_numa_imbalance(uint32_t imbalance, uint32_t dst_running, uint32_t imb_numa_nr);
int select_task_rq_fair(struct kernel *k, struct task *p, int cpu, int flags);

/*
 * Load balancing over the domain tree (kernel/sched/fair.c: sched_balance_*).
 *
 * Busy CPUs balance at their own ticks, at the busy interval; for idle CPUs, whose tick is stopped,
 * a busy CPU's tick kicks one of them, which balances for all; a CPU that runs dry pulls at once.
 */
#pragma once

#include "kernel/kernel.h"

void balance_init(struct kernel *k);
/* The domains are new: balancing begins anew in them (hotplug). */
void balance_rebuild(struct kernel *k);

/* ---- when (balance.c) ---- */

/* At a tick of a CPU that is not idle: raises the softirq if a pass is due. */
void balance_trigger(struct kernel *k, struct rq *rq);
/* From when on a tick of a busy CPU finds something to do for balance_trigger(). Kicks of the nohz
 * balancer are no part of it: one event of the machine stands for all CPUs' ticks there. */
sim_time balance_tick_due(const struct kernel *k, const struct rq *rq);
/* The softirq, in PHASE_BALANCE. */
void balance_fire(struct engine *eng, struct event *ev);
/* rq has nothing to run: pull. True if something came. */
bool sched_balance_newidle(struct kernel *k, struct rq *rq);
/* A task is woken on rq: how long it was idle enters avg_idle (ttwu_do_activate). */
void update_avg_idle(struct kernel *k, struct rq *rq);

/* ---- idle CPUs (balance_nohz.c) ---- */

/* The CPU has switched to its idle task: its tick stops. */
void nohz_balance_enter_idle(struct kernel *k, struct rq *rq);
/* It has switched from its idle task to another; its first tick is the next one. */
void nohz_balance_leave_idle(struct kernel *k, struct rq *rq);
/* Ticks balance again: a BPF scheduler that had all fair tasks leaves. */
void nohz_balance_resume(struct kernel *k);

/* These CPUs leave their domains. */
void nohz_forget(struct kernel *k, const struct cpumask *cpus);
/* The domains are new: CPUs without any leave, idle CPUs count as idle in their LLC. */
void nohz_rebuild(struct kernel *k);

/* ---- one pass (balance_rq.c) ---- */

/* For rq over one domain; the number of tasks moved. `cpu` does the work. */
uint32_t sched_balance_rq(struct kernel *k, int cpu, struct rq *rq, struct sched_domain *sd,
                          enum idle_type idle, bool *continue_balancing);
/* The stopper on rq's CPU pushes one task to rq->push_cpu. */
void active_load_balance_cpu_stop(struct kernel *k, struct rq *rq);

/* ---- capacities (capacity.c) ---- */

/* Of the CPU's own group in a domain, from the groups below (update_group_capacity). */
void update_group_capacity(struct kernel *k, struct sched_domain *sd, int cpu);
/* Has side activity taken more than the domain tolerates (check_cpu_capacity)? */
bool check_cpu_capacity(const struct kernel *k, const struct rq *rq, const struct sched_domain *sd);
/* Interrupts stole ns from the CPU: avg_irq will see it, in portions of a PELT period. */
enum { IRQ_PORTION = 1024 * 1024 };
void update_irq_load_avg(struct kernel *k, struct rq *rq);
static inline void
account_irq_time(struct kernel *k, struct rq *rq, sim_time ns)
{
    if (!sched_feat(k, NONTASK_CAPACITY))
        return;
    rq->irq_pending += ns;
    if (unlikely(k->engine.now >= rq->avg_irq.last_update_time + IRQ_PORTION))
        update_irq_load_avg(k, rq);
}
/* Is rq's current task (or p, NULL: none) too large for this CPU (update_misfit_status)? At `when`,
 * which is before now if ticks are made up for. */
void see_misfit(struct kernel *k, struct task *p, struct rq *rq, sim_time when);
static inline void
update_misfit_status(struct kernel *k, struct task *p, struct rq *rq)
{
    if (unlikely(k->asym_cpucapacity))
        see_misfit(k, p, rq, k->engine.now);
}
/* The CPU of a group that is to be filled first, where CPUs have priorities. */
int asym_prefer_cpu(const struct kernel *k, const struct cpumask *span);
/* More than 5 % larger. */
static inline bool
capacity_greater(uint64_t a, uint64_t b)
{
    return a * 1024 > b * 1078;
}
/* Does a utilisation leave 20 % of a capacity? */
static inline bool
fits_capacity(uint64_t util, uint64_t capacity)
{
    return util * 1280 < capacity * 1024;
}

/* ---- CPU selection (select.c) ---- */

/* After the domains and the run queues. */
void select_init(struct kernel *k);
/* The same where only the domains are new; what LLCs knew of idle CPUs is lost. */
void select_rebuild(struct kernel *k);
/* rq goes idle: does its whole core? */
void update_idle_core(struct kernel *k, struct rq *rq);
/* select_task_rq_fair: the CPU for a wake-up, a fork or an exec (WF_*) seen from `cpu`. */
uint32_t adjust_numa_imbalance(uint32_t imbalance, uint32_t dst_running, uint32_t imb_numa_nr);
/* The first CPU of p's node that it may use, else the first anywhere. */
int select_fallback_rq(const struct kernel *k, const struct task *p);
int select_task_rq_fair(struct kernel *k, struct task *p, int cpu, int flags);

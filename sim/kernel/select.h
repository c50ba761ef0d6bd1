/*
 * CPU selection: where a woken, a new and an exec'ing task runs (kernel/sched/fair.c:
 * select_task_rq_fair and below; sched-core.md section 3).
 *
 *   select.c          the three ways in, the fallback
 *   select_affine.c   wake-ups: near the waker or near the old CPU? (wake_affine)
 *   select_idle.c     wake-ups: an idle CPU near that one (select_idle_sibling)
 *   select_scan.c     the scans of a whole LLC, idle cores
 *   select_fork.c     fork and exec: down the domain tree (sched_balance_find_dst_cpu)
 *   select_group.c    which group of a domain (sched_balance_find_dst_group)
 *   select_exec.c     a task that executes another program (sched_exec)
 *   select_variant.c  historic and textbook rules, behind the switches select.*
 *   select_probe.c    reasons, for the probe
 *
 * Not modelled: uclamp, core scheduling, energy-aware placement, cpuidle states (all idle CPUs wake
 * equally fast). Kernel threads of a CPU, whose wakees may stay there, are those of recordings.
 */
#pragma once

#include "kernel/balance.h"
#include "kernel/load.h"
#include "kernel/numa.h"

static inline bool
allowed_on(const struct task *p, int cpu)
{
    return cpumask_test(p->allowed, (uint32_t)cpu);
}

/* A CPU that runs only SCHED_IDLE work is as good as an idle one. */
static inline bool
sched_idle_cpu(const struct kernel *k, int cpu)
{
    return sched_idle_rq(&k->rqs[cpu]);
}
static inline bool
idle_or_sched_idle(const struct kernel *k, int cpu)
{
    return idle_cpu(k, cpu) || sched_idle_cpu(k, cpu);
}

/* The online threads of the CPU's core. */
static inline const struct cpumask *
cpu_smt_mask(const struct kernel *k, int cpu)
{
    return k->domains->cpus[cpu].smt_mask;
}
static inline bool
core_idle(const struct kernel *k, int cpu)
{
    return cpumask_subset(cpu_smt_mask(k, cpu), k->idle_cpus);
}
static inline bool
cpus_share_resources(const struct domains *d, int a, int b)
{
    return a == b || d->cpus[a].share_id == d->cpus[b].share_id;
}

/* ---- wake-ups ---- */

/* What wake_affine_weight() compares. */
struct affine_loads {
    uint64_t this_load, current_load, task_load, prev_load;
    uint64_t this_capacity, prev_capacity;
    uint32_t imbalance_pct;
    bool sync, bias;
};

/* True: the waker's CPU would be less loaded, the wakee may come. */
bool affine_weight_pulls(const struct affine_loads *l);

enum affine_rule { AFFINE_NONE, AFFINE_IDLE, AFFINE_WEIGHT, AFFINE_VARIANT };

/* One wake-up: the inputs, and what each step made of them. */
struct wakeup {
    struct task *p;
    int this_cpu, prev, target;
    bool sync, wide, want_affine, kthread; /* kthread: the waker is one of a CPU */
    uint32_t waker_flips;
    struct sched_domain *sd;      /* in which wake_affine() decided, or NULL */
    enum affine_rule affine_rule; /* that decided the target */
    struct affine_loads loads;    /* AFFINE_WEIGHT or undecided by it: filled in */
    bool weighed;
    const char *rule;
};

void record_wakee(struct kernel *k, int cpu, const struct task *p);
bool wake_wide(const struct kernel *k, struct wakeup *w);
/* Sets w->target. */
void wake_affine(struct kernel *k, struct sched_domain *sd, struct wakeup *w);

/* An idle CPU near w->target, or w->target; sets w->rule. */
int select_idle_sibling(struct kernel *k, struct wakeup *w);

/* The scans of a domain around `target`; -1: none. */
int select_idle_cpu(struct kernel *k, const struct task *p, const struct sched_domain *sd,
                    bool has_idle_core, int target);
int select_idle_smt(const struct kernel *k, const struct task *p, const struct sched_domain *sd,
                    int cpu);
int select_idle_capacity(const struct kernel *k, const struct task *p,
                         const struct sched_domain *sd, int target);
/* Where CPUs are unequal: does the task fit? */
bool asym_fits_cpu(const struct kernel *k, const struct task *p, int cpu);
static inline uint64_t
wakee_util(const struct task *p)
{
    return task_util_est(&p->se.avg);
}

static inline bool
test_idle_cores(const struct kernel *k, int cpu)
{
    const struct sched_domain_shared *sds = k->domains->cpus[cpu].llc_shared;

    return sds != NULL && sds->has_idle_cores;
}

/* ---- fork and exec ---- */

/* group_type of the kernel; in the order in which an idlest group is looked for. */
enum dst_type {
    DST_HAS_SPARE,
    DST_FULLY_BUSY,
    DST_MISFIT_TASK,
    DST_IMBALANCED,
    DST_OVERLOADED,
};

/* What update_sg_wakeup_stats() finds out about a group, p's own part left out. */
struct dst_stats {
    struct sched_group *group; /* NULL: none */
    uint64_t load, util, runnable, capacity, avg_load;
    uint32_t nr_running, h_nr_running, idle_cpus, weight;
    bool misfit;
    enum dst_type type;
};

void update_sg_wakeup_stats(struct kernel *k, const struct sched_domain *sd, struct sched_group *sg,
                            const struct task *p, struct dst_stats *s);
enum dst_type dst_classify(const struct dst_stats *s, uint32_t imbalance_pct);
/* The group to go to, or NULL: stay in the local one. */
struct sched_group *sched_balance_find_dst_group(struct kernel *k, const struct sched_domain *sd,
                                                 const struct task *p, int this_cpu);
/* The slow path from sd downwards. */
int sched_balance_find_dst_cpu(struct kernel *k, struct sched_domain *sd, struct task *p, int cpu,
                               int prev, uint32_t sd_flag);
/* The idlest CPU of a set in sd (NULL: in none), for the probe. */
int sched_balance_find_dst_group_cpu(struct kernel *k, const struct sched_domain *sd,
                                     const struct cpumask *span, const struct task *p,
                                     int this_cpu);
enum { UNSEEN_PARENT_LOAD = 1024 };
/* An idle CPU that forks a task without a parent counts as running the parent. */
static inline bool
runs_unseen_parent(const struct kernel *k, int cpu)
{
    return cpu == k->forker && idle_cpu(k, cpu);
}

/* ---- variants ---- */

static inline int
preferred_node(const struct task *p)
{
    return p->numa != NULL ? p->numa->preferred : NUMA_NO_NODE;
}
/* The CPUs of a set that p may use. */
uint32_t allowed_in(const struct task *p, const struct cpumask *span);

/* The target by the rule of select.affinity, which is not the kernel's. */
bool affine_variant_pulls(struct kernel *k, const struct sched_domain *sd, const struct wakeup *w);
/* The CPU by the rule of select.wake, or -1: the kernel's rule is to decide. Sets w->rule. */
int wake_variant_cpu(struct kernel *k, struct wakeup *w);

/* ---- reasons ---- */

void probe_wake(struct kernel *k, const struct wakeup *w);
/* The slow path: a group, the domain, the CPUs of the group that was chosen. */
void probe_dst_group(struct kernel *k, const struct sched_domain *sd, const struct dst_stats *s,
                     uint32_t index, bool local);
void probe_dst_domain(struct kernel *k, const struct sched_domain *sd, const struct task *p,
                      int this_cpu, const struct sched_group *local);
void probe_idle_cpu(struct kernel *k, const struct sched_domain *sd, const struct rq *rq);
void probe_sched_idle_cpu(struct kernel *k, const struct sched_domain *sd, int cpu);
void probe_load_of_cpu(struct kernel *k, const struct sched_domain *sd, int cpu, uint64_t load);

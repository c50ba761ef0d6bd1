/*
 * Where rt and deadline tasks may go: how important the work of each CPU is (kernel/sched/cpupri.c,
 * cpudeadline.c), and the choice among CPUs that are equally good.
 */
#pragma once

#include "kernel/kernel.h"

enum { CPUPRI_NORMAL = 0, CPUPRI_HIGHER = 100, CPUPRI_NR = 101 };

/* One for the machine: a root domain of all online CPUs. */
struct push_state {
    uint8_t *cpu_to_pri; /* by CPU: NORMAL, 1 to 99 rt, HIGHER */
    struct {
        uint32_t count;
        struct cpumask *cpus;
    } pri[CPUPRI_NR];
    struct cpumask *rt_overloaded, *dl_overloaded; /* CPUs with a task that could be pushed */
    uint32_t nr_rt_overloaded, nr_dl_overloaded;
    struct cpumask *dl_cpus, *dl_free; /* CPUs with and without deadline work */
    struct cpumask *found;             /* the last search */
};

void push_init(struct kernel *k);

/* A CPU without work of higher classes leaves the root domain, or joins it. */
void push_set_online(struct kernel *k, struct rq *rq, bool online);

/* rq's most important work has this kernel priority now; NO_RT_PRIO: none above fair,
 * MAX_RT_PRIO: deadline. */
void cpupri_set(struct kernel *k, struct rq *rq, int prio);
/* Fills push->found with the allowed CPUs of the lowest class below p's priority; false: none. */
bool cpupri_find(struct kernel *k, const struct task *p);

/* rq's earliest deadline, 0: no deadline work. */
void cpudl_set(struct kernel *k, struct rq *rq, uint64_t deadline);
/* Fills push->found with allowed CPUs free of deadline work that p fits, or (only: without the
 * former) with the one whose earliest deadline is latest, if p's is earlier. */
bool cpudl_find(struct kernel *k, const struct task *p, bool only_latest);

/* A CPU of push->found for p: its own, else near it by domains with WAKE_AFFINE, `this_cpu` before
 * others. */
int push_target(struct kernel *k, const struct task *p, int this_cpu);

/* rq gets its first, or loses its last, task that may be pushed. */
void push_set_overload(struct cpumask *mask, uint32_t *nr, bool *overloaded, int cpu, bool now);

/* Carries out pushes and pulls that were asked for. */
void balance_callbacks(struct kernel *k, struct rq *rq);

/* Moves a waiting task to another CPU, at the cost of `by`. */
void push_move_task(struct kernel *k, struct task *p, int to_cpu, int by);

/* Charges the running task of a class that has no virtual time: up to what its clock showed, or
 * shows now. */
uint64_t update_curr_until(struct rq *rq, uint64_t clock_task);
static inline uint64_t
update_curr_common(struct kernel *k, struct rq *rq)
{
    return update_curr_until(rq, rq_clock_task(k, rq));
}

/* The next CPU of both after that of the last search made on `on`, so that choices are spread; -1:
 * none. The very first search skips CPU 0. */
int cpumask_any_and_distribute(struct rq *on, const struct cpumask *a, const struct cpumask *b);

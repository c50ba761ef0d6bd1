/*
 * What the files of the load balancer share; nobody else includes it.
 *
 *   balance.c            when: intervals, the softirq, all domains of a CPU
 *   balance_newidle.c    a CPU that runs dry, and what its passes may cost
 *   balance_nohz.c       idle CPUs whose tick has stopped
 *   balance_rq.c         one pass over one domain
 *   balance_stats.c      statistics of groups, their types, the busiest one
 *   balance_cpus.c       the same for groups of one CPU each
 *   balance_imbalance.c  the decision: from which group, how much of what
 *   balance_source.c     from which queue of that group
 *   balance_move.c       which tasks
 *   balance_active.c     the stopper, where only the running task could move
 *   capacity.c           what CPUs and groups have to give
 *
 * A pass takes no time in the model: nobody ever meets the lock of SD_SERIALIZE held, and no queue
 * changes between two looks at it. What it costs is charged to the CPU that does it.
 */
#pragma once

#include "kernel/balance.h"

/* Higher is busier. */
enum group_type {
    GROUP_HAS_SPARE,
    GROUP_FULLY_BUSY,
    GROUP_MISFIT_TASK,
    GROUP_SMT_BALANCE,
    GROUP_ASYM_PACKING,
    GROUP_IMBALANCED,
    GROUP_OVERLOADED,
};

enum migration_type { MIGRATE_LOAD, MIGRATE_UTIL, MIGRATE_TASK, MIGRATE_MISFIT };
/* What may be taken: tasks without a preferred node first, then those away from theirs. */
enum fbq_type { FBQ_REGULAR, FBQ_REMOTE, FBQ_ALL };

struct sg_lb_stats {
    struct sched_group *group; /* NULL: none */
    const struct cpu_sums *sums;
    enum group_type type;
    uint32_t weight, idle_cpus;
    uint64_t avg_load, capacity, misfit_load;
    bool asym_packing, smt_balance;
    struct cpu_sums total; /* where nobody keeps the sums */
};

/* What is known of a domain: the group of the CPU that pulls, the one to pull from. */
struct sd_lb_stats {
    struct sg_lb_stats *local, *busiest;
    struct sg_lb_stats slots[3]; /* those two, and the group that is being looked at */
    bool prefer_sibling, misfit;
    uint64_t avg_load; /* of the whole domain, once it was asked for */
};

enum { SCHED_NR_MIGRATE_BREAK = 32 };

struct lb_env {
    struct kernel *k;
    struct sched_domain *sd;
    int cpu; /* who does it */
    struct rq *dst, *src;
    const struct cpumask *cpus, *dst_grpmask;
    struct cpumask *left_out; /* where cpus is a copy, once a CPU is out of the question */
    uint64_t jiffy;
    enum idle_type idle;
    enum migration_type migration;
    enum fbq_type fbq;
    int64_t imbalance;
    uint32_t loop, loop_break, loop_max;
    int new_dst_cpu;
    bool all_pinned, some_pinned, dst_pinned, need_break, active, dst_core_idle;
    struct list tasks; /* detached */
};

/* Does nobody learn by which rule a decision of this kind was made, or change it? Then rules may be
 * tried in another order. */
static inline bool
rule_is_unseen(const struct kernel *k, enum decision_kind kind)
{
    return !((k->probe.wanted | k->probe.noted) >> kind & 1) && k->probe.force_seq == 0;
}

/* Has any of these CPUs lost capacity to other classes or interrupts? */
static inline bool
some_reduced(const struct kernel *k, const struct cpumask *span)
{
    return unlikely(k->nr_reduced > 0) && cpumask_intersects(span, k->reduced_cpus);
}

/* All siblings of the CPU's core are idle, itself apart. */
bool is_core_idle(const struct kernel *k, int cpu);

/* balance.c */
uint64_t get_sd_balance_interval(const struct kernel *k, const struct sched_domain *sd, bool busy);
uint64_t max_load_balance_interval(const struct kernel *k);
void set_balance_interval(struct kernel *k, struct sched_domain *sd, uint32_t ms);
void sched_balance_domains(struct kernel *k, int cpu, struct rq *rq, enum idle_type idle);

/* balance_newidle.c */
/* A pass cost so much and was a success, or not; cost 0: a regular visit. True: it decayed. */
bool update_newidle_cost(struct kernel *k, struct sched_domain *sd, uint64_t cost,
                         uint32_t success);

/* balance_nohz.c */
enum { NOHZ_STATS_KICK = 1, NOHZ_BALANCE_KICK = 2, NOHZ_NEXT_KICK = 4 };
void nohz_fire(struct engine *eng, struct event *ev);
void nohz_idle_balance(struct kernel *k, struct rq *rq, uint32_t flags);
void nohz_newidle_balance(struct kernel *k, struct rq *rq);

/* balance_stats.c */
void update_sd_lb_stats(struct lb_env *env, struct sd_lb_stats *sds);
/* The sums of a group over env->cpus, with averages made up to date. */
const struct cpu_sums *group_loads_slow(const struct lb_env *env, const struct sched_group *sg,
                                        struct cpu_sums *total);
static inline const struct cpu_sums *
group_loads(const struct lb_env *env, const struct sched_group *sg, struct cpu_sums *total)
{
    if (likely(sg->sums != NULL && sg->sums->caught_up == env->jiffy && env->k->nr_dirty == 0 &&
               env->left_out == NULL))
        return sg->sums;
    return group_loads_slow(env, sg, total);
}
/* How many CPUs of the LLC a wake-up looks at, by how much of it is used; but a CPU that runs dry
 * has no time for it. */
void update_idle_cpu_scan(const struct lb_env *env);
uint32_t idle_cpus_to_scan(uint64_t sum_util, uint32_t llc_weight, uint32_t imbalance_pct);

/* balance_cpus.c: of a domain of single CPUs, for one without tasks. */
/* The queue to pull from if one is overloaded, env->migration and env->imbalance set; NULL: none
 * is, or it is not such a pass. */
struct rq *overloaded_of_cpus(struct lb_env *env);
/* False: not such a pass. */
bool busiest_of_cpus(struct lb_env *env, struct sd_lb_stats *sds);

/* balance_average.c: by average load alone, as before group types. */
struct sched_group *find_src_group_by_average(struct lb_env *env);

/* balance_imbalance.c */
/* The group to pull from, env->migration and env->imbalance set; or NULL: balanced. */
struct sched_group *sched_balance_find_src_group(struct lb_env *env);
int64_t sibling_imbalance(const struct lb_env *env, const struct sd_lb_stats *sds);

/* balance_source.c */
struct rq *sched_balance_find_src_rq(struct lb_env *env, const struct sched_group *sg);

/* balance_move.c */
uint32_t detach_tasks(struct lb_env *env);
struct task *detach_one_task(struct lb_env *env);
void attach_tasks(struct lb_env *env);

/* balance_active.c */
bool need_active_balance(const struct lb_env *env);
/* Starts the stopper if it is not busy already. False: the running task may not come here. */
bool start_active_balance(struct lb_env *env, struct rq *this_rq, bool *started);

/* capacity.c */
/* Brings avg_rt, avg_dl and avg_irq up to now. */
void update_higher_load_avgs(struct kernel *k, struct rq *rq);
static inline void
update_other_load_avgs(struct kernel *k, struct rq *rq)
{
    if (unlikely(k->higher_classes))
        update_higher_load_avgs(k, rq);
    if (rq->irq_pending > 0 || rq->avg_irq.util_sum > 0)
        update_irq_load_avg(k, rq);
}
/* Is CPU a to be preferred to b (SD_ASYM_PACKING)? */
bool sched_asym_prefer(const struct kernel *k, int a, int b);
bool sched_use_asym_prio(const struct kernel *k, const struct sched_domain *sd, int cpu);
bool sched_asym(const struct kernel *k, const struct sched_domain *sd, int dst_cpu, int src_cpu);

/*
 * The busiest CPU of a lowest domain, for a CPU without tasks.
 *
 * Most passes of the balancer are these: groups of one CPU each, and one that has nothing. What
 * update_sd_lb_stats() would find out about all groups is then read from the queues themselves, and
 * few of them need a look: one of two tasks or more may be overloaded, which outranks all others.
 * If none is, it is the last in the ring of groups that has no capacity left, and if there is none
 * either, the first of those with most tasks. Ticks of CPUs that nobody asks are made up for later.
 */
#include "kernel/balance_impl.h"

#include "kernel/load.h"

struct busiest_cpu {
    struct rq *overloaded, *busy, *spare;
    uint64_t avg_load; /* of `overloaded` */
};

static struct cpu_sums
sums_of_cpu(struct kernel *k, struct rq *rq)
{
    return (struct cpu_sums){
        .load = rq->cfs.avg.load_avg,
        .util = cpu_util_cfs(k, rq),
        .runnable = rq->cfs.avg.runnable_avg,
        .nr_running = rq->nr_running,
        .h_nr_queued = rq->cfs.h_nr_queued,
    };
}

/* The group of a queue with two tasks or more as group_classify() would have it: too much of them
 * for the CPU. */
static inline bool
is_overloaded(const struct rq *rq, uint64_t util, uint32_t pct)
{
    return rq->cpu_capacity * 100 < util * pct ||
           rq->cpu_capacity * pct < (uint64_t)rq->cfs.avg.runnable_avg * 100;
}

static bool
has_capacity(struct rq *rq, uint64_t util, uint32_t pct)
{
    return rq->nr_running == 0 ||
           (rq->cpu_capacity * pct >= (uint64_t)rq->cfs.avg.runnable_avg * 100 &&
            rq->cpu_capacity * 100 > util * pct);
}

static inline void
look_at_overloaded(struct kernel *k, struct rq *rq, uint32_t pct, struct busiest_cpu *b)
{
    if (rq->cfs.h_nr_queued == 0 || !is_overloaded(rq, cpu_util_cfs(k, rq), pct))
        return;
    uint64_t load = rq->cfs.avg.load_avg * 1024;
    if (b->overloaded != NULL && load < (b->avg_load + 1) * rq->cpu_capacity)
        return; /* no more by capacity, whatever the division leaves */
    b->overloaded = rq;
    b->avg_load = load / rq->cpu_capacity;
}

static inline void
look_at_other(struct kernel *k, struct rq *rq, uint32_t pct, struct busiest_cpu *b)
{
    if (rq->cfs.h_nr_queued == 0)
        return;
    if (!has_capacity(rq, cpu_util_cfs(k, rq), pct))
        b->busy = rq;
    else if (b->spare == NULL || rq->nr_running > b->spare->nr_running)
        b->spare = rq;
}

typedef void look_at(struct kernel *k, struct rq *rq, uint32_t pct, struct busiest_cpu *b);

static inline void
look_at_word(const struct lb_env *env, uint64_t cpus, uint32_t word, struct busiest_cpu *b,
             look_at *look)
{
    for (; cpus != 0; cpus &= cpus - 1)
        look(env->k, &env->k->rqs[word * 64 + (uint32_t)__builtin_ctzll(cpus)],
             env->sd->imbalance_pct, b);
}

/* In the order of the ring of groups, from the one behind dst. */
static inline void
look_at_all(const struct lb_env *env, const struct cpumask *which, struct busiest_cpu *b,
            look_at *look)
{
    const struct cpumask *span = env->sd->span;
    uint32_t here = (uint32_t)env->dst->cpu, first = here / 64;
    uint64_t cpus = span->bits[first] & which->bits[first], own = (uint64_t)1 << here % 64;

    look_at_word(env, cpus & ~(own | (own - 1)), first, b, look);
    for (uint32_t i = first + 1; i < span->end_word; i++)
        look_at_word(env, span->bits[i] & which->bits[i], i, b, look);
    for (uint32_t i = span->first_word; i < first; i++)
        look_at_word(env, span->bits[i] & which->bits[i], i, b, look);
    look_at_word(env, cpus & (own - 1), first, b, look);
}

/* A CPU without tasks looks at CPUs that are all alike, and nobody wants to see each group. */
static inline bool
is_such_a_pass(const struct lb_env *env)
{
    const struct kernel *k = env->k;

    return env->dst->nr_running == 0 && env->sd->of_cpus && env->left_out == NULL &&
           env->idle != CPU_NOT_IDLE && !some_reduced(k, env->sd->span) && k->hotplug == NULL &&
           !probe_wants(k, DECISION_BALANCE_GROUP);
}

static void
refresh_own_capacity(const struct lb_env *env)
{
    if (env->idle != CPU_NEWLY_IDLE || env->jiffy >= env->sd->groups->sgc->next_update)
        update_group_capacity(env->k, env->sd, env->dst->cpu);
}

/* Nothing outranks the overloaded group, its one queue is the one to pull from, and within an LLC a
 * CPU without tasks takes half of them: what is decided follows without statistics of groups. */
struct rq *
overloaded_of_cpus(struct lb_env *env)
{
    struct kernel *k = env->k;
    struct busiest_cpu b = { 0 };

    if (!is_such_a_pass(env) || !(env->sd->flags & SD_SHARE_LLC) ||
        probe_wants(k, DECISION_BALANCE_QUEUE) || k->probe.force_seq != 0 ||
        k->params.sched.group_compare == GROUP_COMPARE_AVERAGE)
        return NULL;
    refresh_own_capacity(env);
    look_at_all(env, k->overloaded_cpus, &b, look_at_overloaded);
    if (b.overloaded == NULL)
        return NULL;
    k->rd_overloaded |= env->sd->parent == NULL;
    if (env->idle != CPU_NEWLY_IDLE)
        update_idle_cpu_scan(env);
    env->migration = MIGRATE_TASK;
    env->imbalance = b.overloaded->nr_running / 2;
    probe_decide(k, DECISION_BALANCE_GROUP, "sched_balance_find_src_group:overloaded", NULL,
                 env->dst->cpu, b.overloaded->cpu);
    probe_decide(k, DECISION_BALANCE_QUEUE, "sched_balance_find_src_rq:migrate_task", NULL,
                 env->dst->cpu, b.overloaded->cpu);
    return b.overloaded;
}

static void
fill_stats(struct kernel *k, struct sg_lb_stats *s, struct rq *rq, enum group_type type)
{
    s->group = k->domains->cpus[rq->cpu].sd->groups;
    s->total = sums_of_cpu(k, rq);
    s->sums = &s->total;
    s->type = type;
    s->weight = 1;
    s->idle_cpus = 0;
    s->capacity = rq->cpu_capacity;
    s->avg_load = s->misfit_load = 0;
    s->asym_packing = s->smt_balance = false;
}

bool
busiest_of_cpus(struct lb_env *env, struct sd_lb_stats *sds)
{
    struct kernel *k = env->k;
    struct busiest_cpu b = { 0 };

    if (!is_such_a_pass(env))
        return false;
    refresh_own_capacity(env);
    look_at_all(env, k->overloaded_cpus, &b, look_at_overloaded);
    if (b.overloaded == NULL)
        look_at_all(env, env->sd->span, &b, look_at_other);
    fill_stats(k, sds->local, env->dst, GROUP_HAS_SPARE);
    if (b.overloaded != NULL) {
        fill_stats(k, sds->busiest, b.overloaded, GROUP_OVERLOADED);
        sds->busiest->avg_load = b.avg_load;
    } else if (b.busy != NULL) {
        fill_stats(k, sds->busiest, b.busy, GROUP_FULLY_BUSY);
    } else if (b.spare != NULL) {
        fill_stats(k, sds->busiest, b.spare, GROUP_HAS_SPARE);
    }
    return true;
}

/*
 * The busiest CPU of a lowest domain, for a CPU that runs dry.
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

/* The queue's group as group_classify() would have it: more tasks than one CPU, and too much of
 * them. */
static bool
is_overloaded(struct rq *rq, uint64_t util, uint32_t pct)
{
    return rq->nr_running > 1 &&
           (rq->cpu_capacity * 100 < util * pct ||
            rq->cpu_capacity * pct < (uint64_t)rq->cfs.avg.runnable_avg * 100);
}

static bool
has_capacity(struct rq *rq, uint64_t util, uint32_t pct)
{
    return rq->nr_running == 0 ||
           (rq->cpu_capacity * pct >= (uint64_t)rq->cfs.avg.runnable_avg * 100 &&
            rq->cpu_capacity * 100 > util * pct);
}

static void
look_at_overloaded(struct kernel *k, struct rq *rq, uint32_t pct, struct busiest_cpu *b)
{
    if (rq->cfs.h_nr_queued == 0 || !is_overloaded(rq, cpu_util_cfs(k, rq), pct))
        return;
    uint64_t avg_load = rq->cfs.avg.load_avg * 1024 / rq->cpu_capacity;
    if (b->overloaded == NULL || avg_load > b->avg_load) {
        b->overloaded = rq;
        b->avg_load = avg_load;
    }
}

static void
look_at_other(struct kernel *k, struct rq *rq, uint32_t pct, struct busiest_cpu *b)
{
    if (rq->cfs.h_nr_queued == 0)
        return;
    if (!has_capacity(rq, cpu_util_cfs(k, rq), pct))
        b->busy = rq;
    else if (b->spare == NULL || rq->nr_running > b->spare->nr_running)
        b->spare = rq;
}

/* In the order of the ring of groups, from the one behind dst. */
static void
look_at_all(const struct lb_env *env, const struct cpumask *which, struct busiest_cpu *b,
            void (*look)(struct kernel *k, struct rq *rq, uint32_t pct, struct busiest_cpu *b))
{
    struct kernel *k = env->k;
    uint32_t here = (uint32_t)env->dst->cpu, pct = env->sd->imbalance_pct;
    int cpu;

    for (cpu = cpumask_next_and(env->sd->span, which, here + 1); cpu >= 0;
         cpu = cpumask_next_and(env->sd->span, which, (uint32_t)cpu + 1))
        look(k, &k->rqs[cpu], pct, b);
    for (cpu = cpumask_next_and(env->sd->span, which, 0); cpu >= 0 && cpu < (int)here;
         cpu = cpumask_next_and(env->sd->span, which, (uint32_t)cpu + 1))
        look(k, &k->rqs[cpu], pct, b);
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
    struct sched_domain *sd = env->sd;
    struct busiest_cpu b = { 0 };

    if (!sd->of_cpus || env->idle != CPU_NEWLY_IDLE || env->left_out != NULL ||
        some_reduced(k, sd->span) || k->hotplug != NULL || probe_wants(k, DECISION_BALANCE_GROUP))
        return false;
    if (env->jiffy >= sd->groups->sgc->next_update)
        update_group_capacity(k, sd, env->dst->cpu);
    look_at_all(env, k->overloaded_cpus, &b, look_at_overloaded);
    if (b.overloaded == NULL)
        look_at_all(env, sd->span, &b, look_at_other);
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

#include "kernel/load.h"

void
rq_catch_up(struct kernel *k, struct rq *rq)
{
    (void)k, (void)rq;
}

uint64_t
cpu_load(struct kernel *k, struct rq *rq)
{
    rq_catch_up(k, rq);
    return rq->cfs.load_weight >> 10;
}

uint64_t
cpu_runnable(struct kernel *k, struct rq *rq)
{
    rq_catch_up(k, rq);
    return (uint64_t)rq->cfs.h_nr_runnable * 1024;
}

uint64_t
cpu_util_cfs(struct kernel *k, struct rq *rq)
{
    rq_catch_up(k, rq);
    return rq->cfs.h_nr_queued > 0 ? 1024 : 0;
}

uint64_t
cpu_util_cfs_boost(struct kernel *k, struct rq *rq)
{
    return SIM_MIN(SIM_MAX(cpu_util_cfs(k, rq), cpu_runnable(k, rq)), 1024);
}

uint64_t
cpu_load_without(struct kernel *k, struct rq *rq, const struct task *p)
{
    uint64_t load = cpu_load(k, rq);

    return p->on_rq && p->cpu == rq->cpu ? load - p->se.weight : load;
}

uint64_t
cpu_runnable_without(struct kernel *k, struct rq *rq, const struct task *p)
{
    (void)p;
    return cpu_runnable(k, rq);
}

uint64_t
cpu_util_without(struct kernel *k, struct rq *rq, const struct task *p)
{
    (void)p;
    return cpu_util_cfs(k, rq);
}

uint64_t
task_h_load(struct kernel *k, struct task *p)
{
    (void)k;
    return p->se.weight;
}

void
sched_balance_update_blocked_averages(struct kernel *k, struct rq *rq)
{
    (void)k, (void)rq;
}

void
sync_entity_load_avg(struct kernel *k, struct sched_entity *se)
{
    (void)k;
    if (se->cfs_rq != NULL && se->avg.last_update_time != 0)
        pelt_update(&se->avg, se->cfs_rq->avg.last_update_time, 0, 0, false, se->weight);
}

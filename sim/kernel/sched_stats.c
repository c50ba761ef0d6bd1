#include "kernel/sched_stats.h"

static void
reset_task(struct kernel *k, struct task *p)
{
    struct sched_statistics fresh = { 0 };
    sim_time now = stat_stamp(k);

    fresh.wait_start = p->sched.wait_start != 0 ? now : 0;
    fresh.sleep_start = p->sched.sleep_start != 0 ? now : 0;
    fresh.block_start = p->sched.block_start != 0 ? now : 0;
    p->sched = fresh;
    p->info.run_delay = p->info.pcount = 0;
    if (p->info.last_queued != 0)
        p->info.last_queued = now;
}

void
sched_stats_reset(struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online) {
        struct rq *rq = &k->rqs[cpu];

        rq->stat = (struct rq_schedstat){ 0 };
        if (rq->curr != NULL)
            rq->curr->info.last_arrival = k->engine.now;
        for_each_domain (sd, k->domains->cpus[cpu].sd)
            sd->stat = (struct sd_schedstat){ 0 };
    }
    for (uint32_t i = 0; i < k->nr_tasks; i++)
        reset_task(k, k->tasks[i]);
}

void
sched_stats_settle(struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online) {
        struct rq *rq = &k->rqs[cpu];

        if (rq->curr == NULL)
            continue;
        rq->stat.rq_cpu_time += k->engine.now - rq->curr->info.last_arrival;
        rq->curr->info.last_arrival = k->engine.now;
    }
}

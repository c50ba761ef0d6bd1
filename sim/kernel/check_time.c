/*
 * Time under --check: what a task lived is what it waited, slept and was on a CPU, and what tasks
 * were on CPUs is what CPUs were busy. Interrupts and other kernel work happen while a task is on a
 * CPU, or while it idles; a task's own clock stands still for some of it.
 */
#include "kernel/check.h"

static sim_time
window_of(const struct kernel *k, const struct task *p)
{
    sim_time from = SIM_MAX(p->started_at, k->warmup_at);
    sim_time to = p->state == TASK_DEAD ? p->exited_at : k->engine.now;

    return p->state == TASK_NEW || to < from ? 0 : to - from;
}

static const char *
check_life(const struct kernel *k, const struct task *p, uint64_t *on_cpu)
{
    sim_time now = k->engine.now, life = window_of(k, p);
    bool asleep = p->state == TASK_SLEEPING || p->state == TASK_BLOCKED;
    uint64_t waited = p->stats.wait_ns + (p->state == TASK_RUNNABLE ? now - p->queued_at : 0);
    uint64_t slept = p->stats.sleep_ns + (asleep ? now - p->slept_at : 0);
    uint64_t ran = p->se.sum_exec - p->run_before_warmup;

    RULE(waited + slept <= life);
    RULE(ran <= life - waited - slept);
    *on_cpu += life - waited - slept;
    return NULL;
}

const char *
check_time(const struct kernel *k)
{
    uint64_t tasks_on_cpus = 0, cpus_busy = 0;
    sim_time now = k->engine.now, elapsed = now - k->warmup_at;
    const char *broken;

    for (uint32_t i = 0; i < k->nr_tasks; i++)
        if ((broken = check_life(k, k->tasks[i], &tasks_on_cpus)) != NULL)
            return broken;
    for_each_cpu (cpu, k->possible) {
        const struct rq *rq = &k->rqs[cpu];
        uint64_t busy = rq->busy_ns + (rq->curr != NULL ? now - rq->busy_since : 0);
        uint64_t in_kernel = 0, ahead = rq->burst_at > now ? rq->burst_at - now : 0;

        for (uint32_t i = 0; i < CHARGE_KIND_NR; i++)
            in_kernel += rq->kernel_ns[i];
        RULE(busy <= elapsed);
        RULE(in_kernel <= elapsed + ahead);
        cpus_busy += busy;
    }
    RULE(tasks_on_cpus == cpus_busy);
    return NULL;
}

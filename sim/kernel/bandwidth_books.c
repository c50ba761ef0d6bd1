/*
 * cpu.max: which limits the kernel takes, and the counters of cpu.stat (bandwidth.c has the rest).
 */
#include "kernel/fair.h"

const char *
cfs_bandwidth_refusal(uint64_t quota, uint64_t period, uint64_t burst)
{
    if (period < CFS_PERIOD_MIN || period > CFS_PERIOD_MAX)
        return "the period is out of range; the kernel takes 1ms to 1s";
    if (quota < CFS_QUOTA_MIN)
        return "the quota is too small; the least is 1ms";
    if (quota == CFS_NO_QUOTA)
        return burst > 0 ? "a group without a quota has no bursts" : NULL;
    if (quota > CFS_QUOTA_MAX)
        return "the quota is too large; write 'max' for none";
    if (burst > quota || burst + quota > CFS_QUOTA_MAX)
        return "the burst is larger than the quota";
    return NULL;
}

void
cfs_bandwidth_reset_stats(struct kernel *k)
{
    sim_time now = k->engine.now;

    for (uint32_t i = 1; i < k->nr_groups; i++) {
        struct task_group *tg = k->groups[i];
        struct cfs_bandwidth *b = &tg->bandwidth;

        b->nr_periods = b->nr_throttled = b->nr_bursts = 0;
        b->throttled_ns = b->throttled_self_ns = b->burst_ns = 0;
        for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++) {
            struct cfs_rq *cfs = tg->cfs_rq[cpu];
            if (cfs != NULL && cfs->throttled_clock != 0)
                cfs->throttled_clock = now;
            if (cfs != NULL && cfs->throttled_clock_self != 0)
                cfs->throttled_clock_self = now;
        }
    }
}

#include "kernel/group.h"

void
init_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs)
{
    (void)k, (void)cfs;
}

void
account_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs, uint64_t delta)
{
    (void)k, (void)cfs, (void)delta;
}

bool
check_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs)
{
    (void)k, (void)cfs;
    return false;
}

void
check_enqueue_throttle(struct kernel *k, struct cfs_rq *cfs)
{
    (void)k, (void)cfs;
}

void
return_cfs_rq_runtime(struct kernel *k, struct cfs_rq *cfs)
{
    (void)k, (void)cfs;
}

const char *
task_group_set_bandwidth(struct kernel *k, struct task_group *tg, uint64_t quota, uint64_t period,
                         uint64_t burst)
{
    (void)k, (void)tg, (void)quota, (void)period, (void)burst;
    return "cpu.max is not modelled yet";
}

/* The built-in policies, for the registry. */
#pragma once

#include "numasim/policy.h"

extern const struct sched_ops fifo_ops, vtime_ops, rr_ops, central_ops, mlfq_ops, iodyn_ops,
    numa_local_ops, numa_balance_ops, cgroup_flat_ops, my_autonuma_ops, short_first_ops;

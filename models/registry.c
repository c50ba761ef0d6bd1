/*
 * What exists: memory models and placement policies, in the order in which they are listed.
 */
#include "models/registry.h"

#include "models/memory/models.h"
#include "models/placement/models.h"
#include "models/sched/models.h"

const struct placement_ops *const placement_models[] = {
    &placement_topology_early, &placement_topology,   &placement_workload, &placement_pack,
    &placement_spread,         &placement_interleave, &placement_weighted, &placement_inverse,
    &placement_best,           &placement_autonuma,   &placement_tiering,  NULL,
};

const struct memory_model_ops *const memory_models[] = {
    &memory_loaded, &memory_idle, &memory_distance, &memory_flat, NULL,
};

const char *const memory_model_limits[] = {
    "mean values: no bursts of misses, no bank conflicts, no page-table walks, no directory "
    "traffic "
    "of coherence; tails of latency come from scheduling alone",
    "misses in flight are a constant of each phase; in truth they rise with latency until the "
    "buffers are full",
    "a controller is shared fairly; real ones favour row hits and near agents",
    "clock frequency and power do not depend on stalls",
    "latency-load curves are those of reads by all cores; with few cores their own limit comes "
    "first",
    "accesses are shares of a phase, not addresses: false sharing must be stated by the workload",
    NULL,
};

const struct placement_ops *
placement_find(const char *name)
{
    for (const struct placement_ops *const *p = placement_models; *p != NULL; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}

const struct memory_model_ops *
memory_model_find(const char *name)
{
    for (const struct memory_model_ops *const *m = memory_models; *m != NULL; m++)
        if (strcmp((*m)->name, name) == 0)
            return *m;
    return NULL;
}

const struct sched_ops *const sched_models[] = {
    &fifo_ops,        &rr_ops,          &vtime_ops,       &central_ops,
    &mlfq_ops,        &iodyn_ops,       &numa_local_ops,  &numa_balance_ops,
    &cgroup_flat_ops, &my_autonuma_ops, &short_first_ops, NULL
};

const struct sched_ops *
sched_find(const char *name)
{
    for (const struct sched_ops *const *s = sched_models; *s != NULL; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    return NULL;
}

/*
 * What balancing asks of a set of CPUs, kept up to date: load, tasks, idle CPUs.
 *
 * A pass of the balancer reads every group of a domain; on a large machine a scan of their CPUs
 * would cost more than everything else, since a CPU looks around each time it runs dry. So each
 * change of a run queue is added to the few sets that contain the CPU: itself, the groups below its
 * node, its node. Groups of NUMA domains are unions of nodes and are summed from those.
 */
#pragma once

#include "kernel/domains.h"

struct kernel;
struct rq;

struct cpu_sums {
    uint64_t load;
    uint32_t nr_running, idle_cpus;
    uint32_t nr_numa_running, nr_preferred_running;
};

void sums_init(struct kernel *k);

/* The CPU's load, tasks or NUMA counts are what they are now: brings all sets up to date. */
void sums_update(struct kernel *k, struct rq *rq);

/* The sums of a union of nodes. */
void node_group_sums(const struct kernel *k, const struct sched_group *sg, struct cpu_sums *total);

/* The sums of a group: its own, or `total`, which has been filled in. */
static inline const struct cpu_sums *
group_sums(const struct kernel *k, const struct sched_group *sg, struct cpu_sums *total)
{
    if (likely(sg->sums != NULL))
        return sg->sums;
    node_group_sums(k, sg, total);
    return total;
}

/* NULL, or the rule that a set breaks. */
const char *sums_check(const struct kernel *k);

/*
 * What balancing asks of a set of CPUs, kept up to date: load, utilisation, tasks, idle CPUs.
 *
 * A pass of the balancer reads every group of a domain; on a large machine a scan of their CPUs
 * would cost more than everything else, since a CPU looks around each time it runs dry. So each
 * change of a run queue is added to the few sets that contain the CPU: itself, the groups below its
 * node, its node. Groups of NUMA domains are unions of nodes and are summed from those.
 *
 * Averages are those that each CPU last published, as the kernel reads them. CPUs whose ticks are
 * not simulated lag behind; whoever reads load, util, runnable or nr_misfit calls sums_catch_up()
 * first. Counts are always right.
 */
#pragma once

#include "kernel/domains.h"

struct kernel;
struct rq;

struct cpu_sums {
    uint64_t load, util, runnable;
    uint32_t nr_running, h_nr_queued, idle_cpus;
    uint32_t nr_numa_running, nr_preferred_running;
    uint32_t nr_reduced; /* CPUs with one fair task and a capacity that others took a part of */
    uint32_t nr_misfit;  /* CPUs with a task that is too large for them */
    uint64_t caught_up;  /* of a set: the jiffy up to which ticks have been made up for */
};

void sums_init(struct kernel *k);
/* The domains or the online CPUs are new: all sets from what the CPUs are now. */
void sums_rebuild(struct kernel *k);

void sums_flush_slow(struct kernel *k);

/* Makes up for the ticks that the CPUs of a group have had until this jiffy. */
void sums_catch_up(struct kernel *k, const struct sched_group *sg, uint64_t jiffy);

/* The sums of a union of nodes. */
void node_group_sums(const struct kernel *k, const struct sched_group *sg, struct cpu_sums *total);

void sums_add(struct cpu_sums *total, const struct cpu_sums *s);

/* NULL, or the rule that a set breaks. */
const char *sums_check(struct kernel *k);

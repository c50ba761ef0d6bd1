/*
 * Totals: everything that the metrics of one scope are computed from. A scope is the whole run, a
 * process, a workload tag, or a cgroup.
 */
#pragma once

#include <glib.h>

#include "kernel/kernel.h"

/* What defined the run and how it ended; strings outlive the report. */
struct run_info {
    const char *topology, *workload, *policy;
    uint64_t seed;
    bool complete;
    sim_time elapsed;
    uint64_t events;
    const char *ext_exit_kind, *ext_exit_reason; /* NULL: none */
};

struct totals {
    const struct run_info *info;
    const char *scope, *id; /* "run", "" */
    bool whole;             /* the run: machine-wide counters are valid */
    sim_time window;        /* simulated time that counts: without the warm-up */
    uint32_t nr_cpus;
    uint64_t work_done, busy_ns;
    uint64_t accesses_local, accesses_remote;
    __extension__ unsigned __int128 latency_ps;
    struct histogram wait, wakeup, request;
    uint64_t deadline_misses, deadline_total;
    uint64_t context_switches, task_migrations, task_migrations_cross_node;
    uint64_t thp_fault_alloc, thp_fault_fallback, thp_split_page, numa_huge_pte_updates;
    uint64_t thp_collapse_alloc, pgmajfault, pswpin, pswpout;
    const char *page_model; /* of the whole run */
    uint64_t numa_pte_updates, numa_hint_faults, numa_hint_faults_local, numa_pages_migrated;
    uint64_t pgpromote_success, pgdemote_kswapd, pgdemote_direct;
    uint64_t remote_bytes, sched_overhead_ns;
    uint64_t io_wait_ns;
    uint64_t task_run_ns, stall_local_ns, stall_remote_ns; /* of tasks */
    /* of the machine: stddev over mean of what controllers served; the busiest controller and link;
     * NAN: nothing is known of them */
    double controller_imbalance, controller_load_max, link_load_max;
    double fairness_jain, energy_j; /* NAN: empty */
    bool limited;                   /* by a cpu.max; the lines of cpu.stat that it adds: */
    uint64_t nr_periods, nr_throttled, throttled_usec, nr_bursts, burst_usec;
    bool held; /* by a cpu.max of its own or above it; the line of cpu.stat.local: */
    uint64_t local_throttled_usec;
};

/* Sums up; histograms are the arena's. The kernel has been settled. */
void totals_of_run(struct totals *t, const struct kernel *k, const struct run_info *info,
                   struct arena *a);
void totals_of_process(struct totals *t, const struct kernel *k, const struct run_info *info,
                       const struct process *pr, struct arena *a);
/* Processes that carry the tag, and tasks that carry it in other processes (these have no latency
 * distributions of their own). */
void totals_of_tag(struct totals *t, const struct kernel *k, const struct run_info *info,
                   const char *tag, struct arena *a);

/* Tasks of a cgroup and of those in it, as its cpu.stat; latency distributions of the processes
 * that are in it as a whole. The counters of limits are its own. */
void totals_of_group(struct totals *t, const struct kernel *k, const struct run_info *info,
                     const struct task_group *tg, struct arena *a);

/* What the controllers of a node, or a link, served as a share of what they could have; NAN if it
 * is not known how much that is. A controller that writes can do less, as its machine says. */
double controller_load(const struct kernel *k, uint32_t node, sim_time window);
double link_load(const struct kernel *k, uint32_t link, uint64_t bytes, sim_time window);

/* Jain's index over n allotments; NAN for none. */
double jain_index(const double *x, guint n);

/*
 * Every knob of the kernel model, under the name that a user writes in a policy file or after
 * --set. The table in params.c describes each once: unit, default, range, meaning.
 */
#pragma once

#include "base/field.h"

enum numa_balancing_mode {
    NUMA_BALANCING_DISABLED = 0,
    NUMA_BALANCING_NORMAL = 1,
    NUMA_BALANCING_MEMORY_TIERING = 2
};
enum numa_place { NUMA_PLACE_LINUX, NUMA_PLACE_TEXTBOOK };

enum kernel_version { KERNEL_6_12_0, KERNEL_6_12_117, KERNEL_6_18 };
enum fair_variant { FAIR_EEVDF, FAIR_CFS };
enum schedstat_version { SCHEDSTAT_15, SCHEDSTAT_16, SCHEDSTAT_17 };
enum rt_throttling { RT_THROTTLING_OFF, RT_THROTTLING_CLASSIC };
enum tunable_scaling { SCALING_NONE, SCALING_LOG, SCALING_LINEAR };
enum tick_mode { TICK_COMPUTED, TICK_SIMULATED };
enum asym_packing { ASYM_PACKING_OFF, ASYM_PACKING_CAPACITY, ASYM_PACKING_NUMBER };
enum group_compare { GROUP_COMPARE_TYPE, GROUP_COMPARE_AVERAGE };
enum domain_groups { DOMAIN_GROUPS_OWN, DOMAIN_GROUPS_FIRST_CPU };
enum hotplug_rebuild { HOTPLUG_REBUILD_FULL, HOTPLUG_REBUILD_MISSING_NUMA };
enum autogroup_mode { AUTOGROUP_OFF, AUTOGROUP_REPLAYS, AUTOGROUP_ON };

struct sched_params {
    uint32_t kernel;          /* enum kernel_version: which stable backports are in */
    uint32_t fair;            /* enum fair_variant */
    uint32_t tick;            /* enum tick_mode */
    uint64_t features;        /* bit per enum sched_feature: features.h */
    uint32_t hz;              /* ticks a second: 100, 250, 300, 1000 */
    uint64_t base_slice_ns;   /* 0: 0.7 ms, scaled as the next one says */
    uint32_t tunable_scaling; /* enum tunable_scaling */
    /* of FAIR_CFS; 0: as the kernel scales it */
    uint64_t latency_ns, min_granularity_ns, idle_min_granularity_ns, wakeup_granularity_ns;
    uint32_t nr_latency; /* tasks up to which the period is latency: follows from them */
    uint64_t migration_cost_ns;
    uint32_t nr_migrate;
    uint64_t cfs_bandwidth_slice;
    uint32_t autogroup; /* enum autogroup_mode: sched_autogroup_enabled */
    bool newidle_balance, periodic_balance;
    uint64_t rr_timeslice;
    uint64_t rt_period, rt_runtime;                   /* runtime 0: no limit */
    uint32_t rt_throttling;                           /* enum rt_throttling */
    uint64_t fair_server_runtime, fair_server_period; /* runtime 0: there is none */
    bool schedstats;            /* count what /proc/schedstat and /proc/PID/sched show */
    uint32_t schedstat_version; /* enum schedstat_version */
    bool wasted_check;          /* --check: it is an error if they last too long */
    bool wasted_cores;          /* write the stretches that wasted.h finds */
    uint32_t asym_packing;      /* enum asym_packing */
    uint32_t group_compare;     /* enum group_compare */
    uint32_t domain_groups;     /* enum domain_groups */
    uint32_t hotplug_rebuild;   /* enum hotplug_rebuild */
    uint64_t timer_slack;       /* of sleeps of fair tasks; 0: they end on time */
    uint64_t host_turn;         /* of a guest's CPU; 0: CPUs are real */
};

/* Other rules of CPU selection than those of 6.12: select_variant.c. */
enum affinity_rule { AFFINITY_LINUX, AFFINITY_LOAD, AFFINITY_DISTANCE, AFFINITY_SAME_NODE };
enum fork_rule { FORK_LINUX, FORK_PARENT_NODE };
enum wake_rule { WAKE_LINUX, WAKE_PREFERRED_NODE, WAKE_WAKER_NODE, WAKE_LONGEST_IDLE };
struct select_params {
    uint32_t affinity, fork, wake; /* enums above */
    bool idle_sibling;             /* search for an idle CPU near the target */
    bool settled;                  /* LLCs know that they idled before the run */
};

struct numa_params {
    uint32_t mode;                                         /* enum numa_balancing_mode */
    uint64_t start;                                        /* ns */
    uint64_t scan_delay, scan_period_min, scan_period_max; /* ns */
    uint64_t scan_size;                                    /* bytes */
    bool two_stage_filter, migrate_pages, migrate_tasks, groups, swap, scan_adapt, private_weight;
    uint32_t place;              /* enum numa_place */
    uint64_t quirks;             /* numa_quirks.h */
    uint64_t hot_threshold;      /* ns */
    uint64_t promote_rate_limit; /* bytes/s */
};

enum lru_batch_mode { LRU_BATCHES_OFF, LRU_BATCHES_NEW, LRU_BATCHES_ALL };
/* transparent_hugepage/enabled and .../defrag */
enum thp_mode { THP_ALWAYS, THP_MADVISE, THP_NEVER };
enum thp_defrag {
    THP_DEFRAG_ALWAYS,
    THP_DEFRAG_DEFER,
    THP_DEFRAG_DEFER_MADVISE,
    THP_DEFRAG_MADVISE,
    THP_DEFRAG_NEVER
};
/* transparent_hugepage/khugepaged/ */
struct khugepaged_params {
    bool on;
    uint64_t scan_sleep, alloc_sleep; /* ns */
    uint32_t pages_to_scan, max_ptes_none, max_ptes_swap;
};
/* What is read from files and swap, and written to it. */
struct backing_params {
    uint64_t latency, bandwidth; /* ns; bytes/s */
};

struct mm_params {
    uint64_t exact_limit; /* bytes that exact pages may take; more are kept in blocks */
    uint64_t touch_chunk; /* bytes handled at a time while pages are populated or fault */
    uint64_t touch_batch; /* ns of work within which hits of random accesses are put together */
    uint64_t reserved;    /* bytes of each node that the system holds */
    uint64_t min_free;    /* bytes of the machine that stay free; 0: by its size */
    uint32_t watermark_scale_factor;
    bool thp_min_free, tier_data, demotion;
    uint64_t copy_window; /* ns: copies.h; 0: copies load nothing */
    bool report;          /* memory is recorded in detail */
    uint32_t lru_batches; /* enum lru_batch_mode */
    const char *interleave_weights;
    uint8_t weights[64];      /* by node, from them; 0 counts as 1 */
    uint32_t thp, thp_defrag; /* enum thp_mode, thp_defrag */
    struct khugepaged_params khugepaged;
    uint64_t swap; /* bytes; 0: none */
    uint32_t swappiness;
    uint64_t readahead, dirty_expire; /* bytes; ns */
    struct backing_params file_device, swap_device;
};

/* How closely the memory model `loaded` follows what changes; others have no use for it. */
struct memory_params {
    uint32_t tolerance_ppm;    /* of a rate: smaller changes are left alone */
    uint64_t resolve_interval; /* ns between two solves of what many CPUs share; 0: none */
    uint32_t resolve_at_once;  /* CPUs that share a resource; up to so many it never waits */
    uint32_t resolve_jump_ppm; /* of its capacity: a change of load that never waits */
};

/* What kernel work costs; numa-balancing.md section 4 owns the defaults. */
struct cost_params {
    uint64_t context_switch, context_switch_same_mm;
    uint64_t wakeup;          /* of the waker: try_to_wake_up, the remote queue */
    uint64_t ipi;             /* of the CPU that is interrupted */
    uint64_t interrupt;       /* of a device: entry, exit and the driver's look */
    uint64_t io_completion;   /* what follows in the softirq, where a step does not say */
    uint64_t migration;       /* of a task moved by the balancer, on the CPU that pulls */
    uint64_t balance_per_cpu; /* of a balancing pass, per CPU looked at */
    uint64_t minor_fault;     /* first touch of a 4 KiB page, zeroing apart */
    uint64_t zero_bandwidth;  /* bytes/s at which a fresh page is cleared */
    uint64_t hint_fault, hint_fault_huge;
    uint64_t page_migration, page_migration_huge; /* fixed part; the copy is added */
    uint64_t page_move, page_move_huge;           /* the same in the batches of a call */
    uint64_t copy_bandwidth;                      /* bytes/s */
    uint64_t scan_per_page, scan_per_huge_page;
    uint64_t reclaim_look; /* at a page */
    uint64_t page_out;     /* taking one that is not demoted */
    uint64_t lru_drain;    /* before a call moves pages */
    uint64_t tlb_shootdown, tlb_per_cpu, tlb_victim;
};

/* What a seed varies besides the workload's draws (product.md section 4). */
struct noise_params {
    bool tick_phase, start_jitter, scan_phase, start_cpu, tie_rotor, bandwidth_phase;
    uint64_t start_jitter_max;
};

/* Policies that place before the run. */
struct static_params {
    uint32_t best_evaluations; /* placements that static:best looks at */
};

/* Caches and cores: caches.h. */
enum llc_sharing { LLC_SHARING_OFF, LLC_SHARING_EQUAL, LLC_SHARING_TRAFFIC };
struct cache_params {
    uint32_t llc_sharing; /* enum llc_sharing */
    bool cold, transfers;
    uint32_t smt_speed_ppm;    /* of a thread whose core runs two */
    uint32_t misses_in_flight; /* of a core */
};

/* Programmable policies (ext.h): what deciding costs, and limits. */
enum ext_overrun { EXT_OVERRUN_EJECT, EXT_OVERRUN_DEFAULT, EXT_OVERRUN_RESUME };
struct ext_params {
    uint64_t op_cost, call_cost;               /* of an operation; of a helper it calls */
    uint64_t contended_cost, contended_window; /* of an object that another CPU used just now */
    uint64_t max_runtime;                      /* of an operation; 0: no limit */
    uint32_t on_overrun;                       /* enum ext_overrun */
    uint64_t max_memory;                       /* of maps and queues, bytes */
    uint64_t disable_delay;                    /* from an error to bypass mode */
    uint64_t unload_time;                      /* in bypass mode, until the tasks are given back */
    uint64_t exit_delay;                       /* from the end of a task to exit_task */
    uint64_t load_at, unload_at;               /* unload_at 0: never */
    bool preemptible;                          /* operations, by rt and deadline tasks */
};

struct kernel_params {
    struct cache_params cache;
    struct sched_params sched;
    struct select_params select;
    struct numa_params numa;
    struct mm_params mm;
    struct memory_params memory;
    struct cost_params cost;
    struct noise_params noise;
    struct static_params fixed;
    struct ext_params ext;
};

extern const struct field kernel_param_fields[];

void kernel_params_init(struct kernel_params *kp, struct arena *a);
/* "noise=off" switches all noise off; everything else goes through the table. */
bool kernel_params_set(struct kernel_params *kp, const char *key, const char *value,
                       struct arena *a, char *why, size_t why_size);
/* NULL, or which of them, all set, do not go together. */
const char *kernel_params_conflict(const struct kernel_params *kp);

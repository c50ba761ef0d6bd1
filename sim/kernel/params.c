#include "kernel/params.h"

#include "kernel/features.h"
#include "kernel/numa_quirks.h"

#define K(type, key, member, ...) FIELD_NAMED(type, key, struct kernel_params, member, __VA_ARGS__)

/* Bit 0: normal, bit 1: tiering, as kernel.numa_balancing. */
static const char *const numa_modes[] = { "off", "on", "tiering", "both", NULL };
static const char *const overruns[] = { "eject", "default", "resume", NULL };
static const char *const thp_modes[] = { "always", "madvise", "never", NULL };
static const char *const thp_defrag_modes[] = { "always",  "defer", "defer+madvise",
                                                "madvise", "never", NULL };
static const char *const lru_batch_modes[] = { "off", "new", "all", NULL };
static const char *const numa_places[] = { "linux", "textbook", NULL };

static const char *const kernel_versions[] = { "6.12.0", "6.12.117", "6.18", NULL };
static const char *const fair_variants[] = { "eevdf", "cfs", NULL };
static const char *const rt_throttlings[] = { "off", "classic", NULL };
static const char *const autogroup_modes[] = { "off", "replays", "on", NULL };
static const char *const tunable_scalings[] = { "none", "log", "linear", NULL };
static const char *const llc_sharings[] = { "off", "equal", "traffic", NULL };
static const char *const tick_modes[] = { "computed", "simulated", NULL };
static const char *const asym_packing_modes[] = { "off", "capacity", "number", NULL };
static const char *const group_compare_modes[] = { "type", "average", NULL };
static const char *const domain_groups_modes[] = { "own", "first_cpu", NULL };
static const char *const hotplug_rebuilds[] = { "full", "missing_numa", NULL };

static const char *const schedstat_versions[] = { "15", "16", "17", NULL };
static const char *const affinity_rules[] = { "linux", "load", "distance", "same_node", NULL };
static const char *const fork_rules[] = { "linux", "parent_node", NULL };
static const char *const wake_rules[] = { "linux", "preferred_node", "waker_node", "longest_idle",
                                          NULL };

const char *const sched_feature_names[SCHED_FEATURE_NR + 1] = {
#define X(name, on) #name,
    SCHED_FEATURES(X)
#undef X
        NULL
};

/* Those that are on by default (features.h); the test of parameters compares the two. */
static const char features_on[] =
    "PLACE_LAG,PLACE_DEADLINE_INITIAL,PLACE_REL_DEADLINE,"
    "RUN_TO_PARITY,PREEMPT_SHORT,PICK_BUDDY,CACHE_HOT_BUDDY,"
    "DELAY_DEQUEUE,DELAY_ZERO,WAKEUP_PREEMPTION,NONTASK_CAPACITY,"
    "SIS_UTIL,ATTACH_AGE_LOAD,WA_IDLE,WA_WEIGHT,WA_BIAS,UTIL_EST,"
    "NI_RANDOM,GENTLE_FAIR_SLEEPERS,START_DEBIT,LAST_BUDDY,ALT_PERIOD,"
    "BASE_SLICE";

/* All of them; each with a comma before it. */
static const char quirks_on[] =
#define X(name, doc) "," #name
    NUMA_QUIRKS(X)
#undef X
    ;

const struct field kernel_param_fields[] = {
    K(FIELD_ENUM, "sched.kernel", sched.kernel, .def = "6.12.117", .names = kernel_versions,
      .doc = "6.12.0: without the later stable backports (NI_RANDOM, the new sched_yield, wake-up "
             "statistics over allowed CPUs only, delayed tasks that are not runnable); 6.18: how "
             "long a slice is protected since 6.17, "
             "and how entities are reweighted up to 6.18.44, with all else as in 6.12.117"),
    K(FIELD_ENUM, "sched.fair", sched.fair, .def = "eevdf", .names = fair_variants,
      .doc =
          "the fair class: EEVDF, or the classic CFS of Linux 6.1, with all else as in 6.12; then "
          "slices of tasks, sched.base_slice and the feature switches of EEVDF mean nothing"),
    K(FIELD_ENUM, "sched.tick", sched.tick, .def = "computed", .names = tick_modes,
      .doc = "ticks that change nothing are computed when somebody looks, or simulated one by one"),
    K(FIELD_FLAGS, "sched.features", sched.features, .def = features_on,
      .names = sched_feature_names, .doc = "feature switches by kernel name; NO_NAME is off"),
    K(FIELD_U32, "sched.hz", sched.hz, .def = "250", .min = "100", .max = "1000",
      .doc = "timer ticks a second (CONFIG_HZ)"),
    K(FIELD_TIME, "sched.base_slice", sched.base_slice_ns, .def = "0ns", .max = "100ms",
      .doc = "EEVDF base slice (base_slice_ns); 0ns: 0.7 ms, scaled by sched.tunable_scaling"),
    K(FIELD_ENUM, "sched.tunable_scaling", sched.tunable_scaling, .def = "log",
      .names = tunable_scalings,
      .doc = "how the base slice, and the times of CFS, grow with the CPUs, of which 8 count: "
             "none, log (1 + log2 of "
             "them) or linear (tunable_scaling)"),
    K(FIELD_TIME, "sched.latency", sched.latency_ns, .def = "0ns", .max = "1s",
      .doc = "sched.fair=cfs: the period in which every task runs once, while they are few "
             "(sched_latency_ns); 0ns: 6 ms, scaled by sched.tunable_scaling"),
    K(FIELD_TIME, "sched.min_granularity", sched.min_granularity_ns, .def = "0ns", .max = "1s",
      .doc = "sched.fair=cfs: the shortest slice; with more tasks the period gets longer "
             "(sched_min_granularity_ns); 0ns: 0.75 ms, scaled likewise"),
    K(FIELD_TIME, "sched.idle_min_granularity", sched.idle_min_granularity_ns, .def = "750us",
      .max = "1s",
      .doc = "sched.fair=cfs: the shortest slice of SCHED_IDLE beside others "
             "(sched_idle_min_granularity_ns), not scaled"),
    K(FIELD_TIME, "sched.wakeup_granularity", sched.wakeup_granularity_ns, .def = "0ns",
      .max = "1s",
      .doc = "sched.fair=cfs: a wakee of nice 0 that is further behind what runs preempts it "
             "(sched_wakeup_granularity_ns); 0ns: 1 ms, scaled likewise"),
    K(FIELD_TIME, "sched.migration_cost", sched.migration_cost_ns, .def = "500us", .max = "5s",
      .doc = "a task that ran more recently than this is cache hot (sched_migration_cost_ns); "
             "4294967295ns, the kernel's -1: every task is"),
    K(FIELD_U32, "sched.nr_migrate", sched.nr_migrate, .def = "32", .min = "1", .max = "1024",
      .doc = "most tasks that one balancing pass looks at (sched_nr_migrate)"),
    K(FIELD_TIME, "sched.cfs_bandwidth_slice", sched.cfs_bandwidth_slice, .def = "5ms",
      .min = "1ms", .max = "1s", .doc = "what a queue takes from its group's cpu.max pool at once"),
    K(FIELD_ENUM, "sched.autogroup", sched.autogroup, .def = "replays", .names = autogroup_modes,
      .doc = "each session is a group of its own (sched_autogroup_enabled): in replays of recorded "
             "machines that shared their CPUs so, with sessions by forks and by the shares that "
             "were recorded; or also each process of a workload file that is in no cgroup, and "
             "the sessions of any replay"),
    K(FIELD_BOOL, "sched.newidle_balance", sched.newidle_balance, .def = "yes",
      .doc = "a CPU that runs dry pulls (SD_BALANCE_NEWIDLE)"),
    K(FIELD_BOOL, "sched.periodic_balance", sched.periodic_balance, .def = "yes",
      .doc = "periodic load balancing over the domain tree"),
    K(FIELD_BOOL, "sched.schedstats", sched.schedstats, .def = "no",
      .doc = "count and write schedstat, sched.txt and sched_tasks.csv, the contents of "
             "/proc/schedstat and /proc/PID/sched (kernel.sched_schedstats)"),
    K(FIELD_ENUM, "sched.schedstat_version", sched.schedstat_version, .def = "16",
      .names = schedstat_versions,
      .doc = "layout of schedstat: 16 is that of 6.12; 15 has idle before busy; 17 (6.14) tells "
             "kinds of imbalance apart and names domains"),
    K(FIELD_BOOL, "sched.wasted_cores", sched.wasted_cores, .def = "no",
      .doc =
          "look for CPUs that idle while a task waits that may run there: wasted_cores.csv, and a "
          "warning that sums it up"),
    K(FIELD_BOOL, "sched.wasted_check", sched.wasted_check, .def = "yes",
      .doc = "--check ends the run when a CPU idles beside a waiting task for longer than the "
             "kernel's rules allow; no: for runs that study just that"),
    K(FIELD_ENUM, "sched.asym_packing", sched.asym_packing, .def = "off",
      .names = asym_packing_modes,
      .doc = "SD_ASYM_PACKING (ITMT) above the cores: CPUs are filled in the order of their "
             "capacity, or of their number"),
    K(FIELD_ENUM, "balance.group_compare", sched.group_compare, .def = "type",
      .names = group_compare_modes,
      .doc = "groups are compared by type and idle CPUs, or by average load as before 5.5: then a "
             "heavy task hides idle CPUs beside it (the group imbalance of 'A Decade of Wasted "
             "Cores', reconstructed from the paper)"),
    K(FIELD_ENUM, "sched.domain_groups", sched.domain_groups, .def = "own",
      .names = domain_groups_modes,
      .doc = "whose view makes the groups of NUMA levels beyond the first: each CPU's own, or the "
             "first CPU's for all (scheduling group construction of 'A Decade of Wasted Cores', "
             "reconstructed from the paper)"),
    K(FIELD_ENUM, "sched.hotplug_rebuild", sched.hotplug_rebuild, .def = "full",
      .names = hotplug_rebuilds,
      .doc = "domains after a CPU went or came: all of them, or those within nodes only (missing "
             "scheduling domains of 'A Decade of Wasted Cores', reconstructed from the paper)"),

    K(FIELD_ENUM, "select.affinity", select.affinity, .def = "linux", .names = affinity_rules,
      .doc = "when a wakee comes to its waker's CPU; load: that queue weighs no more (Linux "
             "2.6.23), distance: with loads scaled by 100 + node distance, same_node: never "
             "across nodes"),
    K(FIELD_BOOL, "select.idle_sibling", select.idle_sibling, .def = "yes",
      .doc = "a wakee looks for an idle CPU near its target (select_idle_sibling)"),
    K(FIELD_ENUM, "select.fork", select.fork, .def = "linux", .names = fork_rules,
      .doc = "where a new task goes; parent_node: it stays on its parent's node"),
    K(FIELD_ENUM, "select.wake", select.wake, .def = "linux", .names = wake_rules,
      .doc = "where a wakee goes; preferred_node: to the idlest CPU of the node that NUMA "
             "balancing prefers for it, if there is one; waker_node: to the idlest CPU of the "
             "waker's node (overload on wake-up of 'A Decade of Wasted Cores', reconstructed from "
             "the paper); longest_idle: to its old CPU if that is idle, else to the one that has "
             "been idle longest anywhere (that paper's fix)"),
    K(FIELD_BOOL, "select.settled", select.settled, .def = "yes",
      .doc = "LLCs begin as on a machine that has idled (nr_idle_scan all CPUs, has_idle_cores); "
             "no: as domains just built, without a scan before the first balancing pass"),

    K(FIELD_TIME, "sched.rr_timeslice", sched.rr_timeslice, .def = "100ms", .min = "1ms",
      .max = "10s", .doc = "slice of a round-robin task, counted in ticks (sched_rr_timeslice_ms)"),
    K(FIELD_TIME, "sched.rt_period", sched.rt_period, .def = "1s", .min = "1ms", .max = "10s",
      .doc = "period of sched.rt_runtime (sched_rt_period_us)"),
    K(FIELD_TIME, "sched.rt_runtime", sched.rt_runtime, .def = "950ms", .max = "10s",
      .doc = "per CPU, what deadline tasks may reserve of each sched.rt_period, the fair server "
             "included; 0ns: no admission test (the kernel's -1)"),
    K(FIELD_ENUM, "sched.rt_throttling", sched.rt_throttling, .def = "off", .names = rt_throttlings,
      .doc = "classic: rt tasks wait after sched.rt_runtime of each sched.rt_period, as before the "
             "fair server; off: never, as in 6.12 without rt groups"),
    K(FIELD_TIME, "sched.fair_server_runtime", sched.fair_server_runtime, .def = "50ms",
      .max = "1s",
      .doc = "what fair tasks get of each period of a CPU that higher classes keep "
             "busy (fair_server/cpuN/runtime); 0ns: nothing"),
    K(FIELD_TIME, "sched.fair_server_period", sched.fair_server_period, .def = "1s", .min = "100us",
      .max = "4s", .doc = "period of the fair server"),

    K(FIELD_ENUM, "numa_balancing.mode", numa.mode, .def = "off", .names = numa_modes,
      .doc = "automatic NUMA balancing (kernel.numa_balancing): on is 1, tiering 2, both 3"),
    K(FIELD_TIME, "numa_balancing.start", numa.start, .def = "0ns", .max = "1000000s",
      .doc = "when kernel.numa_balancing is switched on; before it no task scans"),
    K(FIELD_TIME, "numa_balancing.scan_delay", numa.scan_delay, .def = "1s", .max = "1000s",
      .doc = "wait before the first scan of a new address space"),
    K(FIELD_TIME, "numa_balancing.scan_period_min", numa.scan_period_min, .def = "1s", .min = "1ms",
      .max = "1000s", .doc = "shortest time to cover the whole resident set"),
    K(FIELD_TIME, "numa_balancing.scan_period_max", numa.scan_period_max, .def = "60s",
      .min = "1ms", .max = "10000s", .doc = "longest time to cover the whole resident set"),
    K(FIELD_SIZE, "numa_balancing.scan_size", numa.scan_size, .def = "256MiB", .min = "1MiB",
      .max = "1TiB", .doc = "present memory to mark per scan pass"),
    K(FIELD_BOOL, "numa_balancing.two_stage_filter", numa.two_stage_filter, .def = "yes",
      .doc = "a page moves only after two recorded faults from the same node"),
    K(FIELD_BOOL, "numa_balancing.migrate_pages", numa.migrate_pages, .def = "yes",
      .doc = "hinting faults move pages"),
    K(FIELD_BOOL, "numa_balancing.migrate_tasks", numa.migrate_tasks, .def = "yes",
      .doc = "tasks move to their preferred node"),
    K(FIELD_BOOL, "numa_balancing.groups", numa.groups, .def = "yes",
      .doc = "tasks that share memory form NUMA groups and are judged together"),
    K(FIELD_BOOL, "numa_balancing.swap", numa.swap, .def = "yes",
      .doc = "tasks may change places with a task of the other node; no: only idle CPUs are taken"),
    K(FIELD_BOOL, "numa_balancing.scan_adapt", numa.scan_adapt, .def = "yes",
      .doc = "the scan period follows what faults tell; no: it stays at its start"),
    K(FIELD_BOOL, "numa_balancing.private_weight", numa.private_weight, .def = "yes",
      .doc = "private and shared faults are told apart; no: all count as private"),
    K(FIELD_ENUM, "numa_balancing.place", numa.place, .def = "linux", .names = numa_places,
      .doc = "task moves: the kernel's search, or, as textbooks have it, to the first CPU of the "
             "preferred node with a shorter queue"),
    K(FIELD_FLAGS, "numa_balancing.quirks", numa.quirks, .def = &quirks_on[1],
      .names = numa_quirk_names,
      .doc = "what 6.12 does although it looks wrong; NO_NAME repairs it (numasim policy quirks)"),
    K(FIELD_TIME, "numa_balancing.hot_threshold", numa.hot_threshold, .def = "1s", .min = "1ms",
      .max = "1000s", .doc = "tiering: a fault this soon after marking means a hot page"),
    K(FIELD_BANDWIDTH, "numa_balancing.promote_rate_limit", numa.promote_rate_limit,
      .def = "64GiB/s", .min = "1MiB/s", .max = "1000TiB/s",
      .doc = "tiering: most promotions per target node "
             "(numa_balancing_promote_rate_limit_MBps)"),

    K(FIELD_SIZE, "mm.exact_limit", mm.exact_limit, .def = "512MiB", .max = "1TiB",
      .doc =
          "memory of the simulator for pages that are known one by one, 4 bytes each; regions of "
          "4 KiB pages beyond it are kept as counts for blocks of 2 MiB, and the run says so"),
    K(FIELD_SIZE, "mm.touch_chunk", mm.touch_chunk, .def = "256KiB", .min = "4KiB", .max = "64MiB",
      .doc = "stretch of memory whose first touches and hinting faults are handled together; in a "
             "region of at least 1024 blocks of 2 MiB that is kept in blocks, all of one"),
    K(FIELD_TIME, "mm.touch_batch", mm.touch_batch, .def = "20us", .max = "1ms",
      .doc = "work within which first touches and hinting faults of random accesses are handled "
             "together, at most about 64 of them; 0ns: each at its own instant"),
    K(FIELD_ENUM, "mm.lru_batches", mm.lru_batches, .def = "new", .names = lru_batch_modes,
      .doc =
          "up to 30 new pages of a CPU are not on an LRU list yet, so hinting faults cannot move "
          "them; all: nor those that the CPUs of their nodes got last before the run"),
    K(FIELD_SIZE, "mm.swap", mm.swap, .def = "0B", .max = "1024TiB",
      .doc = "room on the swap device, for anonymous pages that reclaim takes; 0B: none"),
    K(FIELD_U32, "mm.swappiness", mm.swappiness, .def = "60", .max = "200",
      .doc = "in how many of 200 batches reclaim takes anonymous pages rather than those of files, "
             "where both can be had (vm.swappiness)"),
    K(FIELD_TIME, "mm.swap_latency", mm.swap_device.latency, .def = "80us", .max = "1s",
      .doc = "until a page from swap is there, waiting for others apart: a drive of today (our "
             "choice)"),
    K(FIELD_BANDWIDTH, "mm.swap_bandwidth", mm.swap_device.bandwidth, .def = "3.5GB/s",
      .min = "1MB/s", .max = "1000GB/s", .doc = "of the swap device, both ways together"),
    K(FIELD_TIME, "mm.file_latency", mm.file_device.latency, .def = "80us", .max = "1s",
      .doc = "until what is read of a file is there, waiting for others apart: a drive of today "
             "(our choice)"),
    K(FIELD_BANDWIDTH, "mm.file_bandwidth", mm.file_device.bandwidth, .def = "3.5GB/s",
      .min = "1MB/s", .max = "1000GB/s", .doc = "of the device that files are on"),
    K(FIELD_SIZE, "mm.readahead", mm.readahead, .def = "128KiB", .min = "4KiB", .max = "16MiB",
      .doc = "window in which a mapped file is read (read_ahead_kb)"),
    K(FIELD_TIME, "mm.dirty_expire", mm.dirty_expire, .def = "30s", .max = "100000s",
      .doc = "how long pages of a file stay dirty after who writes them has stopped "
             "(vm.dirty_expire_centisecs)"),
    K(FIELD_SIZE, "mm.reserved", mm.reserved, .def = "0B", .max = "1TiB",
      .doc = "memory of each node that the system itself holds"),
    K(FIELD_SIZE, "mm.min_free", mm.min_free, .def = "0B", .max = "1TiB",
      .doc = "memory of the machine that no allocation may take, shared out by the size of nodes "
             "(vm.min_free_kbytes); 0B: the square root of 16 times the memory, both in kB"),
    K(FIELD_U32, "mm.watermark_scale_factor", mm.watermark_scale_factor, .def = "10", .min = "1",
      .max = "3000",
      .doc = "distance between the watermarks of a node, in 1/10000 of it, at least a quarter of "
             "its minimum"),
    K(FIELD_ENUM, "mm.thp", mm.thp, .def = "always", .names = thp_modes,
      .doc = "who gets 2 MiB pages, of regions with page_size: 2MiB: always, those that madvise() "
             "asks for, nobody (transparent_hugepage/enabled)"),
    K(FIELD_ENUM, "mm.thp_defrag", mm.thp_defrag, .def = "madvise", .names = thp_defrag_modes,
      .doc = "who reclaims for a 2 MiB page, and looks on other nodes for it: always, where "
             "madvise() asked (others: nobody; with defer kswapd is woken) "
             "(transparent_hugepage/defrag)"),
    K(FIELD_BOOL, "mm.khugepaged", mm.khugepaged.on, .def = "yes",
      .doc = "small pages that lie where a 2 MiB page may be are collapsed in the background "
             "(transparent_hugepage/khugepaged)"),
    K(FIELD_TIME, "mm.khugepaged_scan_sleep", mm.khugepaged.scan_sleep, .def = "10s", .min = "1ms",
      .max = "100000s", .doc = "between two wake-ups (scan_sleep_millisecs)"),
    K(FIELD_TIME, "mm.khugepaged_alloc_sleep", mm.khugepaged.alloc_sleep, .def = "60s",
      .min = "1ms", .max = "100000s",
      .doc = "after no huge page could be had (alloc_sleep_millisecs)"),
    K(FIELD_U32, "mm.khugepaged_pages_to_scan", mm.khugepaged.pages_to_scan, .def = "4096",
      .min = "1", .max = "1000000000", .doc = "4 KiB pages that a wake-up looks at"),
    K(FIELD_U32, "mm.khugepaged_max_ptes_none", mm.khugepaged.max_ptes_none, .def = "511",
      .max = "511", .doc = "absent pages that a chunk may have to be collapsed"),
    K(FIELD_U32, "mm.khugepaged_max_ptes_swap", mm.khugepaged.max_ptes_swap, .def = "64",
      .max = "511", .doc = "pages in swap that it may have, which are read then"),
    K(FIELD_BOOL, "mm.thp_min_free", mm.thp_min_free, .def = "no",
      .doc = "the minimum is raised as khugepaged does, to keep whole 2 MiB blocks free"),
    K(FIELD_BOOL, "mm.demotion", mm.demotion, .def = "no",
      .doc = "reclaim moves cold pages to slower nodes (/sys/kernel/mm/numa/demotion_enabled)"),
    K(FIELD_STRING, "mm.interleave_weights", mm.interleave_weights, .def = "1",
      .doc =
          "weights of weighted interleaving, from 1 to 255, by node and with commas (the files in "
          "/sys/kernel/mm/mempolicy/weighted_interleave); nodes without one have 1"),
    K(FIELD_TIME, "mm.copy_window", mm.copy_window, .def = "1ms", .max = "1s",
      .doc = "copies of pages load controllers and links from window to window; 0s: not at all"),
    K(FIELD_BOOL, "mm.report", mm.report, .def = "no",
      .doc = "memory is recorded in detail: vmstat, numastat, numa_maps, a map of pages over time "
             "(pages.csv), series of tasks and regions; changes nothing else"),
    K(FIELD_BOOL, "mm.tier_data", mm.tier_data, .def = "yes",
      .doc = "firmware reports latency and bandwidth of memory (HMAT, CDAT), and its tier follows "
             "from them; no: CXL and PMEM form a slow tier, all else counts as DRAM"),

    K(FIELD_RATIO, "memory.tolerance", memory.tolerance_ppm, .def = "0.1%", .min = "0.0001%",
      .max = "10%",
      .doc = "how far a task's rate may be from what the load makes it before the memory model "
             "looks again"),
    K(FIELD_TIME, "memory.resolve_interval", memory.resolve_interval, .def = "100us", .max = "1s",
      .doc = "least time between two looks at a controller or link that more than "
             "memory.resolve_at_once CPUs share; in between, load that changes by less than "
             "memory.resolve_jump is not felt"),
    K(FIELD_U32, "memory.resolve_at_once", memory.resolve_at_once, .def = "32", .max = "8192",
      .doc = "up to so many CPUs that share a controller or link feel every change at once"),
    K(FIELD_RATIO, "memory.resolve_jump", memory.resolve_jump_ppm, .def = "5%", .min = "0.1%",
      .max = "100%",
      .doc = "a change of load by so much of the capacity is felt at once, however many share it"),

    K(FIELD_TIME, "cost.context_switch", cost.context_switch, .def = "1.5us", .max = "1ms",
      .doc = "switch between tasks of different processes"),
    K(FIELD_TIME, "cost.context_switch_same_mm", cost.context_switch_same_mm, .def = "1us",
      .max = "1ms", .doc = "switch between threads of one process"),
    K(FIELD_TIME, "cost.wakeup", cost.wakeup, .def = "500ns", .max = "1ms",
      .doc = "a wake-up, on the CPU of the waker"),
    K(FIELD_TIME, "cost.ipi", cost.ipi, .def = "1us", .max = "1ms",
      .doc = "a rescheduling interrupt, on the CPU that gets it"),
    K(FIELD_TIME, "cost.interrupt", cost.interrupt, .def = "1us", .max = "1ms",
      .doc = "an interrupt of a device, on the CPU that gets it (assumed: as cost.ipi)"),
    K(FIELD_TIME, "cost.io_completion", cost.io_completion, .def = "2us", .max = "1ms",
      .doc = "completing an operation of a device, in the softirq, where its step has no `cost` "
             "(assumed)"),
    K(FIELD_TIME, "cost.migration", cost.migration, .def = "2us", .max = "1ms",
      .doc = "moving one task between run queues, on the CPU that pulls"),
    K(FIELD_TIME, "cost.balance_per_cpu", cost.balance_per_cpu, .def = "50ns", .max = "100us",
      .doc =
          "a balancing pass, per CPU that it looks at. The dearest newly idle pass that a kernel "
          "remembered was 2.0 to 3.4 us for 24 CPUs and 4.6 us for 48 (2 x E5-2680 v3, 6.8; V. "
          "Bursov, linux-kernel, 2024-04-03), and 7 us for 112 and 10 us for 224 at the least, "
          "49 and 45 us on average (ThunderX2; V. Guittot, linux-kernel, 2021-10-19): "
          "interrupted passes are not modelled"),
    K(FIELD_TIME, "cost.minor_fault", cost.minor_fault, .def = "800ns", .max = "1ms",
      .doc = "first touch of a page, clearing it apart: 1 us with it for 4 KiB"),
    K(FIELD_BANDWIDTH, "cost.zero_bandwidth", cost.zero_bandwidth, .def = "21GB/s", .min = "1MB/s",
      .max = "1000GB/s", .doc = "rate at which a fresh page is cleared: 2 MiB in 100 us"),
    K(FIELD_TIME, "cost.hint_fault", cost.hint_fault, .def = "1us", .max = "1ms",
      .doc = "hinting fault on a 4 KiB page, migration apart"),
    K(FIELD_TIME, "cost.hint_fault_huge", cost.hint_fault_huge, .def = "1.2us", .max = "1ms",
      .doc = "hinting fault on a 2 MiB page, migration apart"),
    K(FIELD_TIME, "cost.page_migration", cost.page_migration, .def = "2us", .max = "1ms",
      .doc = "moving a 4 KiB page in a hinting fault, copy apart"),
    K(FIELD_TIME, "cost.page_migration_huge", cost.page_migration_huge, .def = "40us",
      .max = "10ms", .doc = "moving a 2 MiB page in a hinting fault, copy apart"),
    K(FIELD_TIME, "cost.page_move", cost.page_move, .def = "700ns", .max = "1ms",
      .doc = "moving a 4 KiB page in a batch of a call (move_pages, mbind, migrate_pages, a "
             "cpuset), copy apart: 1.1 us a page with it on a Zen 3, 6.16"),
    K(FIELD_TIME, "cost.page_move_huge", cost.page_move_huge, .def = "1us", .max = "10ms",
      .doc = "moving a 2 MiB page in a batch of a call, copy apart: 197 us with it, which is the "
             "copy"),
    K(FIELD_BANDWIDTH, "cost.copy_bandwidth", cost.copy_bandwidth, .def = "10.7GB/s",
      .min = "1MB/s", .max = "1000GB/s", .doc = "rate at which migrated pages are copied"),
    K(FIELD_TIME, "cost.reclaim_look", cost.reclaim_look, .def = "100ns", .max = "1ms",
      .doc = "reclaim looks whether a page was accessed (assumed: it finds its page tables)"),
    K(FIELD_TIME, "cost.lru_drain", cost.lru_drain, .def = "58us", .max = "100ms",
      .doc = "a call that moves pages (mbind, move_pages, migrate_pages, a cpuset), before the "
             "first of them: all CPUs give up the pages that they are about to sort; with one page "
             "a call takes 60 us"),
    K(FIELD_TIME, "cost.scan_per_page", cost.scan_per_page, .def = "20ns", .max = "100us",
      .doc = "marking one 4 KiB page"),
    K(FIELD_TIME, "cost.scan_per_huge_page", cost.scan_per_huge_page, .def = "100ns", .max = "10us",
      .doc = "marking one 2 MiB page"),
    K(FIELD_TIME, "sched.timer_slack", sched.timer_slack, .def = "0ns", .max = "1s",
      .doc = "how much later than due a sleep of a fair task may end, so that several end in one "
             "interrupt (PR_SET_TIMERSLACK; the kernel's default is 50us); 0ns: all end on time"),
    K(FIELD_TIME, "sched.host_turn", sched.host_turn, .def = "0ns", .max = "1s",
      .doc = "the machine is a guest whose CPUs take turns of at most this long on one CPU of the "
             "host, as an emulator runs them: a CPU stands still while another has the turn, and "
             "its clock goes on; 0ns: every CPU is real"),
    K(FIELD_TIME, "cost.page_out", cost.page_out, .def = "1us", .max = "1ms",
      .doc = "reclaim takes a page: unmapping, freeing, asking the device (our choice)"),
    K(FIELD_TIME, "cost.tlb_shootdown", cost.tlb_shootdown, .def = "1us", .max = "1ms",
      .doc = "a TLB flush, on the CPU that asks"),
    K(FIELD_TIME, "cost.tlb_per_cpu", cost.tlb_per_cpu, .def = "200ns", .max = "1ms",
      .doc = "a TLB flush, per other CPU that runs the process, on the CPU that asks"),
    K(FIELD_TIME, "cost.tlb_victim", cost.tlb_victim, .def = "500ns", .max = "1ms",
      .doc = "a TLB flush, on each interrupted CPU"),

    K(FIELD_RATIO, "cpu.smt_speed", cache.smt_speed_ppm, .def = "0.62", .min = "0.25", .max = "1",
      .doc = "speed of each of two busy threads of a core, waiting for memory apart; four have it "
             "squared, and so on; 1: threads do not slow each other"),
    K(FIELD_U32, "cpu.misses_in_flight", cache.misses_in_flight, .def = "17", .min = "1",
      .max = "1024",
      .doc = "cache misses that a core can have under way, which its busy threads share; 17 is the "
             "median of eleven measured machines (bandwidth x latency at full load)"),
    K(FIELD_ENUM, "cache.llc_sharing", cache.llc_sharing, .def = "traffic", .names = llc_sharings,
      .doc = "how tasks that run on a last-level cache divide it: by their misses, in equal parts, "
             "or not at all (each has all of it)"),
    K(FIELD_BOOL, "cache.cold", cache.cold, .def = "yes",
      .doc = "a task with a working set pays for what its caches lost: on another core, on another "
             "last-level cache, or because others ran"),
    K(FIELD_BOOL, "cache.transfers", cache.transfers, .def = "yes",
      .doc = "locks, barriers, channels and messages cost what their cache lines take from one "
             "core to the next"),

    K(FIELD_BOOL, "noise.tick_phase", noise.tick_phase, .def = "yes",
      .doc = "the seed draws the phase of the clock tick"),
    K(FIELD_BOOL, "noise.start_jitter", noise.start_jitter, .def = "yes",
      .doc = "the seed draws a delay of each thread's start"),
    K(FIELD_TIME, "noise.start_jitter_max", noise.start_jitter_max, .def = "1ms", .max = "1s",
      .doc = "longest delay of a thread's start"),
    K(FIELD_BOOL, "noise.scan_phase", noise.scan_phase, .def = "yes",
      .doc = "the seed draws the phase of the first NUMA scan"),
    K(FIELD_BOOL, "noise.start_cpu", noise.start_cpu, .def = "yes",
      .doc = "the seed draws the CPU that forks the first task"),
    K(FIELD_BOOL, "noise.tie_rotor", noise.tie_rotor, .def = "yes",
      .doc = "the seed draws in which order the CPUs went idle before the run: which of "
             "them a fork prefers"),
    K(FIELD_BOOL, "noise.bandwidth_phase", noise.bandwidth_phase, .def = "yes",
      .doc = "the seed draws when in its period each group's cpu.max is refilled"),
    K(FIELD_U32, "static.best_evaluations", fixed.best_evaluations, .def = "1000", .min = "1",
      .max = "1000000",
      .doc = "placements that static:best looks at before it takes the best of them"),
    K(FIELD_TIME, "ext.op_cost", ext.op_cost, .def = "200ns", .max = "1s",
      .doc = "a programmable policy decides: what each of its operations costs at least"),
    K(FIELD_TIME, "ext.call_cost", ext.call_cost, .def = "20ns", .max = "1ms",
      .doc = "each helper that an operation calls"),
    K(FIELD_TIME, "ext.contended_cost", ext.contended_cost, .def = "100ns", .max = "1ms",
      .doc = "use of a DSQ, map or queue that another CPU used just now"),
    K(FIELD_TIME, "ext.contended_window", ext.contended_window, .def = "1us", .max = "1ms",
      .doc = "for so long a use by another CPU counts as just now"),
    K(FIELD_TIME, "ext.max_runtime", ext.max_runtime, .def = "0ns", .max = "10s",
      .doc = "the longest that an operation may take; 0: no limit"),
    K(FIELD_ENUM, "ext.on_overrun", ext.on_overrun, .def = "eject", .names = overruns,
      .doc = "an operation exceeds its budget: the policy leaves, this one decision is made as if "
             "the operation were absent, or it goes on and costs what it costs"),
    K(FIELD_BOOL, "ext.preemptible", ext.preemptible, .def = "yes",
      .doc =
          "a real-time or deadline task takes the CPU from a policy that is deciding; the rest of "
          "the decision comes after it. Linux calls operations with interrupts off: no"),
    K(FIELD_SIZE, "ext.max_memory", ext.max_memory, .def = "64MiB", .max = "64GiB",
      .doc = "maps and queues of a policy"),
    K(FIELD_TIME, "ext.disable_delay", ext.disable_delay, .def = "0ns", .max = "10s",
      .doc = "from an error, or the order to leave, until the tasks do without the policy: the "
             "kernel's thread has to come to run, and meanwhile the policy is still asked"),
    K(FIELD_TIME, "ext.unload_time", ext.unload_time, .def = "40ms", .max = "10s",
      .doc = "how long a policy takes to leave, its tasks being served in turn"),
    K(FIELD_TIME, "ext.load_at", ext.load_at, .def = "0ns", .max = "1000000s",
      .doc = "when the policy is loaded; before, the tasks are the fair class's"),
    K(FIELD_TIME, "ext.unload_at", ext.unload_at, .def = "0ns", .max = "1000000s",
      .doc = "when it is unloaded again, as planned; 0ns: it stays"),
    K(FIELD_TIME, "ext.exit_delay", ext.exit_delay, .def = "20ms", .max = "10s",
      .doc = "from the end of a task to exit_task: a grace period"),
    FIELD_END,
};

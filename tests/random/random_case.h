/*
 * One random run: a machine, tasks and settings that follow from a seed and a value for each
 * dimension.
 *
 * A dimension is something that can be varied on its own: how many nodes, how many tasks, how many
 * feature switches are turned over. Its least value is the plainest, so that a failing case is made
 * smaller by lowering values. Every draw has a stream of its own, named after its purpose: lowering
 * one value leaves what the others mean as it was.
 *
 * To add a dimension: a line in DIMENSIONS, and whoever reads case_value() of it.
 */
#pragma once

#include "kernel/kernel.h"

/* id, name, least, most, often: every case draws it; else half of the cases have the least */
#define DIMENSIONS(X)                                                                              \
    X(DIM_NODES, "nodes", 1, 8, true, "NUMA nodes")                                                \
    X(DIM_CORES, "cores", 1, 6, true, "cores of a node")                                           \
    X(DIM_THREADS, "threads", 1, 2, true, "hardware threads of a core")                            \
    X(DIM_LLCS, "llcs", 1, 2, false, "last-level caches of a node")                                \
    X(DIM_DISTANCES, "distances", 0, 3, false, "0 all alike, 1 ring, 2 line, 3 drawn")             \
    X(DIM_ISOLATED, "isolated", 0, 2, false, "isolated CPUs, while others are left")               \
    X(DIM_TASKS, "tasks", 1, 40, true, "tasks at the start")                                       \
    X(DIM_TIME, "time", 1, 60, true, "length of the run, in 10 ms")                                \
    X(DIM_BURST, "burst", 0, 5, true, "mean burst: 20 us times 4 for each step")                   \
    X(DIM_HOGS, "hogs", 0, 10, false, "tenths of the tasks that never sleep")                      \
    X(DIM_BLOCK, "block", 0, 10, false, "tenths of the waits that end when another task says so")  \
    X(DIM_YIELD, "yield", 0, 3, false, "tenths of the steps that yield")                           \
    X(DIM_FORK, "fork", 0, 20, false, "tasks that are forked by others during the run")            \
    X(DIM_EXIT, "exit", 0, 10, false, "tenths of the tasks that end before the run does")          \
    X(DIM_NICE, "nice", 0, 20, false, "nice levels to either side of 0")                           \
    X(DIM_SLICE, "slice", 0, 10, false, "tenths of the tasks with a slice of their own")           \
    X(DIM_FAIR, "fair", 0, 10, false, "tenths of the tasks that are SCHED_BATCH or SCHED_IDLE")    \
    X(DIM_CLASSES, "classes", 0, 10, false,                                                        \
      "tenths of the tasks of a real-time or deadline policy")                                     \
    X(DIM_GROUPS, "groups", 0, 6, false, "task groups, below the root and below each other")       \
    X(DIM_WEIGHTS, "weights", 0, 10, false, "tenths of the groups with a weight, or idle")         \
    X(DIM_QUOTAS, "quotas", 0, 10, false, "tenths of the groups with a limit (cpu.max)")           \
    X(DIM_CPUSETS, "cpusets", 0, 10, false, "tenths of the groups that have some CPUs only")       \
    X(DIM_AFFINITY, "affinity", 0, 10, false, "tenths of the tasks that may use some CPUs only")   \
    X(DIM_CHANGES, "changes", 0, 10, false, "percent of the steps that change nice or affinity")   \
    X(DIM_FEATURES, "features", 0, 6, false, "feature switches that are turned over")              \
    X(DIM_HZ, "hz", 0, 3, false, "0 250, 1 1000, 2 100, 3 300 ticks a second")                     \
    X(DIM_BALANCE, "balance", 0, 3, false, "1 no newly idle balancing, 2 none at ticks, 3 none")   \
    X(DIM_VERSION, "version", 0, 2, false, "1: Linux 6.12.0, 2: rules of 6.18")                    \
    X(DIM_CFS, "cfs", 0, 1, false, "1: the classic CFS instead of EEVDF")                          \
    X(DIM_POLICY, "policy", 0, 8, false, "number of the placement policy")                         \
    X(DIM_NUMA, "numa", 0, 6, false, "switches of NUMA balancing that are turned over")            \
    X(DIM_MEMORY, "memory", 0, 4, false, "regions that tasks use")                                 \
    X(DIM_THP, "thp", 0, 2, false, "1: regions take huge pages, 2: where madvise() asks for them") \
    X(DIM_MEMPOLICY, "mempolicy", 0, 10, false, "tenths of the tasks with a memory policy")        \
    X(DIM_MEMCALLS, "memcalls", 0, 5, false,                                                       \
      "percent of the steps that set policies or cpusets of memory, or move pages")                \
    X(DIM_TIERS, "tiers", 0, 2, false, "slow nodes without CPUs; reclaim demotes to them")         \
    X(DIM_PRESSURE, "pressure", 0, 4, false, "nodes have 256 MiB, a quarter for each step")        \
    X(DIM_HOTPLUG, "hotplug", 0, 8, false, "times that some CPUs go offline and come back")        \
    X(DIM_COSTS, "costs", 0, 1, false, "1: kernel work takes time")                                \
    X(DIM_NOISE, "noise", 0, 1, false, "1: the seed varies tick phase, start CPU and the like")    \
    X(DIM_DEVICES, "devices", 0, 4, false, "devices that tasks give operations to")                \
    X(DIM_EXT, "ext", 0, 24, false,                                                                \
      "number of the programmable policy; beyond the built-in ones: chaos, from 17 on scripts")    \
    X(DIM_EXT_PLAN, "plan", 0, 7, false,                                                           \
      "1 it comes later, 2 it goes, 4 other delays, budgets, successors")                          \
    X(DIM_SWAP, "swap", 0, 3, false, "swap: 8, 64 or 512 MiB")                                     \
    X(DIM_FILES, "files", 0, 3, false,                                                             \
      "every second region is a file: 1 mapped shared, 2 mapped private, 3 not mapped")            \
    X(DIM_REGROUP, "regroup", 0, 5, false,                                                         \
      "half percents of the steps that change a group, or the group of a process")                 \
    X(DIM_SLACK, "slack", 0, 1, false, "1: sleeps of fair tasks may end 50 us late")               \
    X(DIM_CAPACITY, "capacity", 0, 3, false, "1 small cores in each node, 2 small nodes, 3 drawn")

enum { DEVICES_OF_CASE = 4 };

enum dimension {
#define X(id, name, least, most, often, doc) id,
    DIMENSIONS(X)
#undef X
        DIM_NR
};

struct dimension_info {
    const char *name;
    uint32_t least, most;
    bool often;
    const char *doc;
};
extern const struct dimension_info dimensions[DIM_NR];

struct random_case {
    uint64_t seed;
    uint32_t value[DIM_NR];
};
void case_draw(struct random_case *c, uint64_t seed);

/* A draw below `bound` for a purpose: the same whatever else is drawn. */
uint64_t case_pick(const struct random_case *c, const char *purpose, uint64_t index,
                   uint64_t bound);
/* True for `tenths` of the indices. */
static inline bool
case_chance(const struct random_case *c, const char *purpose, uint64_t index, uint32_t tenths)
{
    return case_pick(c, purpose, index, 10) < tenths;
}

struct machine *case_machine(const struct random_case *c, struct arena *a);
/* Allowed CPUs: a contiguous or a scattered set, never empty. */
const struct cpumask *case_cpus(const struct machine *m, struct arena *a, struct rng *rng);

/*
 * What a run came to. Decisions are kept as one hash each; number `show` (from 1) as text. A run
 * ends with its time or with decision number `enough`: most cases are short, and a few on many CPUs
 * would take most of the time.
 */
struct outcome {
    char failure[512]; /* "": none */
    struct engine *engine;
    uint64_t enough, nr_decisions, cap_decisions, show, nr_events, nr_ticks, nr_wasted, wasted_ns;
    uint64_t *decisions;
    uint64_t end;  /* a hash of what is left: tasks, events, how the policy left */
    char left[96]; /* how the policy left, or "" */
    char shown[4096];
};
void case_run(const struct random_case *c, enum tick_mode tick, struct outcome *out);

/* Builds the tasks and starts them (random_tasks.c). */
void case_tasks(const struct random_case *c, struct kernel *k);

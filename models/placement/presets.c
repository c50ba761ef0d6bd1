/*
 * Presets that bind nothing: the scheduler alone, with automatic balancing, or with what the
 * workload itself states.
 */
#include "models/placement/models.h"

static const struct param_setting balancing_off[] = { { "numa_balancing.mode", "off" },
                                                      { NULL, NULL } };
static const struct param_setting balancing_on[] = { { "numa_balancing.mode", "on" },
                                                     { NULL, NULL } };

const struct placement_ops placement_topology = {
    .name = "topology",
    .level = 1,
    .doc = "Linux scheduling domains and load balancing, memory by first touch",
    .page =
        "The fair class of Linux 6.12 with its scheduling domains, wake-up placement and load\n"
        "balancing, and numa_balancing=0. A page is placed where it is touched first and stays\n"
        "there; tasks move without regard to their memory. This is the baseline of a machine that\n"
        "knows its topology and nothing else.",
    .settings = balancing_off,
};

static const struct param_setting early[] = { { "numa_balancing.mode", "off" },
                                              { "select.affinity", "load" },
                                              { "select.idle_sibling", "no" },
                                              { NULL, NULL } };

const struct placement_ops placement_topology_early = {
    .name = "topology-early",
    .level = 1,
    .doc = "as topology, with the wake-up path of the first CFS: load alone, no search",
    .page =
        "As `topology`, but a task that is woken runs on its waker's CPU or on its own old one,\n"
        "and nowhere else: load alone decides (Linux 2.6.23, without its search for an idle\n"
        "CPU). Idle CPUs next to a busy target are found by load balancing only, later. With\n"
        "--set select.affinity=distance the loads are scaled by 100 + node distance, so that a\n"
        "task crosses nodes less readily. Domains, load balancing, fork and memory are those\n"
        "of `topology`.",
    .settings = early,
};

const struct placement_ops placement_autonuma = {
    .name = "autonuma",
    .level = 3,
    .doc = "the same scheduler with automatic NUMA balancing",
    .page =
        "As `topology`, with numa_balancing=1: each process is scanned, pages that are touched\n"
        "after a scan fault and tell who uses them, pages move to the tasks that use them, and\n"
        "tasks move to the node that holds most of what they use. All of it costs time, which\n"
        "is charged to the tasks. Scan periods, sizes and switches are the numa_balancing.*\n"
        "parameters.",
    .settings = balancing_on,
};

static const struct param_setting tiering[] = { { "numa_balancing.mode", "tiering" },
                                                { "mm.demotion", "yes" },
                                                { NULL, NULL } };

/* Where CPUs are, memory is fast; what is slow besides plain memory, the kernel knows by its kind.
 */
static const char *
needs_slow_memory(const struct machine *m)
{
    for_each_node (n, machine_memory_nodes(m) & ~machine_cpu_nodes(m))
        if (m->nodes[n].kind != MEMORY_DRAM && m->nodes[n].kind != MEMORY_HBM)
            return NULL;
    return "it has no slow memory: a node without CPUs, of a kind other than dram and hbm";
}

const struct placement_ops placement_tiering = {
    .name = "tiering",
    .level = 3,
    .doc = "hot pages of slow nodes are promoted, cold pages of fast nodes demoted",
    .page =
        "As `topology`, with numa_balancing=2 and demotion: pages of slow nodes (CXL, PMEM) are\n"
        "marked by scans, and a page that is touched soon after moves to the node of the CPU\n"
        "that touches it. When a fast node runs full, kswapd moves pages that were not touched\n"
        "lately to the nearest node of the next tier. Pages of fast nodes are not balanced among\n"
        "them: --set numa_balancing.mode=both does that too. Thresholds and limits are the\n"
        "numa_balancing.hot_threshold, numa_balancing.promote_rate_limit and mm.* parameters.",
    .settings = tiering,
    .fits = needs_slow_memory,
};

const struct placement_ops placement_workload = {
    .name = "static:workload",
    .level = 2,
    .doc = "the bindings that the workload file states",
    .page = "CPUs and memory are bound as the workload file says: affinities, mempolicies and its\n"
            "binding variant. What the file leaves open is free: the scheduler places tasks, and\n"
            "pages go where they are touched first.",
    .settings = balancing_off,
};

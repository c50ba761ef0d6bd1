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

const struct placement_ops placement_workload = {
    .name = "static:workload",
    .level = 2,
    .doc = "the bindings that the workload file states",
    .page = "CPUs and memory are bound as the workload file says: affinities, mempolicies and its\n"
            "binding variant. What the file leaves open is free: the scheduler places tasks, and\n"
            "pages go where they are touched first.",
    .settings = balancing_off,
};

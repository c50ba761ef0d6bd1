/*
 * Memory tiering: promotion of hot pages by hinting faults (numa_balancing=2; numa-balancing.md
 * 1.17). A page of a slow node keeps the time of its marking instead of an access tag; a fault soon
 * after it means a hot page.
 */
#pragma once

#include "kernel/memory_tiers.h"
#include "kernel/numa.h"

/* Of a node that promotes to itself (pg_data_t: nbp_*). */
struct numa_tier_node {
    uint64_t threshold, th_start, rl_start; /* ms; threshold 0: the default */
    uint64_t candidates;                    /* pgpromote_candidate: 4 KiB pages, cumulative */
    uint64_t th_candidates, rl_candidates;  /* of those, when the period or second began */
};

/* Do pages of this node have a time in place of a tag? */
static inline bool
numa_uses_access_time(const struct kernel *k, int node)
{
    return (k->params.numa.mode & NUMA_BALANCING_MEMORY_TIERING) && !node_is_toptier(k, node);
}
/* The time as pages remember it, never 0. */
uint32_t numa_access_time(const struct kernel *k);
/* Is the page hot enough to move up, and may another one now? Its time is set anew. */
bool numa_should_promote(struct kernel *k, struct numa_fault *f);

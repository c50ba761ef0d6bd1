/*
 * Memory tiers: which nodes count as fast, and where a fast node's cold pages go
 * (mm/memory-tiers.c).
 */
#pragma once

#include "kernel/mm.h"

void memory_tiers_init(struct kernel *k);

/* Does the node belong to the slowest tier that has CPUs, or to a faster one? Pages of others are
 * candidates for promotion. */
static inline bool
node_is_toptier(const struct kernel *k, int node)
{
    return k->mm->nodes[node].tier <= k->mm->top_tier;
}
/* Where a batch of the node's cold pages goes, drawn among equals; -1: nowhere. */
int next_demotion_node(struct kernel *k, int node);
/* All nodes of all slower tiers: where they go when the target is full. */
nodemask node_lower_tiers(const struct kernel *k, int node);

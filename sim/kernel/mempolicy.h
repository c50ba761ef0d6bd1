/*
 * Memory policies: what a program asks for, what a cpuset leaves of it, and the node that it names
 * for a page (mm/mempolicy.c). Facts: numa-balancing.md 2.5.
 */
#pragma once

#include "kernel/group.h"
#include "kernel/pages.h"

/*
 * Puts a policy in force: policy->user_nodes, as the program asked, become policy->nodes by the
 * nodes that are allowed now. False: nothing is left of them, and the call fails (EINVAL).
 */
bool mempolicy_apply(struct mempolicy *policy, nodemask allowed);
/* The allowed nodes have changed: what the policy means from now on (mpol_rebind_policy). */
void mempolicy_rebind(const struct kernel *k, struct mempolicy *policy, nodemask allowed);

/* Bitmap arithmetic of the kernel's, on nodes: `orig` folded modulo a size; the nodes of `onto`
 * whose ordinals are in `orig`; each node of `from` as that of the same ordinal, modulo the size,
 * in `to`, and others as they are. */
nodemask nodes_fold(nodemask orig, uint32_t size);
nodemask nodes_onto(nodemask orig, nodemask onto);
nodemask nodes_remap(nodemask orig, nodemask from, nodemask to);
int node_remap(int node, nodemask from, nodemask to);

/* set_mempolicy(): the cursor of page-cache allocations begins before the lowest node. */
void task_set_mempolicy(struct task *p, const struct mempolicy *policy);
/* The nodes that p's cpuset allows. */
static inline nodemask
task_mems(const struct kernel *k, const struct task *p)
{
    (void)k;
    return p->group->mems;
}

/* The index rule of the interleaving policies. */
int mempolicy_interleave_node(const struct kernel *k, const struct mempolicy *policy,
                              uint64_t index);
/* Allocations without an address (page cache) under an interleaving task policy: the next node
 * after the last one; weighted: each node as often in a row as its weight says. */
int mempolicy_cursor_node(const struct kernel *k, struct task_mem *mem,
                          const struct mempolicy *policy);

/* What interleaving counts by: the address, or the place in a shared object, in units of a page of
 * the allocation; objects begin at different nodes (by inode number in Linux, by the region's
 * number here). */
static inline uint64_t
vma_interleave_index(const struct mapping *m, uint64_t page, bool huge)
{
    const struct region *r = m->region;
    uint32_t order = huge ? CHUNK_SHIFT : 0;

    return r->sharing == REGION_GLOBAL ? (page >> order) + r->id : (m->start + page) >> order;
}

/*
 * Memory policies: which one is in force for a page, and the index rule of interleaving.
 *
 * A VMA's policy goes before the task's, and the task's before the system's default, which is the
 * node of the CPU that faults. A binding by slice is an mbind() of a part of the mapping, which
 * Linux carries out by splitting the VMA.
 */
#include "kernel/mm.h"

const char *const mempolicy_names[MPOL_NR + 1] = {
    "default", "local",      "preferred",           "preferred_many",
    "bind",    "interleave", "weighted_interleave", NULL
};

const struct mempolicy *
effective_policy(const struct task *p, const struct region *r, uint64_t page)
{
    if (r->slice_policy != NULL) {
        const struct mempolicy *slice = &r->slice_policy[region_slice_of(r, page)];

        if (slice->mode != MPOL_DEFAULT)
            return slice;
    }
    if (r->policy.mode != MPOL_DEFAULT || p->mem == NULL)
        return &r->policy;
    return &p->mem->policy;
}

static int
nth_node(nodemask nodes, uint64_t n)
{
    while (n-- > 0)
        nodes &= nodes - 1;
    return __builtin_ctzll(nodes);
}

static uint32_t
weight_of(const struct mempolicy *policy, int node)
{
    return policy->weights[node] ? policy->weights[node] : 1;
}

static int
weighted_node(const struct mempolicy *policy, uint64_t index)
{
    uint64_t total = 0, left;

    for_each_node (n, policy->nodes)
        total += weight_of(policy, n);
    left = index % total;
    for_each_node (n, policy->nodes) {
        if (left < weight_of(policy, n))
            return n;
        left -= weight_of(policy, n);
    }
    sim_panic(__FILE__, __LINE__, "weights of an interleave policy");
}

int
mempolicy_interleave_node(const struct mempolicy *policy, uint64_t index)
{
    sim_assert(policy->nodes != 0);
    if (policy->mode == MPOL_WEIGHTED_INTERLEAVE)
        return weighted_node(policy, index);
    return nth_node(policy->nodes, index % (uint32_t)__builtin_popcountll(policy->nodes));
}

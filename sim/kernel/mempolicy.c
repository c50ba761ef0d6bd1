/*
 * Memory policies: which one is in force for a page, and the index rule of interleaving.
 *
 * A VMA's policy goes before the task's, and the task's before the system's default, which is the
 * node of the CPU that faults.
 *
 * Weights are the machine's, one a node (mm.interleave_weights, in Linux files under /sys). Model
 * assumption: a policy may state weights of its own, which go before those; Linux has none.
 */
#include "kernel/mempolicy.h"

const char *const mempolicy_names[MPOL_NR + 1] = {
    "default", "local",      "preferred",           "preferred_many",
    "bind",    "interleave", "weighted_interleave", NULL
};

static int
nth_node(nodemask nodes, uint64_t n)
{
    while (n-- > 0)
        nodes &= nodes - 1;
    return __builtin_ctzll(nodes);
}

static uint32_t
weight_of(const struct kernel *k, const struct mempolicy *policy, int node)
{
    uint32_t weight = policy->weights[node] ? policy->weights[node] : k->mm->weights[node];

    return weight ? weight : 1;
}

static int
weighted_node(const struct kernel *k, const struct mempolicy *policy, uint64_t index)
{
    uint64_t total = 0, left;

    for_each_node (n, policy->nodes)
        total += weight_of(k, policy, n);
    left = index % total;
    for_each_node (n, policy->nodes) {
        if (left < weight_of(k, policy, n))
            return n;
        left -= weight_of(k, policy, n);
    }
    sim_panic(__FILE__, __LINE__, "weights of an interleave policy");
}

int
mempolicy_interleave_node(const struct kernel *k, const struct mempolicy *policy, uint64_t index)
{
    sim_assert(policy->nodes != 0);
    if (policy->mode == MPOL_WEIGHTED_INTERLEAVE)
        return weighted_node(k, policy, index);
    return nth_node(policy->nodes, index % (uint32_t)__builtin_popcountll(policy->nodes));
}

/* The lowest node of the set above `after`, or the lowest of all. */
static int
next_node_in(nodemask nodes, int after)
{
    nodemask above = after >= NODE_MAX - 1 ? 0 : nodes & ~((NODE_BIT(after) << 1) - 1);

    return __builtin_ctzll(above != 0 ? above : nodes);
}

int
mempolicy_cursor_node(const struct kernel *k, struct task_mem *mem, const struct mempolicy *policy)
{
    bool weighted = policy->mode == MPOL_WEIGHTED_INTERLEAVE;
    bool stays = weighted && mem->il_weight > 0 && (policy->nodes & NODE_BIT(mem->il_prev));

    sim_assert(policy->nodes != 0);
    if (!stays) {
        mem->il_prev = next_node_in(policy->nodes, mem->il_prev);
        mem->il_weight = weighted ? weight_of(k, policy, mem->il_prev) : 0;
    }
    mem->il_weight -= weighted;
    return mem->il_prev;
}

void
task_set_mempolicy(struct task *p, const struct mempolicy *policy)
{
    p->mem->policy = *policy;
    if (policy->mode == MPOL_INTERLEAVE || policy->mode == MPOL_WEIGHTED_INTERLEAVE) {
        p->mem->il_prev = NODE_MAX - 1;
        p->mem->il_weight = 0;
    }
}

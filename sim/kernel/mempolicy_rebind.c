/*
 * What a cpuset leaves of a policy, when it is set and when the cpuset changes (mpol_set_nodemask,
 * mpol_rebind_policy). Facts: numa-balancing.md 2.5.
 *
 * A policy without flags names nodes as the program saw them, and is carried over by position: the
 * second node allowed then is the second allowed now, whatever this has become after many changes.
 * STATIC means these very nodes, RELATIVE positions among the allowed ones; both start from what
 * the program asked for each time. If nothing is left, all allowed nodes stand in.
 *
 * 6.12 leaves the nodes of PREFERRED and PREFERRED_MANY alone (quirk PREFERRED_KEPT). Of a policy
 * with balancing it keeps what the program asked for, as of one with the other flags, where those
 * without flags have what was allowed, and then takes the one for the other (BALANCED_REBIND).
 */
#include "kernel/group.h"
#include "kernel/mempolicy.h"
#include "kernel/numa_quirks.h"

static uint32_t
weight(nodemask nodes)
{
    return (uint32_t)__builtin_popcountll(nodes);
}

nodemask
nodes_fold(nodemask orig, uint32_t size)
{
    nodemask folded = 0;

    for_each_node (n, orig)
        folded |= NODE_BIT((uint32_t)n % size);
    return folded;
}

/* The node with so many others below it; the set is large enough. */
static nodemask
nth_bit(nodemask nodes, uint32_t n)
{
    while (n-- > 0)
        nodes &= nodes - 1;
    return nodes & -nodes;
}

nodemask
nodes_onto(nodemask orig, nodemask onto)
{
    nodemask result = 0;
    uint32_t position = 0;

    for_each_node (n, onto)
        if (orig & NODE_BIT(position++))
            result |= NODE_BIT(n);
    return result;
}

int
node_remap(int node, nodemask from, nodemask to)
{
    if (!(from & NODE_BIT(node)) || to == 0)
        return node;
    uint32_t position = weight(from & (NODE_BIT(node) - 1));

    return __builtin_ctzll(nth_bit(to, position % weight(to)));
}

nodemask
nodes_remap(nodemask orig, nodemask from, nodemask to)
{
    nodemask result = 0;

    for_each_node (n, orig)
        result |= NODE_BIT(node_remap(n, from, to));
    return result;
}

static bool
has_nodes(const struct mempolicy *policy)
{
    return policy->mode != MPOL_DEFAULT && policy->mode != MPOL_LOCAL &&
           (policy->mode != MPOL_PREFERRED || (policy->user_nodes | policy->nodes) != 0);
}

static nodemask
relative(const struct mempolicy *policy, nodemask allowed)
{
    return nodes_onto(nodes_fold(policy->user_nodes, weight(allowed)), allowed);
}

bool
mempolicy_apply(struct mempolicy *policy, nodemask allowed)
{
    if (!has_nodes(policy))
        return true;
    policy->allowed_at = allowed;
    policy->rebound = false;
    policy->nodes =
        policy->relative_nodes ? relative(policy, allowed) : policy->user_nodes & allowed;
    if (policy->mode == MPOL_PREFERRED)
        policy->nodes &= -policy->nodes;
    return policy->nodes != 0;
}

/* What the nodes in force are positions in: what was allowed, if it is not of before the run. */
static nodemask
bound_to(const struct kernel *k, const struct mempolicy *policy)
{
    if (policy->numa_balancing && !policy->rebound && numa_quirk(k, BALANCED_REBIND))
        return policy->user_nodes;
    return policy->allowed_at != 0 ? policy->allowed_at : machine_memory_nodes(k->machine);
}

void
mempolicy_rebind(const struct kernel *k, struct mempolicy *policy, nodemask allowed)
{
    bool preferred = policy->mode == MPOL_PREFERRED || policy->mode == MPOL_PREFERRED_MANY;
    bool by_user = policy->static_nodes || policy->relative_nodes;
    nodemask before = bound_to(k, policy), nodes;

    if (!has_nodes(policy) || (!by_user && !policy->numa_balancing && before == allowed))
        return;
    policy->allowed_at = allowed;
    policy->rebound = true;
    if (preferred && numa_quirk(k, PREFERRED_KEPT))
        return;
    if (policy->static_nodes)
        nodes = policy->user_nodes & allowed;
    else if (policy->relative_nodes)
        nodes = relative(policy, allowed);
    else
        nodes = nodes_remap(policy->nodes, before, allowed);
    if (policy->mode == MPOL_PREFERRED)
        nodes &= -nodes;
    policy->nodes = nodes != 0 ? nodes : allowed;
}

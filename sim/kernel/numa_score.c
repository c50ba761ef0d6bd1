/*
 * How much of a task's memory is on and near a node (task_weight, group_weight), and where on
 * indirectly connected machines a group is best off (preferred_group_nid).
 *
 * On a directly connected machine "near" says nothing, all other nodes being equally far. On a
 * glueless mesh faults on nodes between count by how near they are; on a backplane machine all
 * nodes closer than the move would go count in full.
 */
#include "kernel/numa_group.h"

static uint64_t
task_faults(const struct kernel *k, const struct task *p, int node)
{
    const uint64_t *f = numa_faults(k, p->numa, NUMA_MEM, node);

    return f[NUMA_SHARED] + f[NUMA_PRIVATE];
}

/* `g` NULL: of the task. */
static uint64_t
faults_of(const struct kernel *k, const struct task *p, const struct numa_group *g, int node)
{
    return g != NULL ? group_faults(k, g, node) : task_faults(k, p, node);
}

static uint64_t
score_nearby_nodes(const struct kernel *k, const struct task *p, const struct numa_group *g,
                   int node, uint32_t limit)
{
    const struct domains *d = k->domains;
    uint64_t score = 0;

    if (d->topology_type == NUMA_DIRECT)
        return 0;
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++) {
        uint32_t dist = node_distance(k, node, (int)n);

        if (!k->machine->nodes[n].online || (int)n == node || dist >= d->max_distance)
            continue;
        if (d->topology_type == NUMA_BACKPLANE && dist >= limit)
            continue;
        uint64_t faults = faults_of(k, p, g, (int)n);
        if (d->topology_type == NUMA_GLUELESS_MESH)
            faults = faults * (d->max_distance - dist) / (d->max_distance - 10);
        score += faults;
    }
    return score;
}

int64_t
task_weight(const struct kernel *k, const struct task *p, int node, uint32_t dist)
{
    const struct task_numa *n = p->numa;

    if (n == NULL || n->faults == NULL || n->total_faults == 0)
        return 0;
    uint64_t faults = task_faults(k, p, node) + score_nearby_nodes(k, p, NULL, node, dist);
    return (int64_t)(1000 * faults / n->total_faults);
}

int64_t
group_weight(const struct kernel *k, const struct task *p, int node, uint32_t dist)
{
    const struct numa_group *g = p->numa != NULL ? p->numa->group : NULL;

    if (g == NULL || g->total_faults == 0)
        return 0;
    uint64_t faults = group_faults(k, g, node) + score_nearby_nodes(k, p, g, node, dist);
    return (int64_t)(1000 * faults / g->total_faults);
}

static int
best_of_mesh(const struct kernel *k, const struct task *p, int node)
{
    int64_t most = 0;

    for_each_node (n, machine_cpu_nodes(k->machine)) {
        int64_t score = group_weight(k, p, n, k->domains->max_distance);

        if (score > most) {
            most = score;
            node = n;
        }
    }
    return node;
}

/* Splits `nodes` into parts that are closer together than `dist`; the part with most faults, and
 * the node that it was built around. 0: no faults anywhere. */
static nodemask
best_part(const struct kernel *k, const struct task *p, nodemask nodes, uint32_t dist, int *centre)
{
    uint64_t most = 0;
    nodemask best = 0;

    for (nodemask left = nodes; left != 0;) {
        int a = __builtin_ctzll(left);
        uint64_t faults = 0;
        nodemask part = 0;

        for_each_node (b, left)
            if (node_distance(k, a, b) < dist) {
                faults += group_faults(k, p->numa->group, b);
                part |= NODE_BIT(b);
            }
        left &= ~part & ~NODE_BIT(a);
        if (faults > most) {
            most = faults;
            best = part;
            *centre = a;
        }
    }
    return best;
}

int
preferred_group_nid(const struct kernel *k, const struct task *p, int node)
{
    const struct domains *d = k->domains;
    nodemask nodes = machine_cpu_nodes(k->machine);

    if (d->topology_type == NUMA_DIRECT)
        return node;
    if (d->topology_type == NUMA_GLUELESS_MESH)
        return best_of_mesh(k, p, node);
    for (uint32_t i = d->nr_distance_levels; i-- > 0 && d->distance_levels[i] > 10;) {
        nodes = best_part(k, p, nodes, d->distance_levels[i], &node);
        if (nodes == 0)
            break;
    }
    return node;
}

int
numa_nearest_cpu_node(const struct kernel *k, int node)
{
    nodemask with_cpus = machine_cpu_nodes(k->machine);
    uint32_t least = UINT32_MAX;
    int best = node;

    if (node < 0 || with_cpus & NODE_BIT(node))
        return node;
    for_each_node (n, with_cpus) {
        uint32_t dist = node_distance(k, node, n);

        if (dist < least) {
            least = dist;
            best = n;
        }
    }
    return best;
}

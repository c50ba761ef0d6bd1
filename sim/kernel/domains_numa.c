/*
 * Distances as the scheduler sees them.
 *
 * Only nodes with an online CPU take part: a distance to a memory-only node makes no level.
 * Symmetry is not demanded, and a node's own row decides who its neighbours are.
 */
#include "kernel/domains_impl.h"

/* Firmware tables are used whole or not at all. */
static bool
slit_valid(const struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++) {
            uint32_t distance = machine_distance(m, i, j);

            if (i == j ? distance != LOCAL_DISTANCE : distance <= LOCAL_DISTANCE)
                return false;
        }
    return true;
}

static uint32_t
node_distance(const struct builder *b, int from, int to)
{
    return b->d->distances[(uint32_t)from * b->m->nr_nodes + (uint32_t)to];
}

static bool
symmetric(const struct builder *b)
{
    for_each_node (i, b->cpu_nodes)
        for_each_node (j, b->cpu_nodes)
            if (node_distance(b, i, j) != node_distance(b, j, i))
                return false;
    return true;
}

static uint32_t
reclaim_distance(const struct machine *m)
{
    if (m->node_reclaim_distance > 0)
        return m->node_reclaim_distance;
    return m->vendor == VENDOR_AMD && !m->amd_pre_zen ? 32 : 30;
}

void
domains_take_distances(struct builder *b)
{
    const struct machine *m = b->m;
    uint32_t n = m->nr_nodes;

    b->d->node_reclaim_distance = reclaim_distance(m);
    b->d->distances = arena_new_array(b->arena, uint8_t, n * n);
    memcpy(b->d->distances, m->distances, (size_t)n * n);
    if (!slit_valid(m)) {
        for (uint32_t i = 0; i < n * n; i++)
            b->d->distances[i] = i / n == i % n ? LOCAL_DISTANCE : REMOTE_DISTANCE;
        domains_message(b, "ACPI: SLIT table looks invalid. Not used.");
    }
    if (!symmetric(b))
        domains_message(b, "ERROR: Node-distance not symmetric");
}

void
domains_find_distance_levels(struct builder *b)
{
    bool seen[256] = { false };

    for_each_node (i, b->cpu_nodes)
        for_each_node (j, b->cpu_nodes)
            seen[node_distance(b, i, j)] = true;
    for (uint32_t distance = 0; distance < ARRAY_LEN(seen); distance++)
        if (seen[distance])
            b->d->distance_levels[b->d->nr_distance_levels++] = distance;
    b->d->max_distance = b->d->distance_levels[b->d->nr_distance_levels - 1];
}

/* Is there a node between a and b? */
static bool
have_intermediate(const struct builder *b, int from, int to)
{
    uint32_t most = b->d->max_distance;

    for_each_node (k, b->cpu_nodes)
        if (node_distance(b, from, k) < most && node_distance(b, to, k) < most)
            return true;
    return false;
}

/* Only the first pair at the largest distance is looked at. */
void
domains_find_topology_type(struct builder *b)
{
    struct domains *d = b->d;

    d->topology_type = NUMA_DIRECT;
    if (d->nr_distance_levels <= 2)
        return;
    for_each_node (i, b->cpu_nodes)
        for_each_node (j, b->cpu_nodes) {
            if (node_distance(b, i, j) < d->max_distance)
                continue;
            d->topology_type = have_intermediate(b, i, j) ? NUMA_GLUELESS_MESH : NUMA_BACKPLANE;
            return;
        }
}

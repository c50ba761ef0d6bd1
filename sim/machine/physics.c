/*
 * The numbers of a memory system that a file leaves out.
 *
 * Rules, from published measurements (idle latencies and bandwidths of two-socket Xeons by MLC, the
 * fits to loaded-latency curves, CXL and Optane studies):
 *
 *   distances   10 on the diagonal, 12 between nodes of one package, else 20
 *   latency     85 ns to the own node, and 5 ns for each unit of distance above 10 (21: 140 ns,
 *               31: 190 ns); CXL 150 ns and persistent memory 220 ns more
 *   bandwidth   of a node's controllers, reads: DRAM 108 GB/s a package, shared by its nodes; HBM
 * and GPU memory 235 GB/s (a stack of A64FX); CXL 22 GB/s; persistent memory 39.4 GB/s writes lower
 * an assumed bandwidth by 0.34 of the write share (persistent memory 0.65) load        latency
 * grows by 1 + 0.225u/(1.20-u) with the utilisation u of a controller, by 1 + 0.085u/(1.06-u) with
 * that of a link
 *   devices     GPUs and others 16 GB/s each way (PCIe 3.0 x16), network cards 12.5 (100 Gbit/s),
 *               NVMe drives 4 (PCIe 3.0 x4)
 *
 * A distance is an input of policies and a latency is physics, and firmware tables are often far
 * from the latencies; deriving one from the other is a stopgap, hence the note.
 */
#include "machine/derive.h"

enum { ASSUMED_PACKAGE_DISTANCE = 12 };
enum { LOCAL_PS = 85000, PS_PER_DISTANCE = 5000 };

static const struct {
    uint64_t bandwidth;
    uint32_t extra_ps, write_derate_ppm;
} by_kind[MEMORY_KIND_NR] = {
    [MEMORY_DRAM] = { 108000000000u, 0, 340000 },
    [MEMORY_HBM] = { 235000000000u, 0, 340000 },
    [MEMORY_CXL] = { 22000000000u, 150000, 340000 },
    [MEMORY_PMEM] = { 39400000000u, 220000, 650000 },
    [MEMORY_GPU] = { 235000000000u, 0, 340000 },
};

void
machine_assume_distances(struct machine *m)
{
    if (m->has_distances)
        return;
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++)
            m->distances[i * m->nr_nodes + j] = i == j ? LOCAL_DISTANCE
                                                : machine_same_package(m, i, j)
                                                    ? ASSUMED_PACKAGE_DISTANCE
                                                    : REMOTE_DISTANCE;
    if (m->nr_nodes > 1)
        machine_note(m, "assumed: distances 10, 12 within a package, 20");
}

static uint32_t
assumed_latency(const struct machine *m, uint32_t from, uint32_t to)
{
    uint32_t distance = SIM_MAX(machine_distance(m, from, to), (uint32_t)LOCAL_DISTANCE);

    return LOCAL_PS + (distance - LOCAL_DISTANCE) * PS_PER_DISTANCE +
           by_kind[m->nodes[to].kind].extra_ps;
}

/* A table may have gaps (firmware describes only near pairs): only the gaps are filled. */
void
machine_assume_latency(struct machine *m)
{
    uint32_t gaps = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++) {
            uint32_t *ps = &m->latency_ps[i * m->nr_nodes + j];

            if (m->has_latency && *ps > 0)
                continue;
            *ps = assumed_latency(m, i, j);
            gaps++;
        }
    if (gaps > 0)
        machine_note(
            m, "assumed: latency of %u of %u pairs of nodes, 85 ns + 5 ns per distance above 10",
            gaps, m->nr_nodes * m->nr_nodes);
}

static uint64_t
assumed_bandwidth(const struct machine *m, uint32_t node)
{
    uint64_t nodes = 1;

    if (m->nodes[node].kind == MEMORY_DRAM)
        for (uint32_t i = 0; i < m->nr_nodes; i++)
            nodes += i != node && machine_same_package(m, i, node);
    return by_kind[m->nodes[node].kind].bandwidth / nodes;
}

static void
assume_sizes(struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        if (m->nodes[i].mem_bytes > 0)
            return;
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        if (m->nodes[i].online)
            m->nodes[i].mem_bytes = GIB(ASSUMED_MEMORY_GIB);
    machine_note(m, "assumed: %d GiB of memory on every node", ASSUMED_MEMORY_GIB);
}

void
machine_assume_memory(struct machine *m)
{
    uint32_t given = 0, missing = 0;

    assume_sizes(m);
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        struct machine_node *n = &m->nodes[i];

        if (!n->has_curve) {
            n->curve_a = 0.225;
            n->curve_d = 0.20;
        }
        if (n->bandwidth == 0 && n->nr_points > 0)
            n->bandwidth = n->points[n->nr_points - 1].bandwidth;
        given += n->bandwidth > 0;
        if (n->bandwidth > 0 || n->mem_bytes == 0)
            continue;
        n->bandwidth = assumed_bandwidth(m, i);
        n->write_derate_ppm = by_kind[n->kind].write_derate_ppm;
        missing++;
    }
    if (missing > 0)
        machine_note(m, "assumed: memory bandwidth of %u of %u nodes, DRAM 108 GB/s a package",
                     missing, missing + given);
}

/* ---- devices ---- */

bool
machine_device_complete(struct machine_device *d)
{
    static const uint64_t by_device[DEVICE_KIND_NR] = {
        [DEVICE_GPU] = 16000000000u,
        [DEVICE_NIC] = 12500000000u,
        [DEVICE_NVME] = 4000000000u,
        [DEVICE_OTHER] = 16000000000u,
    };
    bool assumed = d->bandwidth == 0;

    d->nr_queues = SIM_MAX(d->nr_queues, 1u);
    d->parallel = d->parallel > 0 ? d->parallel : d->nr_queues;
    d->speed = d->speed > 0 ? d->speed : 1;
    d->bandwidth = assumed ? by_device[d->kind] : d->bandwidth;
    return assumed;
}

void
machine_assume_devices(struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_devices; i++)
        if (machine_device_complete(&m->devices[i]))
            machine_note(m, "assumed: bandwidth of device %.64s, by its kind", m->devices[i].name);
}

/* What would lie behind the capacity would never be used: it is a mistake in one of the two. */
const char *
machine_check_curves(const struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        const struct machine_node *n = &m->nodes[i];

        if (n->nr_points > 0 && n->points[n->nr_points - 1].bandwidth > n->bandwidth)
            return arena_printf(m->arena,
                                "the curve of node %u goes on behind the bandwidth of the node; "
                                "raise that or leave out points",
                                n->os_index);
    }
    for (uint32_t i = 0; i < m->nr_links; i++) {
        const struct machine_link *l = &m->links[i];

        if (l->nr_points > 0 && l->points[l->nr_points - 1].bandwidth > l->bandwidth)
            return arena_printf(m->arena,
                                "the curve of link %.64s goes on behind the bandwidth of the "
                                "link; raise that or leave out points",
                                l->name);
    }
    return NULL;
}

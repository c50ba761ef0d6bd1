/*
 * What caches take that a file does not say.
 *
 *   hits       4 ns in the L2, 20 ns in the last-level cache (the class of server CPUs of the last
 *              ten years: 14 cycles, and 40 to 70)
 *   lines      of another core of the same last-level cache 0.55 of the latency of local memory,
 *              of another cache of the package 1.0, of the nearest node of another package 0.85 of
 *              the latency to it
 *
 * The rules for lines come from measured transfers of modified lines: 28 to 64 ns within a socket
 * against 61 to 91 ns to local memory on six Xeons (0.40 to 0.72), 69 to 178 ns between sockets
 * against 115 to 144 ns to remote memory (0.59 to 1.34, by the home of the line; halfway between
 * the two homes 0.6 to 1.1), and on an EPYC 7R13 23 ns in a cache group, 107 ns to another of the
 * socket, 197 ns to the other socket.
 */
#include "machine/derive.h"

#include <stdio.h>

enum { L2_PS = 4000, LLC_PS = 20000 };
enum { LLC_PERCENT = 55, PACKAGE_PERCENT = 100, REMOTE_PERCENT = 85 };

/* The package of the CPUs of a node, or -1: it has none. */
static int32_t
package_of(const struct machine *m, uint32_t node)
{
    int cpu = cpumask_first(m->nodes[node].cpus);

    return cpu < 0 ? -1 : m->cpus[cpu].package;
}

static uint32_t
nearest_remote_ps(const struct machine *m)
{
    uint32_t least = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        for (uint32_t j = 0; j < m->nr_nodes; j++) {
            uint32_t ps = machine_latency_ps(m, i, j);
            int32_t a = package_of(m, i), b = package_of(m, j);

            if (a >= 0 && b >= 0 && a != b && (least == 0 || ps < least))
                least = ps;
        }
    return least;
}

static uint32_t
local_ps(const struct machine *m)
{
    uint32_t least = 0;

    for_each_node (n, machine_cpu_nodes(m)) {
        uint32_t ps = machine_latency_ps(m, (uint32_t)n, (uint32_t)n);

        if (least == 0 || ps < least)
            least = ps;
    }
    return least;
}

static uint32_t
assume(uint64_t *ps, uint64_t value)
{
    if (*ps > 0)
        return 0;
    *ps = SIM_MAX(value, (uint64_t)1);
    return 1;
}

/* The sizes are the simulation's to use (kernel/caches_init.c); the machine says so. */
static void
note_sizes(struct machine *m)
{
    const struct machine_cache *c = &m->cache;
    char l1[40] = "", l2[40] = "", llc[60] = "";
    uint32_t alone = 0;

    if (c->l1d_bytes == 0)
        snprintf(l1, sizeof(l1), ", L1 %d KiB a core", ASSUMED_L1_KIB);
    if (c->l2_bytes == 0)
        snprintf(l2, sizeof(l2), ", L2 %d KiB a core", ASSUMED_L2_KIB);
    if (c->llc_bytes == 0)
        snprintf(llc, sizeof(llc), ", last-level cache %d KiB for each of its cores",
                 ASSUMED_LLC_KIB);
    if (l1[0] != 0 || l2[0] != 0 || llc[0] != 0)
        machine_note(m, "assumed: sizes of caches%s%s%s", l1, l2, llc);
    for_each_cpu (cpu, m->present)
        alone += m->cpus[cpu].llc < 0;
    if (alone > 0)
        machine_note(m,
                     "assumed: CPUs of a node and package share a last-level cache in what it "
                     "holds; domains know of none (%u CPUs name none)",
                     alone);
}

void
machine_assume_caches(struct machine *m)
{
    struct machine_cache *c = &m->cache;
    uint64_t local = local_ps(m);
    uint32_t transfers = 0, remote = nearest_remote_ps(m);

    c->remote_ps = remote;
    note_sizes(m);
    if (assume(&c->l2_ps, L2_PS) + assume(&c->llc_ps, LLC_PS) > 0)
        machine_note(m, "assumed: hits take 4 ns in the L2, 20 ns in the last-level cache");
    transfers += assume(&c->transfer_llc_ps, local * LLC_PERCENT / 100);
    transfers += assume(&c->transfer_package_ps, local * PACKAGE_PERCENT / 100);
    if (remote > 0)
        transfers += assume(&c->transfer_remote_ps, (uint64_t)remote * REMOTE_PERCENT / 100);
    if (transfers > 0)
        machine_note(m, "assumed: lines from other caches take 0.55 of the local latency within a "
                        "last-level cache, 1.0 within a package, 0.85 of the remote one beyond");
}

static bool
same_llc(const struct machine_cpu *a, const struct machine_cpu *b)
{
    return a->llc >= 0 && b->llc >= 0 ? a->llc == b->llc
                                      : a->node == b->node && a->package == b->package;
}

uint64_t
machine_transfer_ps(const struct machine *m, uint32_t from_cpu, uint32_t to_cpu)
{
    const struct machine_cpu *a = &m->cpus[from_cpu], *b = &m->cpus[to_cpu];

    if (a->core == b->core)
        return 0;
    if (same_llc(a, b))
        return m->cache.transfer_llc_ps;
    if (a->package == b->package)
        return m->cache.transfer_package_ps;
    uint32_t ps = machine_latency_ps(m, (uint32_t)b->node, (uint32_t)a->node);

    return mul_div_u64(m->cache.transfer_remote_ps, ps, SIM_MAX(m->cache.remote_ps, 1u));
}

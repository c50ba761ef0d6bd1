/*
 * A machine from what a file says to what a simulation needs.
 *
 * Files differ in how much they tell. numactl knows sizes and distances, hwloc knows caches, a
 * table in a paper knows nanoseconds. Rather than demand everything, machine_finish() fills the
 * gaps by a few rules that are written down (physics.c, routes.c), each leaving a note that a
 * report can print: a number that was assumed must never look like one that was measured.
 *
 * Checks come first and stop at the first contradiction. They protect everybody below: after
 * machine_finish() every present CPU has a node, every node has a row, every pair has a route, and
 * nobody needs to ask again.
 */
#include "machine/derive.h"

#include <stdarg.h>
#include <stdio.h>

const char *const machine_vendor_names[VENDOR_NR + 1] = { "other", "intel", "amd", "arm", NULL };
const char *const memory_kind_names[MEMORY_KIND_NR + 1] = { "dram", "hbm", "cxl",
                                                            "pmem", "gpu", NULL };
const char *const device_kind_names[DEVICE_KIND_NR + 1] = { "gpu", "nic", "nvme", "other", NULL };

static const struct machine_cpu unknown_cpu = {
    .node = MACHINE_NONE,
    .package = MACHINE_NONE,
    .die = MACHINE_NONE,
    .core = MACHINE_NONE,
    .cluster = MACHINE_NONE,
    .l2 = MACHINE_NONE,
    .llc = MACHINE_NONE,
    .capacity = 1024,
};

struct machine *
machine_new(struct arena *a, uint32_t nr_cpus, uint32_t nr_nodes)
{
    struct machine *m = arena_new_object(a, struct machine);

    m->arena = a;
    m->nr_cpus = nr_cpus;
    m->nr_nodes = nr_nodes;
    m->cpus = arena_new_array(a, struct machine_cpu, nr_cpus);
    m->nodes = arena_new_array(a, struct machine_node, nr_nodes);
    m->present = cpumask_new(a, nr_cpus);
    m->online = cpumask_new(a, nr_cpus);
    m->isolated = cpumask_new(a, nr_cpus);
    m->distances = arena_new_array(a, uint8_t, nr_nodes * nr_nodes);
    m->latency_ps = arena_new_array(a, uint32_t, nr_nodes * nr_nodes);
    for (uint32_t i = 0; i < nr_cpus; i++)
        m->cpus[i] = unknown_cpu;
    for (uint32_t i = 0; i < nr_nodes; i++) {
        m->nodes[i].os_index = i;
        m->nodes[i].online = true;
        m->nodes[i].cpus = cpumask_new(a, nr_cpus);
    }
    return m;
}

void
machine_note(struct machine *m, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (strcmp(m->notes[i], text) == 0)
            return; /* a machine that was written with its notes would say it twice */
    m->notes = arena_grow(m->arena, m->notes, sizeof(*m->notes) * m->nr_notes,
                          sizeof(*m->notes) * (m->nr_notes + 1));
    m->notes[m->nr_notes++] = arena_strdup(m->arena, text);
}

nodemask
machine_cpu_nodes(const struct machine *m)
{
    nodemask nodes = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        if (cpumask_intersects(m->nodes[i].cpus, m->online))
            nodes |= NODE_BIT(i);
    return nodes;
}

nodemask
machine_memory_nodes(const struct machine *m)
{
    nodemask nodes = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        if (m->nodes[i].online && m->nodes[i].mem_bytes > 0)
            nodes |= NODE_BIT(i);
    return nodes;
}

int
machine_node_by_os(const struct machine *m, uint32_t os_index)
{
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        if (m->nodes[i].os_index == os_index)
            return (int)i;
    return -1;
}

static const char *
check_nodes(const struct machine *m)
{
    if (m->nr_nodes == 0)
        return "there is no node";
    if (m->nr_nodes > NODE_MAX)
        return arena_printf(m->arena, "%u nodes; at most %d are possible", m->nr_nodes, NODE_MAX);
    for (uint32_t i = 1; i < m->nr_nodes; i++)
        if (m->nodes[i].os_index <= m->nodes[i - 1].os_index)
            return arena_printf(m->arena, "node %u comes after node %u; nodes ascend",
                                m->nodes[i].os_index, m->nodes[i - 1].os_index);
    return NULL;
}

static const char *
check_cpu(const struct machine *m, uint32_t cpu)
{
    const struct machine_cpu *c = &m->cpus[cpu];

    if (!c->present)
        return c->online ? arena_printf(m->arena, "CPU %u is online but not present", cpu) : NULL;
    if (c->node < 0 || (uint32_t)c->node >= m->nr_nodes)
        return arena_printf(m->arena, "CPU %u is in no node", cpu);
    if (c->online && !m->nodes[c->node].online)
        return arena_printf(m->arena, "CPU %u is online, but its node %u is offline", cpu,
                            m->nodes[c->node].os_index);
    if (c->capacity == 0 || c->capacity > 1024)
        return arena_printf(m->arena, "CPU %u has capacity %u; from 1 to 1024 is possible", cpu,
                            c->capacity);
    return NULL;
}

/* The masks repeat what the CPUs say, so they are made here and not by every loader. */
static const char *
check_cpus(struct machine *m)
{
    if (m->nr_cpus > CPU_MAX)
        return arena_printf(m->arena, "%u CPUs; at most %d are possible", m->nr_cpus, CPU_MAX);
    cpumask_zero(m->present);
    cpumask_zero(m->online);
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        cpumask_zero(m->nodes[i].cpus);
    for (uint32_t i = 0; i < m->nr_cpus; i++) {
        const char *wrong = check_cpu(m, i);

        if (wrong != NULL)
            return wrong;
        if (!m->cpus[i].present)
            continue;
        cpumask_set(m->present, i);
        cpumask_set(m->nodes[m->cpus[i].node].cpus, i);
        if (m->cpus[i].online)
            cpumask_set(m->online, i);
    }
    return cpumask_empty(m->online) ? "no CPU is online" : NULL;
}

static const char *
check_links(const struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_links; i++) {
        const struct machine_link *l = &m->links[i];
        const int32_t most = (int32_t)m->nr_nodes;

        if (l->from < 0 || l->from >= most || l->to < 0 || l->to >= most || l->from == l->to)
            return arena_printf(m->arena, "link %u does not connect two nodes", i);
    }
    return NULL;
}

const char *
machine_finish(struct machine *m)
{
    const char *wrong;

    if ((wrong = check_nodes(m)) != NULL || (wrong = check_cpus(m)) != NULL)
        return wrong;
    machine_derive_ids(m);
    if ((wrong = machine_check_cores(m)) != NULL || (wrong = check_links(m)) != NULL)
        return wrong;
    machine_assume_distances(m);
    machine_assume_memory(m);
    machine_assume_latency(m);
    machine_assume_caches(m);
    machine_assume_links(m);
    machine_assume_devices(m);
    if ((wrong = machine_check_curves(m)) != NULL || (wrong = machine_find_routes(m)) != NULL)
        return wrong;
    machine_derive_counts(m);
    return NULL;
}

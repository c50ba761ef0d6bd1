/*
 * The machine: CPUs, caches, NUMA nodes, distances, latencies, bandwidths. Hardware only; it has
 * never heard of a task.
 *
 * CPUs are numbered as the operating system numbers them, holes included (`present` is then false).
 * Nodes are numbered densely, in the order of the kernel's numbers; `os_index` keeps the number
 * that the machine itself uses (0, 8, 252...). SLIT distances are what policies read; latencies and
 * bandwidths are what physics reads: the two are never mixed up.
 *
 * A machine is plain data in an arena. machine_finish() derives what can be derived and checks that
 * the rest fits together; after it nothing changes.
 */
#pragma once

#include "base/cpumask.h"

enum machine_vendor { VENDOR_OTHER, VENDOR_INTEL, VENDOR_AMD, VENDOR_ARM, VENDOR_NR };
enum memory_kind { MEMORY_DRAM, MEMORY_HBM, MEMORY_CXL, MEMORY_PMEM, MEMORY_GPU, MEMORY_KIND_NR };
enum device_kind { DEVICE_GPU, DEVICE_NIC, DEVICE_NVME, DEVICE_OTHER, DEVICE_KIND_NR };

enum { LOCAL_DISTANCE = 10, REMOTE_DISTANCE = 20 };

/* Memory of a node where a description has no sizes at all. */
enum { ASSUMED_MEMORY_GIB = 16 };
/* Caches where it has none: of a core; of the last-level cache, so much for each of its cores. */
enum { ASSUMED_L1_KIB = 32, ASSUMED_L2_KIB = 1024, ASSUMED_LLC_KIB = 2048 };
/* MACHINE_NONE: an id that is not known (no die, no cache of that level...). */
enum { MACHINE_NONE = -1 };

struct machine_cpu {
    bool present, online;
    int32_t node;               /* dense; every present CPU has one */
    int32_t package, die, core; /* ids unique in the machine */
    int32_t cluster;            /* CPUs with one L2 that is shared beyond the core; NONE: unknown */
    int32_t l2, llc;            /* cache instances, unique in the machine; NONE: unknown */
    uint32_t capacity;          /* 1024: the fastest CPU */
};

/* Latency under load as it was measured: at this bandwidth, so many millionths of the idle one. In
 * a curve bandwidths ascend and latencies do not fall; the first point counts as idle. */
struct machine_curve_point {
    uint64_t bandwidth; /* bytes/s */
    uint32_t ratio_ppm;
};

struct machine_node {
    uint32_t os_index;
    bool online;
    struct cpumask *cpus; /* present CPUs of the node */
    uint64_t mem_bytes;   /* 0: a node without memory */
    enum memory_kind kind;
    uint64_t bandwidth;        /* of its controllers, reads, bytes/s; 0: not given */
    uint32_t write_derate_ppm; /* k: bandwidth(w) = bandwidth * (1 - k*w), w = share of writes */
    double curve_a, curve_d;   /* latency under load: 1 + a*u/(1+d-u) */
    bool has_curve;            /* false: a and d are assumed */
    uint32_t nr_points;        /* of a measured curve, in place of a and d; 0: none */
    struct machine_curve_point *points;
    uint64_t injection; /* what the CPUs of the node can pull together, bytes/s; 0: no limit */
};

/* A directed link. Routes are lists of links. */
struct machine_link {
    const char *name;
    int32_t from, to;   /* nodes; data flows from -> to */
    uint64_t bandwidth; /* bytes/s */
    double curve_a, curve_d;
    bool has_curve;
    uint32_t nr_points; /* as for nodes */
    struct machine_curve_point *points;
};

struct machine_route {
    uint32_t nr_links;
    uint32_t *links;
};

struct machine_cache {
    uint64_t l1d_bytes, l2_bytes, llc_bytes; /* per instance; 0: not known */
    uint32_t line_bytes;
    uint64_t l2_ps, llc_ps; /* what a hit takes beyond what counts as CPU work */
    /* a line from the cache of another core: of the same LLC, of the same package, of the nearest
     * node of another package (farther ones in proportion to their latency) */
    uint64_t transfer_llc_ps, transfer_package_ps, transfer_remote_ps;
    uint32_t remote_ps; /* derived: latency between the nearest nodes of two packages; 0: one */
};

/* What a device does with time is in kernel/device.h. */
struct machine_device {
    const char *name;
    enum device_kind kind;
    int32_t node;
    uint32_t nr_queues; /* each has an interrupt */
    uint32_t parallel;  /* operations that it works on at once; 0: nr_queues */
    uint64_t bandwidth; /* of its link to the node, each way, bytes/s; 0: assumed by kind */
    uint64_t latency;   /* ns that each operation takes besides its work and its bytes */
    double speed;       /* work is done in 1/speed of the time; 0: 1 */
    uint64_t mem_bytes; /* own memory, which operations share; 0: more than they ever need */
    double active_w, idle_w;
    struct cpumask *irq_cpus; /* queue q interrupts the q-th in turn; none: those of the node */
};

struct machine_power {
    bool given;
    double core_active_w, core_idle_w, node_w, pj_per_byte_local, pj_per_byte_remote;
};

struct machine {
    struct arena *arena;
    const char *name;  /* reduced to letters, digits, . _ - for folder names */
    const char *title; /* free text */
    enum machine_vendor vendor;
    uint64_t freq_hz; /* nominal; 0: not given */

    uint32_t nr_cpus; /* highest number + 1 */
    struct machine_cpu *cpus;
    uint32_t nr_nodes;
    struct machine_node *nodes;
    struct cpumask *present, *online, *isolated;

    bool has_distances;             /* false: distances[] was filled in by assumption */
    uint8_t *distances;             /* SLIT as given, nr_nodes^2, row = from */
    uint32_t node_reclaim_distance; /* 0: by vendor (30; 32 on AMD Zen) */
    bool amd_pre_zen;               /* an AMD machine older than Zen: 30 */

    bool has_latency;
    uint32_t *latency_ps; /* idle latency, nr_nodes^2, row = node of the CPU */
    uint32_t nr_links;
    struct machine_link *links;
    struct machine_route *routes; /* nr_nodes^2, row = node of the CPU; data flows memory -> CPU,
                                     write-backs the other way over the route [to][from] */
    struct machine_cache cache;
    uint32_t nr_devices;
    struct machine_device *devices;
    struct machine_power power;

    /* derived by machine_finish() */
    uint32_t nr_cores, nr_llcs, nr_packages, nr_dies, smt; /* smt: most threads a core has */

    /* where numbers come from: one line each, "latency: source vsc", "assumed: ..." */
    uint32_t nr_notes;
    const char **notes;
};

struct machine *machine_new(struct arena *a, uint32_t nr_cpus, uint32_t nr_nodes);

/*
 * Derives counts and fills what was left out by stated rules (each adds an "assumed: ..." note):
 * distances 10/20, latencies and bandwidths from distances. Returns NULL, or what does not fit
 * together, in the arena. The rules stand in machine.c and in `numasim topo check`.
 */
const char *machine_finish(struct machine *m);

void machine_note(struct machine *m, const char *fmt, ...) SIM_PRINTF(2, 3);

/* Fills in what a description of a device leaves out. True: its bandwidth was, and is assumed. */
bool machine_device_complete(struct machine_device *d);

static inline uint32_t
machine_distance(const struct machine *m, uint32_t from, uint32_t to)
{
    return m->distances[from * m->nr_nodes + to];
}

static inline uint32_t
machine_latency_ps(const struct machine *m, uint32_t from, uint32_t to)
{
    return m->latency_ps[from * m->nr_nodes + to];
}

static inline const struct machine_route *
machine_route(const struct machine *m, uint32_t cpu_node, uint32_t mem_node)
{
    return &m->routes[cpu_node * m->nr_nodes + mem_node];
}

/* How long a line takes that another core wrote last; 0: threads of one core. */
uint64_t machine_transfer_ps(const struct machine *m, uint32_t from_cpu, uint32_t to_cpu);

/* Nodes that have an online CPU; nodes that have memory. */
nodemask machine_cpu_nodes(const struct machine *m);
nodemask machine_memory_nodes(const struct machine *m);
/* The dense number of a node, or -1. */
int machine_node_by_os(const struct machine *m, uint32_t os_index);

extern const char *const machine_vendor_names[VENDOR_NR + 1];
extern const char *const memory_kind_names[MEMORY_KIND_NR + 1];
extern const char *const device_kind_names[DEVICE_KIND_NR + 1];

/*
 * Scheduling domains and groups, exactly as Linux 6.12 builds them (kernel/sched/topology.c).
 *
 * domains_build() turns a machine into one tree of domains per CPU: levels SMT, CLS, MC, PKG, NODE
 * and one NUMA level per further distance, with overlapping groups and balance masks where nodes
 * are not equidistant, degenerate levels removed. Names, flags and fields are the kernel's. Facts:
 * shared spec sched-core.md section 1; the oracle files are compared key by key.
 *
 * Everything lives in the arena. Balancing keeps its state (balance_interval, nr_balance_failed,
 * ...) in the domain, as the kernel does; the builder fills initial values.
 */
#pragma once

#include "machine/machine.h"

/* Bits of sched_domain.flags, in the kernel's order (include/linux/sched/sd_flags.h). */
enum sd_flag {
    SD_BALANCE_NEWIDLE = 1 << 0,
    SD_BALANCE_EXEC = 1 << 1,
    SD_BALANCE_FORK = 1 << 2,
    SD_BALANCE_WAKE = 1 << 3,
    SD_WAKE_AFFINE = 1 << 4,
    SD_ASYM_CPUCAPACITY = 1 << 5,
    SD_ASYM_CPUCAPACITY_FULL = 1 << 6,
    SD_SHARE_CPUCAPACITY = 1 << 7,
    SD_CLUSTER = 1 << 8,
    SD_SHARE_LLC = 1 << 9,
    SD_SERIALIZE = 1 << 10,
    SD_ASYM_PACKING = 1 << 11,
    SD_PREFER_SIBLING = 1 << 12,
    SD_OVERLAP = 1 << 13,
    SD_NUMA = 1 << 14,
    SD_FLAG_NR = 15,
};

/* Name of bit 1 << n: "SD_BALANCE_NEWIDLE". */
extern const char *const sd_flag_names[SD_FLAG_NR];

enum numa_topology_type { NUMA_DIRECT, NUMA_GLUELESS_MESH, NUMA_BACKPLANE };
extern const char *const numa_topology_type_names[];

struct cpu_sums;

/* For whom a pass of the balancer looks: for a busy CPU, for an idle one, for one that ran dry. */
enum idle_type { CPU_NOT_IDLE, CPU_IDLE, CPU_NEWLY_IDLE, CPU_IDLE_TYPES };

/* /proc/schedstat, the line of a domain (sched-core.md 6.1). The sum of the four kinds of imbalance
 * is the kernel's lb_imbalance. */
struct sd_schedstat {
    struct {
        uint64_t count, balanced, failed, gained, hot_gained, nobusyq, nobusyg;
        uint64_t imbalance_load, imbalance_util, imbalance_task, imbalance_misfit;
    } lb[CPU_IDLE_TYPES];
    uint64_t alb_count, alb_failed, alb_pushed;
    uint64_t ttwu_wake_remote, ttwu_move_affine;
};

/* Shared by all groups of the same CPUs (struct sched_group_capacity). */
struct sched_group_capacity {
    uint64_t capacity, min_capacity, max_capacity;
    uint64_t next_update;  /* jiffies */
    uint64_t changes_seen; /* of kernel.capacity_changes, when it was last summed */
    bool imbalance;
    struct cpumask *balance_mask;
    struct cpu_sums *sums; /* sums.h: of the groups with these CPUs */
};

struct sched_group {
    struct sched_group *next; /* circular */
    struct cpumask *span;
    uint32_t weight, cores, flags;
    int32_t first_cpu;           /* of the span */
    int32_t asym_prefer_cpu;     /* of the highest priority (SD_ASYM_PACKING) */
    nodemask nodes;              /* at NUMA levels: whose union the group is; else 0 */
    const struct cpu_sums *sums; /* sums.h; NULL for a union of nodes */
    struct sched_group_capacity *sgc;
};

/* Shared by the CPUs of one LLC (struct sched_domain_shared). */
struct sched_domain_shared {
    uint32_t nr_busy_cpus, nr_idle_scan;
    bool has_idle_cores;
};

/* What a CPU that runs dry looks at has the first cache line. */
struct sched_domain {
    _Alignas(64) struct sched_domain *parent;
    struct sched_group *groups; /* the first contains the domain's own CPU */
    struct cpumask *span;
    uint32_t span_weight, flags;
    /* state of balancing */
    uint64_t last_balance; /* jiffies */
    uint64_t max_newidle_lb_cost, last_decay_max_lb_cost;
    uint32_t balance_interval, newidle_ratio;
    uint32_t newidle_call, newidle_success, nr_balance_failed;
    uint32_t idle_interval; /* balance_interval in jiffies, as a CPU that idles has it */
    uint32_t min_interval, max_interval, busy_factor, imbalance_pct, cache_nice_tries, imb_numa_nr;
    bool of_cpus; /* the lowest one, and its groups are single CPUs, all alike (sums.c) */
    struct sched_domain_shared *shared;
    uint32_t level;
    uint32_t numa_level; /* index into distance_levels for NODE and NUMA */
    struct sched_domain *child;
    const char *name;
    struct sd_schedstat stat;
};

/* The pointers that the kernel caches per CPU (update_top_cache_domain). */
struct cpu_domains {
    struct sched_domain *sd; /* lowest, NULL: none */
    struct sched_domain *llc, *numa, *asym_packing, *asym_cpucapacity;
    struct sched_domain_shared *llc_shared;
    uint32_t llc_size;
    int32_t llc_id, share_id;
    struct cpumask *smt_mask; /* online threads of its core (select_init) */
};

struct domains {
    struct cpu_domains *cpus; /* nr_cpus */
    uint32_t nr_distance_levels;
    uint32_t distance_levels[256];
    enum numa_topology_type topology_type;
    uint32_t max_distance, node_reclaim_distance;
    bool cluster_active;
    uint8_t *distances; /* what the kernel uses: the SLIT, or 10/20 where it refuses the table */
    int32_t *
        *fallback; /* per node: memory nodes in allocation order, -1 terminated; NULL if offline */
    uint32_t nr_messages; /* what the kernel would log or refuse */
    const char **messages;
    bool refused; /* no domains were built: the kernel would give up (see messages) */
};

/* What differs from the kernel's way on an ordinary machine. */
struct domains_rules {
    bool asym_packing;          /* SD_ASYM_PACKING between cores, as x86 has it while ITMT is on */
    bool groups_from_first_cpu; /* historic: sched.domain_groups=first_cpu */
    bool without_numa;          /* historic: no levels that span nodes */
};
struct domains *domains_build(struct arena *a, const struct machine *m);
struct domains *domains_build_by(struct arena *a, const struct machine *m,
                                 const struct domains_rules *rules);

/*
 * The allocation fallback order of every node (zonelists), numa-balancing.md 2.3. `cpu_nodes` is
 * the set of nodes taken to have CPUs when the lists are built: 0 for the lists built at boot.
 */
int32_t **zonelist_build(struct arena *a, const struct machine *m, const uint8_t *distances,
                         nodemask cpu_nodes);

#define for_each_domain(sd, lowest)                                                                \
    for (struct sched_domain *sd = (lowest); sd != NULL; sd = sd->parent)
#define for_each_group(sg, first)                                                                  \
    for (struct sched_group *sg = (first), *sg##_end = NULL; sg != sg##_end;                       \
         sg##_end = (first), sg = sg->next)
/* The CPU that stands for a group (group_balance_cpu). */
static inline int
group_balance_cpu(const struct sched_group *sg)
{
    return cpumask_first(sg->sgc->balance_mask);
}
static inline bool
cpus_share_cache(const struct domains *d, int a, int b)
{
    return a == b || d->cpus[a].llc_id == d->cpus[b].llc_id;
}

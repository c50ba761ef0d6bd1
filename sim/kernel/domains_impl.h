/*
 * What the files that build domains share; nobody else includes it.
 *
 *   domains_numa.c     distances, their levels, the topology type
 *   domains_level.c    the topology levels and their masks
 *   domains_tree.c     the domains of each CPU, imb_numa_nr
 *   domains_group.c    rings of groups without overlap
 *   domains_overlap.c  groups of NUMA levels, balance masks
 *   domains_sane.c    what does not fit
 *   domains_attach.c   degenerate levels go, the cached pointers are set
 *
 * Masks are shared, never copied per CPU: 4096 CPUs with a dozen levels would otherwise spend their
 * time and memory on masks alone. All CPUs of a set point to one object, so most comparisons of
 * masks end at the pointer.
 */
#pragma once

#include "kernel/domains.h"

/* A mask of a level: all its online CPUs, and what of them domains are built for. */
struct level_set {
    struct cpumask *mask, *span;
    uint32_t weight, span_weight;
    bool cut;  /* hardware spans several nodes: only the part on one node is here */
    bool seen; /* already looked at by the sanity check */
};

struct level {
    const char *name;
    uint32_t flags;        /* of the topology level */
    uint32_t numa_level;   /* index into distance_levels */
    struct level_set **of; /* by CPU; NULL: not online */
};

/* A group of a NUMA level as it looks from one node; each ring has a copy. */
struct overlap_group {
    bool known, exists;
    struct sched_group group;
};

struct builder {
    struct arena *arena;   /* of the result */
    struct arena *scratch; /* of tables that end with the build */
    const struct machine *m;
    const struct domains_rules *rules;
    struct domains *d;
    struct cpumask *cpu_map;    /* CPUs that domains are built for: online and not isolated */
    struct cpumask *core_first; /* the first CPU of each core among cpu_map */
    nodemask cpu_nodes;
    uint32_t core_flags; /* of the levels between cores and nodes, besides their own */
    uint32_t nr_levels;
    struct level *levels;
    /* tables by level * nr_cpus + cpu */
    struct sched_domain **at;
    struct sched_group **plain;
    struct sched_group_capacity **sgc;
    struct sched_domain_shared **shared;
    struct cpumask **widened;
    struct cpumask *rest; /* CPUs that a walk has still to cover */
    struct overlap_group
        *overlap; /* by (numa_level * nr_nodes + node of the CPU) * nr_nodes + node */
    struct sched_group **rings; /* the one kept last, by numa_level * nr_nodes + node */
    /* classes of CPU capacity, largest first; one class: no asymmetry */
    uint32_t nr_capacities;
    struct cpumask **capacity_cpus;
};

static inline size_t
builder_index(const struct builder *b, uint32_t level, uint32_t cpu)
{
    return (size_t)level * b->m->nr_cpus + cpu;
}

static inline struct sched_domain *
domain_at(const struct builder *b, uint32_t level, uint32_t cpu)
{
    return b->at[builder_index(b, level, cpu)];
}

/* An id of a CPU by its place in struct machine_cpu. */
static inline int32_t
machine_cpu_id(const struct machine_cpu *c, size_t offset)
{
    return *(const int32_t *)(const void *)((const char *)c + offset);
}

static inline bool
spans_equal(const struct cpumask *a, const struct cpumask *b)
{
    return a == b || cpumask_equal(a, b);
}

void domains_message(struct builder *b, const char *fmt, ...) SIM_PRINTF(2, 3);

void domains_take_distances(struct builder *b);
void domains_find_distance_levels(struct builder *b);
void domains_find_topology_type(struct builder *b);

void domains_make_levels(struct builder *b);
/* One set for each pair of (id at `offset` of struct machine_cpu, node), by CPU; NULL: no id. */
struct level_set **domains_sets_by_id(struct builder *b, size_t offset);

void domains_make_trees(struct builder *b);
void domains_set_imbalance(struct builder *b);

void domains_make_groups(struct builder *b);
/* The groups of one CPU's domain at a NUMA level. */
void domains_overlap_groups(struct builder *b, uint32_t cpu, struct sched_domain *sd);
/* For good, when nothing about groups changes any more. */
void domains_share_ring(struct builder *b, uint32_t cpu, struct sched_domain *sd);
/* The capacity object that the table holds for this level and CPU, made on first use. */
struct sched_group_capacity *domains_capacity(struct builder *b, uint32_t level, uint32_t cpu,
                                              const struct cpumask *span,
                                              struct cpumask *balance_mask);
uint32_t domains_cores(const struct builder *b, const struct cpumask *span);

bool domains_levels_sane(struct builder *b);
bool domains_trees_sane(struct builder *b);
void domains_warn_of_cuts(struct builder *b);

void domains_attach(struct builder *b);

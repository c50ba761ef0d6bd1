/*
 * The topology levels of a machine and their masks: SMT, CLS, MC, PKG, NODE, and a NUMA level for
 * each further distance.
 *
 * A mask comes from an id: CPUs with the same cache, core or package are together. Whatever the
 * hardware says, such a set is cut at the borders of NUMA nodes, since a scheduler whose cache
 * domain reached into another node would contradict its own NUMA levels.
 *
 * Where x86 and the generic code of other architectures differ: x86 knows caches by id and leaves
 * out PKG as soon as a package holds CPUs of several nodes. The generic code starts from the node
 * or, if that is smaller, the package, takes the last-level cache if that is smaller still, and
 * lets a cluster be a level only where it is smaller than the result.
 */
#include "kernel/domains_impl.h"

#include <stdlib.h>

enum { LLC_FLAGS = SD_SHARE_LLC, SMT_FLAGS = SD_SHARE_CPUCAPACITY | SD_SHARE_LLC };

struct member {
    int32_t id, node;
    uint32_t cpu;
};

static int
compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static struct level_set *
set_new(struct builder *b)
{
    struct level_set *set = arena_new_object(b->scratch, struct level_set);

    set->mask = cpumask_new(b->scratch, b->m->nr_cpus);
    return set;
}

static void
set_finish(struct builder *b, struct level_set *set)
{
    set->span = cpumask_new(b->arena, b->m->nr_cpus);
    cpumask_and(set->span, set->mask, b->cpu_map);
    set->weight = cpumask_weight(set->mask);
    set->span_weight = cpumask_weight(set->span);
}

/* The online CPUs that have the id at `offset` of struct machine_cpu, by (id, node). */
static uint32_t
members_by_id(struct builder *b, size_t offset, struct member *members)
{
    uint32_t nr = 0;

    for_each_cpu (cpu, b->m->online) {
        const struct machine_cpu *c = &b->m->cpus[cpu];
        int32_t id = machine_cpu_id(c, offset);

        if (id >= 0)
            members[nr++] = (struct member){ id, c->node, (uint32_t)cpu };
    }
    qsort(members, nr, sizeof(*members), compare_members);
    return nr;
}

/* One set for each (id, node). CPUs without an id have none. */
struct level_set **
domains_sets_by_id(struct builder *b, size_t offset)
{
    struct level_set **of = arena_new_array(b->scratch, struct level_set *, b->m->nr_cpus);
    struct member *members = arena_new_array(b->scratch, struct member, b->m->nr_cpus);
    uint32_t nr = members_by_id(b, offset, members);

    for (uint32_t i = 0; i < nr; i++) {
        const struct member *prev = i > 0 ? &members[i - 1] : NULL;
        bool same_id = prev != NULL && prev->id == members[i].id;
        struct level_set *set = same_id ? of[prev->cpu] : NULL;

        if (!same_id || prev->node != members[i].node) {
            struct level_set *fresh = set_new(b);

            fresh->cut = same_id;
            if (same_id)
                set->cut = true;
            set = fresh;
        }
        cpumask_set(set->mask, members[i].cpu);
        of[members[i].cpu] = set;
    }
    for (uint32_t i = 0; i < nr; i++)
        if (of[members[i].cpu]->span == NULL)
            set_finish(b, of[members[i].cpu]);
    return of;
}

static struct level_set *
set_alone(struct builder *b, int cpu)
{
    struct level_set *set = set_new(b);

    cpumask_set(set->mask, (uint32_t)cpu);
    set_finish(b, set);
    return set;
}

static struct level *
add_level(struct builder *b, const char *name, uint32_t flags, struct level_set **of)
{
    struct level *l = &b->levels[b->nr_levels++];

    l->name = name;
    l->flags = flags;
    l->of = of;
    return l;
}

/* The CPUs of all nodes within a distance, seen from each node. */
static struct level_set **
sets_by_distance(struct builder *b, uint32_t most)
{
    const struct machine *m = b->m;
    struct level_set **of = arena_new_array(b->scratch, struct level_set *, m->nr_cpus);

    for_each_node (n, b->cpu_nodes) {
        struct level_set *set = set_new(b);

        for_each_node (k, b->cpu_nodes)
            if (b->d->distances[(uint32_t)n * m->nr_nodes + (uint32_t)k] <= most)
                cpumask_or(set->mask, set->mask, m->nodes[k].cpus);
        cpumask_and(set->mask, set->mask, m->online);
        set_finish(b, set);
        for_each_cpu (cpu, m->nodes[n].cpus)
            of[cpu] = set;
    }
    return of;
}

/* Fills the places of CPUs that have no set from another table. */
static void
fill_gaps(struct builder *b, struct level_set **of, struct level_set *const *from)
{
    for_each_cpu (cpu, b->m->online)
        if (of[cpu] == NULL)
            of[cpu] = from[cpu];
}

/* On AMD the L2 has no id for the scheduler; elsewhere a last-level cache may be an L2. */
static void
levels_x86(struct builder *b, struct level_set **smt, struct level_set **node)
{
    bool amd = b->m->vendor == VENDOR_AMD;
    struct level_set **l2 = domains_sets_by_id(b, offsetof(struct machine_cpu, l2));
    struct level_set **cluster = domains_sets_by_id(b, offsetof(struct machine_cpu, cluster));
    struct level_set **llc = domains_sets_by_id(b, offsetof(struct machine_cpu, llc));
    struct level_set **package = domains_sets_by_id(b, offsetof(struct machine_cpu, package));
    bool numa_in_package = false;

    for_each_cpu (cpu, b->m->online) {
        numa_in_package |= package[cpu]->cut;
        if (llc[cpu] == NULL)
            llc[cpu] = !amd && l2[cpu] != NULL ? l2[cpu] : set_alone(b, cpu);
    }
    fill_gaps(b, l2, cluster);
    fill_gaps(b, l2, smt);
    add_level(b, "CLS", b->core_flags | SD_CLUSTER | LLC_FLAGS, amd ? smt : l2);
    add_level(b, "MC", b->core_flags | LLC_FLAGS, llc);
    if (!numa_in_package)
        add_level(b, "PKG", b->core_flags, node);
}

static struct level_set *
core_group(struct level_set *node, struct level_set *package, struct level_set *llc,
           struct level_set *cluster)
{
    struct level_set *group = package != NULL && !package->cut ? package : node;

    if (llc != NULL && cpumask_subset(llc->mask, group->mask))
        group = llc;
    if (cluster != NULL && cpumask_subset(group->mask, cluster->mask))
        group = cluster;
    return group;
}

static void
levels_generic(struct builder *b, struct level_set **smt, struct level_set **node)
{
    struct level_set **cluster = domains_sets_by_id(b, offsetof(struct machine_cpu, cluster));
    struct level_set **llc = domains_sets_by_id(b, offsetof(struct machine_cpu, llc));
    struct level_set **package = domains_sets_by_id(b, offsetof(struct machine_cpu, package));
    struct level_set **core = arena_new_array(b->scratch, struct level_set *, b->m->nr_cpus);

    for_each_cpu (cpu, b->m->online) {
        core[cpu] = core_group(node[cpu], package[cpu], llc[cpu], cluster[cpu]);
        if (cluster[cpu] == NULL || cpumask_subset(core[cpu]->mask, cluster[cpu]->mask))
            cluster[cpu] = smt[cpu];
    }
    add_level(b, "CLS", SD_CLUSTER | LLC_FLAGS, cluster);
    add_level(b, "MC", LLC_FLAGS, core);
    add_level(b, "PKG", 0, node);
}

void
domains_make_levels(struct builder *b)
{
    struct level_set **smt = domains_sets_by_id(b, offsetof(struct machine_cpu, core));
    struct level_set **node = domains_sets_by_id(b, offsetof(struct machine_cpu, node));

    b->levels = arena_new_array(b->scratch, struct level, 5 + b->d->nr_distance_levels);
    add_level(b, "SMT", SMT_FLAGS, smt);
    if (b->m->vendor == VENDOR_ARM)
        levels_generic(b, smt, node);
    else
        levels_x86(b, smt, node);
    add_level(b, "NODE", 0, sets_by_distance(b, b->d->distance_levels[0]));
    for (uint32_t i = 1; i < b->d->nr_distance_levels && !b->rules->without_numa; i++)
        add_level(b, "NUMA", SD_NUMA | SD_OVERLAP, sets_by_distance(b, b->d->distance_levels[i]))
            ->numa_level = i;
}

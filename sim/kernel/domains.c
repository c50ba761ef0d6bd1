/*
 * How a tree of scheduling domains comes to be.
 *
 * The order of the steps is the kernel's, because several of them look at what a former one left
 * and a later one removes: groups are made from levels that degenerate afterwards, imb_numa_nr
 * counts levels that will not exist, and removing a level writes into a group that other CPUs
 * share. To compute the final tree directly would be shorter and would be wrong on machines that
 * are not symmetric.
 */
#include "kernel/domains_impl.h"

#include <stdarg.h>
#include <stdio.h>

const char *const sd_flag_names[SD_FLAG_NR] = {
    "SD_BALANCE_NEWIDLE",
    "SD_BALANCE_EXEC",
    "SD_BALANCE_FORK",
    "SD_BALANCE_WAKE",
    "SD_WAKE_AFFINE",
    "SD_ASYM_CPUCAPACITY",
    "SD_ASYM_CPUCAPACITY_FULL",
    "SD_SHARE_CPUCAPACITY",
    "SD_CLUSTER",
    "SD_SHARE_LLC",
    "SD_SERIALIZE",
    "SD_ASYM_PACKING",
    "SD_PREFER_SIBLING",
    "SD_OVERLAP",
    "SD_NUMA",
};

const char *const numa_topology_type_names[] = { "NUMA_DIRECT", "NUMA_GLUELESS_MESH",
                                                 "NUMA_BACKPLANE", NULL };

void
domains_message(struct builder *b, const char *fmt, ...)
{
    struct domains *d = b->d;
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    d->messages = arena_grow(b->arena, d->messages, sizeof(*d->messages) * d->nr_messages,
                             sizeof(*d->messages) * (d->nr_messages + 1));
    d->messages[d->nr_messages++] = arena_strdup(b->arena, text);
}

/* What a CPU without domains has: a cache and a cluster of its own. */
static void
cpus_begin_alone(struct domains *d, const struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_cpus; i++) {
        d->cpus[i].llc_size = 1;
        d->cpus[i].llc_id = (int32_t)i;
        d->cpus[i].share_id = (int32_t)i;
    }
}

static int
capacity_class(const uint32_t *values, uint32_t nr, uint32_t capacity)
{
    for (uint32_t i = 0; i < nr; i++)
        if (values[i] == capacity)
            return (int)i;
    return -1;
}

static void
find_capacities(struct builder *b)
{
    const struct machine *m = b->m;
    uint32_t *values = arena_new_array(b->scratch, uint32_t, m->nr_cpus);

    b->capacity_cpus = arena_new_array(b->scratch, struct cpumask *, m->nr_cpus);
    for_each_cpu (cpu, m->present) {
        int class = capacity_class(values, b->nr_capacities, m->cpus[cpu].capacity);

        if (cpumask_test(m->isolated, (uint32_t)cpu))
            continue;
        if (class < 0) {
            class = (int)b->nr_capacities++;
            values[class] = m->cpus[cpu].capacity;
            b->capacity_cpus[class] = cpumask_new(b->scratch, m->nr_cpus);
        }
        cpumask_set(b->capacity_cpus[class], (uint32_t)cpu);
    }
}

static void
build_trees(struct builder *b)
{
    if (cpumask_empty(b->cpu_map))
        return;
    if (!domains_levels_sane(b)) {
        b->d->refused = true;
        return;
    }
    find_capacities(b);
    domains_make_trees(b);
    if (!domains_trees_sane(b)) {
        b->d->refused = true;
        return;
    }
    domains_make_groups(b);
    domains_set_imbalance(b);
    domains_attach(b);
}

struct domains *
domains_build_by(struct arena *a, const struct machine *m, const struct domains_rules *rules)
{
    struct builder b = { .arena = a, .m = m, .scratch = arena_new(), .rules = rules };
    struct domains *d = arena_new_object(a, struct domains);

    b.d = d;
    b.core_flags = rules->asym_packing ? SD_ASYM_PACKING : 0;
    b.cpu_nodes = machine_cpu_nodes(m);
    b.cpu_map = cpumask_new(b.scratch, m->nr_cpus);
    cpumask_andnot(b.cpu_map, m->online, m->isolated);
    d->cpus = arena_new_array(a, struct cpu_domains, m->nr_cpus);
    cpus_begin_alone(d, m);
    domains_take_distances(&b);
    domains_find_distance_levels(&b);
    domains_find_topology_type(&b);
    d->fallback = zonelist_build(a, m, d->distances, 0);
    domains_make_levels(&b);
    domains_warn_of_cuts(&b);
    build_trees(&b);
    arena_free(b.scratch);
    return d;
}

struct domains *
domains_build(struct arena *a, const struct machine *m)
{
    static const struct domains_rules linux_rules;

    return domains_build_by(a, m, &linux_rules);
}

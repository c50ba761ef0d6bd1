/*
 * The shape of a regular machine, and the sizes of any machine.
 *
 * The products of a shape are taken with 64 bits and held against CPU_MAX and NODE_MAX at once:
 * nothing is allocated for a machine that cannot be.
 *
 * How an operating system numbers CPUs is not a matter of taste, because load balancing walks CPUs
 * by number. Linux on x86 counts the first threads of all cores through all packages, then the
 * second threads ("threads-last", the default). POWER and many Arm machines count the threads of a
 * core in a row ("threads-first"). Some firmware deals cores to nodes in turn ("round-robin").
 */
#include "config/topology_yaml.h"

enum { THREADS_LAST, THREADS_FIRST, ROUND_ROBIN };
static const char *const numbering_names[] = { "threads-last", "threads-first", "round-robin",
                                               NULL };

#define COUNT(member, ...)                                                                         \
    FIELD(FIELD_U32, struct topo_shape, member, .min = "1", .max = "8192", __VA_ARGS__)

const struct field topo_shape_fields[] = {
    COUNT(packages, .def = "1", .doc = "chips in sockets"),
    COUNT(dies_per_package, .def = "1", .doc = "dies in a package"),
    COUNT(nodes_per_package, .def = "1", .doc = "NUMA nodes in a package (SNC, NPS)"),
    COUNT(llcs_per_node, .doc = "last-level caches in a node; 1 if left out"),
    COUNT(llcs_per_package, .doc = "the same by package, where a cache spans nodes"),
    COUNT(cores_per_llc, .doc = "cores that share a last-level cache; this or cores_per_node"),
    COUNT(cores_per_node, .doc = "cores in a node"),
    COUNT(cores_per_cluster, .doc = "cores that share an L2 cache; each has its own if left out"),
    COUNT(threads_per_core, .def = "1", .doc = "hardware threads of a core"),
    FIELD(FIELD_ENUM, struct topo_shape, cpu_numbering, .def = "threads-last",
          .names = numbering_names, .doc = "the order in which CPUs are numbered"),
    FIELD_END
};

/* Fills cores_per_node and llcs; false with an error when the counts do not go into each other. */
static bool
derive_shape(struct topo *t, const struct ynode *n)
{
    struct topo_shape *s = &t->shape;

    if ((s->cores_per_llc == 0) == (s->cores_per_node == 0)) {
        ynode_error(&t->doc, n, "write either cores_per_llc or cores_per_node");
        return false;
    }
    if (s->llcs_per_package != 0 && (s->llcs_per_node != 0 || s->cores_per_llc != 0)) {
        ynode_error(&t->doc, n, "with llcs_per_package write cores_per_node, and no llcs_per_node");
        return false;
    }
    if (s->llcs_per_node == 0)
        s->llcs_per_node = 1;
    uint64_t per_node = s->cores_per_node;
    if (per_node == 0)
        per_node = (uint64_t)s->cores_per_llc * s->llcs_per_node;
    uint64_t nodes = (uint64_t)s->packages * s->nodes_per_package;
    uint64_t cpus = nodes > NODE_MAX ? 0 : nodes * per_node * s->threads_per_core;
    if (nodes > NODE_MAX) {
        ynode_error(&t->doc, n, "this is a machine of %u x %u nodes; at most %d are possible",
                    s->packages, s->nodes_per_package, NODE_MAX);
        return false;
    }
    if (per_node > CPU_MAX || cpus > CPU_MAX) {
        ynode_error(&t->doc, n, "this machine has too many CPUs; at most %d are possible", CPU_MAX);
        return false;
    }
    s->cores_per_node = (uint32_t)per_node;
    s->nr_nodes = (uint32_t)nodes;
    s->cores_per_package = s->cores_per_node * s->nodes_per_package;
    s->nr_cores = s->cores_per_package * s->packages;
    return true;
}

static bool
check_division(struct topo *t, const struct ynode *n, const char *what, uint32_t cores, uint32_t by)
{
    if (by != 0 && cores % by == 0)
        return true;
    ynode_error(&t->doc, n, "%u cores cannot be dealt evenly: %s", cores, what);
    return false;
}

bool
topo_read_shape(struct topo *t)
{
    const struct ynode *n = ynode_get(t->root, "shape");
    struct topo_shape *s = &t->shape;

    if (n == NULL)
        return true;
    if (!ynode_load_fields(&t->doc, n, topo_shape_fields, topo_source_key, s) ||
        !derive_shape(t, n))
        return false;
    t->has_shape = true;
    bool ok = check_division(t, n, "dies_per_package", s->cores_per_package, s->dies_per_package);
    if (s->llcs_per_package != 0)
        ok &= check_division(t, n, "llcs_per_package", s->cores_per_package, s->llcs_per_package);
    else
        ok &= check_division(t, n, "llcs_per_node", s->cores_per_node, s->llcs_per_node);
    if (s->cores_per_cluster != 0)
        ok &= check_division(t, n, "cores_per_cluster", s->cores_per_node, s->cores_per_cluster);
    return ok;
}

/* The numbers of an entry of `nodes`; NULL with an error. `all` names those of the shape. */
static const struct cpumask *
entry_numbers(struct topo *t, const struct ynode *entry)
{
    const struct ynode *n = ynode_get(entry, "node");
    struct cpumask *set = cpumask_new(t->doc.arena, NODE_OS_MAX);

    if (n == NULL) {
        ynode_error(&t->doc, entry, "'node' is missing: its number, as in 0 or 0-3");
        return NULL;
    }
    if (n->kind == YNODE_SCALAR && strcmp(n->text, "all") == 0) {
        if (ynode_get(t->root, "shape") == NULL)
            ynode_error(&t->doc, n,
                        "'all' means the nodes of the shape, but there is none; "
                        "write their numbers, as in 0-3");
        for (uint32_t os = 0; os < t->shape.nr_nodes; os++)
            cpumask_set(set, os);
        return t->has_shape ? set : NULL;
    }
    if (!ynode_cpulist(&t->doc, n, set))
        return NULL;
    if (cpumask_empty(set))
        ynode_error(&t->doc, n, "names no node; write its number, as in 0");
    return cpumask_empty(set) ? NULL : set;
}

bool
topo_number_nodes(struct topo *t)
{
    const struct ynode *list = topo_list(t, "nodes");
    bool ok = list != NULL || ynode_get(t->root, "nodes") == NULL;
    int nr = 0;

    memset(t->node_of_os, 0xff, sizeof(t->node_of_os));
    for (uint32_t os = 0; os < t->shape.nr_nodes; os++)
        t->node_of_os[os] = 0;
    for (guint i = 0; list != NULL && i < list->nr; i++) {
        const struct cpumask *set = entry_numbers(t, list->values[i]);
        ok &= set != NULL;
        for (int os = 0; set != NULL && os < NODE_OS_MAX; os++)
            if (cpumask_test(set, (uint32_t)os))
                t->node_of_os[os] = 0;
    }
    for (int os = 0; os < NODE_OS_MAX; os++)
        if (t->node_of_os[os] == 0)
            t->node_of_os[os] = (int16_t)nr++;
    if (nr > NODE_MAX)
        ynode_error(&t->doc, list, "these are %d nodes; at most %d are possible", nr, NODE_MAX);
    else if (nr == 0 && ok && ynode_get(t->root, "shape") == NULL)
        ynode_error(&t->doc, t->root,
                    "a machine needs nodes; write 'shape', or 'nodes' and 'cpus'");
    return ok && nr > 0 && nr <= NODE_MAX;
}

static bool
count_list(struct topo *t, const char *section, bool required, struct cpumask *all)
{
    const struct ynode *list = topo_list(t, section);
    struct cpumask *set = cpumask_new(t->doc.arena, CPU_MAX);
    bool ok = list != NULL || ynode_get(t->root, section) == NULL;

    for (guint i = 0; list != NULL && i < list->nr; i++) {
        const struct ynode *cpus = ynode_get(list->values[i], "cpus");
        if (cpus == NULL && required)
            ynode_error(&t->doc, list->values[i], "'cpus' is missing: their numbers, as in 0-3");
        if (cpus == NULL) {
            ok &= !required;
            continue;
        }
        ok &= ynode_cpulist(&t->doc, cpus, set);
        cpumask_or(all, all, set);
    }
    return ok;
}

bool
topo_count_cpus(struct topo *t, uint32_t *nr_cpus)
{
    struct cpumask *all = cpumask_new(t->doc.arena, CPU_MAX);
    bool ok = count_list(t, "cpus", true, all);

    for (uint32_t cpu = 0; cpu < t->shape.nr_cores * t->shape.threads_per_core; cpu++)
        cpumask_set(all, cpu);
    /* The list of nodes was found wanting already when it is no list. */
    ok &= ynode_get(t->root, "nodes") == NULL || ynode_get(t->root, "nodes")->kind != YNODE_SEQ ||
          count_list(t, "nodes", false, all);
    if (ok && cpumask_empty(all)) {
        if (ynode_get(t->root, "shape") == NULL && ynode_get(t->root, "nodes") != NULL)
            ynode_error(&t->doc, t->root,
                        "a machine needs CPUs; write 'shape', or 'nodes' and 'cpus'");
        return false;
    }
    *nr_cpus = 0;
    for_each_cpu (cpu, all)
        *nr_cpus = (uint32_t)cpu + 1;
    return ok;
}

static uint32_t
cpu_number(const struct topo_shape *s, uint32_t core, uint32_t thread)
{
    uint32_t node = core / s->cores_per_node, in_node = core % s->cores_per_node;

    switch (s->cpu_numbering) {
    case THREADS_FIRST:
        return core * s->threads_per_core + thread;
    case ROUND_ROBIN:
        return thread * s->nr_cores + in_node * s->nr_nodes + node;
    default:
        return thread * s->nr_cores + core;
    }
}

/* What the shape says about a core: the same for its threads. */
static struct machine_cpu
core_of_shape(const struct topo *t, uint32_t core)
{
    const struct topo_shape *s = &t->shape;
    uint32_t package = core / s->cores_per_package, in_package = core % s->cores_per_package;
    uint32_t per_die = s->cores_per_package / s->dies_per_package;
    uint32_t per_llc = s->llcs_per_package != 0 ? s->cores_per_package / s->llcs_per_package
                                                : s->cores_per_node / s->llcs_per_node;
    struct machine_cpu c = {
        .present = true,
        .online = true,
        .node = t->node_of_os[core / s->cores_per_node],
        .package = (int32_t)package,
        .die = (int32_t)(package * s->dies_per_package + in_package / per_die),
        .core = (int32_t)core,
        .cluster = MACHINE_NONE,
        .l2 = (int32_t)core,
        .llc = (int32_t)(core / per_llc),
        .capacity = 1024,
    };
    if (s->cores_per_cluster != 0)
        c.cluster = c.l2 = (int32_t)(core / s->cores_per_cluster);
    return c;
}

void
topo_apply_shape(struct topo *t)
{
    const struct topo_shape *s = &t->shape;

    for (uint32_t core = 0; core < s->nr_cores; core++)
        for (uint32_t thread = 0; thread < s->threads_per_core; thread++)
            t->m->cpus[cpu_number(s, core, thread)] = core_of_shape(t, core);
    if (t->has_shape)
        topo_note_source(t, ynode_get(t->root, "shape"));
}

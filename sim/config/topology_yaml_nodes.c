/*
 * Nodes and CPUs as the lists of a topology file give them.
 *
 * An entry speaks of one or many and says only what it says: `node: all, memory: 16GiB` and then
 * `node: 3, memory: 8GiB` is a machine with one smaller node. So an entry is read once, to report
 * its errors once, and then laid over every node or CPU that it names.
 *
 * Ids of packages, cores and caches are unique in the machine. Where an entry gives one id for
 * several CPUs, they share it; where it gives a list, the CPUs take them in turn: `cpus: 0-3, core:
 * 0-3` is four cores, `cpus: 0-3, core: 7` one core with four threads.
 */
#include "config/topology_yaml.h"

/* Entries may overlap, but a hostile file must not make a million of them name every CPU. */
enum { NAMED_MOST = 16 * CPU_MAX, ID_MOST = 1 << 30 };

const struct field topo_node_fields[] = {
    FIELD_NAMED(FIELD_SIZE, "memory", struct machine_node, mem_bytes, .max = "4096TiB",
                .doc = "size; 0B for a node without memory"),
    FIELD(FIELD_ENUM, struct machine_node, kind, .names = memory_kind_names,
          .doc = "of the memory; dram if left out"),
    FIELD(FIELD_BANDWIDTH, struct machine_node, bandwidth, .min = "1MB/s",
          .doc = "reads that its memory controllers can serve"),
    FIELD_NAMED(FIELD_RATIO, "write_derating", struct machine_node, write_derate_ppm, .max = "1",
                .doc = "share of the bandwidth that is lost when all accesses are writes"),
    FIELD_NAMED(FIELD_REAL, "curve.a", struct machine_node, curve_a, .min = "0", .max = "1000",
                .doc = "latency under load is 1 + a*u/(1+d-u) times the idle one, u = utilisation"),
    FIELD_NAMED(FIELD_REAL, "curve.d", struct machine_node, curve_d, .min = "0.001", .max = "1000",
                .doc = "how far behind full load that curve would go to infinity"),
    FIELD_NAMED(FIELD_BANDWIDTH, "injection_limit", struct machine_node, injection, .min = "1MB/s",
                .doc = "what the CPUs of the node can pull together, from anywhere"),
    FIELD(FIELD_BOOL, struct machine_node, online, .doc = "no for a node that is switched off"),
    FIELD_END
};
const char *const topo_node_others[] = { "node", "cpus", "curve.points", "source", NULL };

const struct field topo_cpu_fields[] = {
    FIELD(FIELD_U32, struct machine_cpu, capacity, .min = "1", .max = "1024",
          .doc = "speed; 1024 is the fastest CPU of the machine"),
    FIELD_END
};
const char *const topo_cpu_others[] = { "cpus", "node", "package", "die",    "cluster",
                                        "core", "l2",   "llc",     "source", NULL };

/* Ids with a list of their own in an entry of `cpus`. */
static const struct {
    const char *key;
    size_t offset;
} cpu_ids[] = {
    { "package", offsetof(struct machine_cpu, package) },
    { "die", offsetof(struct machine_cpu, die) },
    { "cluster", offsetof(struct machine_cpu, cluster) },
    { "core", offsetof(struct machine_cpu, core) },
    { "l2", offsetof(struct machine_cpu, l2) },
    { "llc", offsetof(struct machine_cpu, llc) },
};

/* CPUs become present where a list first names them. */
static struct machine_cpu *
cpu_at(struct topo *t, int cpu)
{
    struct machine_cpu *c = &t->m->cpus[cpu];

    if (!c->present)
        c->present = c->online = true;
    return c;
}

static void
take_cpus(struct topo *t, const struct ynode *entry, int node)
{
    const struct ynode *n = ynode_get(entry, "cpus");
    struct cpumask *set = cpumask_new(t->doc.arena, CPU_MAX);

    if (n == NULL || !ynode_cpulist(&t->doc, n, set))
        return;
    for_each_cpu (cpu, set) {
        struct machine_cpu *c = cpu_at(t, cpu);
        if (c->node >= 0 && c->node != node) {
            ynode_error(&t->doc, n, "CPU %d is in node %u already; a CPU has one node", cpu,
                        t->m->nodes[c->node].os_index);
            return;
        }
        c->node = node;
    }
}

/* The nodes that an entry names; the numbers were read and found good when nodes were counted. */
static nodemask
entry_nodes(struct topo *t, const struct ynode *entry)
{
    const struct ynode *n = ynode_get(entry, "node");
    nodemask nodes = 0;

    if (n->kind != YNODE_SCALAR || strcmp(n->text, "all") != 0)
        return topo_nodes(t, n);
    for (uint32_t os = 0; os < t->shape.nr_nodes; os++)
        nodes |= NODE_BIT(t->node_of_os[os]);
    return nodes;
}

static void
read_node_entry(struct topo *t, const struct ynode *entry, nodemask *sized)
{
    struct machine_node once = { 0 };
    nodemask nodes = entry_nodes(t, entry);

    if (!ynode_load_fields(&t->doc, entry, topo_node_fields, topo_node_others, &once))
        return;
    struct topo_curve curve = topo_read_curve(t, entry);
    for_each_node (node, nodes) {
        struct machine_node *n = &t->m->nodes[node];

        ynode_load_fields(&t->doc, entry, topo_node_fields, topo_node_others, n);
        if (!curve.given)
            continue;
        n->has_curve = true;
        n->nr_points = curve.nr_points;
        n->points = curve.points;
    }
    if (ynode_get(entry, "memory") != NULL)
        *sized |= nodes;
    if (ynode_get(entry, "cpus") != NULL && __builtin_popcountll(nodes) != 1)
        ynode_error(&t->doc, ynode_get(entry, "cpus"),
                    "these CPUs need one node, but the entry names several");
    else if (nodes != 0)
        take_cpus(t, entry, __builtin_ctzll(nodes));
    topo_note_source(t, entry);
}

void
topo_read_nodes(struct topo *t)
{
    const struct ynode *list = ynode_get(t->root, "nodes");
    nodemask sized = 0;

    for (guint i = 0; list != NULL && i < list->nr; i++)
        read_node_entry(t, list->values[i], &sized);
    /* A size for none is an assumption (machine_finish() makes it); for some, a mistake. */
    for (uint32_t node = 0; sized != 0 && node < t->m->nr_nodes; node++)
        if (!(sized & NODE_BIT(node)))
            ynode_error(&t->doc, list,
                        "node %u has no memory size; write memory: 16GiB, or 0B if it has none",
                        t->m->nodes[node].os_index);
}

/* "3", "0-3", "0,0,1,1": ids in the order in which they are written. */
static bool
append_ids(GArray *ids, const char *text)
{
    while (true) {
        char *end;
        if (!g_ascii_isdigit(*text))
            return false;
        guint64 from = g_ascii_strtoull(text, &end, 10), to = from;
        if (*end == '-' && g_ascii_isdigit(end[1]))
            to = g_ascii_strtoull(end + 1, &end, 10);
        if (from > to || to >= ID_MOST || ids->len + (to - from) >= CPU_MAX)
            return false;
        for (int32_t id = (int32_t)from; id <= (int32_t)to; id++)
            g_array_append_val(ids, id);
        if (*end != ',')
            return *end == '\0';
        text = end + 1;
    }
}

/* One id, or as many as there are CPUs; NULL with an error. */
static GArray *
read_ids(struct topo *t, const struct ynode *n, uint32_t nr_cpus)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    bool ok =
        n->kind == YNODE_SCALAR ? append_ids(ids, n->text) : n->kind == YNODE_SEQ && n->nr > 0;

    for (guint i = 0; ok && n->kind == YNODE_SEQ && i < n->nr; i++)
        ok = n->values[i]->kind == YNODE_SCALAR && append_ids(ids, n->values[i]->text);
    if (!ok) {
        ynode_error(&t->doc, n,
                    "not a list of ids; write one as in 3, or one for each CPU as in 0-3");
        return NULL;
    }
    if (ids->len != 1 && ids->len != nr_cpus) {
        ynode_error(&t->doc, n, "%u ids for %u CPUs; write one, or one for each CPU", ids->len,
                    nr_cpus);
        return NULL;
    }
    return g_steal_pointer(&ids);
}

static void
apply_ids(struct topo *t, const struct ynode *n, const struct cpumask *set, size_t offset)
{
    g_autoptr(GArray) ids = read_ids(t, n, cpumask_weight(set));
    guint i = 0;

    if (ids == NULL)
        return;
    for_each_cpu (cpu, set) {
        char *c = (char *)cpu_at(t, cpu);
        *(int32_t *)(void *)(c + offset) = g_array_index(ids, int32_t, ids->len == 1 ? 0 : i);
        i++;
    }
}

static void
read_cpu_entry(struct topo *t, const struct ynode *entry, uint32_t *named)
{
    struct cpumask *set = cpumask_new(t->doc.arena, CPU_MAX);
    const struct ynode *n = ynode_get(entry, "node");
    struct machine_cpu once = { 0 };
    int node = n == NULL ? -1 : topo_node(t, n);

    ynode_load_fields(&t->doc, entry, topo_cpu_fields, topo_cpu_others, &once);
    if (!ynode_cpulist(&t->doc, ynode_get(entry, "cpus"), set))
        return;
    *named += cpumask_weight(set);
    for_each_cpu (cpu, set) {
        struct machine_cpu *c = cpu_at(t, cpu);
        if (node >= 0)
            c->node = node;
        if (once.capacity != 0)
            c->capacity = once.capacity;
    }
    for (size_t i = 0; i < ARRAY_LEN(cpu_ids); i++)
        if ((n = ynode_get(entry, cpu_ids[i].key)) != NULL)
            apply_ids(t, n, set, cpu_ids[i].offset);
    topo_note_source(t, entry);
}

static void
read_cpu_set(struct topo *t, const char *key, struct cpumask *set)
{
    const struct ynode *n = ynode_get(t->root, key);

    if (n == NULL || !ynode_cpulist(&t->doc, n, set))
        return;
    for_each_cpu (cpu, set)
        if ((uint32_t)cpu >= t->m->nr_cpus || !t->m->cpus[cpu].present) {
            ynode_error(&t->doc, n, "there is no CPU %d; the machine has CPUs up to %u", cpu,
                        t->m->nr_cpus - 1);
            return;
        }
}

void
topo_read_cpus(struct topo *t)
{
    const struct ynode *list = ynode_get(t->root, "cpus");
    struct cpumask *offline = cpumask_new(t->doc.arena, CPU_MAX);
    struct cpumask *isolated = cpumask_new(t->doc.arena, CPU_MAX);
    uint32_t named = 0;

    for (guint i = 0; list != NULL && i < list->nr && named <= NAMED_MOST; i++)
        read_cpu_entry(t, list->values[i], &named);
    if (named > NAMED_MOST)
        ynode_error(&t->doc, list, "the entries name the same CPUs over and over");
    for (uint32_t cpu = 0; cpu < t->m->nr_cpus; cpu++)
        if (t->m->cpus[cpu].present && t->m->cpus[cpu].node < 0) {
            ynode_error(&t->doc, list, "CPU %u has no node; write node: 0 in its entry", cpu);
            break;
        }
    read_cpu_set(t, "offline_cpus", offline);
    read_cpu_set(t, "isolated_cpus", isolated);
    for (uint32_t cpu = 0; cpu < t->m->nr_cpus; cpu++) {
        if (cpumask_test(offline, cpu))
            t->m->cpus[cpu].online = false;
        if (cpumask_test(isolated, cpu))
            cpumask_set(t->m->isolated, cpu);
    }
}

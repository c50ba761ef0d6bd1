/*
 * In the sandbox: libhwloc loads a topology, and what a machine needs of it is written down in
 * lines (import_hwloc_text.c has the grammar).
 *
 * Which node a CPU belongs to is decided here. hwloc attaches memory to any object, so several
 * nodes may be local to a CPU: DRAM and HBM of one package, say. Linux has one node a CPU. The
 * rule: the node with the smallest set of CPUs wins; of equals the one of plain DRAM; of equals the
 * one with the lowest number. The others become nodes without CPUs, as Linux shows them too.
 */
#include "config/import_hwloc_child.h"

#include <stdlib.h>

/* hwloc listens to its environment; a file must mean the same everywhere. */
static void
clear_environment(void)
{
    extern char **environ;

    for (char **e = environ; e != NULL && *e != NULL;) {
        g_autofree char *name = g_strndup(*e, strcspn(*e, "="));

        if (g_str_has_prefix(name, "HWLOC_") && unsetenv(name) == 0)
            e = environ;
        else
            e++;
    }
    setenv("HWLOC_LIBXML", "0", 1);
    setenv("HWLOC_PLUGINS_PATH", "/nonexistent", 1);
    setenv("HWLOC_HIDE_ERRORS", "2", 1);
}

static bool
load(struct hwloc_describer *c, const struct hwloc_job *job)
{
    if (hwloc_topology_init(&c->t) != 0)
        return false;
    hwloc_topology_set_flags(c->t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    hwloc_topology_set_io_types_filter(c->t, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_type_filter(c->t, HWLOC_OBJ_MISC, HWLOC_TYPE_FILTER_KEEP_NONE);
    int bad = job->synthetic ? hwloc_topology_set_synthetic(c->t, job->text)
                             : hwloc_topology_set_xmlbuffer(c->t, job->text, (int)job->len + 1);
    return bad == 0 && hwloc_topology_load(c->t) == 0;
}

/* One line, whatever the text holds. */
static void
put_text(struct hwloc_describer *c, const char *key, const char *text)
{
    if (text == NULL || *text == '\0')
        return;
    g_string_append_printf(c->out, "%s ", key);
    for (guint i = 0; text[i] != '\0' && i < HWLOC_TEXT_WORD; i++)
        g_string_append_c(c->out, g_ascii_isprint(text[i]) ? text[i] : '?');
    g_string_append_c(c->out, '\n');
}

static enum memory_kind
kind_of(hwloc_obj_t node)
{
    static const struct {
        const char *subtype;
        enum memory_kind kind;
    } kinds[] = { { "HBM", MEMORY_HBM },  { "MCDRAM", MEMORY_HBM }, { "CXL", MEMORY_CXL },
                  { "NVM", MEMORY_PMEM }, { "PMEM", MEMORY_PMEM },  { "GPUMemory", MEMORY_GPU } };

    for (gsize i = 0; i < ARRAY_LEN(kinds) && node->subtype != NULL; i++)
        if (g_str_has_prefix(node->subtype, kinds[i].subtype))
            return kinds[i].kind;
    return MEMORY_DRAM;
}

static int
compare_nodes(const void *a, const void *b)
{
    const hwloc_obj_t x = *(const hwloc_obj_t *)a, y = *(const hwloc_obj_t *)b;

    return (x->os_index > y->os_index) - (x->os_index < y->os_index);
}

/* Fills pus[] and nodes[]; NULL, or what cannot be described. */
static const char *
collect(struct hwloc_describer *c)
{
    hwloc_obj_t o = NULL;

    while ((o = hwloc_get_next_obj_by_type(c->t, HWLOC_OBJ_PU, o)) != NULL) {
        if (o->os_index >= CPU_MAX || c->pus[o->os_index] != NULL)
            return "a PU whose number is missing, too high or given twice";
        c->pus[o->os_index] = o;
        c->nr_cpus++;
    }
    while ((o = hwloc_get_next_obj_by_type(c->t, HWLOC_OBJ_NUMANODE, o)) != NULL) {
        if (c->nr_nodes == NODE_MAX)
            return "more than 64 NUMA nodes";
        c->nodes[c->nr_nodes++] = o;
    }
    qsort(c->nodes, c->nr_nodes, sizeof(c->nodes[0]), compare_nodes);
    for (guint i = 1; i < c->nr_nodes; i++)
        if (c->nodes[i]->os_index == c->nodes[i - 1]->os_index)
            return "two NUMA nodes with one number";
    if (c->nr_nodes > 0 && c->nodes[c->nr_nodes - 1]->os_index > 65535)
        return "a NUMA node whose number is missing or above 65535";
    return c->nr_cpus == 0    ? "libhwloc finds no PU in it"
           : c->nr_nodes == 0 ? "libhwloc finds no NUMA node in it"
                              : NULL;
}

static bool
is_nearer(hwloc_obj_t a, hwloc_obj_t than)
{
    int x = hwloc_bitmap_weight(a->cpuset), y = hwloc_bitmap_weight(than->cpuset);
    bool a_dram = kind_of(a) == MEMORY_DRAM, b_dram = kind_of(than) == MEMORY_DRAM;

    return x != y ? x < y : a_dram && !b_dram;
}

static void
assign_nodes(struct hwloc_describer *c)
{
    guint homeless = 0;

    for (guint cpu = 0; cpu < CPU_MAX; cpu++) {
        int32_t best = MACHINE_NONE;

        for (guint i = 0; i < c->nr_nodes && c->pus[cpu] != NULL; i++)
            if (c->nodes[i]->cpuset != NULL && hwloc_bitmap_isset(c->nodes[i]->cpuset, cpu) &&
                (best == MACHINE_NONE || is_nearer(c->nodes[i], c->nodes[best])))
                best = (int32_t)i;
        homeless += c->pus[cpu] != NULL && best == MACHINE_NONE;
        c->cpu_node[cpu] = SIM_MAX(best, 0);
    }
    if (homeless > 0)
        g_string_append_printf(c->out, "note assumed: %u CPUs without a node belong to node %u\n",
                               homeless, c->nodes[0]->os_index);
}

static int32_t
ancestor(struct hwloc_describer *c, hwloc_obj_t o, hwloc_obj_type_t type)
{
    hwloc_obj_t up = hwloc_get_ancestor_obj_by_type(c->t, type, o);

    return up != NULL ? (int32_t)up->logical_index : MACHINE_NONE;
}

static bool
is_cpu_cache(hwloc_obj_t o)
{
    return hwloc_obj_type_is_dcache(o->type) &&
           (o->subtype == NULL || !g_str_equal(o->subtype, "MemorySideCache"));
}

/* The outermost cache of level 2 or more, numbered as met. */
static int32_t
last_level_cache(struct hwloc_describer *c, hwloc_obj_t pu)
{
    hwloc_obj_t last = NULL;

    for (hwloc_obj_t o = pu->parent; o != NULL; o = o->parent)
        if (is_cpu_cache(o) && o->attr->cache.depth >= 2)
            last = o;
    if (last == NULL)
        return MACHINE_NONE;
    guint number = GPOINTER_TO_UINT(g_hash_table_lookup(c->llcs, last));
    if (number == 0) {
        number = g_hash_table_size(c->llcs) + 1;
        g_hash_table_insert(c->llcs, last, GUINT_TO_POINTER(number));
    }
    if (c->llc == 0)
        c->llc = (gint64)SIM_MIN(last->attr->cache.size, (guint64)G_MAXINT64);
    if (c->line == 0)
        c->line = last->attr->cache.linesize;
    return (int32_t)number - 1;
}

/* CPUs with a common L2 beyond the core, or in a group that Linux calls a cluster. */
static int32_t
cluster(struct hwloc_describer *c, hwloc_obj_t pu)
{
    for (hwloc_obj_t o = pu->parent; o != NULL; o = o->parent) {
        if (o->type == HWLOC_OBJ_GROUP && o->subtype != NULL && g_str_equal(o->subtype, "Cluster"))
            return (int32_t)o->logical_index;
        if (o->type == HWLOC_OBJ_L2CACHE &&
            hwloc_get_nbobjs_inside_cpuset_by_type(c->t, o->cpuset, HWLOC_OBJ_CORE) > 1)
            return (int32_t)o->logical_index;
    }
    return MACHINE_NONE;
}

static void
note_cache_sizes(struct hwloc_describer *c)
{
    static const hwloc_obj_type_t types[] = { HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE };
    gint64 *const sizes[] = { &c->l1d, &c->l2 };

    for (gsize i = 0; i < ARRAY_LEN(types); i++) {
        hwloc_obj_t o = hwloc_get_next_obj_by_type(c->t, types[i], NULL);

        if (o != NULL)
            *sizes[i] = (gint64)SIM_MIN(o->attr->cache.size, (guint64)G_MAXINT64);
    }
}

static void
put_cpus(struct hwloc_describer *c)
{
    g_autofree gint64 *capacity = g_new0(gint64, CPU_MAX);
    hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(c->t);

    put_text(c, "capacities", describe_capacities(c, capacity));
    for (guint cpu = 0; cpu < CPU_MAX; cpu++) {
        hwloc_obj_t pu = c->pus[cpu];

        if (pu == NULL)
            continue;
        g_string_append_printf(c->out, "cpu %u %d %d %d %d %d %d %d %d %" G_GINT64_FORMAT "\n", cpu,
                               hwloc_bitmap_isset(allowed, cpu), ancestor(c, pu, HWLOC_OBJ_PACKAGE),
                               ancestor(c, pu, HWLOC_OBJ_DIE), ancestor(c, pu, HWLOC_OBJ_CORE),
                               cluster(c, pu), ancestor(c, pu, HWLOC_OBJ_L2CACHE),
                               last_level_cache(c, pu), c->cpu_node[cpu], capacity[cpu]);
    }
    g_string_append_printf(c->out,
                           "caches %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                           " %" G_GINT64_FORMAT "\n",
                           c->l1d, c->l2, c->llc, c->line);
}

/* The package that a node is in, or the one that has all its CPUs. */
static int32_t
package_of_node(struct hwloc_describer *c, hwloc_obj_t node)
{
    int32_t package = ancestor(c, node, HWLOC_OBJ_PACKAGE);
    int nr = hwloc_get_nbobjs_by_type(c->t, HWLOC_OBJ_PACKAGE);

    for (int i = 0; i < nr && package == MACHINE_NONE; i++) {
        hwloc_obj_t p = hwloc_get_obj_by_type(c->t, HWLOC_OBJ_PACKAGE, (unsigned)i);

        if (!hwloc_bitmap_iszero(node->cpuset) && hwloc_bitmap_isincluded(node->cpuset, p->cpuset))
            package = i;
    }
    return package;
}

static void
put_nodes(struct hwloc_describer *c)
{
    hwloc_const_nodeset_t allowed = hwloc_topology_get_allowed_nodeset(c->t);

    for (guint i = 0; i < c->nr_nodes; i++) {
        hwloc_obj_t n = c->nodes[i];

        g_string_append_printf(c->out, "node %u %d %d %d %" G_GUINT64_FORMAT "\n", n->os_index,
                               hwloc_bitmap_isset(allowed, n->os_index), kind_of(n),
                               package_of_node(c, n), (guint64)n->attr->numanode.local_memory);
        if (n->subtype != NULL && kind_of(n) == MEMORY_DRAM && !g_str_equal(n->subtype, "DRAM"))
            g_string_append_printf(c->out, "note assumed: node %u of an unknown kind is DRAM\n",
                                   n->os_index);
    }
    if (hwloc_get_nbobjs_by_type(c->t, HWLOC_OBJ_MEMCACHE) > 0)
        g_string_append(c->out, "note memory-side caches are left out\n");
}

static void
put_identity(struct hwloc_describer *c)
{
    static const char *const keys[][2] = { { "CPUVendor", "vendor" },
                                           { "CPUModel", "model" },
                                           { "Architecture", "architecture" },
                                           { "DMIProductName", "product" },
                                           { "CPUFamilyNumber", "family" } };
    hwloc_obj_t root = hwloc_get_root_obj(c->t);
    hwloc_obj_t package = hwloc_get_next_obj_by_type(c->t, HWLOC_OBJ_PACKAGE, NULL);

    for (gsize i = 0; i < ARRAY_LEN(keys); i++) {
        const char *value =
            package != NULL ? hwloc_obj_get_info_by_name(package, keys[i][0]) : NULL;

        put_text(c, keys[i][1],
                 value != NULL ? value : hwloc_obj_get_info_by_name(root, keys[i][0]));
    }
    int left_out = hwloc_bitmap_weight(root->complete_cpuset) - (int)c->nr_cpus;
    g_string_append_printf(c->out, "left_out %d\n", SIM_MAX(left_out, 0));
}

void
hwloc_describe(void *job, GString *out)
{
    struct hwloc_describer *c = g_new0(struct hwloc_describer, 1);
    const char *why = "libhwloc does not accept it";

    clear_environment();
    c->out = out;
    c->llcs = g_hash_table_new(g_direct_hash, g_direct_equal);
    if (!load(c, job) || (why = collect(c)) != NULL) {
        g_string_append_printf(out, "refused %s\n", why);
        return;
    }
    g_string_append_printf(out, "cpus %u\nnodes %u\n", c->nr_cpus, c->nr_nodes);
    assign_nodes(c);
    put_identity(c);
    note_cache_sizes(c);
    put_cpus(c);
    put_nodes(c);
    describe_distances(c);
    describe_attributes(c);
    g_string_append(out, "end\n");
}

/*
 * hwloc XML, written by hand: libhwloc can only export a topology that it holds, and the way to
 * make it hold one of ours would be this very file.
 *
 * Latencies are written where the machine has them from somewhere, bandwidths unless all are
 * assumed. Where a few gaps among them were filled by rule, the notes of the machine say so, and
 * they are in the file too, as infos of its root: a number that was assumed must not look like one
 * that was measured.
 */
#include "report/topo_hwloc_impl.h"

#include <stdio.h>

enum { WORD_BITS = 32, VALUES_A_LINE = 10 };

static void
add_text(GString *s, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    for (char *c = valid; *c != '\0'; c++)
        if (!g_ascii_isprint(*c))
            *c = '?';
    g_autofree char *escaped = g_markup_escape_text(valid, -1);
    g_string_append(s, escaped);
}

static void
add_info(GString *s, const char *name, const char *value)
{
    g_string_append_printf(s, "<info name=\"%s\" value=\"", name);
    add_text(s, value);
    g_string_append(s, "\"/>\n");
}

/* "0xff,,0x1": words of 32 bits, the highest first, empty for none. */
static void
add_words(GString *s, const uint64_t *bits, guint nr_bits)
{
    bool begun = false;

    for (guint w = (nr_bits + WORD_BITS - 1) / WORD_BITS; w-- > 0;) {
        uint32_t word = (uint32_t)(bits[w / 2] >> (w % 2 * WORD_BITS));

        if (word != 0 || w == 0)
            g_string_append_printf(s, "0x%08x", word);
        begun |= word != 0;
        if (begun && w > 0)
            g_string_append_c(s, ',');
    }
}

static void
add_set(GString *s, const char *name, const struct cpumask *cpus)
{
    g_string_append_printf(s, " %s=\"", name);
    add_words(s, cpus->bits, cpus->nr_words * 64);
    g_string_append_c(s, '"');
}

/* By the numbers that the machine uses, which may have holes. */
static void
add_nodeset(GString *s, const char *name, const struct machine *m, nodemask nodes)
{
    uint64_t bits[1024] = { 0 };
    guint most = 0;

    for_each_node (node, nodes) {
        uint32_t number = SIM_MIN(m->nodes[node].os_index, 65535u);

        bits[number / 64] |= (uint64_t)1 << (number % 64);
        most = SIM_MAX(most, number);
    }
    g_string_append_printf(s, " %s=\"", name);
    add_words(s, bits, most + 1);
    g_string_append_c(s, '"');
}

static void
add_sets(GString *s, const struct machine *m, const struct cpumask *cpus,
         const struct cpumask *complete, nodemask nodes)
{
    add_set(s, "cpuset", cpus);
    add_set(s, "complete_cpuset", complete);
    add_nodeset(s, "nodeset", m, nodes);
    add_nodeset(s, "complete_nodeset", m, nodes);
}

static void
add_node(struct hw_tree *t, GString *s, uint32_t node)
{
    static const char *const subtypes[MEMORY_KIND_NR] = {
        [MEMORY_HBM] = "HBM",
        [MEMORY_CXL] = "CXL-DRAM",
        [MEMORY_PMEM] = "NVM",
        [MEMORY_GPU] = "GPUMemory",
    };
    const struct machine_node *n = &t->m->nodes[node];
    struct cpumask *cpus = cpumask_clone(t->arena, n->cpus);

    cpumask_and(cpus, cpus, t->m->online);
    g_string_append_printf(s, "<object type=\"NUMANode\" os_index=\"%u\"", n->os_index);
    if (subtypes[n->kind] != NULL)
        g_string_append_printf(s, " subtype=\"%s\"", subtypes[n->kind]);
    add_sets(s, t->m, cpus, cpus, NODE_BIT(node));
    g_string_append_printf(s, " gp_index=\"%u\" local_memory=\"%" G_GUINT64_FORMAT "\"/>\n",
                           node + 1, n->mem_bytes);
}

static void
add_cache(const struct machine *m, GString *s, enum hw_type type, bool l2_is_last)
{
    uint64_t size = type == HW_L3   ? m->cache.llc_bytes
                    : type == HW_L1 ? m->cache.l1d_bytes
                    : l2_is_last    ? m->cache.llc_bytes
                                    : m->cache.l2_bytes;

    g_string_append_printf(s,
                           " cache_size=\"%" G_GUINT64_FORMAT "\" depth=\"%d\" "
                           "cache_linesize=\"%u\" cache_associativity=\"0\" cache_type=\"%d\"",
                           size,
                           type == HW_L3   ? 3
                           : type == HW_L2 ? 2
                                           : 1,
                           m->cache.line_bytes, type == HW_L1);
}

static void
add_identity(const struct machine *m, GString *s)
{
    static const char *const vendors[VENDOR_NR] = {
        [VENDOR_INTEL] = "GenuineIntel", [VENDOR_AMD] = "AuthenticAMD"
    };

    if (vendors[m->vendor] != NULL)
        add_info(s, "CPUVendor", vendors[m->vendor]);
    if (m->amd_pre_zen)
        add_info(s, "CPUFamilyNumber", "16"); /* all that we know is that it is below 23 */
    if (m->title != NULL)
        add_info(s, "CPUModel", m->title);
}

static void
add_machine_infos(const struct machine *m, GString *s)
{
    if (m->vendor == VENDOR_ARM)
        add_info(s, "Architecture", "aarch64");
    add_info(s, "Backend", "numasim");
    for (uint32_t i = 0; i < m->nr_notes; i++)
        add_info(s, "numasimNote", m->notes[i]);
}

static void
add_object(struct hw_tree *t, GString *s, const struct hw_object *o, bool l2_is_last)
{
    static const char *const names[] = {
        [HW_MACHINE] = "Machine", [HW_PACKAGE] = "Package", [HW_DIE] = "Die",
        [HW_GROUP] = "Group",     [HW_L3] = "L3Cache",      [HW_CLUSTER] = "Group",
        [HW_L2] = "L2Cache",      [HW_L1] = "L1Cache",      [HW_CORE] = "Core",
        [HW_PU] = "PU",
    };
    const struct cpumask *complete = o->type == HW_MACHINE ? t->m->present : o->cpus;

    g_string_append_printf(s, "<object type=\"%s\"", names[o->type]);
    if (o->number >= 0)
        g_string_append_printf(s, " os_index=\"%d\"", o->number);
    if (o->type == HW_CLUSTER)
        g_string_append(s, " subtype=\"Cluster\"");
    add_sets(s, t->m, o->cpus, complete, o->nodes);
    if (o->type == HW_MACHINE) {
        add_set(s, "allowed_cpuset", o->cpus);
        add_nodeset(s, "allowed_nodeset", t->m, o->nodes);
    }
    g_string_append_printf(s, " gp_index=\"%u\"", t->gp_index++);
    if (o->type == HW_L3 || o->type == HW_L2 || o->type == HW_L1)
        add_cache(t->m, s, o->type, l2_is_last);
    if (o->type == HW_GROUP || o->type == HW_CLUSTER)
        g_string_append_printf(s, " kind=\"%d\" subkind=\"0\"", o->type == HW_CLUSTER ? 101 : 0);
    g_string_append(s, o->children->len == 0 && o->memory == 0 ? "/>\n" : ">\n");
    if (o->children->len == 0 && o->memory == 0)
        return;
    if (o->type == HW_MACHINE)
        add_machine_infos(t->m, s);
    if (o->type == HW_PACKAGE)
        add_identity(t->m, s);
    for_each_node (node, o->memory)
        add_node(t, s, (uint32_t)node);
    for (guint i = 0; i < o->children->len; i++)
        add_object(t, s, o->children->pdata[i], l2_is_last);
    g_string_append(s, "</object>\n");
}

/* libhwloc wants to know the length of each piece of numbers. */
static void
add_values(GString *s, const char *element, const uint64_t *values, guint nr)
{
    for (guint i = 0; i < nr; i += VALUES_A_LINE) {
        g_autoptr(GString) piece = g_string_new(NULL);

        for (guint k = i; k < nr && k < i + VALUES_A_LINE; k++)
            g_string_append_printf(piece, "%" G_GUINT64_FORMAT " ", values[k]);
        g_string_append_printf(s, "<%s length=\"%zu\">%s</%s>\n", element, piece->len, piece->str,
                               element);
    }
}

static void
add_distances(const struct machine *m, GString *s)
{
    g_autofree uint64_t *values = g_new(uint64_t, (gsize)m->nr_nodes * m->nr_nodes);
    uint64_t indexes[NODE_MAX];

    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        if (!m->nodes[i].online)
            return;
        indexes[i] = m->nodes[i].os_index;
    }
    for (uint32_t i = 0; i < m->nr_nodes * m->nr_nodes; i++)
        values[i] = m->distances[i];
    g_string_append_printf(s,
                           "<distances2 type=\"NUMANode\" nbobjs=\"%u\" kind=\"5\" "
                           "name=\"NUMALatency\" indexing=\"os\">\n",
                           m->nr_nodes);
    add_values(s, "indexes", indexes, m->nr_nodes);
    add_values(s, "u64values", values, m->nr_nodes * m->nr_nodes);
    g_string_append(s, "</distances2>\n");
}

static void
add_attribute_value(GString *s, const struct machine *m, uint32_t from, uint32_t to, uint64_t value)
{
    g_string_append_printf(s,
                           "<memattr_value target_obj_type=\"NUMANode\" target_obj_gp_index=\"%u\" "
                           "value=\"%" G_GUINT64_FORMAT "\"",
                           to + 1, value);
    add_set(s, "initiator_cpuset", m->nodes[from].cpus);
    g_string_append(s, "/>\n");
}

/* The first node with CPUs stands for all that cannot be told apart. */
static uint32_t
nearest_with_cpus(const struct machine *m, uint32_t to)
{
    uint32_t best = to;

    for_each_node (from, machine_cpu_nodes(m))
        if (best == to || machine_distance(m, (uint32_t)from, to) < machine_distance(m, best, to))
            best = (uint32_t)from;
    return machine_cpu_nodes(m) & NODE_BIT(to) ? to : best;
}

static bool
all_bandwidths_are_assumed(const struct machine *m)
{
    unsigned nr, of;

    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (sscanf(m->notes[i], "assumed: memory bandwidth of %u of %u nodes", &nr, &of) == 2)
            return nr == of;
    return false;
}

static void
add_attributes(const struct machine *m, GString *s)
{
    if (!all_bandwidths_are_assumed(m)) {
        g_string_append(s, "<memattr name=\"Bandwidth\" flags=\"5\">\n");
        for (uint32_t to = 0; to < m->nr_nodes; to++)
            if (m->nodes[to].bandwidth >> 20 > 0 && m->nodes[to].online)
                add_attribute_value(s, m, nearest_with_cpus(m, to), to,
                                    m->nodes[to].bandwidth >> 20);
        g_string_append(s, "</memattr>\n");
    }
    if (!m->has_latency)
        return;
    g_string_append(s, "<memattr name=\"Latency\" flags=\"6\">\n");
    for (uint32_t to = 0; to < m->nr_nodes; to++)
        for_each_node (from, machine_cpu_nodes(m)) {
            uint32_t ps = machine_latency_ps(m, (uint32_t)from, to);
            if (m->nodes[to].online && ps >= 1000)
                add_attribute_value(s, m, (uint32_t)from, to, (ps + 500) / 1000);
        }
    g_string_append(s, "</memattr>\n");
}

static void
add_kinds(const struct machine *m, GString *s)
{
    struct arena *a = arena_new();
    struct cpumask *left = cpumask_clone(a, m->online), *kind = cpumask_new(a, m->nr_cpus);
    guint nr = 0;

    for (int cpu; (cpu = cpumask_first(left)) >= 0; nr++) {
        uint32_t capacity = m->cpus[cpu].capacity;

        cpumask_zero(kind);
        for_each_cpu (other, left)
            if (m->cpus[other].capacity == capacity)
                cpumask_set(kind, (uint32_t)other);
        if (nr == 0 && cpumask_equal(kind, m->online))
            break;
        g_string_append(s, "<cpukind");
        add_set(s, "cpuset", kind);
        g_string_append_printf(s,
                               " forced_efficiency=\"%u\">\n<info name=\"LinuxCapacity\" "
                               "value=\"%u\"/>\n</cpukind>\n",
                               capacity, capacity);
        cpumask_andnot(left, left, kind);
    }
    arena_free(a);
}

void
topo_hwloc_xml(const struct machine *m, GString *out)
{
    struct hw_tree t;
    bool has_l3 = false;

    hw_tree_build(&t, m);
    t.gp_index = NODE_MAX + 1; /* nodes have the first */
    for (guint i = 0; i < t.objects->len; i++)
        has_l3 |= ((const struct hw_object *)t.objects->pdata[i])->type == HW_L3;
    g_string_append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
                         "<topology version=\"2.0\">\n");
    add_object(&t, out, t.objects->pdata[0], !has_l3);
    add_distances(m, out);
    g_string_append(out, "<support name=\"discovery.pu\"/>\n<support name=\"discovery.numa\"/>\n"
                         "<support name=\"custom.exported_support\"/>\n");
    add_attributes(m, out);
    add_kinds(m, out);
    g_string_append(out, "</topology>\n");
    hw_tree_clear(&t);
}

/*
 * In the sandbox: what hwloc can measure or was told, apart from the tree. Speeds of the kinds of
 * CPUs, distances between nodes, and memory attributes, each of which a file may leave out.
 */
#include "config/import_hwloc_child.h"

const char *
describe_capacities(struct hwloc_describer *c, gint64 *capacity)
{
    static const char *const measures[] = { "LinuxCapacity", "FrequencyMaxMHz" };
    int nr = hwloc_cpukinds_get_nr(c->t, 0);

    for (gsize k = 0; k < ARRAY_LEN(measures) && nr > 1; k++) {
        int nr_told = 0;

        for (int kind = 0; kind < nr; kind++) {
            hwloc_bitmap_t set = hwloc_bitmap_alloc();
            struct hwloc_info_s *infos;
            unsigned nr_infos, cpu;

            if (hwloc_cpukinds_get_info(c->t, (unsigned)kind, set, NULL, &nr_infos, &infos, 0) == 0)
                for (unsigned i = 0; i < nr_infos; i++) {
                    gint64 value = g_ascii_strtoll(infos[i].value, NULL, 10);

                    if (!g_str_equal(infos[i].name, measures[k]) || value <= 0)
                        continue;
                    nr_told++;
                    hwloc_bitmap_foreach_begin(cpu, set) if (cpu < CPU_MAX) capacity[cpu] = value;
                    hwloc_bitmap_foreach_end();
                    break;
                }
            hwloc_bitmap_free(set);
        }
        if (nr_told == nr)
            return measures[k];
        memset(capacity, 0, sizeof(*capacity) * CPU_MAX);
    }
    return nr > 1 ? "unknown" : NULL;
}

static int
node_number(const struct hwloc_describer *c, hwloc_obj_t node)
{
    for (guint i = 0; i < c->nr_nodes; i++)
        if (c->nodes[i] == node)
            return (int)i;
    return -1;
}

static bool
put_matrix(struct hwloc_describer *c, struct hwloc_distances_s *d)
{
    int column[NODE_MAX];

    if (d->nbobjs != c->nr_nodes)
        return false;
    for (guint i = 0; i < c->nr_nodes; i++)
        column[i] = -1;
    for (guint i = 0; i < d->nbobjs; i++) {
        int k = d->objs[i] != NULL ? node_number(c, d->objs[i]) : -1;

        if (k >= 0)
            column[k] = (int)i;
    }
    for (guint i = 0; i < c->nr_nodes; i++)
        if (column[i] < 0)
            return false;
    for (guint i = 0; i < c->nr_nodes; i++) {
        g_string_append(c->out, "row");
        for (guint j = 0; j < c->nr_nodes; j++)
            g_string_append_printf(
                c->out, " %" G_GUINT64_FORMAT,
                (guint64)d->values[(guint)column[i] * d->nbobjs + (guint)column[j]]);
        g_string_append_c(c->out, '\n');
    }
    return true;
}

void
describe_distances(struct hwloc_describer *c)
{
    struct hwloc_distances_s *d[16];
    unsigned nr = ARRAY_LEN(d);

    if (hwloc_distances_get_by_name(c->t, "NUMALatency", &nr, d, 0) != 0 || nr == 0) {
        nr = ARRAY_LEN(d);
        if (hwloc_distances_get_by_type(
                c->t, HWLOC_OBJ_NUMANODE, &nr, d,
                HWLOC_DISTANCES_KIND_FROM_OS | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) != 0)
            return;
    }
    nr = SIM_MIN(nr, (unsigned)ARRAY_LEN(d));
    bool found = false;
    for (unsigned i = 0; i < nr && !found; i++)
        found = put_matrix(c, d[i]);
    if (nr > 0 && !found)
        g_string_append(c->out, "note the distances do not cover all nodes and are left out\n");
}

/* From the CPUs of a node: an initiator counts for a node if it holds all CPUs of it. */
static void
put_attribute_of(struct hwloc_describer *c, const char *key, hwloc_memattr_id_t id, guint to)
{
    struct hwloc_location from[NODE_MAX];
    hwloc_uint64_t values[NODE_MAX];
    unsigned nr = NODE_MAX;

    if (hwloc_memattr_get_initiators(c->t, id, c->nodes[to], 0, &nr, from, values) != 0)
        return;
    for (unsigned i = 0; i < SIM_MIN(nr, (unsigned)NODE_MAX); i++) {
        hwloc_const_cpuset_t set = from[i].type == HWLOC_LOCATION_TYPE_CPUSET
                                       ? from[i].location.cpuset
                                       : from[i].location.object->cpuset;

        for (guint node = 0; node < c->nr_nodes && set != NULL; node++) {
            guint nr_cpus = 0, nr_in = 0;

            for (guint cpu = 0; cpu < CPU_MAX; cpu++)
                if (c->pus[cpu] != NULL && c->cpu_node[cpu] == (int32_t)node) {
                    nr_cpus++;
                    nr_in += hwloc_bitmap_isset(set, cpu) != 0;
                }
            if (nr_cpus > 0 && nr_in == nr_cpus && values[i] > 0)
                g_string_append_printf(c->out, "%s %u %u %" G_GUINT64_FORMAT "\n", key, node, to,
                                       (guint64)values[i]);
        }
    }
}

void
describe_attributes(struct hwloc_describer *c)
{
    static const struct {
        const char *key, *names[2]; /* a later one overwrites */
    } wanted[] = { { "latency", { "Latency", "ReadLatency" } },
                   { "bandwidth", { "Bandwidth", "ReadBandwidth" } } };
    hwloc_memattr_id_t id;

    for (gsize k = 0; k < ARRAY_LEN(wanted); k++)
        for (gsize i = 0; i < ARRAY_LEN(wanted[k].names); i++)
            for (guint to = 0; to < c->nr_nodes; to++)
                if (hwloc_memattr_get_by_name(c->t, wanted[k].names[i], &id) == 0)
                    put_attribute_of(c, wanted[k].key, id, to);
}

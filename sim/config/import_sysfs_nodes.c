/*
 * sys/devices/system/node: memory, distances, and what firmware measured.
 *
 * A row of `distance` has a number for each node that is online, in ascending order; which nodes
 * those are, only node/online or the folders tell. HMAT gives latency and bandwidth from the
 * nearest initiators only (access0: of any kind, access1: CPUs), so most pairs stay open.
 *
 * What kind of memory a node has, the kernel says only through the DAX device that it was made
 * from: below an NVDIMM bus it is persistent, below a CXL bus CXL. "hmem" is memory that firmware
 * set aside for a purpose it does not tell: HBM if it is faster than the first node, else CXL.
 */
#include "config/import_sysfs.h"

enum { NODE_NUMBER_END = 1024, ACCESS_CLASSES = 2 };

static bool
refuse(const struct sysfs *y, const char *what)
{
    diag_error(y->diag, y->file, 0, 0, NULL, "%s", what);
    return false;
}

/* The numbers of the nodes, ascending; the count, or -1 after a message. */
static int
find_nodes(const struct sysfs *y, guint *numbers)
{
    g_autofree char *text = snapshot_read(y->snapshot, SYSFS_NODE "online");
    struct cpumask *online = cpumask_new(y->scratch, NODE_NUMBER_END);
    int nr = 0;

    if (text == NULL || !sysfs_parse_list(online, text)) {
        cpumask_zero(online);
        for (guint node = 0; node < NODE_NUMBER_END; node++)
            if (snapshot_has(y->snapshot, SYSFS_NODE "node%u", node))
                cpumask_set(online, node);
    }
    for_each_cpu (node, online) {
        if (!snapshot_has(y->snapshot, SYSFS_NODE "node%d", node))
            continue;
        if (nr == NODE_MAX)
            return refuse(y, "more than 64 NUMA nodes; expected at most that many"), -1;
        numbers[nr++] = (guint)node;
    }
    return nr;
}

/* "Node 0 MemTotal:       1030480 kB", or the same without the node in /proc/meminfo. */
static gint64
memory_bytes(const char *text)
{
    const char *at = text == NULL ? NULL : strstr(text, "MemTotal:");

    if (at == NULL)
        return 0;
    guint64 kib = g_ascii_strtoull(at + strlen("MemTotal:"), NULL, 10);
    return kib > (guint64)1 << 45 ? 0 : (gint64)(kib << 10);
}

static void
assign_cpus(const struct sysfs *y, guint node, const struct cpumask *cpus)
{
    if (cpus == NULL)
        return;
    for_each_cpu (cpu, cpus)
        if (cpumask_test(y->present, (uint32_t)cpu) &&
            y->h->cpus[y->index[cpu]].node == MACHINE_NONE)
            y->h->cpus[y->index[cpu]].node = (int32_t)node;
}

static void
read_node(const struct sysfs *y, guint i, guint number)
{
    g_autofree char *folder = g_strdup_printf(SYSFS_NODE "node%u", number);
    g_autofree char *meminfo = snapshot_read(y->snapshot, "%s/meminfo", folder);

    y->h->nodes[i] = (struct described_node){
        .os_index = (int32_t)number,
        .allowed = 1,
        .kind = MEMORY_DRAM,
        .package = MACHINE_NONE,
        .mem_bytes = memory_bytes(meminfo),
    };
    assign_cpus(y, i, sysfs_set(y, folder, "cpumap", "cpulist"));
}

/* Without a node folder the machine is one node. */
static void
make_one_node(const struct sysfs *y)
{
    g_autofree char *meminfo = snapshot_read(y->snapshot, "proc/meminfo");

    description_set_nodes(y->h, 1, y->arena);
    y->h->nodes[0] = (struct described_node){ .allowed = 1,
                                              .package = MACHINE_NONE,
                                              .mem_bytes = memory_bytes(meminfo) };
    description_note(y->h, y->arena, "one node: /sys tells of none");
}

/* The numbers of one row; false if they are not one a node. */
static bool
read_row(const struct sysfs *y, guint i)
{
    struct description *h = y->h;
    g_autofree char *text =
        snapshot_read(y->snapshot, SYSFS_NODE "node%d/distance", h->nodes[i].os_index);
    g_auto(GStrv) words = g_strsplit_set(text != NULL ? text : "", " \t", NODE_MAX * 4);
    guint nr = 0;

    for (char **w = words; *w != NULL; w++) {
        guint64 value;

        if (**w == '\0')
            continue;
        if (nr == h->nr_nodes || !g_ascii_string_to_unsigned(*w, 10, 0, 1 << 20, &value, NULL))
            return false;
        h->matrix[i * h->nr_nodes + nr++] = (gint64)value;
    }
    return nr == h->nr_nodes;
}

/* All rows, or no matrix at all. */
static void
read_distances(const struct sysfs *y)
{
    struct description *h = y->h;

    if (!snapshot_has(y->snapshot, SYSFS_NODE "node%d/distance", h->nodes[0].os_index))
        return;
    h->has_matrix = true;
    for (guint i = 0; i < h->nr_nodes && h->has_matrix; i++) {
        h->has_matrix = read_row(y, i);
        if (!h->has_matrix)
            description_note(h, y->arena,
                             "the distances are left out: the row of node %d is not one number "
                             "for each node",
                             h->nodes[i].os_index);
    }
}

/* Values of a class of initiators, for those that have CPUs; what is known is not overwritten. */
static void
read_access(const struct sysfs *y, guint to, int access)
{
    struct description *h = y->h;
    g_autofree char *folder =
        g_strdup_printf(SYSFS_NODE "node%d/access%d/initiators", h->nodes[to].os_index, access);
    gint64 ns = snapshot_number(y->snapshot, 0, "%s/read_latency", folder);
    gint64 mib = snapshot_number(y->snapshot, 0, "%s/read_bandwidth", folder);

    for (guint from = 0; from < h->nr_nodes; from++) {
        guint at = from * h->nr_nodes + to;

        if (!snapshot_has(y->snapshot, "%s/node%d", folder, h->nodes[from].os_index))
            continue;
        if (h->latency_ns[at] == 0 && ns > 0 && ns < 1 << 30)
            h->latency_ns[at] = ns;
        if (h->bandwidth[at] == 0 && mib > 0 && mib < 1 << 30)
            h->bandwidth[at] = mib;
    }
}

static gint64
best_bandwidth(const struct description *h, guint to)
{
    gint64 most = 0;

    for (guint from = 0; from < h->nr_nodes; from++)
        most = SIM_MAX(most, h->bandwidth[from * h->nr_nodes + to]);
    return most;
}

static enum memory_kind
kind_by_path(const struct description *h, const char *path, guint node)
{
    if (strstr(path, "/ndbus") != NULL)
        return MEMORY_PMEM;
    return strstr(path, "/hmem") != NULL && best_bandwidth(h, node) > best_bandwidth(h, 0)
               ? MEMORY_HBM
               : MEMORY_CXL;
}

static void
read_kinds(const struct sysfs *y)
{
    g_autoptr(GPtrArray) paths = snapshot_dax_devices(y->snapshot);
    struct description *h = y->h;

    for (guint k = 0; k < paths->len; k++) {
        const char *path = g_ptr_array_index(paths, k);
        gint64 number = snapshot_number(y->snapshot, -1, "%s", path);

        for (guint i = 1; i < h->nr_nodes; i++) {
            if (h->nodes[i].os_index != number || h->nodes[i].kind != MEMORY_DRAM)
                continue;
            h->nodes[i].kind = kind_by_path(h, path, i);
            description_note(h, y->arena, "node %d: %s, by the DAX device it was made from",
                             h->nodes[i].os_index, memory_kind_names[h->nodes[i].kind]);
        }
    }
}

static void
note_side_caches(const struct sysfs *y)
{
    for (guint i = 0; i < y->h->nr_nodes; i++)
        if (snapshot_has(y->snapshot, SYSFS_NODE "node%d/memory_side_cache/index1",
                         y->h->nodes[i].os_index)) {
            description_note(y->h, y->arena, "memory-side caches are left out");
            return;
        }
}

/* A CPU that the kernel has forgotten is where the CPU before it is. */
static void
follow(struct described_cpu *c, const struct described_cpu *before)
{
    c->node = before->node;
    if (c->package == MACHINE_NONE) {
        c->package = before->package;
        c->die = before->die;
    }
}

/* A link that outlives being offline, else the place of the CPU before. */
static void
place_the_rest(const struct sysfs *y)
{
    struct described_cpu nowhere = { .package = MACHINE_NONE, .die = MACHINE_NONE };
    const struct described_cpu *before = &nowhere;
    guint nr = 0;

    for (guint i = 0; i < y->h->nr_cpus; i++, before = &y->h->cpus[i - 1]) {
        struct described_cpu *c = &y->h->cpus[i];

        for (guint n = 0; n < y->h->nr_nodes && c->node == MACHINE_NONE; n++)
            if (snapshot_has(y->snapshot, SYSFS_NODE "node%d/cpu%d", y->h->nodes[n].os_index,
                             c->os_index))
                c->node = (int32_t)n;
        if (c->node == MACHINE_NONE) {
            nr += y->h->nr_nodes > 1 || c->offline;
            follow(c, before);
        }
    }
    if (nr > 0)
        description_note(y->h, y->arena,
                         "assumed: %u CPUs that /sys puts nowhere are where the CPU before is", nr);
}

/* For assumed distances: the package that holds all CPUs of the node. */
static void
find_packages(const struct sysfs *y)
{
    for (guint i = 0; i < y->h->nr_cpus; i++) {
        const struct described_cpu *c = &y->h->cpus[i];
        int32_t *package = &y->h->nodes[c->node].package;

        if (*package == MACHINE_NONE)
            *package = c->package;
    }
}

bool
sysfs_read_nodes(struct sysfs *y)
{
    guint numbers[NODE_MAX];
    int nr = find_nodes(y, numbers);

    if (nr < 0)
        return false;
    if (nr == 0)
        make_one_node(y);
    else
        description_set_nodes(y->h, (guint)nr, y->arena);
    for (int i = 0; i < nr; i++)
        read_node(y, (guint)i, numbers[i]);
    place_the_rest(y);
    find_packages(y);
    read_distances(y);
    for (guint i = 0; i < y->h->nr_nodes; i++)
        for (int access = 0; access < ACCESS_CLASSES; access++)
            read_access(y, i, access);
    read_kinds(y);
    note_side_caches(y);
    return true;
}

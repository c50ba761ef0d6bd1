/* layer: config */
/*
 * Snapshots of /proc and /sys. What is expected comes from two other programs that read the same
 * snapshots: lstopo (the text beside them) and lscpu (corpus/lscpu).
 */
#include "import_sysfs_kit.h"

#define CORPUS SHARED_DIR "/corpus/"

static const char *const types[TYPES] = { "Package", "L3Cache", "L2", "Core" };

struct tree {
    guint nr_pus, nr_things, nr_missing;
    int cpu[CPU_MAX], thing[CPU_MAX][TYPES]; /* 0: none */
    int node_by_logical[NODE_MAX];
    guint nr_nodes;
    guint64 node_kib[NODE_MAX];
};

/* "  L3Cache L#0 (...)": which of the four it is, or -1. Caches of instructions and of memory are
 * none of a CPU's. */
static int
type_of(const char *line)
{
    for (int t = 0; t < TYPES; t++)
        if (g_str_has_prefix(line, types[t]))
            return strstr(line, "MemorySide") != NULL || g_str_has_prefix(line, "L2i") ? -1 : t;
    return -1;
}

static void
add_pu(struct tree *t, const char *line, int stack[DEPTH_MOST][TYPES], int depth)
{
    const char *number = strstr(line, "P#");

    assert_non_null(number);
    t->cpu[t->nr_pus] = atoi(number + 2);
    for (int k = 0; k < TYPES; k++)
        for (int up = 0; up <= depth; up++)
            if (stack[up][k] != 0)
                t->thing[t->nr_pus][k] = stack[up][k];
    t->nr_pus++;
}

static void
add_node(struct tree *t, const char *line)
{
    const char *number = strstr(line, "P#"), *local = strstr(line, "local=");

    t->node_by_logical[t->nr_nodes] = atoi(number + 2);
    t->node_kib[t->nr_nodes] = local != NULL ? g_ascii_strtoull(local + 6, NULL, 10) : 0;
    t->nr_nodes++;
}

static void
read_tree(struct tree *t, char **lines)
{
    int stack[DEPTH_MOST][TYPES] = { { 0 } };

    for (; *lines != NULL && !g_str_has_prefix(*lines, "depth 0:"); lines++) {
        int depth = (int)strspn(*lines, " ") / 2;
        const char *line = *lines + strspn(*lines, " ");
        int type = type_of(line);

        assert_true(depth < DEPTH_MOST);
        for (int d = depth; d < DEPTH_MOST; d++)
            memset(stack[d], 0, sizeof(stack[d]));
        if (type >= 0)
            stack[depth][type] = (int)++t->nr_things;
        if (g_str_has_prefix(line, "PU "))
            add_pu(t, line, stack, depth);
        if (g_str_has_prefix(line, "NUMANode"))
            add_node(t, line);
    }
    for (; *lines != NULL; lines++)
        if (strstr(*lines, "processors not represented") != NULL)
            t->nr_missing = (guint)atoi(*lines);
}

/* The same CPUs are together in the tree and in the machine. */
static void
check_together(const struct tree *t, const struct machine *m, int type, size_t offset)
{
    for (guint i = 0; i < t->nr_pus; i++)
        for (guint j = 0; j < t->nr_pus; j++) {
            int a = t->thing[i][type], b = t->thing[j][type];
            int32_t x = cpu_field(m, t->cpu[i], offset), y = cpu_field(m, t->cpu[j], offset);

            if (a == 0 || b == 0)
                continue;
            if ((a == b) != (x == y && x >= 0))
                fail_msg("%s: CPUs %d and %d are %stogether, but we say %d and %d", types[type],
                         t->cpu[i], t->cpu[j], a == b ? "" : "not ", x, y);
        }
}

static bool
has_type(const struct tree *t, int type)
{
    for (guint i = 0; i < t->nr_pus; i++)
        if (t->thing[i][type] != 0)
            return true;
    return false;
}

static void
check_nodes(const struct tree *t, const struct machine *m)
{
    for (guint i = 0; i < t->nr_nodes; i++) {
        int node = machine_node_by_os(m, (uint32_t)t->node_by_logical[i]);

        assert_true(node >= 0);
        if (t->node_kib[i] > 0)
            assert_int_equal(m->nodes[node].mem_bytes, KIB(t->node_kib[i]));
    }
}

/* " index  0  1" and then rows of "  0  10  20", by logical numbers. */
static guint
check_matrix(const struct tree *t, const struct machine *m, char **lines)
{
    int column[NODE_MAX], nr_columns = 0, at, used;
    guint nr = 0;

    while (*lines != NULL && strstr(*lines, "latency matrix") == NULL)
        lines++;
    if (*lines == NULL)
        return 0;
    assert_true(g_str_has_prefix(*++lines, " index"));
    for (const char *c = *lines + 6; sscanf(c, "%d%n", &at, &used) == 1; c += used)
        column[nr_columns++] = machine_node_by_os(m, (uint32_t)t->node_by_logical[at]);
    for (int row = 0; row < nr_columns; row++) {
        const char *c = *++lines;

        assert_int_equal(sscanf(c, "%d%n", &at, &used), 1);
        for (int k = 0; k < nr_columns; k++, nr++) {
            c += used;
            assert_int_equal(sscanf(c, "%d%n", &at, &used), 1);
            assert_int_equal(machine_distance(m, (uint32_t)column[row], (uint32_t)column[k]), at);
        }
    }
    return nr;
}

/* "  NUMANode L#5 = 10000 from cpuset" below "name `Bandwidth'" */
static void
check_bandwidth(const struct tree *t, const struct machine *m, char **lines)
{
    int logical, mib;

    while (*lines != NULL && strstr(*lines, "name `Bandwidth'") == NULL)
        lines++;
    while (*lines != NULL &&
           sscanf(*++lines, " NUMANode L#%d = %d from cpuset", &logical, &mib) == 2)
        assert_int_equal(
            m->nodes[machine_node_by_os(m, (uint32_t)t->node_by_logical[logical])].bandwidth,
            MIB(mib));
}

static void
check_against_lstopo(const char *lstopo, const struct machine *m, guint *nr_distances)
{
    g_auto(GStrv) lines = g_strsplit(lstopo, "\n", -1);
    g_autofree struct tree *t = g_new0(struct tree, 1);
    guint nr_offline = cpumask_weight(m->present) - cpumask_weight(m->online);

    read_tree(t, lines);
    for (guint i = 0; i < t->nr_pus; i++)
        assert_true(cpumask_test(m->online, (uint32_t)t->cpu[i]));
    assert_int_equal(cpumask_weight(m->present), t->nr_pus + t->nr_missing);
    assert_true(nr_offline <= t->nr_missing);
    check_together(t, m, 0, offsetof(struct machine_cpu, package));
    check_together(t, m, 3, offsetof(struct machine_cpu, core));
    check_together(t, m, 2, offsetof(struct machine_cpu, l2));
    if (has_type(t, 1) || has_type(t, 2))
        check_together(t, m, has_type(t, 1) ? 1 : 2, offsetof(struct machine_cpu, llc));
    check_nodes(t, m);
    check_bandwidth(t, m, lines);
    *nr_distances += check_matrix(t, m, lines);
}

static void
every_snapshot_has_the_tree_that_lstopo_prints(void **state)
{
    g_autoptr(GDir) dir = g_dir_open(CORPUS "sysfs", 0, NULL);
    guint imported = 0, refused = 0, compared = 0, nr_distances = 0;

    if (dir == NULL) {
        print_message("no corpus beside the checkout: skipped\n");
        skip();
    }
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_strconcat(CORPUS "sysfs/", name, NULL), *lstopo = NULL;

        if (strstr(name, ".tar.") == NULL)
            continue;
        struct loaded l = load(path);
        imported += l.m != NULL;
        refused += l.m == NULL;
        strcpy(strstr(path, ".tar."), ".lstopo");
        g_autofree char *beside = g_strconcat(path, ".txt", NULL);
        if (l.m != NULL && g_file_get_contents(beside, &lstopo, NULL, NULL)) {
            print_message("%s\n", name);
            check_against_lstopo(lstopo, l.m, &nr_distances);
            compared++;
        }
        unload(&l);
    }
    print_message("corpus/sysfs: %u imported, %u refused, 0 crashed; %u as lstopo says, with %u "
                  "distances\n",
                  imported, refused, compared, nr_distances);
    assert_int_equal(imported, 40);
    assert_int_equal(refused, 0);
    assert_int_equal(compared, 28);
}

/* ---- lscpu on the same snapshots ---- */

static void
check_against_lscpu(const char *snapshot, const char *listing, const char *name)
{
    struct loaded a = load(snapshot), b = load(listing);

    print_message("%s\n", name);
    assert_non_null(a.m);
    assert_non_null(b.m);
    assert_true(cpumask_subset(b.m->online, a.m->online) || a.m->nr_cpus != b.m->nr_cpus);
    assert_int_equal(cpumask_weight(a.m->online), cpumask_weight(b.m->online));
    /* lscpu takes Bulldozer's pairs of cores for threads, hwloc does not, nor do we */
    if (strstr(name, "64amd64") == NULL && !noted(b.m, "is a core of its own"))
        assert_same_partition(b.m->online, a.m, b.m, core);
    assert_same_partition(b.m->online, a.m, b.m, node);
    assert_same_partition(b.m->online, a.m, b.m, l2);
    if (strstr(name, "40intel64") == NULL) { /* its maps are damaged: lscpu counts five sockets */
        assert_same_partition(b.m->online, a.m, b.m, package);
        assert_same_partition(b.m->online, a.m, b.m, llc);
    }
    unload(&a);
    unload(&b);
}

static void
snapshots_and_lscpu_on_them_agree(void **state)
{
    static const char *const ends[] = { ".lscpu-p.txt", ".expected.txt" };
    g_autoptr(GDir) dir = g_dir_open(CORPUS "lscpu", 0, NULL);
    guint nr = 0;

    if (dir == NULL)
        skip();
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
        for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
            if (!g_str_has_suffix(name, ends[i]))
                continue;
            g_autofree char *listing = g_strconcat(CORPUS "lscpu/", name, NULL);
            g_autofree char *snapshot =
                g_strdup_printf(CORPUS "sysfs/%.*s.tar.%s", (int)(strlen(name) - strlen(ends[i])),
                                name, i == 0 ? "bz2" : "gz");
            check_against_lscpu(snapshot, listing, name);
            nr++;
        }
    assert_int_equal(nr, 18);
}

static void
odd_parts_are_read_as_the_kernel_means_them(void **state)
{
    g_auto(GStrv) files = sample_files();
    struct loaded l;

    assert_non_null(import_files(files, &l));
    check_sample(l.m);
    unload(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_snapshot_has_the_tree_that_lstopo_prints),
        cmocka_unit_test(snapshots_and_lscpu_on_them_agree),
        cmocka_unit_test(odd_parts_are_read_as_the_kernel_means_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

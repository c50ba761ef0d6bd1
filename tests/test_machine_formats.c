/* layer: config */
/*
 * All that the corpus has of machines: each file becomes a machine or a message, and one machine
 * described by many tools becomes one machine, up to what each tool can say.
 */
#include "config/load.h"
#include "machine_compare.h"

#include <glib/gstdio.h>
#include <stdlib.h>

#define CORPUS SHARED_DIR "/corpus/"

struct loaded {
    struct arena *arena;
    struct diag diag;
    struct machine *m;
};

static struct loaded
load(const char *spec)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = load_machine(spec, l.arena, &l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
    return l;
}

static void
unload(struct loaded *l)
{
    arena_free(l->arena);
    diag_clear(&l->diag);
}

/* ---- every file ---- */

struct counts {
    guint imported, refused;
};

static void
count_file(const char *path, struct counts *c)
{
    struct loaded l = load(path);
    g_autofree char *why = diag_text(&l.diag);

    if (l.m == NULL) {
        assert_true(strlen(why) > 0);
        print_message("refused: %s", why);
    }
    c->imported += l.m != NULL;
    c->refused += l.m == NULL;
    unload(&l);
}

static bool
is_machine_file(const char *name)
{
    static const char *const others[] = { ".lstopo.txt", ".options", ".env", NULL };

    for (gsize i = 0; others[i] != NULL; i++)
        if (g_str_has_suffix(name, others[i]))
            return false;
    return true;
}

static void
every_file_of_the_corpus_is_imported_or_refused_with_a_reason(void **state)
{
    static const struct {
        const char *folder;
        guint imported, refused;
    } folders[] = { { "hwloc-xml", 24, 0 },
                    { "hwloc-newer", 10, 0 },
                    { "sysfs", 40, 0 },
                    { "lscpu", 42, 0 },
                    { "numactl", 12, 0 } };

    for (gsize i = 0; i < ARRAY_LEN(folders); i++) {
        g_autofree char *folder = g_strconcat(CORPUS, folders[i].folder, NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        struct counts c = { 0 };

        if (dir == NULL) {
            print_message("no corpus beside the checkout: skipped\n");
            skip();
        }
        for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
            g_autofree char *path = g_build_filename(folder, name, NULL);
            if (is_machine_file(name))
                count_file(path, &c);
        }
        print_message("corpus/%s: %u imported, %u refused, 0 crashed\n", folders[i].folder,
                      c.imported, c.refused);
        assert_int_equal(c.imported, folders[i].imported);
        assert_int_equal(c.refused, folders[i].refused);
    }
}

/* ---- one machine, many formats ---- */

enum can_say {
    SAYS_CPUS = 1,   /* cores, packages, nodes of CPUs */
    SAYS_LLCS = 2,   /* which CPUs share a last-level cache */
    SAYS_NODES = 4,  /* nodes without CPUs too */
    SAYS_MEMORY = 8, /* in bytes */
    SAYS_MIB = 16,   /* in MiB */
    SAYS_DISTANCES = 32,
    SAYS_LATENCY = 64, /* and bandwidth, where the machine has HMAT */
    SAYS_SIZES = 128,  /* of caches */
    SAYS_VENDOR = 256,
};

static const struct {
    const char *file;
    unsigned says;
} formats[] = {
    { "sysfs-snapshot.tar.bz2", 511 & ~SAYS_MIB },
    { "hwloc.xml", 511 & ~SAYS_MIB },
    { "numactl-hardware.txt", SAYS_NODES | SAYS_MIB | SAYS_DISTANCES },
    { "lscpu-p.txt", SAYS_CPUS | SAYS_LLCS },
    { "lscpu-e.txt", SAYS_CPUS | SAYS_LLCS },
    { "lscpu.json", SAYS_CPUS | SAYS_NODES | SAYS_SIZES | SAYS_VENDOR },
    { "lscpu.txt", SAYS_CPUS | SAYS_NODES | SAYS_SIZES | SAYS_VENDOR },
    { "hwloc-synthetic.txt", SAYS_CPUS | SAYS_LLCS | SAYS_NODES | SAYS_SIZES },
};

static void
compare_nodes(const struct machine *a, const struct machine *b, unsigned says)
{
    assert_int_equal(a->nr_nodes, b->nr_nodes);
    for (uint32_t i = 0; i < a->nr_nodes; i++) {
        assert_int_equal(a->nodes[i].os_index, b->nodes[i].os_index);
        assert_true(cpumask_equal(a->nodes[i].cpus, b->nodes[i].cpus));
        if (says & SAYS_MEMORY)
            assert_int_equal(a->nodes[i].mem_bytes, b->nodes[i].mem_bytes);
        if (says & SAYS_MIB)
            assert_int_equal(a->nodes[i].mem_bytes >> 20, b->nodes[i].mem_bytes >> 20);
        if (says & SAYS_LATENCY)
            assert_int_equal(a->nodes[i].bandwidth, b->nodes[i].bandwidth);
        for (uint32_t j = 0; j < a->nr_nodes; j++) {
            if (says & SAYS_DISTANCES)
                assert_int_equal(machine_distance(a, i, j), machine_distance(b, i, j));
            if (says & SAYS_LATENCY)
                assert_int_equal(machine_latency_ps(a, i, j), machine_latency_ps(b, i, j));
        }
    }
}

static void
compare_machines(const struct machine *a, const struct machine *b, unsigned says)
{
    assert_true(cpumask_equal(a->online, b->online));
    assert_same_partition(a->online, a, b, node);
    if (says & SAYS_CPUS) {
        assert_same_partition(a->online, a, b, core);
        assert_same_partition(a->online, a, b, package);
        assert_int_equal(a->nr_cores, b->nr_cores);
    }
    if (says & SAYS_LLCS)
        assert_same_partition(a->online, a, b, llc);
    if (says & SAYS_NODES)
        compare_nodes(a, b, says);
    if (says & SAYS_SIZES) {
        assert_int_equal(a->cache.l1d_bytes, b->cache.l1d_bytes);
        assert_int_equal(a->cache.l2_bytes, b->cache.l2_bytes);
        assert_int_equal(a->cache.llc_bytes, b->cache.llc_bytes);
    }
    if (says & SAYS_VENDOR) {
        assert_int_equal(a->vendor, b->vendor);
        assert_int_equal(a->amd_pre_zen, b->amd_pre_zen);
    }
}

static void
compare_format(const char *folder, gsize format, const struct machine *truth)
{
    g_autofree char *path = g_build_filename(folder, formats[format].file, NULL);

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return; /* hwloc has no synthetic string for a machine that is not regular */
    struct loaded l = load(path);
    print_message("  %s\n", path + strlen(CORPUS));
    assert_non_null(l.m);
    compare_machines(truth, l.m, formats[format].says);
    unload(&l);
}

static void
one_machine_is_the_same_from_every_format(void **state)
{
    static const char *const names[] = { "hmat3", "ring4", "mesh8" };

    for (gsize i = 0; i < ARRAY_LEN(names); i++) {
        g_autofree char *folder = g_strconcat(CORPUS "numa-guest/", names[i], "/machine", NULL);
        g_autofree char *path = g_build_filename(folder, formats[0].file, NULL);

        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            skip();
        struct loaded truth = load(path);
        assert_non_null(truth.m);
        for (gsize k = 0; k < ARRAY_LEN(formats); k++)
            compare_format(folder, k, truth.m);
        unload(&truth);
    }
}

/* The snapshot and the XML were taken of the same machines. */
static void
newer_machines_are_the_same_from_their_snapshot_and_their_xml(void **state)
{
    static const char *const names[] = { "memorysidecaches", "nvidia-dgx-gb10" };

    for (gsize i = 0; i < ARRAY_LEN(names); i++) {
        g_autofree char *tar = g_strconcat(CORPUS "hwloc-newer/", names[i], ".tar.bz2", NULL);
        g_autofree char *xml = g_strconcat(CORPUS "hwloc-newer/", names[i], ".xml", NULL);

        if (!g_file_test(tar, G_FILE_TEST_EXISTS))
            skip();
        struct loaded a = load(tar), b = load(xml);
        compare_machines(a.m, b.m, 511 & ~SAYS_SIZES); /* the XML leaves out L1 */
        for_each_cpu (cpu, a.m->online) /* hwloc gives one number to CPUs of a kind */
            assert_true(abs((int)a.m->cpus[cpu].capacity - (int)b.m->cpus[cpu].capacity) <= 30);
        unload(&a);
        unload(&b);
    }
}

/* lscpu and numactl in one file are one description. */
static void
lscpu_and_numactl_together_say_what_both_know(void **state)
{
    const char *folder = CORPUS "numa-guest/hmat3/machine/";
    g_autofree char *dir = g_dir_make_tmp("numasim-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "both.txt", NULL);
    g_autofree char *a = g_strconcat(folder, "lscpu-p.txt", NULL), *lscpu = NULL;
    g_autofree char *b = g_strconcat(folder, "numactl-hardware.txt", NULL), *numactl = NULL;
    g_autofree char *snapshot = g_strconcat(folder, "sysfs-snapshot.tar.bz2", NULL);

    if (!g_file_get_contents(a, &lscpu, NULL, NULL))
        skip();
    assert_true(g_file_get_contents(b, &numactl, NULL, NULL));
    for (int order = 0; order < 2; order++) {
        g_autofree char *both = g_strconcat(order ? numactl : lscpu, order ? lscpu : numactl, NULL);
        assert_true(g_file_set_contents(path, both, -1, NULL));
        struct loaded l = load(path), truth = load(snapshot);
        assert_non_null(l.m);
        compare_machines(truth.m, l.m,
                         SAYS_CPUS | SAYS_LLCS | SAYS_NODES | SAYS_MIB | SAYS_DISTANCES);
        unload(&l);
        unload(&truth);
    }
    g_unlink(path);
    g_rmdir(dir);
}

/* Whatever stands in its comments. */
static void
what_import_writes_is_loaded_as_the_same_machine(void **state)
{
    static const char *const files[] = { "numactl/xeon-cascadelake-4s-snc2-8node-224cpu.txt",
                                         "lscpu/128arm-2pa2n8cluster4co.lscpu.json",
                                         "sysfs/16em64t-4s2c2t-offlines.tar.bz2",
                                         "hwloc-newer/nvidia-dgx-gb10.xml" };
    g_autofree char *dir = g_dir_make_tmp("numasim-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "box.yaml", NULL);

    for (gsize i = 0; i < ARRAY_LEN(files); i++) {
        g_autofree char *file = g_strconcat(CORPUS, files[i], NULL);
        g_autoptr(GString) text = g_string_new(NULL);

        if (!g_file_test(file, G_FILE_TEST_EXISTS))
            skip();
        struct loaded l = load(file);
        topology_yaml_write(l.m, text);
        assert_true(g_file_set_contents(path, text->str, -1, NULL));
        struct loaded second = load(path);
        assert_non_null(second.m);
        assert_true(cpumask_equal(l.m->present, second.m->present));
        compare_machines(l.m, second.m, 511);
        unload(&l);
        unload(&second);
    }
    g_unlink(path);
    g_rmdir(dir);
}

/* Where the tests run there is a /sys; what it says must at least be a machine. */
static void
this_machine_can_be_captured_and_loaded_again(void **state)
{
    struct loaded l = { .arena = arena_new() };
    g_autoptr(GString) first = g_string_new(NULL);

    if (!g_file_test("/sys/devices/system/cpu/online", G_FILE_TEST_EXISTS))
        skip();
    diag_init(&l.diag);
    l.m = load_this_machine(l.arena, &l.diag);
    assert_non_null(l.m);
    topology_yaml_write(l.m, first);
    struct machine *again =
        topology_yaml_load("captured.yaml", first->str, first->len, l.arena, &l.diag);
    assert_non_null(again);
    compare_machines(l.m, again, 511);
    unload(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_of_the_corpus_is_imported_or_refused_with_a_reason),
        cmocka_unit_test(one_machine_is_the_same_from_every_format),
        cmocka_unit_test(newer_machines_are_the_same_from_their_snapshot_and_their_xml),
        cmocka_unit_test(lscpu_and_numactl_together_say_what_both_know),
        cmocka_unit_test(what_import_writes_is_loaded_as_the_same_machine),
        cmocka_unit_test(this_machine_can_be_captured_and_loaded_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

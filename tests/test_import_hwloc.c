/* layer: config */
/*
 * hwloc files and strings. The numbers of the corpus are those of the table in its README, which
 * was not made by us; the trees of synthetic strings were drawn by hand.
 */
#include "import_hwloc_kit.h"

static double
memory_gib(const struct machine *m)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < m->nr_nodes; i++)
        bytes += m->nodes[i].mem_bytes;
    return (double)bytes / (double)GIB(1);
}

/* One line of the table: | hwloc-xml/FILE | N (...) | pkg=.. core=.. pu=.. L3=.. | 8.0GiB | ... */
static bool
check_row(const char *row)
{
    char file[200];
    unsigned nr_nodes, cpuless, memless, packages, cores, pus;
    double gib;
    const struct machine *m;

    if (sscanf(row, "| %199s | %u (cpuless %u, memless %u) | pkg=%u core=%u pu=%u L3=%*u | %lfGiB",
               file, &nr_nodes, &cpuless, &memless, &packages, &cores, &pus, &gib) != 8 ||
        !g_str_has_prefix(file, "hwloc-xml/"))
        return false;
    g_autofree char *path = g_strdup_printf("%s/corpus/%s", SHARED_DIR, file);
    struct loaded l = load_file(path);
    m = l.m;
    if (m == NULL) {
        g_autofree char *why = diag_text(&l.diag);
        print_message("%s", why);
    }
    assert_non_null(m);
    assert_int_equal(m->nr_nodes, nr_nodes);
    assert_int_equal(cpumask_weight(m->present), pus);
    assert_int_equal(m->nr_cores, cores);
    if (packages > 0)
        assert_int_equal(m->nr_packages, packages);
    else
        assert_true(noted(m, "assumed: a package is a node"));
    if (gib > 0)
        assert_true(memory_gib(m) > gib - 0.051 && memory_gib(m) < gib + 0.051);
    else
        assert_true(noted(m, "assumed: 16 GiB of memory"));
    if (strstr(row, "Opteron") != NULL)
        assert_true(m->vendor == VENDOR_AMD && m->amd_pre_zen);
    if (strstr(row, "Xeon") != NULL)
        assert_int_equal(m->vendor, VENDOR_INTEL);
    unload(&l);
    return true;
}

static void
every_file_of_the_corpus_has_the_numbers_of_its_table(void **state)
{
    g_autofree char *text = NULL;
    guint imported = 0;

    if (!g_file_get_contents(SHARED_DIR "/corpus/README.md", &text, NULL, NULL)) {
        print_message("no corpus beside the checkout: skipped\n");
        skip();
    }
    g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
    for (char **row = rows; *row != NULL; row++)
        imported += check_row(*row);
    print_message("corpus/hwloc-xml: %u imported, 0 refused, 0 crashed\n", imported);
    assert_int_equal(imported, 24);
}

static void
files_of_version_three_are_read_as_the_same_machine_in_version_two(void **state)
{
    const char *path = SHARED_DIR "/corpus/hwloc-newer/cxlmem+dax.v3.xml";

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        print_message("no corpus beside the checkout: skipped\n");
        skip();
    }
    struct loaded three = load_file(path);
    struct loaded two = load_file(SHARED_DIR "/corpus/hwloc-newer/cxlmem+dax.v2.xml");
    g_autoptr(GString) a = g_string_new(NULL), b = g_string_new(NULL);
    assert_non_null(three.m);
    assert_non_null(two.m);
    three.m->name = two.m->name;
    topology_yaml_write(three.m, a);
    topology_yaml_write(two.m, b);
    assert_string_equal(a->str, b->str);
    unload(&three);
    unload(&two);
}

/* From the infos that version 3 keeps behind the tree. */
static void
facts_about_the_whole_machine_are_found_in_version_three(void **state)
{
    const char *path = SHARED_DIR "/corpus/hwloc-newer/nvidia-dgx-gb10.xml";

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        skip();
    struct loaded l = load_file(path);
    assert_non_null(l.m);
    assert_int_equal(l.m->vendor, VENDOR_ARM);     /* Architecture aarch64 */
    assert_int_equal(l.m->cpus[5].capacity, 1024); /* LinuxCapacity 997 of 997 ... */
    assert_int_equal(l.m->cpus[0].capacity, 718 * 1024 / 997);
    unload(&l);
}

static void
a_version_of_the_future_is_refused_with_the_way_to_convert_it(void **state)
{
    static const char xml[] = "<topology version=\"4.0\"/>";
    struct loaded l = load_text("new.xml", xml, sizeof(xml) - 1);
    g_autofree char *messages = diag_text(&l.diag);

    assert_string_equal(messages,
                        "new.xml:1:1: version 4.0 of hwloc XML is newer than we can read; expected "
                        "version 3 or 2: convert it with lstopo: lstopo -i FILE.xml "
                        "--export-xml-flags v2 FILE.v2.xml\n");
    unload(&l);
}

static void
assert_distances(const struct machine *m, const uint32_t *want)
{
    for (uint32_t i = 0; i < m->nr_nodes * m->nr_nodes; i++)
        assert_int_equal(m->distances[i], want[i]);
}

static void
latencies_of_version_one_become_distances(void **state)
{
    static const uint32_t want[] = {
        10, 21, 31, 31, 21, 10, 31, 31, 31, 31, 10, 21, 31, 31, 21, 10
    };
    const char *path = SHARED_DIR "/corpus/hwloc-xml/28intel64-2p2g7c-CoDgroups.v1.xml";

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        skip();
    struct loaded l = load_file(path);
    assert_non_null(l.m);
    assert_distances(l.m, want);
    unload(&l);
    l = load_file(SHARED_DIR "/corpus/hwloc-xml/16amd64-4distances.v1.xml");
    assert_int_equal(machine_distance(l.m, 0, 0), 10);
    assert_int_equal(machine_distance(l.m, 0, 1), 20);
    assert_int_equal(machine_distance(l.m, 0, 3), 80);
    assert_true(noted(l.m, "scaled by 10/1"));
    unload(&l);
}

/* From lstopo.txt, memattrs.txt and distances.txt beside the file. */
static void
memory_without_cpus_keeps_its_latency_and_bandwidth(void **state)
{
    static const uint32_t want[] = { 10, 21, 31, 21, 10, 24, 31, 24, 10 };
    const char *path = SHARED_DIR "/corpus/numa-guest/hmat3/machine/hwloc.xml";

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        skip();
    struct loaded l = load_file(path);
    assert_non_null(l.m);
    assert_distances(l.m, want);
    assert_true(cpumask_empty(l.m->nodes[2].cpus));
    assert_int_equal(cpumask_weight(l.m->nodes[1].cpus), 2);
    assert_int_equal(l.m->nodes[2].mem_bytes, 1053872128);
    assert_true(l.m->has_latency);
    assert_int_equal(machine_latency_ps(l.m, 0, 0), 90000);
    assert_int_equal(machine_latency_ps(l.m, 1, 2), 270000);
    assert_int_equal(l.m->nodes[0].bandwidth, GIB(100));
    assert_int_equal(l.m->nodes[2].bandwidth, GIB(25));
    assert_int_equal(l.m->cache.llc_bytes, MIB(16));
    assert_int_equal(l.m->cache.l2_bytes, KIB(512));
    assert_int_equal(l.m->cache.l1d_bytes, KIB(64));
    assert_int_equal(l.m->nr_llcs, 2);
    unload(&l);
}

static void
of_two_local_nodes_the_dram_has_the_cpus(void **state)
{
    const char *path = SHARED_DIR "/corpus/hwloc-xml/64intel64-fakeKNL-SNC4-hybrid.xml";

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        skip();
    struct loaded l = load_file(path);
    assert_non_null(l.m);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(l.m->nodes[i].kind, i < 4 ? MEMORY_DRAM : MEMORY_HBM);
        assert_int_equal(cpumask_weight(l.m->nodes[i].cpus), i < 4 ? 16 : 0);
        assert_int_equal(l.m->nodes[i].bandwidth, MIB(i < 4 ? 22500 : 90000));
    }
    assert_int_equal(l.m->nr_llcs, 8); /* the L2s: the L3 is a cache of the memory */
    unload(&l);
}

static void
kinds_of_cpus_become_capacities(void **state)
{
    const char *path = SHARED_DIR "/corpus/hwloc-xml/fakecpukinds.xml";

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        skip();
    struct loaded l = load_file(path);
    assert_non_null(l.m);
    assert_int_equal(l.m->cpus[3].capacity, 1024);
    assert_true(l.m->cpus[0].capacity < 1024);
    assert_int_equal(l.m->cpus[0].capacity, l.m->cpus[1].capacity);
    unload(&l);
}

static void
synthetic_strings_become_the_tree_that_one_draws(void **state)
{
    for (gsize i = 0; i < ARRAY_LEN(trees); i++) {
        struct loaded l = load_string(trees[i].spec);
        const struct machine *m = l.m;

        assert_non_null(m);
        assert_int_equal(m->nr_nodes, trees[i].nodes);
        assert_int_equal(m->nr_packages, trees[i].packages);
        assert_int_equal(m->nr_cores, trees[i].cores);
        assert_int_equal(cpumask_weight(m->present), trees[i].cpus);
        assert_int_equal(m->nr_llcs, trees[i].llcs);
        assert_true(memory_gib(m) > trees[i].gib - 0.01 && memory_gib(m) < trees[i].gib + 0.01);
        assert_int_equal(machine_distance(m, 0, m->nr_nodes > 1), trees[i].first_two);
        assert_int_equal(machine_distance(m, 0, m->nr_nodes - 1), trees[i].first_last);
        unload(&l);
    }
}

static void
indexes_of_a_string_number_the_cpus(void **state)
{
    struct loaded l = load_string("hwloc:pack:2 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)");

    assert_non_null(l.m);
    assert_int_equal(l.m->cpus[0].core, l.m->cpus[4].core);
    assert_int_equal(l.m->cpus[2].core, l.m->cpus[6].core);
    assert_int_equal(l.m->cpus[0].package, l.m->cpus[6].package);
    assert_int_not_equal(l.m->cpus[0].package, l.m->cpus[1].package);
    assert_string_equal(l.m->name, "pack_2_core_2_pu_2_indexes_0_4_2_6_1_5_3_7");
    unload(&l);
}

/* In a list of a YAML file quotes inside a word stay. */
static void
a_string_may_be_quoted(void **state)
{
    struct loaded l = load_string("hwloc:\"pack:2 [numa] core:4 pu:2\"");

    assert_non_null(l.m);
    assert_int_equal(l.m->nr_nodes, 2);
    assert_int_equal(l.m->nr_cores, 8);
    assert_string_equal(l.m->name, "pack_2_numa_core_4_pu_2");
    unload(&l);
}

/* One machine in two formats, up to what a listing can tell. */
static void
a_listing_and_a_file_of_one_machine_agree(void **state)
{
    static const char *const names[] = { "ring4", "hmat3", "mesh8" };

    for (gsize i = 0; i < ARRAY_LEN(names); i++) {
        g_autofree char *folder =
            g_strdup_printf("%s/corpus/numa-guest/%s/machine", SHARED_DIR, names[i]);
        g_autofree char *xml = g_build_filename(folder, "hwloc.xml", NULL);
        g_autofree char *listing = g_build_filename(folder, "numactl-hardware.txt", NULL);
        g_autofree char *text = NULL;
        gsize len;

        if (!g_file_get_contents(listing, &text, &len, NULL)) {
            print_message("no corpus beside the checkout: skipped\n");
            skip();
        }
        struct loaded l = load_file(xml);
        const struct machine *m = l.m;
        const struct machine *other = import_numactl(listing, text, len, l.arena, &l.diag);
        assert_true(m != NULL && other != NULL);
        assert_int_equal(m->nr_nodes, other->nr_nodes);
        assert_true(cpumask_equal(m->present, other->present));
        for (uint32_t node = 0; node < m->nr_nodes; node++) {
            assert_true(cpumask_equal(m->nodes[node].cpus, other->nodes[node].cpus));
            assert_int_equal(m->nodes[node].mem_bytes >> 20, other->nodes[node].mem_bytes >> 20);
        }
        assert_memory_equal(m->distances, other->distances, m->nr_nodes * m->nr_nodes);
        assert_int_equal(m->nr_llcs, other->nr_llcs);
        assert_int_equal(m->nr_cores, other->nr_cores);
        unload(&l);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_of_the_corpus_has_the_numbers_of_its_table),
        cmocka_unit_test(files_of_version_three_are_read_as_the_same_machine_in_version_two),
        cmocka_unit_test(facts_about_the_whole_machine_are_found_in_version_three),
        cmocka_unit_test(a_version_of_the_future_is_refused_with_the_way_to_convert_it),
        cmocka_unit_test(latencies_of_version_one_become_distances),
        cmocka_unit_test(memory_without_cpus_keeps_its_latency_and_bandwidth),
        cmocka_unit_test(of_two_local_nodes_the_dram_has_the_cpus),
        cmocka_unit_test(kinds_of_cpus_become_capacities),
        cmocka_unit_test(synthetic_strings_become_the_tree_that_one_draws),
        cmocka_unit_test(indexes_of_a_string_number_the_cpus),
        cmocka_unit_test(a_string_may_be_quoted),
        cmocka_unit_test(a_listing_and_a_file_of_one_machine_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

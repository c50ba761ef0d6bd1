/* layer: config */
/*
 * hwloc files and strings. The numbers of the corpus are those of the table in its README, which
 * was not made by us; the trees of synthetic strings were drawn by hand.
 */
#include "config/import.h"
#include "config/import_archive.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct loaded {
    struct arena *arena;
    struct diag diag;
    struct machine *m;
};

static struct loaded
load_text(const char *name, const char *text, gsize len)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = import_hwloc_xml(name, text, len, l.arena, &l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
    return l;
}

static struct loaded
load_file(const char *path)
{
    g_autofree char *text = NULL;
    gsize len;

    assert_true(g_file_get_contents(path, &text, &len, NULL));
    assert_true(looks_like_hwloc_xml(text, len) || looks_like_compressed(text, len));
    assert_false(looks_like_numactl(text, len));
    return load_text(path, text, len);
}

static struct loaded
load_string(const char *spec)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = import_hwloc_synthetic(spec, l.arena, &l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
    return l;
}

static void
unload(struct loaded *l)
{
    arena_free(l->arena);
    diag_clear(&l->diag);
}

static bool
noted(const struct machine *m, const char *words)
{
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (strstr(m->notes[i], words) != NULL)
            return true;
    return false;
}

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

/* nodes, packages, cores, CPUs, LLCs, GiB in all, distance of the first two nodes, first and last.
 */
static const struct {
    const char *spec;
    uint32_t nodes, packages, cores, cpus, llcs;
    double gib;
    uint32_t first_two, first_last;
} trees[] = {
    { "hwloc:pack:2 [numa] l3:2 core:4 pu:2", 2, 2, 16, 32, 4, 32, 21, 21 },
    { "hwloc:pack:2 [numa(memory=8GiB)] l3:2 core:4 pu:2", 2, 2, 16, 32, 4, 16, 21, 21 },
    { "hwloc:node:4 core:2 pu:1", 4, 4, 8, 8, 4, 4, 21, 21 },
    { "hwloc:pack:2 [numa] [numa(memory=16GiB)] core:2 pu:1", 4, 2, 4, 4, 2, 64, 11, 21 },
    { "hwloc:pack:2 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)", 1, 2, 4, 8, 2, 1, 10, 10 },
    { "hwloc:pack:2 die:2 [numa(memory=1GiB)] l3:1 l2:2 core:2 pu:1", 4, 2, 16, 16, 4, 4, 11, 21 },
    { "hwloc:Package:4 [NUMANode(memory=790970368)] L3Cache:1(size=16777216) "
      "L2Cache:2(size=524288) L1dCache:1(size=65536) L1iCache:1(size=65536) Core:1 PU:1",
      4, 4, 8, 8, 4, 4 * 790970368.0 / (double)GIB(1), 21, 21 },
};

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

static void
strings_that_are_wrong_or_too_large_are_refused_at_their_column(void **state)
{
    static const char *const cases[][2] = {
        { "hwloc:pack:100000 core:1000 pu:8", "1:24: too many objects; expected at most 131072" },
        { "hwloc:pack:2 core:0 pu:1", "1:19: no count; expected a number from 1" },
        { "hwloc:pack:2 core:-1 pu:1", "1:19: no count; expected a number from 1" },
        { "hwloc:pack:2 foo:2 pu:1", "1:14: 'foo' is not a level; expected pack" },
        { "hwloc:", "1:7: no level; expected something like" },
        { "hwloc:pack:2 core:2", "1:20: the last level is not pu; expected pu:1" },
        { "hwloc:pack:2(memory=8GB core:2 pu:1", "1:13: '(' is not closed; expected ')'" },
        { "hwloc:pack:2 [hbm] pu:1", "1:15: memory of an unknown type; expected [numa]" },
        { "hwloc:pack:65 [numa] pu:1", "1:15: 65 NUMA nodes; expected at most 64" },
        { "hwloc:node:65 pu:1", "1:7: 65 NUMA nodes; expected at most 64" },
        { "hwloc:pack:2 pu:4097", "1:7: 8194 CPUs; expected at most 8192" },
        { "hwloc:pack:2 pack:2 pu:1", "1:1: libhwloc does not accept it; expected" },
        { "hwloc:99999999999999999999999 pu:1", "1:7: too many objects" },
    };

    for (gsize i = 0; i < ARRAY_LEN(cases); i++) {
        struct loaded l = load_string(cases[i][0]);
        g_autofree char *want = g_strdup_printf("%s:%s", cases[i][0], cases[i][1]);
        g_autofree char *messages = diag_text(&l.diag);

        assert_null(l.m);
        if (!g_str_has_prefix(messages, want))
            print_message("%s", messages);
        assert_true(g_str_has_prefix(messages, want));
        unload(&l);
    }
}

static void
sixty_four_nodes_and_8192_cpus_are_imported(void **state)
{
    struct loaded l = load_string("hwloc:node:64 core:64 pu:2");

    assert_non_null(l.m);
    assert_int_equal(l.m->nr_nodes, 64);
    assert_int_equal(cpumask_weight(l.m->present), 8192);
    unload(&l);
}

/* Runs a broken file with our stderr in a pipe: libraries must stay silent. */
static char *
messages_and_stderr(const char *path, const char *name, gssize *nr_stderr)
{
    g_autofree char *text = NULL;
    int fds[2], old = dup(2);
    char noise[256];
    gsize len;

    assert_true(g_file_get_contents(path, &text, &len, NULL));
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], 2);
    struct loaded l = load_text(name, text, len);
    dup2(old, 2);
    close(old);
    close(fds[1]);
    *nr_stderr = read(fds[0], noise, sizeof(noise));
    close(fds[0]);
    char *messages = diag_text(&l.diag);
    assert_null(l.m);
    unload(&l);
    return messages;
}

static void
broken_files_are_refused_with_their_golden_message_and_in_silence(void **state)
{
    g_autoptr(GDir) dir = g_dir_open(SOURCE_DIR "/tests/bad", 0, NULL);
    guint nr = 0;

    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(SOURCE_DIR "/tests/bad", name, NULL);
        g_autofree char *golden = g_strconcat(path, ".message", NULL);
        g_autofree char *want = NULL;
        gssize nr_stderr;

        if (!g_str_has_suffix(name, ".xml"))
            continue;
        assert_true(g_file_get_contents(golden, &want, NULL, NULL));
        g_autofree char *messages = messages_and_stderr(path, name, &nr_stderr);
        if (!g_pattern_match_simple(want, messages)) /* the words of GLib's parser are a '*' */
            assert_string_equal(messages, want);
        assert_int_equal(nr_stderr, 0);
        nr++;
    }
    print_message("tests/bad: %u XML files refused\n", nr);
    assert_true(nr >= 5);
}

/* Cut at many places, and with single characters damaged: a machine or messages, nothing else. */
static void
damaged_files_never_crash_the_importer(void **state)
{
    g_autofree char *text = NULL;
    gsize len;
    guint machines = 0, messages = 0;

    assert_true(g_file_get_contents(SOURCE_DIR "/tests/import/two_nodes.xml", &text, &len, NULL));
    for (gsize at = 0; at < len; at += 29) {
        static const char damage[] = { 'x', '0', '<', '"', ' ', '9', 'f' };
        g_autofree char *copy = g_strndup(text, len);

        copy[at] = damage[at % ARRAY_LEN(damage)];
        struct loaded l = load_text("x.xml", copy, len);
        machines += l.m != NULL;
        messages += l.m == NULL;
        unload(&l);
        l = load_text("x.xml", text, at);
        assert_null(l.m);
        unload(&l);
    }
    print_message("damaged copies: %u imported, %u refused\n", machines, messages);
}

static void
our_own_sample_is_read_in_full(void **state)
{
    struct loaded l = load_file(SOURCE_DIR "/tests/import/two_nodes.xml");

    assert_non_null(l.m);
    assert_int_equal(l.m->nr_nodes, 2);
    assert_int_equal(l.m->nodes[1].os_index, 8);
    assert_int_equal(machine_distance(l.m, 0, 1), 32);
    assert_int_equal(machine_distance(l.m, 1, 0), 21);
    assert_int_equal(l.m->nodes[1].kind, MEMORY_CXL);
    assert_int_equal(l.m->vendor, VENDOR_AMD);
    assert_false(l.m->amd_pre_zen);
    assert_int_equal(l.m->smt, 2);
    assert_true(noted(l.m, "1 unknown elements skipped"));
    unload(&l);
}

static void
damaged_gzip_is_refused(void **state)
{
    struct loaded l = load_text("f.gz", "\x1f\x8b\x08\x00garbage", 11);
    g_autofree char *messages = diag_text(&l.diag);

    assert_null(l.m);
    assert_true(g_str_has_prefix(messages, "f.gz:1:1: the data is damaged"));
    unload(&l);
}

static GBytes *
gzip_of(const char *data, gsize len)
{
    g_autoptr(GZlibCompressor) zlib = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9);
    g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();
    g_autoptr(GOutputStream) out = g_converter_output_stream_new(memory, G_CONVERTER(zlib));

    assert_true(g_output_stream_write_all(out, data, len, NULL, NULL, NULL));
    assert_true(g_output_stream_close(out, NULL, NULL));
    return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}

static void
a_gzip_bomb_is_refused_without_unpacking_it_all(void **state)
{
    gsize len = (gsize)80 << 20, packed;
    g_autofree char *blanks = g_strnfill(len, ' ');
    g_autoptr(GBytes) bomb = gzip_of(blanks, len);
    const char *data = g_bytes_get_data(bomb, &packed);

    assert_true(packed < len / 100);
    struct loaded l = load_text("f.gz", data, packed);
    g_autofree char *messages = diag_text(&l.diag);
    assert_string_equal(messages,
                        "f.gz:1:1: unpacks to more than 64 MiB; expected at most that much\n");
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
        cmocka_unit_test(strings_that_are_wrong_or_too_large_are_refused_at_their_column),
        cmocka_unit_test(sixty_four_nodes_and_8192_cpus_are_imported),
        cmocka_unit_test(broken_files_are_refused_with_their_golden_message_and_in_silence),
        cmocka_unit_test(damaged_files_never_crash_the_importer),
        cmocka_unit_test(our_own_sample_is_read_in_full),
        cmocka_unit_test(damaged_gzip_is_refused),
        cmocka_unit_test(a_gzip_bomb_is_refused_without_unpacking_it_all),
        cmocka_unit_test(a_listing_and_a_file_of_one_machine_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

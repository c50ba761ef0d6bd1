/* layer: cli */
/*
 * Pictures and exports of machines. hwloc's own library is the judge of the XML: what it reads back
 * must be the machine, up to what the format can say. SVG is read by GLib's XML parser.
 */
#include "config/load.h"
#include "machine_compare.h"
#include "report/topo_dot.h"
#include "report/topo_hwloc.h"
#include "report/topo_svg.h"

#include <stdlib.h>

enum { SLOW_CPUS = 1024 };

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
    if (l.m == NULL) {
        g_autofree char *why = diag_text(&l.diag);
        fail_msg("%s", why);
    }
    return l;
}

static void
unload(struct loaded *l)
{
    arena_free(l->arena);
    diag_clear(&l->diag);
}

static void
for_each_shipped(void (*check)(const struct machine *m))
{
    g_auto(GStrv) names = shipped_names(SOURCE_DIR, "topologies");

    assert_true(g_strv_length(names) >= 20);
    for (char **name = names; *name != NULL; name++) {
        struct loaded l = load(*name);
        print_message("  %s\n", *name);
        check(l.m);
        unload(&l);
    }
}

/* ---- hwloc ---- */

static void
compare_nodes(const struct machine *a, const struct machine *b)
{
    assert_int_equal(a->nr_nodes, b->nr_nodes);
    for (uint32_t i = 0; i < a->nr_nodes; i++) {
        assert_int_equal(a->nodes[i].os_index, b->nodes[i].os_index);
        assert_int_equal(a->nodes[i].mem_bytes, b->nodes[i].mem_bytes);
        assert_int_equal(a->nodes[i].kind, b->nodes[i].kind);
        assert_int_equal(a->nodes[i].bandwidth >> 20, b->nodes[i].bandwidth >> 20);
        for (uint32_t j = 0; j < a->nr_nodes; j++) {
            assert_int_equal(machine_distance(a, i, j), machine_distance(b, i, j));
            if (!cpumask_empty(a->nodes[i].cpus)) /* hwloc counts whole nanoseconds */
                assert_true(abs((int)machine_latency_ps(a, i, j) -
                                (int)machine_latency_ps(b, i, j)) <= 500);
        }
    }
}

static void
check_round_trip(const struct machine *m)
{
    g_autoptr(GString) xml = g_string_new(NULL);

    if (cpumask_weight(m->online) > SLOW_CPUS) /* libhwloc takes its time with a sanitizer */
        return;
    struct loaded l = { .arena = arena_new() };
    topo_hwloc_xml(m, xml);
    diag_init(&l.diag);
    l.m = import_hwloc_xml("export.xml", xml->str, xml->len, l.arena, &l.diag);
    if (l.m == NULL) {
        g_autofree char *why = diag_text(&l.diag);
        fail_msg("%s", why);
    }
    assert_int_equal(cpumask_weight(l.m->present), cpumask_weight(m->online));
    assert_same_partition(m->online, m, l.m, package);
    assert_same_partition(m->online, m, l.m, core);
    assert_same_partition(m->online, m, l.m, node);
    assert_same_partition(m->online, m, l.m, l2);
    assert_same_partition(m->online, m, l.m, llc);
    assert_int_equal(l.m->nr_packages, m->nr_packages);
    assert_int_equal(l.m->nr_cores, m->nr_cores);
    for_each_cpu (cpu, m->online) {
        assert_int_equal(l.m->cpus[cpu].node, m->cpus[cpu].node);
        assert_int_equal(l.m->cpus[cpu].capacity, m->cpus[cpu].capacity);
    }
    compare_nodes(m, l.m);
    assert_int_equal(l.m->amd_pre_zen, m->amd_pre_zen);
    assert_int_equal(l.m->vendor, m->vendor);
    assert_string_equal(l.m->title, m->title);
    if (m->nr_llcs > 0)
        assert_int_equal(l.m->cache.llc_bytes, m->cache.llc_bytes);
    unload(&l);
}

static void
what_libhwloc_reads_of_our_xml_is_the_machine(void **state)
{
    for_each_shipped(check_round_trip);
}

static void
machines_of_the_corpus_survive_the_same_way(void **state)
{
    static const char *const files[] = {
        "numa-guest/hmat3/machine/sysfs-snapshot.tar.bz2",
        "numa-guest/mesh8/machine/hwloc.xml",
        "sysfs/fakecpuid1f-64intel64-2p4d2n2c2t.tar.bz2", /* dies, and caches over two nodes */
        "sysfs/64fake-4n2s2ca2c2t.tar.bz2",               /* nodes of two packages */
        "sysfs/fakeheteromemtiers.tar.bz2",               /* HBM and NVM without CPUs */
        "sysfs/128arm-2pa2n8cluster4co.tar.bz2",          /* clusters */
        "hwloc-newer/nvidia-dgx-gb10.tar.bz2",            /* capacities */
        "numactl/grace-hopper-9node-hbm-wrapped-lines.txt",
    };

    if (!g_file_test(SHARED_DIR "/corpus", G_FILE_TEST_IS_DIR)) {
        print_message("no corpus beside the checkout: skipped\n");
        skip();
    }
    for (gsize i = 0; i < ARRAY_LEN(files); i++) {
        g_autofree char *path = g_build_filename(SHARED_DIR "/corpus", files[i], NULL);
        struct loaded l = load(path);
        print_message("  %s\n", files[i]);
        check_round_trip(l.m);
        unload(&l);
    }
}

/* ---- SVG ---- */

struct seen {
    guint nr_texts, nr_rects;
    GString *text;
};

static void
svg_start(GMarkupParseContext *context, const char *element, const char **names,
          const char **values, gpointer data, GError **error)
{
    struct seen *s = data;

    s->nr_texts += g_str_equal(element, "text");
    s->nr_rects += g_str_equal(element, "rect");
    for (; *names != NULL; names++, values++)
        if (g_str_equal(*names, "width") || g_str_equal(*names, "height"))
            assert_true(g_str_has_suffix(*values, "%") || atoi(*values) > 0);
}

static void
svg_words(GMarkupParseContext *context, const char *text, gsize len, gpointer data, GError **error)
{
    struct seen *s = data;

    g_string_append_len(s->text, text, (gssize)len);
    g_string_append_c(s->text, '|');
}

static void
check_svg(const struct machine *m)
{
    static const GMarkupParser parser = { svg_start, NULL, svg_words, NULL, NULL };
    g_autoptr(GString) svg = g_string_new(NULL), again = g_string_new(NULL);
    struct seen s = { .text = g_string_new(NULL) };
    g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &s, NULL);

    topo_svg(m, svg);
    topo_svg(m, again);
    assert_string_equal(svg->str, again->str);
    assert_true(svg->len < 2 << 20);
    assert_true(g_markup_parse_context_parse(context, svg->str, (gssize)svg->len, NULL));
    assert_true(g_markup_parse_context_end_parse(context, NULL));
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        g_autofree char *name = g_strdup_printf("|node %u", m->nodes[i].os_index);
        assert_non_null(strstr(s.text->str, name));
    }
    if (cpumask_weight(m->present) <= 288) /* every CPU is a box */
        assert_true(s.nr_rects >= cpumask_weight(m->present) || m->nr_nodes > 24);
    g_string_free(s.text, TRUE);
}

static void
pictures_are_well_formed_and_name_every_node(void **state)
{
    for_each_shipped(check_svg);
}

static void
names_from_files_cannot_break_a_picture(void **state)
{
    struct loaded l = load("two-node");
    g_autoptr(GString) dot = g_string_new(NULL);

    l.m->title = "</text><script>&\"\\\x01\xff";
    check_svg(l.m);
    topo_dot(l.m, dot);
    assert_non_null(strstr(dot->str, "label=\"</text><script>&\\\"\\\\ "));
    unload(&l);
}

/* ---- DOT ---- */

static void
a_link_each_way_is_one_line_with_its_latency_and_bandwidth(void **state)
{
    struct loaded l = load("cxl-2s");
    g_autoptr(GString) dot = g_string_new(NULL);

    topo_dot(l.m, dot);
    /* 288.4 ns is the latency from the CPUs of node 0: node 2 has none that could measure */
    assert_non_null(strstr(dot->str, "n0 -> n2 [label=\"288.4 ns\\n26.8GB/s\", dir=none];"));
    assert_non_null(strstr(dot->str, "n0 -> n1 [label=\"142.8 ns\\n55.7GB/s\", dir=none];"));
    assert_null(strstr(dot->str, "n1 -> n0"));
    assert_true(g_str_has_suffix(dot->str, "}\n"));
    unload(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_libhwloc_reads_of_our_xml_is_the_machine),
        cmocka_unit_test(machines_of_the_corpus_survive_the_same_way),
        cmocka_unit_test(pictures_are_well_formed_and_name_every_node),
        cmocka_unit_test(names_from_files_cannot_break_a_picture),
        cmocka_unit_test(a_link_each_way_is_one_line_with_its_latency_and_bandwidth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

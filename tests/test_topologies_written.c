/* layer: config */
/* Machines that are written load to the same machines. */
#include "topologies_kit.h"

static void
assert_survives_writing(const struct machine *m, struct arena *a)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct diag d;

    diag_init(&d);
    topology_yaml_write(m, text);
    struct machine *back = topology_yaml_load("written.yaml", text->str, text->len, a, &d);
    g_autofree char *messages = diag_text(&d);
    assert_string_equal(messages, "");
    assert_machines_equal(m, back);
    diag_clear(&d);
}

static void
a_machine_that_is_written_loads_to_the_same_machine(void **state)
{
    (void)state;
    for (guint i = 0; names[i] != NULL; i++) {
        struct arena *a = arena_new();
        assert_survives_writing(load(names[i], a), a);
        arena_free(a);
    }
}

static struct machine *
load_text(const char *text, struct arena *a)
{
    struct diag d;

    diag_init(&d);
    struct machine *m = topology_yaml_load("x.yaml", text, strlen(text), a, &d);
    g_autofree char *messages = diag_text(&d);
    assert_string_equal(messages, "");
    diag_clear(&d);
    return m;
}

static void
what_no_shipped_machine_has_is_written_too(void **state)
{
    (void)state;
    static const char text[] =
        "title: \"a: b \\\"c\\\" \\\\ # \\n d\"\n"
        "node_reclaim_distance: 25\n"
        "nodes:\n"
        "  - {node: 3, memory: 1GiB, cpus: '0-3,8-9', injection_limit: 30GB/s,\n"
        "     curve: {points: [[1.7GB/s, 64.1ns], [54GB/s, 85.1ns], [110.6GB/s, 189ns]]}}\n"
        "  - {node: 5, memory: 0B, cpus: 4-7}\n"
        "  - {node: 9, memory: 2GiB, online: no, kind: pmem}\n"
        "cpus:\n"
        "  - {cpus: 0-3, core: [0, 0, 1, 1], l2: [5, 5, 4, 4], cluster: 2, capacity: 446}\n"
        "  - {cpus: 8-9, core: 7, package: 1}\n"
        "offline_cpus: 6\n"
        "isolated_cpus: 2-3\n"
        "links:\n"
        "  - {name: 'odd name', between: [3, 5], bandwidth: 1.5GB/s}\n"
        "  - {from: 5, to: 9, bandwidth: 2GB/s}\n"
        "  - {from: 9, to: 5, bandwidth: 3GB/s}\n"
        "  - {name: two, from: 3, to: 5, bandwidth: 4GB/s, curve.points: [[1GB/s, 1], [3GB/s, "
        "1.0123]]}\n"
        "routes:\n"
        "  - {from: 3, to: 5, via: [two]}\n"
        "devices:\n"
        "  - {name: gpu 0, kind: gpu, node: 3, queues: 3, bandwidth: 64GB/s, irq_cpus: 0-1,\n"
        "     latency: 5us, speed: 12.5, memory: 16GiB, parallel: 7, active_w: 300, idle_w: 40.5}\n"
        "  - {name: disk, kind: nvme, node: 5}\n"
        "power: {core_active_w: 0.1, core_idle_w: 0.3, node_w: 20, pj_per_byte_local: 7.7}\n";
    struct arena *a = arena_new();
    struct machine *m = load_text(text, a);

    assert_int_equal(m->nodes[0].bandwidth, 110600000000); /* the last point's */
    assert_int_equal(m->nodes[0].nr_points, 3);
    assert_int_equal(m->nodes[0].points[1].ratio_ppm, 1327613); /* 85.1 / 64.1 */
    assert_survives_writing(m, a);
    arena_free(a);
}

/* As one without a title: a key without a value is what is left when an editor empties it. */
static void
an_empty_title_is_the_name(void **state)
{
    (void)state;
    static const char text[] = "name: mine\ntitle: #nothing\nnodes: [{node: 0, memory: 1GiB}]\n"
                               "cpus: [{cpus: 0-1, node: 0}]\n";
    struct arena *a = arena_new();
    struct machine *m = load_text(text, a);

    assert_string_equal(m->title, "mine");
    assert_survives_writing(m, a);
    arena_free(a);
}

/* Controls and the like can come in by their numbers alone, and must go out so (YAML 1.1, 5.1
 * and 5.4). */
static void
characters_that_a_file_may_not_hold_are_written_as_numbers(void **state)
{
    (void)state;
    static const char text[] =
        "title: \"\\x01 \\x7f \\x81 \\x85 \\ufeff \\ufffe \\u2028 \\U0001f600\"\n"
        "nodes: [{node: 0, memory: 1GiB}]\ncpus: [{cpus: 0-1, node: 0}]\n"
        "source: {nodes: \"a\\x9fb\"}\nnotes: [\"c\\uffffd\"]\n";
    struct arena *a = arena_new();
    struct machine *m = load_text(text, a);

    assert_string_equal(m->title,
                        "\x01 \x7f \xc2\x81 \xc2\x85 \xef\xbb\xbf \xef\xbf\xbe \xe2\x80\xa8 "
                        "\xf0\x9f\x98\x80");
    assert_survives_writing(m, a);
    arena_free(a);
}

/* A link of both ways becomes two whose names have their ends appended: ".1023>1023" is 10 of
 * the 64. */
static void
names_of_links_of_both_ways_leave_room_for_their_ends(void **state)
{
    (void)state;
    struct arena *a = arena_new();

    for (int length = 54; length <= 55; length++) {
        g_autofree char *name = g_strnfill((gsize)length, 'x');
        g_autofree char *text =
            g_strdup_printf("nodes:\n  - {node: 1022, memory: 1GiB, cpus: 0-1}\n"
                            "  - {node: 1023, memory: 1GiB, cpus: 2-3}\ncpus: [{cpus: 0-1, node: "
                            "1022}, {cpus: 2-3, node: 1023}]\n"
                            "links: [{name: %s, between: [1022, 1023], bandwidth: 1GB/s}]\n",
                            name);
        struct diag d;

        diag_init(&d);
        struct machine *m = topology_yaml_load("x.yaml", text, strlen(text), a, &d);
        g_autofree char *messages = diag_text(&d);
        assert_string_equal(messages, length == 54 ? ""
                                                   : "x.yaml:5:16: links[0].name: is longer than "
                                                     "54 bytes; a link of both ways is two, with "
                                                     "its ends behind the name\n");
        if (length == 54)
            assert_survives_writing(m, a);
        diag_clear(&d);
    }
    arena_free(a);
}

/* 200 bytes of a source are noted: a letter of two is there with both, or not at all. */
static void
notes_end_with_a_whole_character(void **state)
{
    (void)state;
    struct arena *a = arena_new();

    for (int plain = 198; plain <= 200; plain++) {
        g_autofree char *fill = g_strnfill((gsize)plain, 'x');
        g_autofree char *text = g_strdup_printf("shape: {packages: 1, cores_per_node: 2}\nnodes: "
                                                "[{node: 0, memory: 1GiB}]\nsource: %s\u00e9\n",
                                                fill);
        g_autofree char *note = g_strdup_printf("source: %s%s", fill, plain == 198 ? "\u00e9" : "");

        assert_string_equal(load_text(text, a)->notes[0], note);
    }
    arena_free(a);
}

/* Name and ending say nothing: only the content does. */
static void
a_file_is_what_its_content_says(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint32_t nr_cpus, nr_nodes;
    } files[] = {
        { "corpus/numactl/epyc-naples-2s-8node-128cpu.txt", 128, 8 },
        { "corpus/hwloc-xml/16em64t-4s2c2t.xml", 16, 1 },
        { "corpus/hwloc-xml/192em64t-12gr2n8c2t.xml.gz", 384, 24 },
        { "oracle/topologies/cxl_1s_1mem.json", 4, 2 },
    };

    if (sources == NULL) {
        print_message("skipped: the shared data is absent\n");
        skip();
    }
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(SHARED_DIR, files[i].path, NULL);
        struct arena *a = arena_new();
        struct machine *m = load(path, a);
        assert_int_equal(m->nr_cpus, files[i].nr_cpus);
        assert_int_equal(m->nr_nodes, files[i].nr_nodes);
        assert_survives_writing(m, a);
        arena_free(a);
    }
    struct arena *a = arena_new();
    assert_int_equal(load("hwloc:pack:2 [numa] l3:2 core:4 pu:2", a)->nr_cpus, 32);
    arena_free(a);
}

static void
whatever_machine_is_imported_survives_being_written(void **state)
{
    (void)state;
    static const char *const folders[] = { "corpus/numactl", "corpus/hwloc-xml",
                                           "oracle/topologies" };
    guint nr = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(SHARED_DIR, folders[i], NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *file;
        while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
            g_autofree char *path = g_build_filename(folder, file, NULL);
            struct arena *a = arena_new();
            struct diag d;
            diag_init(&d);
            struct machine *m = load_machine(path, a, &d);
            if (m != NULL)
                assert_survives_writing(m, a);
            nr += m != NULL;
            diag_clear(&d);
            arena_free(a);
        }
    }
    if (nr == 0) {
        print_message("skipped: the shared data is absent\n");
        skip();
    }
    print_message("%u imported machines\n", nr);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_that_is_written_loads_to_the_same_machine),
        cmocka_unit_test(what_no_shipped_machine_has_is_written_too),
        cmocka_unit_test(an_empty_title_is_the_name),
        cmocka_unit_test(names_of_links_of_both_ways_leave_room_for_their_ends),
        cmocka_unit_test(notes_end_with_a_whole_character),
        cmocka_unit_test(characters_that_a_file_may_not_hold_are_written_as_numbers),
        cmocka_unit_test(a_file_is_what_its_content_says),
        cmocka_unit_test(whatever_machine_is_imported_survives_being_written),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

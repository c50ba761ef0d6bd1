/* layer: config */
/* Texts and archives that are wrong, damaged or too large. */
#include "import_hwloc_kit.h"

static void
strings_that_are_wrong_or_too_large_are_refused_at_their_column(void **state)
{
    static const char *const cases[][2] = {
        { "hwloc:pack:100000 core:1000 pu:8", "1:24: too many objects; expected at most 131072" },
        { "hwloc:pack:2 core:0 pu:1", "1:19: no count; expected a number from 1" },
        { "hwloc:pack:2 core:-1 pu:1", "1:19: no count; expected a number from 1" },
        { "hwloc:pack:2 foo:2 pu:1", "1:14: 'foo' is not a level; expected pack" },
        { "hwloc:\"pack:2 foo:2 pu:1\"", "1:15: 'foo' is not a level; expected pack" },
        { "hwloc:\"pack:2 core:2 pu:1", "1:7: '\"pack' is not a level; expected pack" },
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

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_that_are_wrong_or_too_large_are_refused_at_their_column),
        cmocka_unit_test(sixty_four_nodes_and_8192_cpus_are_imported),
        cmocka_unit_test(broken_files_are_refused_with_their_golden_message_and_in_silence),
        cmocka_unit_test(damaged_files_never_crash_the_importer),
        cmocka_unit_test(our_own_sample_is_read_in_full),
        cmocka_unit_test(damaged_gzip_is_refused),
        cmocka_unit_test(a_gzip_bomb_is_refused_without_unpacking_it_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

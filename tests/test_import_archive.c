/* layer: config */
/* Snapshots as folders and archives, also damaged ones and such that promise too much. */
#include "import_sysfs_kit.h"

static void
remove_folder(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_folder(inner);
    }
    assert_int_equal(g_remove(path), 0);
}

/* The bus that a kernel would list the DAX device under is needed in a folder. */
static void
a_folder_is_read_like_an_archive(void **state)
{
    g_auto(GStrv) files = sample_files();
    g_autofree char *root = g_dir_make_tmp("numasim-XXXXXX", NULL);
    g_autofree char *bus = g_build_filename(root, "sys/bus/dax/devices", NULL);
    g_autofree char *link = g_build_filename(bus, "dax0.0", NULL);

    for (char **f = files; *f != NULL; f++) {
        g_autofree char *path = g_strndup(*f, strcspn(*f, "\n"));
        g_autofree char *full = g_build_filename(root, path, NULL);
        g_autofree char *folder = g_path_get_dirname(full);
        const char *content = strchr(*f, '\n');

        assert_int_equal(g_mkdir_with_parents(folder, 0755), 0);
        assert_true(g_file_set_contents(full, content != NULL ? content + 1 : "", -1, NULL));
    }
    assert_int_equal(g_mkdir_with_parents(bus, 0755), 0);
    assert_int_equal(symlink("../../../devices/platform/cxl/dax0.0", link), 0);
    struct loaded l = load(root);
    assert_non_null(l.m);
    check_sample(l.m);
    unload(&l);
    remove_folder(root);
}

static void
sixty_four_nodes_are_read_and_sixty_five_refused(void **state)
{
    for (guint nr = 64; nr <= 65; nr++) {
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
        struct loaded l;

        g_ptr_array_add(files, g_strdup("sys/devices/system/cpu/online\n0-127"));
        g_ptr_array_add(files, g_strdup_printf("sys/devices/system/node/online\n0-%u", nr - 1));
        for (guint i = 0; i < nr; i++)
            g_ptr_array_add(files,
                            g_strdup_printf("sys/devices/system/node/node%u/cpulist\n%u", i, i));
        g_ptr_array_add(files, NULL);
        import_files((char **)files->pdata, &l);
        assert_true((l.m != NULL) == (nr == 64));
        unload(&l);
    }
}

static void
a_snapshot_without_cpus_is_refused(void **state)
{
    char *files[] = { (char[]){ "proc/cpuinfo\nprocessor : 0" }, NULL };
    struct loaded l;

    assert_null(import_files(files, &l));
    g_autofree char *why = diag_text(&l.diag);
    assert_string_equal(why, "box: no CPU is in it (no sys/devices/system/cpu/cpuN); expected a "
                             "snapshot of /proc and /sys as hwloc-gather-topology makes it\n");
    unload(&l);
}

/* ---- hostile archives ---- */

static void
add_tar_entry(GByteArray *tar, const char *path, const char *size_octal, const char *content)
{
    guint8 header[512] = { 0 };
    guint sum = 0, len = (guint)strlen(content);

    memcpy(header, path, SIM_MIN(strlen(path), (gsize)100));
    memcpy(header + 100, "0000644", 8);
    memcpy(header + 124, size_octal, strlen(size_octal));
    memset(header + 148, ' ', 8);
    header[156] = '0';
    memcpy(header + 257, "ustar\00000", 8);
    for (guint i = 0; i < sizeof(header); i++)
        sum += header[i];
    g_snprintf((char *)header + 148, 8, "%06o", sum);
    g_byte_array_append(tar, header, sizeof(header));
    g_byte_array_append(tar, (const guint8 *)content, len);
    g_byte_array_set_size(tar, (tar->len + 511) / 512 * 512);
}

static char *
unpack_message(const GByteArray *tar, gsize most)
{
    const struct unpack_job job = {
        .data = (const char *)tar->data, .len = tar->len, .most = most, .wanted = snapshot_wants
    };
    struct diag d;
    bool is_archive;

    diag_init(&d);
    GString *out = import_unpack("box.tar", &job, &is_archive, &d);
    assert_true((out == NULL) == diag_failed(&d));
    char *text = out != NULL ? g_strdup("") : diag_text(&d);
    if (out != NULL)
        g_string_free(out, TRUE);
    diag_clear(&d);
    return text;
}

static void
archives_that_promise_too_much_are_refused_before_they_are_read(void **state)
{
    g_autoptr(GByteArray) tar = g_byte_array_new();

    add_tar_entry(tar, "box/README", "77777777777", ""); /* 8 GiB */
    g_autofree char *why = unpack_message(tar, 256 << 20);
    assert_string_equal(why,
                        "box.tar:1:1: unpacks to more than 256 MiB; expected at most that much\n");
}

static void
names_that_climb_out_of_an_archive_are_only_names(void **state)
{
    g_autoptr(GByteArray) tar = g_byte_array_new();

    add_tar_entry(tar, "../../../../sys/devices/system/cpu/online", "00000000003", "0-3");
    add_tar_entry(tar, "/etc/passwd", "00000000003", "abc");
    g_autofree char *why = unpack_message(tar, 1 << 20);
    assert_string_equal(why, "");
}

static void
a_truncated_archive_is_refused(void **state)
{
    g_autoptr(GByteArray) tar = g_byte_array_new();

    add_tar_entry(tar, "box/sys/devices/system/cpu/online", "00000001000", "0-3");
    g_byte_array_set_size(tar, 600);
    g_autofree char *why = unpack_message(tar, 1 << 20);
    assert_true(g_str_has_prefix(why, "box.tar:1:1: the data is damaged or cut off"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_read_like_an_archive),
        cmocka_unit_test(sixty_four_nodes_are_read_and_sixty_five_refused),
        cmocka_unit_test(a_snapshot_without_cpus_is_refused),
        cmocka_unit_test(archives_that_promise_too_much_are_refused_before_they_are_read),
        cmocka_unit_test(names_that_climb_out_of_an_archive_are_only_names),
        cmocka_unit_test(a_truncated_archive_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * hwloc-gather-topology and `lscpu --sysroot` snapshots hold thousands of files, of which a machine
 * needs a few for each CPU and node. In an archive the wanted ones are told by their path and kept
 * in a table; a folder is asked file by file. Both answer the same questions, so the reader of /sys
 * does not know which one it reads, and a test can give it a table of its own.
 *
 * The path inside an archive begins with the name of the snapshot ("box/sys/devices/..."): it is
 * cut to what follows the last "sys/devices/" or "proc/" that begins a component.
 */
#include "config/import_snapshot.h"

#include <stdio.h>

enum { FILE_MOST = 1 << 20 };

#define SYSTEM "sys/devices/system/"

/* From the component on that begins with `start`; NULL without one. */
static const char *
cut(const char *path, const char *start)
{
    for (const char *at = path; (at = strstr(at, start)) != NULL; at++)
        if (at == path || at[-1] == '/')
            return at;
    return NULL;
}

static const char *
inner_path(const char *path)
{
    static const char *const starts[] = { "sys/devices/", "sys/bus/dax/devices/", "proc/cpuinfo",
                                          "proc/meminfo" };

    for (gsize i = 0; i < ARRAY_LEN(starts); i++) {
        const char *inner = cut(path, starts[i]);

        if (inner != NULL)
            return inner;
    }
    return NULL;
}

static bool
is_cpu_file(const char *path)
{
    static const char *const patterns[] = {
        "cpu/online",          "cpu/present",           "cpu/possible",
        "cpu/cpu*/online",     "cpu/cpu*/cpu_capacity", "cpu/cpu*/topology/*",
        "cpu/cpu*/cache/*",    "cpu/cpu*/cpufreq/*",    "cpu/cpu*/node*",
        "cpu/cpufreq/policy*",
    };

    for (gsize i = 0; i < ARRAY_LEN(patterns); i++)
        if (g_pattern_match_simple(patterns[i], path))
            return true;
    return false;
}

static bool
is_node_file(const char *path)
{
    static const char *const patterns[] = { "node/online",
                                            "node/node*/cpulist",
                                            "node/node*/cpumap",
                                            "node/node*/distance",
                                            "node/node*/meminfo",
                                            "node/node*/cpu*",
                                            "node/node*/access?/initiators/*",
                                            "node/node*/memory_side_cache/*" };

    for (gsize i = 0; i < ARRAY_LEN(patterns); i++)
        if (g_pattern_match_simple(patterns[i], path))
            return true;
    return false;
}

bool
snapshot_wants(const char *path)
{
    const char *inner = inner_path(path);

    if (inner == NULL || !g_str_is_ascii(inner)) /* GLib's patterns want UTF-8 */
        return false;
    if (!g_str_has_prefix(inner, "sys/devices/"))
        return true;
    if (g_str_has_prefix(inner, SYSTEM))
        return is_cpu_file(inner + strlen(SYSTEM)) || is_node_file(inner + strlen(SYSTEM));
    return g_str_equal(inner, "sys/devices/cpu_core/cpus") ||
           g_str_equal(inner, "sys/devices/cpu_atom/cpus") ||
           (g_str_has_suffix(inner, "/target_node") && strstr(inner, "/dax") != NULL);
}

void
snapshot_init(struct snapshot *s, const char *root)
{
    s->root = g_strdup(root);
    s->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void
snapshot_clear(struct snapshot *s)
{
    g_free(s->root);
    g_hash_table_unref(s->files);
}

/* Folders are remembered too, as entries without content: cpu5 exists if anything in it does. */
static void
add_folders(struct snapshot *s, const char *path)
{
    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++) {
        g_autofree char *folder = g_strndup(path, (gsize)(slash - path));

        if (!g_hash_table_contains(s->files, folder))
            g_hash_table_insert(s->files, g_steal_pointer(&folder), NULL);
    }
}

void
snapshot_add(struct snapshot *s, const char *path, const char *content)
{
    const char *inner = inner_path(path);

    if (inner == NULL)
        return;
    add_folders(s, inner);
    g_hash_table_insert(s->files, g_strdup(inner), g_strdup(content));
}

bool
snapshot_add_files(struct snapshot *s, const GString *files)
{
    const char *at = files->str, *end = files->str + files->len;

    while (at < end) {
        const char *path_end = memchr(at, '\0', (gsize)(end - at));
        const char *content_end =
            path_end == NULL ? NULL : memchr(path_end + 1, '\0', (gsize)(end - path_end - 1));

        if (content_end == NULL)
            return false;
        snapshot_add(s, at, path_end + 1);
        at = content_end + 1;
    }
    return true;
}

/* Pseudo files tell no size: what there is, is read, up to a limit. */
static char *
read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    GString *all;
    char chunk[8192];
    gsize got;

    if (f == NULL)
        return NULL;
    all = g_string_new(NULL);
    while (all->len < FILE_MOST && (got = fread(chunk, 1, sizeof(chunk), f)) > 0)
        g_string_append_len(all, chunk, (gssize)got);
    bool failed = ferror(f) != 0;
    fclose(f);
    return g_string_free(all, failed);
}

static char *
read_path(const struct snapshot *s, const char *path)
{
    char *text;

    if (s->root == NULL) {
        text = g_strdup(g_hash_table_lookup(s->files, path));
    } else {
        g_autofree char *full = g_build_filename(s->root, path, NULL);
        text = g_file_test(full, G_FILE_TEST_IS_REGULAR) ? read_file(full) : NULL;
    }
    return text == NULL ? NULL : g_strchomp(text);
}

char *
snapshot_read(const struct snapshot *s, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *path = g_strdup_vprintf(fmt, args);
    va_end(args);
    return read_path(s, path);
}

bool
snapshot_has(const struct snapshot *s, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *path = g_strdup_vprintf(fmt, args);
    va_end(args);
    if (s->root == NULL)
        return g_hash_table_contains(s->files, path);
    g_autofree char *full = g_build_filename(s->root, path, NULL);
    return g_file_test(full, G_FILE_TEST_EXISTS);
}

gint64
snapshot_number(const struct snapshot *s, gint64 otherwise, const char *fmt, ...)
{
    va_list args;
    gint64 value;

    va_start(args, fmt);
    g_autofree char *path = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_autofree char *text = read_path(s, path);
    return text != NULL && g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &value, NULL)
               ? value
               : otherwise;
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In a folder the links of the bus lead to the devices; their target tells what they hang on. */
static void
add_linked_devices(const struct snapshot *s, GPtrArray *paths)
{
    g_autofree char *bus = g_build_filename(s->root, "sys/bus/dax/devices", NULL);
    g_autoptr(GDir) dir = g_dir_open(bus, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *link = g_build_filename(bus, name, NULL);
        g_autofree char *target = g_file_read_link(link, NULL);
        const char *device = target != NULL ? cut(target, "devices/") : NULL;

        if (device != NULL)
            g_ptr_array_add(paths, g_strdup_printf("sys/%s/target_node", device));
    }
}

GPtrArray *
snapshot_dax_devices(const struct snapshot *s)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter it;
    gpointer path;

    g_hash_table_iter_init(&it, s->files);
    while (g_hash_table_iter_next(&it, &path, NULL))
        if (g_str_has_suffix(path, "/target_node"))
            g_ptr_array_add(paths, g_strdup(path));
    if (s->root != NULL)
        add_linked_devices(s, paths);
    g_ptr_array_sort(paths, by_text);
    return paths;
}

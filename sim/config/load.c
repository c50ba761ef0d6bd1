/*
 * A machine by whatever the user has of it: a shipped name, a file in one of many formats, a
 * snapshot of /sys, an hwloc string, or nothing at all.
 *
 * A word without a slash is a shipped name first; if there is none, it may be a file beside the
 * user. What a file is, its content says: people rename files, and `numactl -H > box` has no ending
 * at all. The machine for users who give none is compiled in, because `numasim compare` must answer
 * also where nobody has installed the data.
 */
#include "config/load.h"

#include "config/import_archive.h"
#include "config/import_lscpu.h"
#include "config/import_sysfs.h"
#include "config/yaml_tree.h"
#include "embedded.h"

enum { FILE_MAX = 64 << 20, UNPACKED_MAX = 256 << 20 };

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files of a folder, and of folders in it: those as "folder/name". */
static void
add_names(GPtrArray *names, const char *path, const char *prefix)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *file;

    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *inner = g_build_filename(path, file, NULL);

        if (g_str_has_suffix(file, ".yaml"))
            g_ptr_array_add(names, g_strdup_printf("%s%.*s", prefix,
                                                   (int)(strlen(file) - strlen(".yaml")), file));
        else if (*prefix == '\0' && g_file_test(inner, G_FILE_TEST_IS_DIR)) {
            g_autofree char *folder = g_strconcat(file, "/", NULL);
            add_names(names, inner, folder);
        }
    }
}

char **
shipped_names(const char *data_dir, const char *folder)
{
    g_autofree char *path = g_build_filename(data_dir, folder, NULL);
    GPtrArray *names = g_ptr_array_new();

    add_names(names, path, "");
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static bool
looks_like_golden(const char *text, gsize len)
{
    while (len > 0 && g_ascii_isspace(*text))
        text++, len--;
    return len > 0 && *text == '{' && g_strstr_len(text, (gssize)len, "\"online\"") != NULL;
}

/* A file with what `lstopo --of synthetic` prints: one line, whose last level is pu. */
static bool
looks_like_synthetic_line(const char *text, gsize len)
{
    enum { LINE_MOST = 4096 };
    g_autofree char *line = len <= LINE_MOST ? g_ascii_strdown(text, (gssize)len) : NULL;

    return line != NULL && strchr(g_strstrip(line), '\n') == NULL && strstr(line, " pu:") != NULL &&
           strstr(line, ": ") == NULL;
}

static struct machine *
load_synthetic_line(const char *text, gsize len, struct arena *a, struct diag *d)
{
    g_autofree char *line = g_strndup(text, len);
    g_autofree char *spec = g_strconcat("hwloc:", g_strstrip(line), NULL);

    return import_hwloc_synthetic(spec, a, d);
}

static struct machine *
load_text(const char *path, const char *text, gsize len, struct arena *a, struct diag *d)
{
    if (len > 9 && memcmp(text, "Machine (", 9) == 0) {
        diag_error(d, path, 1, 1, NULL,
                   "this is lstopo's text for people, which lacks distances; write a file with: "
                   "lstopo machine.xml");
        return NULL;
    }
    if (looks_like_synthetic_line(text, len))
        return load_synthetic_line(text, len, a, d);
    if (looks_like_hwloc_xml(text, len))
        return import_hwloc_xml(path, text, len, a, d);
    if (looks_like_golden(text, len))
        return import_golden(path, text, len, a, d);
    if (looks_like_lscpu(text, len))
        return import_lscpu(path, text, len, a, d);
    if (looks_like_numactl(text, len))
        return import_numactl(path, text, len, a, d);
    return topology_yaml_load(path, text, len, a, d);
}

static struct machine *
load_folder(const char *path, struct arena *a, struct diag *d)
{
    struct snapshot s;

    snapshot_init(&s, path);
    struct machine *m = import_sysfs(path, &s, a, d);
    snapshot_clear(&s);
    return m;
}

static struct machine *
load_archive(const char *path, const GString *files, struct arena *a, struct diag *d)
{
    struct machine *m = NULL;
    struct snapshot s;

    snapshot_init(&s, NULL);
    if (snapshot_add_files(&s, files))
        m = import_sysfs(path, &s, a, d);
    else
        diag_error(d, path, 1, 1, NULL, "the archive cannot be understood; expected a tar file");
    snapshot_clear(&s);
    return m;
}

static struct machine *
load_packed(const char *path, const char *data, gsize len, struct arena *a, struct diag *d)
{
    const struct unpack_job job = {
        .data = data, .len = len, .most = UNPACKED_MAX, .wanted = snapshot_wants
    };
    bool is_archive;
    GString *content = import_unpack(path, &job, &is_archive, d);
    struct machine *m = content == NULL ? NULL
                        : is_archive    ? load_archive(path, content, a, d)
                                        : load_text(path, content->str, content->len, a, d);

    if (content != NULL)
        g_string_free(content, TRUE);
    return m;
}

static struct machine *
load_file(const char *path, struct arena *a, struct diag *d)
{
    g_autofree char *text = NULL;
    gsize len;

    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return load_folder(path, a, d);
    if (!read_whole_file(path, FILE_MAX, &text, &len, d))
        return NULL;
    return looks_like_compressed(text, len) || looks_like_tar(text, len)
               ? load_packed(path, text, len, a, d)
               : load_text(path, text, len, a, d);
}

struct machine *
load_this_machine(struct arena *a, struct diag *d)
{
    struct snapshot s;

    snapshot_init(&s, "/");
    struct machine *m = import_sysfs("captured", &s, a, d);
    snapshot_clear(&s);
    return m;
}

static bool
is_name(const char *spec)
{
    return strchr(spec, '/') == NULL && strcmp(spec, "-") != 0;
}

struct machine *
load_machine(const char *spec, struct arena *a, struct diag *d)
{
    if (spec == NULL)
        return topology_yaml_load("four-node.yaml", embedded_four_node,
                                  sizeof(embedded_four_node) - 1, a, d);
    if (looks_like_hwloc_synthetic(spec))
        return import_hwloc_synthetic(spec, a, d);
    if (is_name(spec)) {
        g_autofree char *file = g_strconcat(spec, ".yaml", NULL);
        g_autofree char *path = g_build_filename(d->data_dir, "topologies", file, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
            return load_file(path, a, d);
        if (strcmp(spec, "four-node") == 0)
            return load_machine(NULL, a, d);
        if (!g_file_test(spec, G_FILE_TEST_EXISTS)) {
            g_auto(GStrv) names = shipped_names(d->data_dir, "topologies");
            g_autofree char *hint = did_you_mean(spec, (const char *const *)names);
            g_autofree char *excerpt = diag_excerpt(spec);
            diag_error(d, NULL, 0, 0, NULL, "there is no topology '%s', and no such file%s",
                       excerpt, hint);
            return NULL;
        }
    }
    return load_file(spec, a, d);
}

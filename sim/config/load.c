/*
 * A machine by whatever the user has of it: a shipped name, a file in one of five formats, an hwloc
 * string, or nothing at all.
 *
 * A word without a slash is a shipped name first; if there is none, it may be a file beside the
 * user. What a file is, its content says: people rename files, and `numactl -H > box` has no ending
 * at all. The machine for users who give none is compiled in, because `numasim compare` must answer
 * also where nobody has installed the data.
 */
#include "config/load.h"

#include "config/import.h"
#include "config/yaml_tree.h"
#include "embedded.h"

#include <gio/gio.h>

enum { UNPACKED_MAX = 64 << 20 };

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
shipped_names(const char *data_dir, const char *folder)
{
    g_autofree char *path = g_build_filename(data_dir, folder, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    GPtrArray *names = g_ptr_array_new();
    const char *file;

    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL)
        if (g_str_has_suffix(file, ".yaml"))
            g_ptr_array_add(names, g_strndup(file, strlen(file) - strlen(".yaml")));
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

static struct machine *
load_text(const char *path, const char *text, gsize len, struct arena *a, struct diag *d)
{
    if (looks_like_hwloc_xml(text, len))
        return import_hwloc_xml(path, text, len, a, d);
    if (looks_like_golden(text, len))
        return import_golden(path, text, len, a, d);
    if (looks_like_numactl(text, len))
        return import_numactl(path, text, len, a, d);
    return topology_yaml_load(path, text, len, a, d);
}

static struct machine *
load_file(const char *path, struct arena *a, struct diag *d)
{
    g_autofree char *text = NULL, *unpacked = NULL;
    gsize len;

    if (!read_whole_file(path, YAML_BYTES_MAX, &text, &len, d))
        return NULL;
    if (!looks_like_gzip(text, len))
        return load_text(path, text, len, a, d);
    unpacked = import_gunzip(path, text, len, UNPACKED_MAX, &len, d);
    return unpacked == NULL ? NULL : load_text(path, unpacked, len, a, d);
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

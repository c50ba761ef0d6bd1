/*
 * Workload files: found by name or path, read, and written again.
 *
 * A file may be `base: NAME` with `set:`, a variant of another one: the base is loaded with those
 * settings for its parameters, and the command line's on top.
 */
#include "config/import_archive.h"
#include "config/import_rtapp.h"
#include "config/import_trace_workload.h"
#include "config/workload_yaml_load.h"

#include "embedded.h"

enum { BASE_DEPTH_MAX = 4 };

static struct workload *load_text(const char *path, const char *text, gsize len,
                                  const char *const *settings, guint depth, struct arena *a,
                                  struct diag *d);
static struct workload *load_named(const char *spec, const char *folder,
                                   const char *const *settings, guint depth, struct arena *a,
                                   struct diag *d);

static void
check_version(struct wload *l)
{
    const struct ynode *version = ynode_get(l->doc.root, "version");

    if (version == NULL)
        ynode_error(&l->doc, l->doc.root, "'version' is missing; write 'version: 1'");
    else if (version->kind != YNODE_SCALAR || strcmp(version->text, "1") != 0)
        ynode_error(&l->doc, version, "this version of the format is not known; write 1");
}

/* A file that is another one with other settings. */
static struct workload *
load_variant(struct wload *l, const char *const *settings, guint depth)
{
    static const char *const keys[] = { "version", "name", "doc", "base", "set", NULL };
    const struct ynode *base = ynode_get(l->doc.root, "base"), *set = ynode_get(l->doc.root, "set");
    const char *name = wload_name(l, ynode_get(l->doc.root, "name"));
    const char *doc = wload_text_at(l, l->doc.root, "doc");
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    ynode_check_keys(&l->doc, l->doc.root, NULL, keys);
    if (ynode_string(&l->doc, base) == NULL)
        return NULL;
    if (depth >= BASE_DEPTH_MAX) {
        ynode_error(&l->doc, base, "files are based on each other more than %d times",
                    BASE_DEPTH_MAX);
        return NULL;
    }
    for (guint i = 0; set != NULL && ynode_expect(&l->doc, set, YNODE_MAP) && i < set->nr; i++)
        if (ynode_string(&l->doc, set->values[i]) != NULL)
            g_ptr_array_add(all,
                            g_strdup_printf("%s=%s", set->keys[i]->text, set->values[i]->text));
    for (; settings != NULL && *settings != NULL; settings++)
        g_ptr_array_add(all, g_strdup(*settings));
    g_ptr_array_add(all, NULL);
    if (diag_failed(l->doc.diag))
        return NULL;
    g_autofree char *folder = g_path_get_dirname(l->doc.file);
    struct workload *w = load_named(base->text, folder, (const char *const *)all->pdata, depth + 1,
                                    l->doc.arena, l->doc.diag);
    if (w == NULL)
        return NULL;
    w->name = name != NULL ? name : w->name;
    w->doc = doc != NULL ? doc : w->doc;
    return w;
}

/* A file that names a recorded trace. */
static struct workload *
load_recording(struct wload *l, const char *const *settings)
{
    static const char *const keys[] = { "version", "name", "doc", "trace", NULL };
    const struct ynode *name = ynode_get(l->doc.root, "name");
    const char *given = name != NULL ? wload_name(l, name) : NULL;
    const char *doc = wload_text_at(l, l->doc.root, "doc");

    ynode_check_keys(&l->doc, l->doc.root, NULL, keys);
    if (diag_failed(l->doc.diag))
        return NULL;
    struct workload *w = import_trace_yaml(&l->doc, ynode_get(l->doc.root, "trace"), settings);
    if (w == NULL)
        return NULL;
    w->name = given != NULL ? given : w->name;
    w->doc = doc != NULL ? doc : w->doc;
    return w;
}

static struct workload *
load_whole(struct wload *l, const char *const *settings)
{
    const struct ynode *name = ynode_get(l->doc.root, "name");

    l->w->name = wload_name(l, name);
    l->w->doc = wload_text_at(l, l->doc.root, "doc");
    if (name == NULL)
        ynode_error(&l->doc, l->doc.root, "'name' is missing");
    if (!wload_parameters(l, settings))
        return NULL;
    g_autofree char *source = wload_source(l);
    l->w->source = arena_strdup(l->doc.arena, source);
    wload_substitute(l);
    if (!wload_settle_cases(l, l->doc.root))
        return NULL;
    l->dists = g_array_new(FALSE, TRUE, sizeof(struct wdist));
    l->devices = g_array_new(FALSE, TRUE, sizeof(struct wdevice));
    wload_read(l);
    l->w->dists = wload_to_arena(l, l->dists, &l->w->nr_dists);
    g_array_unref(l->dists);
    l->w->devices = wload_to_arena(l, l->devices, &l->w->nr_devices);
    g_array_unref(l->devices);
    return diag_failed(l->doc.diag) ? NULL : l->w;
}

static struct workload *
load_text(const char *path, const char *text, gsize len, const char *const *settings, guint depth,
          struct arena *a, struct diag *d)
{
    struct wload l = { .process = -1, .group = -1 };

    if (!yaml_load_text(&l.doc, path, text, len, a, d) ||
        ynode_expect(&l.doc, l.doc.root, YNODE_MAP) == NULL)
        return NULL;
    l.w = arena_new_object(a, struct workload);
    l.w->arena = a;
    l.w->file = l.doc.file;
    check_version(&l);
    if (ynode_get(l.doc.root, "base") != NULL)
        return load_variant(&l, settings, depth);
    if (ynode_get(l.doc.root, "trace") != NULL)
        return load_recording(&l, settings);
    return load_whole(&l, settings);
}

struct workload *
workload_tree_load(struct yaml_doc *doc, const char *const *settings)
{
    struct wload l = { .doc = *doc, .process = -1, .group = -1 };

    l.w = arena_new_object(doc->arena, struct workload);
    l.w->arena = doc->arena;
    l.w->file = doc->file;
    return load_whole(&l, settings);
}

struct workload *
workload_yaml_load(const char *path, const char *text, gsize len, const char *const *settings,
                   struct arena *a, struct diag *d)
{
    return load_text(path, text, len, settings, 0, a, d);
}

/* What a file is, its content says. */
static struct workload *
load_file(const char *path, const char *const *settings, guint depth, struct arena *a,
          struct diag *d)
{
    g_autofree char *text = NULL;
    gsize len;

    if (strcmp(path, "-") != 0 && looks_like_trace_file(path))
        return import_trace_workload(path, settings, a, d);
    if (!read_whole_file(path, YAML_BYTES_MAX, &text, &len, d))
        return NULL;
    if (looks_like_compressed(text, len)) {
        char *plain = import_unpack_text(path, text, len, YAML_BYTES_MAX, &len, d);

        if (plain == NULL)
            return NULL;
        g_free(text);
        text = plain;
    }
    if (looks_like_rtapp(text, len))
        return import_rtapp(path, text, len, settings, a, d);
    return load_text(path, text, len, settings, depth, a, d);
}

/* A shipped name; else a file beside `folder`. */
static struct workload *
load_named(const char *spec, const char *folder, const char *const *settings, guint depth,
           struct arena *a, struct diag *d)
{
    g_autofree char *file = g_strconcat(spec, ".yaml", NULL);
    g_autofree char *shipped = g_build_filename(d->data_dir, "workloads", file, NULL);
    g_autofree char *beside = folder == NULL || g_path_is_absolute(spec)
                                  ? g_strdup(spec)
                                  : g_build_filename(folder, spec, NULL);
    bool is_name = strchr(spec, '/') == NULL && strcmp(spec, "-") != 0;
    bool in_folder =
        !is_name && !g_path_is_absolute(spec) && !g_file_test(beside, G_FILE_TEST_EXISTS);

    if ((is_name || in_folder) && g_file_test(shipped, G_FILE_TEST_IS_REGULAR))
        return load_file(shipped, settings, depth, a, d);
    if (is_name && strcmp(spec, "demo") == 0)
        return load_workload(NULL, settings, a, d);
    if (is_name && !g_file_test(beside, G_FILE_TEST_EXISTS)) {
        g_auto(GStrv) names = shipped_names(d->data_dir, "workloads");
        g_autofree char *hint = did_you_mean(spec, (const char *const *)names);
        g_autofree char *excerpt = diag_excerpt(spec);
        diag_error(d, NULL, 0, 0, NULL, "there is no workload '%s', and no such file%s", excerpt,
                   hint);
        return NULL;
    }
    return load_file(beside, settings, depth, a, d);
}

struct workload *
load_workload(const char *spec, const char *const *settings, struct arena *a, struct diag *d)
{
    if (spec == NULL)
        return workload_yaml_load("demo.yaml", embedded_demo, sizeof(embedded_demo) - 1, settings,
                                  a, d);
    return load_named(spec, NULL, settings, 0, a, d);
}

/* ---- writing ---- */

void
workload_yaml_write(const struct workload *w, const char *dir, unsigned indent, GString *out)
{
    g_autoptr(GString) head = g_string_new(NULL);

    g_string_append_printf(out, "%*sname: %s\n", (int)indent, "", w->name);
    if (w->doc != NULL) {
        wload_put_text(head, w->doc);
        g_string_append_printf(out, "%*sdoc: %s\n", (int)indent, "", head->str);
    }
    if (w->replay != NULL) {
        import_trace_write(w, dir, indent, out);
        return;
    }
    for (const char *at = w->source; *at != '\0';) {
        const char *end = strchr(at, '\n');
        gsize len = end == NULL ? strlen(at) : (gsize)(end - at) + 1;

        g_string_append_printf(out, "%*s", (int)indent, "");
        g_string_append_len(out, at, (gssize)len);
        at += len;
    }
}

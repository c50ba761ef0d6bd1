/*
 * Output folders.
 *
 * Replacing means deleting, and what is deleted must be ours: a folder is replaced as a whole only
 * if it has a manifest that numasim wrote. With --force, files go one by one into any other folder
 * and leave what they do not name, so that `-o ~ --force` is a nuisance and not a disaster. The
 * manifest is among those files, so it says that the folder is shared: or a second
 * `-o ~ --force` would take all of it for ours.
 */
#include "cli/folder.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

static const char manifest_start[] = "numasim: ";
static const char shared_mark[] = "\nshared_folder: yes";

bool
folder_fail(GError **error, const char *path, int code)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(code), "%s: %s", path,
                g_strerror(code));
    return false;
}

static bool
refuse(GError **error, const char *path, const char *why)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST, "%s: %s", path, why);
    return false;
}

void
remove_tree(const char *path)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;
        while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
            g_autofree char *inside = g_build_filename(path, name, NULL);
            remove_tree(inside);
        }
    }
    g_remove(path);
}

bool
folder_is_ours(const char *path)
{
    g_autofree char *manifest = g_build_filename(path, "manifest.yaml", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(manifest, &text, NULL, NULL) &&
           g_str_has_prefix(text, manifest_start) && strstr(text, shared_mark) == NULL;
}

static bool
may_be_written(struct folder *f, bool chosen, bool force, GError **error)
{
    if (!g_file_test(f->final, G_FILE_TEST_EXISTS))
        return true;
    if (!g_file_test(f->final, G_FILE_TEST_IS_DIR))
        return refuse(error, f->final, "is there, and is no folder");
    if (chosen && !force)
        return refuse(error, f->final, "the folder exists; use --force to write into it");
    bool ours = folder_is_ours(f->final);
    if (!ours && !force)
        return refuse(error, f->final,
                      "numasim did not make this folder; use --force to write into it");
    f->merge = !ours;
    return true;
}

/* The topmost folder on the way to `path` that is not there yet; NULL: all are. */
static char *
first_missing(const char *path)
{
    char *missing = NULL;

    for (char *at = g_strdup(path); at != NULL;) {
        char *above = NULL;

        if (!g_file_test(at, G_FILE_TEST_EXISTS)) {
            g_free(missing);
            missing = g_strdup(at);
            above = g_path_get_dirname(at);
        }
        g_free(at);
        at = above;
    }
    return missing;
}

bool
folder_begin(struct folder *f, const char *final, bool chosen, bool force, GError **error)
{
    *f = (struct folder){ .final = g_strdup(final) };
    while (strlen(f->final) > 1 && g_str_has_suffix(f->final, "/"))
        f->final[strlen(f->final) - 1] = '\0';
    if (!may_be_written(f, chosen, force, error))
        return false;
    g_autofree char *parent = g_path_get_dirname(f->final);
    f->made = first_missing(parent);
    if (g_mkdir_with_parents(parent, 0777) != 0)
        return folder_fail(error, parent, errno);
    f->temporary = g_strdup_printf("%s.tmp-XXXXXX", f->final);
    if (g_mkdtemp_full(f->temporary, 0777) == NULL) {
        g_clear_pointer(&f->temporary, g_free);
        return folder_fail(error, f->final, errno);
    }
    return true;
}

static bool
mark_as_shared(const char *dir, GError **error)
{
    g_autofree char *manifest = g_build_filename(dir, "manifest.yaml", NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(manifest, &text, NULL, error))
        return false;
    g_autofree char *marked = g_strconcat(g_strchomp(text), shared_mark, "\n", NULL);
    return g_file_set_contents(manifest, marked, -1, error);
}

/* Each entry of `from` to `to`, folders in depth. */
static bool
merge_into(const char *from, const char *to, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(from, 0, error);
    const char *name;

    if (dir == NULL)
        return false;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *source = g_build_filename(from, name, NULL);
        g_autofree char *target = g_build_filename(to, name, NULL);
        if (g_file_test(source, G_FILE_TEST_IS_DIR) && g_file_test(target, G_FILE_TEST_IS_DIR)) {
            if (!merge_into(source, target, error))
                return false;
        } else if (g_rename(source, target) != 0)
            return folder_fail(error, target, errno);
    }
    return true;
}

static bool
replace(struct folder *f, GError **error)
{
    g_autofree char *old = g_strdup_printf("%s.old", f->temporary);
    bool had_old = g_rename(f->final, old) == 0;

    if (g_rename(f->temporary, f->final) != 0) {
        int code = errno;
        if (had_old)
            g_rename(old, f->final);
        return folder_fail(error, f->final, code);
    }
    if (had_old)
        remove_tree(old);
    return true;
}

static void
clear(struct folder *f)
{
    g_clear_pointer(&f->final, g_free);
    g_clear_pointer(&f->temporary, g_free);
    g_clear_pointer(&f->made, g_free);
}

bool
folder_finish(struct folder *f, GError **error)
{
    bool fine =
        f->merge ? mark_as_shared(f->temporary, error) && merge_into(f->temporary, f->final, error)
                 : replace(f, error);

    if (f->merge || !fine)
        remove_tree(f->temporary);
    clear(f);
    return fine;
}

/* Those that are not empty stay. */
static void
remove_made(const struct folder *f)
{
    g_autofree char *at = g_path_get_dirname(f->final);

    while (g_rmdir(at) == 0 && strcmp(at, f->made) != 0) {
        char *above = g_path_get_dirname(at);
        g_free(at);
        at = above;
    }
}

void
folder_discard(struct folder *f)
{
    if (f->temporary != NULL)
        remove_tree(f->temporary);
    if (f->made != NULL)
        remove_made(f);
    clear(f);
}

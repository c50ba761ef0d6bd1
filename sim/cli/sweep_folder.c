/*
 * The folder of a sweep.
 *
 * It is where the work is done, not a copy that is renamed at the end: what is finished must
 * survive a kill at any moment. So the folder says at once whose it is (grid.yaml), each file in it
 * is written in .tmp and renamed, points are logged as they end, and manifest.yaml says whether all
 * is there. A lock on the folder keeps a second sweep out.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/folder.h"
#include "cli/sweep.h"

bool
sweep_folder_place(const struct sweep_folder *f, const char *name, GError **error)
{
    g_autofree char *from = g_build_filename(f->tmp, name, NULL);
    g_autofree char *to = g_build_filename(f->dir, name, NULL);
    int file = g_open(from, O_RDONLY | O_CLOEXEC, 0);
    bool fine = file >= 0 && (fsync(file) == 0 || errno == EINVAL);

    if (file >= 0)
        close(file);
    return (fine && g_rename(from, to) == 0) || folder_fail(error, to, errno);
}

bool
sweep_folder_write(const struct sweep_folder *f, const char *name, const char *text, GError **error)
{
    return write_whole_file(f->tmp, name, text, error) && sweep_folder_place(f, name, error);
}

/* ---- whose folder it is ---- */

enum owner { OWNER_NOBODY, OWNER_THIS_GRID, OWNER_OTHER_GRID, OWNER_OTHER_COMMAND, OWNER_STRANGER };

static bool
is_empty(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
        if (strcmp(name, ".tmp") != 0) /* of a sweep that was killed before it had begun */
            return false;
    return dir != NULL;
}

static enum owner
owner_of(const char *path, const char *canonical)
{
    g_autofree char *grid = g_build_filename(path, "grid.yaml", NULL);
    g_autofree char *plan = g_build_filename(path, "plan.csv", NULL);
    g_autofree char *text = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS) || is_empty(path))
        return OWNER_NOBODY;
    if (g_file_get_contents(grid, &text, NULL, NULL)) {
        if (strcmp(text, canonical) == 0)
            return OWNER_THIS_GRID;
        if (g_file_test(plan, G_FILE_TEST_EXISTS))
            return OWNER_OTHER_GRID;
    }
    return folder_is_ours(path) ? OWNER_OTHER_COMMAND : OWNER_STRANGER;
}

/* Where folders cannot be locked (some network file systems) nobody is kept out. */
static bool
lock(const char *dir, int *file)
{
    *file = g_open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return *file < 0 || flock(*file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static bool
is_locked(const char *dir)
{
    int file;
    bool free = lock(dir, &file);

    if (file >= 0)
        close(file);
    return !free;
}

/* An exit code, after a message. */
static int
may_be_used(const struct sweep *s, const char *dir)
{
    enum owner owner = owner_of(dir, s->canonical);

    if (owner == OWNER_STRANGER)
        return cli_fail(EXIT_OUTPUT, "%s: is there, and numasim did not make it", dir);
    if (owner == OWNER_OTHER_GRID && !s->o.extend && !s->o.force)
        return cli_fail(EXIT_INPUT,
                        "%s: holds another grid than %s; write to another folder, or go on there "
                        "with --extend (points that both have are kept) or --force (nothing is)",
                        dir, s->name);
    if (owner == OWNER_OTHER_COMMAND && !s->o.force)
        return cli_fail(EXIT_INPUT, "%s: holds no sweep; write to another folder, or use --force",
                        dir);
    if (owner != OWNER_NOBODY && s->o.force && !is_locked(dir))
        remove_tree(dir);
    return EXIT_DONE;
}

/* ---- opening ---- */

static bool
take_lock(struct sweep_folder *f, GError **error)
{
    if (lock(f->dir, &f->lock))
        return f->lock >= 0 || folder_fail(error, f->dir, errno);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN, "%s: another sweep is at work there",
                f->dir);
    return false;
}

static bool
write_texts(struct sweep *s, GError **error)
{
    const struct sweep_folder *f = &s->folder;
    g_autofree char *manifest = g_strdup_printf("numasim: " NUMASIM_VERSION
                                                "\ncomplete: no\nend: \"at work, or killed\"\n");

    return sweep_folder_write(f, "grid.yaml", s->canonical, error) &&
           sweep_folder_write(f, "manifest.yaml", manifest, error) &&
           sweep_folder_write(f, "plan.csv", s->plan_text, error);
}

/* Tables of an earlier sweep that was not through would look like those of this one. */
static void
remove_tables(const struct sweep_folder *f)
{
    static const char *const tables[] = { "points.csv", "sweep.csv", "plots" };

    for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *path = g_build_filename(f->dir, tables[i], NULL);
        remove_tree(path);
    }
}

static bool
open_folder(struct sweep *s, GError **error)
{
    struct sweep_folder *f = &s->folder;

    if (g_mkdir_with_parents(f->dir, 0777) != 0)
        return folder_fail(error, f->dir, errno);
    if (!take_lock(f, error))
        return false;
    remove_tree(f->tmp);
    if (g_mkdir(f->tmp, 0777) != 0)
        return folder_fail(error, f->tmp, errno);
    remove_tables(f);
    if (!write_texts(s, error))
        return false;
    f->log = points_log_open(f->dir, true, error);
    return f->log != NULL;
}

int
sweep_folder_open(struct sweep *s, const char *dir)
{
    struct sweep_folder *f = &s->folder;
    g_autoptr(GError) error = NULL;

    *f = (struct sweep_folder){ .lock = -1, .dir = g_strdup(dir) };
    while (strlen(f->dir) > 1 && g_str_has_suffix(f->dir, "/"))
        f->dir[strlen(f->dir) - 1] = '\0';
    f->tmp = g_build_filename(f->dir, ".tmp", NULL);
    int code = may_be_used(s, f->dir);
    if (code != EXIT_DONE)
        return code;
    return open_folder(s, &error) ? EXIT_DONE : cli_fail(EXIT_OUTPUT, "%s", error->message);
}

void
sweep_folder_close(struct sweep_folder *f)
{
    if (f->log != NULL)
        remove_tree(f->tmp);
    points_log_close(f->log);
    if (f->lock >= 0)
        close(f->lock);
    g_free(f->dir);
    g_free(f->tmp);
    *f = (struct sweep_folder){ .lock = -1 };
}

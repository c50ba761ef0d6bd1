/*
 * numasim merge: the shards of a sweep become the sweep.
 *
 * A shard has the plan of the whole grid, with the key of every point; shards go together if their
 * plans are the same, byte by byte, which says that grid, inputs and program were. What results is
 * the folder of a sweep like any other: points that no shard has can still be run there.
 */
#include <errno.h>
#include <glib/gstdio.h>

#include "cli/folder.h"
#include "cli/sweep.h"

struct shard {
    char *dir, *grid, *plan;
};

static void
shard_free(gpointer data)
{
    struct shard *sh = data;

    g_free(sh->dir);
    g_free(sh->grid);
    g_free(sh->plan);
    g_free(sh);
}

static char *
read_text(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

/* An exit code; what is wrong with any of them is said at once. */
static int
read_shards(GPtrArray *shards, GStrv dirs)
{
    int code = EXIT_DONE;

    for (; *dirs != NULL; dirs++) {
        struct shard *sh = g_new0(struct shard, 1);
        const struct shard *first = shards->len > 0 ? shards->pdata[0] : sh;
        *sh = (struct shard){ g_strdup(*dirs), read_text(*dirs, "grid.yaml"),
                              read_text(*dirs, "plan.csv") };
        g_ptr_array_add(shards, sh);
        if (sh->grid == NULL || sh->plan == NULL)
            code = cli_fail(EXIT_INPUT, "%s: holds no sweep", sh->dir);
        else if (first->grid != NULL && strcmp(first->grid, sh->grid) != 0)
            code = cli_fail(EXIT_INPUT, "%s: holds another grid than %s", sh->dir, first->dir);
        else if (first->plan != NULL && strcmp(first->plan, sh->plan) != 0)
            code = cli_fail(EXIT_INPUT,
                            "%s: its inputs or its program differ from those of %s; sweep it again",
                            sh->dir, first->dir);
    }
    return code;
}

/* The name stands in every grid.yaml that we write. */
static char *
name_of(const char *grid)
{
    const char *at = g_str_has_prefix(grid, "name: \"") ? grid : strstr(grid, "\nname: \"");

    if (at == NULL)
        return g_strdup("sweep");
    at = strchr(at, '"') + 1;
    return g_strndup(at, strcspn(at, "\"\n"));
}

/* ---- copying ---- */

static bool
copy_tree(const char *from, const char *to, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(from, 0, error);
    const char *name;

    if (dir == NULL)
        return false;
    if (g_mkdir_with_parents(to, 0777) != 0)
        return folder_fail(error, to, errno);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *source = g_build_filename(from, name, NULL);
        g_autofree char *target = g_build_filename(to, name, NULL);
        g_autofree char *text = NULL;
        gsize len;
        bool fine = g_file_test(source, G_FILE_TEST_IS_DIR)
                        ? copy_tree(source, target, error)
                        : g_file_get_contents(source, &text, &len, error) &&
                              g_file_set_contents_full(target, text, (gssize)len,
                                                       G_FILE_SET_CONTENTS_NONE, 0666, error);
        if (!fine)
            return false;
    }
    return true;
}

/* A folder that is there already is of a run that failed, or of a merge that was killed. */
static bool
copy_run(const struct sweep *s, const struct shard *sh, const char *key, GError **error)
{
    g_autofree char *from = sweep_run_folder(sh->dir, key);
    g_autofree char *growing = sweep_run_folder(s->folder.tmp, key);
    g_autofree char *to = sweep_run_folder(s->folder.dir, key);
    g_autofree char *runs = g_path_get_dirname(to);

    remove_tree(growing);
    remove_tree(to);
    if (!g_file_test(from, G_FILE_TEST_IS_DIR))
        return true;
    if (!copy_tree(from, growing, error))
        return false;
    return (g_mkdir_with_parents(runs, 0777) == 0 && g_rename(growing, to) == 0) ||
           folder_fail(error, to, errno);
}

/* Where two shards have a point, one that is done wins. */
static bool
take_shard(struct sweep *s, const struct shard *sh, GError **error)
{
    struct points_log *log = points_log_open(sh->dir, false, error);
    bool fine = log != NULL;

    for (guint i = 0; fine && i < s->plan->nr; i++) {
        const char *key = sweep_plan_key(s->plan, i);
        const struct point_record *theirs = points_log_find(log, key);
        const struct point_record *ours = points_log_find(s->folder.log, key);
        if (theirs == NULL || (ours != NULL && strcmp(ours->status, "done") == 0))
            continue;
        /* said to be done only when it is all there */
        fine = copy_run(s, sh, key, error) && points_log_copy(log, &key, 1, s->folder.log, error);
    }
    points_log_close(log);
    return fine;
}

static int
merge(struct sweep *s, const GPtrArray *shards)
{
    const struct shard *first = shards->pdata[0];
    g_autofree char *name = name_of(first->grid);

    s->name = name;
    s->canonical = first->grid;
    s->plan_text = g_strdup(first->plan);
    s->plan = sweep_plan_parse(s->plan_text);
    if (s->plan == NULL)
        return cli_fail(EXIT_INPUT, "%s/plan.csv: is not as numasim wrote it", first->dir);
    int code = sweep_folder_open(s, s->o.out);
    for (guint i = 0; code == EXIT_DONE && s->error == NULL && i < shards->len; i++)
        take_shard(s, shards->pdata[i], &s->error);
    if (code == EXIT_DONE)
        code = sweep_finish(s);
    sweep_folder_close(&s->folder);
    sweep_plan_free(s->plan);
    return code;
}

static bool
same_folder(const char *a, const char *b)
{
    GStatBuf one, two;

    return g_stat(a, &one) == 0 && g_stat(b, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

static int
merge_parsed(struct sweep *s, const struct command *c, GStrv rest)
{
    g_autoptr(GPtrArray) shards = g_ptr_array_new_with_free_func(shard_free);

    if (rest[0] == NULL)
        return cli_usage(c, "write the folders of the shards");
    if (s->o.out == NULL)
        return cli_usage(c, "-o is missing; write the folder of the whole");
    for (guint i = 0; rest[i] != NULL; i++)
        if (same_folder(rest[i], s->o.out))
            return cli_usage(c, "-o is one of the shards; write another folder");
    int code = read_shards(shards, rest);
    return code == EXIT_DONE ? merge(s, shards) : code;
}

int
cmd_merge(const struct command *c, int argc, char **argv)
{
    struct sweep s = { .nr_shards = 1,
                       .started = g_get_monotonic_time(),
                       .command_line = g_strjoinv(" ", argv) };
    const GOptionEntry entries[] = {
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &s.o.out, "folder of the whole", "DIR" },
        { "force", 0, 0, G_OPTION_ARG_NONE, &s.o.force, "start anew: what is there is deleted",
          NULL },
        { "no-plot", 0, 0, G_OPTION_ARG_NONE, &s.o.no_plot, "no pictures", NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &s.o.quiet, "errors only", NULL },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    if (cli_parse(c, tables, argc, argv, &rest, &code))
        code = merge_parsed(&s, c, rest);
    g_free(s.o.out);
    g_free(s.plan_text);
    g_free(s.command_line);
    g_clear_error(&s.error);
    return code;
}

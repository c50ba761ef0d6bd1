/*
 * Engines that are somebody else's: GNU parallel and Slurm.
 *
 * Both run shards, each in a folder of its own, and then a merge; numasim only writes the scripts
 * and starts them if it can. A script that is run again goes on where it was, because a shard does.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/folder.h"
#include "cli/sweep.h"

struct script {
    char *numasim, *grid, *shards, *out; /* quoted for the shell */
    char *dir;                           /* of the shards, as it is */
    const struct sweep *s;
};

/* ---- texts ---- */

static void
sweep_line(const struct script *t, const char *shard, const char *jobs, GString *out)
{
    g_string_append_printf(out, "%s sweep %s --shard %s/%d -j %s -q --no-plot%s%s -o %s/%s",
                           t->numasim, t->grid, shard, t->s->o.jobs, jobs,
                           t->s->o.retry ? " --retry" : "", t->s->o.extend ? " --extend" : "",
                           t->shards, shard);
}

static void
merge_line(const struct script *t, GString *out)
{
    /* all that --extend keeps is in the shards */
    g_string_append_printf(out, "exec %s merge %s/[0-9]* -o %s%s%s%s\n", t->numasim, t->shards,
                           t->out, t->s->o.force || t->s->o.extend ? " --force" : "",
                           t->s->o.no_plot ? " --no-plot" : "", t->s->o.quiet ? " -q" : "");
}

static void
parallel_script(const struct script *t, GString *out)
{
    g_string_append_printf(out,
                           "#!/bin/sh\n# The grid %s in %d shards by GNU parallel, and their "
                           "merge.\nseq %d | parallel -j %d ",
                           t->s->name, t->s->o.jobs, t->s->o.jobs, t->s->o.jobs);
    g_autoptr(GString) line = g_string_new(NULL);
    sweep_line(t, "{}", "1", line);
    g_autofree char *quoted = g_shell_quote(line->str); /* parallel gives it to a shell */
    g_string_append_printf(out, "%s\n", quoted);
    merge_line(t, out);
}

/* A file as #SBATCH takes it: quoted, and without patterns but those in `name`. */
static char *
slurm_file(const struct script *t, const char *name)
{
    g_autoptr(GString) path = g_string_new(t->dir);

    g_string_replace(path, "%", "%%", 0);
    g_string_replace(path, "\\", "\\\\", 0);
    g_string_replace(path, "\"", "\\\"", 0);
    return g_strdup_printf("\"%s/%s\"", path->str, name);
}

static void
slurm_script(const struct script *t, GString *out)
{
    g_autofree char *file = slurm_file(t, "shard-%a.out");

    g_string_append_printf(out,
                           "#!/bin/sh\n#SBATCH --job-name=%s\n#SBATCH --array=1-%d\n"
                           "#SBATCH --cpus-per-task=1\n#SBATCH --output=%s\n",
                           t->s->name, t->s->o.jobs, file);
    sweep_line(t, "\"$SLURM_ARRAY_TASK_ID\"", "\"${SLURM_CPUS_PER_TASK:-1}\"", out);
    g_string_append_c(out, '\n');
}

static void
slurm_merge_script(const struct script *t, GString *out)
{
    g_autofree char *file = slurm_file(t, "merge.out");

    g_string_append_printf(out, "#!/bin/sh\n#SBATCH --job-name=%s-merge\n#SBATCH --output=%s\n",
                           t->s->name, file);
    merge_line(t, out);
}

static void
slurm_submit_script(const struct script *t, GString *out)
{
    g_string_append_printf(out,
                           "#!/bin/sh\n# The grid %s in %d shards by Slurm, and their merge.\n"
                           "job=$(sbatch --parsable %s/shard.sbatch) || exit 1\n"
                           "exec sbatch --dependency=afterany:\"${job%%%%;*}\" %s/merge.sbatch\n",
                           t->s->name, t->s->o.jobs, t->shards, t->shards);
}

/* ---- engines ---- */

static const struct script_file {
    const char *name;
    void (*write)(const struct script *t, GString *out);
} parallel_files[] = { { "run.sh", parallel_script }, { .name = NULL } },
  slurm_files[] = { { "shard.sbatch", slurm_script },
                    { "merge.sbatch", slurm_merge_script },
                    { "submit.sh", slurm_submit_script },
                    { .name = NULL } };

static const struct foreign_engine {
    const char *name, *program, *start; /* what must be installed; the script to run */
    const struct script_file *files;
} engines[] = {
    { "slurm", "sbatch", "submit.sh", slurm_files },
    { "parallel", "parallel", "run.sh", parallel_files },
};

static bool
write_scripts(const struct script *t, const struct foreign_engine *e, GError **error)
{
    if (g_mkdir_with_parents(t->dir, 0777) != 0)
        return folder_fail(error, t->dir, errno);
    for (const struct script_file *f = e->files; f->name != NULL; f++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *path = g_build_filename(t->dir, f->name, NULL);
        f->write(t, text);
        if (!write_whole_file(t->dir, f->name, text->str, error))
            return false;
        g_chmod(path, 0755);
    }
    return true;
}

static int
start_script(const struct script *t, const struct foreign_engine *e)
{
    g_autofree char *path = g_build_filename(t->dir, e->start, NULL);
    g_autofree char *found = g_find_program_in_path(e->program);
    g_autoptr(GError) error = NULL;
    char *argv[] = { (char *)(gsize) "sh", path, NULL };
    int status;

    if (found == NULL) {
        g_printerr("%s is not installed here; nothing was run. Where it is: sh %s\n", e->program,
                   path);
        return strcmp(e->name, "slurm") == 0 ? EXIT_DONE : EXIT_INPUT;
    }
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL,
                      NULL, NULL, NULL, &status, &error))
        return cli_fail(EXIT_OUTPUT, "%s", error->message);
    if (g_spawn_check_wait_status(status, NULL))
        return EXIT_DONE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_INTERRUPTED;
}

/* A path as it is from any folder; the name of a shipped grid stays a name. */
static char *
quoted_path(const char *path)
{
    g_autofree char *whole = g_file_test(path, G_FILE_TEST_EXISTS)
                                 ? g_canonicalize_filename(path, NULL)
                                 : g_strdup(path);

    return g_shell_quote(whole);
}

int
sweep_delegate(struct sweep *s, const char *grid, const char *dir)
{
    const struct foreign_engine *e = strcmp(s->o.engine, "slurm") == 0 ? &engines[0] : &engines[1];
    g_autofree char *out = g_canonicalize_filename(dir, NULL);
    g_autofree char *shards = g_strconcat(out, "-shards", NULL);
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autoptr(GError) error = NULL;

    if (s->nr_shards > 1)
        return cli_fail(EXIT_USAGE,
                        "--shard goes with --engine local; another engine makes shards");
    if (s->o.force)
        remove_tree(shards); /* not in the script, which goes on where it was */
    struct script t = { .numasim = g_shell_quote(self != NULL ? self : "numasim"),
                        .grid = quoted_path(grid),
                        .shards = g_shell_quote(shards),
                        .out = g_shell_quote(out),
                        .dir = shards,
                        .s = s };
    bool written = write_scripts(&t, e, &error);
    int code = written ? start_script(&t, e) : cli_fail(EXIT_OUTPUT, "%s", error->message);
    g_free(t.numasim);
    g_free(t.grid);
    g_free(t.shards);
    g_free(t.out);
    return code;
}

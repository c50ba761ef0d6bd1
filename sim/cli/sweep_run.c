/*
 * The points of a sweep, run.
 *
 * A worker gets the number of a point and leaves a text; the parent logs it. Whatever a point needs
 * was loaded before the first worker was made, so that a run costs what the run costs. Only the
 * parent writes the log.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <time.h>

#include "cli/folder.h"
#include "cli/sweep.h"
#include "cli/workers.h"
#include "report/run_report.h"

enum { SYNC_US = 1000000 };

char *
sweep_run_folder(const char *dir, const char *key)
{
    g_autofree char *name = g_strndup(key, 16);

    return g_build_filename(dir, "runs", name, NULL);
}

/* ---- in a worker ---- */

static double
cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Where the folder of the run grows; NULL: there will be none. */
static char *
begin_folder(const struct sweep *s, const char *key)
{
    if (!s->grid.folders)
        return NULL;
    char *dir = sweep_run_folder(s->folder.tmp, key);
    remove_tree(dir);
    g_mkdir_with_parents(dir, 0777);
    return dir;
}

/* `failure`: what the run said went wrong, or what is wrong here. */
static int
place_folder(const struct sweep *s, const char *key, const char *dir, int code, char **failure)
{
    g_autofree char *final = sweep_run_folder(s->folder.dir, key);
    g_autofree char *runs = g_path_get_dirname(final);

    if (dir == NULL || code == EXIT_INTERRUPTED)
        return code;
    remove_tree(final); /* of a sweep that was killed before it could log the point */
    if (g_mkdir_with_parents(runs, 0777) == 0 && g_rename(dir, final) == 0)
        return code;
    g_free(*failure);
    *failure = g_strdup_printf("%s: %s", final, g_strerror(errno));
    return EXIT_OUTPUT;
}

/* The payload of a point behind its CPU time. */
static int
job(guint index, GString *out, void *data)
{
    struct sweep *s = data;
    guint point = s->due[index];
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) rows = g_string_new(NULL);
    g_autofree char *dir = begin_folder(s, sweep_plan_key(s->plan, point));
    struct arena *a = arena_new();
    struct resolved run;
    double cpu = cpu_seconds();

    grid_resolve(&s->grid, point, a, &run);
    struct run_one r = { .run = &run,
                         .dir = dir,
                         .command_line = s->command_line,
                         .warnings = warnings,
                         .rows = rows,
                         .scopes = s->grid.scopes };
    int code = run_one(&r);
    cpu = cpu_seconds() - cpu;
    arena_free(a);
    code = place_folder(s, sweep_plan_key(s->plan, point), dir, code, &r.failure);
    g_string_append_len(out, (const char *)&cpu, sizeof(cpu));
    g_ptr_array_add(warnings, NULL);
    g_autofree char *said = g_strjoinv("; ", (char **)warnings->pdata);
    g_auto(GStrv) lines = r.failure != NULL ? g_strsplit(r.failure, "\n", -1) : NULL;
    g_autofree char *failure = lines != NULL ? g_strjoinv("; ", lines) : NULL;
    sweep_payload_begin(out, failure, said);
    g_string_append_len(out, rows->str, (gssize)rows->len);
    g_free(r.failure);
    return code;
}

/* ---- in the parent ---- */

static bool
keep(struct sweep *s, guint point, const char *status, int code, const char *payload, gsize bytes)
{
    gint64 now = g_get_monotonic_time();
    bool fine = points_log_add(s->folder.log, sweep_plan_key(s->plan, point), status, code, payload,
                               bytes, &s->error);

    if (fine && now - s->synced > SYNC_US) {
        s->synced = now;
        fine = points_log_sync(s->folder.log, &s->error);
    }
    return fine;
}

/* Killed from outside (no memory, say) is not a property of the point: it will be tried again. */
static bool
keep_crash(struct sweep *s, guint point, const struct job_result *r)
{
    g_autoptr(GString) payload = g_string_new(NULL);
    g_autofree char *said = g_strstrip(g_strdup(r->errors));
    g_autofree char *message = g_strdup_printf("the run crashed (%s)%s%s",
                                               r->signal != 0 ? g_strsignal(r->signal) : "exit",
                                               *said != '\0' ? ": " : "", said);
    bool killed = r->signal == SIGKILL || r->signal == SIGTERM;

    sweep_payload_begin(payload, message, NULL);
    return keep(s, point, killed ? "killed" : "crashed", job_code(r), payload->str, payload->len);
}

static bool
done(guint index, const struct job_result *r, const GString *out, void *data)
{
    struct sweep *s = data;
    guint point = s->due[index];
    int code = job_code(r);
    double cpu;

    if (code == EXIT_INTERRUPTED) {
        s->interrupted = true;
        return true;
    }
    if (r->signal != 0 || r->code < 0 || out->len < sizeof(cpu))
        return keep_crash(s, point, r);
    memcpy(&cpu, out->str, sizeof(cpu));
    s->cpu_in_runs += cpu;
    return keep(s, point, code == EXIT_DONE ? "done" : "failed", code, out->str + sizeof(cpu),
                out->len - sizeof(cpu));
}

static void
show(guint ended, guint nr, const void *data)
{
    const struct sweep *s = data;

    (void)nr;
    progress_show("sweep", (double)(s->nr_before + ended) / MAX(1, s->nr_own));
}

/* Points of ours that have no record yet, or one that does not count. */
static void
find_due(struct sweep *s)
{
    s->due = g_new(guint, s->plan->nr + 1);
    for (guint i = 0; i < s->plan->nr; i++) {
        const struct point_record *r = points_log_find(s->folder.log, sweep_plan_key(s->plan, i));
        if (!sweep_owns(s, i))
            continue;
        s->nr_own++;
        if (r != NULL && sweep_is_final(s, r))
            s->nr_before++;
        else
            s->due[s->nr_due++] = i;
    }
}

void
sweep_run(struct sweep *s)
{
    struct workers workers = { .parallel = (guint)s->o.jobs,
                               .job = job,
                               .done = done,
                               .stop = interrupted,
                               .progress = s->o.quiet ? NULL : show,
                               .data = s };

    find_due(s);
    if (s->nr_before > 0 && s->nr_due > 0 && !s->o.quiet)
        g_printerr("%u of %u points were finished before\n", s->nr_before, s->nr_own);
    interrupt_catch();
    workers.nr = s->nr_due;
    if (!workers_run(&workers))
        s->error = g_error_new(G_FILE_ERROR, G_FILE_ERROR_AGAIN, "no process can be made");
    progress_show("", -1);
    s->interrupted = s->interrupted || interrupted();
}

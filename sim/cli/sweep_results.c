/*
 * What a sweep leaves behind: the log in its final order, the tables, the manifest, pictures, and
 * what is said of it.
 */
#include <glib/gstdio.h>
#include <sys/resource.h>

#include "cli/folder.h"
#include "cli/plot_run.h"
#include "cli/sweep.h"
#include "cli/workers.h"
#include "config/load.h"
#include "report/csv.h"

static const struct point_record *
record(const struct sweep *s, guint point)
{
    return points_log_find(s->folder.log, sweep_plan_key(s->plan, point));
}

bool
sweep_is_final(const struct sweep *s, const struct point_record *r)
{
    if (strcmp(r->status, "done") == 0)
        return true;
    return !s->o.retry && strcmp(r->status, "killed") != 0 && r->code != EXIT_OUTPUT;
}

/* ---- tables ---- */

void
sweep_get_result(guint point, struct point_result *out, void *data)
{
    struct sweep *s = data;
    const struct point_record *r = record(s, point);

    *out = (struct point_result){ .status = "missing" };
    if (r == NULL)
        return;
    out->status = r->status;
    out->code = r->code;
    out->payload = points_log_payload(s->folder.log, r, s->error == NULL ? &s->error : NULL);
}

static bool *
find_shown(const struct sweep *s, bool *all)
{
    bool *shown = g_new(bool, s->plan->nr + 1);

    *all = true;
    for (guint i = 0; i < s->plan->nr; i++) {
        shown[i] = sweep_owns(s, i) || record(s, i) != NULL;
        *all = *all && shown[i];
    }
    return shown;
}

/* Records that could not be read are no results: the tables are not placed. */
static bool
all_read(struct sweep *s, GError **error)
{
    if (s->error == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&s->error));
    return false;
}

static bool
write_tables(struct sweep *s, GError **error)
{
    bool all;
    g_autofree bool *shown = find_shown(s, &all);
    const struct sweep_source source = { s->plan, shown, sweep_get_result, s };

    if (!sweep_write_points(&source, s->folder.tmp, error) || !all_read(s, error) ||
        !sweep_folder_place(&s->folder, "points.csv", error))
        return false;
    /* Repeats of one cell are spread over shards: only the whole can be compared. */
    return !all || (sweep_write_table(&source, s->folder.tmp, error) && all_read(s, error) &&
                    sweep_folder_place(&s->folder, "sweep.csv", error));
}

/* In the order of the plan, without points that are not in it. */
static bool
order_log(struct sweep *s, GError **error)
{
    g_autofree const char **keys = g_new0(const char *, s->plan->nr + 1);
    g_autofree char *stale = g_build_filename(s->folder.tmp, "points.log", NULL);

    for (guint i = 0; i < s->plan->nr; i++)
        keys[i] = sweep_plan_key(s->plan, i);
    g_unlink(stale);
    struct points_log *ordered = points_log_open(s->folder.tmp, true, error);
    if (ordered == NULL)
        return false;
    bool fine = points_log_copy(s->folder.log, keys, s->plan->nr, ordered, error) &&
                sweep_folder_place(&s->folder, "points.log", error);
    points_log_close(fine ? s->folder.log : ordered);
    if (fine)
        s->folder.log = ordered;
    return fine;
}

/* Folders of runs that are not in the plan, after a grid was changed. */
static void
remove_stale_runs(const struct sweep *s)
{
    g_autofree char *runs = g_build_filename(s->folder.dir, "runs", NULL);
    g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GDir) dir = g_dir_open(runs, 0, NULL);
    const char *name;

    for (guint i = 0; dir != NULL && i < s->plan->nr; i++)
        if (record(s, i) != NULL)
            g_hash_table_add(wanted, g_strndup(sweep_plan_key(s->plan, i), 16));
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(runs, name, NULL);
        if (!g_hash_table_contains(wanted, name))
            remove_tree(path);
    }
}

/* ---- the manifest ---- */

static struct sweep_counts
count_points(const struct sweep *s)
{
    struct sweep_counts c = { .code = EXIT_DONE };

    for (guint i = 0; i < s->plan->nr; i++) {
        const struct point_record *r = record(s, i);
        if (r == NULL) {
            c.missing += sweep_owns(s, i);
            continue;
        }
        bool fine = strcmp(r->status, "done") == 0;
        c.done += fine;
        c.failed += !fine;
        c.code = worse_code(c.code, r->code);
    }
    return c;
}

static double
cpu_seconds(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static bool
write_manifest(const struct sweep *s, const struct sweep_counts *c, GError **error)
{
    g_autoptr(GString) out = g_string_new("numasim: " NUMASIM_VERSION "\n");
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format_iso8601(now);

    g_string_append_printf(out, "complete: %s\n", c->missing == 0 ? "yes" : "no");
    g_string_append_printf(out, "grid: %s\nprogram: %s\n", s->name, sweep_program_version);
    if (s->nr_shards > 1)
        g_string_append_printf(out, "shard: %u/%u\n", s->shard + 1, s->nr_shards);
    g_string_append_printf(out, "points: %u\ndone: %u\nfailed: %u\nmissing: %u\n", s->plan->nr,
                           c->done, c->failed, c->missing);
    g_string_append(out, "command: ");
    yaml_quote(out, s->command_line);
    g_string_append_printf(out, "\nwritten: %s\n", date);
    yaml_real(out, "wall_s", (double)(g_get_monotonic_time() - s->started) / 1e6);
    g_string_append_printf(out, "points_run: %u\n", s->nr_due);
    yaml_real(out, "cpu_s", cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN));
    yaml_real(out, "cpu_in_runs_s", s->cpu_in_runs);
    return sweep_folder_write(&s->folder, "manifest.yaml", out->str, error);
}

/* ---- all of it ---- */

static bool
write_all(struct sweep *s, const struct sweep_counts *c, GError **error)
{
    if (!all_read(s, error)) /* or written, before */
        return false;
    remove_stale_runs(s);
    return points_log_sync(s->folder.log, error) && order_log(s, error) && write_tables(s, error) &&
           write_manifest(s, c, error);
}

static bool
draw(const struct sweep *s)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *table = g_build_filename(s->folder.dir, "sweep.csv", NULL);

    if (s->o.no_plot || !g_file_test(table, G_FILE_TEST_EXISTS))
        return false;
    bool drawn = plot_folder(s->folder.dir, PLOT_SVG, &error);
    if (!drawn && !s->o.quiet)
        g_printerr("note: no pictures: %s\n", error->message);
    return drawn;
}

int
sweep_finish(struct sweep *s)
{
    g_autoptr(GError) error = NULL;
    struct sweep_counts c = count_points(s);

    if (!write_all(s, &c, &error))
        return cli_fail(EXIT_OUTPUT, "%s", error->message);
    bool drawn = draw(s);
    int code = s->interrupted ? EXIT_INTERRUPTED : c.code;
    if (c.missing > 0 && !s->interrupted) /* shards that are not there */
        code = worse_code(code, EXIT_INPUT);
    return sweep_say(s, &c, drawn) || code != EXIT_DONE ? code : EXIT_OUTPUT;
}

/*
 * What a comparison leaves behind: which runs failed and why, compare.csv, the table, the pictures.
 */
#include "cli/compare.h"

#include "cli/plot_run.h"
#include "report/comparison.h"

char *
compare_run_folder(const struct compare *c, guint run)
{
    g_autofree char *policy = name_for_folder(compare_policy(c, run)->name);

    return g_strdup_printf("%s/runs/%s-s%" G_GUINT64_FORMAT, c->folder.temporary, policy,
                           compare_seed(c, run));
}

bool
compare_usable(const struct job_result *r)
{
    return r->ended && r->signal == 0 && r->code == EXIT_DONE;
}

/* ---- what became of the runs ---- */

/* The same remark of twenty runs is said once. */
static void
say_once(GHashTable *said, const char *policy, uint64_t seed, const char *text)
{
    g_autofree char *line = g_strstrip(g_strdup(text));

    if (*line != '\0' && g_hash_table_add(said, g_strdup(line)))
        g_printerr("%s, seed %" G_GUINT64_FORMAT ": %s\n", policy, seed, line);
}

int
compare_report_runs(const struct compare *c)
{
    g_autoptr(GHashTable) said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int code = EXIT_DONE;

    for (guint i = 0; i < compare_nr_runs(c); i++) {
        const struct job_result *r = &c->results[i];
        code = worse_code(code, job_code(r));
        if (r->ended && (r->signal != 0 || r->code < 0))
            g_printerr("%s, seed %" G_GUINT64_FORMAT ": the run crashed (%s) and is left out\n",
                       compare_policy(c, i)->name, compare_seed(c, i), g_strsignal(r->signal));
        if (r->errors != NULL)
            say_once(said, compare_policy(c, i)->name, compare_seed(c, i), r->errors);
    }
    return code;
}

/* ---- the folder ---- */

static bool
append_summary(GString *all, const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "summary.csv", NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    const char *row = strchr(text, '\n');
    if (row != NULL)
        g_string_append(all, all->len == 0 ? text : row + 1);
    return true;
}

static struct comparison *
merge(const struct compare *c, GString *summary, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < c->in.policies->len; i++)
        g_ptr_array_add(names, g_strdup(g_array_index(c->in.policies, struct policy_spec, i).name));
    g_ptr_array_add(names, NULL);
    struct comparison *cmp =
        comparison_new(c->in.run.spec.machine->name, c->in.run.spec.workload->name,
                       (const char *const *)names->pdata, (guint)c->seeds);
    for (guint i = 0; i < compare_nr_runs(c); i++) {
        g_autofree char *dir = compare_run_folder(c, i);
        if (!compare_usable(&c->results[i]))
            continue;
        if (!append_summary(summary, dir, error) ||
            !comparison_add(cmp, i / (guint)c->seeds, i % (guint)c->seeds, dir, error)) {
            comparison_free(cmp);
            return NULL;
        }
    }
    return cmp;
}

static bool
write_results(const struct compare *c, const struct comparison *cmp, const GString *summary,
              bool complete, GError **error)
{
    const struct manifest manifest = {
        .command_line = c->command_line,
        .end = complete ? NULL : "some runs are missing",
        .seed = c->in.run.spec.seed,
        .complete = complete,
        .wall_s = (double)(g_get_monotonic_time() - c->started) / 1e6,
        .spec = &c->in.run.spec,
    };

    return comparison_write(cmp, c->folder.temporary, error) &&
           write_whole_file(c->folder.temporary, "summary.csv", summary->str, error) &&
           manifest_write(&manifest, c->folder.temporary, error);
}

/* False: standard output could not be written. */
static bool
say_results(const struct compare *c, const struct comparison *cmp, const char *final, bool plotted)
{
    g_autoptr(GString) table = g_string_new(NULL);

    if (c->o.quiet)
        return true;
    comparison_title(cmp, table);
    g_string_append(table, "\n\n");
    comparison_table(cmp, table);
    g_string_append(table,
                    "\n\302\261: 95% interval of the mean; *: the interval of the ratio leaves"
                    " out 1\n");
    bool printed = cli_print(table->str);
    g_printerr("results in %s%s%s%s\n", final, plotted ? ", pictures in " : "",
               plotted ? final : "", plotted ? "/plots" : "");
    return printed;
}

int
compare_finish(struct compare *c, int code)
{
    g_autoptr(GString) summary = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *final = g_strdup(c->folder.final);
    g_autoptr(GError) no_plot = NULL;
    struct comparison *cmp = merge(c, summary, &error);
    bool plotted = false;

    if (cmp == NULL || !write_results(c, cmp, summary, code == EXIT_DONE, &error)) {
        comparison_free(cmp);
        folder_discard(&c->folder);
        return cli_fail(EXIT_OUTPUT, "%s", error->message);
    }
    if (!c->o.no_plot && summary->len > 0)
        plotted = plot_folder(c->folder.temporary, PLOT_SVG, &no_plot);
    if (no_plot != NULL && !c->o.quiet)
        g_printerr("note: no pictures: %s\n", no_plot->message);
    if (!folder_finish(&c->folder, &error))
        code = cli_fail(EXIT_OUTPUT, "%s", error->message);
    else if (!say_results(c, cmp, final, plotted) && code == EXIT_DONE)
        code = EXIT_OUTPUT;
    comparison_free(cmp);
    return code;
}

/*
 * numasim compare: several policies on one machine and workload, each with the same seeds.
 *
 * Every run has its own folder under runs/, which is what its worker leaves behind; the comparison
 * is made from these folders in the order of policies and seeds. So -j changes nothing but time,
 * and a run that crashed is one missing repeat.
 */
#include <stdio.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "cli/folder.h"
#include "cli/plot_run.h"
#include "cli/run_one.h"
#include "cli/workers.h"
#include "models/registry.h"
#include "report/comparison.h"

enum { SEEDS_MOST = 10000 };

struct compare {
    struct options o;
    int seeds, jobs;
    struct inputs in;
    struct folder folder;
    char *command_line;
    gint64 started;
};

static guint
nr_runs(const struct compare *c)
{
    return c->in.policies->len * (guint)c->seeds;
}

static const struct policy_spec *
policy_of(const struct compare *c, guint run)
{
    return &g_array_index(c->in.policies, struct policy_spec, run / (guint)c->seeds);
}

static uint64_t
seed_of(const struct compare *c, guint run)
{
    return c->in.run.spec.seed + run % (guint)c->seeds;
}

static char *
run_folder(const struct compare *c, guint run)
{
    g_autofree char *policy = name_for_folder(policy_of(c, run)->name);

    return g_strdup_printf("%s/runs/%s-s%" G_GUINT64_FORMAT, c->folder.temporary, policy,
                           seed_of(c, run));
}

/* In the worker. */
static int
job(guint index, void *data)
{
    struct compare *c = data;
    struct resolved run = c->in.run;
    g_autofree char *dir = run_folder(c, index);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);

    run.spec.policy = *policy_of(c, index);
    run.spec.seed = seed_of(c, index);
    if (g_mkdir_with_parents(dir, 0777) != 0)
        return EXIT_OUTPUT;
    struct run_one r = {
        .run = &run, .dir = dir, .command_line = c->command_line, .warnings = warnings
    };
    int code = run_one(&r);
    for (guint i = 0; i < warnings->len; i++)
        g_printerr("warning: %s\n", (const char *)g_ptr_array_index(warnings, i));
    if (r.failure != NULL)
        g_printerr("%s\n", r.failure);
    g_free(r.failure);
    return code;
}

static void
show(guint done, guint nr)
{
    progress_show("compare", (double)done / nr);
}

/* ---- what became of the runs ---- */

static bool
usable(const struct job_result *r)
{
    return r->ended && r->signal == 0 && r->code == EXIT_DONE;
}

/* A crash is a broken invariant of ours: somebody must look at it. */
static int
code_of(const struct job_result *r)
{
    if (!r->ended)
        return EXIT_INTERRUPTED;
    return r->signal != 0 ? EXIT_INVARIANT : r->code;
}

/* The same remark of twenty runs is said once. */
static void
say_once(GHashTable *said, const char *policy, uint64_t seed, const char *text)
{
    g_autofree char *line = g_strstrip(g_strdup(text));

    if (*line != '\0' && g_hash_table_add(said, g_strdup(line)))
        g_printerr("%s, seed %" G_GUINT64_FORMAT ": %s\n", policy, seed, line);
}

static int
report_runs(const struct compare *c, const struct job_result *results)
{
    static const int worst_first[] = { EXIT_INTERRUPTED, EXIT_OUTPUT, EXIT_INVARIANT, EXIT_POLICY,
                                       EXIT_INPUT };
    g_autoptr(GHashTable) said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint seen[EXIT_INTERRUPTED + 1] = { 0 };

    for (guint i = 0; i < nr_runs(c); i++) {
        const struct job_result *r = &results[i];
        int code = code_of(r);
        seen[code >= 0 && code <= EXIT_INTERRUPTED ? code : EXIT_INVARIANT]++;
        if (r->ended && r->signal != 0)
            g_printerr("%s, seed %" G_GUINT64_FORMAT ": the run crashed (%s) and is left out\n",
                       policy_of(c, i)->name, seed_of(c, i), g_strsignal(r->signal));
        if (r->errors != NULL)
            say_once(said, policy_of(c, i)->name, seed_of(c, i), r->errors);
    }
    for (guint i = 0; i < G_N_ELEMENTS(worst_first); i++)
        if (seen[worst_first[i]] > 0)
            return worst_first[i];
    return EXIT_DONE;
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
merge(const struct compare *c, const struct job_result *results, GString *summary, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < c->in.policies->len; i++)
        g_ptr_array_add(names, g_strdup(g_array_index(c->in.policies, struct policy_spec, i).name));
    g_ptr_array_add(names, NULL);
    struct comparison *cmp =
        comparison_new(c->in.run.spec.machine->name, c->in.run.spec.workload->name,
                       (const char *const *)names->pdata, (guint)c->seeds);
    for (guint i = 0; i < nr_runs(c); i++) {
        g_autofree char *dir = run_folder(c, i);
        if (!usable(&results[i]))
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
    g_string_append_printf(table, "%s on %s, %d seed%s\n\n", c->in.run.spec.workload->name,
                           c->in.run.spec.machine->name, c->seeds, c->seeds == 1 ? "" : "s");
    comparison_table(cmp, table);
    g_string_append(table,
                    "\n\302\261: 95% interval of the mean; *: the interval of the ratio leaves"
                    " out 1\n");
    bool printed = cli_print(table->str);
    g_printerr("results in %s%s%s%s\n", final, plotted ? ", pictures in " : "",
               plotted ? final : "", plotted ? "/plots" : "");
    return printed;
}

static int
finish(struct compare *c, const struct job_result *results, int code)
{
    g_autoptr(GString) summary = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *final = g_strdup(c->folder.final);
    g_autoptr(GError) no_plot = NULL;
    struct comparison *cmp = merge(c, results, summary, &error);
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

static bool
all_failed(const struct compare *c, const struct job_result *results, int code)
{
    for (guint i = 0; i < nr_runs(c); i++)
        if (usable(&results[i]))
            return false;
    return code == EXIT_INPUT || code == EXIT_OUTPUT;
}

static int
run_all(struct compare *c)
{
    inputs_print_notes(&c->in, &c->o);
    interrupt_catch();
    struct job_result *results = workers_run(nr_runs(c), (guint)c->jobs, c->folder.temporary, job,
                                             interrupted, c->o.quiet ? NULL : show, c);
    progress_show("", -1);
    int code = report_runs(c, results);
    if (all_failed(c, results, code))
        folder_discard(&c->folder);
    else
        code = finish(c, results, code);
    workers_free(results, nr_runs(c));
    return code;
}

/* ---- the command line ---- */

static const char usual_policies[] = "topology,static:pack,static:interleave,autonuma";

static bool
wants_all(const struct compare *c)
{
    return g_strcmp0(c->o.policy, "all") == 0;
}

static GStrv
policy_names(const struct compare *c)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (!wants_all(c))
        return g_strsplit(c->o.policy != NULL ? c->o.policy : usual_policies, ",", -1);
    for (guint i = 0; placement_models[i] != NULL; i++)
        if (!g_str_has_prefix(placement_models[i]->name, "ext:"))
            g_ptr_array_add(names, g_strdup(placement_models[i]->name));
    g_ptr_array_add(names, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* Two runs of one name would share a folder. */
static bool
names_differ(const struct compare *c)
{
    for (guint i = 0; i < c->in.policies->len; i++)
        for (guint j = 0; j < i; j++) {
            g_autofree char *a = name_for_folder(policy_of(c, i * (guint)c->seeds)->name);
            g_autofree char *b = name_for_folder(policy_of(c, j * (guint)c->seeds)->name);
            if (strcmp(a, b) == 0) {
                cli_fail(EXIT_INPUT, "the policy %s is named twice", a);
                return false;
            }
        }
    return true;
}

static int
compare_loaded(struct compare *c)
{
    g_autofree char *machine = name_for_folder(c->in.run.spec.machine->name);
    g_autofree char *workload = name_for_folder(c->in.run.spec.workload->name);
    g_autofree char *usual = g_strdup_printf("results/out/compare-%s-%s", machine, workload);
    g_autoptr(GError) error = NULL;

    if (!names_differ(c))
        return EXIT_INPUT;
    if (!folder_begin(&c->folder, c->o.out != NULL ? c->o.out : usual, c->o.out != NULL, c->o.force,
                      &error)) {
        folder_discard(&c->folder);
        return cli_fail(EXIT_OUTPUT, "%s", error->message);
    }
    return run_all(c);
}

static int
compare_parsed(struct compare *c, const struct command *cmd, GStrv rest)
{
    if (rest[0] != NULL)
        return cli_usage(cmd, "'%s' is one argument too many", rest[0]);
    if (c->seeds < 1 || c->seeds > SEEDS_MOST)
        return cli_usage(cmd, "--seeds: write a number from 1 to %d", SEEDS_MOST);
    if (c->jobs < 1)
        return cli_usage(cmd, "-j: write a number from 1");
    inputs_init(&c->in);
    c->in.skip_unfit = wants_all(c);
    g_auto(GStrv) names = policy_names(c);
    int code = inputs_load(&c->in, &c->o, (const char *const *)names, NULL);
    if (code == EXIT_DONE)
        code = compare_loaded(c);
    inputs_clear(&c->in);
    return code;
}

int
cmd_compare(const struct command *cmd, int argc, char **argv)
{
    struct compare c = { .seeds = 5,
                         .jobs = (int)g_get_num_processors(),
                         .started = g_get_monotonic_time(),
                         .command_line = g_strjoinv(" ", argv) };
    GOptionEntry common[OPTION_ENTRIES_MAX];
    const GOptionEntry own[] = {
        { "seeds", 0, 0, G_OPTION_ARG_INT, &c.seeds, "repeats of every policy (default 5)", "N" },
        { "jobs", 'j', 0, G_OPTION_ARG_INT, &c.jobs, "runs at once (default: as many as CPUs)",
          "N" },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { own, common, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    options_entries(&c.o, common);
    if (cli_parse(cmd, tables, argc, argv, &rest, &code))
        code = compare_parsed(&c, cmd, rest);
    options_clear(&c.o);
    g_free(c.command_line);
    return code;
}

/*
 * numasim compare: several policies on one machine and workload, each with the same seeds.
 *
 * Every run has its own folder under runs/, which is what its worker leaves behind; the comparison
 * is made from these folders in the order of policies and seeds. So -j changes nothing but time,
 * and a run that crashed is one missing repeat.
 */
#include <glib/gstdio.h>

#include "cli/compare.h"
#include "models/registry.h"

enum { SEEDS_MOST = 10000 };

/* In the worker. */
static int
job(guint index, GString *out, void *data)
{
    struct compare *c = data;
    struct resolved run = c->in.run;
    g_autofree char *dir = compare_run_folder(c, index);
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    (void)out; /* the folder says it all */

    run.spec.policy = *compare_policy(c, index);
    run.spec.seed = compare_seed(c, index);
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

static bool
keep_result(guint index, const struct job_result *r, const GString *out, void *data)
{
    struct compare *c = data;
    (void)out;

    c->results[index] = *r;
    c->results[index].errors = g_strdup(r->errors);
    return true;
}

static void
show(guint ended, guint nr, const void *data)
{
    (void)data;
    progress_show("compare", (double)ended / nr);
}

static bool
all_failed(const struct compare *c, int code)
{
    for (guint i = 0; i < compare_nr_runs(c); i++)
        if (compare_usable(&c->results[i]))
            return false;
    return code == EXIT_INPUT || code == EXIT_OUTPUT;
}

static int
run_all(struct compare *c)
{
    const struct workers workers = { .nr = compare_nr_runs(c),
                                     .parallel = (guint)c->jobs,
                                     .job = job,
                                     .done = keep_result,
                                     .stop = interrupted,
                                     .progress = c->o.quiet ? NULL : show,
                                     .data = c };

    inputs_print_notes(&c->in, &c->o);
    interrupt_catch();
    c->results = g_new0(struct job_result, workers.nr);
    bool ran = workers_run(&workers);
    progress_show("", -1);
    int code =
        ran ? compare_report_runs(c) : cli_fail(EXIT_OUTPUT, "no process can be made for the runs");
    if (!ran || all_failed(c, code))
        folder_discard(&c->folder);
    else
        code = compare_finish(c, code);
    for (guint i = 0; i < workers.nr; i++)
        g_free(c->results[i].errors);
    g_free(c->results);
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
named_policies(const struct compare *c)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (c->o.policy != NULL && *c->o.policy == '\0') /* which g_strsplit makes no name at all */
        return g_strdupv((char *[]){ (char *)"", NULL });
    if (!wants_all(c))
        return g_strsplit(c->o.policy != NULL ? c->o.policy : usual_policies, ",", -1);
    for (guint i = 0; placement_models[i] != NULL; i++)
        if (!g_str_has_prefix(placement_models[i]->name, "ext:"))
            g_ptr_array_add(names, g_strdup(placement_models[i]->name));
    g_ptr_array_add(names, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static GStrv
policy_names(const struct compare *c)
{
    GStrv names = named_policies(c);
    guint nr = g_strv_length(names);

    if (!c->gap || g_strv_contains((const char *const *)names, "static:best"))
        return names;
    names = g_renew(char *, names, nr + 2);
    names[nr] = g_strdup("static:best");
    names[nr + 1] = NULL;
    return names;
}

/* Two runs of one name would share a folder. */
static bool
names_differ(const struct compare *c)
{
    for (guint i = 0; i < c->in.policies->len; i++)
        for (guint j = 0; j < i; j++) {
            g_autofree char *a = name_for_folder(compare_policy(c, i * (guint)c->seeds)->name);
            g_autofree char *b = name_for_folder(compare_policy(c, j * (guint)c->seeds)->name);
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
        { "gap", 0, 0, G_OPTION_ARG_NONE, &c.gap,
          "also run static:best, and say what the others lose against it", NULL },
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

/*
 * numasim sweep: an experiment that is a file. The points of its grid are run by workers, logged
 * as they end, and put together.
 */
#include <stdio.h>

#include "cli/sweep.h"

#include "config/diag.h"

const char *const sweep_engine_names[] = { "local", "slurm", "parallel", NULL };

/* ---- the plan ---- */

static void
plan_header(const struct grid *g, struct csv *out)
{
    csv_text(out, "point");
    csv_text(out, "key");
    for (guint axis = 0; axis < g->nr_axes; axis++)
        csv_text(out, g->axes[axis].name);
    csv_text(out, "baseline");
    csv_end_row(out);
}

char *
sweep_plan_text(const struct grid *g)
{
    GString *text = g_string_new(NULL);
    struct csv *out = csv_memory(text);
    char key[GRID_KEY_SIZE];

    plan_header(g, out);
    for (guint i = 0; i < g->nr_points; i++) {
        grid_key(g, i, sweep_program_version, key);
        csv_uint(out, i);
        csv_text(out, key);
        for (guint axis = 0; axis < g->nr_axes; axis++)
            csv_text(out, grid_label(g, i, axis));
        csv_text(out, g->axes[grid_policy_axis(g)].values[0].label);
        csv_end_row(out);
    }
    csv_close(out, NULL);
    return g_string_free(text, FALSE);
}

/* resolved.yaml of one point, by its number or key. */
static int
print_point(const struct sweep *s)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct arena *a = arena_new();
    struct resolved run;
    guint64 number = G_MAXUINT64;
    guint point = s->plan->nr;

    g_ascii_string_to_unsigned(s->o.resolve, 10, 0, G_MAXUINT, &number, NULL);
    for (guint i = 0; i < s->plan->nr && point == s->plan->nr; i++)
        if (i == number || (strlen(s->o.resolve) >= 8 &&
                            g_str_has_prefix(sweep_plan_key(s->plan, i), s->o.resolve)))
            point = i;
    int code = EXIT_INPUT;
    if (point < s->plan->nr) {
        grid_resolve(&s->grid, point, a, &run);
        resolved_write(&run, NULL, text);
        code = cli_print(text->str) ? EXIT_DONE : EXIT_OUTPUT;
    } else {
        cli_fail(code, "there is no point %s; the grid has %u", s->o.resolve, s->plan->nr);
    }
    arena_free(a);
    return code;
}

/* ---- running ---- */

static char *
folder_of(const struct sweep *s)
{
    if (s->o.out != NULL)
        return g_strdup(s->o.out);
    if (s->nr_shards == 1)
        return g_strdup_printf("results/out/%s", s->name);
    return g_strdup_printf("results/out/%s-shard-%u-of-%u", s->name, s->shard + 1, s->nr_shards);
}

static void
print_notes(const struct sweep *s, const struct diag *d)
{
    for (guint i = 0; i < d->notes->len && !s->o.quiet; i++)
        g_printerr("note: %s\n", (const char *)g_ptr_array_index(d->notes, i));
    for (guint i = 0; i < s->grid.axes[GRID_TOPOLOGY].nr && !s->o.quiet; i++)
        inputs_print_machine(s->grid.machines[i], d->notes, s->o.verbose);
}

static int
sweep_local(struct sweep *s, const char *dir)
{
    int code = sweep_folder_open(s, dir);

    if (code == EXIT_DONE) {
        sweep_run(s);
        code = sweep_finish(s);
    }
    sweep_folder_close(&s->folder);
    return code;
}

static int
sweep_loaded(struct sweep *s, const char *grid, const struct diag *d)
{
    g_autofree char *dir = folder_of(s);

    s->name = s->grid.name;
    s->canonical = s->grid.canonical;
    s->plan_text = sweep_plan_text(&s->grid);
    s->plan = sweep_plan_parse(s->plan_text);
    if (s->o.show_plan)
        return cli_print(s->plan_text) ? EXIT_DONE : EXIT_OUTPUT;
    if (s->o.resolve != NULL)
        return print_point(s);
    print_notes(s, d);
    if (g_strcmp0(s->o.engine, "local") != 0)
        return sweep_delegate(s, grid, dir);
    return sweep_local(s, dir);
}

static int
sweep_file(struct sweep *s, const char *grid)
{
    struct arena *a = arena_new();
    struct diag d;
    int code = EXIT_INPUT;

    inputs_diag_init(&d);
    if (grid_load(grid, a, &s->grid, &d)) {
        s->name = s->grid.name;
        code = sweep_loaded(s, grid, &d);
    } else {
        g_autofree char *text = diag_text(&d);
        g_printerr("%s", text);
    }
    sweep_plan_free(s->plan);
    grid_clear(&s->grid);
    diag_clear(&d);
    arena_free(a);
    return code;
}

/* ---- the command line ---- */

/* "2/8"; false: it is none. */
static bool
parse_shard(struct sweep *s)
{
    unsigned which, of;
    char rest;

    s->nr_shards = 1;
    if (s->o.shard == NULL)
        return true;
    if (sscanf(s->o.shard, "%u/%u%c", &which, &of, &rest) != 2 || which < 1 || which > of ||
        of > GRID_POINTS_MAX)
        return false;
    s->shard = which - 1;
    s->nr_shards = of;
    return true;
}

static int
sweep_parsed(struct sweep *s, const struct command *c, GStrv rest)
{
    if (rest[0] == NULL)
        return cli_usage(c, "write a grid: a shipped experiment or a file");
    if (rest[1] != NULL)
        return cli_usage(c, "'%s' is one argument too many", rest[1]);
    if (s->o.jobs < 1)
        return cli_usage(c, "-j: write a number from 1");
    if (!parse_shard(s))
        return cli_usage(c, "--shard: write I/N with I from 1 to N, as in 2/8");
    if (s->o.engine == NULL)
        s->o.engine = g_strdup("local");
    if (!g_strv_contains(sweep_engine_names, s->o.engine)) {
        g_autofree char *hint = did_you_mean(s->o.engine, sweep_engine_names);
        return cli_usage(c, "there is no engine '%s'%s", s->o.engine, hint);
    }
    return sweep_file(s, rest[0]);
}

static void
clear(struct sweep *s)
{
    char *texts[] = {
        s->o.out, s->o.shard, s->o.engine, s->o.resolve, s->plan_text, s->command_line
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_free(s->due);
    g_clear_error(&s->error);
}

int
cmd_sweep(const struct command *c, int argc, char **argv)
{
    struct sweep s = { .o = { .jobs = (int)g_get_num_processors() },
                       .started = g_get_monotonic_time(),
                       .command_line = g_strjoinv(" ", argv) };
    const GOptionEntry entries[] = {
        { "jobs", 'j', 0, G_OPTION_ARG_INT, &s.o.jobs, "runs at once (default: as many as CPUs)",
          "N" },
        { "shard", 0, 0, G_OPTION_ARG_STRING, &s.o.shard,
          "only every Nth point, from the Ith on; numasim merge puts shards together", "I/N" },
        { "engine", 0, 0, G_OPTION_ARG_STRING, &s.o.engine,
          "who runs the points: local (default); slurm, parallel: -j shards and a merge",
          "ENGINE" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &s.o.out,
          "folder of the results; that of the same grid is gone on with", "DIR" },
        { "extend", 0, 0, G_OPTION_ARG_NONE, &s.o.extend,
          "go on in the folder of another grid: points that both have are kept", NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &s.o.force, "start anew: what is there is deleted",
          NULL },
        { "retry", 0, 0, G_OPTION_ARG_NONE, &s.o.retry, "run failed points again", NULL },
        { "plan", 0, 0, G_OPTION_ARG_NONE, &s.o.show_plan, "print the points and run none of them",
          NULL },
        { "resolve", 0, 0, G_OPTION_ARG_STRING, &s.o.resolve,
          "print one point as a file for numasim run", "POINT" },
        { "no-plot", 0, 0, G_OPTION_ARG_NONE, &s.o.no_plot, "no pictures", NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &s.o.quiet, "errors only", NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &s.o.verbose, "say what was assumed", NULL },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    if (cli_parse(c, tables, argc, argv, &rest, &code))
        code = sweep_parsed(&s, c, rest);
    clear(&s);
    return code;
}

/* numasim run: one machine, one workload, one policy, one seed. */
#include "cli/folder.h"
#include "cli/run_one.h"
#include "report/comparison.h"
#include "report/csv.h"

static char *
default_folder(const struct run_spec *spec)
{
    g_autofree char *machine = name_for_folder(spec->machine->name);
    g_autofree char *workload = name_for_folder(spec->workload->name);
    g_autofree char *policy = name_for_folder(spec->policy.name);

    return g_strdup_printf("results/out/%s-%s-%s-s%" G_GUINT64_FORMAT, machine, workload, policy,
                           spec->seed);
}

/* The summary in units that one can say. */
static bool
print_summary(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "summary.csv", NULL);
    g_autoptr(GPtrArray) rows = csv_read(path, NULL);
    g_autoptr(GString) out = g_string_new(NULL);

    if (rows == NULL || rows->len < 2)
        return true;
    GStrv names = g_ptr_array_index(rows, 0), values = g_ptr_array_index(rows, 1);
    for (guint i = 0; names[i] != NULL && values[i] != NULL; i++) {
        const struct metric *m = metric_find(names[i]);
        if (m == NULL || *values[i] == '\0')
            continue;
        g_autofree char *value = m->identity
                                     ? g_strdup(values[i])
                                     : human_value(g_ascii_strtod(values[i], NULL), m->scale);
        g_string_append_printf(out, "%-28s %s\n", names[i], value);
    }
    return cli_print(out->str);
}

static int
finish(struct folder *f, const struct options *o, int code, const struct run_one *r)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *final = g_strdup(f->final);

    for (guint i = 0; i < r->warnings->len; i++)
        g_printerr("warning: %s\n", (const char *)g_ptr_array_index(r->warnings, i));
    if (r->failure != NULL && code == EXIT_INPUT)
        g_printerr("%s\n", r->failure); /* lines that begin with their place */
    else if (r->failure != NULL)
        cli_fail(code, "%s", r->failure);
    if (code == EXIT_INPUT || code == EXIT_OUTPUT) {
        folder_discard(f);
        return code;
    }
    if (!folder_finish(f, &error))
        return cli_fail(EXIT_OUTPUT, "%s", error->message);
    if (!o->quiet) {
        bool printed = print_summary(final);
        g_printerr("results in %s\n", final);
        if (!printed && code == EXIT_DONE)
            code = EXIT_OUTPUT;
    }
    return code;
}

static int
run_loaded(const struct inputs *in, const struct options *o, const char *command_line)
{
    g_autofree char *usual = default_folder(&in->run.spec);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    struct folder f;
    struct trace_request trace = { .files = (const char *const *)o->trace,
                                   .filter = o->trace_filter,
                                   .nanoseconds = o->trace_ns };

    if (!trace_check(&trace, &error))
        return cli_fail(EXIT_INPUT, "%s", error->message);
    if (!folder_begin(&f, o->out != NULL ? o->out : usual, o->out != NULL, o->force, &error)) {
        folder_discard(&f);
        return cli_fail(EXIT_OUTPUT, "%s", error->message);
    }
    inputs_print_notes(in, o);
    interrupt_catch();
    trace.tables = o->tables ? f.temporary : NULL;
    struct run_one r = { .run = &in->run,
                         .dir = f.temporary,
                         .command_line = command_line,
                         .plot = !o->no_plot,
                         .progress = !o->quiet,
                         .trace = o->trace != NULL || o->tables ? &trace : NULL,
                         .warnings = warnings };
    int code = finish(&f, o, run_one(&r), &r);
    g_free(r.failure);
    return code;
}

int
cmd_run(const struct command *c, int argc, char **argv)
{
    struct options o = { 0 };
    GOptionEntry entries[OPTION_ENTRIES_MAX], trace[OPTION_TRACE_MAX];
    const GOptionEntry *tables[] = { entries, trace, NULL };
    g_autofree char *command_line = g_strjoinv(" ", argv);
    g_auto(GStrv) rest = NULL;
    struct inputs in;
    int code;

    options_entries(&o, entries);
    options_trace_entries(&o, trace);
    if (!cli_parse(c, tables, argc, argv, &rest, &code)) {
        options_clear(&o);
        return code;
    }
    if (rest[0] != NULL && rest[1] != NULL) {
        code = cli_usage(c, "'%s' is one argument too many", rest[1]);
    } else if (rest[0] != NULL && (o.topology != NULL || o.workload != NULL || o.policy != NULL)) {
        code = cli_usage(c, "'%s' already defines topology, workload and policy", rest[0]);
    } else {
        const char *policies[] = { o.policy != NULL ? o.policy : "topology", NULL };
        inputs_init(&in);
        code = inputs_load(&in, &o, policies, rest[0]);
        if (code == EXIT_DONE)
            code = run_loaded(&in, &o, command_line);
        inputs_clear(&in);
    }
    options_clear(&o);
    return code;
}

/* numasim workload: what is shipped, what it is made of, whether a file is well formed. */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/workload_trace.h"
#include "config/import_trace.h"
#include "config/load.h"
#include "config/workload_yaml.h"

static struct workload *
load(const char *name, struct arena *a)
{
    struct diag d;

    inputs_diag_init(&d);
    struct workload *w = load_workload(name, NULL, a, &d);
    g_autofree char *text = diag_text(&d);
    g_printerr("%s", text);
    diag_clear(&d);
    return w;
}

static int
list(void)
{
    g_auto(GStrv) names = shipped_names(data_dir(), "workloads");
    g_autoptr(GString) s = g_string_new(NULL);

    for (guint i = 0; names[i] != NULL; i++) {
        struct arena *a = arena_new();
        const struct workload *w = load(names[i], a);
        g_string_append_printf(s, "%-26s %s\n", names[i],
                               w != NULL && w->doc != NULL ? w->doc : "");
        arena_free(a);
    }
    return cli_print(s->str) ? EXIT_DONE : EXIT_OUTPUT;
}

static void
add_process(GString *s, const struct workload *w, const struct wprocess *pr)
{
    g_string_append_printf(s, "  process %s\n", pr->name);
    for (uint32_t g = 0; g < pr->nr_groups; g++) {
        const struct wgroup *group = &w->groups[pr->first_group + g];
        g_string_append_printf(s, "    threads %s: %u steps%s%s\n", group->name, group->nr_steps,
                               group->by_fork ? ", started by a fork step" : "",
                               group->background ? ", in the background" : "");
    }
}

static int
show(const struct workload *w)
{
    g_autoptr(GString) s = g_string_new(NULL);

    g_string_append_printf(s, "%s: %s\n\n", w->name, w->doc != NULL ? w->doc : "");
    for (uint32_t i = 0; i < w->nr_processes; i++)
        add_process(s, w, &w->processes[i]);
    for (uint32_t i = 0; i < w->nr_regions; i++)
        g_string_append_printf(s, "  region %s\n", w->regions[i].name);
    if (w->duration > 0)
        g_string_append_printf(s, "  ends after %s\n",
                               format_quantity(FIELD_TIME, w->duration, w->arena));
    else
        g_string_append_printf(s, "  %s\n",
                               workload_endless(w) ? "endless: needs --until" : "ends by itself");
    if (w->nr_params > 0)
        g_string_append(s, "\nparameters (--set workload.NAME=VALUE):\n");
    for (uint32_t i = 0; i < w->nr_params; i++) {
        const struct wparam *p = &w->params[i];

        g_string_append_printf(s, "  %-20s %-12s %s", p->name, p->value, p->doc ? p->doc : "");
        g_string_append_printf(s, "%s%s%s\n", p->words ? " (" : "", p->words ? p->words : "",
                               p->words ? ")" : "");
    }
    return cli_print(s->str) ? EXIT_DONE : EXIT_OUTPUT;
}

/* What a recording or an rt-app file means, as workload YAML; the notes stand above it. */
static int
import(const char *name, const char *const *settings, const char *output)
{
    struct arena *a = arena_new();
    g_autoptr(GString) s = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = output != NULL ? g_path_get_dirname(output) : NULL;
    struct diag d;

    inputs_diag_init(&d);
    struct workload *w = load_workload(name, settings, a, &d);
    g_autofree char *text = diag_text(&d);
    g_printerr("%s", text);
    for (guint i = 0; i < d.notes->len; i++)
        g_string_append_printf(s, "# %s\n", (const char *)g_ptr_array_index(d.notes, i));
    int code = EXIT_INPUT;
    if (w != NULL) {
        workload_yaml_write(w, dir, 0, s);
        bool written = output == NULL ? cli_print(s->str)
                                      : g_file_set_contents(output, s->str, (gssize)s->len, &error);
        code = written ? EXIT_DONE : EXIT_OUTPUT;
        if (error != NULL)
            cli_fail(EXIT_OUTPUT, "%s", error->message);
    }
    diag_clear(&d);
    arena_free(a);
    return code;
}

static int
load_and_show(const char *name, bool only_check)
{
    struct arena *a = arena_new();
    const struct workload *w = load(name, a);
    int code = w == NULL ? EXIT_INPUT : only_check ? EXIT_DONE : show(w);

    arena_free(a);
    return code;
}

static int
dispatch(const struct command *c, char **rest, const struct workload_trace_options *o,
         const char *output)
{
    guint nr = g_strv_length(rest);

    if (nr == 1 && strcmp(rest[0], "list") == 0)
        return list();
    if (nr == 2 && strcmp(rest[0], "show") == 0 && looks_like_trace_file(rest[1]))
        return workload_trace_show(rest[1], o);
    if (nr == 2 && (strcmp(rest[0], "show") == 0 || strcmp(rest[0], "check") == 0))
        return load_and_show(rest[1], rest[0][0] == 'c');
    if (nr == 2 && strcmp(rest[0], "import") == 0)
        return import(rest[1], (const char *const *)o->set, output);
    return cli_usage(c, "write list, show WORKLOAD, check WORKLOAD or import FILE");
}

int
cmd_workload(const struct command *c, int argc, char **argv)
{
    struct workload_trace_options o = { 0 };
    g_autofree char *output = NULL;
    const GOptionEntry entries[] = {
        { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.set,
          "a parameter of the workload, for show of a trace and import", "NAME=VALUE" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "import: into this file", "FILE" },
        { "timehist", 0, 0, G_OPTION_ARG_NONE, &o.timehist,
          "show of a trace: also every time that a task leaves a CPU", NULL },
        { "map", 0, 0, G_OPTION_ARG_NONE, &o.map, "show of a trace: also what ran where", NULL },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    if (cli_parse(c, tables, argc, argv, &rest, &code))
        code = dispatch(c, rest, &o, output);
    g_strfreev(o.set);
    return code;
}

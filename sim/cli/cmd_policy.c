/* numasim policy: what can be chosen, and every knob with its unit, default and range. */
#include "cli/cli.h"
#include "cli/options.h"
#include "config/policy_yaml.h"
#include "kernel/numa_quirks.h"
#include "models/registry.h"

static int
list(void)
{
    g_autoptr(GString) s = g_string_new(NULL);

    for (guint i = 0; placement_models[i] != NULL; i++)
        g_string_append_printf(s, "%-18s level %d  %s\n", placement_models[i]->name,
                               placement_models[i]->level, placement_models[i]->doc);
    for (guint i = 0; sched_models[i] != NULL; i++) {
        g_autofree char *name = g_strdup_printf("ext:%s", sched_models[i]->name);
        g_string_append_printf(s, "%-18s any      %s\n", name, sched_models[i]->doc);
    }
    g_string_append(s, "\nmemory models (--set memory.model=NAME; the first is the default):\n");
    for (guint i = 0; memory_models[i] != NULL; i++)
        g_string_append_printf(s, "%-18s %s\n", memory_models[i]->name, memory_models[i]->doc);
    return cli_print(s->str) ? EXIT_DONE : EXIT_OUTPUT;
}

/* "from 4KiB to 64MiB", "at most 1s", "one of off, on". */
static char *
range_of(const struct field *f)
{
    if (f->type == FIELD_ENUM) {
        g_autofree char *names = g_strjoinv(", ", (char **)(void *)(uintptr_t)f->names);
        return g_strdup_printf("one of %s", names);
    }
    if (f->min != NULL && f->max != NULL)
        return g_strdup_printf("%s to %s", f->min, f->max);
    if (f->max != NULL)
        return g_strdup_printf("at most %s", f->max);
    if (f->min != NULL)
        return g_strdup_printf("at least %s", f->min);
    return g_strdup("");
}

static void
add_parameter(GString *s, const struct field *f, const void *object, struct arena *a)
{
    g_autofree char *range = range_of(f);
    const char *value = field_text(f, object, a);

    g_string_append_printf(s, "  %-34s %s", f->name, value);
    if (f->def != NULL && strcmp(value, f->def) != 0)
        g_string_append_printf(s, " (default %s)", f->def);
    g_string_append_printf(s, "\n      %s; %s%s%s\n", f->doc,
                           f->type == FIELD_ENUM ? "" : field_type_name(f->type),
                           f->type != FIELD_ENUM && *range != '\0' ? ", " : "", range);
}

static void
add_own_parameters(GString *s, const struct policy_spec *p, struct arena *a)
{
    for (const struct field *f = p->ext->params; f != NULL && f->name != NULL; f++) {
        struct field own = *f;

        own.name = arena_printf(a, "policy.%s", f->name);
        add_parameter(s, &own, p->ext_params, a);
    }
}

static int
show(const struct policy_spec *p, struct arena *a)
{
    g_autoptr(GString) s = g_string_new(NULL);

    if (p->ext != NULL)
        g_string_append_printf(s, "%s (programmable): %s\n", p->name, p->ext->doc);
    else
        g_string_append_printf(s, "%s (level %d): %s\n", p->name, p->placement->level,
                               p->placement->doc);
    if (p->ext != NULL && p->ext->page != NULL)
        g_string_append_printf(s, "\n%s\n", p->ext->page);
    else if (p->ext == NULL && p->placement->page != NULL)
        g_string_append_printf(s, "\n%s\n", p->placement->page);
    g_string_append_printf(s, "\nmemory model: %s, %s; not in it:\n", p->memory->name,
                           p->memory->doc);
    for (guint i = 0; memory_model_limits[i] != NULL; i++)
        g_string_append_printf(s, "  - %s\n", memory_model_limits[i]);
    g_string_append(s, "\nparameters (--set KEY=VALUE):\n");
    if (p->ext != NULL)
        add_own_parameters(s, p, a);
    for (const struct field *f = kernel_param_fields; f->name != NULL; f++)
        add_parameter(s, f, &p->params, a);
    return cli_print(s->str) ? EXIT_DONE : EXIT_OUTPUT;
}

static int
quirks(void)
{
    g_autoptr(GString) s = g_string_new("What NUMA balancing of Linux 6.12 does although it looks "
                                        "wrong; --set numa_balancing.quirks=NO_NAME repairs it:\n");

    for (guint i = 0; i < NUMA_QUIRK_NR; i++)
        g_string_append_printf(s, "  %s\n      %s\n", numa_quirk_names[i], numa_quirk_docs[i]);
    return cli_print(s->str) ? EXIT_DONE : EXIT_OUTPUT;
}

static int
load_and_show(const char *name, bool only_check)
{
    struct arena *a = arena_new();
    struct policy_spec p;
    struct diag d;
    int code = EXIT_INPUT;

    inputs_diag_init(&d);
    if (load_policy(name, a, &p, &d)) {
        code = only_check ? EXIT_DONE : show(&p, a);
    } else {
        g_autofree char *text = diag_text(&d);
        g_printerr("%s", text);
    }
    diag_clear(&d);
    arena_free(a);
    return code;
}

int
cmd_policy(const struct command *c, int argc, char **argv)
{
    const GOptionEntry none[] = { { .long_name = NULL } }, *tables[] = { none, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    if (!cli_parse(c, tables, argc, argv, &rest, &code))
        return code;
    guint nr = g_strv_length(rest);
    if (nr == 1 && strcmp(rest[0], "list") == 0)
        return list();
    if (nr == 1 && strcmp(rest[0], "quirks") == 0)
        return quirks();
    if (nr == 2 && (strcmp(rest[0], "show") == 0 || strcmp(rest[0], "check") == 0))
        return load_and_show(rest[1], rest[0][0] == 'c');
    return cli_usage(c, "write list, quirks, show POLICY or check POLICY");
}

/*
 * What all commands do alike: read options, say what is wrong, print.
 *
 * GOption has the help text and the parser in one table, so an option that works is in the help and
 * one that is in the help works.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"

int
cli_fail(int code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_printerr("numasim: %s\n", text);
    return code;
}

int
cli_usage(const struct command *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_printerr("numasim %s: %s\nTry 'numasim help %s'.\n", c->name, text, c->name);
    return EXIT_USAGE;
}

bool
cli_print(const char *text)
{
    size_t len = strlen(text);

    if (fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0)
        return true;
    if (errno != EPIPE) /* a reader that has seen enough knows */
        cli_fail(EXIT_OUTPUT, "standard output cannot be written: %s", g_strerror(errno));
    return false;
}

/* --help is looked for first, so that it works beside anything else; not behind "--". */
static bool
wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            strcmp(argv[i], "-?") == 0)
            return true;
    return false;
}

/* --decisions may stand alone; the next argument is then not its value. */
static char *
with_empty_value(const char *argument)
{
    return g_strdup(strcmp(argument, "--decisions") == 0 ? "--decisions=" : argument);
}

/* "-j2", as every other program takes it: an option of one letter with its value attached. */
static bool
has_value_attached(const GOptionEntry *const *tables, const char *argument)
{
    if (argument[0] != '-' || !g_ascii_isalpha(argument[1]) || argument[2] == '\0')
        return false;
    for (; *tables != NULL; tables++)
        for (const GOptionEntry *e = *tables; e->long_name != NULL; e++)
            if (e->short_name == argument[1])
                return e->arg != G_OPTION_ARG_NONE;
    return false;
}

/* As GOption wants them. */
static GStrv
arguments(const GOptionEntry *const *tables, int argc, char **argv)
{
    GPtrArray *all = g_ptr_array_new();
    bool options = true; /* up to "--" */

    for (int i = 0; i < argc; i++) {
        options = options && strcmp(argv[i], "--") != 0;
        if (i > 0 && options && has_value_attached(tables, argv[i])) {
            g_ptr_array_add(all, g_strndup(argv[i], 2));
            g_ptr_array_add(all, g_strdup(argv[i] + 2));
        } else {
            g_ptr_array_add(all, options ? with_empty_value(argv[i]) : g_strdup(argv[i]));
        }
    }
    g_ptr_array_add(all, NULL);
    return (GStrv)g_ptr_array_free(all, FALSE);
}

/* Texts are taken as the bytes that they are. GOption would convert them from the character set of
 * the locale, and refuse what is not in it: a folder's name, say. */
static void
add_entries(GOptionContext *context, const GOptionEntry *table)
{
    g_autoptr(GArray) copy = g_array_new(TRUE, TRUE, sizeof(*table));

    for (; table->long_name != NULL; table++) {
        GOptionEntry e = *table;

        if (e.arg == G_OPTION_ARG_STRING)
            e.arg = G_OPTION_ARG_FILENAME;
        else if (e.arg == G_OPTION_ARG_STRING_ARRAY)
            e.arg = G_OPTION_ARG_FILENAME_ARRAY;
        g_array_append_val(copy, e);
    }
    g_option_context_add_main_entries(context, (const GOptionEntry *)copy->data, NULL);
}

bool
cli_parse(const struct command *c, const GOptionEntry *const *tables, int argc, char **argv,
          GStrv *rest, int *code)
{
    g_autoptr(GOptionContext) context = g_option_context_new(c->arguments);
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strdup_printf("numasim %s", c->name);
    g_auto(GStrv) copy = arguments(tables, argc, argv);

    g_set_prgname(name);
    g_option_context_set_summary(context, c->summary);
    if (c->page != NULL)
        g_option_context_set_description(context, c->page);
    g_option_context_set_help_enabled(context, FALSE);
    for (; *tables != NULL; tables++)
        add_entries(context, *tables);
    if (wants_help(argc, argv)) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        *code = cli_print(text) ? EXIT_DONE : EXIT_OUTPUT;
        return false;
    }
    if (!g_option_context_parse_strv(context, &copy, &error)) {
        *code = cli_usage(c, "%s", error->message);
        return false;
    }
    *rest = g_strdupv(copy + (copy[0] != NULL ? 1 : 0));
    return true;
}

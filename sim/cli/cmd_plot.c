/* numasim plot: pictures of a folder that run or compare has written. */
#include "cli/cli.h"
#include "cli/plot_run.h"
#include "config/diag.h"

static int
format_index(const char *name)
{
    for (int i = 0; i < PLOT_FORMAT_NR; i++)
        if (strcmp(plot_format_names[i], name) == 0)
            return i;
    return -1;
}

static int
plot(const char *dir, int format)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (!plot_folder_text(dir, (enum plot_format)format, text, &error)) {
        if (g_error_matches(error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
            return cli_fail(EXIT_OUTPUT,
                            "gnuplot is not installed; data and scripts are in %s/plots", dir);
        return cli_fail(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) ||
                                g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_INVAL)
                            ? EXIT_INPUT
                            : EXIT_OUTPUT,
                        "%s", error->message);
    }
    if (format == PLOT_TEXT)
        return cli_print(text->str) ? EXIT_DONE : EXIT_OUTPUT;
    g_printerr("pictures in %s/plots\n", dir);
    return EXIT_DONE;
}

int
cmd_plot(const struct command *c, int argc, char **argv)
{
    char *format = NULL;
    const GOptionEntry entries[] = {
        { "format", 0, 0, G_OPTION_ARG_STRING, &format,
          "svg (default), png, pdf, or text for the terminal", "FORMAT" },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    if (!cli_parse(c, tables, argc, argv, &rest, &code)) {
        g_free(format);
        return code;
    }
    g_autofree char *name = format != NULL ? format : g_strdup("svg");
    if (g_strv_length(rest) != 1)
        return cli_usage(c, "write the folder of one result");
    if (format_index(name) < 0) {
        g_autofree char *hint = did_you_mean(name, plot_format_names);
        return cli_usage(c, "there is no format '%s'%s", name, hint);
    }
    return plot(rest[0], format_index(name));
}

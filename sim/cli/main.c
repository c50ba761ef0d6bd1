/*
 * numasim: the way in. Everything is in the table of commands; this file only finds the entry.
 *
 * A write beyond a limit and a reader that has gone away must be errors that we report (exit code
 * 4), not signals that end us: both are ignored here and seen again by whoever writes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/diag.h"

static char *
help_text(void)
{
    GString *s =
        g_string_new("numasim simulates NUMA scheduling and memory placement as Linux does it.\n\n"
                     "Usage: numasim COMMAND [options]\n\n");

    for (const struct command *c = commands; c->name != NULL; c++)
        g_string_append_printf(s, "  %-10s %s\n", c->name, c->summary);
    g_string_append(
        s, "  help       this page, or the page of a command: numasim help COMMAND\n"
           "\n  --version  the version of numasim\n"
           "\nWithout arguments, `numasim compare` compares four policies on a machine with"
           " four nodes.\n");
    return g_string_free(s, FALSE);
}

static const struct command *
find_command(const char *name)
{
    for (const struct command *c = commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static int
unknown_command(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (const struct command *c = commands; c->name != NULL; c++)
        g_ptr_array_add(names, g_strdup(c->name));
    g_ptr_array_add(names, NULL);
    g_autofree char *wrong = diag_excerpt(name);
    g_autofree char *hint = did_you_mean(name, (const char *const *)names->pdata);
    return cli_fail(EXIT_USAGE, "there is no command '%s'%s", wrong, hint);
}

static int
help(int argc, char **argv)
{
    if (argc < 2) {
        g_autofree char *text = help_text();
        return cli_print(text) ? EXIT_DONE : EXIT_OUTPUT;
    }
    const struct command *c = find_command(argv[1]);
    if (c == NULL)
        return unknown_command(argv[1]);
    char name[32], option[] = "--help";
    g_strlcpy(name, c->name, sizeof(name));
    char *page[] = { name, option, NULL, NULL };
    if (argc > 2) { /* "help topo mlc": a part with a page of its own */
        page[1] = argv[2];
        page[2] = option;
    }
    return c->run(c, argc > 2 ? 3 : 2, page);
}

/* What is said is UTF-8, and names of files are the bytes that they are, whatever the locale. */
static void
say(const char *text)
{
    fputs(text, stderr);
}

int
main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    g_set_printerr_handler(say);
    g_set_prgname("numasim");
    if (argc < 2) {
        g_autofree char *text = help_text();
        g_printerr("%s", text);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return cli_print("numasim " NUMASIM_VERSION "\n") ? EXIT_DONE : EXIT_OUTPUT;
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(argc - 1, argv + 1);
    const struct command *c = find_command(argv[1]);
    if (c == NULL)
        return unknown_command(argv[1]);
    return c->run(c, argc - 1, argv + 1);
}

/* numasim bench: the speed of the simulator itself, as ratios that were measured in one sitting. */
#include "cli/bench_accuracy.h"
#include "cli/bench_ext.h"
#include "cli/bench_pages.h"
#include "cli/bench_rq.h"
#include "cli/bench_whole.h"
#include "cli/cli.h"

static const struct {
    const char *name;
    GArray *(*measure)(const char *dir, guint rounds);
} parts[] = {
    { "queue", bench_queue },
    { "rq", bench_rq },
    { "pages", bench_pages },
    { "whole", bench_whole },
    { "ext", bench_ext },
};

static bool
optimised(void)
{
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
    return true;
#else
    return false;
#endif
}

static int
measure(const char *only, guint rounds)
{
    g_autofree char *dir = bench_own_dir();
    bool met = true;

    if (!optimised())
        g_printerr("note: this build is not optimised; build the release preset to compare\n");
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (only != NULL && strcmp(only, parts[i].name) != 0)
            continue;
        GArray *rows = parts[i].measure(dir, rounds);
        g_autoptr(GString) out = g_string_new(NULL);
        met = bench_rows_print(rows, out) && met;
        g_array_unref(rows);
        if (!cli_print(out->str))
            return EXIT_OUTPUT;
    }
    if (!met)
        g_printerr("note: not all goals were met\n");
    return EXIT_DONE;
}

static int
accuracy(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    GArray *rows = bench_accuracy();
    bool met = bench_rows_print(rows, out);

    g_array_unref(rows);
    if (!cli_print(out->str))
        return EXIT_OUTPUT;
    if (!met)
        g_printerr("note: not all goals were met\n");
    return EXIT_DONE;
}

int
cmd_bench(const struct command *c, int argc, char **argv)
{
    int rounds = 5;
    gboolean only_accuracy = FALSE;
    const GOptionEntry entries[] = {
        { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds,
          "how often each program takes its turn; the best counts (default 5)", "N" },
        { "accuracy", 0, 0, G_OPTION_ARG_NONE, &only_accuracy,
          "not speed, but how far rates are from an exact solution of the memory model", NULL },
        { .long_name = NULL },
    };
    const GOptionEntry *tables[] = { entries, NULL };
    g_auto(GStrv) rest = NULL;
    int code;

    if (!cli_parse(c, tables, argc, argv, &rest, &code))
        return code;
    guint nr = g_strv_length(rest);
    bool known = nr == 0;
    for (guint i = 0; nr == 1 && i < G_N_ELEMENTS(parts); i++)
        known = known || strcmp(rest[0], parts[i].name) == 0;
    if (!known)
        return cli_usage(c, "write queue, rq, pages, whole, ext, or nothing for all");
    if (only_accuracy && nr > 0)
        return cli_usage(c, "--accuracy goes without a part");
    if (only_accuracy)
        return accuracy();
    if (rounds < 1 || rounds > 1000)
        return cli_usage(c, "--rounds: write a number from 1 to 1000");
    return measure(rest[0], (guint)rounds);
}

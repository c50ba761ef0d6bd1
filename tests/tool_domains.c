/*
 * Builds scheduling domains for the oracle's comparison scripts:
 *
 *   tool_domains FILE     the JSON of one topology file
 *   tool_domains -        a topology a line on stdin, a result a line on stdout
 */
#include <stdio.h>

#include "config/load.h"
#include "report/topo_json.h"

static bool
build(const char *name, const char *text, gsize len, bool one_line)
{
    struct arena *a = arena_new();
    struct diag d;
    const struct machine *m;

    diag_init(&d);
    m = import_golden(name, text, len, a, &d);
    if (m != NULL) {
        GString *json = topo_domains_json(m, domains_build(a, m));

        if (one_line)
            g_strdelimit(json->str, "\n", ' ');
        fputs(json->str, stdout);
        g_string_free(json, TRUE);
    } else {
        g_autofree char *why = diag_text(&d);

        fputs(why, stderr);
    }
    if (one_line)
        putchar('\n');
    fflush(stdout);
    diag_clear(&d);
    arena_free(a);
    return m != NULL;
}

static bool
build_lines(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    bool good = true;

    while ((len = getline(&line, &size, stdin)) > 0)
        good &= build("stdin", line, (gsize)len, true);
    free(line);
    return good;
}

int
main(int argc, char **argv)
{
    g_autofree char *text = NULL;
    gsize len;

    if (argc != 2)
        return 2;
    if (strcmp(argv[1], "-") == 0)
        return build_lines() ? 0 : 1;
    if (!g_file_get_contents(argv[1], &text, &len, NULL))
        return 1;
    return build(argv[1], text, len, false) ? 0 : 1;
}

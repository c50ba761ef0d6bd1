/*
 * The commands. Each is one file with one entry in the table of commands.c; help and dispatch read
 * the table. A command gets its own arguments, argv[0] being its name, and returns an exit code.
 */
#pragma once

#include <gio/gio.h>

#include "base/base.h"

/* product.md section 2. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_INPUT = 1,
    EXIT_USAGE = 2,
    EXIT_POLICY = 3,
    EXIT_OUTPUT = 4,
    EXIT_INVARIANT = 5,
    EXIT_INTERRUPTED = 130,
};

struct command {
    const char *name, *arguments, *summary;
    const char *page; /* what --help says below the summary; may be NULL */
    int (*run)(const struct command *c, int argc, char **argv);
};

extern const struct command commands[]; /* ends with a NULL name */

int cmd_run(const struct command *c, int argc, char **argv);
int cmd_compare(const struct command *c, int argc, char **argv);
int cmd_sweep(const struct command *c, int argc, char **argv);
int cmd_merge(const struct command *c, int argc, char **argv);
int cmd_plot(const struct command *c, int argc, char **argv);
int cmd_topo(const struct command *c, int argc, char **argv);
int cmd_workload(const struct command *c, int argc, char **argv);
int cmd_policy(const struct command *c, int argc, char **argv);
int cmd_bench(const struct command *c, int argc, char **argv);

/*
 * Parses options out of argv by tables of entries (NULL at the end of the list of tables); what is
 * left stands in *rest (g_strfreev). --help prints the page of the command. True: go on, else *code
 * is the exit code.
 */
bool cli_parse(const struct command *c, const GOptionEntry *const *tables, int argc, char **argv,
               GStrv *rest, int *code);

/* "numasim: ..." on stderr; returns `code`. */
int cli_fail(int code, const char *fmt, ...) SIM_PRINTF(2, 3);
/* A usage error: says how to get help. Returns EXIT_USAGE. */
int cli_usage(const struct command *c, const char *fmt, ...) SIM_PRINTF(2, 3);

/* Text on stdout; false (and a message) if it could not be written. */
bool cli_print(const char *text);

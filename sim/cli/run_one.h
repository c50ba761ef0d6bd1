/*
 * One run from its inputs to its folder: what `run` does once and `compare` does in each of its
 * worker processes.
 */
#pragma once

#include "cli/options.h"
#include "report/trace.h"

struct run_one {
    const struct resolved *run;
    const char *dir;          /* exists, and is empty; NULL: no folder */
    const char *command_line; /* for manifest.yaml */
    bool plot, progress;
    const struct trace_request *trace; /* NULL: none */
    GString *rows;   /* NULL, or gets what run_report_rows() writes of a run that reached its end */
    unsigned scopes; /* of these: enum run_scope */
    /* out */
    char *failure;       /* why it did not go on; NULL: it did. Caller g_free()s */
    GPtrArray *warnings; /* char *; may be NULL */
};

/* Returns an exit code. EXIT_DONE, EXIT_POLICY, EXIT_INVARIANT and EXIT_INTERRUPTED leave a folder
 * that is worth keeping. */
int run_one(struct run_one *r);

/* Set by SIGINT and SIGTERM once interrupt_catch() was called. */
void interrupt_catch(void);
bool interrupted(void);

struct manifest {
    const char *command_line, *end;
    uint64_t seed, events;
    bool complete;
    double wall_s;
    const struct run_spec *spec; /* hashes of the inputs */
    const struct resolved *resolved;
};
bool manifest_write(const struct manifest *m, const char *dir, GError **error);

/* "run   40% [########            ]" on stderr if it is a terminal; done < 0: wipes it. */
void progress_show(const char *what, double done);

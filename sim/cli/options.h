/*
 * The options that run and compare share, and what they come to: a machine, a workload, policies.
 */
#pragma once

#include "cli/cli.h"
#include "config/resolved.h"

struct options {
    char *topology, *workload, *policy;
    char *seed_text, *until, *warmup, *out, *decisions, *force_decision;
    char **set, **memory;
    gboolean replay_placement;
    gboolean force, check, quiet, verbose, no_plot, schedstat, wasted_cores;
    /* of run alone */
    char **trace, *trace_filter;
    gboolean trace_ns, tables;
};
void options_clear(struct options *o);

enum { OPTION_ENTRIES_MAX = 24, OPTION_TRACE_MAX = 8 };
/* Fills the table; its entries point into *o. */
void options_entries(struct options *o, GOptionEntry entries[OPTION_ENTRIES_MAX]);
/* The same for the traces of a run. */
void options_trace_entries(struct options *o, GOptionEntry entries[OPTION_TRACE_MAX]);

/* What the options come to. */
struct inputs {
    struct arena *arena;
    struct diag diag;
    struct resolved run; /* the policy is policies[0] */
    GArray *policies;    /* struct policy_spec */
    bool skip_unfit;     /* policies that do not fit the machine are left out */
};
/* The folder with topologies/ and workloads/: $NUMASIM_DATA, or that of the sources of this build.
 */
const char *data_dir(void);
/* A diag whose loaders look there for shipped names. */
void inputs_diag_init(struct diag *d);
void inputs_init(struct inputs *in);
void inputs_clear(struct inputs *in);

/*
 * Loads everything; `policies` are names or paths, `resolved` is a file or NULL. EXIT_DONE, or
 * another exit code after the messages have been printed.
 */
int inputs_load(struct inputs *in, const struct options *o, const char *const *policies,
                const char *resolved);

/* Prints notes ("note: ...") unless quiet. */
void inputs_print_notes(const struct inputs *in, const struct options *o);

/* What was assumed of a machine, unless it stands in `notes` (char *) already. */
void inputs_print_machine(const struct machine *m, const GPtrArray *notes, bool verbose);

/* "a b/c" becomes "a_b_c": for the names of folders. */
char *name_for_folder(const char *name);

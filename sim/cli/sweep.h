/*
 * A sweep under way, or shards that are merged: shared by cmd_sweep.c, cmd_merge.c and the files
 * sweep_*.c.
 */
#pragma once

#include "cli/points_log.h"
#include "cli/run_one.h"
#include "config/grid.h"
#include "report/sweep_table.h"

struct sweep_options {
    char *out, *shard, *engine, *resolve;
    int jobs;
    gboolean force, extend, retry, show_plan, quiet, verbose, no_plot;
};

/* A folder that only we write: DIR/.tmp holds what is not whole yet. */
struct sweep_folder {
    char *dir, *tmp;
    int lock;
    struct points_log *log;
};

struct sweep {
    struct sweep_options o;
    struct grid grid; /* not of a merge, which has no more than its texts */
    const char *name, *canonical;
    char *plan_text;
    struct sweep_plan *plan;
    guint shard, nr_shards; /* points whose number is `shard` modulo nr_shards; all: 0, 1 */
    struct sweep_folder folder;
    guint *due, nr_due;      /* points to run */
    guint nr_own, nr_before; /* points that are ours; of them, finished by an earlier sweep */
    bool interrupted;
    GError *error;          /* the first of writing */
    gint64 started, synced; /* wall clock, us */
    double cpu_in_runs;     /* CPU time, s */
    char *command_line;
};

static inline bool
sweep_owns(const struct sweep *s, guint point)
{
    return point % s->nr_shards == s->shard;
}

/* plan.csv of the grid. Caller frees. */
char *sweep_plan_text(const struct grid *g);

/*
 * sweep_folder.c. Opens or makes the folder, takes its lock, reads its log. Returns an exit code,
 * after a message: another grid's folder is EXIT_INPUT. `chosen`: for messages.
 */
int sweep_folder_open(struct sweep *s, const char *dir);
void sweep_folder_close(struct sweep_folder *f);
/* A file that is there as a whole or not at all. `name` was written into f->tmp. */
bool sweep_folder_place(const struct sweep_folder *f, const char *name, GError **error);
bool sweep_folder_write(const struct sweep_folder *f, const char *name, const char *text,
                        GError **error);

/* sweep_run.c. Runs the points that are to do, and logs them. */
void sweep_run(struct sweep *s);
/* The folder of a point's run, below `dir`. Caller frees. */
char *sweep_run_folder(const char *dir, const char *key);

/* sweep_results.c. Writes what all comes to and says it; returns the exit code of the whole. */
int sweep_finish(struct sweep *s);
/* A record that need not be made again. */
bool sweep_is_final(const struct sweep *s, const struct point_record *r);

struct sweep_counts {
    guint done, failed, missing; /* points of ours, and others that are in the folder */
    int code;                    /* the worst of them */
};
/* For struct sweep_source; `data` is the sweep. */
void sweep_get_result(guint point, struct point_result *out, void *data);

/* sweep_say.c. For people. False: standard output could not be written. */
bool sweep_say(const struct sweep *s, const struct sweep_counts *c, bool drawn);

/* sweep_engine.c. Writes the script for another engine, and starts it if it is installed. */
int sweep_delegate(struct sweep *s, const char *grid, const char *dir);
extern const char *const sweep_engine_names[]; /* local first; ends with NULL */

/* sweep_version.c. What a key takes for the program: the version and a hash of the sources that a
 * result depends on, the same for all compilers. */
extern const char sweep_program_version[];

/*
 * The virtual memory latency checker: what `numasim topo mlc` measures and prints.
 *
 * Everything is measured inside a simulation: pinned tasks with bound memory run under the
 * scheduler and the memory model, and the figures are what they got done in a window of simulated
 * time. No figure of the machine's description is printed. Mixes, delays and the layout are those
 * that people know from Intel's Memory Latency Checker, so that its outputs can be compared line by
 * line.
 */
#pragma once

#include <gio/gio.h>

#include "run/run_spec.h"

enum { MLC_CHASE_LINE_PS = 100, MLC_STREAM_LINE_PS = 100 };

/* The inject delays of a sweep, cycles at nominal clock; and how many lines a core asks for between
 * two delays: what makes the sweeps of loaded_latency.csv end
 * (at a delay of 20000) at the bandwidths they do. */
extern const guint mlc_delays[];
extern const guint mlc_nr_delays;
enum { MLC_LINES_PER_DELAY = 4 };

/* Read-write mixes; `written` is the share of the lines read that are also written back. */
struct mlc_mix {
    const char *name;
    double written;
};
extern const struct mlc_mix mlc_mixes[];
extern const guint mlc_nr_mixes;

struct mlc {
    const struct machine *machine;
    struct policy_spec policy;
    double in_flight;   /* lines of a core that streams; its threads share them */
    int from, to;       /* nodes of the sweep and the mixes, dense; -1: all, each its own memory */
    GArray *delays;     /* guint */
    const char *failed; /* why a measurement could not be made, in the machine's arena; else NULL */
};

/* One task of a measurement. */
struct mlc_task {
    int cpu;
    uint32_t node; /* of its memory, dense */
    bool chase;    /* one access after the other: what latency is measured with */
    double in_flight, written;
    uint64_t line_ps; /* CPU time for a line besides the wait for it */
};

struct mlc_reading {
    double latency_ns;  /* of the tasks that chase; 0: there is none */
    double bytes_per_s; /* of all tasks, write-backs included */
};

/* Runs the tasks (struct mlc_task) together. False: mlc->failed is set. */
bool mlc_measure(struct mlc *mlc, const GArray *tasks, struct mlc_reading *out);

/* Which parts are wanted; none set: all of them. */
struct mlc_parts {
    gboolean latency, peak, bandwidth, loaded;
};

/* What was measured; matrices are nr_nodes^2, row = node of the CPU, NAN where nothing can be. */
struct mlc_results {
    double *latency, *bandwidth;
    double *peak;               /* by mix, bytes/s */
    struct mlc_reading *loaded; /* by delay */
};

/* False: mlc->failed is set, or it was interrupted (then not). Shows progress. */
bool mlc_measure_parts(struct mlc *mlc, struct mlc_parts parts, struct mlc_results *out);
void mlc_results_clear(struct mlc_results *r);

/* As people know it; as a table with a row for each figure. */
void mlc_print_text(const struct mlc *mlc, const struct mlc_results *r, GString *out);
void mlc_print_csv(const struct mlc *mlc, const struct mlc_results *r, GString *out);

/* A CPU where a node's latency is measured; the node that the tasks of a node use when each uses
 * its own: the nearest with memory. -1: there is none. */
int mlc_first_cpu(const struct mlc *mlc, uint32_t node);
int mlc_own_memory(const struct mlc *mlc, uint32_t node);

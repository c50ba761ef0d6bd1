/*
 * Grids: experiments as files. A grid has axes (machines, workloads, parameters, policies, seeds),
 * and its points are their cross product, numbered with the last axis fastest, without what the
 * file leaves out. The grammar stands in results/README.md.
 *
 * Whatever is wrong with the file, with what it names, or with a value of a parameter is known once
 * a grid is loaded; only what a run itself refuses is found later.
 */
#pragma once

#include "config/resolved.h"

enum {
    GRID_POINTS_MAX = 1000000,
    GRID_ENTRIES_MAX = 1000, /* machines, workloads, policies: of each */
    GRID_SEEDS_MAX = 100000,
    GRID_AXES_MAX = 64,
    GRID_RULES_MAX = 1000,
    GRID_WORKLOADS_MAX = 50000, /* workloads with their parameters */
};

struct grid_setting {
    const char *key, *value;
    const struct ynode *node; /* of the value */
};

/* One value of an axis. */
struct grid_value {
    const char *label;  /* in results */
    const char *base;   /* machine, workload, policy: name or path; NULL: the embedded one */
    const char *memory; /* policy: the memory model; NULL: the usual one */
    struct grid_setting *settings;
    guint nr_settings;
    const struct ynode *node; /* NULL: nobody wrote it */
};

/* The order of axes: topology, workload, any of `set` and `variants`, policy, seed. */
enum { GRID_TOPOLOGY, GRID_WORKLOAD, GRID_FIRST_PARAM };

struct grid_axis {
    const char *name;
    struct grid_value *values;
    guint nr;
};

/* Points that have one of the marked values on every axis are left out. */
struct grid_rule {
    bool **marked; /* [axis][value]; NULL: any */
};

struct grid_point {
    guint cell; /* its place in the cross product */
    const struct workload *workload;
};

struct grid {
    struct yaml_doc *doc;
    const char *name, *about;
    char *canonical; /* the file without its comments and layout: equal texts are equal grids */
    const char *dir; /* of the file: paths in it are seen from there */
    struct grid_axis *axes;
    guint nr_axes, nr_rules;
    struct grid_rule *rules;
    struct grid_setting *constants; /* of `set`, with a single value: they hold for all points */
    guint nr_constants;
    uint64_t *seeds;
    sim_time until, warmup; /* SIM_NEVER: not given */
    unsigned scopes;        /* bits of grid_scope_names */
    bool folders;           /* keep the folder of every run */
    bool check, skip_unfit, all_policies;
    struct machine **machines;
    struct policy_spec *policies;
    struct grid_point *points;
    guint nr_points;
    GHashTable *workloads;    /* by how they were made */
    GHashTable *sums, *cells; /* SHA-256 of machines and workloads, of points but for their seed */
};

extern const char
    *const grid_scope_names[]; /* process, tag, cgroup, NULL: enum run_scope's order */

static inline guint
grid_policy_axis(const struct grid *g)
{
    return g->nr_axes - 2;
}

static inline guint
grid_seed_axis(const struct grid *g)
{
    return g->nr_axes - 1;
}

/*
 * By shipped name (of results/experiments) or path. False: messages in diag. In any case
 * grid_clear() frees what is not the arena's.
 */
bool grid_load(const char *spec, struct arena *a, struct grid *g, struct diag *d);
/* The file alone, without what it names: axes and values, no points. */
bool grid_parse(const char *path, const char *text, gsize len, struct arena *a, struct grid *g,
                struct diag *d);
void grid_clear(struct grid *g);

/* Which value of the axis a point has. */
guint grid_digit(const struct grid *g, guint point, guint axis);
static inline const char *
grid_label(const struct grid *g, guint point, guint axis)
{
    return g->axes[axis].values[grid_digit(g, point, axis)].label;
}

/* The run that a point is. Its texts are in `a`, its machine and workload in the grid. */
void grid_resolve(const struct grid *g, guint point, struct arena *a, struct resolved *out);

/* Hexadecimal SHA-256 of all that defines the point's result: the resolved run, what is kept of it,
 * and `version` of the program. */
enum { GRID_KEY_SIZE = 65 };
void grid_key(const struct grid *g, guint point, const char *version, char key[GRID_KEY_SIZE]);

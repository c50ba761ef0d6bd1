/*
 * What the parts of the workload loader share. workload_yaml.c: files; workload_yaml_names.c: what
 * is declared; workload_yaml_parts.c: processes, threads and regions; workload_yaml_params.c:
 * parameters and `base`; workload_yaml_values.c: numbers, durations, policies;
 * workload_yaml_case.c: parts that depend on one; workload_yaml_class.c: scheduling classes;
 * workload_yaml_sync.c: what threads meet at; workload_yaml_arrivals.c: where requests come from;
 * workload_yaml_steps.c: programs.
 */
#pragma once

#include "config/workload_yaml.h"
#include "config/yaml_tree.h"

struct wload {
    struct yaml_doc doc;
    struct workload *w;
    GArray *dists;   /* struct wdist: grows while programs are read */
    GArray *devices; /* struct wdevice: declared, then those that steps name */
    GArray *steps;   /* struct wstep of the program that is being read */
    int32_t process; /* where names are looked up; -1: outside of processes */
    int32_t group;
    guint depth;    /* of loops */
    guint nr_named; /* of dists */
    bool steps_full, too_many;
};

/* ---- values ---- */

/* The number at a node, which may be an expression; false with an error. NULL: false without. */
bool wload_number(struct wload *l, const struct ynode *n, enum field_type type,
                  enum wexpr_scope scope, struct wexpr *e);
/* The same under a key; `def` (may be NULL) stands where there is none. Required without a def. */
bool wload_number_at(struct wload *l, const struct ynode *map, const char *key,
                     enum field_type type, enum wexpr_scope scope, const char *def,
                     struct wexpr *e);
bool wload_ratio_at(struct wload *l, const struct ynode *map, const char *key, const char *def,
                    uint32_t *ppm);
bool wload_bool_at(struct wload *l, const struct ynode *map, const char *key, bool def);
int wload_enum_at(struct wload *l, const struct ynode *map, const char *key,
                  const char *const *names, int def);
/* A name or a value; NULL: absent. */
const char *wload_text_at(struct wload *l, const struct ynode *map, const char *key);
/* Letters, digits, _ . -; NULL with an error. */
const char *wload_name(struct wload *l, const struct ynode *n);
/* A duration: the number of a distribution; -1 with an error. */
int32_t wload_duration(struct wload *l, const struct ynode *n);
int32_t wload_constant(struct wload *l, uint64_t ns);
/* The same of sizes; and whether a node is no plain number but a distribution. */
int32_t wload_bytes(struct wload *l, const struct ynode *n);
bool wload_is_dist(const struct wload *l, const struct ynode *n);
/* A list of nodes, `all` or `random`. */
bool wload_nodes(struct wload *l, const struct ynode *n, struct wpolicy *p);
/* Where n stands, for whoever finds out later that it does not fit. */
struct wplace wload_place(struct wload *l, const struct ynode *n);
bool wload_policy(struct wload *l, const struct ynode *n, struct wpolicy *p);
bool wload_affinity(struct wload *l, const struct ynode *n, struct waffinity *a);
/* name: value pairs. */
const struct whint *wload_hints(struct wload *l, const struct ynode *n, uint32_t *nr);
/* "5000/s". */
bool wload_rate(struct wload *l, const struct ynode *n, struct wexpr *e);

/* "... is not modelled yet" */
void wload_not_yet(struct wload *l, const struct ynode *n, const char *what);

/* class, and slice, priority, runtime, deadline, period, of a map; false with an error. */
bool wload_class(struct wload *l, const struct ynode *n, struct wclass *c);

/* ---- parts ---- */

/* The list under a key: NULL if it is absent or no list, or too long. */
const struct ynode *wload_list_at(struct wload *l, const struct ynode *map, const char *key);
/* The first pass: everything that has a name. */
void wload_declare(struct wload *l, const struct ynode *processes);

/* The tree under `cgroups`; and the group of that path, -1: the root, or none, with an error. */
void wload_cgroups(struct wload *l, const struct ynode *map);
/* The moments under `hotplug`. */
void wload_hotplug(struct wload *l, const struct ynode *root);
/* The list under `devices`. */
void wload_devices(struct wload *l, const struct ynode *root);
int32_t wload_find_cgroup(struct wload *l, const struct ynode *n);
bool wload_nice(struct wload *l, const struct ynode *n, int32_t *nice);

void wload_distributions(struct wload *l, const struct ynode *map);
/* Objects declared under `sync`, of a process or of all. */
void wload_arrivals(struct wload *l, const struct ynode *n, struct warrival *a);
void wload_declare_objects(struct wload *l, const struct ynode *map, GArray *objects);
void wload_objects(struct wload *l, const struct ynode *map);
int32_t wload_find_object(struct wload *l, const struct ynode *n, const char *name, unsigned kinds);
int32_t wload_find_region(struct wload *l, const struct ynode *n);
int32_t wload_find_group(struct wload *l, const struct ynode *n);
void wload_program(struct wload *l, const struct ynode *list, struct wgroup *g);

/* Parameters: checked and settled; their values become the defaults in the tree. */
bool wload_parameters(struct wload *l, const char *const *settings);
/* Puts them where `$name` stands. */
void wload_substitute(struct wload *l);
/* Puts what `$case` chooses where it stands, below a node (_case.c); false with an error. */
bool wload_settle_cases(struct wload *l, struct ynode *n);
/* The parts of the file, once parameters are in place. */
void wload_read(struct wload *l);
/* So many mistakes that it makes no sense to look for more. */
bool wload_is_enough(const struct wload *l);
/* A workload from a tree that an importer has made; the file's name and places are the tree's. */
struct workload *workload_tree_load(struct yaml_doc *doc, const char *const *settings);
/* A growing array's final form. */
void *wload_to_arena(struct wload *l, GArray *array, uint32_t *nr);
void wload_put_text(GString *out, const char *text);
/* The tree as text, without the name and the doc; caller frees. */
char *wload_source(const struct wload *l);

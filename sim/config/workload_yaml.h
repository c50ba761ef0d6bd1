/*
 * Workload YAML: a file becomes a struct workload. The grammar stands in workloads/README.md.
 */
#pragma once

#include "config/load.h"
#include "workload/workload.h"

/*
 * A workload by shipped name ("numa02") or path; NULL: the embedded default. `settings` are values
 * of the file's parameters as "loops=10", NULL-terminated; NULL: none. Returns NULL with messages
 * in diag. `a` must outlive the workload.
 */
struct workload *load_workload(const char *spec, const char *const *settings, struct arena *a,
                               struct diag *d);
struct workload *workload_yaml_load(const char *path, const char *text, gsize len,
                                    const char *const *settings, struct arena *a, struct diag *d);

/* YAML that loads to the same workload, with the values of its parameters as their defaults. Each
 * line begins with `indent` spaces. Files that it refers to are named as seen from the folder `dir`
 * (NULL: by their whole path). */
void workload_yaml_write(const struct workload *w, const char *dir, unsigned indent, GString *out);

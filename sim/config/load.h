/*
 * The way in: names and paths become plain structs. What each loader accepts stands in its .c file.
 */
#pragma once

#include "config/diag.h"
#include "machine/machine.h"

/*
 * A topology by shipped name ("epyc-7601-nps4"), path of a topology YAML, hwloc XML,
 * "hwloc:SYNTHETIC", saved `numactl --hardware`, `lscpu` of any form, golden file of the oracle, or
 * snapshot of /sys (folder or tar); texts and archives may be packed. The format is told by
 * content. spec NULL: the machine that is compiled in (four-node). NULL: messages in diag. `a` must
 * outlive the machine.
 */
struct machine *load_machine(const char *spec, struct arena *a, struct diag *d);

/* The machine that we run on, from its /proc and /sys. */
struct machine *load_this_machine(struct arena *a, struct diag *d);

struct machine *topology_yaml_load(const char *path, const char *text, gsize len, struct arena *a,
                                   struct diag *d);
struct machine *import_golden(const char *path, const char *text, gsize len, struct arena *a,
                              struct diag *d);
struct machine *import_numactl(const char *path, const char *text, gsize len, struct arena *a,
                               struct diag *d);
struct machine *import_hwloc_xml(const char *path, const char *text, gsize len, struct arena *a,
                                 struct diag *d);
struct machine *import_hwloc_synthetic(const char *spec, struct arena *a, struct diag *d);

/* The machine as topology YAML that loads to the same machine. */
void topology_yaml_write(const struct machine *m, GString *out);

/* Shipped names (without .yaml), sorted, NULL-terminated; caller g_strfreev()s. */
char **shipped_names(const char *data_dir, const char *folder);

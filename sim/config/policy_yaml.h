/*
 * Policies by name or as a YAML file that starts from a preset:
 *
 *     base: autonuma
 *     doc: scans a quarter as much
 *     memory: idle
 *     set:
 *       numa_balancing.scan_size: 64MiB
 */
#pragma once

#include "config/diag.h"
#include "run/run_spec.h"

/* False: messages in diag. */
bool load_policy(const char *spec, struct arena *a, struct policy_spec *out, struct diag *d);

/* One setting of a policy: a kernel parameter or "memory.model". False: *why says what is wrong and
 * what would be right (caller frees). */
bool policy_set(struct policy_spec *p, const char *key, const char *value, struct arena *a,
                char **why);

/* The same for a map of settings in a file. */
struct yaml_doc;
struct ynode;
void policy_load_settings(const struct yaml_doc *doc, const struct ynode *map,
                          struct policy_spec *p);
/* A preset by name with its settings; false: there is none, *why has a did-you-mean. */
bool policy_preset(const char *name, struct arena *a, struct policy_spec *out, char **why);
bool policy_set_memory(struct policy_spec *p, const char *name, char **why);

/*
 * Programmable schedulers that take over while a run goes on: `then` of policy files and of
 * resolved.yaml.
 */
#pragma once

#include "config/yaml_tree.h"
#include "run/run_spec.h"

/* What an item of the list names, as -p would have it, or "none"; NULL: an error was said. Freed.
 */
typedef char *(*policy_name_fn)(const struct yaml_doc *doc, const struct ynode *item);

/* Reads the list into p->then. Errors are the document's. */
void policy_load_then(const struct yaml_doc *doc, const struct ynode *list, struct policy_spec *p,
                      const char *const *keys, policy_name_fn name_of);

/*
 * Programmable policies from files: Lua scripts and C plugins. Whatever they come from, what is
 * loaded is a table of operations (numasim/policy.h).
 */
#pragma once

#include "config/diag.h"
#include "numasim/policy.h"

/*
 * A script. It is looked at in a child process with limits before it is looked at here; what it
 * points to is in the arena. NULL: messages in diag.
 */
const struct sched_ops *policy_script_load(const char *path, struct arena *a, struct diag *d);

/*
 * A shared object with the symbol `numasim_policy`. It is trusted: its code runs with the rights of
 * the program, and it stays loaded until that ends. NULL: messages in diag.
 */
const struct sched_ops *policy_plugin_load(const char *path, struct arena *a, struct diag *d);

/* Is the table one that the kernel can use? False: all complaints are in diag, under `file`. */
bool policy_table_check(const struct sched_ops *ops, const char *file, struct arena *a,
                        struct diag *d);

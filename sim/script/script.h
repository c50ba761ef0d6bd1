/*
 * Policies that are scripts: a Lua file becomes a table of operations like that of a C policy.
 *
 * The file returns a table: `name`, `doc`, `page`, `flags` (a list of names without SCX_OPS_),
 * `timeout_ms`, `dispatch_max_batch`, `exit_dump_len`, `params`, `stats`, and the operations, with
 * the names and the order of arguments of numasim/policy.h (a struct's members follow one by one).
 * Within, `scx` has the calls of numasim/calls.h without their prefix and first argument, and its
 * constants; `param` has the parameters. Tasks, groups and CPUs are numbers: a task is its pid.
 *
 * A script is loaded twice: once to see what it is, when nothing runs yet, and anew for each run,
 * in a box of its own (box.h).
 */
#pragma once

#include "numasim/policy.h"
#include "script/box.h"

/*
 * Looks at a script. The table and all that it points to are in the arena. NULL: *why has all
 * complaints, a line each, "FILE:LINE: what" or "FILE: what"; in the arena as well.
 */
const struct sched_ops *script_load(const char *name, const char *text, size_t len, struct arena *a,
                                    const char **why);

/*
 * Policies written at random, as Lua text: programs over the operations and calls, most of them
 * sound enough to schedule for a while, with steps now and then that break a rule, a limit or the
 * language.
 */
#pragma once

#include "random_case.h"

struct sched_ops;

/* The text of a script that follows from the case's seed; in the arena. */
const char *random_script_text(const struct random_case *c, struct arena *a);
/* The policy made from it, and in *params its limits. NULL: *why says what the loader did not
 * like, which is a failure: texts are sound as such. */
const struct sched_ops *random_script(const struct random_case *c, struct arena *a,
                                      const void **params, const char **why);

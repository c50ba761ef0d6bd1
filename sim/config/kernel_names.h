/*
 * Parameters by the names that the kernel has for them, with its units in the name.
 */
#pragma once

#include "base/arena.h"
#include "config/diag.h"

/*
 * If *key is such a name, *key and *value become those of ours: sched.base_slice_ns and 3000000,
 * sched.base_slice and 3000000ns. The new value is the caller's arena's. False: it is one, and the
 * value is no number; *why is the caller's, to be freed.
 */
bool kernel_name_to_ours(const char **key, const char **value, struct arena *a, char **why);

/* What the kernel has and the model has not, in words, if the key asks for it; else NULL. */
const char *not_modelled(const char *key);

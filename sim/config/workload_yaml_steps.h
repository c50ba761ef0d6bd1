/* The halves of the program loader: the table of verbs, and the steps that take more words. */
#pragma once

#include "config/workload_yaml_load.h"

struct verb {
    const char *name;
    enum wstep_kind kind;
};

struct wstep *step_add(struct wload *l, const struct ynode *n, enum wstep_kind kind);
bool wload_nice(struct wload *l, const struct ynode *n, int32_t *nice);

/* NULL: no memory is used, or it was wrong. */
const struct wmem *memory_of_compute(struct wload *l, const struct ynode *n);
const struct wmem *memory_of_stream(struct wload *l, const struct ynode *n, const char *writes);

void read_meeting(struct wload *l, const struct ynode *n, const struct verb *v);
void read_transfer(struct wload *l, const struct ynode *n, const struct verb *v);
void read_request(struct wload *l, const struct ynode *n, const struct verb *v);

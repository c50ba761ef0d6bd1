/*
 * Who wanted a CPU and who had it, over a recording; and how well groups explain that.
 */
#pragma once

#include "base/base.h"

#include <glib.h>

struct share_use {
    uint32_t cell, cpu, task;
    uint64_t wanted, had; /* ns; what it had it wanted */
};

struct shares;

struct shares *shares_new(void);
void shares_free(struct shares *s);
/* Times since the recording's beginning. */
void shares_add(struct shares *s, uint32_t task, uint32_t cpu, uint64_t from, uint64_t to,
                bool had);
/* All that was added (struct share_use), by cell, CPU and task. */
GArray *shares_uses(const struct shares *s);

enum { SHARES_NO_GROUP = UINT32_MAX };

/* A supposition. By task: its weight (0: it is left out, with the time that it had), its group
 * (SHARES_NO_GROUP: the root). The last two are room for a sum a group and a sum a task, zero. */
struct shares_law {
    const double *weight;
    const uint32_t *group;
    double *wants, *own_wants;
};
/* How far the recorded run times are from the supposed ones: a sum of ms. Not of squares: a group
 * that makes up for lost turns is far off for a cell, and says nothing. */
double shares_misfit(const struct shares *s, const GArray *uses, const struct shares_law *law);

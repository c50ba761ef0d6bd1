/*
 * Distributions of durations and of sizes, drawn with integers only: the same bits under every
 * compiler.
 */
#pragma once

#include "base/exp.h"
#include "base/rng.h"
#include "workload/workload.h"

/* A distribution whose numbers are known. */
struct chance {
    enum wdist_kind kind;
    uint64_t a, b;
    uint64_t shape_q32; /* lognormal: sigma; pareto: 1 / alpha; generalized: shape */
};

/* NULL, or why not. */
const char *chance_init(struct chance *c, const struct wdist *d, const struct wenv *env);

/* A duration in ns, or a size in bytes. */
uint64_t chance_draw(const struct chance *c, struct rng *r);
/* The mean of the distribution, ns; of a Pareto one without a finite mean, ten times its least. */
uint64_t chance_mean(const struct chance *c);

/* No draw is longer: about 146 years, so that sums of times stay far from the end of the clock. */
#define CHANCE_MAX EXP_MAX

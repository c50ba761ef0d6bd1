/*
 * Distributions of durations, drawn with integers only: the same bits under every compiler.
 */
#pragma once

#include "base/rng.h"
#include "workload/workload.h"

/* A distribution whose numbers are known. */
struct chance {
    enum wdist_kind kind;
    uint64_t a, b;
    uint64_t shape_q32; /* lognormal: sigma; pareto: 1 / alpha */
};

/* NULL, or why not. */
const char *chance_init(struct chance *c, const struct wdist *d, const struct wenv *env);

/* A duration in ns. */
uint64_t chance_draw(const struct chance *c, struct rng *r);

/* No draw is longer: about 146 years, so that sums of times stay far from the end of the clock. */
#define CHANCE_MAX ((uint64_t)1 << 62)

/* x * e^y, y in 1/2^32; saturates at CHANCE_MAX. */
uint64_t mul_exp_q32(uint64_t x, int64_t y_q32);
/* ln(x), x in 1/2^32 and at least 1. */
uint64_t ln_q32(uint64_t x_q32);

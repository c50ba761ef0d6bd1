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

/* No draw is longer: about 146 years, so that sums of times stay far from the end of the clock. */
#define CHANCE_MAX EXP_MAX

/* The number before it in the stream is left out: that is how seeds have always been read. */
static inline uint64_t
draw_exponential(struct rng *r, uint64_t mean)
{
    r->counter++;
    return rng_exponential(r, mean);
}

uint64_t chance_draw_any(const struct chance *c, struct rng *r);
/* A duration in ns, or a size in bytes. */
static inline uint64_t
chance_draw(const struct chance *c, struct rng *r)
{
    if (likely(c->kind == WDIST_EXPONENTIAL)) /* at most 44 times its mean */
        return draw_exponential(r, SIM_MIN(c->a, CHANCE_MAX >> 6));
    return chance_draw_any(c, r);
}
/* The mean of the distribution, ns; of a Pareto one without a finite mean, ten times its least. */
uint64_t chance_mean(const struct chance *c);

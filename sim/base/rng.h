/*
 * Chance: named, counter-based random streams.
 *
 * A stream is (key, counter); the key is a hash of the seed, the purpose and the index of whoever
 * draws. No state is shared, so a new consumer leaves all other draws as they were. Distributions
 * use an integer quantile table: no libm, the same bits under every compiler.
 */
#pragma once

#include "base/base.h"

struct rng {
    uint64_t key, counter;
};

void rng_init(struct rng *r, uint64_t seed, const char *purpose, uint64_t index);

uint64_t rng_u64(struct rng *r);

/* Uniform in [0, bound); bound > 0. Multiply-shift: bias below bound / 2^64. */
uint64_t rng_below(struct rng *r, uint64_t bound);

/* Exponential with the given mean, rounded down; at most about 37 means. */
uint64_t rng_exponential(struct rng *r, uint64_t mean);

/* Standard normal in 1/65536, by inversion of a table. */
int64_t rng_normal_q16(struct rng *r);

/* The draws that r would give at `counter`, without moving it (counter-based use). */
uint64_t rng_at(uint64_t key, uint64_t counter);

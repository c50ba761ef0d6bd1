/*
 * Chance: named, counter-based random streams.
 *
 * A stream is (key, counter); the key is a hash of the seed, the purpose and the index of whoever
 * draws. No state is shared, so a new consumer leaves all other draws as they were. Distributions
 * use integer quantile tables: no libm, the same bits under every compiler.
 */
#pragma once

#include "base/base.h"

struct rng {
    uint64_t key, counter;
};

void rng_init(struct rng *r, uint64_t seed, const char *purpose, uint64_t index);

/* Both halves of a product depend on all of its bits below them: folding them mixes. */
static inline uint64_t
rng_fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 u128;
    u128 m = (u128)a * b;
    return (uint64_t)(m >> 64) ^ (uint64_t)m;
}

/* The draw of stream `key` at `counter`, without moving anything (counter-based use). */
static inline uint64_t
rng_at(uint64_t key, uint64_t counter)
{
    uint64_t x = rng_fold(key ^ (counter * 0x9e3779b97f4a7c15u), 0xe7037ed1a0b428dbu);

    return rng_fold(x ^ counter, 0xa0761d6478bd642fu);
}

static inline uint64_t
rng_u64(struct rng *r)
{
    return rng_at(r->key, r->counter++);
}

/* Uniform in [0, bound); bound > 0. Multiply-shift: bias below bound / 2^64. */
static inline uint64_t
rng_below(struct rng *r, uint64_t bound)
{
    __extension__ typedef unsigned __int128 u128;
    return (uint64_t)((u128)rng_u64(r) * bound >> 64);
}

/* Exponential with the given mean, rounded down; at most about 44 means. */
uint64_t rng_exponential(struct rng *r, uint64_t mean);

/* Standard normal in 1/65536, by inversion of a table; at most about 7 either way. */
int64_t rng_normal_q16(struct rng *r);

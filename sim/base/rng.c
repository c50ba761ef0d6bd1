/*
 * Random streams, and the two distributions that everything else is made of.
 *
 * A uniform draw u is taken apart as 2^-(octave + 1) * (1 + m): the octave is its number of leading
 * zeros, m the bits behind the leading one. The logarithm is then octave * ln 2 minus a table
 * look-up in m, and the normal quantile is a table of the same shape. So the tails are as exact as
 * the middle, where a table over u itself would end at its last step. Between steps we go in
 * straight lines; the error stays below 2^-22 of the mean and 2^-15 of the deviation.
 */
#include "base/rng.h"

#include "base/rng_tables.inc"

__extension__ typedef unsigned __int128 u128;

void
rng_init(struct rng *r, uint64_t seed, const char *purpose, uint64_t index)
{
    uint64_t h = rng_at(seed, 0);

    for (const char *c = purpose; *c != '\0'; c++)
        h = rng_at(h, (unsigned char)*c);
    *r = (struct rng){ .key = rng_at(h ^ 0x589965cc75374cc3u, index) };
}

/* Leading zeros of the draw, and the 64 bits that follow its leading one. */
static uint32_t
split_octave(uint64_t draw, uint64_t *m)
{
    uint32_t octave = (uint32_t)__builtin_clzll(draw | 1);

    *m = (draw | 1) << octave << 1;
    return octave;
}

uint64_t
rng_exponential(struct rng *r, uint64_t mean)
{
    uint64_t m, octave = split_octave(rng_u64(r), &m);
    uint64_t i = m >> 54, between = m >> 22 & UINT32_MAX;
    uint64_t step = log_table[i + 1] - log_table[i];
    uint64_t ln = log_table[i] + (uint64_t)((u128)step * between >> 32);

    return (uint64_t)((u128)mean * ((octave + 1) * LN2_Q56 - ln) >> 56);
}

int64_t
rng_normal_q16(struct rng *r)
{
    uint64_t draw = rng_u64(r), m;
    bool negative = draw & 1;
    uint32_t octave = split_octave(draw & ~(uint64_t)1, &m);

    octave = SIM_MIN(octave, OCTAVES - 1);
    /* m grows towards the middle, the table towards the tail */
    uint64_t far = ~m, i = octave * OCTAVE_STEPS + (far >> 58), between = far >> 26 & UINT32_MAX;
    uint64_t step = normal_table[i + 1] - normal_table[i];
    int64_t z = (int64_t)((normal_table[i] + (step * between >> 32) + 128) >> 8);

    return negative ? -z : z;
}

/*
 * The inverse of a nice weight is a stored table in the kernel, and no rounding rule reproduces it:
 * it is floor(2^32 / w), plus one for the thirteen weights in `rounded_up`.
 */
#include "kernel/weight.h"

static const uint32_t weights[40] = {
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, /* -20 .. -11 */
    9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,  /* -10 .. -1 */
    1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,   /* 0 .. 9 */
    110,   87,    70,    56,    45,    36,    29,    23,    18,    15,    /* 10 .. 19 */
};

static const uint32_t rounded_up[] = { 56483, 46273, 6100, 4904, 2501, 1586, 1277,
                                       820,   655,   423,  335,  272,  70 };

uint32_t
nice_weight(int nice)
{
    sim_assert(nice >= -20 && nice <= 19);
    return weights[nice + 20];
}

uint32_t
nice_inv_weight(int nice)
{
    uint32_t w = nice_weight(nice);
    uint32_t inverse = (uint32_t)(((uint64_t)1 << 32) / w);

    for (size_t i = 0; i < ARRAY_LEN(rounded_up); i++)
        if (rounded_up[i] == w)
            return inverse + 1;
    return inverse;
}

uint32_t
weight_inverse(uint64_t weight)
{
    if (weight >= UINT32_MAX)
        return 1;
    return weight == 0 ? UINT32_MAX : (uint32_t)(UINT32_MAX / weight);
}

uint64_t
calc_delta_unfair_slow(uint64_t vdelta, uint32_t weight, uint32_t inv_weight)
{
    uint64_t delta = mul_div_u64(vdelta, weight, NICE_0_WEIGHT);

    while (calc_delta_fair(delta, inv_weight) < vdelta)
        delta++;
    while (delta > 0 && calc_delta_fair(delta - 1, inv_weight) >= vdelta)
        delta--;
    return delta;
}

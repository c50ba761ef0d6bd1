/*
 * Load weights: nice levels, their inverses, and time scaled by weight (sched-core.md 2.1).
 */
#pragma once

#include "base/base.h"

enum { NICE_0_WEIGHT = 1024, SCHED_IDLE_WEIGHT = 3 };
/* Weights of queues and groups carry this many more bits (scale_load). */
enum { LOAD_SHIFT = 10, MIN_SHARES = 2, MAX_SHARES = 1 << 18 };
#define NICE_0_LOAD ((uint32_t)NICE_0_WEIGHT << LOAD_SHIFT)
/* Of what weighs exactly NICE_0_LOAD. The inverse of a group that weighs a little more, which is
 * 1024 as well when scaled down, is one less: only the former's time passes unscaled. */
enum { NICE_0_INVERSE = 1 << 22 };

/* nice in -20..19. */
uint32_t nice_weight(int nice);
uint32_t nice_inv_weight(int nice);
/* 2^32 / w for weights that are no nice level, as the kernel rounds it. */
uint32_t weight_inverse(uint64_t weight);

/* delta * weight / W, inv_weight being that of W, with the kernel's rounding (__calc_delta). */
static inline uint64_t
calc_delta(uint64_t delta, uint32_t weight, uint32_t inv_weight)
{
    __extension__ typedef unsigned __int128 u128;
    uint64_t factor = (uint64_t)weight * inv_weight;
    int beyond = 32 - __builtin_clzll(factor | UINT32_MAX); /* bits above 32 */

    return (uint64_t)(((u128)delta * (factor >> beyond)) >> (32 - beyond));
}

/* delta * 1024 / weight, with the kernel's rounding (calc_delta_fair). No branch for NICE_0_LOAD,
 * whose inverse leaves delta as it is: who runs next has another weight as likely as not, and a
 * wrong guess costs more than the product. */
static inline uint64_t
calc_delta_fair(uint64_t delta, uint32_t inv_weight)
{
    return calc_delta(delta, NICE_0_WEIGHT, inv_weight);
}

/* The least delta with calc_delta_fair(delta) >= vdelta. */
uint64_t calc_delta_unfair_slow(uint64_t vdelta, uint32_t weight, uint32_t inv_weight);
static inline uint64_t
calc_delta_unfair(uint64_t vdelta, uint32_t weight, uint32_t inv_weight)
{
    if (likely(weight == NICE_0_WEIGHT && inv_weight == NICE_0_INVERSE))
        return vdelta;
    return calc_delta_unfair_slow(vdelta, weight, inv_weight);
}

/*
 * e^y in fixed point: 2^k times a product of 2^(1/2), 2^(1/4)... for the bits of the fraction.
 * Exact to about 2^-31, and no libm.
 */
#include "base/exp.h"

__extension__ typedef unsigned __int128 u128;

#define ONE_Q32 ((uint64_t)1 << 32)
#define LN2_Q32 UINT64_C(2977044472)
#define LOG2E_Q60 UINT64_C(1663314137230540311)

/* 2^(2^-i), i from 1, in 1/2^62. */
static const uint64_t roots_of_two[32] = {
    0x5a827999fcef3242, 0x4c1bf828c6dc54b8, 0x45cae0f1f545eb73, 0x42d561b3e6243d8a,
    0x4166c34c5615d0ec, 0x40b268f9de0183ba, 0x4058f6a7ecccd5b6, 0x402c6be96af2fb58,
    0x4016321b687027a8, 0x400b18178ba33b14, 0x40058bce410147e8, 0x4002c5d7bff71daf,
    0x400162e807ee7e5b, 0x4000b1730df6a524, 0x400058b9497b8152, 0x40002c5c955dd701,
    0x4000162e46d6f26c, 0x40000b1722757b1b, 0x4000058b90fd3e0c, 0x400002c5c86f3f26,
    0x40000162e433c79b, 0x400000b17218edd0, 0x40000058b90c3968, 0x4000002c5c860d54,
    0x400000162e4302d2, 0x4000000b17218073, 0x400000058b90bffc, 0x40000002c5c85fef,
    0x4000000162e42ff3, 0x40000000b17217f9, 0x4000000058b90bfc, 0x400000002c5c85fe,
};

uint64_t
mul_exp_q32(uint64_t x, int64_t y_q32)
{
    uint64_t size = y_q32 < 0 ? (uint64_t)-y_q32 : (uint64_t)y_q32;
    uint64_t log2 = (uint64_t)((u128)SIM_MIN(size, 200 * ONE_Q32) * LOG2E_Q60 >> 60);
    int64_t whole = (int64_t)(log2 >> 32);
    uint32_t fraction = (uint32_t)log2;
    uint64_t m = (uint64_t)1 << 62;

    if (y_q32 < 0) { /* 2^-(w + f) = 2^-(w + 1) * 2^(1 - f) */
        whole = fraction == 0 ? -whole : -whole - 1;
        fraction = 0 - fraction;
    }
    for (uint32_t i = 0; i < 32; i++)
        if (fraction >> (31 - i) & 1)
            m = (uint64_t)((u128)m * roots_of_two[i] >> 62);
    u128 product = (u128)SIM_MIN(x, EXP_MAX) * m;
    int64_t shift = 62 - whole;
    if (shift >= 127)
        return 0;
    if (shift <= 0)
        return product > 0 ? EXP_MAX : 0;
    product >>= shift;
    return product > EXP_MAX ? EXP_MAX : (uint64_t)product;
}

/* Binary digits of log2 by squaring. */
uint64_t
ln_q32(uint64_t x_q32)
{
    uint32_t top = 63 - (uint32_t)__builtin_clzll(x_q32 | 1);
    uint64_t m = x_q32 << (63 - top), log2 = (uint64_t)(top - 32) << 32; /* m in [1, 2), 1/2^63 */

    sim_assert(x_q32 >= ONE_Q32);
    for (uint64_t bit = ONE_Q32 >> 1; bit > 0; bit >>= 1) {
        u128 square = (u128)m * m >> 63;
        bool two = square >> 64 & 1;
        m = (uint64_t)(two ? square >> 1 : square);
        log2 += two ? bit : 0;
    }
    return (uint64_t)((u128)log2 * LN2_Q32 >> 32);
}

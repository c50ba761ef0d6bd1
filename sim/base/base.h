/*
 * What every layer stands on: time, assertions, and a few macros. C library only.
 *
 * Simulated time is in integer nanoseconds since the start of the run.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t sim_time;

#define SIM_NEVER UINT64_MAX

#define USEC(n) ((sim_time)(n)*1000u)
#define MSEC(n) ((sim_time)(n)*1000000u)
#define SEC(n) ((sim_time)(n)*1000000000u)

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define SIM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* We are wrong: say where and abort, in every build. The only place below cli that writes. */
_Noreturn void sim_panic(const char *file, int line, const char *fmt, ...) SIM_PRINTF(3, 4);

#define sim_assert(cond)                                                                           \
    do {                                                                                           \
        if (unlikely(!(cond)))                                                                     \
            sim_panic(__FILE__, __LINE__, "%s", #cond);                                            \
    } while (0)

/* Of the type that `?:` gives the two. Each is evaluated once: they may be calls. */
#define SIM_MIN(a, b) SIM_PICK(a, <, b, __COUNTER__)
#define SIM_MAX(a, b) SIM_PICK(a, >, b, __COUNTER__)
#define SIM_PICK(a, less, b, n) SIM_PICK_(a, less, b, n)
#define SIM_PICK_(a, less, b, n)                                                                   \
    __extension__({                                                                                \
        const __typeof__(1 ? (a) : (b)) pick_a##n = (a), pick_b##n = (b);                          \
        pick_a##n less pick_b##n ? pick_a##n : pick_b##n;                                          \
    })
#define SIM_CLAMP(x, lo, hi) SIM_MIN(SIM_MAX(x, lo), hi)

/* a * b / c without losing the middle; c > 0. The result must fit. */
static inline uint64_t
mul_div_u64(uint64_t a, uint64_t b, uint64_t c)
{
    __extension__ typedef unsigned __int128 u128;
    uint64_t product;

    /* the usual case: a division of 128 bits costs several of 64 */
    if (!__builtin_mul_overflow(a, b, &product))
        return product / c;
    return (uint64_t)((u128)a * b / c);
}

/*
 * Division by a number that stays the same, as a multiplication: x / n for x < 2^63.
 *
 * With 2^shift < n <= 2^(shift + 1), factor is the first integer above 2^(64 + shift) / n, or that
 * number itself. It is too large by less than one, so x * factor / 2^(64 + shift) is too large by
 * less than x / 2^(64 + shift) <= 1 / n: never enough to reach the next integer.
 */
struct divisor {
    uint64_t factor;
    uint32_t shift;
};
static inline struct divisor
divisor_of(uint64_t n) /* n > 1 */
{
    __extension__ typedef unsigned __int128 u128;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(n - 1);

    return (struct divisor){ (uint64_t)((((u128)1 << (64 + shift)) + n - 1) / n), shift };
}
static inline uint64_t
divide_by(uint64_t x, struct divisor d)
{
    __extension__ typedef unsigned __int128 u128;

    return (uint64_t)((u128)x * d.factor >> 64) >> d.shift;
}

static inline uint64_t
div_round_up_u64(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/*
 * The events of this instant, in the order in which they fire: by phase, then by slot.
 *
 * Nearly every cause in the simulator asks a CPU to pick again and the memory model to look again,
 * at once. Such events never enter the queue: they are bits, numbered by (phase, slot), under words
 * that say which words are not empty. Setting, clearing and finding the first take a step a level,
 * three or four steps; and thousands of ticks due at the same nanosecond cost no more than one
 * each.
 */
#pragma once

#include "base/arena.h"

enum { NOW_LEVELS = 6 };

struct now_set {
    uint32_t nr_levels;
    uint64_t *top;               /* the only word of the highest level */
    uint64_t *level[NOW_LEVELS]; /* level 0 has the bits themselves */
};

static inline void
now_set_init(struct now_set *s, struct arena *a, uint64_t nr_bits)
{
    *s = (struct now_set){ 0 };
    do {
        sim_assert(s->nr_levels < NOW_LEVELS);
        nr_bits = (nr_bits + 63) / 64;
        s->level[s->nr_levels++] = arena_new_array(a, uint64_t, nr_bits);
    } while (nr_bits > 1);
    s->top = s->level[s->nr_levels - 1];
}

static inline bool
now_set_empty(const struct now_set *s)
{
    return *s->top == 0;
}

static inline void
now_set_add(struct now_set *s, uint64_t bit)
{
    for (uint32_t l = 0; l < s->nr_levels; l++, bit /= 64) {
        uint64_t *word = &s->level[l][bit / 64], before = *word;

        *word = before | UINT64_C(1) << (bit & 63);
        if (before != 0)
            return;
    }
}

static inline void
now_set_del(struct now_set *s, uint64_t bit)
{
    for (uint32_t l = 0; l < s->nr_levels; l++, bit /= 64)
        if ((s->level[l][bit / 64] &= ~(UINT64_C(1) << (bit & 63))) != 0)
            return;
}

/* The set must not be empty. */
static inline uint64_t
now_set_first(const struct now_set *s)
{
    uint64_t at = 0;

    for (uint32_t l = s->nr_levels; l-- > 0;)
        at = at * 64 + (uint64_t)__builtin_ctzll(s->level[l][at]);
    return at;
}

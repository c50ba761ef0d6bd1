/*
 * The events of this instant, in the order in which they fire: by phase, then by slot.
 *
 * Nearly every cause in the simulator asks a CPU to pick again and the memory model to look again,
 * at once. Such events never enter the queue. Mostly a phase has one of them, which is then simply
 * remembered. Several are bits, numbered by (phase, slot), under words that say which words are not
 * empty: setting, clearing and finding the first take a step a level, three or four steps; and
 * thousands of ticks due at the same nanosecond cost no more than one each.
 */
#pragma once

#include "engine/engine.h"

enum { NOW_LEVELS = 6 };

struct now_set {
    uint32_t phases; /* bit per phase that has an event */
    uint32_t slot_bits;
    struct event *only[PHASE_NR]; /* the phase's one event; NULL: none, or they are bits */
    uint32_t nr_bits[PHASE_NR];   /* set ones, by phase */
    struct event **events;        /* by slot */
    uint32_t nr_levels;
    uint64_t *level[NOW_LEVELS]; /* level 0 has the bits themselves */
};

static inline void
now_set_init(struct now_set *s, struct arena *a, uint32_t slot_bits, struct event **events)
{
    uint64_t nr_bits = (uint64_t)PHASE_NR << slot_bits;

    *s = (struct now_set){ .slot_bits = slot_bits, .events = events };
    do {
        sim_assert(s->nr_levels < NOW_LEVELS);
        nr_bits = (nr_bits + 63) / 64;
        s->level[s->nr_levels++] = arena_new_array(a, uint64_t, nr_bits);
    } while (nr_bits > 1);
}

static inline bool
now_set_empty(const struct now_set *s)
{
    return s->phases == 0;
}

static inline uint64_t
now_bit(const struct now_set *s, const struct event *ev)
{
    return (uint64_t)ev->phase << s->slot_bits | ev->slot;
}

static inline void
now_set_bit(struct now_set *s, const struct event *ev)
{
    uint64_t bit = now_bit(s, ev);

    s->nr_bits[ev->phase]++;
    for (uint32_t l = 0; l < s->nr_levels; l++, bit /= 64) {
        uint64_t *word = &s->level[l][bit / 64], before = *word;

        *word = before | UINT64_C(1) << (bit & 63);
        if (before != 0)
            return;
    }
}

static inline void
now_clear_bit(struct now_set *s, const struct event *ev)
{
    uint64_t bit = now_bit(s, ev);

    if (--s->nr_bits[ev->phase] == 0)
        s->phases &= ~(1u << ev->phase);
    for (uint32_t l = 0; l < s->nr_levels; l++, bit /= 64)
        if ((s->level[l][bit / 64] &= ~(UINT64_C(1) << (bit & 63))) != 0)
            return;
}

/* A second event makes the first one a bit, too. */
static inline void
now_set_add(struct now_set *s, struct event *ev)
{
    struct event **only = &s->only[ev->phase];

    if (!(s->phases >> ev->phase & 1)) {
        s->phases |= 1u << ev->phase;
        *only = ev;
        return;
    }
    if (*only != NULL)
        now_set_bit(s, *only);
    *only = NULL;
    now_set_bit(s, ev);
}

static inline void
now_set_del(struct now_set *s, struct event *ev)
{
    if (s->only[ev->phase] != ev) {
        now_clear_bit(s, ev);
        return;
    }
    s->only[ev->phase] = NULL;
    s->phases &= ~(1u << ev->phase);
}

static inline struct event *
now_first_bit(const struct now_set *s)
{
    uint64_t at = 0;

    for (uint32_t l = s->nr_levels; l-- > 0;)
        at = at * 64 + (uint64_t)__builtin_ctzll(s->level[l][at]);
    return s->events[at & ((UINT64_C(1) << s->slot_bits) - 1)];
}

/* Takes the first event out; the set must not be empty. No bit is of an earlier phase than the
 * first that has events. */
static inline struct event *
now_set_take(struct now_set *s)
{
    uint32_t phase = (uint32_t)__builtin_ctz(s->phases);
    struct event *ev = s->only[phase];

    if (likely(ev != NULL)) {
        s->only[phase] = NULL;
        s->phases &= s->phases - 1;
        return ev;
    }
    ev = now_first_bit(s);
    now_clear_bit(s, ev);
    return ev;
}

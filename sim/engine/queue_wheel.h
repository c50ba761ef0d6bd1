/*
 * A wheel of wheels: eleven levels of 64 places, a level for every six bits of time.
 *
 * An event lies at the level of the highest bit in which its time differs from the wheel's own, and
 * there at the place that its six bits name. So the earliest event is in the first place of the
 * lowest level in use, and a place of level 0 is one nanosecond. Whoever looks into a place of a
 * higher level moves the wheel's time to where that place begins and deals its events out to the
 * levels below; each slot falls at most ten times, in practice twice. An event that is alone in the
 * first place is the earliest as it stands, and need not fall at all.
 *
 * Order within a place does not matter, so places are stacks. `prev` of the first slot names its
 * place, which makes removal independent of what the wheel's time was at insertion.
 */
#pragma once

#include "engine/engine.h"

enum { WHEEL_BITS = 6, WHEEL_PLACES = 1 << WHEEL_BITS, WHEEL_LEVELS = 11 };

struct wheel {
    sim_time now; /* no event is earlier */
    uint32_t levels_used;
    uint64_t used[WHEEL_LEVELS];
    struct event *first[WHEEL_LEVELS * WHEEL_PLACES];
};

static inline void
wheel_insert(struct wheel *w, struct event *ev)
{
    uint32_t level = (uint32_t)(63 - __builtin_clzll((ev->when ^ w->now) | 1)) / WHEEL_BITS;
    uint32_t bit = ev->when >> (level * WHEEL_BITS) & (WHEEL_PLACES - 1);
    struct event **place = &w->first[level * WHEEL_PLACES + bit];

    ev->prev = place;
    ev->next = *place;
    *place = ev;
    if (ev->next !=
        NULL) { /* and the marks stand: writing them again would delay the next reader */
        ev->next->prev = &ev->next;
        return;
    }
    w->used[level] |= UINT64_C(1) << bit;
    w->levels_used |= 1u << level;
}

static inline void
wheel_mark_empty(struct wheel *w, uint32_t place)
{
    uint32_t level = place / WHEEL_PLACES;

    w->used[level] &= ~(UINT64_C(1) << (place % WHEEL_PLACES));
    w->levels_used &= ~((uint32_t)(w->used[level] == 0) << level);
}

static inline void
wheel_remove(struct wheel *w, struct event *ev)
{
    uintptr_t place = ((uintptr_t)ev->prev - (uintptr_t)w->first) / sizeof(w->first[0]);

    *ev->prev = ev->next;
    if (ev->next != NULL)
        ev->next->prev = ev->prev;
    else if (place < ARRAY_LEN(w->first)) /* it was the first, and the last */
        wheel_mark_empty(w, (uint32_t)place);
}

/* Moves the wheel to where a place begins, and what is in it to the levels below. */
static inline void
wheel_deal_out(struct wheel *w, uint32_t place, sim_time begin)
{
    struct event *ev = w->first[place];

    w->now = begin;
    w->first[place] = NULL;
    wheel_mark_empty(w, place);
    while (ev != NULL) {
        struct event *next = ev->next;

        wheel_insert(w, ev);
        ev = next;
    }
}

static inline struct event *
wheel_pop(struct wheel *w, sim_time limit)
{
    while (w->levels_used != 0) {
        uint32_t level = (uint32_t)__builtin_ctz(w->levels_used);
        uint32_t place = level * WHEEL_PLACES + (uint32_t)__builtin_ctzll(w->used[level]);
        struct event *ev = w->first[place];

        if (level == 0 || ev->next == NULL) {
            if (ev->when >= limit)
                break;
            w->now = ev->when;
            w->first[place] = ev->next;
            if (ev->next != NULL)
                ev->next->prev = &w->first[place];
            else
                wheel_mark_empty(w, place);
            return ev;
        }
        sim_time begin = ev->when >> (level * WHEEL_BITS) << (level * WHEEL_BITS);
        if (begin >= limit) /* the wheel must not run ahead of the clock */
            break;
        wheel_deal_out(w, place, begin);
    }
    return NULL;
}

/* After a pop the place of level 0 that names the wheel's own time has what else is due at it. */
static inline bool
wheel_has_more(const struct wheel *w)
{
    return w->first[w->now % WHEEL_PLACES] != NULL;
}

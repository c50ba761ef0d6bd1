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
 *
 * Walking a stack waits for each event in turn, and with thousands pending none is in a cache. So
 * where somebody wants to hear of events ahead (engine_foresee), which is where there are that
 * many, a place of the upper levels is sixteen stacks, walked in step. Those that come down to the
 * two lowest levels are then due within 4096 ns: that is what is told.
 */
#pragma once

#include "engine/engine.h"

enum {
    WHEEL_BITS = 6,
    WHEEL_PLACES = 1 << WHEEL_BITS,
    WHEEL_LEVELS = 11,
    WHEEL_SOON = 2, /* levels: events there are due soon */
    WHEEL_LANES = 16,
};

struct wheel {
    sim_time now; /* no event is earlier */
    uint32_t levels_used;
    uint32_t nr_plain; /* levels whose places are one stack each: all, or those of WHEEL_SOON */
    uint64_t used[WHEEL_LEVELS];
    struct event *first[WHEEL_LEVELS * WHEEL_PLACES];
    /* who hears of events ahead, NULL: nobody; and the places of the other levels */
    engine_soon soon;
    struct engine *eng;
    struct event *(*lanes)[WHEEL_LANES];
};

static inline void
wheel_insert(struct wheel *w, struct event *ev)
{
    uint32_t level = (uint32_t)(63 - __builtin_clzll((ev->when ^ w->now) | 1)) / WHEEL_BITS;
    uint32_t bit = ev->when >> (level * WHEEL_BITS) & (WHEEL_PLACES - 1);
    uint32_t place = level * WHEEL_PLACES + bit;
    struct event **first =
        likely(level < w->nr_plain) ? &w->first[place] : &w->lanes[place][ev->slot % WHEEL_LANES];

    ev->prev = first;
    ev->next = *first;
    *first = ev;
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

/* Of places of sixteen stacks (queue.c): one of them has become empty, if ev->prev is one's; the
 * event that is alone in all, or NULL; and all that is in them goes to the levels below. */
void wheel_lane_emptied(struct wheel *w, struct event **first);
struct event *wheel_alone_in_lanes(const struct wheel *w, uint32_t place);
void wheel_deal_out_lanes(struct wheel *w, uint32_t place, sim_time begin);

static inline void
wheel_remove(struct wheel *w, struct event *ev)
{
    uintptr_t place = ((uintptr_t)ev->prev - (uintptr_t)w->first) / sizeof(w->first[0]);

    *ev->prev = ev->next;
    if (ev->next != NULL)
        ev->next->prev = ev->prev;
    else if (place < ARRAY_LEN(w->first)) /* it was the first, and the last */
        wheel_mark_empty(w, (uint32_t)place);
    else if (unlikely(w->lanes != NULL))
        wheel_lane_emptied(w, ev->prev);
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

/* Any event of a place if none is earlier, or the only one, or NULL. */
static inline struct event *
wheel_alone(const struct wheel *w, uint32_t level, uint32_t place)
{
    if (unlikely(level >= w->nr_plain))
        return wheel_alone_in_lanes(w, place);
    struct event *ev = w->first[place];
    return level == 0 || ev->next == NULL ? ev : NULL;
}

static inline struct event *
wheel_pop(struct wheel *w, sim_time limit)
{
    while (w->levels_used != 0) {
        uint32_t level = (uint32_t)__builtin_ctz(w->levels_used), shift = level * WHEEL_BITS;
        uint32_t bit = (uint32_t)__builtin_ctzll(w->used[level]);
        uint32_t place = level * WHEEL_PLACES + bit;
        struct event *ev = wheel_alone(w, level, place);

        if (ev != NULL) {
            if (ev->when >= limit)
                break;
            w->now = ev->when;
            *ev->prev = ev->next;
            if (ev->next != NULL)
                ev->next->prev = ev->prev;
            else
                wheel_mark_empty(w, place);
            return ev;
        }
        sim_time begin = (w->now >> shift >> WHEEL_BITS << WHEEL_BITS | bit) << shift;
        if (begin >= limit) /* the wheel must not run ahead of the clock */
            break;
        if (likely(level < w->nr_plain))
            wheel_deal_out(w, place, begin);
        else
            wheel_deal_out_lanes(w, place, begin);
    }
    return NULL;
}

/* After a pop the place of level 0 that names the wheel's own time has what else is due at it. */
static inline bool
wheel_has_more(const struct wheel *w)
{
    return w->first[w->now % WHEEL_PLACES] != NULL;
}

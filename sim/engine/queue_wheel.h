/*
 * A wheel of wheels: eleven levels of 64 places, a level for every six bits of time.
 *
 * An event lies at the level of the highest bit in which its time differs from the wheel's own, and
 * there at the place that its six bits name. So the earliest event is in the first place of the
 * lowest level in use, and a place of level 0 is one nanosecond. Where the first place has few
 * events they are compared, and stay where they are; the wheel's time follows when the last of them
 * is taken. Of many, or of several that are due at once, the wheel's time moves to that of the
 * earliest, and they are dealt out to the levels below, that one to the lowest; each falls at most
 * ten times, in practice not even once.
 *
 * Order within a place does not matter, so places are stacks. `prev` of the first slot names its
 * place, which makes removal independent of what the wheel's time was at insertion.
 *
 * Walking a stack waits for each event in turn, and with thousands pending none is in a cache. So
 * where somebody wants to hear of events ahead (engine_foresee), which is where there are that
 * many, a place of the upper levels is sixteen stacks, walked in step, and dealt out from where it
 * begins. Those that come down to the two lowest levels are then due within 4096 ns: that is what
 * is told.
 */
#pragma once

#include "engine/engine.h"

enum {
    WHEEL_BITS = 6,
    WHEEL_PLACES = 1 << WHEEL_BITS,
    WHEEL_LEVELS = 11,
    WHEEL_SOON = 2, /* levels: events there are due soon */
    WHEEL_LANES = 16,
    WHEEL_FEW = 6, /* events of a place that are compared */
};

struct wheel {
    sim_time now; /* no event is earlier; it moves when a place is emptied */
    uint32_t levels_used;
    uint32_t nr_plain; /* levels whose places are one stack each: all, or those of WHEEL_SOON */
    uint64_t used[WHEEL_LEVELS];
    struct event *first[WHEEL_LEVELS * WHEEL_PLACES];
    /* who hears of events ahead, NULL: nobody; and the places of the other levels */
    engine_soon soon;
    struct engine *eng;
    struct event *(*lanes)[WHEEL_LANES];
};

static inline uint32_t
wheel_level(const struct wheel *w, sim_time when)
{
    return (uint32_t)(63 - __builtin_clzll((when ^ w->now) | 1)) / WHEEL_BITS;
}

static inline void
wheel_insert(struct wheel *w, struct event *ev)
{
    uint32_t level = wheel_level(w, ev->when);
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
wheel_mark_empty_at(struct wheel *w, uint32_t level, uint32_t bit)
{
    w->used[level] &= ~(UINT64_C(1) << bit);
    w->levels_used &= ~((uint32_t)(w->used[level] == 0) << level);
}

static inline void
wheel_mark_empty(struct wheel *w, uint32_t place)
{
    wheel_mark_empty_at(w, place / WHEEL_PLACES, place % WHEEL_PLACES);
}

/* What is in a place goes to the levels below (queue.c); false: it is due at the limit or after it,
 * and the wheel must not run ahead of the clock. */
bool wheel_deal_out(struct wheel *w, uint32_t level, uint32_t bit, sim_time limit);

/* Of places of sixteen stacks (queue.c): one of them has become empty, if ev->prev is one's; the
 * event that is alone in all, or NULL; and all that is in them goes to the levels below. */
void wheel_lane_emptied(struct wheel *w, struct event **first);
struct event *wheel_alone_in_lanes(const struct wheel *w, uint32_t place);

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

/* Either is as likely: no branch would be foreseen. */
static inline struct event *
wheel_earlier(struct event *a, struct event *b)
{
    uintptr_t first = -(uintptr_t)(a->when < b->when);

    return (struct event *)(((uintptr_t)a & first) | ((uintptr_t)b & ~first));
}

/* The earliest event of a place, or NULL: its events are to be dealt out. */
static inline struct event *
wheel_earliest(const struct wheel *w, uint32_t level, uint32_t place)
{
    if (unlikely(level >= w->nr_plain))
        return wheel_alone_in_lanes(w, place);
    struct event *first = w->first[place];
    if (level == 0)
        return first;
    uint32_t others = 0;
    for (struct event *ev = first->next; ev != NULL; ev = ev->next) {
        if (ev->when == first->when || ++others == WHEEL_FEW)
            return NULL;
        first = wheel_earlier(ev, first);
    }
    return first;
}

static inline struct event *
wheel_pop(struct wheel *w, sim_time limit)
{
    while (w->levels_used != 0) {
        uint32_t level = (uint32_t)__builtin_ctz(w->levels_used);
        uint32_t bit = (uint32_t)__builtin_ctzll(w->used[level]);
        uint32_t place = level * WHEEL_PLACES + bit;
        struct event *ev = wheel_earliest(w, level, place);

        if (likely(ev != NULL)) {
            if (unlikely(ev->when >= limit))
                break;
            *ev->prev = ev->next;
            if (ev->next != NULL)
                ev->next->prev = ev->prev;
            if (w->first[place] == NULL) {
                w->now = ev->when;
                wheel_mark_empty_at(w, level, bit);
            }
            return ev;
        }
        if (!wheel_deal_out(w, level, bit, limit))
            break;
    }
    return NULL;
}

/* Would the event lie where it lies if it were due at another time? */
static inline bool
wheel_stays(const struct wheel *w, const struct event *ev, sim_time when)
{
    return (ev->when ^ when) >> (wheel_level(w, ev->when) * WHEEL_BITS) == 0;
}

/* Right after a pop: what else is due at its time lies in the place of level 0 for it. */
static inline bool
wheel_has_more(const struct wheel *w, sim_time now)
{
    return w->first[now % WHEEL_PLACES] != NULL;
}

#include "engine/queue.h"

static uint32_t
heap_place(const struct event *ev)
{
    return (uint32_t)(uintptr_t)ev->next;
}

static void
heap_put(struct heap *h, uint32_t at, struct event *ev)
{
    h->at[at] = ev;
    ev->next = (struct event *)(uintptr_t)at;
}

static void
heap_up(struct heap *h, uint32_t at, struct event *ev)
{
    while (at > 0 && ev->when < h->at[(at - 1) / 2]->when) {
        heap_put(h, at, h->at[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(h, at, ev);
}

static void
heap_down(struct heap *h, uint32_t at, struct event *ev)
{
    for (uint32_t child; (child = 2 * at + 1) < h->nr; at = child) {
        if (child + 1 < h->nr && h->at[child + 1]->when < h->at[child]->when)
            child++;
        if (ev->when <= h->at[child]->when)
            break;
        heap_put(h, at, h->at[child]);
    }
    heap_put(h, at, ev);
}

void
heap_insert(struct heap *h, struct event *ev)
{
    heap_up(h, h->nr++, ev);
}

void
heap_remove(struct heap *h, struct event *ev)
{
    struct event *last = h->at[--h->nr];

    if (last == ev)
        return;
    heap_down(h, heap_place(ev), last);
    heap_up(h, heap_place(last), last);
}

struct event *
heap_pop(struct heap *h, sim_time limit)
{
    if (h->nr == 0 || h->at[0]->when >= limit)
        return NULL;
    struct event *ev = h->at[0];
    heap_remove(h, ev);
    return ev;
}

/* ---- the wheel's places of sixteen stacks ---- */

void
wheel_lane_emptied(struct wheel *w, struct event **first)
{
    uintptr_t at = ((uintptr_t)first - (uintptr_t)w->lanes) / sizeof(w->lanes[0]);

    if (at >= ARRAY_LEN(w->first))
        return;
    for (uint32_t i = 0; i < WHEEL_LANES; i++)
        if (w->lanes[at][i] != NULL)
            return;
    wheel_mark_empty(w, (uint32_t)at);
}

struct event *
wheel_alone_in_lanes(const struct wheel *w, uint32_t place)
{
    struct event *alone = NULL;

    for (uint32_t i = 0; i < WHEEL_LANES; i++) {
        struct event *ev = w->lanes[place][i];

        if (ev == NULL)
            continue;
        if (alone != NULL || ev->next != NULL)
            return NULL;
        alone = ev;
    }
    return alone;
}

/* Takes the first event of each stack, and asks for the second. How many it took. */
static uint32_t
take_one_each(struct event **lane, struct event **taken)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < WHEEL_LANES; i++) {
        struct event *ev = lane[i];

        if (ev == NULL)
            continue;
        lane[i] = ev->next;
        __builtin_prefetch(lane[i]);
        taken[nr++] = ev;
    }
    return nr;
}

static void
tell_soon(struct wheel *w, struct event **batch, uint32_t *nr)
{
    if (*nr > 0)
        w->soon(w->eng, batch, *nr);
    *nr = 0;
}

static void
wheel_deal_out_lanes(struct wheel *w, uint32_t place, sim_time begin)
{
    struct event *lane[WHEEL_LANES], *taken[WHEEL_LANES], *batch[ENGINE_SOON_MAX];
    uint32_t nr, nr_batch = 0;

    w->now = begin;
    memcpy(lane, w->lanes[place], sizeof(lane));
    memset(w->lanes[place], 0, sizeof(lane));
    wheel_mark_empty(w, place);
    while ((nr = take_one_each(lane, taken)) > 0)
        for (uint32_t i = 0; i < nr; i++) {
            wheel_insert(w, taken[i]);
            if ((taken[i]->when ^ begin) >> (WHEEL_SOON * WHEEL_BITS) != 0)
                continue;
            batch[nr_batch++] = taken[i];
            if (nr_batch == ENGINE_SOON_MAX)
                tell_soon(w, batch, &nr_batch);
        }
    tell_soon(w, batch, &nr_batch);
}

static bool
deal_out_lanes(struct wheel *w, uint32_t level, uint32_t bit, sim_time limit)
{
    uint32_t shift = level * WHEEL_BITS;
    sim_time begin = (w->now >> shift >> WHEEL_BITS << WHEEL_BITS | bit) << shift;

    if (begin >= limit)
        return false;
    wheel_deal_out_lanes(w, level * WHEEL_PLACES + bit, begin);
    return true;
}

/* The earliest goes down to level 0 at once. */
bool
wheel_deal_out(struct wheel *w, uint32_t level, uint32_t bit, sim_time limit)
{
    if (unlikely(level >= w->nr_plain))
        return deal_out_lanes(w, level, bit, limit);
    struct event **first = &w->first[level * WHEEL_PLACES + bit], *ev = *first, *next;
    sim_time earliest = ev->when;

    for (next = ev->next; next != NULL; next = next->next)
        earliest = SIM_MIN(earliest, next->when);
    if (earliest >= limit)
        return false;
    w->now = earliest;
    *first = NULL;
    wheel_mark_empty_at(w, level, bit);
    for (; ev != NULL; ev = next) {
        next = ev->next;
        wheel_insert(w, ev);
    }
    return true;
}

static struct wheel *
wheel_new(struct arena *a)
{
    struct wheel *w = arena_new_object(a, struct wheel);

    w->nr_plain = WHEEL_LEVELS;
    return w;
}

void
queue_foresee(struct queue *q, struct arena *a, struct engine *eng, engine_soon soon)
{
    if (q->simple)
        return;
    struct wheel *w = q->wheel;

    sim_assert(w->levels_used == 0);
    w->nr_plain = WHEEL_SOON;
    w->lanes = arena_alloc(a, sizeof(w->lanes[0]) * ARRAY_LEN(w->first));
    w->soon = soon;
    w->eng = eng;
}

void
queue_init(struct queue *q, struct arena *a, uint32_t nr_slots, enum engine_queue which)
{
    *q = (struct queue){ .simple = which == ENGINE_QUEUE_SIMPLE };
    if (q->simple)
        q->heap = arena_alloc(a, sizeof(struct heap) + sizeof(struct event *) * nr_slots);
    else
        q->wheel = wheel_new(a);
}

/*
 * The pending set: which event is due when. Times only; who goes first at the same instant is the
 * business of now_set.h. Private to the engine.
 *
 * Two queues. The wheel is the one that runs. The heap is the simple one to believe when they
 * disagree. A tournament tree over the slots was measured too: level with the wheel at 16 events,
 * 1.3 times slower at 512, 1.5 times at 4096. So were links in an array of slots instead of in the
 * events: slower at every size, also with events 448 bytes apart.
 *
 * queue_pop() takes the earliest event out if it is due before `limit`, and may be asked again with
 * limit = time + 1 for others at the same instant.
 */
#pragma once

#include "engine/engine.h"
#include "engine/queue_heap.h"
#include "engine/queue_wheel.h"

struct queue {
    bool simple;
    union {
        struct wheel *wheel;
        struct heap *heap;
    };
};

void queue_init(struct queue *q, struct arena *a, uint32_t nr_slots, enum engine_queue which);
/* engine_foresee(); of the wheel only. */
void queue_foresee(struct queue *q, struct arena *a, struct engine *eng, engine_soon soon);

/* Both find the time in ev->when: set before insertion, still there at removal. */
static inline void
queue_insert(struct queue *q, struct event *ev)
{
    if (unlikely(q->simple))
        heap_insert(q->heap, ev);
    else
        wheel_insert(q->wheel, ev);
}

static inline void
queue_remove(struct queue *q, struct event *ev)
{
    if (unlikely(q->simple))
        heap_remove(q->heap, ev);
    else
        wheel_remove(q->wheel, ev);
}

/* May a pending event simply be given another time? */
static inline bool
queue_stays(const struct queue *q, const struct event *ev, sim_time when)
{
    return likely(!q->simple) && wheel_stays(q->wheel, ev, when);
}

static inline struct event *
queue_pop(struct queue *q, sim_time limit)
{
    return unlikely(q->simple) ? heap_pop(q->heap, limit) : wheel_pop(q->wheel, limit);
}

/* Right after a pop: is anything else due at the same time? */
static inline bool
queue_has_more(const struct queue *q, sim_time now)
{
    return unlikely(q->simple) ? heap_has(q->heap, now) : wheel_has_more(q->wheel, now);
}

static inline bool
queue_is_empty(const struct queue *q)
{
    return unlikely(q->simple) ? q->heap->nr == 0 : q->wheel->levels_used == 0;
}

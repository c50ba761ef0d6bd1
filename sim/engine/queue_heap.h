/*
 * A binary heap that knows where each event is: nothing to admire, and so the one to believe when
 * the fast queues disagree. `next` holds the position.
 */
#pragma once

#include "engine/engine.h"

struct heap {
    uint32_t nr;
    struct event *at[];
};

void heap_insert(struct heap *h, struct event *ev);
void heap_remove(struct heap *h, struct event *ev);
struct event *heap_pop(struct heap *h, sim_time limit);

static inline bool
heap_has(const struct heap *h, sim_time now)
{
    return h->nr > 0 && h->at[0]->when == now;
}

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

void
queue_init(struct queue *q, struct arena *a, uint32_t nr_slots, enum engine_queue which)
{
    *q = (struct queue){ .simple = which == ENGINE_QUEUE_SIMPLE };
    if (q->simple)
        q->heap = arena_alloc(a, sizeof(struct heap) + sizeof(struct event *) * nr_slots);
    else
        q->wheel = arena_new_object(a, struct wheel);
}

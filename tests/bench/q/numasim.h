/* The engine's own queue, bare, as the reference queues are: no handlers, no order within an
 * instant. */
#include "engine/queue.h"
#define QNAME "numasim"
#define QCANCEL "update"
#define ADDR 1
static struct queue queue;
static struct event *events;

static void
q_init(u32 n)
{
    struct arena *a = arena_new();

    events = arena_new_array(a, struct event, n);
    for (u32 i = 0; i < n; i++)
        events[i].slot = i;
    queue_init(&queue, a, n, ENGINE_QUEUE_AUTO);
}

static inline void
q_push(u64 t, u32 seq, u32 id)
{
    (void)seq;
    events[id].when = t;
    queue_insert(&queue, &events[id]);
}

static inline u32
q_pop(u64 *t)
{
    struct event *ev = queue_pop(&queue, SIM_NEVER);

    *t = ev->when;
    return ev->slot;
}

static inline void
q_update(u32 id, u64 t, u32 seq)
{
    queue_remove(&queue, &events[id]);
    q_push(t, seq, id);
}

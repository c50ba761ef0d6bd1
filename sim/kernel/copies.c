/*
 * Windows of copied bytes; see copies.h.
 */
#include "kernel/copies.h"

#include "kernel/flow.h"

struct copy_pair {
    struct flow flow;
    uint64_t bytes; /* in this window */
    struct copy_pair *next;
};

struct copies {
    struct event ev;          /* the window ends */
    struct copy_pair **pairs; /* nr_nodes^2; NULL: nothing was ever copied there */
    struct copy_pair *first;  /* those that are open or have bytes, latest first */
};

static void
copies_fire(struct engine *eng, struct event *ev)
{
    struct copies *c = container_of(ev, struct copies, ev);
    struct kernel *k = eng->owner;

    for (struct copy_pair **at = &c->first, *pair; (pair = *at) != NULL;) {
        uint64_t want = mul_div_u64(pair->bytes, SEC(1), k->params.mm.copy_window);

        if (want != pair->flow.want)
            flow_set(k, &pair->flow, want);
        pair->bytes = 0;
        if (want == 0)
            *at = pair->next;
        else
            at = &pair->next;
    }
    if (c->first != NULL)
        engine_at(eng, ev, eng->now + k->params.mm.copy_window);
}

static struct copy_pair *
pair_new(struct kernel *k, int from, int to)
{
    struct copy_pair *pair = arena_new_object(k->arena, struct copy_pair);

    pair->flow = (struct flow){ .node = to, .node_memory = true, .nodes = NODE_BIT(from) };
    pair->flow.share_q16[from] = 65536;
    return pair;
}

/* The first bytes of a pair in a window. */
static __attribute__((noinline)) void
add_first(struct kernel *k, int from, int to, uint64_t bytes)
{
    struct copies *c = k->copies;
    struct copy_pair **pair = &c->pairs[(uint32_t)from * k->machine->nr_nodes + (uint32_t)to];

    if (bytes == 0 || k->params.mm.copy_window == 0)
        return;
    if (*pair == NULL)
        *pair = pair_new(k, from, to);
    if ((*pair)->flow.want == 0) {
        (*pair)->next = c->first;
        c->first = *pair;
    }
    (*pair)->bytes = bytes;
    if (!engine_pending(&k->engine, &c->ev))
        engine_at(&k->engine, &c->ev, k->engine.now + k->params.mm.copy_window);
}

void
copies_add(struct kernel *k, int from, int to, uint64_t bytes)
{
    struct copy_pair *pair = k->copies->pairs[(uint32_t)from * k->machine->nr_nodes + (uint32_t)to];

    if (likely(pair != NULL && pair->bytes > 0))
        pair->bytes += bytes;
    else
        add_first(k, from, to, bytes);
}

void
copies_init(struct kernel *k)
{
    uint32_t nr = k->machine->nr_nodes;

    k->copies = arena_new_object(k->arena, struct copies);
    k->copies->pairs = arena_new_array(k->arena, struct copy_pair *, nr * nr);
    event_init(&k->engine, &k->copies->ev, EVENT_COPIES, 0, PHASE_COMPLETE, copies_fire);
}

/*
 * The batches by CPU, and an index of what is on them: chains of lots by neighbourhood, so that one
 * look tells that nothing waits near a page. The lots are those of the batches themselves: to put
 * one on a chain, or to take it off, moves nothing else.
 */
#include "kernel/lru_batch.h"

/* Pages of a batch: side by side and in one neighbourhood, where each is known, or with one key,
 * where they cannot be told apart. */
struct lot {
    uint64_t key; /* of the first */
    uint32_t n;
    struct lot **near, *next; /* what else waits in the neighbourhood */
};

struct lru_batch {
    uint32_t nr, nr_lots; /* pages; pages of nobody are in no lot */
    struct lot lots[LRU_BATCH];
};

static const uint64_t MIX = 0x9E3779B97F4A7C15u;

/* Two that are one number are as likely as two equal numbers of 64 bits. */
static inline uint64_t
known_key(uint64_t place, uint64_t page)
{
    return place << LRU_NEAR_SHIFT | page % (1 << LRU_NEAR_SHIFT);
}
static inline uint64_t
lot_key(uint64_t place, int node, uint32_t tag)
{
    return (place * NODE_MAX + (uint64_t)node) ^ (uint64_t)tag * MIX;
}

/* What was there before the run fills batches to some point. */
static void
fill_somewhat(struct kernel *k, struct lru_state *s)
{
    struct rng rng;

    rng_init(&rng, k->seed, "lru_batch", 0);
    for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
        s->batches[cpu].nr = (uint32_t)rng_below(&rng, LRU_BATCH); /* of nobody's pages: 0 */
}

void
lru_batch_init(struct kernel *k)
{
    struct lru_state *s = k->mm->lru = arena_new_object(k->arena, struct lru_state);
    uint32_t bits = 6;

    s->on = k->params.mm.lru_batches != LRU_BATCHES_OFF &&
            k->params.numa.mode != NUMA_BALANCING_DISABLED;
    while (s->on && 1u << bits < 2 * LRU_BATCH * k->machine->nr_cpus)
        bits++;
    s->shift = 64 - bits;
    s->near = arena_new_array(k->arena, struct lot *, (size_t)1 << bits);
    if (!s->on)
        return;
    rng_init(&s->rng, k->seed, "lru_batch", 1);
    s->batches = arena_new_array(k->arena, struct lru_batch, k->machine->nr_cpus);
    if (k->params.noise.scan_phase)
        fill_somewhat(k, s);
}

static inline void
drain(struct lru_batch *b)
{
    for (uint32_t i = b->nr_lots; i > 0; i--) { /* the last is the first in its neighbourhood */
        struct lot *l = &b->lots[i - 1], **at = l->near;

        while (unlikely(*at != l))
            at = &(*at)->next;
        *at = l->next;
    }
    b->nr = b->nr_lots = 0;
}

static inline void
add_lot(struct lru_state *s, struct lru_batch *b, uint64_t place, uint64_t key, uint32_t n)
{
    struct lot *l = &b->lots[b->nr_lots++];

    l->key = key;
    l->n = n;
    l->near = lru_near(s, place);
    l->next = *l->near;
    *l->near = l;
    b->nr += n;
}

/* Pages of one neighbourhood may go on where the last lot ends. */
static __attribute__((noinline)) void
add_known(struct lru_state *s, struct lru_batch *b, const struct region *r, uint64_t page,
          uint64_t end)
{
    for (uint64_t stop; page < end; page = stop) {
        uint64_t place = lru_place_known(r, page), key = known_key(place, page);
        struct lot *last = b->nr_lots > 0 ? &b->lots[b->nr_lots - 1] : NULL;

        stop = SIM_MIN(end, (page | ((1 << LRU_NEAR_SHIFT) - 1)) + 1);
        if (last == NULL || last->key + last->n != key || page % (1 << LRU_NEAR_SHIFT) == 0) {
            add_lot(s, b, place, key, (uint32_t)(stop - page));
            continue;
        }
        last->n += (uint32_t)(stop - page);
        b->nr += (uint32_t)(stop - page);
    }
}

/* Pages of more than one chunk of the region, or of one with slices, whose blocks lie elsewhere. */
static __attribute__((noinline)) void
add_lots(struct lru_state *s, struct lru_batch *b, const struct region *r, uint64_t page,
         uint64_t end, int node, uint32_t tag)
{
    for (uint64_t stop; page < end; page = stop) {
        uint64_t place = lru_place_of_block(r, page);

        stop = SIM_MIN(end, (page | (CHUNK_PAGES - 1)) + 1);
        add_lot(s, b, place, lot_key(place, node, tag), (uint32_t)(stop - page));
    }
}

void
lru_add_tagged(struct kernel *k, int cpu, const struct region *r, uint64_t first, uint64_t n,
               int node, uint32_t tag)
{
    struct lru_state *s = k->mm->lru;

    if (!s->on)
        return;
    struct lru_batch *b = &s->batches[cpu];
    uint64_t end = first + n;
    if (b->nr + n >= LRU_BATCH) {
        n = (b->nr + n) % LRU_BATCH;
        drain(b);
    }
    uint64_t page = end - n;
    if (r->ops->lot == NULL) {
        add_known(s, b, r, page, end);
    } else if (likely(n > 0 && r->nr_slices == 1 && (page ^ (end - 1)) < CHUNK_PAGES)) {
        uint64_t place = lru_place_of_block(r, page);
        add_lot(s, b, place, lot_key(place, node, tag), (uint32_t)n);
    } else {
        add_lots(s, b, r, page, end, node, tag);
    }
}

void
lru_add(struct kernel *k, int cpu, const struct region *r, uint64_t first, uint64_t n, int node,
        bool huge)
{
    if (!huge)
        lru_add_tagged(k, cpu, r, first, n, node, 0);
    else if (k->mm->lru->on)
        drain(&k->mm->lru->batches[cpu]);
}

void
lru_add_initial(struct kernel *k, int node, const struct region *r, uint64_t first, uint64_t n,
                bool huge)
{
    int cpu = -1;

    if (k->params.mm.lru_batches == LRU_BATCHES_ALL)
        cpu = cpumask_first(k->machine->nodes[node].cpus);
    if (cpu >= 0)
        lru_add(k, cpu, r, first, n, node, huge);
}

void
lru_add_drain_all(struct kernel *k)
{
    if (k->mm->lru->on)
        for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
            drain(&k->mm->lru->batches[cpu]);
}

/* How many of the pages that cannot be told apart wait. */
static inline uint64_t
lot_waiting(const struct lru_state *s, uint64_t place, int node, uint32_t tag)
{
    uint64_t key = lot_key(place, node, tag), n = 0;

    for (const struct lot *l = *lru_near(s, place); l != NULL; l = l->next)
        n += l->key == key ? l->n : 0;
    return n;
}

/* Does a page that is known? *nr: so do, or do not, so many pages, and perhaps more. */
static inline bool
known_waits(const struct lru_state *s, const struct region *r, uint64_t page, uint32_t *nr)
{
    enum { NEIGHBOURS = 1 << LRU_NEAR_SHIFT };
    uint64_t place = lru_place(r, page), key = known_key(place, page);

    *nr = NEIGHBOURS - (uint32_t)(page % NEIGHBOURS);
    for (const struct lot *l = *lru_near(s, place); l != NULL; l = l->next) {
        if (key - l->key < l->n) {
            *nr = l->n - (uint32_t)(key - l->key);
            return true;
        }
        if (l->key - key < *nr)
            *nr = (uint32_t)(l->key - key);
    }
    return false;
}

uint32_t
lru_waiting_near(const struct kernel *k, const struct region *r, uint64_t first, uint32_t n,
                 int node, uint32_t tag)
{
    struct lru_state *s = k->mm->lru;
    uint32_t some;

    if (r->ops->lot == NULL)
        return known_waits(s, r, first, &some) ? n : 0;
    uint64_t waiting = lot_waiting(s, lru_place(r, first), node, tag);
    if (waiting == 0)
        return 0;
    uint32_t all = SIM_MAX(r->ops->lot_size(r, first, node, tag), n);
    waiting = SIM_MIN(waiting, (uint64_t)all) * n;
    return (uint32_t)(waiting / all + (rng_below(&s->rng, all) < waiting % all));
}

/* One of a block's pages: all of its tags may be that page's. */
static bool
one_waits(const struct kernel *k, const struct region *r, uint64_t page, int node)
{
    struct lru_state *s = k->mm->lru;
    uint32_t tags[LOT_TAGS + 1], nr = r->ops->lot_tags(r, page, node, tags), all = 0;
    uint64_t place = lru_place(r, page), waiting = 0;

    tags[nr++] = 0;
    for (uint32_t i = 0; i < nr; i++) {
        uint32_t size = r->ops->lot_size(r, page, node, tags[i]);

        waiting += SIM_MIN(lot_waiting(s, place, node, tags[i]), (uint64_t)size);
        all += size;
    }
    return waiting > 0 && rng_below(&s->rng, all) < waiting;
}

bool
lru_on_batch(const struct kernel *k, const struct region *r, uint64_t page)
{
    int node;

    r->ops->look(r->maps, page, &node);
    if (node < 0 || !k->mm->lru->on)
        return false;
    return r->ops->lot == NULL ? lru_waiting(k, r, page, 1, node, 0) > 0
                               : one_waits(k, r, page, node);
}

uint32_t
lru_alike(const struct kernel *k, const struct region *r, uint64_t first, uint32_t n)
{
    const struct lru_state *s = k->mm->lru;
    uint32_t all = n, some;

    if (n == 1 || !s->on || r->ops->lot != NULL)
        return n;
    bool waits = known_waits(s, r, first, &all);
    while (all < n && known_waits(s, r, first + all, &some) == waits)
        all += some;
    return SIM_MIN(all, n);
}

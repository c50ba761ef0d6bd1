/* The batches by CPU, and an index of what is on them: open addressing, at most half full. */
#include "kernel/lru_batch.h"

#include "kernel/pages.h"

/* Pages with one key: each has its own, or those that cannot be told apart share one. */
struct lot {
    uint64_t key;
    uint32_t n;
    uint32_t near; /* on a batch: where its neighbours are counted */
};

struct lru_batch {
    uint32_t nr, nr_lots; /* pages; pages of nobody are in no lot */
    struct lot lots[LRU_BATCH];
};

struct lru_state {
    struct lru_batch *batches; /* by CPU */
    struct lot *index;         /* by key; 0: empty */
    uint16_t *near; /* how many lots are on batches, by 64 neighbours: few are near any */
    uint32_t shift; /* 64 - log2 of its size */
    uint64_t mask;
    struct rng rng;
    bool on;
};

static const uint64_t MIX = 0x9E3779B97F4A7C15u;

/* Two that are one number are as likely as two equal numbers of 64 bits. */
static inline uint64_t
key_of(const struct region *r, uint64_t page, int node, uint32_t tag)
{
    uint64_t key = ((uint64_t)r->id + 1) << 40;

    if (r->ops->lot == NULL)
        return key | page;
    key |= (uint64_t)1 << 39 | page_lot(r, page, node);
    return key ^ (uint64_t)tag * MIX;
}

static inline uint64_t
home_of(const struct lru_state *s, uint64_t key)
{
    return key * MIX >> s->shift;
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
    if (!s->on)
        return;
    while (1u << bits < 2 * LRU_BATCH * k->machine->nr_cpus)
        bits++;
    s->shift = 64 - bits;
    s->mask = ((uint64_t)1 << bits) - 1;
    s->index = arena_new_array(k->arena, struct lot, (size_t)1 << bits);
    s->near = arena_new_array(k->arena, uint16_t, (size_t)1 << bits);
    rng_init(&s->rng, k->seed, "lru_batch", 1);
    s->batches = arena_new_array(k->arena, struct lru_batch, k->machine->nr_cpus);
    if (k->params.noise.scan_phase)
        fill_somewhat(k, s);
}

/* Of pages that are known one by one: nothing waits near most of them. */
static inline uint32_t
near_of(const struct lru_state *s, uint64_t key)
{
    enum { NEAR_SHIFT = 6 };

    return (uint32_t)home_of(s, key >> NEAR_SHIFT);
}

/* Where the key is, or the empty place where it would be. */
static inline uint64_t
find(const struct lru_state *s, uint64_t key)
{
    uint64_t i = home_of(s, key);

    while (s->index[i].key != 0 && s->index[i].key != key)
        i = (i + 1) & s->mask;
    return i;
}

/* Those behind it that would no longer be found move up. */
static void
fill_hole(struct lru_state *s, uint64_t hole)
{
    for (uint64_t i = (hole + 1) & s->mask; s->index[i].key != 0; i = (i + 1) & s->mask) {
        uint64_t home = home_of(s, s->index[i].key);

        if (((i - home) & s->mask) >= ((i - hole) & s->mask)) {
            s->index[hole] = s->index[i];
            hole = i;
        }
    }
    s->index[hole] = (struct lot){ 0 };
}

static inline void
drain(struct lru_state *s, struct lru_batch *b)
{
    for (uint32_t i = 0; i < b->nr_lots; i++) {
        uint64_t at = find(s, b->lots[i].key);

        s->index[at].n -= b->lots[i].n;
        s->near[b->lots[i].near]--;
        if (s->index[at].n > 0)
            continue;
        if (likely(s->index[(at + 1) & s->mask].key == 0))
            s->index[at].key = 0;
        else
            fill_hole(s, at);
    }
    b->nr = b->nr_lots = 0;
}

static inline void
add_lot(struct lru_state *s, struct lru_batch *b, uint64_t key, uint32_t n)
{
    struct lot *l = &s->index[find(s, key)];
    uint32_t near = near_of(s, key);

    l->key = key;
    l->n += n;
    s->near[near]++;
    l = &b->lots[b->nr_lots++];
    l->key = key;
    l->n = n;
    l->near = near;
    b->nr += n;
}

void
lru_add_tagged(struct kernel *k, int cpu, const struct region *r, uint64_t first, uint64_t n,
               int node, uint32_t tag)
{
    struct lru_state *s = k->mm->lru;

    if (!s->on)
        return;
    struct lru_batch *b = &s->batches[cpu];
    uint64_t left = n;
    if (b->nr + n >= LRU_BATCH) {
        left = (b->nr + n) % LRU_BATCH;
        drain(s, b);
    }
    for (uint64_t end = first + n, page = end - left, stop; page < end; page = stop) {
        stop = r->ops->lot == NULL ? page + 1 : SIM_MIN(end, (page | (CHUNK_PAGES - 1)) + 1);
        add_lot(s, b, key_of(r, page, node, tag), (uint32_t)(stop - page));
    }
}

void
lru_add(struct kernel *k, int cpu, const struct region *r, uint64_t first, uint64_t n, int node,
        bool huge)
{
    if (!huge)
        lru_add_tagged(k, cpu, r, first, n, node, 0);
    else if (k->mm->lru->on)
        drain(k->mm->lru, &k->mm->lru->batches[cpu]);
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
            drain(k->mm->lru, &k->mm->lru->batches[cpu]);
}

uint32_t
lru_waiting(const struct kernel *k, const struct region *r, uint64_t first, uint32_t n, int node,
            uint32_t tag)
{
    struct lru_state *s = k->mm->lru;

    if (!s->on)
        return 0;
    uint64_t key = key_of(r, first, node, tag);
    uint64_t waiting = s->near[near_of(s, key)] == 0 ? 0 : s->index[find(s, key)].n;
    if (likely(waiting == 0) || r->ops->lot == NULL)
        return waiting == 0 ? 0 : n;
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
    uint64_t waiting = 0;

    tags[nr++] = 0;
    for (uint32_t i = 0; i < nr; i++) {
        uint32_t size = r->ops->lot_size(r, page, node, tags[i]);

        waiting += SIM_MIN(s->index[find(s, key_of(r, page, node, tags[i]))].n, size);
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

/* How far pages wait from `at` on, or (not `waits`) do not, at most to `end`. */
static uint64_t
alike_until(const struct kernel *k, const struct region *r, uint64_t at, uint64_t end, bool waits)
{
    enum { NEIGHBOURS = 64 };
    const struct lru_state *s = k->mm->lru;

    while (at < end)
        if (likely(s->near[near_of(s, key_of(r, at, 0, 0))] == 0)) {
            if (waits)
                break;
            at = SIM_MIN((at | (NEIGHBOURS - 1)) + 1, end);
        } else if ((lru_waiting(k, r, at, 1, 0, 0) > 0) == waits) {
            at++;
        } else {
            break;
        }
    return at;
}

uint32_t
lru_alike(const struct kernel *k, const struct region *r, uint64_t first, uint32_t n)
{
    if (!k->mm->lru->on || r->ops->lot != NULL)
        return n;
    bool waits = lru_waiting(k, r, first, 1, 0, 0) > 0;
    return (uint32_t)(alike_until(k, r, first + 1, first + n, waits) - first);
}

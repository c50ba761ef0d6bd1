/* The batches by CPU, and an index of all pages on them: open addressing, at most half full. */
#include "kernel/lru_batch.h"

struct lru_batch {
    uint32_t nr;
    uint64_t keys[LRU_BATCH];
};

struct lru_state {
    struct lru_batch *batches; /* by CPU */
    uint64_t *index;           /* keys; 0: empty */
    uint32_t shift;            /* 64 - log2 of its size */
    uint64_t mask;
    bool on;
};

static uint64_t
key_of(const struct region *r, uint64_t page)
{
    return ((uint64_t)r->id + 1) << 40 | page;
}

static uint64_t
home_of(const struct lru_state *s, uint64_t key)
{
    return key * 0x9E3779B97F4A7C15u >> s->shift;
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
    s->index = arena_new_array(k->arena, uint64_t, (size_t)1 << bits);
    s->batches = arena_new_array(k->arena, struct lru_batch, k->machine->nr_cpus);
    if (k->params.noise.scan_phase)
        fill_somewhat(k, s);
}

/* Where the key is, or the empty place where it would be. */
static uint64_t
find(const struct lru_state *s, uint64_t key)
{
    uint64_t i = home_of(s, key);

    while (s->index[i] != 0 && s->index[i] != key)
        i = (i + 1) & s->mask;
    return i;
}

/* Those behind it that would no longer be found move up. */
static void
forget(struct lru_state *s, uint64_t key)
{
    uint64_t hole = find(s, key);

    if (s->index[hole] == 0)
        return;
    for (uint64_t i = (hole + 1) & s->mask; s->index[i] != 0; i = (i + 1) & s->mask) {
        uint64_t home = home_of(s, s->index[i]);

        if (((i - home) & s->mask) >= ((i - hole) & s->mask)) {
            s->index[hole] = s->index[i];
            hole = i;
        }
    }
    s->index[hole] = 0;
}

static void
drain(struct lru_state *s, struct lru_batch *b)
{
    for (uint32_t i = 0; i < b->nr; i++)
        forget(s, b->keys[i]);
    b->nr = 0;
}

void
lru_add(struct kernel *k, int cpu, const struct region *r, uint64_t first, uint64_t n, bool huge)
{
    struct lru_state *s = k->mm->lru;

    if (!s->on)
        return;
    struct lru_batch *b = &s->batches[cpu];
    bool full = huge || b->nr + n >= LRU_BATCH;
    uint64_t left = huge ? 0 : full ? (b->nr + n) % LRU_BATCH : n;
    if (full)
        drain(s, b);
    for (uint64_t page = first + n - left; page < first + n; page++) {
        uint64_t key = key_of(r, page);

        s->index[find(s, key)] = key;
        b->keys[b->nr++] = key;
    }
}

void
lru_add_initial(struct kernel *k, int node, const struct region *r, uint64_t first, uint64_t n,
                bool huge)
{
    int cpu = cpumask_first(k->machine->nodes[node].cpus);

    if (k->params.mm.lru_batches == LRU_BATCHES_ALL && cpu >= 0)
        lru_add(k, cpu, r, first, n, huge);
}

void
lru_add_drain_all(struct kernel *k)
{
    if (k->mm->lru->on)
        for (uint32_t cpu = 0; cpu < k->machine->nr_cpus; cpu++)
            drain(k->mm->lru, &k->mm->lru->batches[cpu]);
}

bool
lru_on_batch(const struct kernel *k, const struct region *r, uint64_t page)
{
    const struct lru_state *s = k->mm->lru;

    return s->on && s->index[find(s, key_of(r, page))] != 0;
}

uint32_t
lru_alike(const struct kernel *k, const struct region *r, uint64_t first, uint32_t n)
{
    bool waits = lru_on_batch(k, r, first);
    uint32_t nr = 1;

    if (!k->mm->lru->on)
        return n;
    while (nr < n && lru_on_batch(k, r, first + nr) == waits)
        nr++;
    return nr;
}

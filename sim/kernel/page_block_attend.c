/*
 * Attention to blocks: their marked pages as units of one node and tag, those that are not there,
 * and what comes of a unit.
 *
 * A pass of a scan makes every block be visited once, and most visits find one unit: all of the
 * block. So what a visit looks at is looked up once, and chance is asked only where there is one.
 */
#include "kernel/page_block.h"

/* All of a block, where that is little of the region: who goes through it in step with others comes
 * as near to them as to a page of a small one. */
uint64_t
block_stretch_end(const struct mapping *m, uint64_t page)
{
    enum { LITTLE = 1024 };
    struct block b = block_at(m, page);
    uint64_t chunk = chunk_end(m->region, page);

    return blocks_of(m->region)->nr_blocks < LITTLE ? chunk : SIM_MAX(block_end(&b), chunk);
}

/* ---- which tags marked pages have ---- */

static uint32_t
isqrt(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = (uint64_t)1 << 20; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= x)
            root += bit;
    return (uint32_t)root;
}

/* draw_share() where there is something to draw. */
static uint32_t
draw_between(struct rng *rng, uint32_t n, uint32_t some, uint32_t all, uint32_t least,
             uint32_t most)
{
    enum { FEW = 16 };
    uint32_t got = 0;

    for (uint32_t i = 0; n <= FEW && i < n; i++)
        got += rng_below(rng, all - i) < some - got;
    if (n <= FEW)
        return got;
    uint64_t mean_q16 = ((uint64_t)n * some << 16) / all;
    uint64_t var_q16 = mean_q16 * (all - some) / all * (all - n) / (all - 1);
    int64_t x = (int64_t)mean_q16 + ((rng_normal_q16(rng) * isqrt(var_q16 << 16)) >> 16);
    x = (x + (1 << 15)) >> 16;
    return x < (int64_t)least ? least : x > (int64_t)most ? most : (uint32_t)x;
}

/* How many of n pages, drawn from `all`, are among `some` of them. Few are drawn one by one; of
 * many the number is that of a normal distribution with the same mean and variance. */
static inline uint32_t
draw_share(struct rng *rng, uint32_t n, uint32_t some, uint32_t all)
{
    uint32_t least = n + some > all ? n + some - all : 0, most = SIM_MIN(n, some);

    return least == most ? most : draw_between(rng, n, some, all, least, most);
}

/* The first entry from i on with marked pages; SLAB_TAGS: none is left. */
static inline int
next_tagged(const uint16_t *tagged, int i)
{
    uint64_t four;

    for (; i < SLAB_TAGS; i = (i | 3) + 1) {
        memcpy(&four, &tagged[i & ~3], sizeof(four));
        four >>= 16 * (i & 3);
        if (four != 0)
            return i + __builtin_ctzll(four) / 16;
    }
    return SLAB_TAGS;
}

/* How many of the next `most` marked pages of a unit's node have the tag whose turn it is, and
 * which that is, go to the unit. *dealt: where it goes on. */
static inline void
run_of_tags(struct rng *rng, uint32_t most, int *dealt, struct page_unit *u)
{
    const struct page_spot *at = &u->spot;
    const struct slab *s = at->slab;
    int node = u->node, turn = *dealt;
    uint32_t all = at->slab_marked[node];

    for (int i = next_tagged(at->tagged, 0); i < SLAB_TAGS; i = next_tagged(at->tagged, i + 1)) {
        uint32_t some = is_on(s, i, node) ? SIM_MIN(at->tagged[i] + 0u, all) : 0, nr = 0;

        if (some == 0)
            continue;
        if (i >= turn) {
            turn = i + 1;
            nr = draw_share(rng, SIM_MIN(most, all), some, all);
        }
        if (nr > 0) {
            *dealt = turn;
            u->nr = nr;
            u->tag = s->key[i] >> 8;
            u->entry = i;
            return;
        }
        all -= some;
    }
    *dealt = turn;
    u->nr = most;
    u->tag = 0;
    u->entry = -1;
}

static __attribute__((noinline)) void
deal_by_chance(const struct mapping *m, struct page_stretch *st, uint32_t most, struct page_unit *u)
{
    run_of_tags(&blocks_of(m->region)->rng, most, &st->dealt, u);
    st->at = u->first + u->nr;
}

/* ---- what a visit finds ---- */

/* The node of the nth marked page of a block; *left: how many of that node come from there on. */
static inline int
nth_marked(const uint16_t *marked, uint32_t nth, uint32_t *left)
{
    uint64_t four;
    int node = 0;

    for (;; node += 4) {
        memcpy(&four, &marked[node], sizeof(four));
        if (four != 0)
            break;
    }
    for (node += __builtin_ctzll(four) / 16; nth >= marked[node]; node++)
        nth -= marked[node];
    *left = marked[node] - nth;
    return node;
}

/* Which tag do all marked pages of a node have? SLAB_TAGS: none; -1: not all have the same. */
static inline int
only_tag(const struct page_spot *at, int node)
{
    const struct slab *s = at->slab;
    int i = next_tagged(at->tagged, 0);

    while (i < SLAB_TAGS && !is_on(s, i, node))
        i = next_tagged(at->tagged, i + 1);
    return i == SLAB_TAGS || at->tagged[i] >= at->slab_marked[node] ? i : -1;
}

/* The next unit in the block that the stretch has come to; false: it goes on behind that. `sliced`:
 * known to be, or not, where it is compiled. */
static inline __attribute__((always_inline)) bool
marked_in_block(const struct mapping *m, struct page_stretch *st, struct page_unit *u, bool sliced)
{
    struct block b = block_at_in(m, st->at, sliced);
    uint64_t first = first_marked(m, &b);
    uint64_t at = SIM_MAX(st->at, first), stop = SIM_MIN(st->end, block_end(&b)), run;
    uint32_t left;

    if (unlikely(at >= stop)) {
        st->at = stop;
        return false;
    }
    struct page_spot spot = spot_of(m, b.index);
    int node = nth_marked(b.marked, (uint32_t)(at - first), &left), tag = only_tag(&spot, node);
    run = SIM_MIN(at + left, stop);
    if (st->run != run)
        st->dealt = 0;
    st->run = run;
    u->first = at;
    u->np = 1;
    u->node = node;
    u->spot = spot;
    if (unlikely(tag < st->dealt)) {
        deal_by_chance(m, st, (uint32_t)(run - at), u);
        return true;
    }
    u->nr = (uint32_t)(run - at);
    u->tag = tag < SLAB_TAGS ? spot.slab->key[tag] >> 8 : 0;
    u->entry = tag < SLAB_TAGS ? tag : -1;
    if (tag < SLAB_TAGS)
        st->dealt = tag + 1;
    st->at = run;
    return true;
}

static __attribute__((noinline)) bool
marked_beyond(const struct mapping *m, struct page_stretch *st, struct page_unit *u)
{
    while (st->at < st->end)
        if (marked_in_block(m, st, u, m->region->nr_slices > 1))
            return true;
    return false;
}

bool
block_marked_unit(const struct mapping *m, struct page_stretch *st, struct page_unit *u)
{
    if (likely(m->region->nr_slices == 1 && st->at < st->end) && marked_in_block(m, st, u, false))
        return true;
    return marked_beyond(m, st, u);
}

uint64_t
block_absent_run(const struct mapping *m, struct page_stretch *st, uint64_t *first)
{
    while (st->at < st->end) {
        struct block b = block_at(m, st->at);
        uint64_t from = SIM_MAX(st->at, first_needing(m, &b));
        uint64_t to = SIM_MIN(st->end, first_marked(m, &b));

        st->at = SIM_MIN(st->end, block_end(&b));
        *first = from;
        if (from < to)
            return to - from;
    }
    return 0;
}

/* ---- what comes of a unit ---- */

/* The unit's entry is still that of its tag, and nobody else has marks here. */
static inline bool
is_alone(const struct region *r, const struct page_unit *u)
{
    return r->maps->next == NULL &&
           (u->entry < 0 || u->spot.slab->key[u->entry] == tag_key(u->tag, u->node));
}

/* nr pages of the unit's tag, which is in an entry, have lost their mark; and of those, `gone` are
 * no longer there. */
static inline void
leave_entry(const struct page_unit *u, uint32_t nr, uint32_t gone)
{
    uint16_t *n = &u->spot.slab->n[u->entry], *tagged = &u->spot.tagged[u->entry];
    uint32_t stay = *n - SIM_MIN(gone, *n + 0u), marked = *tagged - SIM_MIN(nr, *tagged + 0u);

    *n = (uint16_t)stay;
    *tagged = (uint16_t)SIM_MIN(marked, stay);
}

/* The first nr pages of a unit are in entry `to` from now on; -1: they have no tag. */
static inline void
retag_alone(const struct page_unit *u, uint32_t nr, int to)
{
    if (to == u->entry) {
        if (to >= 0)
            leave_entry(u, nr, 0);
        return;
    }
    if (to >= 0)
        u->spot.slab->n[to] += (uint16_t)nr;
    if (u->entry >= 0)
        leave_entry(u, nr, nr);
}

static inline __attribute__((always_inline)) void
settle_counts(struct kernel *k, struct mapping *m, const struct page_unit *u, uint32_t nr, int node,
              bool sliced)
{
    const struct page_spot at = u->spot;
    int from = u->node;

    at.marked[from] -= (uint16_t)nr;
    at.slab_marked[from] -= (uint16_t)nr;
    count_marks_in(m, u->first, 1, -(int64_t)nr, sliced);
    if (node == from)
        return;
    at.count[from] -= (uint16_t)nr;
    at.count[node] += (uint16_t)nr;
    at.slab_count[from] -= (uint16_t)nr;
    at.slab_count[node] += (uint16_t)nr;
    count_move_in(k, m->region, u->first, nr, from, node, sliced);
}

/* Others may have marks, or the unit's tag is no longer where it was found. */
static void
retag_shared(struct mapping *m, const struct page_unit *u, uint32_t nr, int node, uint32_t tag)
{
    struct block b = block_at(m, u->first);
    const struct retagged what = { .from = u->node, .to = node, .nr = nr, .m = m, .marked = true };

    retag_pages(m->region, &b, &what, u->tag, tag);
}

/* A tag that the slab does not have yet, others that may have marks, or slices. */
static __attribute__((noinline)) void
settle_slowly(struct kernel *k, struct mapping *m, const struct page_unit *u, uint32_t nr, int node,
              uint32_t tag, int to)
{
    struct region *r = m->region;

    if (nr == 0)
        return;
    if (!is_alone(r, u)) {
        retag_shared(m, u, nr, node, tag);
    } else if (to >= 0 || tag == 0) {
        retag_alone(u, nr, to);
    } else {
        put_tag(r, (uint64_t)(u->spot.slab - blocks_of(r)->slabs), tag, node, nr, u->entry);
        if (u->entry >= 0)
            leave_entry(u, nr, nr);
    }
    settle_counts(k, m, u, nr, node, r->nr_groups > 1);
}

void
block_settle(struct kernel *k, struct mapping *m, const struct page_unit *u, uint32_t nr, int node,
             uint32_t tag)
{
    const struct region *r = m->region;
    bool as_was = tag == u->tag && node == u->node;
    int to = as_was ? u->entry : find_tag(u->spot.slab, tag, node);

    if (likely(nr > 0 && (to >= 0 || tag == 0) && r->nr_groups == 1 && is_alone(r, u))) {
        retag_alone(u, nr, to);
        settle_counts(k, m, u, nr, node, false);
    } else {
        settle_slowly(k, m, u, nr, node, tag, to);
    }
}

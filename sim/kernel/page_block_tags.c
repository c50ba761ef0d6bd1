/*
 * Access tags of pages that are kept in blocks: how many pages of a slab have which.
 *
 * Tags are kept by node, for who used a page last and where it is go together: a page that a task
 * has taken over has the task's tag, and without this the two-stage filter would let pages go that
 * it holds in truth.
 */
#include "kernel/page_block.h"

static uint32_t
key_of(uint32_t tag, int node)
{
    return tag << 8 | (uint32_t)node;
}
static bool
is_on(const struct slab *s, int i, int node)
{
    return s->n[i] > 0 && (int)(s->key[i] & 255) == node;
}

static uint64_t
slab_index(const struct block *b)
{
    return b->index >> SLAB_SHIFT;
}
static struct slab *
slab_of(const struct region *r, const struct block *b)
{
    return &blocks_of(r)->slabs[slab_index(b)];
}
/* Of the marked pages of a mapping, how many have which tag. */
static uint16_t *
tagged_of(const struct mapping *m, const struct block *b)
{
    return block_marks_of(m)->tagged[slab_index(b)];
}

/* Pages of a slab on a node; and those that a mapping has marked. */
static uint16_t *
slab_count(const struct region *r, const struct block *b, int node)
{
    const struct block_pages *x = blocks_of(r);

    return &x->slab_count[slab_index(b) * x->nr_nodes + (uint32_t)node];
}
static uint16_t *
slab_marked(const struct mapping *m, const struct block *b, int node)
{
    return &block_marks_of(m)
                ->slab_marked[slab_index(b) * blocks_of(m->region)->nr_nodes + (uint32_t)node];
}

void
add_count(const struct region *r, const struct block *b, int node, int32_t n)
{
    b->count[node] += (uint16_t)n;
    *slab_count(r, b, node) += (uint16_t)n;
}
void
add_marked(const struct mapping *m, const struct block *b, int node, int32_t n)
{
    block_marks_of(m)->marked[b->index * blocks_of(m->region)->stride + (uint32_t)node] +=
        (uint16_t)n;
    *slab_marked(m, b, node) += (uint16_t)n;
}

/* Of x pages among `all` on a node, entry i's part; what is left goes to pages without a tag. */
static uint32_t
deal(uint32_t *x, uint32_t *all, uint32_t can)
{
    uint32_t some = can == 0 ? 0 : can == *all ? *x : (uint32_t)((uint64_t)*x * can / *all);

    *x -= some;
    *all -= can;
    return some;
}

void
deal_marks(const struct mapping *m, const struct block *b, int node, uint32_t x)
{
    const struct slab *s = slab_of(m->region, b);
    uint16_t *tagged = tagged_of(m, b);
    uint32_t all = *slab_count(m->region, b, node) - *slab_marked(m, b, node);

    for (int i = 0; i < SLAB_TAGS; i++)
        if (is_on(s, i, node))
            tagged[i] += (uint16_t)deal(&x, &all, (uint32_t)s->n[i] - tagged[i]);
}

void
mark_slab(const struct mapping *m, uint64_t slab, nodemask left_out)
{
    const struct block_pages *x = blocks_of(m->region);
    struct block_marks *marks = block_marks_of(m);

    for (int i = 0; i < SLAB_TAGS; i++)
        if (!(left_out & NODE_BIT(x->slabs[slab].key[i] & 255)))
            marks->tagged[slab][i] = x->slabs[slab].n[i];
    for (uint32_t n = 0; n < x->nr_nodes; n++)
        if (!(left_out & NODE_BIT(n)))
            marks->slab_marked[slab * x->nr_nodes + n] = x->slab_count[slab * x->nr_nodes + n];
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

/* How many of n pages, drawn from `all`, are among `some` of them. Few are drawn one by one; of
 * many the number is that of a normal distribution with the same mean and variance. */
static uint32_t
draw_share(struct rng *rng, uint32_t n, uint32_t some, uint32_t all)
{
    enum { FEW = 16 };
    uint32_t least = n + some > all ? n + some - all : 0, most = SIM_MIN(n, some), got = 0;

    if (least == most)
        return most;
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

void
run_of_tags(const struct mapping *m, const struct block *b, uint32_t most, int *dealt,
            struct page_unit *u)
{
    const struct slab *s = slab_of(m->region, b);
    const uint16_t *tagged = tagged_of(m, b);
    uint32_t all = *slab_marked(m, b, u->node);

    for (int i = 0; i < SLAB_TAGS; i++) {
        uint32_t some = tagged[i] > 0 && is_on(s, i, u->node) ? SIM_MIN(tagged[i] + 0u, all) : 0;

        if (some == 0)
            continue;
        u->nr = 0;
        if (i >= *dealt) {
            *dealt = i + 1;
            u->tag = s->key[i] >> 8;
            u->entry = i;
            u->nr = draw_share(&blocks_of(m->region)->rng, SIM_MIN(most, all), some, all);
        }
        if (u->nr > 0)
            return;
        all -= some;
    }
    u->nr = most;
    u->tag = 0;
    u->entry = -1;
}

/* ---- pages that get another tag ---- */

/* Where pages with a tag are counted; -1: nowhere. */
static int
find_tag(const struct slab *s, uint32_t tag, int node)
{
    for (int i = 0; i < SLAB_TAGS && tag != 0; i++)
        if (s->n[i] > 0 && s->key[i] == key_of(tag, node))
            return i;
    return -1;
}

/* An entry for a tag that has none: an empty one, else that with the fewest pages, of its own node
 * if there is one; `keep` stays. Its pages have no tag from now on. */
static int
evict(struct region *r, const struct block *b, int node, int keep)
{
    struct slab *s = slab_of(r, b);
    int least = keep == 0, same = -1;

    for (int i = 0; i < SLAB_TAGS; i++) {
        if (i == keep)
            continue;
        if (s->n[i] < s->n[least])
            least = i;
        if (is_on(s, i, node) && (same < 0 || s->n[i] < s->n[same]))
            same = i;
    }
    if (s->n[least] > 0 && same >= 0)
        least = same;
    s->n[least] = 0;
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        tagged_of(m, b)[least] = 0;
    return least;
}

static int
put_tag(struct region *r, const struct block *b, uint32_t tag, int node, uint32_t nr, int keep)
{
    struct slab *s = slab_of(r, b);
    int at = find_tag(s, tag, node);

    if (tag == 0 || nr == 0)
        return -1;
    at = at >= 0 ? at : evict(r, b, node, keep);
    s->key[at] = key_of(tag, node);
    s->n[at] += (uint16_t)nr;
    return at;
}

/* Those of a node that have no tag, in a slab. */
static uint32_t
untagged(const struct slab *s, int node, const uint16_t *n, uint32_t all)
{
    for (int i = 0; i < SLAB_TAGS; i++)
        all -= is_on(s, i, node) ? SIM_MIN((uint32_t)n[i], all) : 0;
    return all;
}

uint32_t
tag_share(const struct region *r, const struct block *b, int node, uint32_t tag)
{
    const struct slab *s = slab_of(r, b);
    uint32_t all = *slab_count(r, b, node);
    int at = find_tag(s, tag, node);
    uint64_t some = at >= 0 ? s->n[at] : untagged(s, node, s->n, all);

    return (uint32_t)(all == 0 ? 0 : div_round_up_u64(b->count[node] * some, all));
}

uint32_t
tags_on(const struct region *r, const struct block *b, int node, uint32_t tags[SLAB_TAGS])
{
    const struct slab *s = slab_of(r, b);
    uint32_t nr = 0;

    for (int i = 0; i < SLAB_TAGS; i++)
        if (is_on(s, i, node))
            tags[nr++] = s->key[i] >> 8;
    return nr;
}

/* How many of nr pages of a block with one tag a mapping has marked that had no part in it: as many
 * as of the block's pages on that node, more if it has marked more of those with this tag than of
 * the slab's others. At least so many that those which stay are enough for the other marks. */
static uint32_t
others_marked(const struct mapping *m, const struct block *b, const struct retagged *what, int at)
{
    const struct slab *s = slab_of(m->region, b);
    uint64_t in_block = b->count[what->from], in_slab = *slab_count(m->region, b, what->from);
    uint64_t marked =
        block_marks_of(m)->marked[b->index * blocks_of(m->region)->stride + (uint32_t)what->from];
    uint64_t slab_marks = *slab_marked(m, b, what->from), with_tag, marked_with_tag;
    uint64_t least = marked + what->nr > in_block ? marked + what->nr - in_block : 0;

    if (marked == 0)
        return 0;
    if (at >= 0) {
        with_tag = s->n[at];
        marked_with_tag = tagged_of(m, b)[at];
    } else {
        with_tag = untagged(s, what->from, s->n, (uint32_t)in_slab);
        marked_with_tag = untagged(s, what->from, tagged_of(m, b), (uint32_t)slab_marks);
    }
    uint64_t of = in_block * SIM_MAX(with_tag, (uint64_t)1) * slab_marks;
    uint64_t x = what->nr * marked * marked_with_tag * in_slab;
    x = x / of + (rng_below(&blocks_of(m->region)->rng, of) < x % of);
    return (uint32_t)SIM_CLAMP(x, least, SIM_MIN(marked, (uint64_t)what->nr));
}

/* The marks of one mapping, of pages that go from entry `old` to entry `at`. */
static void
retag_marks(struct mapping *m, const struct block *b, const struct retagged *what, uint32_t marked,
            int old, int at)
{
    uint16_t *tagged = tagged_of(m, b);
    bool stay = what->from == what->to && m != what->m;
    uint32_t some = old >= 0 ? SIM_MIN(marked, (uint32_t)tagged[old]) : marked;

    if (old >= 0)
        tagged[old] -= (uint16_t)some;
    if (stay && at >= 0)
        tagged[at] += (uint16_t)some;
    if (stay || m == what->m || marked == 0)
        return;
    add_marked(m, b, what->from, -(int32_t)marked);
    count_marks(m, b->first, 1, -(int64_t)marked);
}

void
retag_pages(struct region *r, const struct block *b, const struct retagged *what, uint32_t old,
            uint32_t tag)
{
    struct slab *s = slab_of(r, b);
    int from = find_tag(s, old, what->from);

    if (what->nr == 0)
        return;
    int to = put_tag(r, b, tag, what->to, what->nr, from);
    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        uint32_t marked = m != what->m   ? others_marked(m, b, what, from)
                          : what->marked ? what->nr
                                         : 0;
        retag_marks(m, b, what, marked, from, to);
    }
    if (from < 0)
        return;
    s->n[from] -= (uint16_t)SIM_MIN(what->nr, (uint32_t)s->n[from]);
    for (struct mapping *m = r->maps; m != NULL; m = m->next)
        tagged_of(m, b)[from] = SIM_MIN(tagged_of(m, b)[from], s->n[from]);
}

/* Nobody else has marks here. */
static void
retag_alone(const struct mapping *m, const struct block *b, const struct page_unit *u, uint32_t nr,
            int node, uint32_t tag)
{
    struct slab *s = slab_of(m->region, b);
    uint16_t *tagged = tagged_of(m, b);
    int from = u->entry;

    if (from >= 0)
        tagged[from] -= (uint16_t)SIM_MIN(nr, tagged[from] + 0u);
    if (tag == u->tag && node == u->node)
        return;
    put_tag(m->region, b, tag, node, nr, from);
    if (from < 0)
        return;
    s->n[from] -= (uint16_t)SIM_MIN(nr, s->n[from] + 0u);
    tagged[from] = SIM_MIN(tagged[from], s->n[from]);
}

void
retag_unit(const struct mapping *m, const struct block *b, const struct page_unit *u, uint32_t nr,
           int node, uint32_t tag)
{
    const struct retagged what = { .from = u->node, .to = node, .nr = nr, .m = m, .marked = true };

    if (m->region->maps->next == NULL &&
        (u->entry < 0 || slab_of(m->region, b)->key[u->entry] == key_of(u->tag, u->node)))
        retag_alone(m, b, u, nr, node, tag);
    else
        retag_pages(m->region, b, &what, u->tag, tag);
}

void
retag_some(struct region *r, const struct block *b, const struct retagged *what, uint32_t tag)
{
    struct slab old = *slab_of(r, b);
    uint32_t all = *slab_count(r, b, what->from), left = what->nr;
    struct retagged part = *what;

    for (int i = 0; i < SLAB_TAGS; i++) {
        if (!is_on(&old, i, what->from))
            continue;
        part.nr = deal(&left, &all, old.n[i]);
        retag_pages(r, b, &part, old.key[i] >> 8, tag == KEEP_TAG ? old.key[i] >> 8 : tag);
    }
    part.nr = left;
    retag_pages(r, b, &part, 0, tag == KEEP_TAG ? 0 : tag);
}

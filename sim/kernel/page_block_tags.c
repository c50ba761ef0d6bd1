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

struct slab *
slab_of(const struct region *r, const struct block *b)
{
    return &((struct slab *)blocks_of(r)->slabs)[b->index >> SLAB_SHIFT];
}

/* Pages of a slab on a node; and those that the first mapping has marked. */
static uint16_t *
slab_count(const struct region *r, const struct block *b, int node)
{
    const struct block_pages *x = blocks_of(r);

    return &x->slab_count[(b->index >> SLAB_SHIFT) * x->nr_nodes + (uint32_t)node];
}
static uint16_t *
slab_marked(const struct region *r, const struct block *b, int node)
{
    const struct block_pages *x = blocks_of(r);

    return &x->slab_marked[(b->index >> SLAB_SHIFT) * x->nr_nodes + (uint32_t)node];
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
    b->marked[node] += (uint16_t)n;
    if (m->own == NULL)
        *slab_marked(m->region, b, node) += (uint16_t)n;
}

/* Of x pages among `all` on a node, entry i's part; what is left goes to pages without a tag. */
static uint32_t
deal(uint32_t *x, uint32_t *all, uint32_t can)
{
    uint32_t some = can == 0 ? 0 : (uint32_t)((uint64_t)*x * can / *all);

    *x -= some;
    *all -= can;
    return some;
}

/* x more pages of a node get the first mapping's mark, before they are counted. */
void
deal_marks(struct region *r, const struct block *b, int node, uint32_t x)
{
    struct slab *s = slab_of(r, b);
    uint32_t all = *slab_count(r, b, node) - *slab_marked(r, b, node);

    for (int i = 0; i < SLAB_TAGS; i++)
        if (is_on(s, i, node))
            s->m[i] += (uint16_t)deal(&x, &all, (uint32_t)s->n[i] - s->m[i]);
}

/* x lose it, before they are counted off. */
void
take_marks(struct region *r, const struct block *b, int node, uint32_t x)
{
    struct slab *s = slab_of(r, b);
    uint32_t all = *slab_marked(r, b, node);

    for (int i = 0; i < SLAB_TAGS; i++)
        if (is_on(s, i, node))
            s->m[i] -= (uint16_t)deal(&x, &all, s->m[i]);
}

/* Pages whose tag is drawn: those on a node that the first mapping has marked; for others all. */
struct lot {
    const struct slab *s;
    bool marked;
    int node;
    uint32_t all;
};

static uint32_t
lot_of(const struct lot *l, int i)
{
    return !is_on(l->s, i, l->node) ? 0 : l->marked ? l->s->m[i] : l->s->n[i];
}

/* The tag of one page, when `taken` with the tag `known` are gone. */
static uint32_t
draw_tag(const struct lot *l, struct rng *rng, uint32_t known, uint32_t taken)
{
    uint64_t nth = rng_below(rng, l->all - taken);

    for (int i = 0; i < SLAB_TAGS; i++) {
        uint32_t n = lot_of(l, i);

        n -= n > 0 && l->s->key[i] >> 8 == known ? taken : 0;
        if (nth < n)
            return l->s->key[i] >> 8;
        nth -= n;
    }
    return 0;
}

static bool
only_one_tag(const struct lot *l, uint32_t *tag)
{
    bool any = false;

    for (int i = 0; i < SLAB_TAGS; i++) {
        any |= lot_of(l, i) > 0;
        *tag = l->s->key[i] >> 8;
        if (lot_of(l, i) == l->all)
            return true;
    }
    *tag = 0;
    return !any;
}

/* How many of up to `most` pages of a node have the same tag one after the other, and which. */
uint32_t
run_of_tags(const struct mapping *m, const struct block *b, int node, uint32_t most, uint32_t *tag)
{
    struct lot l = { .s = slab_of(m->region, b), .marked = m->own == NULL, .node = node };
    struct rng *rng = &blocks_of(m->region)->rng;
    uint32_t n = 1;

    l.all = l.marked ? *slab_marked(m->region, b, node) : *slab_count(m->region, b, node);
    if (only_one_tag(&l, tag))
        return most;
    *tag = draw_tag(&l, rng, 0, 0);
    while (n < most && draw_tag(&l, rng, *tag, n) == *tag)
        n++;
    return n;
}

/* nr pages lose the tag, of which the first mapping had marked `marked`. */
void
slab_take(struct slab *s, uint32_t tag, int node, uint32_t nr, uint32_t marked)
{
    for (int i = 0; i < SLAB_TAGS && tag != 0; i++) {
        if (!is_on(s, i, node) || s->key[i] >> 8 != tag)
            continue;
        s->n[i] -= (uint16_t)SIM_MIN(s->n[i], nr);
        s->m[i] -= (uint16_t)SIM_MIN(s->m[i], marked);
        s->m[i] = SIM_MIN(s->m[i], s->n[i]);
        return;
    }
}

void
slab_put(struct slab *s, uint32_t tag, int node, uint32_t nr)
{
    int least = 0, same = -1;

    if (tag == 0 || nr == 0)
        return;
    for (int i = 0; i < SLAB_TAGS; i++) {
        if (s->n[i] > 0 && s->key[i] == key_of(tag, node)) {
            s->n[i] += (uint16_t)nr;
            return;
        }
        if (s->n[i] < s->n[least])
            least = i;
        if (is_on(s, i, node) && (same < 0 || s->n[i] < s->n[same]))
            same = i;
    }
    if (s->n[least] > 0) /* all are taken */
        least = same >= 0 ? same : least;
    if (same != least)
        s->n[least] = s->m[least] = 0;
    s->key[least] = key_of(tag, node);
    s->n[least] += (uint16_t)nr;
}

/* nr unmarked pages of a node, any of the slab's, get another tag (KEEP_TAG: keep theirs) and are
 * on node `to`; before they are counted there. */
void
retag_some(struct region *r, const struct block *b, int node, uint32_t nr, uint32_t tag, int to)
{
    struct slab *s = slab_of(r, b);
    struct slab old = *s;
    uint32_t all = *slab_count(r, b, node), left = nr;

    for (int i = 0; i < SLAB_TAGS; i++) {
        if (!is_on(&old, i, node))
            continue;
        uint32_t some = deal(&left, &all, old.n[i]);
        slab_take(s, old.key[i] >> 8, node, some, 0);
        if (tag == KEEP_TAG)
            slab_put(s, old.key[i] >> 8, to, some);
    }
    if (tag != KEEP_TAG)
        slab_put(s, tag, to, nr);
}

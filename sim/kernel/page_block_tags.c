/*
 * Access tags of pages that are kept in blocks: how many pages of a slab have which.
 *
 * Tags are kept by node, for who used a page last and where it is go together: a page that a task
 * has taken over has the task's tag, and without this the two-stage filter would let pages go that
 * it holds in truth.
 */
#include "kernel/page_block.h"

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

uint32_t
mark_slab(const struct mapping *m, uint64_t slab, nodemask left_out)
{
    const struct block_pages *x = blocks_of(m->region);
    struct block_marks *marks = block_marks_of(m);
    uint32_t more = 0;

    for (int i = 0; i < SLAB_TAGS; i++)
        if (!(left_out & NODE_BIT(x->slabs[slab].key[i] & 255)))
            marks->tagged[slab][i] = x->slabs[slab].n[i];
    for (uint32_t n = 0; n < x->nr_nodes; n++) {
        uint64_t at = slab * x->nr_nodes + n;

        if (left_out & NODE_BIT(n))
            continue;
        more += (uint32_t)x->slab_count[at] - marks->slab_marked[at];
        marks->slab_marked[at] = x->slab_count[at];
    }
    return more;
}

/* ---- pages that get another tag ---- */

/* An entry for a tag that has none: an empty one, else that with the fewest pages, of its own node
 * if there is one; `keep` stays. Its pages have no tag from now on. */
static int
evict(struct region *r, uint64_t slab, int node, int keep)
{
    struct slab *s = &blocks_of(r)->slabs[slab];
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
        block_marks_of(m)->tagged[slab][least] = 0;
    return least;
}

int
put_tag(struct region *r, uint64_t slab, uint32_t tag, int node, uint32_t nr, int keep)
{
    struct slab *s = &blocks_of(r)->slabs[slab];

    if (tag == 0 || nr == 0)
        return -1;
    int at = find_tag(s, tag, node);
    if (at < 0) {
        at = evict(r, slab, node, keep);
        s->key[at] = tag_key(tag, node);
    }
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
    uint64_t marked = marked_of(m, b)[what->from];
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
    int to = put_tag(r, slab_index(b), tag, what->to, what->nr, from);
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

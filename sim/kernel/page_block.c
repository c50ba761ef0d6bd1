/*
 * The block representation of pages, for regions that are too large to know each page: counts by
 * node of what is there and of what is marked, for blocks of 2 MiB, and the access tags of 32
 * blocks together. It takes 0.07 bytes a page on eight nodes.
 *
 * Counts are exact; which page of a block is which is made up: first those that are in order, by
 * node, then those that are not there, then the marked ones, by node. So the pages that need
 * attention are the last of their block, and a walk that begins at the start of a block finds them
 * as it would in truth. A walk that begins inside finds as many of them as lie behind it, and the
 * rest when it comes again. A page that is drawn among those that need attention is marked, absent
 * or of a node with the chances that it has in truth.
 *
 * The tag of a marked page is drawn from those of the marked pages on its node in its slab, without
 * replacement. A slab remembers eight pairs of tag and node; a ninth takes the place of the one
 * with the fewest pages of its node.
 *
 * Model assumptions beside these: who marks or moves part of a block takes its share of each node.
 * A page that moves loses the marks of other processes as often as pages of its node have them. No
 * block lies in two slices. Regions of huge pages are never kept in blocks: a huge page is one
 * word.
 */
#include "kernel/page_block.h"

enum { SLAB_TAGS = 8, SLAB_SHIFT = 5, FEW_TRIES = 4, BLOCKS_A_TRY = 16 };

struct slab {
    uint32_t key[SLAB_TAGS];             /* a tag and a node */
    uint16_t n[SLAB_TAGS], m[SLAB_TAGS]; /* pages with both, marked ones; all others have no tag */
};

/* Counts of the pages of one block, and of those marked by one mapping, by node. */
struct block {
    uint64_t index, first, span;
    uint16_t *count, *marked;
    uint32_t populated, nr_marked;
};

static struct block_pages *
blocks_of(const struct region *r)
{
    return r->pages;
}

static uint16_t *
marks_of(const struct mapping *m)
{
    return m->own != NULL ? ((struct block_marks *)m->own->pages)->marked
                          : blocks_of(m->region)->marked;
}

static uint64_t *
attention_of(const struct mapping *m)
{
    return m->own != NULL ? ((struct block_marks *)m->own->pages)->attention
                          : blocks_of(m->region)->attention;
}

static uint64_t
blocks_before(const struct region *r, uint32_t slice)
{
    return r->nr_slices == 1 ? 0 : blocks_of(r)->before[slice];
}

/* The block of a page, as a mapping sees it. */
static struct block
block_at(const struct mapping *m, uint64_t page)
{
    const struct region *r = m->region;
    const struct block_pages *x = blocks_of(r);
    uint32_t slice = region_slice_of(r, page);
    bool one = r->nr_slices == 1;
    uint64_t first = one ? 0 : region_slice_first(r, slice);
    uint64_t end = one ? r->nr_pages : first + region_slice_pages(r, slice);
    uint64_t nth = (page - first) >> CHUNK_SHIFT;
    struct block b = { .index = blocks_before(r, slice) + nth,
                       .first = first + (nth << CHUNK_SHIFT) };

    b.span = SIM_MIN((uint64_t)CHUNK_PAGES, end - b.first);
    b.count = &x->count[b.index * x->nr_nodes];
    b.marked = &marks_of(m)[b.index * x->nr_nodes];
    for (uint32_t n = 0; n < x->nr_nodes; n++) {
        b.populated += b.count[n];
        b.nr_marked += b.marked[n];
    }
    return b;
}

static uint64_t
block_end(const struct block *b)
{
    return b->first + b->span;
}

/* The first page that needs attention; those behind it do, too. */
static uint64_t
first_needing(const struct block *b)
{
    return b->first + b->populated - b->nr_marked;
}
static uint64_t
first_marked(const struct block *b)
{
    return block_end(b) - b->nr_marked;
}

static void
look_for(const struct mapping *m, uint64_t index)
{
    attention_of(m)[index / 64] |= (uint64_t)1 << (index % 64);
}

/* ---- tags: kept by node, for who used a page last and where it is go together ---- */

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

static struct slab *
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

static void
add_count(const struct region *r, const struct block *b, int node, int32_t n)
{
    b->count[node] += (uint16_t)n;
    *slab_count(r, b, node) += (uint16_t)n;
}
static void
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
static void
deal_marks(struct region *r, const struct block *b, int node, uint32_t x)
{
    struct slab *s = slab_of(r, b);
    uint32_t all = *slab_count(r, b, node) - *slab_marked(r, b, node);

    for (int i = 0; i < SLAB_TAGS; i++)
        if (is_on(s, i, node))
            s->m[i] += (uint16_t)deal(&x, &all, (uint32_t)s->n[i] - s->m[i]);
}

/* x lose it, before they are counted off. */
static void
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
static uint32_t
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
static void
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

static void
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
enum { KEEP_TAG = UINT32_MAX };
static void
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

/* ---- the operations ---- */

static uint64_t
nr_blocks_of(const struct region *r)
{
    uint64_t n = 0;

    for (uint32_t s = 0; s < r->nr_slices; s++)
        n += div_round_up_u64(region_slice_pages(r, s), CHUNK_PAGES);
    return n;
}

static uint64_t
block_bytes(const struct kernel *k, uint64_t nr_pages, bool thp)
{
    uint64_t blocks = div_round_up_u64(nr_pages, CHUNK_PAGES);
    (void)thp;

    return blocks * 2 * k->machine->nr_nodes * sizeof(uint16_t) +
           div_round_up_u64(blocks, 1 << SLAB_SHIFT) *
               (sizeof(struct slab) + 2 * k->machine->nr_nodes * sizeof(uint16_t)) +
           blocks / 8;
}

static uint64_t *
attention_new(struct kernel *k, uint64_t nr_blocks)
{
    uint64_t words = div_round_up_u64(nr_blocks, 64);
    uint64_t *bits = arena_new_array(k->arena, uint64_t, words);

    memset(bits, 0xff, words * sizeof(*bits));
    return bits;
}

static void
block_init(struct kernel *k, struct region *r)
{
    struct block_pages *x = r->pages = arena_new_object(k->arena, struct block_pages);

    x->nr_nodes = k->machine->nr_nodes;
    x->nr_blocks = nr_blocks_of(r);
    x->count = arena_new_array(k->arena, uint16_t, x->nr_blocks * x->nr_nodes);
    x->marked = arena_new_array(k->arena, uint16_t, x->nr_blocks * x->nr_nodes);
    x->nr_slabs = div_round_up_u64(x->nr_blocks, 1 << SLAB_SHIFT);
    x->slabs = arena_new_array(k->arena, struct slab, x->nr_slabs);
    x->slab_count = arena_new_array(k->arena, uint16_t, x->nr_slabs * x->nr_nodes);
    x->slab_marked = arena_new_array(k->arena, uint16_t, x->nr_slabs * x->nr_nodes);
    x->attention = attention_new(k, x->nr_blocks);
    rng_init(&x->rng, k->seed, "blocks", r->id);
    if (r->nr_slices == 1)
        return;
    x->before = arena_new_array(k->arena, uint64_t, r->nr_slices);
    for (uint32_t s = 1; s < r->nr_slices; s++)
        x->before[s] =
            x->before[s - 1] + div_round_up_u64(region_slice_pages(r, s - 1), CHUNK_PAGES);
}

static void
block_map(struct kernel *k, struct mapping *m)
{
    const struct block_pages *x = blocks_of(m->region);
    struct block_marks *own = m->own->pages = arena_new_object(k->arena, struct block_marks);

    own->marked = arena_new_array(k->arena, uint16_t, x->nr_blocks * x->nr_nodes);
    own->attention = attention_new(k, x->nr_blocks);
}

static void
block_claim(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int node, bool huge)
{
    (void)k, (void)huge;
    count_claim(r, first, n, node);
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct block b = block_at(r->maps, page);

        stop = SIM_MIN(first + n, block_end(&b));
        add_count(r, &b, node, (int32_t)(stop - page));
    }
}

static bool
block_can_be_huge(const struct vma *v, uint64_t page)
{
    (void)v, (void)page;
    return false;
}

/* Who goes through a block from its start has been at all pages before this part. */
static uint32_t
share_of(uint32_t n, const struct block *b, uint64_t page, uint64_t stop)
{
    return (uint32_t)(n * (stop - page) / (block_end(b) - page));
}

/* Of n pages that lie evenly; the parts of a block add up. */
static uint32_t
part_of(uint32_t n, const struct block *b, uint64_t page, uint64_t stop)
{
    return (uint32_t)(n * (stop - b->first) / b->span - n * (page - b->first) / b->span);
}

static uint64_t
block_mark(struct mapping *m, uint64_t first, uint64_t end, const struct mark_how *how,
           uint64_t *huge)
{
    struct region *r = m->region;
    uint64_t all = 0;
    (void)huge;

    for (uint64_t page = first, stop; page < end; page = stop) {
        struct block b = block_at(m, page);
        uint32_t marked = 0;

        stop = SIM_MIN(end, block_end(&b));
        for (uint32_t n = 0; n < blocks_of(r)->nr_nodes; n++) {
            uint32_t some = share_of(b.count[n] - b.marked[n], &b, page, stop);

            if (some == 0 || (int)n == how->skip_node || (how->skip & NODE_BIT(n)))
                continue;
            if (how->timed & NODE_BIT(n))
                retag_some(r, &b, (int)n, some, how->time, (int)n);
            if (m->own == NULL)
                deal_marks(r, &b, (int)n, some);
            add_marked(m, &b, (int)n, (int32_t)some);
            marked += some;
        }
        if (marked == 0)
            continue;
        look_for(m, b.index);
        count_marks(m, page, 1, marked);
        all += marked;
    }
    return all;
}

static uint64_t
block_next(const struct mapping *m, uint64_t from, uint64_t to)
{
    uint64_t *attention = attention_of(m);

    while (from < to) {
        struct block b = block_at(m, from);
        uint64_t found = SIM_MAX(from, first_needing(&b)), *word = &attention[b.index / 64];

        if (found < block_end(&b))
            return SIM_MIN(found, to);
        if (first_needing(&b) == block_end(&b))
            *word &= ~((uint64_t)1 << (b.index % 64));
        from = block_end(&b);
        /* blocks that are known to be in order, as far as they are whole */
        for (uint64_t i = b.index + 1;
             b.span == CHUNK_PAGES && i % 64 == 0 && attention[i / 64] == 0 &&
             region_slice_end(m->region, from - 1, to) >= from + 64 * CHUNK_PAGES;
             i += 64)
            from += 64 * CHUNK_PAGES;
    }
    return to;
}

static bool
block_look(const struct mapping *m, uint64_t page, int *node)
{
    struct block b = block_at(m, page);
    bool marked = page >= first_marked(&b);
    uint64_t nth = marked ? page - first_marked(&b) : page - b.first;

    *node = -1;
    if (!marked && page >= first_needing(&b))
        return true;
    for (uint32_t n = 0; n < blocks_of(m->region)->nr_nodes; n++) {
        uint64_t here = marked ? b.marked[n] : (uint64_t)b.count[n] - b.marked[n];

        *node = (int)n;
        if (nth < here)
            return marked;
        nth -= here;
    }
    return marked;
}

static uint64_t
count_needs(const struct mapping *m, uint64_t first, uint64_t end, uint64_t nth, uint64_t *page)
{
    uint64_t seen = 0;

    for (uint64_t at = first, stop; at < end; at = stop) {
        struct block b = block_at(m, at);
        uint64_t from = SIM_MAX(at, first_needing(&b));

        stop = SIM_MIN(end, block_end(&b));
        uint64_t n = stop > from ? stop - from : 0;
        if (nth < seen + n) {
            *page = from + nth - seen;
            return seen;
        }
        seen += n;
    }
    return seen;
}

static uint64_t
block_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng)
{
    uint64_t tries = SIM_MAX((n >> CHUNK_SHIFT) / BLOCKS_A_TRY, (uint64_t)FEW_TRIES), page = first;

    while (tries-- > 0) {
        page = first + rng_below(rng, n);
        struct block b = block_at(m, page);

        if (page >= first_needing(&b))
            return page;
    }
    uint64_t all = count_needs(m, first, first + n, UINT64_MAX, &page);
    sim_assert(all > 0);
    count_needs(m, first, first + n, rng_below(rng, all), &page);
    return page;
}

static bool
block_marked_unit(const struct mapping *m, struct page_stretch *st, struct page_unit *u)
{
    struct region *r = m->region;

    while (st->at < st->end) {
        struct block b = block_at(m, st->at);
        uint64_t at = SIM_MAX(st->at, first_marked(&b)), stop = SIM_MIN(st->end, block_end(&b));
        uint64_t upto = first_marked(&b);

        st->at = stop;
        for (uint32_t n = 0; n < blocks_of(r)->nr_nodes && at < stop; n++) {
            upto += b.marked[n];
            if (upto <= at)
                continue;
            *u = (struct page_unit){ .first = at, .np = 1, .node = (int)n };
            u->nr = run_of_tags(m, &b, (int)n, (uint32_t)(SIM_MIN(upto, stop) - at), &u->tag);
            st->at = at + u->nr;
            return true;
        }
    }
    return false;
}

static uint64_t
block_absent_run(const struct mapping *m, struct page_stretch *st, uint64_t *first)
{
    while (st->at < st->end) {
        struct block b = block_at(m, st->at);
        uint64_t from = SIM_MAX(st->at, first_needing(&b));
        uint64_t to = SIM_MIN(st->end, first_marked(&b));

        st->at = SIM_MIN(st->end, block_end(&b));
        *first = from;
        if (from < to)
            return to - from;
    }
    return 0;
}

/* nr pages of a block went from one node to another: marks of them are gone. */
static void
drop_marks(struct region *r, const struct block *at, int from, uint32_t nr,
           const struct mapping *but)
{
    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        struct block b = block_at(m, at->first);
        uint32_t before = b.count[from] + nr, lost = (uint32_t)b.marked[from] * nr / before;

        if (m == but)
            continue;
        if (b.marked[from] - lost > b.count[from])
            lost = b.marked[from] - b.count[from];
        if (m->own == NULL)
            take_marks(r, &b, from, lost);
        add_marked(m, &b, from, -(int32_t)lost);
        count_marks(m, at->first, 1, -(int64_t)lost);
    }
}

static void
move_some(struct kernel *k, struct region *r, const struct block *b, uint32_t nr, int from, int to,
          const struct mapping *but)
{
    add_count(r, b, from, -(int32_t)nr);
    add_count(r, b, to, (int32_t)nr);
    count_move(k, r, b->first, nr, from, to);
    drop_marks(r, b, from, nr, but);
}

static void
block_settle(struct kernel *k, struct mapping *m, const struct page_unit *u, uint32_t nr, int node,
             uint32_t tag)
{
    struct region *r = m->region;
    struct block b = block_at(m, u->first);

    if (nr == 0)
        return;
    add_marked(m, &b, u->node, -(int32_t)nr);
    count_marks(m, u->first, 1, -(int64_t)nr);
    slab_take(slab_of(r, &b), u->tag, u->node, nr, m->own == NULL ? nr : 0);
    slab_put(slab_of(r, &b), tag, node, nr);
    if (node != u->node)
        move_some(k, r, &b, nr, u->node, node, m);
}

static uint64_t
block_move(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int from, int to,
           uint64_t most)
{
    uint64_t moved = 0;
    int only = from;

    if (n == 1)
        block_look(r->maps, first, &only);
    if (n == 1 && (only < 0 || (from >= 0 && only != from)))
        return 0;
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct block b = block_at(r->maps, page);

        stop = SIM_MIN(first + n, block_end(&b));
        for (uint32_t i = 0; i < blocks_of(r)->nr_nodes && moved < most; i++) {
            uint64_t some = n == 1 ? 1 : part_of(b.count[i], &b, page, stop);

            if ((int)i == to || (only >= 0 && (int)i != only) || b.count[i] == 0)
                continue;
            some = SIM_MIN(some, most - moved);
            if (some > 0) {
                retag_some(r, &b, (int)i, (uint32_t)some, KEEP_TAG, to);
                move_some(k, r, &b, (uint32_t)some, (int)i, to, NULL);
            }
            moved += some;
        }
    }
    return moved;
}

static bool
block_split_huge(struct kernel *k, struct region *r, uint64_t page)
{
    (void)k, (void)r, (void)page;
    return false;
}

static void
block_clear(struct kernel *k, struct region *r)
{
    struct block_pages *x = blocks_of(r);
    size_t counts = x->nr_blocks * x->nr_nodes * sizeof(*x->count);
    (void)k;

    memset(x->count, 0, counts);
    memset(x->slabs, 0, x->nr_slabs * sizeof(struct slab));
    memset(x->slab_count, 0, x->nr_slabs * x->nr_nodes * sizeof(*x->slab_count));
    memset(x->slab_marked, 0, x->nr_slabs * x->nr_nodes * sizeof(*x->slab_marked));
    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        memset(marks_of(m), 0, counts);
        memset(attention_of(m), 0xff, div_round_up_u64(x->nr_blocks, 64) * sizeof(uint64_t));
    }
}

static uint64_t
block_nr_huge(const struct region *r, uint64_t first, uint64_t n)
{
    (void)r, (void)first, (void)n;
    return 0;
}

static void
block_count(const struct region *r, uint64_t first, uint64_t n, uint64_t *count)
{
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct block b = block_at(r->maps, page);

        stop = SIM_MIN(first + n, block_end(&b));
        for (uint32_t i = 0; i < blocks_of(r)->nr_nodes; i++)
            count[i] += part_of(b.count[i], &b, page, stop);
    }
}

static void
block_retag(struct region *r, uint64_t page, uint32_t tag)
{
    struct block b = block_at(r->maps, page);

    int node;

    block_look(r->maps, page, &node);
    if (node >= 0)
        retag_some(r, &b, node, 1, tag, node);
}

/* Sums of a slice's blocks against its group, marks of a mapping. */
static bool
slice_adds_up(const struct kernel *k, const struct mapping *m, uint32_t slice)
{
    const struct region *r = m->region;
    uint64_t first = region_slice_first(r, slice), n = region_slice_pages(r, slice), marked = 0;
    struct page_tally t = { .unpopulated = n };

    for (uint64_t page = first; page < first + n; page += CHUNK_PAGES) {
        struct block b = block_at(m, page);

        if (b.populated > b.span)
            return false;
        for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
            if (b.marked[i] > b.count[i])
                return false;
            t.count[i] += b.count[i];
        }
        t.unpopulated -= b.populated;
        marked += b.nr_marked;
        if (first_needing(&b) < block_end(&b) &&
            !(attention_of(m)[b.index / 64] >> (b.index % 64) & 1))
            return false;
    }
    return tally_agrees(&t, &r->groups[slice], k->machine->nr_nodes) &&
           marked == *mapping_marked(m, slice);
}

static const char *
block_check(struct kernel *k, const struct region *r)
{
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        for (uint32_t s = 0; s < r->nr_slices; s++)
            if (!slice_adds_up(k, m, s))
                return arena_printf(k->arena, "region %s: the blocks of slice %u do not add up",
                                    r->name, s);
    return NULL;
}

const struct page_ops page_block = {
    .name = "block",
    .init = block_init,
    .bytes = block_bytes,
    .map = block_map,
    .claim = block_claim,
    .can_be_huge = block_can_be_huge,
    .mark = block_mark,
    .next = block_next,
    .draw = block_draw,
    .look = block_look,
    .marked_unit = block_marked_unit,
    .absent_run = block_absent_run,
    .settle = block_settle,
    .move = block_move,
    .split_huge = block_split_huge,
    .clear = block_clear,
    .nr_huge = block_nr_huge,
    .count = block_count,
    .retag = block_retag,
    .check = block_check,
};

/*
 * Marks of a scan in the exact representation.
 *
 * A scan of 256 MiB looks at 65536 pages, and most often all of a chunk gets marked or nothing:
 * then its polarity says it all. Only where some pages are left out, or keep the mark of the last
 * scan, words are gone through, four at a time.
 */
#include "kernel/page_exact.h"

typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));

struct range {
    uint64_t first, end; /* in one chunk */
};

/* Marks what is neither skipped nor marked; n words. *differ: bits of nodes other than that of
 * `first` are added. */
static uint32_t
mark_words(uint32_t *t, uint32_t n, uint32_t polarity, uint32_t skip, uint32_t first,
           uint32_t *differ_in)
{
    four unmarked = (four){ 0 } + (polarity << 8), sum = { 0 }, differ = { 0 };
    uint32_t i = 0, marked = 0, other = 0;

    for (; i + 4 <= n; i += 4) {
        four w = *(four *)&t[i], node = w & WORD_NODE;
        four mark = (four)(node != 0) & (four)(node != skip) & (four)((w & WORD_MARK) == unmarked);

        *(four *)&t[i] = w ^ (mark & WORD_MARK);
        sum -= mark;
        differ |= w ^ first;
    }
    marked = sum[0] + sum[1] + sum[2] + sum[3];
    for (; i < n; i++) {
        uint32_t node = t[i] & WORD_NODE;
        uint32_t mark = (uint32_t)(node != 0) & (uint32_t)(node != skip) &
                        (uint32_t)((t[i] >> 8 & 1) == polarity);

        other |= t[i] ^ first;
        t[i] ^= mark * WORD_MARK;
        marked += mark;
    }
    *differ_in |= (differ[0] | differ[1] | differ[2] | differ[3] | other) & WORD_NODE;
    return marked;
}

static bool
is_left_out(const struct mark_how *how, int node, bool huge)
{
    return node == (huge ? how->skip_huge_node : how->skip_node) || (how->skip & NODE_BIT(node));
}

/* One page at a time: pages of some nodes stay, or get the time as their tag. */
static uint32_t
mark_each(struct page_chunk *c, struct page_needs *needs, struct range part,
          const struct mark_how *how)
{
    uint32_t marked = 0;

    for (uint64_t i = part.first; i < part.end; i++) {
        uint32_t *w = &c->table[i % CHUNK_PAGES];
        int node = word_node(*w);

        if (node < 0 || word_marked(c, *w) || is_left_out(how, node, false))
            continue;
        *w ^= WORD_MARK;
        if (how->timed & NODE_BIT(node))
            *w = (*w & ((1u << PAGE_TAG_SHIFT) - 1)) | how->time << PAGE_TAG_SHIFT;
        needs_part(needs, i, 1);
        marked++;
    }
    return marked;
}

static uint32_t
mark_part(struct page_chunk *c, struct page_needs *needs, struct range part,
          const struct mark_how *how)
{
    uint64_t first = part.first, n = part.end - first;
    uint32_t skip = (uint32_t)(how->skip_node + 1), marked = 0;
    uint32_t begin = c->table[first % CHUNK_PAGES], differ = 0;

    if (how->skip | how->timed)
        return mark_each(c, needs, part, how);
    for_each_part(at, stop, first, n)
    {
        uint32_t *t = &c->table[at % CHUNK_PAGES];
        uint32_t some = mark_words(t, (uint32_t)(stop - at), c->polarity, skip, begin, &differ);

        if (needs->part != NULL)
            needs->part[at / PART_PAGES] += (uint8_t)some;
        marked += some;
    }
    needs_sum_add(needs, first >> CHUNK_SHIFT, (int32_t)marked);
    if (differ == 0 && n == c->populated) /* its pages have all come to one node by and by */
        c->node = (uint8_t)word_node(begin);
    return marked;
}

/* Is every page of the chunk to be marked, or (none) no page at all? */
static bool
all_alike(const struct page_chunk *c, const struct mark_how *how, bool *none)
{
    if (c->node == NODE_MIXED) {
        *none = false;
        return how->skip_node < 0 && (how->skip | how->timed) == 0;
    }
    *none = is_left_out(how, c->node, false);
    return *none || !(how->timed & NODE_BIT(c->node));
}

static uint64_t
mark_table(struct mapping *m, struct page_chunk *c, uint64_t ci, struct range part,
           const struct mark_how *how)
{
    const struct region *r = m->region;
    uint64_t span = part.end - part.first, n = 0;
    bool none, whole = span == chunk_span(r, ci), full = c->populated == chunk_span(r, ci);
    bool one_slice = region_slice_end(r, part.first, part.end) == part.end;

    if (all_alike(c, how, &none) && (none || (whole && c->marked == 0 && (one_slice || full)))) {
        if (none)
            return 0;
        c->polarity ^= 1;
        c->marked = c->populated;
        needs_chunk(needs_of(m), ci, span);
        count_marks(m, part.first, span, c->populated);
        return c->populated;
    }
    for (uint64_t page = part.first, stop; page < part.end; page = stop) {
        stop = region_slice_end(r, page, part.end);
        uint32_t marked = mark_part(c, needs_of(m), (struct range){ page, stop }, how);
        count_marks(m, page, stop - page, marked);
        n += marked;
    }
    c->marked += n;
    return n;
}

static uint64_t
mark_huge(struct mapping *m, struct page_chunk *c, uint64_t ci, const struct mark_how *how)
{
    struct exact_marks *own = own_marks(m);
    uint64_t first = ci << CHUNK_SHIFT;

    if (exact_page_marked(m, c, first) || is_left_out(how, c->node, true))
        return 0;
    if (own != NULL) {
        own->bits[first / 64] |= 1;
        own->marked[ci] = CHUNK_PAGES;
    } else {
        c->word ^= WORD_MARK;
        c->marked = CHUNK_PAGES;
    }
    if (how->timed & NODE_BIT(c->node))
        c->word = (c->word & ((1u << PAGE_TAG_SHIFT) - 1)) | how->time << PAGE_TAG_SHIFT;
    needs_run(needs_of(m), first, CHUNK_PAGES, 1);
    count_marks(m, first, CHUNK_PAGES, CHUNK_PAGES);
    return CHUNK_PAGES;
}

/* In the bits of a further mapping. */
static uint64_t
mark_own(struct mapping *m, struct page_chunk *c, uint64_t ci, struct range part,
         const struct mark_how *how)
{
    struct exact_marks *own = own_marks(m);
    uint64_t n = 0;

    for (uint64_t i = part.first; i < part.end; i++) {
        uint32_t *w = &c->table[i % CHUNK_PAGES];
        int node = word_node(*w);

        if (node < 0 || own_marked(own, i) || is_left_out(how, node, false))
            continue;
        own->bits[i / 64] |= (uint64_t)1 << (i % 64);
        if (how->timed & NODE_BIT(node))
            *w = (*w & ((1u << PAGE_TAG_SHIFT) - 1)) | how->time << PAGE_TAG_SHIFT;
        count_marks(m, i, 1, 1);
        needs_part(&own->needs, i, 1);
        n++;
    }
    own->marked[ci] += n;
    return n;
}

uint64_t
exact_mark(struct mapping *m, uint64_t first, uint64_t end, const struct mark_how *how,
           uint64_t *huge)
{
    const struct exact_pages *x = exact_of(m->region);
    uint64_t marked = 0, *attention = attention_of(m);

    for (uint64_t ci = first >> CHUNK_SHIFT; ci << CHUNK_SHIFT < end; ci++) {
        struct page_chunk *c = &x->chunks[ci];
        struct range part = { SIM_MAX(first, ci << CHUNK_SHIFT),
                              SIM_MIN(end, (ci + 1) << CHUNK_SHIFT) };
        uint64_t n;

        if (c->populated == 0)
            continue;
        if (c->kind == CHUNK_HUGE) {
            n = mark_huge(m, c, ci, how);
            *huge += n > 0;
        } else {
            n = m->own != NULL ? mark_own(m, c, ci, part, how) : mark_table(m, c, ci, part, how);
        }
        if (n > 0)
            attention[ci / 64] |= (uint64_t)1 << (ci % 64);
        marked += n;
    }
    return marked;
}

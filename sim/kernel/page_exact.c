/*
 * The exact representation of pages: every page is known, at four bytes each, and a huge page takes
 * no more than its chunk.
 *
 * Where the next page is that needs attention is found by a bitmap of chunks: a set bit means
 * "perhaps", and a search that finds a chunk in order clears it. Bits are only set when pages are
 * marked or given back, so a region that is populated and unmarked costs nothing.
 */
#include "kernel/page_exact.h"

static uint64_t
nr_chunks_of(uint64_t nr_pages)
{
    return div_round_up_u64(nr_pages, CHUNK_PAGES);
}

static uint64_t
exact_bytes(const struct kernel *k, uint64_t nr_pages, bool thp)
{
    (void)k;
    return nr_chunks_of(nr_pages) * sizeof(struct page_chunk) +
           needs_bytes(nr_chunks_of(nr_pages), !thp) + (thp ? 0 : nr_pages * sizeof(uint32_t));
}

static uint64_t *
attention_new(struct kernel *k, uint64_t nr_chunks)
{
    uint64_t words = div_round_up_u64(nr_chunks, 64);
    uint64_t *bits = arena_new_array(k->arena, uint64_t, words);

    memset(bits, 0xff, words * sizeof(*bits));
    return bits;
}

/* Nothing is marked in a new mapping. */
static void
needs_count(struct page_needs *x, const struct region *r)
{
    for (uint64_t ci = 0; ci < x->nr_chunks; ci++) {
        const struct page_chunk *c = &exact_of(r)->chunks[ci];
        uint64_t first = ci << CHUNK_SHIFT, span = chunk_span(r, ci);

        if (c->populated == 0)
            needs_chunk(x, ci, span);
        for (uint64_t i = first; i < first + span && c->populated > 0 && c->populated < span; i++)
            if ((chunk_word(c, i) & WORD_NODE) == 0)
                needs_run(x, i, 1, 1);
    }
}

static void
exact_init(struct kernel *k, struct region *r)
{
    struct exact_pages *x = r->pages = arena_new_object(k->arena, struct exact_pages);
    x->nr_chunks = nr_chunks_of(r->nr_pages);
    x->chunks = arena_new_array(k->arena, struct page_chunk, x->nr_chunks);
    x->attention = attention_new(k, x->nr_chunks);
    needs_new(k, &x->needs, x->nr_chunks, !r->thp);
    needs_fill(&x->needs, r->nr_pages);
    if (!r->thp)
        x->words = arena_new_array(k->arena, uint32_t, r->nr_pages);
    for (uint64_t ci = 0; ci < x->nr_chunks; ci++) {
        x->chunks[ci].kind = r->thp ? CHUNK_EMPTY : CHUNK_TABLE;
        x->chunks[ci].table = r->thp ? NULL : x->words + (ci << CHUNK_SHIFT);
    }
}

static void
exact_map(struct kernel *k, struct mapping *m)
{
    struct exact_marks *own = m->own->pages = arena_new_object(k->arena, struct exact_marks);
    uint64_t nr_chunks = exact_of(m->region)->nr_chunks;

    own->bits = arena_new_array(k->arena, uint64_t, nr_chunks * (CHUNK_PAGES / 64));
    own->marked = arena_new_array(k->arena, uint16_t, nr_chunks);
    own->attention = attention_new(k, nr_chunks);
    needs_new(k, &own->needs, nr_chunks, !m->region->thp);
    needs_count(&own->needs, m->region);
}

/* ---- tables of chunks that hold small pages beside huge ones ---- */

static void
table_make(struct kernel *k, struct page_chunk *c, uint32_t fill)
{
    uint32_t *table = k->mm->free_tables;

    if (table == NULL)
        table = arena_new_array(k->arena, uint32_t, CHUNK_PAGES);
    else
        memcpy(&k->mm->free_tables, table, sizeof(k->mm->free_tables));
    for (uint32_t i = 0; i < CHUNK_PAGES; i++)
        table[i] = fill;
    c->table = table;
    c->kind = CHUNK_TABLE;
}

void
exact_table_free(struct kernel *k, struct page_chunk *c)
{
    memcpy(c->table, &k->mm->free_tables, sizeof(k->mm->free_tables));
    k->mm->free_tables = c->table;
    c->table = NULL;
}

static void
chunk_gets(struct page_chunk *c, uint32_t n, int node)
{
    c->node = c->populated == 0 || c->node == node ? (uint8_t)node : NODE_MIXED;
    c->populated += (uint16_t)n;
}

static void
exact_claim(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int node, bool huge)
{
    uint64_t end = first + n;

    count_claim(r, first, n, node);
    for (uint64_t page = first, stop; page < end; page = stop) {
        struct page_chunk *c = chunk_of(r, page);

        stop = SIM_MIN(end, (page | (CHUNK_PAGES - 1)) + 1);
        if (huge) {
            c->kind = CHUNK_HUGE;
            c->word = word_of(c, node, 0);
        } else if (c->kind == CHUNK_EMPTY) {
            table_make(k, c, 0);
        }
        chunk_gets(c, (uint32_t)(stop - page), node);
        for (const struct mapping *m = r->maps; m != NULL; m = m->next)
            needs_run(needs_of(m), page, stop - page, -1);
        for (uint64_t i = page; i < stop && !huge; i++)
            c->table[i % CHUNK_PAGES] = word_of(c, node, 0);
    }
}

static bool
exact_can_be_huge(const struct vma *v, uint64_t page)
{
    const struct region *r = v->map->region;
    uint64_t first = page & ~(uint64_t)(CHUNK_PAGES - 1);

    return r->thp && first >= v->first && first + CHUNK_PAGES <= v->first + v->nr_pages &&
           chunk_of(r, page)->kind == CHUNK_EMPTY;
}

/* ---- searches ---- */

static bool
needs_attention(const struct mapping *m, const struct page_chunk *c, uint64_t page)
{
    return (chunk_word(c, page) & WORD_NODE) == 0 || exact_page_marked(m, c, page);
}

static bool
exact_look(const struct mapping *m, uint64_t page, int *node)
{
    const struct page_chunk *c = chunk_of(m->region, page);

    *node = word_node(chunk_word(c, page));
    return *node < 0 || exact_page_marked(m, c, page);
}

static uint64_t
exact_next(const struct mapping *m, uint64_t from, uint64_t to)
{
    const struct region *r = m->region;
    uint64_t ci = from >> CHUNK_SHIFT, *attention = attention_of(m);

    while (ci << CHUNK_SHIFT < to) {
        uint64_t word = attention[ci / 64] >> (ci % 64);

        if (word == 0) {
            ci = (ci | 63) + 1;
            continue;
        }
        ci += (uint64_t)__builtin_ctzll(word);
        if (ci << CHUNK_SHIFT >= to)
            break;
        const struct page_chunk *c = &exact_of(r)->chunks[ci];
        uint64_t page = SIM_MAX(from, ci << CHUNK_SHIFT);
        if (c->populated == chunk_span(r, ci) && chunk_marked(m, ci) == 0)
            attention[ci / 64] &= ~((uint64_t)1 << (ci % 64));
        else
            for (; page < SIM_MIN(to, (ci + 1) << CHUNK_SHIFT); page++)
                if (needs_attention(m, c, page))
                    return page;
        ci++;
    }
    return to;
}

static uint64_t
exact_stretch_end(const struct mapping *m, uint64_t page)
{
    return chunk_end(m->region, page);
}

static bool
exact_marked_unit(const struct mapping *m, struct page_stretch *st, struct page_unit *u)
{
    const struct region *r = m->region;

    while (st->at < st->end) {
        const struct page_chunk *c = chunk_of(r, st->at);
        uint64_t stop = SIM_MIN(st->end, (st->at | (CHUNK_PAGES - 1)) + 1), page = st->at;

        if (chunk_marked(m, st->at >> CHUNK_SHIFT) == 0)
            page = stop;
        while (page < stop && !exact_page_marked(m, c, page))
            page++;
        st->at = page;
        if (page == stop)
            continue;
        uint32_t word = chunk_word(c, page);
        *u = (struct page_unit){ .first = page,
                                 .nr = 1,
                                 .np = 1,
                                 .node = word_node(word),
                                 .tag = word >> PAGE_TAG_SHIFT,
                                 .entry = -1 };
        if (c->kind == CHUNK_HUGE) {
            u->first = page & ~(uint64_t)(CHUNK_PAGES - 1);
            u->np = CHUNK_PAGES;
            st->at = stop;
            return true;
        }
        for (page++; page < stop && c->table[page % CHUNK_PAGES] == word &&
                     (m->own == NULL || own_marked(own_marks(m), page));
             page++)
            u->nr++;
        st->at = page;
        return true;
    }
    return false;
}

static uint64_t
exact_absent_run(const struct mapping *m, struct page_stretch *st, uint64_t *first)
{
    const struct region *r = m->region;

    while (st->at < st->end) {
        const struct page_chunk *c = chunk_of(r, st->at);
        uint64_t stop = SIM_MIN(st->end, (st->at | (CHUNK_PAGES - 1)) + 1), page = st->at;

        if (c->populated == chunk_span(r, st->at >> CHUNK_SHIFT))
            page = stop;
        while (page < stop && (chunk_word(c, page) & WORD_NODE))
            page++;
        *first = page;
        while (page < stop && !(chunk_word(c, page) & WORD_NODE))
            page++;
        st->at = page;
        if (page > *first)
            return page - *first;
    }
    return 0;
}

/* ---- changes ---- */

/* Pages have moved: their entries were made anew, and nobody's mark is left. n pages of a table, or
 * a huge one. */
static void
drop_marks(struct region *r, uint64_t first, uint64_t n, const struct mapping *but)
{
    struct page_chunk *c = chunk_of(r, first);
    uint64_t ci = first >> CHUNK_SHIFT, np = c->kind == CHUNK_HUGE ? CHUNK_PAGES : 1;

    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        struct exact_marks *own = own_marks(m);

        if (m == but || chunk_marked(m, ci) == 0)
            continue;
        for (uint64_t i = first; i < first + n; i += np) {
            if (!exact_page_marked(m, c, i))
                continue;
            if (own != NULL)
                own->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
            else
                *(np > 1 ? &c->word : &c->table[i % CHUNK_PAGES]) ^= WORD_MARK;
            *(own != NULL ? &own->marked[ci] : &c->marked) -= (uint16_t)np;
            needs_run(needs_of(m), i, np, -1);
            count_marks(m, i, np, -(int64_t)np);
        }
    }
}

static void
chunk_moves(struct page_chunk *c, uint64_t n, int to)
{
    c->node = c->populated == n || c->node == to ? (uint8_t)to : NODE_MIXED;
}

static void
exact_settle(struct kernel *k, struct mapping *m, const struct page_unit *u, uint32_t nr, int node,
             uint32_t tag)
{
    struct region *r = m->region;
    struct page_chunk *c = chunk_of(r, u->first);
    struct exact_marks *own = own_marks(m);
    uint64_t n = (uint64_t)nr * u->np, step = u->np;
    bool moves = node != u->node;

    if (moves && (own != NULL || r->maps->next != NULL))
        drop_marks(r, u->first, n, m);
    uint32_t word = word_of(c, node, tag);
    for (uint64_t i = u->first; i < u->first + n; i += step) {
        uint32_t *w = step > 1 ? &c->word : &c->table[i % CHUNK_PAGES];

        if (own != NULL) {
            own->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
            *w = (word & ~(uint32_t)WORD_MARK) | (*w & WORD_MARK);
        } else {
            *w = word;
        }
    }
    *(own != NULL ? &own->marked[u->first >> CHUNK_SHIFT] : &c->marked) -= (uint16_t)n;
    needs_run(needs_of(m), u->first, n, -1);
    count_marks(m, u->first, n, -(int64_t)n);
    if (!moves)
        return;
    chunk_moves(c, n, node);
    count_move(k, r, u->first, n, u->node, node);
}

static void
move_run(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int from, int to)
{
    struct page_chunk *c = chunk_of(r, first);

    drop_marks(r, first, n, NULL);
    for (uint64_t i = first; i < first + n; i += c->kind == CHUNK_HUGE ? n : 1) {
        uint32_t *w = c->kind == CHUNK_HUGE ? &c->word : &c->table[i % CHUNK_PAGES];

        *w = (*w & ~(uint32_t)WORD_NODE) | (uint32_t)(to + 1);
    }
    chunk_moves(c, n, to);
    count_move(k, r, first, n, from, to);
}

static uint64_t
exact_move(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int from, int to,
           uint64_t most)
{
    uint64_t moved = 0, end = first + n;

    for (uint64_t page = first, stop; page < end && moved < most; page = stop) {
        const struct page_chunk *c = chunk_of(r, page);
        int node = word_node(chunk_word(c, page));
        bool huge = c->kind == CHUNK_HUGE;

        stop = huge ? (page | (CHUNK_PAGES - 1)) + 1 : page + 1;
        if (node < 0 || node == to || (from >= 0 && node != from))
            continue;
        if (huge && most - moved < CHUNK_PAGES)
            continue;
        uint64_t begin = huge ? page & ~(uint64_t)(CHUNK_PAGES - 1) : page;
        uint64_t limit = SIM_MIN(end, (page | (CHUNK_PAGES - 1)) + 1);
        while (!huge && stop < limit && moved + (stop - begin) < most &&
               word_node(chunk_word(c, stop)) == node)
            stop++;
        move_run(k, r, begin, stop - begin, node, to);
        moved += stop - begin;
    }
    return moved;
}

static bool
exact_split_huge(struct kernel *k, struct region *r, uint64_t page)
{
    struct page_chunk *c = chunk_of(r, page);
    uint64_t ci = page >> CHUNK_SHIFT;

    if (c->kind != CHUNK_HUGE)
        return false;
    table_make(k, c, c->word);
    for (struct mapping *m = r->maps->next; m != NULL; m = m->next)
        if (own_marks(m)->marked[ci] > 0)
            memset(&own_marks(m)->bits[ci * (CHUNK_PAGES / 64)], 0xff, CHUNK_PAGES / 8);
    return true;
}

static void
exact_clear(struct kernel *k, struct region *r)
{
    struct exact_pages *x = exact_of(r);
    size_t bitmap = div_round_up_u64(x->nr_chunks, 64) * sizeof(*x->attention);

    for (uint64_t ci = 0; ci < x->nr_chunks; ci++) {
        struct page_chunk *c = &x->chunks[ci];

        if (r->thp && c->kind == CHUNK_TABLE)
            exact_table_free(k, c);
        else if (c->kind == CHUNK_TABLE)
            memset(c->table, 0, chunk_span(r, ci) * sizeof(*c->table));
        *c = (struct page_chunk){ .table = c->table, .kind = r->thp ? CHUNK_EMPTY : CHUNK_TABLE };
    }
    memset(x->attention, 0xff, bitmap);
    for (struct mapping *m = r->maps->next; m != NULL; m = m->next) {
        struct exact_marks *own = own_marks(m);

        memset(own->bits, 0, x->nr_chunks * (CHUNK_PAGES / 8));
        memset(own->marked, 0, x->nr_chunks * sizeof(*own->marked));
        memset(own->attention, 0xff, bitmap);
    }
    for (struct mapping *m = r->maps; m != NULL; m = m->next)
        needs_fill(needs_of(m), r->nr_pages);
}

static uint64_t
exact_nr_huge(const struct region *r, uint64_t first, uint64_t n)
{
    uint64_t nr = 0;

    for (uint64_t ci = first >> CHUNK_SHIFT; r->thp && ci << CHUNK_SHIFT < first + n; ci++)
        nr += exact_of(r)->chunks[ci].kind == CHUNK_HUGE;
    return nr;
}

static void
exact_count(const struct region *r, uint64_t first, uint64_t n, uint64_t *count)
{
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        const struct page_chunk *c = chunk_of(r, page);

        stop = SIM_MIN(first + n, (page | (CHUNK_PAGES - 1)) + 1);
        if (c->populated == 0)
            continue;
        uint64_t span = chunk_span(r, page >> CHUNK_SHIFT);
        if (c->node != NODE_MIXED && (c->populated == span || stop - page == span)) {
            count[c->node] += SIM_MIN(stop - page, (uint64_t)c->populated);
            continue;
        }
        for (uint64_t i = page; i < stop; i++)
            if (chunk_word(c, i) & WORD_NODE)
                count[word_node(chunk_word(c, i))]++;
    }
}

uint32_t
page_word(const struct region *r, uint64_t page)
{
    const struct page_chunk *c = chunk_of(r, page);
    uint32_t word = chunk_word(c, page);

    if ((word & WORD_NODE) == 0)
        return PAGE_NOWHERE;
    return (uint32_t)word_node(word) | (word_marked(c, word) ? PAGE_MARKED : 0u) |
           word >> PAGE_TAG_SHIFT << PAGE_TAG_SHIFT;
}

static void
exact_retag(struct region *r, uint64_t page, uint32_t tag)
{
    struct page_chunk *c = chunk_of(r, page);
    uint32_t *w = c->kind == CHUNK_HUGE ? &c->word : &c->table[page % CHUNK_PAGES];

    *w = (*w & ((1u << PAGE_TAG_SHIFT) - 1)) | tag << PAGE_TAG_SHIFT;
}

const struct page_ops page_exact = {
    .name = "exact",
    .init = exact_init,
    .bytes = exact_bytes,
    .map = exact_map,
    .claim = exact_claim,
    .can_be_huge = exact_can_be_huge,
    .mark = exact_mark,
    .next = exact_next,
    .needs = exact_needs,
    .draw = exact_draw,
    .look = exact_look,
    .stretch_end = exact_stretch_end,
    .marked_unit = exact_marked_unit,
    .absent_run = exact_absent_run,
    .settle = exact_settle,
    .move = exact_move,
    .split_huge = exact_split_huge,
    .release = exact_release,
    .collapse = exact_collapse,
    .clear = exact_clear,
    .nr_huge = exact_nr_huge,
    .count = exact_count,
    .retag = exact_retag,
    .check = exact_check,
};

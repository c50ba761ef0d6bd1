/*
 * Looking at exact pages: a page drawn among those that need attention, and the check that nothing
 * was lost or counted twice.
 */
#include "kernel/page_exact.h"

enum { FEW_TRIES = 4, CHUNKS_A_TRY = 16 };

static bool
needs(const struct mapping *m, uint64_t page)
{
    const struct page_chunk *c = chunk_of(m->region, page);

    return (chunk_word(c, page) & WORD_NODE) == 0 || exact_page_marked(m, c, page);
}

/* Of the pages [first, end) of one chunk, how many need attention. */
static uint64_t
needs_in(const struct mapping *m, uint64_t first, uint64_t end)
{
    const struct page_chunk *c = chunk_of(m->region, first);
    uint64_t span = chunk_span(m->region, first >> CHUNK_SHIFT), n = 0;

    if (end - first == span)
        return span - c->populated + chunk_marked(m, first >> CHUNK_SHIFT);
    for (uint64_t i = first; i < end; i++)
        n += needs(m, i);
    return n;
}

/* Page number `nth` of those in [page, end), all of one chunk, that need attention. */
static uint64_t
nth_in_chunk(const struct mapping *m, uint64_t page, uint64_t nth)
{
    for (;; page++)
        if (needs(m, page) && nth-- == 0)
            return page;
}

/* The page number `nth` of those that need attention, or how many there are if they are fewer. The
 * chunks between the first and the last lie inside, so their counts are all that is looked at. */
static uint64_t
nth_needing(const struct mapping *m, uint64_t first, uint64_t end, uint64_t nth, bool *found)
{
    const struct page_chunk *chunks = exact_of(m->region)->chunks;
    const struct exact_marks *own = own_marks(m);
    uint64_t ci = first >> CHUNK_SHIFT, last = (end - 1) >> CHUNK_SHIFT, page = first, seen = 0, n;

    for (;; page = ++ci << CHUNK_SHIFT) {
        if (page == ci << CHUNK_SHIFT && ci < last)
            n = CHUNK_PAGES - (uint64_t)chunks[ci].populated +
                (own != NULL ? own->marked[ci] : chunks[ci].marked);
        else
            n = needs_in(m, page, SIM_MIN(end, (ci + 1) << CHUNK_SHIFT));
        *found = seen + n > nth;
        if (*found)
            return nth_in_chunk(m, page, nth - seen);
        seen += n;
        if (ci == last)
            return seen;
    }
}

/* How many of the pages need attention. Of a whole region that is known. */
static uint64_t
count_needing(const struct mapping *m, uint64_t first, uint64_t n)
{
    const struct region_group *whole = region_whole(m->region);
    bool found;

    if (n == m->region->nr_pages)
        return whole->unpopulated + *mapping_marked(m, region_group_index(m->region, REGION_WHOLE));
    return nth_needing(m, first, first + n, UINT64_MAX, &found);
}

/* Tries are cheap while many pages need attention; few are counted, chunk by chunk. */
uint64_t
exact_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng)
{
    uint64_t tries = SIM_MAX((n >> CHUNK_SHIFT) / CHUNKS_A_TRY, (uint64_t)FEW_TRIES);
    bool found;

    while (tries-- > 0) {
        uint64_t page = first + rng_below(rng, n);

        if (needs(m, page))
            return page;
    }
    uint64_t all = count_needing(m, first, n);
    sim_assert(all > 0);
    return nth_needing(m, first, first + n, rng_below(rng, all), &found);
}

/* ---- the check ---- */

static bool
chunk_adds_up(const struct region *r, uint64_t ci)
{
    const struct page_chunk *c = &exact_of(r)->chunks[ci];
    uint64_t first = ci << CHUNK_SHIFT, populated = 0, marked = 0;

    if (c->kind == CHUNK_EMPTY)
        return c->populated == 0 && c->marked == 0;
    if (c->kind == CHUNK_HUGE)
        return c->populated == CHUNK_PAGES && c->node == word_node(c->word) &&
               c->marked == (word_marked(c, c->word) ? CHUNK_PAGES : 0);
    for (uint64_t i = first; i < first + chunk_span(r, ci); i++) {
        uint32_t word = chunk_word(c, i);

        if ((word & WORD_NODE) == 0)
            continue;
        if (c->node != NODE_MIXED && word_node(word) != c->node)
            return false;
        populated++;
        marked += word_marked(c, word);
    }
    return populated == c->populated && marked == c->marked;
}

/* Marks of a mapping in one chunk, and whether they are looked for. */
static bool
marks_add_up(const struct mapping *m, uint64_t ci)
{
    const struct region *r = m->region;
    const struct page_chunk *c = &exact_of(r)->chunks[ci];
    uint64_t first = ci << CHUNK_SHIFT, span = chunk_span(r, ci), marked = 0;

    if (c->kind == CHUNK_HUGE)
        marked = exact_page_marked(m, c, first) ? CHUNK_PAGES : 0;
    for (uint64_t i = first; i < first + span && c->kind == CHUNK_TABLE; i++) {
        bool mark = exact_page_marked(m, c, i);

        if (mark && (chunk_word(c, i) & WORD_NODE) == 0)
            return false;
        marked += mark;
    }
    bool looked_for = attention_of(m)[ci / 64] >> (ci % 64) & 1;
    return marked == chunk_marked(m, ci) && (looked_for || (marked == 0 && c->populated == span));
}

static uint64_t
marks_in(const struct mapping *m, uint64_t first, uint64_t end)
{
    uint64_t marked = 0;

    for (uint64_t page = first, stop; page < end; page = stop) {
        const struct page_chunk *c = chunk_of(m->region, page);

        stop = SIM_MIN(end, (page | (CHUNK_PAGES - 1)) + 1);
        if (chunk_marked(m, page >> CHUNK_SHIFT) == 0)
            continue;
        if (c->kind == CHUNK_HUGE)
            marked += stop - page;
        else
            for (uint64_t i = page; i < stop; i++)
                marked += exact_page_marked(m, c, i);
    }
    return marked;
}

static bool
slice_adds_up(const struct kernel *k, const struct region *r, uint32_t slice)
{
    uint64_t first = region_slice_first(r, slice), n = region_slice_pages(r, slice);
    struct page_tally t = { .unpopulated = n };

    page_exact.count(r, first, n, t.count);
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++)
        t.unpopulated -= t.count[i];
    if (!tally_agrees(&t, &r->groups[slice], k->machine->nr_nodes))
        return false;
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        if (marks_in(m, first, first + n) != *mapping_marked(m, slice))
            return false;
    return true;
}

const char *
exact_check(struct kernel *k, const struct region *r)
{
    for (uint64_t ci = 0; ci < exact_of(r)->nr_chunks; ci++) {
        if (!chunk_adds_up(r, ci))
            return arena_printf(k->arena, "region %s: the sums of chunk %llu are wrong", r->name,
                                (unsigned long long)ci);
        for (const struct mapping *m = r->maps; m != NULL; m = m->next)
            if (!marks_add_up(m, ci))
                return arena_printf(k->arena, "region %s: the marks of chunk %llu are wrong",
                                    r->name, (unsigned long long)ci);
    }
    for (uint32_t s = 0; s < r->nr_slices; s++)
        if (!slice_adds_up(k, r, s))
            return arena_printf(k->arena, "region %s: the counts of slice %u are wrong", r->name,
                                s);
    return NULL;
}

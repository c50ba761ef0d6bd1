/*
 * Looking at exact pages: the check that nothing was lost or counted twice.
 */
#include "kernel/page_exact.h"

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

/* Pages in need of each part of a chunk. */
static bool
parts_agree(const struct mapping *m, uint64_t ci)
{
    const struct page_chunk *c = &exact_of(m->region)->chunks[ci];
    uint64_t first = ci << CHUNK_SHIFT;

    for_each_part(at, stop, first, chunk_span(m->region, ci))
    {
        uint32_t n = 0;

        for (uint64_t i = at; i < stop; i++)
            n += (chunk_word(c, i) & WORD_NODE) == 0 || exact_page_marked(m, c, i);
        if (needs_of(m)->part != NULL && needs_of(m)->part[at / PART_PAGES] != n)
            return false;
    }
    return true;
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
    if (!parts_agree(m, ci))
        return false;
    bool looked_for = attention_of(m)[ci / 64] >> (ci % 64) & 1;
    return marked == chunk_marked(m, ci) &&
           needs_of(m)->chunk[ci] == span - c->populated + marked &&
           (looked_for || (marked == 0 && c->populated == span));
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
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        if (!needs_add_up(needs_of(m)))
            return arena_printf(k->arena, "region %s: the sums of chunks in need are wrong",
                                r->name);
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

/*
 * Pages that go, in the exact representation, and small pages that become a huge one.
 *
 * Whoever maps a page that goes finds it absent: its mark is gone with it, and the next touch is a
 * first one again.
 */
#include "kernel/page_exact.h"

/* Nobody's mark is left on n pages of a chunk, or on its huge page. */
static void
unmark(struct region *r, struct page_chunk *c, uint64_t first, uint64_t n)
{
    uint64_t ci = first >> CHUNK_SHIFT, np = c->kind == CHUNK_HUGE ? CHUNK_PAGES : 1;

    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        struct exact_marks *own = own_marks(m);

        for (uint64_t i = first; i < first + n && chunk_marked(m, ci) > 0; i += np) {
            if (!exact_page_marked(m, c, i))
                continue;
            if (own != NULL)
                own->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
            *(own != NULL ? &own->marked[ci] : &c->marked) -= (uint16_t)np;
            needs_run(needs_of(m), i, np, -1);
            count_marks(m, i, np, -(int64_t)np);
        }
    }
}

/* n pages of a chunk, all there and on one node; a huge one whole. */
static void
free_run(struct kernel *k, struct region *r, struct page_chunk *c, uint64_t first, uint64_t n,
         int node)
{
    uint64_t ci = first >> CHUNK_SHIFT;

    unmark(r, c, first, n);
    if (c->kind == CHUNK_HUGE) {
        c->kind = CHUNK_EMPTY;
        c->word = 0;
    } else {
        memset(&c->table[first % CHUNK_PAGES], 0, n * sizeof(*c->table));
    }
    c->populated -= (uint16_t)n;
    for (const struct mapping *m = r->maps; m != NULL; m = m->next) {
        needs_run(needs_of(m), first, n, 1);
        attention_of(m)[ci / 64] |= (uint64_t)1 << (ci % 64);
    }
    count_release(k, r, first, n, node);
}

/* A chunk that may become huge again has no table once it is empty. */
static void
chunk_emptied(struct kernel *k, const struct region *r, struct page_chunk *c)
{
    if (c->populated > 0)
        return;
    if (r->thp && c->kind == CHUNK_TABLE) {
        exact_table_free(k, c);
        c->kind = CHUNK_EMPTY;
    }
    c->polarity = 0;
    c->node = 0;
}

/* As far as the pages of [page, end) lie on one node side by side. */
static uint64_t
run_end(const struct page_chunk *c, uint64_t page, uint64_t end, int node)
{
    while (page < end && word_node(chunk_word(c, page)) == node)
        page++;
    return page;
}

uint64_t
exact_release(struct kernel *k, struct region *r, uint64_t first, uint64_t n)
{
    uint64_t released = 0;

    for (uint64_t page = first, stop; page < first + n; page = stop) {
        struct page_chunk *c = chunk_of(r, page);
        int node = word_node(chunk_word(c, page));

        stop = SIM_MIN(first + n, (page | (CHUNK_PAGES - 1)) + 1);
        sim_assert(c->kind != CHUNK_HUGE || stop - page == CHUNK_PAGES);
        stop = c->kind == CHUNK_EMPTY ? stop : run_end(c, page, stop, node);
        if (node < 0)
            continue;
        free_run(k, r, c, page, stop - page, node);
        chunk_emptied(k, r, c);
        released += stop - page;
    }
    return released;
}

void
exact_collapse(struct kernel *k, struct region *r, uint64_t page, int node)
{
    uint64_t first = page & ~(uint64_t)(CHUNK_PAGES - 1);
    struct page_chunk *c = chunk_of(r, page);

    sim_assert(c->kind != CHUNK_HUGE);
    exact_release(k, r, first, CHUNK_PAGES);
    k->mm->nodes[node].free_pages -= CHUNK_PAGES;
    r->ops->claim(k, r, first, CHUNK_PAGES, node, true);
}

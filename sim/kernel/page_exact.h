/*
 * Inside of the exact representation: one word for each 4 KiB page, or for each huge one.
 *
 * A word holds the node (plus one; 0: not populated), a mark and the access tag. Whether the mark's
 * bit means "marked" when it is set or when it is clear is the chunk's polarity: so a scan marks a
 * chunk that has no marks by turning its polarity round, whatever is in it. The words of a region
 * without huge pages lie in one array; with them, a chunk has a table only once it holds small
 * pages.
 */
#pragma once

#include "kernel/page_needs.h"

enum { WORD_NODE = 0xff, WORD_MARK = 1 << 8 };
enum chunk_kind { CHUNK_TABLE, CHUNK_HUGE, CHUNK_EMPTY };

struct page_chunk {
    uint32_t *table; /* of CHUNK_TABLE: CHUNK_PAGES words */
    uint32_t word;   /* of CHUNK_HUGE */
    uint16_t populated, marked;
    uint8_t node; /* of all populated pages, or NODE_MIXED */
    uint8_t kind; /* enum chunk_kind */
    uint8_t polarity;
};

struct exact_pages {
    struct page_chunk *chunks;
    uint32_t *words;         /* of a region without huge pages: the tables, side by side */
    struct page_needs needs; /* of the first mapping */
    uint64_t nr_chunks;
    uint64_t *attention; /* bit per chunk: a page may be unpopulated or marked */
};

/* Of a further mapping. The mark of a huge page is that of its first. */
struct exact_marks {
    uint64_t *bits;      /* by page */
    uint16_t *marked;    /* by chunk, 4 KiB pages */
    uint64_t *attention; /* as in the region */
    struct page_needs needs;
};

static inline struct exact_pages *
exact_of(const struct region *r)
{
    return r->pages;
}
static inline struct exact_marks *
own_marks(const struct mapping *m)
{
    return m->own != NULL ? m->own->pages : NULL;
}
static inline struct page_chunk *
chunk_of(const struct region *r, uint64_t page)
{
    return &exact_of(r)->chunks[page >> CHUNK_SHIFT];
}
static inline uint64_t
chunk_span(const struct region *r, uint64_t ci)
{
    return SIM_MIN((uint64_t)CHUNK_PAGES, r->nr_pages - (ci << CHUNK_SHIFT));
}
/* The word of a page; 0 if there is none. */
static inline uint32_t
chunk_word(const struct page_chunk *c, uint64_t page)
{
    return c->kind == CHUNK_TABLE  ? c->table[page % CHUNK_PAGES]
           : c->kind == CHUNK_HUGE ? c->word
                                   : 0;
}
static inline int
word_node(uint32_t word)
{
    return (int)(word & WORD_NODE) - 1;
}
static inline bool
word_marked(const struct page_chunk *c, uint32_t word)
{
    return (word & WORD_NODE) != 0 && (word >> 8 & 1) != c->polarity;
}
/* An unmarked page. */
static inline uint32_t
word_of(const struct page_chunk *c, int node, uint32_t tag)
{
    return (uint32_t)(node + 1) | (uint32_t)c->polarity << 8 | tag << PAGE_TAG_SHIFT;
}
static inline bool
own_marked(const struct exact_marks *own, uint64_t page)
{
    return own->bits[page / 64] >> (page % 64) & 1;
}
static inline bool
exact_page_marked(const struct mapping *m, const struct page_chunk *c, uint64_t page)
{
    const struct exact_marks *own = own_marks(m);

    if (own == NULL)
        return word_marked(c, chunk_word(c, page));
    return own_marked(own, c->kind == CHUNK_HUGE ? page & ~(uint64_t)(CHUNK_PAGES - 1) : page);
}
static inline uint32_t
chunk_marked(const struct mapping *m, uint64_t ci)
{
    const struct exact_marks *own = own_marks(m);

    return own != NULL ? own->marked[ci] : exact_of(m->region)->chunks[ci].marked;
}
static inline uint64_t *
attention_of(const struct mapping *m)
{
    const struct exact_marks *own = own_marks(m);

    return own != NULL ? own->attention : exact_of(m->region)->attention;
}

static inline struct page_needs *
needs_of(const struct mapping *m)
{
    struct exact_marks *own = own_marks(m);

    return own != NULL ? &own->needs : &exact_of(m->region)->needs;
}

uint64_t exact_mark(struct mapping *m, uint64_t first, uint64_t end, const struct mark_how *how,
                    uint64_t *huge);
uint64_t exact_needs(const struct mapping *m, uint64_t first, uint64_t n);
void exact_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng,
                uint64_t *pages, uint32_t nr);
/* ---- page_exact_free.c ---- */

uint64_t exact_release(struct kernel *k, struct region *r, uint64_t first, uint64_t n);
void exact_collapse(struct kernel *k, struct region *r, uint64_t page, int node);
/* page_exact.c: the table of a chunk goes. */
void exact_table_free(struct kernel *k, struct page_chunk *c);

const char *exact_check(struct kernel *k, const struct region *r);

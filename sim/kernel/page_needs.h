/*
 * How many pages need attention, by parts of 32 pages, by chunks, and by 16 of those again and
 * again: so that one of them is drawn by a few additions, however many there are and however few of
 * them need it, and only the last 32 words are looked at.
 *
 * Regions with huge pages have no parts: most of their chunks are one page.
 */
#pragma once

#include "kernel/pages.h"

enum { PART_PAGES = 32, CHUNK_PARTS = CHUNK_PAGES / PART_PAGES, NEEDS_FAN = 16, NEEDS_LEVELS = 5 };

struct page_needs {
    uint8_t *part; /* NULL: not kept */
    uint16_t *chunk;
    uint32_t *sum[NEEDS_LEVELS]; /* of 16 chunks, of 16 of those... */
    uint64_t nr_chunks;
    uint32_t nr_levels; /* the uppermost has at most 16, as far as there are levels */
};

/* Bytes that it takes. */
uint64_t needs_bytes(uint64_t nr_chunks, bool parts);
/* For a region of so many pages; none needs attention. */
void needs_new(struct kernel *k, struct page_needs *x, uint64_t nr_chunks, bool parts);
/* All nr_pages do. */
void needs_fill(struct page_needs *x, uint64_t nr_pages);
/* How many do in the chunks before this one. */
uint64_t needs_before(const struct page_needs *x, uint64_t ci);
/* The chunk that holds number `nth` of them; *rest: which of the chunk's it is. */
uint64_t needs_find(const struct page_needs *x, uint64_t nth, uint32_t *rest);
/* Do the sums agree with each other? */
bool needs_add_up(const struct page_needs *x);

static inline void
needs_sum_add(struct page_needs *x, uint64_t ci, int32_t n)
{
    x->chunk[ci] += (uint16_t)n;
    for (uint32_t l = 0; l < x->nr_levels; l++)
        x->sum[l][ci /= NEEDS_FAN] += (uint32_t)n;
}

/* The first page of each run of one part in [first, first + n), and where it stops. */
#define for_each_part(at, stop, first, n)                                                          \
    for (uint64_t at = (first), stop;                                                              \
         at < (first) + (n) && (stop = SIM_MIN((at | (PART_PAGES - 1)) + 1, (first) + (n)));       \
         at = stop)

/* Pages [first, first + n) of one chunk need attention now (sign 1), or no more (-1). */
static inline void
needs_run(struct page_needs *x, uint64_t first, uint64_t n, int32_t sign)
{
    needs_sum_add(x, first >> CHUNK_SHIFT, sign * (int32_t)n);
    if (x->part == NULL)
        return;
    for_each_part(at, stop, first, n) x->part[at / PART_PAGES] +=
        (uint8_t)(sign * (int32_t)(stop - at));
}

/* So many more pages of the part that holds `page` need attention. */
static inline void
needs_part(struct page_needs *x, uint64_t page, uint32_t n)
{
    if (x->part != NULL)
        x->part[page / PART_PAGES] += (uint8_t)n;
    needs_sum_add(x, page >> CHUNK_SHIFT, (int32_t)n);
}

/* All of a chunk's pages need attention now. */
void needs_chunk(struct page_needs *x, uint64_t ci, uint64_t span);

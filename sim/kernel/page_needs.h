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

/*
 * Which of four counts holds number *nth of what they count together, and *nth of that one's. The
 * counts are the lanes of a word, the first lowest: bytes of at most 32, or 16 bits of at most 512.
 * Where they lie in a loop each would end at another turn, which no processor foresees.
 */
static inline uint32_t
needs_pick_bytes(uint32_t four, uint32_t *nth)
{
    const uint32_t ones = 0x01010101, tops = 0x80808080;
    uint32_t upto = four * ones, past = ((*nth * ones | tops) - upto) & tops;
    uint32_t i = (past >> 7) * ones >> 24;

    *nth -= (uint32_t)((uint64_t)upto << 8 >> (8 * i)) & 0xff;
    return i;
}
static inline uint32_t
needs_pick_shorts(uint64_t four, uint32_t *nth)
{
    const uint64_t ones = 0x0001000100010001, tops = 0x8000800080008000;
    uint64_t upto = four * ones, past = ((*nth * ones | tops) - upto) & tops;
    uint32_t i = (uint32_t)((past >> 15) * ones >> 48);

    *nth -= i == 0 ? 0 : (uint32_t)(upto >> (16 * (i - 1))) & 0xffff;
    return i;
}
/* Bit number `nth` of those that are set: first its byte, then its half, and so on. */
static inline uint32_t
needs_nth_bit(uint32_t mask, uint32_t nth)
{
    uint32_t pairs = mask - (mask >> 1 & 0x55555555);
    uint32_t fours = (pairs & 0x33333333) + (pairs >> 2 & 0x33333333);
    uint32_t at = 8 * needs_pick_bytes((fours + (fours >> 4)) & 0x0f0f0f0f, &nth), n, past;

    n = fours >> at & 15;
    past = nth >= n;
    nth -= n & -past;
    at += 4 * past;
    n = pairs >> at & 3;
    past = nth >= n;
    nth -= n & -past;
    at += 2 * past;
    return at + (nth >= (mask >> at & 1));
}

/* The same of the sums of three words; what is beyond them is in the fourth. */
static inline uint32_t
needs_pick_word(const uint32_t sum[3], uint32_t *nth)
{
    uint32_t two = sum[0] + sum[1], three = two + sum[2];
    uint32_t i = (*nth >= sum[0]) + (*nth >= two) + (*nth >= three);
    const uint32_t before[4] = { 0, sum[0], two, three };

    *nth -= before[i];
    return i;
}

/* The part of a chunk that holds number *nth of its pages in need. */
static inline uint32_t
needs_pick_part(const uint8_t part[CHUNK_PARTS], uint32_t *nth)
{
    uint32_t four[4];

    memcpy(four, part, sizeof(four));
    const uint32_t sum[3] = { four[0] * 0x01010101 >> 24, four[1] * 0x01010101 >> 24,
                              four[2] * 0x01010101 >> 24 };
    uint32_t word = needs_pick_word(sum, nth);
    return 4 * word + needs_pick_bytes(four[word], nth);
}
/* The chunk of 16. */
static inline uint32_t
needs_pick_chunk(const uint16_t chunk[NEEDS_FAN], uint32_t *nth)
{
    const uint64_t ones = 0x0001000100010001;
    uint64_t four[4];

    memcpy(four, chunk, sizeof(four));
    const uint32_t sum[3] = { (uint32_t)(four[0] * ones >> 48), (uint32_t)(four[1] * ones >> 48),
                              (uint32_t)(four[2] * ones >> 48) };
    uint32_t word = needs_pick_word(sum, nth);
    return 4 * word + needs_pick_shorts(four[word], nth);
}

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

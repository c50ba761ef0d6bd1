/*
 * Exact pages drawn among those that need attention, each with the same chance.
 *
 * After a scan one page in many needs it, and to try pages until one does would read a word from
 * far away for each try. How many need it is kept by parts of 32 pages (page_needs.h), so the part
 * is found by sums and only its words are looked at; they are on their way while the parts of other
 * draws are found.
 */
#include "kernel/page_exact.h"

typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));

/* Of pages outside of a slice, in a chunk at its end. */
enum { FEW_TRIES = 8 };

static inline bool
needs(const struct mapping *m, const struct page_chunk *c, uint64_t page)
{
    return (chunk_word(c, page) & WORD_NODE) == 0 || exact_page_marked(m, c, page);
}

/* Page number `nth` of those in [page, end), all of one chunk, that need attention; `end`: there
 * are fewer. How many there were before it. */
static uint64_t
nth_in_chunk(const struct mapping *m, uint64_t page, uint64_t end, uint64_t nth, uint64_t *seen)
{
    const struct page_chunk *c = chunk_of(m->region, page);

    for (*seen = 0; page < end; page++)
        if (needs(m, c, page) && (*seen)++ == nth)
            break;
    return page;
}

/* By counting each page in the chunks at both ends, of which only a part is drawn from. */
static uint64_t
count_and_draw(const struct mapping *m, uint64_t first, uint64_t end, uint64_t nth)
{
    for (uint64_t page = first, stop; page < end; page = stop) {
        uint64_t ci = page >> CHUNK_SHIFT, n = needs_of(m)->chunk[ci];

        stop = SIM_MIN(end, (ci + 1) << CHUNK_SHIFT);
        if (stop - page == chunk_span(m->region, ci) && nth >= n) {
            nth -= n;
            continue;
        }
        uint64_t found = nth_in_chunk(m, page, stop, nth, &n);
        if (found < stop)
            return found;
        nth -= n;
    }
    return end;
}

uint64_t
exact_needs(const struct mapping *m, uint64_t first, uint64_t n_pages)
{
    uint64_t all = 0, end = first + n_pages;

    for (uint64_t page = first, stop; page < end; page = stop) {
        uint64_t ci = page >> CHUNK_SHIFT, n = needs_of(m)->chunk[ci];

        stop = SIM_MIN(end, (ci + 1) << CHUNK_SHIFT);
        if (stop - page != chunk_span(m->region, ci))
            nth_in_chunk(m, page, stop, UINT64_MAX, &n);
        all += n;
    }
    return all;
}

/* Where a drawn page is: number `nth` of those of a chunk, and then of a part, that need attention.
 */
struct lot {
    uint64_t first, end;
    uint32_t nth;
};

static struct lot
find_chunk(const struct mapping *m, uint64_t nth)
{
    const struct page_needs *x = needs_of(m);
    struct lot l;
    uint64_t ci = needs_find(x, nth, &l.nth);

    l.first = ci << CHUNK_SHIFT;
    l.end = l.first + chunk_span(m->region, ci);
    if (x->part != NULL)
        __builtin_prefetch(&x->part[ci * CHUNK_PARTS]);
    __builtin_prefetch(&exact_of(m->region)->chunks[ci]);
    return l;
}

static void
find_part(const struct mapping *m, struct lot *l)
{
    enum { WORDS_A_LINE = 16 };
    const uint8_t *part = needs_of(m)->part;
    const uint32_t *words = exact_of(m->region)->words;

    if (part == NULL)
        return;
    l->first += needs_pick_part(&part[l->first / PART_PAGES], &l->nth) * PART_PAGES;
    l->end = SIM_MIN(l->end, l->first + PART_PAGES);
    __builtin_prefetch(&words[l->first]);
    __builtin_prefetch(&words[l->first + WORDS_A_LINE]);
    if (m->own != NULL)
        __builtin_prefetch(&own_marks(m)->bits[l->first / 64]);
}

/* Which of the 32 words of a part need attention: bit 8 * (i % 4) + i / 4 is that of word i. */
static uint32_t
part_mask(const uint32_t *words, uint32_t polarity)
{
    enum { LANES = 4 };
    four marked = (four){ 0 } + ((polarity ^ 1u) << 8), sum = { 0 };

    for (uint32_t i = 0; i < PART_PAGES / LANES; i++) {
        four w = *(const four *)&words[i * LANES];
        four needy = (four)((w & WORD_NODE) == 0) | (four)((w & WORD_MARK) == marked);

        sum |= needy & 1u << i;
    }
    return sum[0] | sum[1] << 8 | sum[2] << 16 | sum[3] << 24;
}

static uint64_t
page_of(const struct mapping *m, const struct lot *l)
{
    const struct page_chunk *c = chunk_of(m->region, l->first);
    uint64_t seen;

    if (m->own != NULL || c->kind != CHUNK_TABLE || l->end - l->first != PART_PAGES)
        return nth_in_chunk(m, l->first, l->end, l->nth, &seen);
    uint32_t mask = part_mask(&c->table[l->first % CHUNK_PAGES], c->polarity);
    uint32_t bit = needs_nth_bit(mask, l->nth);
    sim_assert(mask >> bit & 1);
    return l->first + bit % 8 * 4 + bit / 8;
}

/* A page that turned out to lie outside of [first, first + n), in a chunk at its end: another. */
static uint64_t
draw_again(const struct mapping *m, uint64_t first, uint64_t n, uint64_t before, uint64_t all,
           struct rng *rng)
{
    for (int i = 0; i < FEW_TRIES; i++) {
        struct lot l = find_chunk(m, before + rng_below(rng, all));
        find_part(m, &l);
        uint64_t page = page_of(m, &l);

        if (page >= first && page - first < n)
            return page;
    }
    all = exact_needs(m, first, n);
    sim_assert(all > 0);
    return count_and_draw(m, first, first + n, rng_below(rng, all));
}

void
exact_draw(const struct mapping *m, uint64_t first, uint64_t n, struct rng *rng, uint64_t *pages,
           uint32_t nr)
{
    const struct page_needs *x = needs_of(m);
    uint64_t before = needs_before(x, first >> CHUNK_SHIFT);
    uint64_t all = needs_before(x, ((first + n - 1) >> CHUNK_SHIFT) + 1) - before;
    struct lot lots[DRAWS_MOST];

    sim_assert(all > 0 && nr <= DRAWS_MOST);
    for (uint32_t i = 0; i < nr; i++)
        lots[i] = find_chunk(m, before + rng_below(rng, all));
    for (uint32_t i = 0; i < nr; i++)
        find_part(m, &lots[i]);
    for (uint32_t i = 0; i < nr; i++) {
        pages[i] = page_of(m, &lots[i]);
        if (pages[i] < first || pages[i] - first >= n)
            pages[i] = draw_again(m, first, n, before, all, rng);
    }
}

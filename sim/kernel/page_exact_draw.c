/*
 * Exact pages drawn among those that need attention, each with the same chance.
 *
 * After a scan one page in many needs it, and to try pages until one does would read a word from
 * far away for each try. How many pages of a chunk need attention is at hand, so the chunk is found
 * by sums, 64 chunks at a time, and then the page in the chunk: by a few tries, whose words are on
 * their way while those of other draws are chosen, else by counting in words side by side.
 */
#include "kernel/page_exact.h"

typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));

/* Of pages in a chunk; fewer than one in so many are not tried; of pages outside of a slice. */
enum { TRIES = 4, SPARSE = 6, FEW_TRIES = 8 };

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

/* How many of four words need attention, less than nothing in each place. */
static inline four
four_needs(const uint32_t *words, uint32_t mark)
{
    four w = *(const four *)words;

    return (four)((w & WORD_NODE) == 0) | (four)((w & WORD_MARK) == mark);
}

/* Page number `nth` in all words of a table, of which there are enough. */
static uint64_t
nth_in_table(const struct page_chunk *c, uint64_t nth)
{
    enum { STEP = 32 };
    uint32_t mark = (c->polarity ^ 1u) << 8;
    const uint32_t *w = c->table;

    for (;; w += STEP) {
        four n = four_needs(w, mark);

        for (int j = 4; j < STEP; j += 4)
            n += four_needs(&w[j], mark);
        uint32_t here = -(n[0] + n[1] + n[2] + n[3]);
        if (nth < here)
            break;
        nth -= here;
    }
    for (;; w++)
        if (((*w & WORD_NODE) == 0 || (*w & WORD_MARK) == mark) && nth-- == 0)
            return (uint64_t)(w - c->table);
}

/* How many pages of chunks [ci, end) need attention. */
static uint64_t
sum_of(const struct chunk_needs *x, uint64_t ci, uint64_t end)
{
    uint64_t sum = 0;

    while (ci < end)
        if (ci % NEEDS_SUM == 0 && ci + NEEDS_SUM <= end) {
            sum += x->sum[ci / NEEDS_SUM];
            ci += NEEDS_SUM;
        } else {
            sum += x->chunk[ci++];
        }
    return sum;
}

/* The chunk from `ci` on that holds page `nth` of those that need attention; there is one. */
static uint64_t
chunk_with(const struct chunk_needs *x, uint64_t ci, uint64_t nth)
{
    for (;;) {
        bool group = ci % NEEDS_SUM == 0;
        uint64_t here = group ? x->sum[ci / NEEDS_SUM] : x->chunk[ci];

        if (nth >= here) {
            nth -= here;
            ci += group ? NEEDS_SUM : 1;
            continue;
        }
        for (; group && nth >= x->chunk[ci]; ci++)
            nth -= x->chunk[ci];
        return ci;
    }
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

/* A chunk, and pages of it that are tried; where few need attention, which of them it is. The words
 * are asked for long before they are read. */
struct lot {
    uint64_t ci, pages[TRIES];
    uint32_t tries;
};

static void
ask_for(const struct exact_pages *x, const struct exact_marks *own, uint64_t page)
{
    if (own != NULL)
        __builtin_prefetch(&own->bits[page / 64]);
    if (x->words != NULL)
        __builtin_prefetch(&x->words[page]);
}

static void
throw_lot(const struct mapping *m, struct lot *l, struct rng *rng)
{
    enum { WORDS_A_LINE = 16 };
    const struct exact_pages *x = exact_of(m->region);
    const struct exact_marks *own = own_marks(m);
    uint64_t first = l->ci << CHUNK_SHIFT, span = chunk_span(m->region, l->ci);
    uint64_t n = needs_of(m)->chunk[l->ci];

    __builtin_prefetch(&x->chunks[l->ci]);
    l->tries = n * SPARSE < span ? 0 : n * 2 < span ? TRIES : 2;
    for (uint32_t i = 0; i < l->tries; i++) {
        l->pages[i] = first + rng_below(rng, span);
        ask_for(x, own, l->pages[i]);
    }
    if (l->tries > 0)
        return;
    l->pages[0] = rng_below(rng, n);
    for (uint64_t i = 0; i < span * (l->pages[0] + 1) / (n + 1); i += WORDS_A_LINE)
        ask_for(x, own, first + i);
}

/* One of the pages of the lot's chunk that need attention. */
static uint64_t
draw_in_chunk(const struct mapping *m, const struct lot *l, struct rng *rng)
{
    const struct page_chunk *c = &exact_of(m->region)->chunks[l->ci];
    uint64_t first = l->ci << CHUNK_SHIFT, span = chunk_span(m->region, l->ci), seen;

    for (uint32_t i = 0; i < l->tries; i++)
        if (needs(m, c, l->pages[i]))
            return l->pages[i];
    uint64_t nth = l->tries == 0 ? l->pages[0] : rng_below(rng, needs_of(m)->chunk[l->ci]);
    if (m->own == NULL && c->kind == CHUNK_TABLE && span == CHUNK_PAGES)
        return first + nth_in_table(c, nth);
    return nth_in_chunk(m, first, first + span, nth, &seen);
}

/* A page that turned out to lie outside of [first, first + n), in a chunk at its end: another. */
static uint64_t
draw_again(const struct mapping *m, uint64_t first, uint64_t n, uint64_t all, struct rng *rng)
{
    struct lot l;

    for (int i = 0; i < FEW_TRIES; i++) {
        l.ci = chunk_with(needs_of(m), first >> CHUNK_SHIFT, rng_below(rng, all));
        throw_lot(m, &l, rng);
        uint64_t page = draw_in_chunk(m, &l, rng);
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
    uint64_t begin = first >> CHUNK_SHIFT, end = ((first + n - 1) >> CHUNK_SHIFT) + 1;
    uint64_t all = sum_of(needs_of(m), begin, end);
    struct lot lots[DRAWS_MOST];

    sim_assert(all > 0 && nr <= DRAWS_MOST);
    for (uint32_t i = 0; i < nr; i++) {
        lots[i].ci = chunk_with(needs_of(m), begin, rng_below(rng, all));
        throw_lot(m, &lots[i], rng);
    }
    for (uint32_t i = 0; i < nr; i++) {
        pages[i] = draw_in_chunk(m, &lots[i], rng);
        if (pages[i] < first || pages[i] - first >= n)
            pages[i] = draw_again(m, first, n, all, rng);
    }
}

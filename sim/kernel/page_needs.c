/* Sums of pages in need: see page_needs.h. */
#include "kernel/page_needs.h"

/* How many entries each level has. */
static uint32_t
levels_of(uint64_t nr_chunks, uint64_t nr[NEEDS_LEVELS])
{
    uint32_t l = 0;

    for (uint64_t n = nr_chunks; n > NEEDS_FAN && l < NEEDS_LEVELS; l++)
        nr[l] = n = div_round_up_u64(n, NEEDS_FAN);
    return l;
}

uint64_t
needs_bytes(uint64_t nr_chunks, bool parts)
{
    uint64_t bytes = nr_chunks * (sizeof(uint16_t) + (parts ? CHUNK_PARTS : 0)), nr[NEEDS_LEVELS];

    for (uint32_t l = 0, levels = levels_of(nr_chunks, nr); l < levels; l++)
        bytes += nr[l] * sizeof(uint32_t);
    return bytes;
}

void
needs_new(struct kernel *k, struct page_needs *x, uint64_t nr_chunks, bool parts)
{
    uint64_t nr[NEEDS_LEVELS];

    x->nr_chunks = nr_chunks;
    x->nr_levels = levels_of(nr_chunks, nr);
    /* 16 are looked at together */
    x->chunk =
        arena_new_array(k->arena, uint16_t, div_round_up_u64(nr_chunks, NEEDS_FAN) * NEEDS_FAN);
    for (uint32_t l = 0; l < x->nr_levels; l++)
        x->sum[l] = arena_new_array(k->arena, uint32_t, nr[l]);
    if (parts)
        x->part = arena_new_array(k->arena, uint8_t, nr_chunks * CHUNK_PARTS);
}

static void
parts_fill(uint8_t *part, uint64_t span)
{
    for (uint64_t i = 0, left = span; i < CHUNK_PARTS; i++) {
        part[i] = (uint8_t)SIM_MIN(left, PART_PAGES + 0u);
        left -= part[i];
    }
}

void
needs_chunk(struct page_needs *x, uint64_t ci, uint64_t span)
{
    needs_sum_add(x, ci, (int32_t)span - x->chunk[ci]);
    if (x->part != NULL && span == CHUNK_PAGES)
        memset(&x->part[ci * CHUNK_PARTS], PART_PAGES, CHUNK_PARTS);
    else if (x->part != NULL)
        parts_fill(&x->part[ci * CHUNK_PARTS], span);
}

void
needs_fill(struct page_needs *x, uint64_t nr_pages)
{
    for (uint64_t ci = 0; ci < x->nr_chunks; ci++)
        needs_chunk(x, ci, SIM_MIN((uint64_t)CHUNK_PAGES, nr_pages - (ci << CHUNK_SHIFT)));
}

uint64_t
needs_before(const struct page_needs *x, uint64_t ci)
{
    uint64_t before = 0;

    for (uint64_t i = x->nr_levels == 0 ? 0 : ci & ~(uint64_t)(NEEDS_FAN - 1); i < ci; i++)
        before += x->chunk[i];
    for (uint32_t l = 0; l < x->nr_levels; l++) {
        ci /= NEEDS_FAN;
        for (uint64_t i = l + 1 == x->nr_levels ? 0 : ci & ~(uint64_t)(NEEDS_FAN - 1); i < ci; i++)
            before += x->sum[l][i];
    }
    return before;
}

uint64_t
needs_find(const struct page_needs *x, uint64_t nth, uint32_t *rest)
{
    uint64_t i = 0;

    for (uint32_t l = x->nr_levels; l-- > 0; i *= NEEDS_FAN)
        for (const uint32_t *sum = x->sum[l]; nth >= sum[i]; i++)
            nth -= sum[i];
    *rest = (uint32_t)nth;
    return i + needs_pick_chunk(&x->chunk[i], rest);
}

/* Of what is below level l, from entry i on: one entry's worth. */
static uint64_t
sum_below(const struct page_needs *x, uint32_t l, uint64_t i, uint64_t nr_below)
{
    uint64_t sum = 0, first = i * NEEDS_FAN;

    for (uint64_t j = first; j < SIM_MIN(first + NEEDS_FAN, nr_below); j++)
        sum += l == 0 ? x->chunk[j] : x->sum[l - 1][j];
    return sum;
}

bool
needs_add_up(const struct page_needs *x)
{
    uint64_t nr[NEEDS_LEVELS], below = x->nr_chunks;

    levels_of(x->nr_chunks, nr);
    for (uint32_t l = 0; l < x->nr_levels; below = nr[l++])
        for (uint64_t i = 0; i < nr[l]; i++)
            if (x->sum[l][i] != sum_below(x, l, i, below))
                return false;
    for (uint64_t ci = 0; x->part != NULL && ci < x->nr_chunks; ci++) {
        uint32_t sum = 0;

        for (uint64_t i = 0; i < CHUNK_PARTS; i++)
            sum += x->part[ci * CHUNK_PARTS + i];
        if (sum != x->chunk[ci])
            return false;
    }
    return true;
}

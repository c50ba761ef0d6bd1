/* What is in swap, by region: see swap.h. */
#include "kernel/swap.h"

#include "kernel/region.h"

/* bits: by page, where each is known; else counts by slice. */
struct swap_map {
    uint64_t nr;
    uint64_t *bits, *by_slice;
};

void
swap_init(struct kernel *k)
{
    struct swap_state *s = k->mm->swap = arena_new_object(k->arena, struct swap_state);

    s->nr_pages = s->free = k->params.mm.swap / PAGE_4K;
    s->device.params = &k->params.mm.swap_device;
}

bool
swap_has_room(const struct kernel *k, uint32_t np)
{
    return k->mm->swap->free >= np;
}

static struct swap_map *
map_of(struct kernel *k, struct region *r)
{
    if (r->swap != NULL)
        return r->swap;
    r->swap = arena_new_object(k->arena, struct swap_map);
    if (r->ops == &page_exact)
        r->swap->bits = arena_new_array(k->arena, uint64_t, div_round_up_u64(r->nr_pages, 64));
    else
        r->swap->by_slice = arena_new_array(k->arena, uint64_t, r->nr_slices);
    return r->swap;
}

static bool
has_bit(const struct swap_map *s, uint64_t page)
{
    return s->bits[page / 64] >> (page % 64) & 1;
}

void
swap_out(struct kernel *k, struct region *r, uint64_t page, uint32_t np)
{
    struct swap_map *s = map_of(k, r);
    uint64_t first = page & ~(uint64_t)(np - 1);

    sim_assert(k->mm->swap->free >= np);
    uint64_t gone = r->ops->release(k, r, first, np);
    s->nr += gone;
    k->mm->swap->free -= gone;
    k->stats.pswpout += gone;
    k->stats.thp_swpout += np > 1;
    for (uint64_t i = first; s->bits != NULL && i < first + np; i++)
        s->bits[i / 64] |= (uint64_t)1 << (i % 64);
    if (s->by_slice != NULL)
        s->by_slice[region_slice_of(r, first)] += gone;
    backing_transfer(k, &k->mm->swap->device, gone * PAGE_4K);
    region_changed(k, r, region_slice_of(r, first), gone);
}

static uint64_t
take_bits(struct swap_map *s, uint64_t first, uint64_t n)
{
    uint64_t found = 0;

    for (uint64_t i = first; i < first + n; i++)
        if (has_bit(s, i)) {
            s->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
            found++;
        }
    return found;
}

/* The share of those pages that are absent, at random where it is no whole number. */
static uint64_t
take_share(struct kernel *k, struct swap_map *s, const struct region *r, uint64_t first, uint64_t n)
{
    uint32_t slice = region_slice_of(r, first);
    uint64_t absent = r->groups[slice].unpopulated, all = s->by_slice[slice];

    sim_assert(n <= absent && all <= absent);
    uint64_t whole = mul_div_u64(all, n, absent), rest = all * n - whole * absent;
    uint64_t found = whole + (rest > 0 && rng_below(&k->mm->reclaim_rng, absent) < rest);
    /* neither more than there are, nor fewer than leave room for the others */
    found = SIM_MIN(found, SIM_MIN(all, n));
    if (all - found > absent - n)
        found = all - (absent - n);
    s->by_slice[slice] -= found;
    return found;
}

uint64_t
swap_in(struct kernel *k, struct region *r, uint64_t first, uint64_t n)
{
    struct swap_map *s = r->swap;

    if (likely(s == NULL || s->nr == 0))
        return 0;
    uint64_t found = s->bits != NULL ? take_bits(s, first, n) : take_share(k, s, r, first, n);
    s->nr -= found;
    k->mm->swap->free += found;
    k->stats.pswpin += found;
    return found;
}

void
swap_read(struct kernel *k, struct task *p, uint64_t n)
{
    if (likely(n == 0))
        return;
    k->stats.pgmajfault += n;
    sim_time until = backing_transfer(k, &k->mm->swap->device, n * PAGE_4K);
    mm_await_page(p, until);
}

uint64_t
swap_pages(const struct region *r)
{
    return r->swap != NULL ? r->swap->nr : 0;
}

uint64_t
swap_pages_in(const struct region *r, uint64_t first, uint64_t n)
{
    uint64_t found = 0;

    for (uint64_t i = first; swap_pages(r) > 0 && i < first + n; i++)
        found += has_bit(r->swap, i);
    return found;
}

/* Of a slice's pages in swap, where each is not known, the part that the stretch is of the slice.
 */
static uint64_t
forget_share(struct swap_map *s, const struct region *r, uint64_t first, uint64_t n)
{
    uint64_t found = 0;

    for (uint64_t page = first, stop; page < first + n; page = stop) {
        uint32_t slice = region_slice_of(r, page);

        stop = region_slice_end(r, page, first + n);
        uint64_t part = mul_div_u64(s->by_slice[slice], stop - page, region_slice_pages(r, slice));
        s->by_slice[slice] -= part;
        found += part;
    }
    return found;
}

void
swap_forget_some(struct kernel *k, struct region *r, uint64_t first, uint64_t n)
{
    struct swap_map *s = r->swap;

    if (s == NULL || s->nr == 0)
        return;
    uint64_t found = s->bits != NULL ? take_bits(s, first, n) : forget_share(s, r, first, n);
    s->nr -= found;
    k->mm->swap->free += found;
}

void
swap_forget(struct kernel *k, struct region *r)
{
    struct swap_map *s = r->swap;

    if (s == NULL || s->nr == 0)
        return;
    k->mm->swap->free += s->nr;
    s->nr = 0;
    if (s->bits != NULL)
        memset(s->bits, 0, div_round_up_u64(r->nr_pages, 64) * sizeof(*s->bits));
    else
        memset(s->by_slice, 0, r->nr_slices * sizeof(*s->by_slice));
}

/* ---- the check ---- */

/* A page is in memory or in swap, not in both; counts are those of the bits. */
static bool
adds_up(const struct region *r)
{
    const struct swap_map *s = r->swap;
    uint64_t n = 0;
    int node;

    for (uint64_t i = 0; s->bits != NULL && i < r->nr_pages; i++) {
        if (!has_bit(s, i))
            continue;
        n++;
        r->ops->look(r->maps, i, &node);
        if (node >= 0)
            return false;
    }
    for (uint32_t i = 0; s->by_slice != NULL && i < r->nr_slices; i++) {
        if (s->by_slice[i] > r->groups[i].unpopulated)
            return false;
        n += s->by_slice[i];
    }
    return n == s->nr;
}

const char *
swap_check(struct kernel *k)
{
    uint64_t used = 0;

    for (uint32_t i = 0; i < k->mm->nr_regions; i++) {
        const struct region *r = k->mm->regions[i];

        if (r->swap == NULL)
            continue;
        if (!adds_up(r))
            return arena_printf(k->arena, "region %s: its pages in swap do not add up", r->name);
        used += r->swap->nr;
    }
    if (used + k->mm->swap->free != k->mm->swap->nr_pages)
        return arena_printf(k->arena, "swap: %llu pages are used and %llu free of %llu",
                            (unsigned long long)used, (unsigned long long)k->mm->swap->free,
                            (unsigned long long)k->mm->swap->nr_pages);
    return NULL;
}

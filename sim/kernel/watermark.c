/*
 * Watermarks: how much of a node must stay free for whom (mm/page_alloc.c). Facts:
 * numa-balancing.md 2.4.
 *
 * A machine keeps the square root of sixteen times its memory (both in kB) free, shared out by the
 * size of nodes. Above this minimum lie three marks at equal distances: allocations that find less
 * than low wake kswapd, which reclaims up to high, and in tiering mode up to promo. Hinting faults
 * move pages to a node only while more than high is free.
 *
 * Model assumption: a node is one zone, all of it usable for every page.
 */
#include "kernel/mm.h"

enum { MIN_FREE_KB_LEAST = 128, MIN_FREE_KB_MOST = 262144, KB_PER_PAGE = 4 };
/* khugepaged keeps blocks free: two for each zone, and one for each pair of its three kinds. */
enum { BLOCK_PAGES = 512, BLOCKS_PER_ZONE = 2 + 3 * 3, THP_MOST_SHARE = 20 };

static uint64_t
isqrt(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = (uint64_t)1 << 31; bit > 0; bit >>= 1)
        if ((root | bit) * (root | bit) <= x)
            root |= bit;
    return root;
}

static uint64_t
min_free_pages(const struct kernel *k, uint64_t total, uint32_t nr_zones)
{
    const struct mm_params *mm = &k->params.mm;
    uint64_t kb = isqrt(16 * KB_PER_PAGE * total);

    kb = SIM_CLAMP(kb, (uint64_t)MIN_FREE_KB_LEAST, (uint64_t)MIN_FREE_KB_MOST);
    if (mm->min_free != 0)
        kb = mm->min_free / 1024;
    if (mm->thp_min_free) {
        uint64_t pages = (uint64_t)BLOCK_PAGES * nr_zones * BLOCKS_PER_ZONE;

        kb = SIM_MAX(kb, SIM_MIN(pages, total / THP_MOST_SHARE) * KB_PER_PAGE);
    }
    return kb / KB_PER_PAGE;
}

void
mm_setup_watermarks(struct kernel *k)
{
    uint32_t nr_nodes = k->machine->nr_nodes, nr_zones = 0;
    uint64_t total = 0;

    for (uint32_t i = 0; i < nr_nodes; i++) {
        total += k->mm->nodes[i].nr_pages;
        nr_zones += k->mm->nodes[i].nr_pages > 0;
    }
    uint64_t min_free = min_free_pages(k, total, nr_zones);
    for (uint32_t i = 0; i < nr_nodes; i++) {
        struct mm_node *n = &k->mm->nodes[i];

        if (n->nr_pages == 0)
            continue;
        n->min_watermark = mul_div_u64(min_free, n->nr_pages, total);
        uint64_t gap = mul_div_u64(n->nr_pages, k->params.mm.watermark_scale_factor, 10000);
        gap = SIM_MAX(gap, n->min_watermark / 4);
        n->low_watermark = n->min_watermark + gap;
        n->high_watermark = n->low_watermark + gap;
        n->promo_watermark = n->high_watermark + gap;
    }
}

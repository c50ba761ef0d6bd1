/* Calls of a program about its pages: see madvise.h. */
#include "kernel/madvise.h"

#include "kernel/charge.h"
#include "kernel/filemap.h"
#include "kernel/khugepaged.h"
#include "kernel/lru_batch.h"
#include "kernel/region.h"
#include "kernel/vmscan.h"

const char *const madvise_names[MADV_NR + 1] = {
    [MADV_HUGEPAGE] = "hugepage", [MADV_NOHUGEPAGE] = "nohugepage", [MADV_COLLAPSE] = "collapse",
    [MADV_DONTNEED] = "dontneed", [MADV_PAGEOUT] = "pageout",
};

struct thp_effort
thp_effort(const struct kernel *k, const struct vma *v)
{
    bool asked = v->advice == THP_HUGEPAGE;

    switch (k->params.mm.thp_defrag) {
    case THP_DEFRAG_ALWAYS:
        return (struct thp_effort){ .reclaims = true };
    case THP_DEFRAG_DEFER:
        return (struct thp_effort){ .wakes = true };
    case THP_DEFRAG_DEFER_MADVISE:
        return (struct thp_effort){ .reclaims = asked, .wakes = !asked };
    case THP_DEFRAG_MADVISE:
        return (struct thp_effort){ .reclaims = asked };
    default:
        return (struct thp_effort){ .wakes = false };
    }
}

static const char *
advise_huge(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
            enum madvise_advice advice)
{
    bool wants = advice == MADV_HUGEPAGE;

    if (region_is_file(r) || (wants && !r->thp))
        return "EINVAL";
    region_set_advice(k, r, first, n, wants ? THP_HUGEPAGE : THP_NOHUGEPAGE);
    if (wants)
        khugepaged_enter(k, mapping_vma(r->maps, first));
    return NULL;
}

/* Every chunk that lies inside; a failure does not stop the others (madvise_collapse). */
static const char *
collapse(struct kernel *k, struct task *p, struct region *r, uint64_t first, uint64_t n)
{
    uint64_t end = (first + n) & ~(uint64_t)(CHUNK_PAGES - 1);
    bool failed = false;
    sim_time cost = k->params.cost.lru_drain;

    if (!r->thp)
        return "EINVAL";
    lru_add_drain_all(k);
    for (uint64_t at = div_round_up_u64(first, CHUNK_PAGES) * CHUNK_PAGES; at < end;
         at += CHUNK_PAGES) {
        struct vma *v = mapping_vma(r->maps, at);

        failed |= collapse_chunk(k, v, at, false, &cost) != NULL && r->ops->nr_huge(r, at, 1) == 0;
    }
    charge(k, p->cpu, cost, CHARGE_TASK);
    return failed ? "EAGAIN" : NULL;
}

/* A huge page at the border of a range that goes. */
static void
split_at(struct kernel *k, struct region *r, uint64_t page)
{
    if (page % CHUNK_PAGES == 0 || page >= r->nr_pages || !r->ops->split_huge(k, r, page))
        return;
    k->stats.thp_split_page++;
    k->stats.thp_deferred_split_page++;
}

static const char *
zap(struct kernel *k, struct region *r, uint64_t first, uint64_t n)
{
    if (r->maps->vmas[0]->kind != VMA_ANON)
        return NULL;
    split_at(k, r, first);
    split_at(k, r, first + n);
    swap_forget_some(k, r, first, n);
    if (r->ops->release(k, r, first, n) > 0)
        mm_region_changed(k, r);
    return NULL;
}

const char *
madvise_pages(struct kernel *k, struct task *p, struct region *r, uint64_t first, uint64_t n,
              enum madvise_advice advice)
{
    switch (advice) {
    case MADV_COLLAPSE:
        return collapse(k, p, r, first, n);
    case MADV_DONTNEED:
        return zap(k, r, first, n);
    case MADV_PAGEOUT:
        reclaim_range(k, p, r, first, n);
        return NULL;
    default:
        return advise_huge(k, r, first, n, advice);
    }
}

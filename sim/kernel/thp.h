/*
 * Transparent huge pages: which memory may have them, and what that may cost
 * (mm/huge_memory.c).
 *
 * A region may have huge pages at all if it says so (page_size: 2MiB). Whether a VMA of it gets
 * them is the machine's to say (mm.thp, transparent_hugepage/enabled) and madvise()'s: `always`
 * gives them to all but those that were told not to, `madvise` to those that asked, `never` to
 * nobody. The first touch of an empty chunk of 2 MiB that lies inside one VMA then asks for a huge
 * page of the node that its policy names.
 *
 * Model assumptions: memory does not fragment, so that 512 free pages are a huge one; without a
 * huge page left there is nothing that compaction could do, and `defrag` is about reclaim alone.
 * Shared memory follows the same switch (shmem_enabled is not modelled). Whatever divides the entry
 * of a huge page (a VMA that ends inside, an unmapped part) divides the page at once, where Linux
 * may put that off until memory is short.
 */
#pragma once

#include "kernel/pages.h"
#include "kernel/swap.h"

/* May the VMA have huge pages now (__thp_vma_allowable_orders)? */
static inline bool
thp_allowed(const struct kernel *k, const struct vma *v)
{
    if (k->params.mm.thp == THP_ALWAYS)
        return v->advice != THP_NOHUGEPAGE;
    return k->params.mm.thp == THP_MADVISE && v->advice == THP_HUGEPAGE;
}
/* Is the chunk of this page to become a huge page when it is touched? Not if some of it is in swap.
 */
static inline bool
thp_wanted(const struct kernel *k, const struct vma *v, uint64_t page)
{
    const struct region *r = v->map->region;

    return r->thp && thp_allowed(k, v) && r->ops->can_be_huge(v, page) &&
           (likely(r->swap == NULL) ||
            swap_pages_in(r, page & ~(uint64_t)(CHUNK_PAGES - 1), CHUNK_PAGES) == 0);
}

/* What an allocation of a huge page may do for it (vma_thp_gfp_mask). */
struct thp_effort {
    bool reclaims; /* frees memory itself, on all nodes of its walk in the end */
    bool wakes;    /* kswapd */
};
struct thp_effort thp_effort(const struct kernel *k, const struct vma *v);

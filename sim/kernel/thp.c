/* Calls of a program about its pages, and what an allocation of a huge page may cost: see thp.h. */
#include "kernel/thp.h"

#include "kernel/region.h"

const char *const madvise_names[MADV_NR + 1] = {
    [MADV_HUGEPAGE] = "hugepage",
    [MADV_NOHUGEPAGE] = "nohugepage",
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

const char *
madvise_pages(struct kernel *k, struct task *p, struct region *r, uint64_t first, uint64_t n,
              enum thp_call advice)
{
    (void)p;
    if (r->maps->vmas[0]->kind == VMA_FILE)
        return "EINVAL";
    region_set_advice(k, r, first, n, advice == MADV_HUGEPAGE ? THP_HUGEPAGE : THP_NOHUGEPAGE);
    return NULL;
}

/*
 * Pages outside a burst: initial placement, munmap, single moves, and the check that nothing was
 * lost or counted twice.
 */
#include "kernel/lru_batch.h"
#include "kernel/page_alloc.h"
#include "kernel/region.h"
#include "kernel/swap.h"
#include "kernel/thp.h"

/* A run of unpopulated pages, as far as one allocation goes. How many; 0: memory is full. */
static uint64_t
populate_some(struct kernel *k, struct region *r, uint64_t page, uint64_t n,
              const struct mempolicy *policy, int node)
{
    const struct vma *v = mapping_vma(r->maps, page);
    uint64_t first = page & ~(uint64_t)(CHUNK_PAGES - 1);
    int got;

    if (n >= CHUNK_PAGES && page == first && thp_wanted(k, v, page) &&
        alloc_pages(k, NULL, policy, node, page >> CHUNK_SHIFT, true, 1, &got) > 0) {
        r->ops->claim(k, r, first, CHUNK_PAGES, got, true);
        lru_add_initial(k, got, r, first, CHUNK_PAGES, true);
        return CHUNK_PAGES;
    }
    if (r->thp)
        n = SIM_MIN(n, first + CHUNK_PAGES - page);
    n = alloc_pages(k, NULL, policy, node, page, false, n, &got);
    if (n == 0)
        return 0;
    r->ops->claim(k, r, page, n, got, false);
    lru_add_initial(k, got, r, page, n, false);
    return n;
}

/* Interleaved pages of one block, which cannot be told apart: those of each node together. How many
 * there are now; 0: memory is full. */
static uint64_t
interleave_block(struct kernel *k, struct region *r, uint64_t page, uint64_t n,
                 const struct mempolicy *policy, int node)
{
    uint64_t nr_nodes = (uint64_t)__builtin_popcountll(policy->nodes), done = 0;

    for (uint64_t j = 0; j < SIM_MIN(nr_nodes, n); j++) {
        struct page_walk w = page_walk_for(k, NULL, policy, node, page + j, 1);

        w.indexed = false;
        for (uint64_t left = (n - j - 1) / nr_nodes + 1, some; left > 0; left -= some) {
            int got = page_walk_find(k, &w);

            if (got < 0)
                return 0;
            some = page_walk_take(k, &w, got, left);
            r->ops->claim(k, r, page + done, some, got, false);
            lru_add_initial(k, got, r, page + done, some, false);
            done += some;
        }
    }
    return done;
}

void
region_populate(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                const struct mempolicy *policy, int node)
{
    struct page_stretch st = { .at = first, .end = first + n };
    uint64_t page, run, taken = 1;
    bool by_block = r->ops->lot != NULL && policy->mode == MPOL_INTERLEAVE && policy->nodes != 0;

    sim_assert(st.end <= r->nr_pages);
    while (taken > 0 && (run = r->ops->absent_run(r->maps, &st, &page)) > 0)
        for (; run > 0 && taken > 0; page += taken, run -= taken)
            taken = by_block ? interleave_block(k, r, page, run, policy, node)
                             : populate_some(k, r, page, run, policy, node);
    mm_region_changed(k, r);
}

static void
group_clear(struct region_group *g, uint32_t nr_nodes)
{
    memset(g->count, 0, nr_nodes * sizeof(*g->count));
    g->unpopulated = g->nr_pages;
    g->marked = 0;
}

static void
mapping_clear(struct mapping *m)
{
    const struct region *r = m->region;

    if (m->mm != NULL)
        m->mm->rss_pages -= region_group_populated(region_whole(r));
    if (m->own != NULL)
        memset(m->own->marked, 0, r->nr_groups * sizeof(*m->own->marked));
}

void
region_unmap(struct kernel *k, struct region *r)
{
    const struct region_group *whole = region_whole(r);

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        k->mm->nodes[n].free_pages += whole->count[n];
    for (struct mapping *m = r->maps; m != NULL; m = m->next)
        mapping_clear(m);
    r->ops->clear(k, r);
    swap_forget(k, r);
    for (uint32_t i = 0; i < r->nr_groups; i++)
        group_clear(&r->groups[i], k->machine->nr_nodes);
    mm_region_changed(k, r);
}

bool
region_move_page(struct kernel *k, struct region *r, uint64_t page, int to)
{
    const struct mm_node *target = &k->mm->nodes[to];
    int node;

    r->ops->look(r->maps, page, &node);
    if (node < 0 || node == to)
        return node == to;
    if (target->free_pages <= target->high_watermark + 1)
        return false;
    uint64_t n =
        r->ops->move(k, r, page, 1, node, to, target->free_pages - target->high_watermark - 1);
    region_changed(k, r, region_slice_of(r, page), n);
    return n > 0;
}

/* ---- the check ---- */

/* Sums are checked at every event; to count all pages each time would take longer than the run. */
enum { PAGES_CHECKED_EVERY = 256 };

/* `pages`: page by page; else what the slices say of themselves is believed. */
static const char *
region_check(struct kernel *k, const struct region *r, bool pages, uint64_t *used)
{
    const struct region_group *whole = region_whole(r);
    struct page_tally t = { .unpopulated = 0 };
    uint64_t marked = 0;
    const char *why = pages ? r->ops->check(k, r) : NULL;

    if (why != NULL)
        return why;
    for (uint32_t s = 0; s < r->nr_slices; s++) {
        const struct region_group *g = &r->groups[s];

        for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
            t.count[n] += g->count[n];
        t.unpopulated += g->unpopulated;
        marked += g->marked;
    }
    if (!tally_agrees(&t, whole, k->machine->nr_nodes) || marked != whole->marked)
        return arena_printf(k->arena, "region %s: slices and whole differ", r->name);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        used[n] += t.count[n];
    return NULL;
}

const char *
mm_check(struct kernel *k)
{
    uint64_t used[NODE_MAX] = { 0 };
    bool pages = k->mm->nr_checks++ % PAGES_CHECKED_EVERY == 0;

    for (uint32_t i = 0; i < k->mm->nr_regions; i++) {
        const char *why = region_check(k, k->mm->regions[i], pages, used);

        if (why != NULL)
            return why;
    }
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++) {
        const struct mm_node *node = &k->mm->nodes[n];

        if (node->free_pages > node->nr_pages || used[n] + node->free_pages != node->nr_pages)
            return arena_printf(k->arena, "node %u: %llu pages used and %llu free of %llu", n,
                                (unsigned long long)used[n], (unsigned long long)node->free_pages,
                                (unsigned long long)node->nr_pages);
    }
    if (pages) {
        const char *why = swap_check(k);

        if (why != NULL)
            return why;
    }
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const char *why = vma_check(k, k->processes[i]->mm);

        if (why != NULL)
            return why;
    }
    return NULL;
}

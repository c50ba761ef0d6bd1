/*
 * Pages outside a burst: initial placement, munmap, single moves, and the check that nothing was
 * lost or counted twice.
 */
#include "kernel/region.h"

void
region_populate(struct kernel *k, struct region *r, uint64_t first, uint64_t n,
                const struct mempolicy *policy, int node)
{
    uint64_t end = first + n;

    sim_assert(end <= r->nr_pages);
    for (uint64_t page = first, stop; page < end; page = stop) {
        stop = region_slice_end(r, page, end);
        while (page < stop && page_populated(r->pages[page]))
            page++;
        uint64_t run = page;
        while (run < stop && !page_populated(r->pages[run]))
            run++;
        stop = SIM_MAX(run, page);
        while (page < run) {
            int got;
            uint64_t taken = page_alloc(k, policy, node, page, r->scale, run - page, &got);

            if (taken == 0)
                return;
            region_claim(r, region_slice_of(r, page), page, taken, got);
            page += taken;
        }
    }
    mm_region_changed(k, r);
}

static void
group_clear(struct region_group *g, uint32_t nr_nodes)
{
    memset(g->count, 0, nr_nodes * sizeof(*g->count));
    g->unpopulated = g->nr_pages;
    g->marked = 0;
}

static size_t
attention_bytes(const struct region *r)
{
    return (((r->nr_pages - 1) >> r->chunk_shift) / 64 + 1) * sizeof(*r->attention);
}

static void
mapping_clear(struct mapping *m)
{
    const struct region *r = m->region;

    if (m->mm != NULL)
        m->mm->rss_pages -= region_group_populated(region_whole(r)) * r->scale;
    if (m->own == NULL)
        return;
    memset(m->own->bits, 0, div_round_up_u64(r->nr_pages, 64) * sizeof(*m->own->bits));
    memset(m->own->marked, 0, r->nr_groups * sizeof(*m->own->marked));
    memset(m->own->attention, 0xff, attention_bytes(r));
}

void
region_unmap(struct kernel *k, struct region *r)
{
    const struct region_group *whole = region_whole(r);

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        k->mm->nodes[n].free_pages += whole->count[n] * r->scale;
    for (struct mapping *m = r->maps; m != NULL; m = m->next)
        mapping_clear(m);
    for (uint64_t i = 0; i < r->nr_pages; i++)
        r->pages[i] = PAGE_NOWHERE;
    memset(r->attention, 0xff, attention_bytes(r));
    for (uint32_t i = 0; i < r->nr_groups; i++)
        group_clear(&r->groups[i], k->machine->nr_nodes);
    mm_region_changed(k, r);
}

bool
region_move_page(struct kernel *k, struct region *r, uint64_t page, int to)
{
    uint32_t slice = region_slice_of(r, page);

    if (!page_populated(r->pages[page]))
        return false;
    if (page_node(r->pages[page]) == to)
        return true;
    if (!region_move(k, r, slice, page, to))
        return false;
    region_changed(k, r, slice, 1);
    return true;
}

/* ---- the check ---- */

/* Sums are checked at every event; to count all pages each time would take longer than the run. */
enum { PAGES_CHECKED_EVERY = 256 };

struct tally {
    uint64_t count[NODE_MAX], unpopulated, marked;
};

static bool
tally_agrees(const struct tally *t, const struct region_group *g, uint32_t nr_nodes)
{
    for (uint32_t n = 0; n < nr_nodes; n++)
        if (t->count[n] != g->count[n])
            return false;
    return t->unpopulated == g->unpopulated && t->marked == g->marked;
}

static void
tally_add(struct tally *to, const struct tally *t, uint32_t nr_nodes)
{
    for (uint32_t n = 0; n < nr_nodes; n++)
        to->count[n] += t->count[n];
    to->unpopulated += t->unpopulated;
    to->marked += t->marked;
}

static bool
chunk_is_known(const struct region *r, uint64_t page)
{
    uint64_t chunk = page >> r->chunk_shift;

    return r->attention[chunk / 64] >> (chunk % 64) & 1;
}

static const char *
slice_check(struct kernel *k, const struct region *r, uint32_t slice, struct tally *whole)
{
    uint64_t first = region_slice_first(r, slice), n = region_slice_pages(r, slice);
    struct tally t = { .unpopulated = 0 };

    for (uint64_t i = first; i < first + n; i++) {
        if (page_needs_attention(r->pages[i]) && !chunk_is_known(r, i))
            return arena_printf(k->arena, "region %s: page %llu is not in the map of attention",
                                r->name, (unsigned long long)i);
        t.marked += (r->pages[i] & PAGE_MARKED) != 0;
        if (page_populated(r->pages[i]))
            t.count[page_node(r->pages[i])]++;
        else
            t.unpopulated++;
    }
    if (!tally_agrees(&t, &r->groups[slice], k->machine->nr_nodes))
        return arena_printf(k->arena, "region %s: the counts of slice %u are wrong", r->name,
                            slice);
    tally_add(whole, &t, k->machine->nr_nodes);
    return NULL;
}

/* Of a further mapping: only populated pages are marked, and each where attention is looked for. */
static bool
marks_agree(const struct mapping *m)
{
    const struct region *r = m->region;
    uint64_t all = 0;

    for (uint32_t s = 0; s < r->nr_slices; s++) {
        uint64_t first = region_slice_first(r, s), n = 0;

        for (uint64_t i = first; i < first + region_slice_pages(r, s); i++) {
            uint64_t chunk = i >> r->chunk_shift;
            bool marked = mapping_page_marked(m, i);

            if ((marked && !page_populated(r->pages[i])) ||
                (mapping_needs_attention(m, i) &&
                 !(m->own->attention[chunk / 64] >> (chunk % 64) & 1)))
                return false;
            n += marked;
        }
        if (n != *mapping_marked(m, s))
            return false;
        all += n;
    }
    return all == *mapping_marked(m, r->nr_groups - 1);
}

/* `pages`: page by page; else what the slices say of themselves is believed. */
static const char *
region_check(struct kernel *k, const struct region *r, bool pages, uint64_t *used)
{
    struct tally whole = { .unpopulated = 0 };

    for (uint32_t s = 0; s < r->nr_slices; s++) {
        const struct region_group *g = &r->groups[s];
        const char *why = pages ? slice_check(k, r, s, &whole) : NULL;

        if (why != NULL)
            return why;
        if (pages)
            continue;
        for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
            whole.count[n] += g->count[n];
        whole.unpopulated += g->unpopulated;
        whole.marked += g->marked;
    }
    for (const struct mapping *m = pages ? r->maps->next : NULL; m != NULL; m = m->next)
        if (!marks_agree(m))
            return arena_printf(k->arena, "region %s: the marks of a further process are wrong",
                                r->name);
    if (!tally_agrees(&whole, region_whole(r), k->machine->nr_nodes))
        return arena_printf(k->arena, "region %s: slices and whole differ", r->name);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        used[n] += whole.count[n] * r->scale;
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
    for (uint32_t i = 0; i < k->nr_processes; i++) {
        const char *why = vma_check(k, k->processes[i]->mm);

        if (why != NULL)
            return why;
    }
    return NULL;
}

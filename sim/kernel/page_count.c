/*
 * Counts of a region's slices and of its whole: what bursts are priced by.
 *
 * Slices may cut a huge page; each has then its part of it.
 */
#include "kernel/pages.h"

uint64_t
region_slice_end(const struct region *r, uint64_t page, uint64_t end)
{
    if (r->nr_slices == 1)
        return end;
    return SIM_MIN(end, region_slice_first(r, region_slice_of(r, page) + 1));
}

static void
group_claim(struct region_group *g, uint64_t n, int node)
{
    g->count[node] += n;
    g->unpopulated -= n;
}

void
count_claim(struct region *r, uint64_t first, uint64_t n, int node)
{
    for (struct mapping *m = r->maps; m != NULL && m->mm != NULL; m = m->next)
        m->mm->rss_pages += n;
    group_claim(region_whole(r), n, node);
    for (uint64_t page = first, stop; r->nr_groups > 1 && page < first + n; page = stop) {
        stop = region_slice_end(r, page, first + n);
        group_claim(&r->groups[region_slice_of(r, page)], stop - page, node);
    }
}

static void
group_release(struct region_group *g, uint64_t n, int node)
{
    g->count[node] -= n;
    g->unpopulated += n;
    g->released += n;
}

void
count_release(struct kernel *k, struct region *r, uint64_t first, uint64_t n, int node)
{
    k->mm->nodes[node].free_pages += n;
    for (struct mapping *m = r->maps; m != NULL && m->mm != NULL; m = m->next)
        m->mm->rss_pages -= n;
    group_release(region_whole(r), n, node);
    for (uint64_t page = first, stop; r->nr_groups > 1 && page < first + n; page = stop) {
        stop = region_slice_end(r, page, first + n);
        group_release(&r->groups[region_slice_of(r, page)], stop - page, node);
    }
}

void
count_move_slices(struct region *r, uint64_t first, uint64_t n, int from, int to)
{
    for (uint64_t page = first, stop; page < first + n; page = stop) {
        stop = region_slice_end(r, page, first + n);
        group_move(&r->groups[region_slice_of(r, page)], stop - page, from, to);
    }
}

void
count_marks_slices(struct mapping *m, uint64_t first, uint64_t span, int64_t n)
{
    struct region *r = m->region;

    for (uint64_t page = first, stop; page < first + span; page = stop) {
        stop = region_slice_end(r, page, first + span);
        int64_t part = stop - page == span ? n
                       : n < 0             ? -(int64_t)(stop - page)
                       : n > 0             ? (int64_t)(stop - page)
                                           : 0;
        *mapping_marked(m, region_slice_of(r, page)) += (uint64_t)part;
    }
}

bool
tally_agrees(const struct page_tally *t, const struct region_group *g, uint32_t nr_nodes)
{
    for (uint32_t n = 0; n < nr_nodes; n++)
        if (t->count[n] != g->count[n])
            return false;
    return t->unpopulated == g->unpopulated;
}

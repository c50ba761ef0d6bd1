/*
 * Regions: the pages of a mapping, and what is known about them without looking at each.
 *
 * Every slice, and the whole, has a group: entries by node, how many are unpopulated or marked.
 * What a burst needs of a region is looked up there. Where the next page is that needs attention is
 * found by a bitmap of chunks: a set bit means "perhaps", and a search that finds a whole chunk in
 * order clears it. Bits are only set when pages are marked or given back, so a region that is
 * populated and unmarked costs nothing.
 *
 * Whoever runs on a region must be told when its pages move. Telling everybody at every page would
 * cost as much as the faults themselves: a group's users are told when 1/256 of its pages have
 * changed since the last time, and when the last page is in order. The lists of users are lazy: a
 * burst enters when its horizon is taken and is thrown out when it is found not to run.
 */
#include "kernel/region.h"

#include "kernel/burst.h"

enum { TELL_SHARE = 256 };

static void
region_register(struct kernel *k, struct region *r)
{
    struct mm_state *s = k->mm;

    if (s->nr_regions == s->cap_regions) {
        uint32_t cap = s->cap_regions ? 2 * s->cap_regions : 16;

        s->regions = arena_grow(k->arena, s->regions, s->cap_regions * sizeof(r), cap * sizeof(r));
        s->cap_regions = cap;
    }
    r->id = s->nr_regions;
    s->regions[s->nr_regions++] = r;
    *r->mm->last_region = r;
    r->mm->last_region = &r->next;
}

static void
region_make_groups(struct kernel *k, struct region *r)
{
    uint32_t nr_nodes = k->machine->nr_nodes;

    r->nr_groups = r->nr_slices > 1 ? r->nr_slices + 1 : 1;
    r->groups = arena_new_array(k->arena, struct region_group, r->nr_groups);
    uint64_t *counts = arena_new_array(k->arena, uint64_t, (size_t)r->nr_groups * nr_nodes);
    for (uint32_t i = 0; i < r->nr_groups; i++) {
        struct region_group *g = &r->groups[i];

        g->count = counts + (size_t)i * nr_nodes;
        g->nr_pages = region_slice_pages(r, i < r->nr_slices ? i : REGION_WHOLE);
        g->unpopulated = g->nr_pages;
        g->version = 1;
        list_init(&g->users);
    }
    region_whole(r)->nr_pages = region_whole(r)->unpopulated = r->nr_pages;
}

static uint32_t
chunk_shift(const struct kernel *k, uint32_t page_size)
{
    uint64_t entries = k->params.mm.touch_chunk / page_size;

    return entries > 1 ? 63 - (uint32_t)__builtin_clzll(entries) : 0;
}

struct region *
region_new(struct kernel *k, struct mm *mm, const struct region_attr *attr)
{
    struct region *r = arena_new_object(k->arena, struct region);

    r->mm = mm;
    r->name = arena_strdup(k->arena, attr->name);
    r->sharing = attr->sharing;
    r->owner = attr->owner;
    r->page_size = attr->page_size ? attr->page_size : PAGE_4K;
    r->scale = r->page_size / PAGE_4K;
    r->nr_pages = SIM_MAX(div_round_up_u64(attr->bytes, r->page_size), 1u);
    r->nr_slices = SIM_MAX(attr->nr_slices, 1u);
    r->pages = arena_new_array(k->arena, uint32_t, r->nr_pages);
    for (uint64_t i = 0; i < r->nr_pages; i++)
        r->pages[i] = PAGE_NOWHERE;
    r->chunk_shift = chunk_shift(k, r->page_size);
    uint64_t words = ((r->nr_pages - 1) >> r->chunk_shift) / 64 + 1;
    r->attention = arena_new_array(k->arena, uint64_t, words);
    memset(r->attention, 0xff, words * sizeof(*r->attention));
    region_make_groups(k, r);
    region_register(k, r);
    mapping_first(k, r, attr);
    if (r->sharing != REGION_GLOBAL)
        region_map(k, r, mm);
    return r;
}

static uint64_t *
attention_of(const struct mapping *m)
{
    return m->own != NULL ? m->own->attention : m->region->attention;
}

uint64_t
region_next_attention(const struct mapping *m, uint64_t from, uint64_t to)
{
    const struct region *r = m->region;
    uint64_t chunk = from >> r->chunk_shift, *attention = attention_of(m);

    while (chunk << r->chunk_shift < to) {
        uint64_t word = attention[chunk / 64] >> (chunk % 64);

        if (word == 0) {
            chunk = (chunk | 63) + 1;
            continue;
        }
        chunk += (uint64_t)__builtin_ctzll(word);
        uint64_t begin = chunk << r->chunk_shift;
        uint64_t end = SIM_MIN((chunk + 1) << r->chunk_shift, r->nr_pages);
        uint64_t stop = SIM_MIN(end, to);
        for (uint64_t page = SIM_MAX(begin, from); page < stop; page++)
            if (mapping_needs_attention(m, page))
                return page;
        if (from <= begin && end <= to)
            attention[chunk / 64] &= ~((uint64_t)1 << (chunk % 64));
        chunk++;
    }
    return to;
}

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
region_claim(struct region *r, uint32_t slice, uint64_t first, uint64_t n, int node)
{
    for (uint64_t i = first; i < first + n; i++)
        r->pages[i] = (uint32_t)node;
    group_claim(&r->groups[slice], n, node);
    if (r->nr_groups > 1)
        group_claim(region_whole(r), n, node);
    for (struct mapping *m = r->maps; m != NULL && m->mm != NULL; m = m->next)
        m->mm->rss_pages += n * r->scale;
}

/* Pages of one slice. The loop has no branches, so that it is a few instructions a page. */
static uint64_t
mark_run(struct region *r, uint64_t first, uint64_t end, uint32_t skip_node)
{
    uint64_t n = 0;

    for (uint64_t i = first; i < end; i++) {
        uint32_t w = r->pages[i], node = w & PAGE_NODE_MASK;
        uint32_t mark = (uint32_t)(node != PAGE_NOWHERE) & (uint32_t)(node != skip_node) &
                        (uint32_t) !(w & PAGE_MARKED);

        r->pages[i] = w | (mark * PAGE_MARKED);
        n += mark;
    }
    return n;
}

/* The same in the bits of a further mapping. */
static uint64_t
mark_own(const struct mapping *m, uint64_t first, uint64_t end, uint32_t skip_node)
{
    uint64_t n = 0;

    for (uint64_t i = first; i < end; i++) {
        uint32_t node = m->region->pages[i] & PAGE_NODE_MASK;
        uint64_t bit = (uint64_t)1 << (i % 64), *word = &m->own->bits[i / 64];

        if (node == PAGE_NOWHERE || node == skip_node || (*word & bit))
            continue;
        *word |= bit;
        n++;
    }
    return n;
}

uint64_t
region_mark(struct mapping *m, uint64_t first, uint64_t end, int skip_node)
{
    struct region *r = m->region;
    uint64_t marked = 0, *attention = attention_of(m);

    for (uint64_t page = first, stop; page < end; page = stop) {
        stop = region_slice_end(r, page, end);
        uint64_t n = m->own != NULL ? mark_own(m, page, stop, (uint32_t)skip_node)
                                    : mark_run(r, page, stop, (uint32_t)skip_node);
        *mapping_marked(m, region_slice_of(r, page)) += n;
        if (r->nr_groups > 1)
            *mapping_marked(m, r->nr_groups - 1) += n;
        marked += n;
    }
    if (marked > 0)
        for (uint64_t chunk = first >> r->chunk_shift; chunk <= (end - 1) >> r->chunk_shift;
             chunk++)
            attention[chunk / 64] |= (uint64_t)1 << (chunk % 64);
    return marked;
}

void
region_moved_unmark(struct region *r, uint32_t slice, uint64_t page, const struct mapping *by)
{
    for (struct mapping *m = r->maps; m != NULL; m = m->next) {
        if (m == by || !mapping_page_marked(m, page))
            continue;
        mapping_unmark(m, page);
        mapping_unmarked(m, slice, 1);
    }
}

/* Calls `fn` for whoever runs on the group now (in `mm`; NULL: in any), and forgets those who do
 * not. */
static void
for_each_running(struct kernel *k, struct region_group *g, const struct mm *mm,
                 void (*fn)(struct kernel *k, struct task *p))
{
    list_for_each_safe (node, &g->users) {
        struct task *p = list_entry(node, struct mem_use, user)->task;

        if (k->rqs[p->cpu].curr != p || !p->in_burst || p->profile != p->mem->profile)
            list_remove(node);
        else if (mm == NULL || p->mm == mm)
            fn(k, p);
    }
}

static void
tell_pages_changed(struct kernel *k, struct task *p)
{
    k->memory->pages_changed(k, p->cpu);
    rates_dirty(k);
}

static void
tell_closer(struct kernel *k, struct task *p)
{
    struct rq *rq = &k->rqs[p->cpu];

    burst_settle(k, rq);
    burst_reprice(k, rq);
}

static void
group_changed(struct kernel *k, struct region_group *g, uint64_t n)
{
    g->version++;
    g->changed += n;
    bool settled = g->unpopulated == 0 && g->marked == 0;
    if (g->changed * TELL_SHARE < region_group_populated(g) && !(settled && g->changed > 0))
        return;
    g->changed = 0;
    for_each_running(k, g, NULL, tell_pages_changed);
}

void
region_changed(struct kernel *k, struct region *r, uint32_t slice, uint64_t n)
{
    group_changed(k, &r->groups[slice], n);
    if (r->nr_groups > 1)
        group_changed(k, region_whole(r), n);
}

static void
settle_user(struct kernel *k, struct task *p)
{
    burst_settle(k, &k->rqs[p->cpu]);
}

static void
group_needs_fell(struct kernel *k, const struct mapping *m, uint32_t group, uint64_t n)
{
    struct region_group *g = &m->region->groups[group];

    g->fell += n;
    if (g->fell * NEEDS_TELL_SHARE <= mapping_needs(m, group))
        return;
    g->fell = 0;
    for_each_running(k, g, NULL, settle_user);
}

void
region_needs_fell(struct kernel *k, const struct mapping *m, uint32_t slice, uint64_t n)
{
    group_needs_fell(k, m, slice, n);
    if (m->region->nr_groups > 1)
        group_needs_fell(k, m, m->region->nr_groups - 1, n);
}

void
region_closer(struct kernel *k, const struct mapping *m)
{
    for (uint32_t i = 0; i < m->region->nr_groups; i++)
        for_each_running(k, &m->region->groups[i], m->mm, tell_closer);
}

void
mm_region_changed(struct kernel *k, struct region *r)
{
    for (uint32_t i = 0; i < r->nr_groups; i++) {
        struct region_group *g = &r->groups[i];

        g->version++;
        g->changed = 0;
        for_each_running(k, g, NULL, tell_pages_changed);
        for_each_running(k, g, NULL, tell_closer);
    }
}

/*
 * Regions: the pages of a mapping, and what is known about them without looking at each.
 *
 * Every slice, and the whole, has a group: pages by node, how many are unpopulated or marked. What
 * a burst needs of a region is looked up there; the pages themselves are in page_*.c.
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

/* Exact pages as far as they fit, in order of creation; the user is told when they do not. */
static void
choose_ops(struct kernel *k, struct region *r)
{
    struct mm_state *s = k->mm;
    uint64_t bytes = page_exact.bytes(k, r->nr_pages, r->thp);

    r->ops = &page_exact;
    if (r->thp ||
        bytes <= k->params.mm.exact_limit - SIM_MIN(s->exact_bytes, k->params.mm.exact_limit)) {
        s->exact_bytes += bytes;
        return;
    }
    r->ops = &page_block;
    if (s->nr_block_regions++ == 0)
        kernel_note(k,
                    "pages are kept in blocks of 2 MiB from region %s on: to know each would take "
                    "%llu MiB more (mm.exact_limit)",
                    r->name, (unsigned long long)((bytes + MIB(1) - 1) >> 20));
}

/* If nobody will ever get huge pages for it, it need not be ready for them. */
static bool
may_be_huge(const struct kernel *k, const struct region_attr *attr)
{
    if (k->params.mm.thp == THP_MADVISE)
        return attr->advice == THP_HUGEPAGE || attr->may_get_huge;
    return k->params.mm.thp == THP_ALWAYS;
}

struct region *
region_new(struct kernel *k, struct mm *mm, const struct region_attr *attr)
{
    struct region *r = arena_new_object(k->arena, struct region);
    uint64_t stretch = SIM_MAX(k->params.mm.touch_chunk / PAGE_4K, (uint64_t)1);

    r->mm = mm;
    r->name = arena_strdup(k->arena, attr->name);
    r->sharing = attr->sharing;
    r->owner = attr->owner;
    r->thp = attr->page_size == PAGE_2M && may_be_huge(k, attr);
    r->unmapped = attr->unmapped;
    r->nr_pages = SIM_MAX(div_round_up_u64(attr->bytes, PAGE_4K), 1u);
    r->nr_slices = SIM_MAX(attr->nr_slices, 1u);
    r->chunk_shift = 63 - (uint32_t)__builtin_clzll(stretch);
    choose_ops(k, r);
    r->ops->init(k, r);
    region_make_groups(k, r);
    region_register(k, r);
    mapping_first(k, r, attr);
    if (r->sharing != REGION_GLOBAL && !r->unmapped)
        region_map(k, r, mm);
    return r;
}

void
region_each_running(struct kernel *k, struct region_group *g, const struct mm *mm,
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

static __attribute__((noinline)) void
group_tell(struct kernel *k, struct region_group *g)
{
    g->changed = 0;
    region_each_running(k, g, NULL, tell_pages_changed);
}

static inline void
group_changed(struct kernel *k, struct region_group *g, uint64_t n)
{
    g->version += n > 0;
    g->changed += n;
    bool settled = g->unpopulated == 0 && g->marked == 0;
    if (g->changed * TELL_SHARE >= region_group_populated(g) || (settled && g->changed > 0))
        group_tell(k, g);
}

static __attribute__((noinline)) void
slice_changed(struct kernel *k, struct region *r, uint32_t slice, uint64_t n)
{
    group_changed(k, &r->groups[slice], n);
    group_changed(k, region_whole(r), n);
}

void
region_changed(struct kernel *k, struct region *r, uint32_t slice, uint64_t n)
{
    if (likely(r->nr_groups == 1))
        group_changed(k, &r->groups[0], n);
    else
        slice_changed(k, r, slice, n);
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
    region_each_running(k, g, NULL, settle_user);
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
        region_each_running(k, &m->region->groups[i], m->mm, tell_closer);
}

void
mm_region_changed(struct kernel *k, struct region *r)
{
    for (uint32_t i = 0; i < r->nr_groups; i++) {
        struct region_group *g = &r->groups[i];

        g->version++;
        g->changed = 0;
        region_each_running(k, g, NULL, tell_pages_changed);
        region_each_running(k, g, NULL, tell_closer);
    }
}

void
region_all_closer(struct kernel *k, struct region *r)
{
    for (const struct mapping *m = r->maps; m != NULL; m = m->next)
        region_closer(k, m);
}

/*
 * A burst stops at pages that need attention: they are not there yet, or a NUMA scan marked them.
 *
 * The rest of the chunk is dealt with at once: its pages are claimed and cleared, its marked pages
 * fault one by one, and the task pays for all of it before it goes on. A chunk is small against a
 * slice of time, so threads that walk through one region race for its pages as on a real machine,
 * and large enough that a fault costs a simulator nanoseconds.
 */
#include "kernel/ext.h"
#include "kernel/filemap.h"
#include "kernel/khugepaged.h"
#include "kernel/lru_batch.h"
#include "kernel/mempolicy.h"
#include "kernel/migration_wait.h"
#include "kernel/mm_draw.h"
#include "kernel/numa_fault.h"
#include "kernel/page_alloc.h"
#include "kernel/page_set.h"
#include "kernel/region.h"
#include "kernel/swap.h"
#include "kernel/thp.h"

struct touched {
    uint64_t huge, small; /* faults that gave a page of 2 MiB, of 4 KiB */
    uint64_t swapped;     /* of the small pages, those that come from swap */
};

static sim_time
touch_cost(const struct kernel *k, const struct touched *t)
{
    const struct cost_params *c = &k->params.cost;

    return (t->huge + t->small) * c->minor_fault +
           mul_div_u64(t->huge * PAGE_2M + t->small * PAGE_4K, 1000000000u, c->zero_bandwidth);
}

static const char *
alloc_rule(const struct page_walk *w, int node)
{
    return node == w->start || w->allowed != w->mems ? mempolicy_names[w->mode]
                                                     : "zonelist_fallback";
}

static void
probe_nodes(struct kernel *k, const struct page_walk *w, const struct region *r, uint64_t page,
            uint64_t want)
{
    probe_input(k, "mode", w->mode);
    probe_input(k, "start_node", w->start);
    probe_input(k, "allowed", (int64_t)w->allowed);
    probe_input(k, "region", r->id);
    probe_input(k, "page", (int64_t)page);
    probe_input(k, "pages", (int64_t)want);
    probe_input(k, "scale", w->scale);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++) {
        const struct mm_node *node = &k->mm->nodes[n];

        probe_candidate(k, "node", n, (int64_t)(node->free_pages - node->low_watermark));
    }
}

/* Where the stretch goes; a forced choice must have room. */
static int
decide_node(struct kernel *k, struct rq *rq, struct task *p, const struct region *r, uint64_t page,
            uint64_t want, const struct page_walk *w, int node)
{
    if (unlikely(k->scx != NULL))
        node = ext_alloc_node(k, rq, p, w->allowed & w->mems, want, w->scale, node);
    if (probe_wants(k, DECISION_ALLOC))
        probe_nodes(k, w, r, page, want);
    int chosen = (int)probe_decide(k, DECISION_ALLOC, alloc_rule(w, node), p, rq->cpu, node);
    if (likely(chosen == node))
        return node;
    if (chosen < 0 || (uint32_t)chosen >= k->machine->nr_nodes ||
        k->mm->nodes[chosen].free_pages < w->scale) {
        kernel_fail(k, "--force-decision: node %d has no page to give", chosen);
        return node;
    }
    return chosen;
}

/* Where new pages of one VMA come from. */
struct touch {
    struct kernel *k;
    struct rq *rq;
    struct task *p;
    struct vma *v;
    const struct mempolicy *policy;
    struct mempolicy forced;
    bool decided;
    struct touched got;
};

static void
walk_for_huge(const struct kernel *k, const struct vma *v, struct page_walk *w)
{
    struct thp_effort effort = thp_effort(k, v);

    page_walk_huge(w);
    w->reclaims = effort.reclaims;
    w->wakes = effort.wakes;
}

/* The node for [at, end), and the walk that leads there; -1: none. */
static int
choose_node(struct touch *t, uint64_t at, uint64_t end, bool huge, struct page_walk *w)
{
    struct kernel *k = t->k;
    uint64_t index = vma_interleave_index(t->v->map, at, huge);

    *w = page_walk_for(k, t->p, t->policy, t->rq->node, index, 1);
    if (huge)
        walk_for_huge(k, t->v, w);
    else if (unlikely(t->v->kind == VMA_FILE && w->indexed))
        w->start = mempolicy_cursor_node(k, t->p->mem, t->policy);
    int node = page_walk_find(k, w);
    if (node < 0 || (t->decided && w->indexed))
        return node;
    int chosen = decide_node(k, t->rq, t->p, t->v->map->region, at, end - at, w, node);
    t->decided = true;
    if (chosen != node) {
        t->forced = (struct mempolicy){ .mode = MPOL_PREFERRED, .nodes = NODE_BIT(chosen) };
        t->policy = &t->forced;
        *w = page_walk_for(k, t->p, t->policy, t->rq->node, index, 1);
        if (huge)
            page_walk_huge(w);
    }
    return chosen;
}

/* The chunk of page `at` as one huge page, if its node has one. */
static bool
touch_huge(struct touch *t, uint64_t at)
{
    struct region *r = t->v->map->region;
    uint64_t first = at & ~(uint64_t)(CHUNK_PAGES - 1);
    struct page_walk w;
    int node = choose_node(t, first, first + CHUNK_PAGES, true, &w);

    if (node < 0) {
        t->k->stats.thp_fault_fallback++;
        return false;
    }
    page_walk_take(t->k, &w, node, 1);
    r->ops->claim(t->k, r, first, CHUNK_PAGES, node, true);
    lru_add(t->k, t->rq->cpu, r, first, CHUNK_PAGES, node, true);
    t->k->stats.thp_fault_alloc++;
    t->got.huge++;
    return true;
}

/* Populates [at, end), unpopulated pages of one slice and VMA. */
static void
touch_run(struct touch *t, uint64_t at, uint64_t end)
{
    struct region *r = t->v->map->region;
    struct page_walk w;

    while (at < end) {
        uint64_t chunk = (at | (CHUNK_PAGES - 1)) + 1;

        if (thp_wanted(t->k, t->v, at) && touch_huge(t, at)) {
            at = chunk;
            continue;
        }
        int node = choose_node(t, at, end, false, &w);
        if (node < 0)
            break;
        uint64_t n = page_walk_take(t->k, &w, node, (r->thp ? SIM_MIN(end, chunk) : end) - at);
        t->got.swapped += swap_in(t->k, r, at, n);
        r->ops->claim(t->k, r, at, n, node, false);
        lru_add(t->k, t->rq->cpu, r, at, n, node, false);
        t->got.small += n;
        if (unlikely(r->thp && thp_allowed(t->k, t->v)))
            khugepaged_enter(t->k, t->v);
        at += n;
    }
}

/* What comes from swap is read over what else would have to be cleared. */
static sim_time
anon_cost(const struct touch *t)
{
    t->k->stats.pgfault += t->got.small + t->got.huge;
    swap_read(t->k, t->p, t->got.swapped);
    return touch_cost(t->k, &t->got);
}

/* A fault maps what a window of readahead has brought; calls take no fault. */
static sim_time
file_cost(const struct touch *t)
{
    struct kernel *k = t->k;

    if (t->got.small == 0)
        return 0;
    uint64_t faults = file_read(k, t->p, t->v->map->region, t->got.small);
    k->stats.pgfault += faults;
    return faults * k->params.cost.minor_fault;
}

/* Pages of one slice and one VMA that are attended to at one instant. What it costs, and what
 * others hear of it, comes at the end. */
struct visit {
    struct faults faults; /* of marked pages */
    struct touch touch;   /* of absent ones */
    uint32_t slice;
    uint64_t needed; /* pages that needed attention when it began */
};

static void
visit_begin(struct visit *vi, struct kernel *k, struct rq *rq, struct task *p, struct vma *v,
            uint64_t page)
{
    vi->slice = region_slice_of(v->map->region, page);
    vi->needed = mapping_needs(v->map, vi->slice);
    /* the rest is set by the first absent page */
    vi->touch.k = k;
    vi->touch.rq = rq;
    vi->touch.p = p;
    vi->touch.v = v;
    vi->touch.got = (struct touched){ 0 };
    vi->faults.v = NULL;
}

/* A huge page may lie in other slices too, whose users come to fewer pages as well. */
static void
neighbours_need_less(struct kernel *k, const struct mapping *m, uint32_t slice, uint64_t page)
{
    const struct region *r = m->region;
    uint64_t first = page & ~(uint64_t)(CHUNK_PAGES - 1);
    uint64_t last = SIM_MIN(first + CHUNK_PAGES, r->nr_pages) - 1;

    for (uint32_t s = region_slice_of(r, first); s <= region_slice_of(r, last); s++)
        if (s != slice)
            region_needs_fell(k, m, s, CHUNK_PAGES);
}

static void
visit_absent(struct visit *vi, struct page_stretch st)
{
    struct touch *t = &vi->touch;
    struct region *r = t->v->map->region;
    uint64_t first, n;

    t->policy = file_policy(t->p, t->v);
    t->decided = false;
    if (unlikely(t->v->kind == VMA_FILE && !r->unmapped))
        file_read_around(t->k, t->v, &st);
    while (t->k->error == NULL && !t->p->process->killed &&
           (n = r->ops->absent_run(t->v->map, &st, &first)) > 0)
        touch_run(t, first, first + n);
}

static void
visit_pages(struct visit *vi, struct page_stretch st)
{
    const struct touch *t = &vi->touch;
    const struct mapping *m = t->v->map;
    struct page_stretch marked = st;

    if (*mapping_marked(m, vi->slice) > 0) {
        if (vi->faults.v == NULL)
            numa_faults_begin(&vi->faults, t->k, t->rq, t->p, t->v, vi->slice);
        numa_faults_take(&vi->faults, &marked);
    }
    if (m->region->groups[vi->slice].unpopulated > 0 && !numa_move_wanted(t->p))
        visit_absent(vi, st);
    if (unlikely(m->region->thp && m->region->nr_slices > 1))
        neighbours_need_less(t->k, m, vi->slice, st.at);
}

/* `u`: a use that drew the pages, and looks at them before others are told; NULL: none. */
static sim_time
visit_end(struct visit *vi, struct mem_use *u)
{
    const struct touch *t = &vi->touch;
    const struct mapping *m = t->v->map;
    struct region *r = m->region;
    sim_time cost = unlikely(t->v->kind == VMA_FILE) ? file_cost(t) : anon_cost(t);
    uint64_t needs = mapping_needs(m, vi->slice);

    if (vi->faults.v != NULL) {
        cost += numa_faults_end(&vi->faults);
        region_changed(t->k, r, vi->slice, vi->faults.sums.moved);
    }
    region_changed(t->k, r, vi->slice, t->got.small + t->got.huge * CHUNK_PAGES);
    region_needs_fell(
        t->k, m, vi->slice,
        (vi->needed > needs ? vi->needed - needs : 0) + /* reclaim may have taken more */
            (u == NULL ? 0 : use_draw_dealt(u)));
    return cost;
}

/* Is the page in the VMA and the slice of the visit? */
static bool
visit_covers(const struct visit *vi, uint64_t page)
{
    const struct vma *v = vi->touch.v;

    return page >= v->first && page - v->first < v->nr_pages &&
           region_slice_of(v->map->region, page) == vi->slice;
}

/* Pages that were drawn are dealt with together, unless what comes of one changes which is drawn
 * next. */
static sim_time
attend_draws(struct kernel *k, struct rq *rq, struct task *p, struct mem_use *u)
{
    struct drawn drawn;
    struct visit vi;
    sim_time cost = 0;
    bool open = false;
    uint64_t page;

    drawn.nr = drawn.at = 0;
    while (!numa_move_wanted(p) && use_draw_next(p->mem, u, &drawn, &page)) {
        if (open && !visit_covers(&vi, page)) {
            cost += visit_end(&vi, u);
            open = false;
        }
        if (!open)
            visit_begin(&vi, k, rq, p, mapping_vma(u->map, page), page);
        visit_pages(&vi, (struct page_stretch){ .at = page, .end = page + 1 });
        open = u->view == NULL;
        if (!open)
            cost += visit_end(&vi, u);
    }
    return open ? cost + visit_end(&vi, u) : cost;
}

/* A stretch that a walk comes to. */
static sim_time
attend_run(struct kernel *k, struct rq *rq, struct task *p, struct vma *v, uint64_t at,
           uint64_t end)
{
    struct visit vi;

    visit_begin(&vi, k, rq, p, v, at);
    visit_pages(&vi, (struct page_stretch){ .at = at, .end = end });
    sim_time cost = visit_end(&vi, NULL);
    if (vi.faults.v != NULL)
        numa_faults_hold_up(&vi.faults, at, end, cost);
    p->mem->paying += cost;
    return cost;
}

/* A walk that leaves pages out: those of the chunk that it comes to. */
static sim_time
attend_strided(struct kernel *k, struct rq *rq, struct task *p, struct mem_use *u)
{
    const struct region *r = u->region;
    uint64_t end = SIM_MIN(r->ops->stretch_end(u->map, u->page), u->first + u->nr_pages);
    sim_time cost = 0;

    for (uint64_t page = u->page; page < end; page += u->jump)
        cost += attend_run(k, rq, p, mapping_vma(u->map, page), page, page + 1);
    return cost;
}

static sim_time
attend_use(struct kernel *k, struct rq *rq, struct task *p, struct mem_use *u)
{
    const struct region *r = u->region;
    uint64_t page = u->page;
    sim_time cost = 0;

    if (use_draws(u))
        return attend_draws(k, rq, p, u);
    if (u->jump > 1)
        return attend_strided(k, rq, p, u);
    if (u->nr_pages == 0 || !mapping_needs_attention(u->map, page))
        return 0;
    uint64_t end = SIM_MIN(r->ops->stretch_end(u->map, page), u->first + u->nr_pages);
    for (uint64_t stop; page < end && !numa_move_wanted(p); page = stop) {
        struct vma *v = mapping_vma(u->map, page);

        stop = SIM_MIN(region_slice_end(r, page, end), v->first + v->nr_pages);
        cost += attend_run(k, rq, p, v, page, stop);
    }
    return cost;
}

/* Is p at a page that somebody else is moving? Then it sleeps, or faults, too, at this cost. */
static bool
waits(struct kernel *k, struct rq *rq, struct task *p, sim_time *cost)
{
    const struct in_migration *m = NULL;
    struct mem_use *at = NULL;

    for (uint32_t i = 0; i < p->mem->nr_uses; i++) {
        struct mem_use *u = &p->mem->uses[i];
        const struct in_migration *isolated = NULL;

        if (likely(u->group->moving_until <= k->engine.now) || use_draws(u) || u->weight == 0)
            continue;
        if (migration_wait(k, rq, u, &isolated))
            return true;
        if (isolated != NULL) {
            at = u;
            m = isolated;
        }
    }
    if (at != NULL)
        *cost = numa_fault_isolated(k, rq, p, mapping_vma(at->map, at->page), at->page, m);
    return false;
}

void
mm_attend(struct kernel *k, struct rq *rq, struct task *p)
{
    struct task_mem *mem = p->mem;
    sim_time cost = 0;

    if (waits(k, rq, p, &cost))
        return;
    mem->paying = cost;
    mem->nr_stops++;
    for (uint32_t i = 0; i < mem->nr_uses && !numa_move_wanted(p); i++)
        cost += attend_use(k, rq, p, &mem->uses[i]);
    charge(k, rq->cpu, cost, CHARGE_TASK);
    numa_fault_done(k, p);
}

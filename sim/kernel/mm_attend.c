/*
 * A burst stops at pages that need attention: they are not there yet, or a NUMA scan marked them.
 *
 * The rest of the chunk is dealt with at once: its pages are claimed and cleared, its marked pages
 * fault one by one, and the task pays for all of it before it goes on. A chunk is small against a
 * slice of time, so threads that walk through one region race for its pages as on a real machine,
 * and large enough that a fault costs a simulator nanoseconds.
 */
#include "kernel/mempolicy.h"
#include "kernel/mm_draw.h"
#include "kernel/numa.h"
#include "kernel/page_alloc.h"
#include "kernel/page_set.h"
#include "kernel/region.h"

static sim_time
touch_cost(const struct kernel *k, const struct region *r, uint64_t pages)
{
    const struct cost_params *c = &k->params.cost;

    return pages * c->minor_fault +
           mul_div_u64(pages * r->page_size, 1000000000u, c->zero_bandwidth);
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
    probe_input(k, "scale", r->scale);
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

/* Populates [page, end), unpopulated pages of one slice. */
static sim_time
touch_run(struct kernel *k, struct rq *rq, struct task *p, struct vma *v, uint32_t slice,
          uint64_t page, uint64_t end)
{
    struct region *r = v->map->region;
    const struct mempolicy *policy = get_vma_policy(p, v);
    struct mempolicy forced = { .mode = MPOL_PREFERRED };
    bool decided = false;
    uint64_t at = page;

    while (at < end) {
        struct page_walk w =
            page_walk_for(k, p, policy, rq->node, vma_interleave_index(v->map, at), r->scale);
        int node = page_walk_find(k, &w);

        if (node < 0)
            break;
        if (!decided || !w.indexed) {
            int chosen = decide_node(k, rq, p, r, at, end - at, &w, node);

            decided = true;
            if (chosen != node) {
                forced.nodes = NODE_BIT(chosen);
                policy = &forced;
                w = page_walk_for(k, p, policy, rq->node, vma_interleave_index(v->map, at),
                                  r->scale);
                node = chosen;
            }
        }
        uint64_t n = page_walk_take(k, &w, node, end - at);
        region_claim(r, slice, at, n, node);
        at += n;
    }
    region_changed(k, r, slice, at - page);
    return touch_cost(k, r, at - page);
}

/* Pages of one slice and one VMA. */
static sim_time
attend_pages(struct kernel *k, struct rq *rq, struct task *p, struct vma *v, uint64_t page,
             uint64_t end)
{
    const struct region *r = v->map->region;
    uint32_t slice = region_slice_of(r, page);
    sim_time cost = 0;

    if (*mapping_marked(v->map, slice) > 0)
        cost += numa_fault_pages(k, rq, p, v, slice, page, end);
    if (r->groups[slice].unpopulated == 0 || numa_move_wanted(p))
        return cost;
    while (page < end && k->error == NULL && !p->process->killed) {
        uint64_t run = page;

        while (run < end && !page_populated(r->pages[run]))
            run++;
        if (run > page)
            cost += touch_run(k, rq, p, v, slice, page, run);
        page = run + 1;
    }
    return cost;
}

/* `u`: a use that drew the page, and looks at it before others are told; NULL: none. */
static sim_time
attend_run(struct kernel *k, struct rq *rq, struct task *p, struct vma *v, uint64_t page,
           uint64_t end, struct mem_use *u)
{
    const struct mapping *m = v->map;
    uint32_t slice = region_slice_of(m->region, page);
    uint64_t needed = mapping_needs(m, slice);
    sim_time cost = attend_pages(k, rq, p, v, page, end);
    uint64_t fell = needed - mapping_needs(m, slice);

    region_needs_fell(k, m, slice, fell + (u == NULL ? 0 : use_draw_dealt(u)));
    return cost;
}

static sim_time
attend_draws(struct kernel *k, struct rq *rq, struct task *p, struct mem_use *u)
{
    sim_time cost = 0;
    uint64_t page;

    while (use_draw_next(p->mem, u, &page))
        cost += attend_run(k, rq, p, mapping_vma(u->map, page), page, page + 1, u);
    return cost;
}

/* A walk that leaves pages out: those of the chunk that it comes to. */
static sim_time
attend_strided(struct kernel *k, struct rq *rq, struct task *p, struct mem_use *u)
{
    const struct region *r = u->region;
    uint64_t end =
        SIM_MIN(((u->page >> r->chunk_shift) + 1) << r->chunk_shift, u->first + u->nr_pages);
    sim_time cost = 0;

    for (uint64_t page = u->page; page < end; page += u->jump)
        cost += attend_run(k, rq, p, mapping_vma(u->map, page), page, page + 1, NULL);
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
    uint64_t end =
        SIM_MIN(((page >> r->chunk_shift) + 1) << r->chunk_shift, u->first + u->nr_pages);
    for (uint64_t stop; page < end && !numa_move_wanted(p); page = stop) {
        struct vma *v = mapping_vma(u->map, page);

        stop = SIM_MIN(region_slice_end(r, page, end), v->first + v->nr_pages);
        cost += attend_run(k, rq, p, v, page, stop, NULL);
    }
    return cost;
}

void
mm_attend(struct kernel *k, struct rq *rq, struct task *p)
{
    struct task_mem *mem = p->mem;
    sim_time cost = 0;

    for (uint32_t i = 0; i < mem->nr_uses && !numa_move_wanted(p); i++)
        cost += attend_use(k, rq, p, &mem->uses[i]);
    charge(k, rq->cpu, cost, CHARGE_TASK);
    numa_fault_done(k, p);
}

/*
 * Moving pages: one page at a time, charged in batches.
 *
 * A page gets a new place by an ordinary allocation, so that a call may reclaim on its target and
 * fails where that does not help. Each batch of up to 512 pages costs one TLB flush on top of the
 * pages, and a call begins by emptying the lists of all CPUs, which costs more than a few pages.
 *
 * Pages that another process has mapped as well are left alone unless all are asked for. That is no
 * failure (migrate_folio_add); move_pages() alone says of each such page that it was refused.
 */
#include "kernel/migrate.h"

#include "kernel/filemap.h"
#include "kernel/lru_batch.h"
#include "kernel/memory_tiers.h"
#include "kernel/mempolicy.h"
#include "kernel/region.h"

enum { BATCH_PAGES = 512 };

void
region_relocate(struct kernel *k, struct region *r, uint64_t page, int to)
{
    uint32_t slice = region_slice_of(r, page);
    uint32_t np;
    int from = region_page_at(r, page, &np);

    /* a time is not a tag, and a tag not a time */
    if ((k->params.numa.mode & NUMA_BALANCING_MEMORY_TIERING) &&
        node_is_toptier(k, from) != node_is_toptier(k, to))
        r->ops->retag(r, page, 0);
    k->mm->nodes[to].free_pages += np; /* which the move takes */
    r->ops->move(k, r, page, 1, from, to, np);
    region_changed(k, r, slice, np);
    mm_copied(k, from, to, (uint64_t)np * PAGE_4K);
}

static void
flush_batch(struct page_mover *mv)
{
    const struct cost_params *c = &mv->k->params.cost;
    uint64_t pages = mv->units[0] + mv->units[1] * (PAGE_2M / PAGE_4K), others = 0;

    if (pages == 0)
        return;
    for_each_cpu (cpu, mv->k->machine->online) {
        const struct task *curr = mv->k->rqs[cpu].curr;

        if (cpu == mv->cpu || curr == NULL || curr->mm != mv->mm)
            continue;
        charge(mv->k, cpu, c->tlb_victim, CHARGE_IRQ);
        others++;
    }
    mv->cost += c->tlb_shootdown + others * c->tlb_per_cpu;
    mv->cost += mv->units[0] * c->page_move + mv->units[1] * c->page_move_huge;
    mv->cost += mul_div_u64(pages * PAGE_4K, 1000000000u, c->copy_bandwidth);
    mv->units[0] = mv->units[1] = 0;
}

struct page_mover
page_mover_begin(struct kernel *k, struct task *p, struct mm *mm, int cpu)
{
    lru_add_drain_all(k);
    return (struct page_mover){
        .k = k, .p = p, .mm = mm, .cpu = cpu, .cost = k->params.cost.lru_drain
    };
}

/* A huge page that finds no place as one goes in small pages, as far as there is room for them
 * (migrate_pages_batch); hinting faults do not come here. False: there is none for even one. */
static bool
split_to_move(struct page_mover *mv, struct region *r, uint64_t page, const struct page_walk *w)
{
    uint64_t first = page & ~(uint64_t)(CHUNK_PAGES - 1);
    struct page_walk small = *w;

    small.scale = 1;
    small.spares = true;
    if (page_walk_find(mv->k, &small) < 0 || !r->ops->split_huge(mv->k, r, page))
        return false;
    mv->k->stats.thp_migration_fail++;
    mv->k->stats.thp_migration_split++;
    mv->k->stats.thp_split_page++;
    for (uint64_t i = first; i < first + CHUNK_PAGES; i++) {
        struct page_walk one = small;

        page_mover_move(mv, r, i, &one);
    }
    return true;
}

bool
page_mover_move(struct page_mover *mv, struct region *r, uint64_t page, struct page_walk *w)
{
    struct kernel *k = mv->k;
    uint32_t np;
    int from = region_page_at(r, page, &np), node = page_walk_find(k, w);
    bool huge = w->scale > 1;

    if (node < 0 && huge && split_to_move(mv, r, page, w))
        return true;
    if (node < 0) {
        mv->failed += w->scale;
        k->stats.thp_migration_fail += huge;
        return false;
    }
    if (node == from)
        return true;
    page_walk_take(k, w, node, 1);
    region_relocate(k, r, page, node);
    mv->moved += w->scale;
    k->stats.thp_migration_success += huge;
    mv->units[huge]++;
    if (mv->units[0] >= BATCH_PAGES || mv->units[1] > 0)
        flush_batch(mv);
    for (struct observer *o = k->observers; o != NULL && mv->p != NULL; o = o->next)
        if (o->pages_migrate != NULL)
            o->pages_migrate(o->priv, k, mv->p, from, node, w->scale);
    return true;
}

void
page_mover_end(struct page_mover *mv, enum charge_kind kind)
{
    struct kernel *k = mv->k;

    flush_batch(mv);
    k->stats.pgmigrate_success += mv->moved;
    k->stats.pgmigrate_fail += mv->failed;
    charge(k, mv->cpu, mv->cost, kind);
    mv->spent += mv->cost;
    mv->cost = 0;
}

/* ---- a set of nodes to another, by position (do_migrate_pages) ---- */

/* Strictly to one node. */
static struct page_walk
walk_to(const struct kernel *k, struct task *p, int node, uint32_t scale)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    struct page_walk w = page_walk_for(k, p, &local, node, 0, scale);

    w.allowed = w.mems = NODE_BIT(node);
    w.start_only = w.spares = true;
    return w;
}

/* Do several processes map it that live? */
static bool
is_shared(const struct region *r)
{
    return region_nr_mappers(r) > 1;
}

/* Pages of a block that moved have changed the places of others: one more look, while it helps. */
static bool
look_again(const struct page_mover *mv, const struct region *r, uint64_t moved_before)
{
    return r->ops == &page_block && mv->moved > moved_before;
}

static void
move_node_of(struct page_mover *mv, const struct vma *v, int from, int to)
{
    struct region *r = v->map->region;
    uint64_t end = v->first + v->nr_pages;
    uint32_t np;

    for (uint64_t page = v->first; page < end && region_whole(r)->count[from] > 0;
         page = page_after(page, np)) {
        if (region_page_at(r, page, &np) != from)
            continue;
        struct page_walk w = walk_to(mv->k, mv->p, to, np);
        page_mover_move(mv, r, page, &w);
    }
}

/* What is on `from` goes to `to`. */
static void
move_node(struct page_mover *mv, int from, int to, bool all)
{
    for (struct vma *v = mv->mm->vmas; v != NULL; v = v->next)
        for (uint64_t before, more = all || !is_shared(v->map->region); more;) {
            before = mv->moved;
            move_node_of(mv, v, from, to);
            more = look_again(mv, v->map->region, before);
        }
}

/* The pair to be moved next: one whose target is no source any more, else the last of all. */
static bool
next_pair(nodemask left, nodemask from, nodemask to, int *source, int *target)
{
    bool same_size = __builtin_popcountll(from) == __builtin_popcountll(to), found = false;

    for_each_node (s, left) {
        int t = node_remap(s, from, to);

        if (s == t || (!same_size && (to & NODE_BIT(s))))
            continue;
        *source = s;
        *target = t;
        found = true;
        if (!(left & NODE_BIT(t)))
            break;
    }
    return found;
}

static void
move_sets(struct page_mover *mv, nodemask from, nodemask to, bool all)
{
    nodemask left = from;
    int source = 0, target = 0;

    while (next_pair(left, from, to, &source, &target)) {
        left &= ~NODE_BIT(source);
        move_node(mv, source, target, all);
    }
}

void
migrate_mm(struct kernel *k, struct mm *mm, int cpu, nodemask from, nodemask to)
{
    struct page_mover mv = page_mover_begin(k, NULL, mm, cpu);

    move_sets(&mv, from, to, true);
    page_mover_end(&mv, CHARGE_SOFTIRQ);
}

const char *
migrate_pages(struct kernel *k, struct task *p, nodemask from, nodemask to, bool all,
              uint64_t *failed)
{
    to &= task_mems(k, p);
    *failed = 0;
    if (to == 0)
        return "EINVAL";
    struct page_mover mv = page_mover_begin(k, p, p->mm, p->cpu);
    move_sets(&mv, from, to, all);
    page_mover_end(&mv, CHARGE_TASK);
    *failed = mv.failed;
    return NULL;
}

uint64_t
migrate_some(struct kernel *k, struct task *p, int from, int to, uint64_t pages, int cpu,
             sim_time *cost)
{
    struct page_mover mv = page_mover_begin(k, p, p->mm, cpu);

    for (struct vma *v = p->mm->vmas; v != NULL; v = v->next) {
        struct region *r = v->map->region;
        uint64_t end = v->first + v->nr_pages;
        uint32_t np;

        for (uint64_t page = v->first;
             page < end && mv.moved < pages && !is_shared(r) && region_whole(r)->count[from] > 0;
             page = page_after(page, np)) {
            if (region_page_at(r, page, &np) != from)
                continue;
            struct page_walk w = walk_to(k, p, to, np);
            if (!page_mover_move(&mv, r, page, &w))
                break;
        }
    }
    flush_batch(&mv);
    k->stats.pgmigrate_success += mv.moved;
    k->stats.pgmigrate_fail += mv.failed;
    *cost = mv.cost;
    return mv.moved;
}

const char *
move_pages(struct kernel *k, struct task *p, struct region *r, uint64_t first, uint64_t n, int node,
           bool all, uint64_t *failed)
{
    uint64_t refused = 0;
    uint32_t np;

    *failed = 0;
    if (!(task_mems(k, p) & NODE_BIT(node)))
        return "EACCES";
    struct page_mover mv = page_mover_begin(k, p, p->mm, p->cpu);
    for (uint64_t page = first; page < first + n; page = page_after(page, np)) {
        int at = region_page_at(r, page, &np);

        if (at < 0 || at == node)
            continue;
        struct page_walk w = walk_to(k, p, node, np);
        if (is_shared(r) && !all)
            refused += np;
        else
            page_mover_move(&mv, r, page, &w);
    }
    page_mover_end(&mv, CHARGE_TASK);
    *failed = mv.failed + refused;
    return NULL;
}

/* ---- mbind() ---- */

/* Pages of the range that are on none of the nodes that the call names. */
static uint64_t
count_misplaced(const struct region *r, uint64_t first, uint64_t n, nodemask named)
{
    uint64_t count[NODE_MAX] = { 0 }, misplaced = 0;

    r->ops->count(r, first, n, count);
    for (uint32_t i = 0; i < NODE_MAX; i++)
        misplaced += named & NODE_BIT(i) ? 0 : count[i];
    return misplaced;
}

static void
move_misplaced(struct page_mover *mv, struct region *r, uint64_t first, uint64_t n,
               const struct mempolicy *policy)
{
    uint32_t np;

    for (uint64_t page = first; page < first + n; page = page_after(page, np)) {
        int at = region_page_at(r, page, &np);

        if (at < 0 || (policy->user_nodes & NODE_BIT(at)))
            continue;
        struct page_walk w = page_walk_for(mv->k, mv->p, policy, mv->k->rqs[mv->cpu].node,
                                           vma_interleave_index(r->maps, page, np > 1), np);
        w.spares = true;
        page_mover_move(mv, r, page, &w);
    }
}

/* Without MOVE, STRICT is a question: it fails before anything is changed. */
const char *
mbind_pages(struct kernel *k, struct task *p, struct region *r, uint64_t first, uint64_t n,
            const struct mempolicy *policy, uint32_t flags)
{
    struct mempolicy applied = *policy;
    uint64_t misplaced = count_misplaced(r, first, n, policy->user_nodes);
    bool moves = flags & (MBIND_MOVE | MBIND_MOVE_ALL);

    if (policy->mode == MPOL_DEFAULT)
        flags &= ~(uint32_t)MBIND_STRICT;
    if (!mempolicy_apply(&applied, task_mems(k, p)))
        return "EINVAL";
    if ((flags & MBIND_STRICT) && !moves && misplaced > 0)
        return "EIO";
    region_set_policy(k, r, first, n, &applied);
    if (!moves)
        return NULL;
    if (policy->mode == MPOL_DEFAULT) /* a move needs one: the task's */
        applied = p->mem->policy;
    struct page_mover mv = page_mover_begin(k, p, p->mm, p->cpu);
    for (uint64_t before, more = (flags & MBIND_MOVE_ALL) || !is_shared(r); more;) {
        before = mv.moved;
        move_misplaced(&mv, r, first, n, &applied);
        more = look_again(&mv, r, before);
    }
    page_mover_end(&mv, CHARGE_TASK);
    return mv.failed > 0 && (flags & MBIND_STRICT) ? "EIO" : NULL;
}

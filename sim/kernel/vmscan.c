/*
 * Reclaim, kept simple: a clock over the pages of a node, with a second chance.
 *
 * kswapd has a hand on each node that goes round all regions in the order in which they were made.
 * A page that was accessed since the hand last passed is spared, any other is a victim. Victims are
 * demoted to a slower node, if demotion is on and there is one: first to the nearest, drawn among
 * equals for each batch, then to any slower one; policies do not count, and a cpuset only for a
 * task that reclaims for itself. What cannot be demoted is evicted: a page of a file is dropped,
 * any other goes to swap while there is room, a huge page whole if there is room for all of it and
 * in parts else. Files have a hand of their own, and mm.swappiness says how often which of the two
 * moves on. kswapd goes on until the node has more than its high watermark
 * free (with tiering: promo), sleeps when two rounds found nothing, and is not woken for a tenth of
 * a second then. A task that reclaims takes one batch from each node of its walk.
 *
 * Model assumptions: the kernel's lists and their balance (or its generations) are one clock;
 * kswapd runs on an idle CPU of its node, else it takes its time from the first one (of the nearest
 * node with CPUs), and a batch of 32 pages is one piece of work.
 */
#include "kernel/vmscan.h"

#include "kernel/filemap.h"
#include "kernel/lru_batch.h"
#include "kernel/memory_tiers.h"
#include "kernel/mempolicy.h"
#include "kernel/migrate.h"
#include "kernel/reclaim_age.h"
#include "kernel/region.h"
#include "kernel/swap.h"

enum { BATCH = 32, LOOKS = 4096, KSWAPD_LEAST_NS = 1000 };

struct kswapd {
    struct event ev;
    struct kernel *k;
    int node, cpu_node;
    bool running;
    struct hand {
        uint32_t region; /* and a page of it */
        uint64_t page;
    } hands[2];                    /* over anonymous memory, over files */
    uint64_t in_vain;              /* pages looked at since the last victim */
    sim_time rests_until, vain_at; /* vain_at: when a task found nothing, + 1 */
};

/* One batch: from where, at whose cost. */
struct batch {
    struct kernel *k;
    struct kswapd *from;
    struct task *p; /* NULL: kswapd */
    int cpu, target;
    bool files; /* this batch takes pages of files */
    uint64_t looks, freed, units, evicted;
    sim_time cost, out_cost; /* of what was moved, and charged; of what was evicted, and is not */
    struct page_mover mover;
};

static uint64_t
used_pages(const struct mm_node *n)
{
    return n->nr_pages - n->free_pages;
}

static bool
balanced(const struct kernel *k, int node)
{
    const struct mm_node *n = &k->mm->nodes[node];
    bool tiering = k->params.numa.mode & NUMA_BALANCING_MEMORY_TIERING;

    return n->free_pages > (tiering ? n->promo_watermark : n->high_watermark);
}

static bool
demotes(const struct kernel *k, int node)
{
    return k->params.mm.demotion && k->mm->nodes[node].demotion != 0;
}

/* Is there anywhere for pages of the node to go? */
static bool
reclaimable(const struct kernel *k, int node)
{
    uint64_t mapped;

    return demotes(k, node) || swap_has_room(k, 1) || file_pages(k, node, &mapped) > 0;
}

/* ---- victims ---- */

static struct page_walk
demotion_walk(const struct batch *b, nodemask nodes, uint32_t scale)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    struct page_walk w = page_walk_for(b->k, NULL, &local, b->target, 0, scale);

    w.allowed = nodes;
    if (b->p != NULL)
        w.mems = task_mems(b->k, b->p);
    w.spares = true;
    return w;
}

static bool
demote(struct batch *b, struct region *r, uint64_t page, uint32_t np)
{
    struct page_walk w = demotion_walk(b, NODE_BIT(b->target), np);

    w.start_only = true;
    if (page_walk_find(b->k, &w) < 0)
        w = demotion_walk(b, node_lower_tiers(b->k, b->from->node), np);
    return page_mover_move(&b->mover, r, page, &w);
}

/* A page of a file is clean or will be written; nobody waits for that. */
static uint32_t
drop_file(struct batch *b, struct region *r, uint64_t page)
{
    file_drop(b->k, r, region_slice_of(r, page));
    r->ops->release(b->k, r, page, 1);
    region_changed(b->k, r, region_slice_of(r, page), 1);
    return 1;
}

static uint32_t
swap_anon(struct batch *b, struct region *r, uint64_t page, uint32_t np)
{
    if (!swap_has_room(b->k, 1))
        return 0;
    if (!swap_has_room(b->k, np)) {
        b->k->stats.thp_split_page += r->ops->split_huge(b->k, r, page);
        np = 1;
    }
    swap_out(b->k, r, page, np);
    return np;
}

/* The page leaves memory. How many pages that gained. */
static uint32_t
evict(struct batch *b, struct region *r, uint64_t page, uint32_t np)
{
    uint32_t gained = region_is_file(r) ? drop_file(b, r, page) : swap_anon(b, r, page, np);

    b->evicted += gained;
    b->out_cost += gained > 0 ? b->k->params.cost.page_out : 0;
    return gained;
}

/* Demoted pages are reclaimed, too (shrink_inactive_list). */
static void
account_stolen(struct batch *b, uint64_t pages)
{
    struct kernel_stats *s = &b->k->stats;

    b->freed += pages;
    *(b->files ? &s->pgsteal_file : &s->pgsteal_anon) += pages;
    *(b->p != NULL ? &s->pgsteal_direct : &s->pgsteal_kswapd) += pages;
}

static void
account_demoted(struct batch *b)
{
    struct mm_node *n = &b->k->mm->nodes[b->from->node];
    uint64_t pages = b->mover.moved;

    account_stolen(b, pages);
    *(b->p != NULL ? &n->pgdemote_direct : &n->pgdemote_kswapd) += pages;
    *(b->p != NULL ? &b->k->stats.pgdemote_direct : &b->k->stats.pgdemote_kswapd) += pages;
}

/* ---- the hand ---- */

static void
look_at(struct batch *b, struct region *r, uint64_t page, uint32_t np)
{
    struct kernel_stats *s = &b->k->stats;

    b->looks++;
    b->from->in_vain += np;
    *(b->p != NULL ? &s->pgscan_direct : &s->pgscan_kswapd) += np;
    if (lru_on_batch(b->k, r, page) || page_referenced(b->k, r, page, np))
        return;
    if (!(demotes(b->k, b->from->node) && demote(b, r, page, np)) && evict(b, r, page, np) == 0)
        return;
    b->units++;
    b->from->in_vain = 0;
}

static struct hand *
hand_of(const struct batch *b)
{
    return &b->from->hands[b->files];
}

/* Is there more of the node in the region that the hand is in? */
static bool
has_more(const struct batch *b, const struct region *r)
{
    return hand_of(b)->page < r->nr_pages && region_is_file(r) == b->files &&
           region_whole(r)->count[b->from->node] != 0;
}

/* The pages of one region from the hand on. */
static void
scan_region(struct batch *b, struct region *r)
{
    struct hand *h = hand_of(b);

    b->mover = (struct page_mover){ .k = b->k, .p = b->p, .mm = r->maps->mm, .cpu = b->cpu };
    while (has_more(b, r) && b->units < BATCH && b->looks < LOOKS) {
        uint32_t np;

        if (region_page_at(r, h->page, &np) == b->from->node)
            look_at(b, r, h->page, np);
        h->page = page_after(h->page, np);
    }
    account_demoted(b);
    account_stolen(b, b->evicted);
    if (b->evicted > 0)
        region_all_closer(b->k, r);
    b->evicted = 0;
    page_mover_end(&b->mover, b->p != NULL ? CHARGE_TASK : CHARGE_SOFTIRQ);
    b->cost += b->mover.spent;
    if (has_more(b, r))
        return;
    h->page = 0;
    h->region++;
}

/* Two rounds without a victim, or nothing left that could be one. */
static bool
in_vain(const struct batch *b)
{
    const struct kswapd *s = b->from;

    return s->in_vain > 2 * used_pages(&b->k->mm->nodes[s->node]);
}

/* Whose turn it is: as often files as 200 - mm.swappiness is of 200, where both can be had
 * (get_scan_count). */
static bool
takes_files(const struct kernel *k, int node)
{
    uint64_t mapped, files = file_pages(k, node, &mapped);

    if (files == 0 || files == used_pages(&k->mm->nodes[node]))
        return files > 0;
    if (!demotes(k, node) && !swap_has_room(k, 1))
        return true;
    return rng_below(&k->mm->reclaim_rng, 200) >= k->params.mm.swappiness;
}

/* How long it took; b->freed says what it gained. */
static sim_time
shrink_node(struct batch *b)
{
    struct kernel *k = b->k;
    struct kswapd *s = b->from;
    uint32_t passed = 0;

    b->files = takes_files(k, s->node);
    struct hand *h = hand_of(b);
    if (demotes(k, s->node))
        b->target = next_demotion_node(k, s->node);
    while (passed <= k->mm->nr_regions && b->units < BATCH && b->looks < LOOKS && !in_vain(b)) {
        h->region = h->region < k->mm->nr_regions ? h->region : 0;
        uint32_t before = h->region;

        scan_region(b, k->mm->regions[before]);
        passed += h->region != before;
    }
    if (b->looks == 0)
        s->in_vain = UINT64_MAX;
    sim_time looked = b->looks * k->params.cost.reclaim_look + b->out_cost;
    b->out_cost = 0;
    charge(k, b->cpu, looked, b->p != NULL ? CHARGE_TASK : CHARGE_SOFTIRQ);
    return b->cost + looked;
}

uint64_t
reclaim_range(struct kernel *k, struct task *p, struct region *r, uint64_t first, uint64_t n)
{
    struct batch b = { .k = k, .p = p, .cpu = p->cpu };
    uint32_t np;

    lru_add_drain_all(k);
    for (uint64_t page = first; page < first + n; page = page_after(page, np))
        if (region_page_at(r, page, &np) >= 0 && (page & ~(uint64_t)(np - 1)) >= first)
            evict(&b, r, page, np);
    if (b.evicted > 0)
        region_all_closer(k, r);
    charge(k, p->cpu, k->params.cost.lru_drain + b.out_cost, CHARGE_TASK);
    return b.evicted;
}

/* ---- kswapd ---- */

static int
kswapd_cpu(const struct kernel *k, const struct kswapd *s)
{
    int first = -1;

    for_each_cpu (cpu, k->machine->nodes[s->cpu_node].cpus) {
        if (!cpumask_test(k->machine->online, (uint32_t)cpu))
            continue;
        if (idle_cpu(k, cpu))
            return cpu;
        first = first < 0 ? cpu : first;
    }
    return first >= 0 ? first : cpumask_first(k->machine->online);
}

static void
kswapd_fire(struct engine *eng, struct event *ev)
{
    struct kswapd *s = container_of(ev, struct kswapd, ev);
    struct kernel *k = s->k;
    (void)eng;

    s->running = false;
    if (balanced(k, s->node) || !reclaimable(k, s->node))
        return;
    struct batch b = { .k = k, .from = s, .cpu = kswapd_cpu(k, s) };
    sim_time took = shrink_node(&b);
    if (b.freed == 0 && in_vain(&b)) {
        s->in_vain = 0;
        s->rests_until = k->engine.now + SEC(1) / 10;
        return;
    }
    s->running = true;
    engine_at(&k->engine, &s->ev, k->engine.now + SIM_MAX(took, (sim_time)KSWAPD_LEAST_NS));
}

void
wakeup_kswapd(struct kernel *k, int node)
{
    struct kswapd *s = &k->mm->kswapd[node];

    if (s->running || k->engine.now < s->rests_until || balanced(k, node) || !reclaimable(k, node))
        return;
    s->running = true;
    engine_at(&k->engine, &s->ev, k->engine.now);
}

bool
try_to_free_pages(struct kernel *k, struct task *p, int start, nodemask nodes)
{
    uint64_t freed = 0;

    for (const int32_t *n = k->domains->fallback[start]; *n >= 0; n++) {
        struct kswapd *s = &k->mm->kswapd[*n];

        if (!(nodes & NODE_BIT(*n)) || !reclaimable(k, *n) || s->vain_at == k->engine.now + 1)
            continue;
        struct batch b = { .k = k, .from = s, .p = p, .cpu = p->cpu };

        do {
            b.looks = b.units = 0;
            shrink_node(&b);
        } while (b.freed == 0 && !in_vain(&b));
        if (b.freed == 0) {
            s->in_vain = 0;
            s->vain_at = k->engine.now + 1;
        }
        freed += b.freed;
    }
    return freed > 0;
}

/* ---- the beginning ---- */

static int
nearest_with_cpus(const struct kernel *k, int node)
{
    uint32_t distance = UINT32_MAX;
    int best = node;

    for_each_node (n, machine_cpu_nodes(k->machine)) {
        uint32_t d = n == node ? 0 : machine_distance(k->machine, (uint32_t)node, (uint32_t)n);

        if (d >= distance)
            continue;
        distance = d;
        best = n;
    }
    return best;
}

void
kswapd_init(struct kernel *k)
{
    k->mm->kswapd = arena_new_array(k->arena, struct kswapd, k->machine->nr_nodes);
    rng_init(&k->mm->reclaim_rng, k->seed, "reclaim", 0);
    for (uint32_t i = 0; i < k->machine->nr_nodes; i++) {
        struct kswapd *s = &k->mm->kswapd[i];

        s->k = k;
        s->node = (int)i;
        s->cpu_node = nearest_with_cpus(k, (int)i);
        event_init(&k->engine, &s->ev, EVENT_KSWAPD, i, PHASE_BALANCE, kswapd_fire);
    }
}

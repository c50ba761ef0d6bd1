/*
 * Reclaim, kept simple: a clock over the pages of a node, with a second chance.
 *
 * kswapd has a hand on each node that goes round all regions in the order in which they were made.
 * A page that was accessed since the hand last passed is spared, any other is a victim. Victims are
 * demoted to a slower node, if demotion is on and there is one: first to the nearest, drawn among
 * equals for each batch, then to any slower one; policies do not count, and a cpuset only for a
 * task that reclaims for itself. kswapd goes on until the node has more than its high watermark
 * free (with tiering: promo), sleeps when two rounds found nothing, and is not woken for a tenth of
 * a second then. A task that reclaims takes one batch from each node of its walk.
 *
 * Model assumptions: there is no swap, and memory of files stays, so that without demotion nothing
 * is reclaimed; the kernel's lists and their balance (or its generations) are one clock; kswapd
 * runs on an idle CPU of its node, else it takes its time from the first one (of the nearest node
 * with CPUs), and a batch of 32 pages is one piece of work.
 */
#include "kernel/vmscan.h"

#include "kernel/lru_batch.h"
#include "kernel/memory_tiers.h"
#include "kernel/mempolicy.h"
#include "kernel/migrate.h"
#include "kernel/reclaim_age.h"
#include "kernel/region.h"

enum { BATCH = 32, LOOKS = 4096, KSWAPD_LEAST_NS = 1000 };

struct kswapd {
    struct event ev;
    struct kernel *k;
    int node, cpu_node;
    bool running;
    uint32_t region; /* the hand: a region, and a page of it */
    uint64_t page;
    uint64_t in_vain;              /* pages looked at since the last victim */
    sim_time rests_until, vain_at; /* vain_at: when a task found nothing, + 1 */
};

/* One batch: from where, at whose cost. */
struct batch {
    struct kernel *k;
    struct kswapd *from;
    struct task *p; /* NULL: kswapd */
    int cpu, target;
    uint64_t looks, freed, units;
    sim_time cost;
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

/* Is there anywhere for pages of the node to go? */
static bool
reclaimable(const struct kernel *k, int node)
{
    return k->params.mm.demotion && k->mm->nodes[node].demotion != 0;
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

static void
account_demoted(struct batch *b)
{
    struct mm_node *n = &b->k->mm->nodes[b->from->node];
    uint64_t pages = b->mover.moved;

    b->freed += pages;
    *(b->p != NULL ? &n->pgdemote_direct : &n->pgdemote_kswapd) += pages;
    *(b->p != NULL ? &b->k->stats.pgdemote_direct : &b->k->stats.pgdemote_kswapd) += pages;
}

/* ---- the hand ---- */

static void
look_at(struct batch *b, struct region *r, uint64_t page, uint32_t np)
{
    b->looks++;
    b->from->in_vain += np;
    if (lru_on_batch(b->k, r, page) || page_referenced(b->k, r, page, np) ||
        !demote(b, r, page, np))
        return;
    b->units++;
    b->from->in_vain = 0;
}

/* Is there more of the node in the region that the hand is in? */
static bool
has_more(const struct kswapd *s, const struct region *r)
{
    return s->page < r->nr_pages && region_whole(r)->count[s->node] != 0;
}

/* The pages of one region from the hand on. */
static void
scan_region(struct batch *b, struct region *r)
{
    struct kswapd *s = b->from;

    b->mover = (struct page_mover){ .k = b->k, .p = b->p, .mm = r->maps->mm, .cpu = b->cpu };
    while (has_more(s, r) && b->units < BATCH && b->looks < LOOKS) {
        uint32_t np;

        if (region_page_at(r, s->page, &np) == s->node)
            look_at(b, r, s->page, np);
        s->page = page_after(s->page, np);
    }
    account_demoted(b);
    page_mover_end(&b->mover, b->p != NULL ? CHARGE_TASK : CHARGE_SOFTIRQ);
    b->cost += b->mover.spent;
    if (has_more(s, r))
        return;
    s->page = 0;
    s->region++;
}

/* Two rounds without a victim, or nothing left that could be one. */
static bool
in_vain(const struct batch *b)
{
    const struct kswapd *s = b->from;

    return s->in_vain > 2 * used_pages(&b->k->mm->nodes[s->node]);
}

/* How long it took; b->freed says what it gained. */
static sim_time
shrink_node(struct batch *b)
{
    struct kernel *k = b->k;
    struct kswapd *s = b->from;
    uint32_t passed = 0;

    b->target = next_demotion_node(k, s->node);
    while (passed <= k->mm->nr_regions && b->units < BATCH && b->looks < LOOKS && !in_vain(b)) {
        s->region = s->region < k->mm->nr_regions ? s->region : 0;
        uint32_t before = s->region;

        scan_region(b, k->mm->regions[before]);
        passed += s->region != before;
    }
    if (b->looks == 0)
        s->in_vain = UINT64_MAX;
    sim_time looked = b->looks * k->params.cost.reclaim_look;
    charge(k, b->cpu, looked, b->p != NULL ? CHARGE_TASK : CHARGE_SOFTIRQ);
    return b->cost + looked;
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

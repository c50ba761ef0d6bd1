/* khugepaged and its rules: see khugepaged.h. */
#include "kernel/khugepaged.h"

#include "kernel/charge.h"
#include "kernel/lru_batch.h"
#include "kernel/page_alloc.h"
#include "kernel/reclaim_age.h"
#include "kernel/region.h"
#include "kernel/rq.h"

struct khugepaged {
    struct event ev;
    struct kernel *k;
    bool awake;        /* it will look again */
    uint64_t switches; /* of the machine, when it looked last */
    uint32_t process;  /* where it goes on: a process, and an address in it */
    uint64_t address;
    uint64_t fruitless; /* pages looked at since there was anything small */
};

/* What a look at a chunk finds. */
struct look {
    uint64_t count[NODE_MAX], absent, swapped;
};

/* ---- one chunk ---- */

static struct look
look_at(const struct region *r, uint64_t first)
{
    struct look l = { .absent = CHUNK_PAGES };

    r->ops->count(r, first, CHUNK_PAGES, l.count);
    for (uint32_t n = 0; n < NODE_MAX; n++)
        l.absent -= l.count[n];
    l.swapped = swap_pages_in(r, first, CHUNK_PAGES);
    l.absent -= l.swapped;
    return l;
}

static bool
any_waits(const struct kernel *k, const struct region *r, uint64_t first)
{
    for (uint64_t page = first; page < first + CHUNK_PAGES; page++)
        if (lru_on_batch(k, r, page))
            return true;
    return false;
}

/* What the daemon asks beside what anybody does. */
static const char *
daemon_refuses(struct kernel *k, struct region *r, uint64_t first, const struct look *l)
{
    const struct khugepaged_params *kp = &k->params.mm.khugepaged;
    uint32_t used = 0;

    if (l->swapped > kp->max_ptes_swap)
        return "exceed_swap_pte";
    if (l->absent > kp->max_ptes_none)
        return "exceed_none_pte";
    for (uint64_t page = first; page < first + CHUNK_PAGES; page++) {
        int node;

        r->ops->look(r->maps, page, &node);
        used += node >= 0 && page_referenced(k, r, page, 1);
    }
    if (used == 0 || (l->swapped > 0 && used < CHUNK_PAGES / 2))
        return "lack_referenced_page";
    return NULL;
}

/* hpage_collapse_find_target_node() and the walk behind it: of the nodes that have most, the first
 * in the order of the first that has a huge page; -1: none. */
static int
target_node(struct kernel *k, const struct look *l)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    uint64_t most = 0;
    nodemask nodes = 0;

    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        most = SIM_MAX(most, l->count[n]);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        nodes |= l->count[n] == most ? NODE_BIT(n) : 0;
    struct page_walk w = page_walk_for(k, NULL, &local, __builtin_ctzll(nodes), 0, 1);
    page_walk_huge(&w);
    w.start_only = false;
    w.allowed = nodes;
    int node = page_walk_find(k, &w);
    if (node >= 0)
        page_walk_take(k, &w, node, 1);
    return node;
}

static sim_time
copy_cost(const struct kernel *k, uint64_t pages, uint64_t absent)
{
    const struct cost_params *c = &k->params.cost;

    return c->page_migration_huge + mul_div_u64(pages * PAGE_4K, 1000000000u, c->copy_bandwidth) +
           mul_div_u64(absent * PAGE_4K, 1000000000u, c->zero_bandwidth);
}

static void
do_collapse(struct kernel *k, struct region *r, uint64_t first, const struct look *l, int node)
{
    uint64_t swapped = swap_in(k, r, first, CHUNK_PAGES);

    if (swapped > 0)
        backing_transfer(k, &k->mm->swap->device, swapped * PAGE_4K);
    for (uint32_t n = 0; n < k->machine->nr_nodes; n++)
        if (l->count[n] > 0)
            mm_copied(k, (int)n, node, l->count[n] * PAGE_4K);
    k->mm->nodes[node].free_pages += CHUNK_PAGES; /* which the collapse takes */
    r->ops->collapse(k, r, first, node);
    k->stats.thp_collapse_alloc++;
    region_changed(k, r, region_slice_of(r, first), CHUNK_PAGES);
    region_all_closer(k, r);
}

const char *
collapse_chunk(struct kernel *k, struct vma *v, uint64_t page, bool daemon, sim_time *cost)
{
    struct region *r = v->map->region;
    uint64_t first = page & ~(uint64_t)(CHUNK_PAGES - 1);

    if (!r->thp || v->kind != VMA_ANON || first < v->first ||
        first + CHUNK_PAGES > v->first + v->nr_pages)
        return "vma_check";
    if (r->ops->nr_huge(r, first, 1) > 0)
        return "pmd_mapped";
    *cost += CHUNK_PAGES * k->params.cost.reclaim_look;
    struct look l = look_at(r, first);
    const char *why = NULL;
    if (l.absent + l.swapped == CHUNK_PAGES)
        return "pmd_null";
    if (daemon)
        why = daemon_refuses(k, r, first, &l);
    if (why == NULL && any_waits(k, r, first))
        why = "page_lru";
    if (why == NULL && !v->writable)
        why = "page_ro";
    if (why != NULL)
        return why;
    int node = target_node(k, &l);
    if (node < 0) {
        k->stats.thp_collapse_alloc_failed++;
        return "alloc_huge_page_fail";
    }
    *cost += copy_cost(k, CHUNK_PAGES - l.absent - l.swapped, l.absent);
    do_collapse(k, r, first, &l, node);
    return NULL;
}

/* ---- the daemon ---- */

static int
daemon_cpu(const struct kernel *k)
{
    for_each_cpu (cpu, k->machine->online)
        if (idle_cpu(k, cpu))
            return cpu;
    return cpumask_first(k->machine->online);
}

/* The next VMA from where it stopped that may have huge pages; NULL: a round is over. */
static struct vma *
next_vma(struct khugepaged *d)
{
    struct kernel *k = d->k;

    for (; d->process < k->nr_processes; d->process++, d->address = 0) {
        struct vma *v = find_vma(k->processes[d->process]->mm, d->address);

        for (; v != NULL; v = v->next)
            if (v->map->region->thp && v->kind == VMA_ANON && thp_allowed(k, v)) {
                d->address = SIM_MAX(d->address, v->start);
                return v;
            }
    }
    d->process = 0;
    d->address = 0;
    return NULL;
}

/* Looks at chunks of a VMA from the stored address on. How many pages; false: no memory. */
static bool
scan_vma(struct khugepaged *d, struct vma *v, uint64_t *left, sim_time *cost)
{
    while (*left > 0 && d->address < vma_end(v)) {
        uint64_t at = div_round_up_u64(d->address, CHUNK_PAGES) * CHUNK_PAGES;

        d->address = at + CHUNK_PAGES;
        if (at + CHUNK_PAGES > vma_end(v)) {
            d->address = vma_end(v);
            break;
        }
        const char *why = collapse_chunk(d->k, v, v->first + (at - v->start), true, cost);
        bool small =
            why == NULL || (strcmp(why, "pmd_mapped") != 0 && strcmp(why, "pmd_null") != 0);
        /* a huge entry is one look, small pages are 512 */
        *left -= SIM_MIN(*left, small ? (uint64_t)CHUNK_PAGES : 1);
        d->fruitless = small ? 0 : d->fruitless + CHUNK_PAGES;
        if (why != NULL && strcmp(why, "alloc_huge_page_fail") == 0)
            return false;
    }
    return true;
}

static uint64_t
resident(const struct kernel *k)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < k->nr_processes; i++)
        pages += k->processes[i]->mm->rss_pages;
    return pages;
}

static void
sleep_until_next(struct khugepaged *d, sim_time pause)
{
    d->awake = true;
    engine_at(&d->k->engine, &d->ev, d->k->engine.now + pause);
}

/* Nobody has run since it looked last, nor does anybody now. */
static bool
all_sleep(struct khugepaged *d)
{
    const struct kernel *k = d->k;
    bool stands = d->switches == k->stats.context_switches;

    d->switches = k->stats.context_switches;
    for (uint32_t cpu = 0; stands && cpu < k->machine->nr_cpus; cpu++)
        stands = k->rqs[cpu].curr == NULL;
    return stands;
}

static void
khugepaged_fire(struct engine *eng, struct event *ev)
{
    struct khugepaged *d = container_of(ev, struct khugepaged, ev);
    struct kernel *k = d->k;
    const struct khugepaged_params *kp = &k->params.mm.khugepaged;
    uint64_t left = kp->pages_to_scan;
    bool memory = true, over = false;
    sim_time cost = 0;
    (void)eng;

    lru_add_drain_all(k);
    while (left > 0 && memory && !over) {
        struct vma *v = next_vma(d);

        over = v == NULL; /* a wake-up goes round once at most */
        if (!over)
            memory = scan_vma(d, v, &left, &cost);
    }
    charge(k, daemon_cpu(k), cost, CHARGE_SOFTIRQ);
    d->awake = false;
    if (d->fruitless > 2 * resident(k))
        return;
    if (all_sleep(d))
        k->mm->khugepaged_dozes = true;
    else
        sleep_until_next(d, memory ? kp->scan_sleep : kp->alloc_sleep);
}

void
khugepaged_enter(struct kernel *k, const struct vma *v)
{
    struct khugepaged *d = k->mm->khugepaged;

    d->fruitless = 0;
    k->mm->khugepaged_dozes = false;
    if (d->awake || !k->params.mm.khugepaged.on || v->kind != VMA_ANON)
        return;
    sleep_until_next(d, k->params.mm.khugepaged.scan_sleep);
}

void
khugepaged_stir(struct kernel *k)
{
    k->mm->khugepaged_dozes = false;
    if (!k->mm->khugepaged->awake)
        sleep_until_next(k->mm->khugepaged, k->params.mm.khugepaged.scan_sleep);
}

void
khugepaged_init(struct kernel *k)
{
    struct khugepaged *d = k->mm->khugepaged = arena_new_object(k->arena, struct khugepaged);

    d->k = k;
    event_init(&k->engine, &d->ev, EVENT_KHUGEPAGED, 0, PHASE_BALANCE, khugepaged_fire);
}

/* layer: kernel */
#include "memory_kit.h"

#include "kernel/mempolicy.h"
#include "kernel/page_alloc.h"
#include "kernel/reclaim_age.h"
#include "kernel/vma.h"
#include "kernel/vmscan.h"

enum { SLOW = 1, NODE_PAGES = 16384 /* 64 MiB */ };

/* A node with two CPUs, and slow ones without, all alike. Of two nodes the machine keeps
 * 1448 kB free, 181 pages a node, and 45 lie between the marks. */
static void
slow_memory(struct kernel_params *kp, struct machine *m)
{
    kp->mm.tier_data = false;
    kp->mm.demotion = true;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        m->nodes[n].mem_bytes = MIB(64);
        if (n < SLOW)
            continue;
        m->nodes[n].kind = MEMORY_CXL;
        for_each_cpu (cpu, m->nodes[n].cpus) {
            m->cpus[cpu].present = m->cpus[cpu].online = false;
            cpumask_clear(m->present, (uint32_t)cpu);
            cpumask_clear(m->online, (uint32_t)cpu);
        }
        cpumask_zero(m->nodes[n].cpus);
    }
}

static struct fixture
slow_machine(uint32_t nodes)
{
    struct fixture f;

    kit_open(&f, nodes, 2, &fixture_memory, slow_memory);
    return f;
}

/* Pages that nobody uses, on the fast node, but for so many that stay free. */
static struct region *
fill_but(struct fixture *f, uint64_t free_pages)
{
    uint64_t pages = f->k->mm->nodes[0].free_pages - free_pages;
    struct region *r = kit_region(f, "cold", pages * PAGE_4K, 1);
    struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };

    region_populate(f->k, r, 0, pages, &bind, 0);
    assert_int_equal(f->k->mm->nodes[0].free_pages, free_pages);
    return r;
}

static void
assert_sane(struct fixture *f)
{
    const char *why = mm_check(f->k);

    if (why != NULL)
        fail_msg("%s", why);
}

/* A walk that finds none of its nodes above low wakes it (one that goes on to the slow node does
 * not), and it stops above high: at the end of a batch. */
static void
kswapd_demotes_from_low_to_high(void **state)
{
    static const struct mempolicy local = { .mode = MPOL_LOCAL };
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    struct fixture f = slow_machine(2);
    struct mm_node *n = &f.k->mm->nodes[0];
    struct region *r = kit_region(&f, "r", 3 * PAGE_4K, 1);

    (void)state;
    fixture_hog(&f, "p", 0); /* the run is not over */
    fill_but(&f, n->low_watermark + 1);
    region_populate(f.k, r, 0, 1, &bind, 0); /* the last above low */
    region_populate(f.k, r, 1, 1, &local, 0);
    fixture_run(&f, MSEC(1));
    assert_int_equal(region_whole(r)->count[SLOW], 1);
    assert_int_equal(f.k->stats.pgdemote_kswapd, 0);
    region_populate(f.k, r, 2, 1, &bind, 0);
    fixture_run(&f, MSEC(10));
    assert_in_range(n->free_pages, n->high_watermark + 1, n->high_watermark + 32);
    assert_int_equal(f.k->stats.pgdemote_kswapd, n->free_pages - n->low_watermark + 1);
    assert_int_equal(n->pgdemote_kswapd, f.k->stats.pgdemote_kswapd);
    assert_int_equal(f.k->stats.pgmigrate_success, f.k->stats.pgdemote_kswapd);
    assert_int_equal(f.k->stats.pgdemote_direct, 0);
    assert_int_equal(f.k->stats.pgsteal_kswapd, f.k->stats.pgdemote_kswapd);
    assert_int_equal(f.k->stats.pgsteal_anon, f.k->stats.pgdemote_kswapd);
    assert_int_equal(f.k->stats.pgsteal_file, 0);
    assert_sane(&f);
    fixture_close(&f);
}

/* numa_balancing=2 asks for more room: up to promo. */
static void
with_tiering_it_goes_on_to_promo(void **state)
{
    struct fixture f = slow_machine(2);
    struct mm_node *n = &f.k->mm->nodes[0];

    (void)state;
    f.k->params.numa.mode = NUMA_BALANCING_MEMORY_TIERING;
    fixture_hog(&f, "p", 0);
    fill_but(&f, n->high_watermark + 1);
    assert_false(migrate_check_room(f.k, 0, 1)); /* as a fault asks: this wakes it */
    fixture_run(&f, MSEC(10));
    assert_in_range(n->free_pages, n->promo_watermark + 1, n->promo_watermark + 32);
    assert_sane(&f);
    fixture_close(&f);
}

static void
without_demotion_nothing_is_reclaimed(void **state)
{
    struct fixture f = slow_machine(2);
    struct mm_node *n = &f.k->mm->nodes[0];

    (void)state;
    f.k->params.mm.demotion = false;
    fixture_hog(&f, "p", 0);
    fill_but(&f, n->low_watermark);
    wakeup_kswapd(f.k, 0);
    fixture_run(&f, MSEC(10));
    assert_int_equal(n->free_pages, n->low_watermark);
    fixture_close(&f);
}

/* Its target is at its minimum: the rest goes to the other slow node, and when that is full as
 * well, kswapd gives up instead of going round for ever. */
static void
victims_go_on_to_any_slower_node(void **state)
{
    struct fixture f = slow_machine(3);
    struct mm_node *n = f.k->mm->nodes;
    struct mempolicy slow = { .mode = MPOL_BIND, .nodes = 0x6 };

    (void)state;
    fixture_hog(&f, "p", 0);
    uint64_t rest = n[1].free_pages + n[2].free_pages - 2 * n[1].min_watermark - 20;
    struct region *r = kit_region(&f, "slow", rest * PAGE_4K, 1);
    region_populate(f.k, r, 0, rest, &slow, 1);
    fill_but(&f, n[0].low_watermark);
    wakeup_kswapd(f.k, 0);
    fixture_run(&f, MSEC(500));
    assert_int_equal(f.k->stats.pgdemote_kswapd, 20);
    assert_int_equal(n[1].free_pages, n[1].min_watermark);
    assert_int_equal(n[2].free_pages, n[2].min_watermark);
    assert_sane(&f);
    fixture_close(&f);
}

/* A task that may only use the full node makes room by itself, and nobody is killed. */
static void
a_bound_task_reclaims_for_itself(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    struct fixture f = slow_machine(2);
    struct mm_node *n = &f.k->mm->nodes[0];
    int node;

    (void)state;
    struct task *p = fixture_hog(&f, "p", 0);
    fill_but(&f, n->min_watermark);
    assert_int_equal(alloc_pages(f.k, p, &bind, 0, 0, false, 1, &node), 1);
    assert_int_equal(node, 0);
    assert_int_equal(f.k->stats.pgdemote_direct, 32);
    assert_int_equal(f.k->stats.oom_kill, 0);
    fixture_close(&f);
}

/* One visit a page is expected: 1 - 1/e of the pages had one, 2589 of 4096; sigma is 31. Nobody has
 * come by since. */
static void
pages_are_found_accessed_by_chance(void **state)
{
    enum { PAGES = 4096 };
    struct fixture f = slow_machine(2);
    struct region *r = kit_region(&f, "r", PAGES * PAGE_4K, 1);
    uint32_t accessed = 0, again = 0;

    (void)state;
    r->groups[0].visits = (uint64_t)4096 * PAGES;
    for (uint64_t i = 0; i < PAGES; i++)
        accessed += page_referenced(f.k, r, i, 1);
    for (uint64_t i = 0; i < PAGES; i++)
        again += page_referenced(f.k, r, i, 1);
    assert_in_range(accessed, 2589 - 124, 2589 + 124);
    assert_int_equal(again, 0);
    fixture_close(&f);
}

/* A thread that draws from a region all the time keeps it on the fast node, while what it does not
 * use goes. */
static void
what_is_used_stays(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    struct fixture f = slow_machine(2);
    struct region *hot = kit_region(&f, "hot", 1024 * PAGE_4K, 1);
    struct burst_use use = {
        .region = hot, .slice = REGION_WHOLE, .weight = 1, .pattern = ACCESS_RANDOM
    };
    struct burst_profile *profile = kit_profile(&f, hot, REGION_WHOLE, 100, 0);

    (void)state;
    kit_populate(&f, hot, 0);
    profile->uses = &use;
    struct region *cold = fill_but(&f, f.k->mm->nodes[0].high_watermark + 1);
    task_start(f.k, kit_task(&f, "0", profile, SEC(1)), NULL);
    fixture_run(&f, MSEC(100)); /* 10000 accesses a page */
    struct region *more = kit_region(&f, "more", 8192 * PAGE_4K, 1);
    for (uint64_t i = 0; i < 256; i++) {
        region_populate(f.k, more, 32 * i, 32, &bind, 0);
        fixture_run(&f, f.k->engine.now + MSEC(1));
    }
    assert_true(f.k->stats.pgdemote_kswapd > 8000);           /* 8192 came */
    assert_in_range(region_whole(hot)->count[0], 1000, 1024); /* the first look has no history */
    assert_true(region_whole(cold)->count[SLOW] > 8000);
    assert_sane(&f);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kswapd_demotes_from_low_to_high),
        cmocka_unit_test(with_tiering_it_goes_on_to_promo),
        cmocka_unit_test(without_demotion_nothing_is_reclaimed),
        cmocka_unit_test(victims_go_on_to_any_slower_node),
        cmocka_unit_test(a_bound_task_reclaims_for_itself),
        cmocka_unit_test(pages_are_found_accessed_by_chance),
        cmocka_unit_test(what_is_used_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

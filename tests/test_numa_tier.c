/* layer: models */
#include "memory_kit.h"

#include "kernel/numa_tier.h"

/* numa-balancing.md 1.17. Node 1 has memory and no CPU, and is of a slower tier. */

enum { RATE = 65536 / 16 }; /* pages a second of the tests' 16 MiB/s */

static void
tiering(struct kernel_params *kp, struct machine *m)
{
    kp->numa.mode = NUMA_BALANCING_MEMORY_TIERING;
    kp->numa.promote_rate_limit = MIB(16);
    m->nodes[0].mem_bytes = GIB(32);
    m->nodes[1].mem_bytes = GIB(32);
}

static void
stage(struct fixture *f)
{
    kit_open(f, 2, 1, &fixture_memory, tiering);
    f->k->mm->nodes[1].tier = f->k->mm->nodes[0].tier + 128;
    f->k->mm->top_tier = f->k->mm->nodes[0].tier;
    f->k->mm->nodes[0].free_pages = 1000; /* no longer much free space */
    task_start(f->k, fixture_hog(f, "p", 0), NULL);
}

/* A fault on a page that was marked at `marked_ms`, seen at `ms`. */
static struct numa_fault
fault(struct fixture *f, uint64_t marked_ms, uint64_t ms)
{
    struct numa_fault one = { .rq = &f->k->rqs[0], .p = f->k->tasks[0], .src = 1, .np = 1 };

    f->k->engine.now = MSEC(marked_ms);
    one.tag = numa_access_time(f->k);
    f->k->engine.now = MSEC(ms);
    return one;
}

static void
only_slow_pages_have_times(void **state)
{
    struct fixture f;

    (void)state;
    stage(&f);
    assert_true(numa_uses_access_time(f.k, 1));
    assert_false(numa_uses_access_time(f.k, 0));
    f.k->params.numa.mode = NUMA_BALANCING_NORMAL;
    assert_false(numa_uses_access_time(f.k, 1));
    fixture_close(&f);
}

/* The default threshold is a second; the time of the fault replaces that of the mark. */
static void
pages_that_fault_soon_are_hot(void **state)
{
    static const struct {
        uint64_t marked, now;
        bool hot;
    } rows[] = { { 5000, 5996, true }, { 5000, 6000, false }, { 5000, 9000, false } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;

        stage(&f);
        struct numa_fault one = fault(&f, rows[i].marked, rows[i].now);
        assert_int_equal(should_numa_migrate_memory(f.k, &one), rows[i].hot);
        assert_int_equal(one.tag, numa_access_time(f.k));
        assert_int_equal(f.k->stats.pgpromote_candidate, rows[i].hot);
        fixture_close(&f);
    }
}

/* Times are kept in 21 bits of ms, about 35 minutes: latency goes around with them. */
static void
latency_goes_round_with_the_clock(void **state)
{
    struct fixture f;

    (void)state;
    stage(&f);
    struct numa_fault one = fault(&f, 2097152 - 52, 2097152 + 448);
    assert_true(should_numa_migrate_memory(f.k, &one));
    one = fault(&f, 4000, 4000 + 2097152 + 100);
    assert_true(should_numa_migrate_memory(f.k, &one));
    fixture_close(&f);
}

/* free > promo mark + max(1 GiB, 1/16 of the node): everything moves up, and nothing is counted. */
static void
much_free_space_needs_no_heat(void **state)
{
    struct fixture f;

    (void)state;
    stage(&f);
    struct mm_node *n = &f.k->mm->nodes[0];
    n->free_pages = n->promo_watermark + GIB(2) / PAGE_4K;
    struct numa_fault one = fault(&f, 5000, 60000);
    assert_false(should_numa_migrate_memory(f.k, &one));
    f.k->numa->tiers[0].threshold = 300;
    n->free_pages++;
    assert_true(should_numa_migrate_memory(f.k, &one));
    assert_string_equal(one.rule, "promote_free_space");
    assert_int_equal(f.k->numa->tiers[0].threshold, 0);
    assert_int_equal(f.k->stats.pgpromote_candidate, 0);
    f.k->params.numa.quirks &= ~((uint64_t)1 << NUMA_QUIRK_CANDIDATES_HOT);
    assert_true(should_numa_migrate_memory(f.k, &one));
    assert_int_equal(f.k->stats.pgpromote_candidate, 1);
    fixture_close(&f);
}

/* A second's candidates are limited; the one that begins a second is part of its base. */
static void
promotions_are_limited_by_the_second(void **state)
{
    struct fixture f;
    uint32_t promoted = 0;

    (void)state;
    stage(&f);
    for (uint32_t i = 0; i < 2 * RATE; i++) {
        struct numa_fault one = fault(&f, 4900, 5000);
        promoted += should_numa_migrate_memory(f.k, &one);
    }
    assert_int_equal(promoted, RATE);
    assert_int_equal(f.k->stats.pgpromote_candidate, 2 * RATE);
    struct numa_fault one = fault(&f, 5900, 6000);
    assert_false(
        should_numa_migrate_memory(f.k, &one)); /* exactly a second later: still this one */
    one = fault(&f, 5900, 6004);
    assert_true(should_numa_migrate_memory(f.k, &one));
    fixture_close(&f);
}

/* Every scan_period_max (60 s) by an eighth of the default: 125 ms. */
static void
the_threshold_follows_the_candidates(void **state)
{
    static const struct {
        uint64_t before, candidates, after;
    } rows[] = {
        { 0, (uint64_t)RATE * 60 * 11 / 10 + 1, 875 },
        { 0, (uint64_t)RATE * 60, 0 },
        { 0, (uint64_t)RATE * 60 * 9 / 10 - 1, 1125 },
        { 125, (uint64_t)RATE * 120, 125 },
        { 2000, 0, 2000 },
        { 1937, 0, 2000 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;

        stage(&f);
        struct numa_tier_node *t = &f.k->numa->tiers[0];
        t->threshold = rows[i].before;
        t->candidates = rows[i].candidates;
        struct numa_fault one = fault(&f, 1000, 60004); /* cold, so that it is no candidate */
        assert_false(should_numa_migrate_memory(f.k, &one));
        uint64_t expected = rows[i].after ? rows[i].after : 1000; /* stored, default or not */
        assert_int_equal(t->threshold, expected);
        assert_int_equal(t->th_candidates, rows[i].candidates);
        fixture_close(&f);
    }
}

static void
normal(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
}

/* Without tiering a page of a slow node has a tag, too, but one that names no CPU may be a time
 * from when tiering was on, and so may one that is unset (cpupid_valid: all its bits are set). The
 * first fault leaves the page where it is and counts in no statistics of the task, but sets the
 * tag; the second finds a private page. On a node of the top tier the first fault moves it. */
static void
the_first_fault_on_a_slow_page_only_sets_its_tag(void **state)
{
    (void)state;
    for (uint32_t slower = 0; slower < 2; slower++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, normal);
        f.k->mm->nodes[1].tier = f.k->mm->nodes[0].tier + 128 * slower;
        f.k->mm->top_tier = f.k->mm->nodes[0].tier;
        struct task *p = fixture_hog(&f, "p", 0);
        task_start(f.k, p, NULL);
        struct region *r = kit_region(&f, "r", 4 * PAGE_4K, 1);
        kit_populate(&f, r, 1);
        for (uint32_t fault = 0; fault < 2; fault++) {
            bool moves = fault == slower;

            kit_mark(r->maps, 0, 4);
            numa_fault_pages(f.k, &f.k->rqs[0], p, r->maps->vmas[0],
                             (struct page_stretch){ .at = 0, .end = 4 });
            assert_int_equal(region_whole(r)->count[0], fault >= slower ? 4 : 0);
            assert_int_equal(p->numa->pages_migrated, fault >= slower ? 4 : 0);
            assert_int_equal(f.k->stats.numa_hint_faults, 4 * (fault + 1));
            if (fault == 0)
                assert_int_equal(p->numa->locality[NUMA_REMOTE], moves ? 4 : 0);
        }
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_slow_pages_have_times),
        cmocka_unit_test(pages_that_fault_soon_are_hot),
        cmocka_unit_test(latency_goes_round_with_the_clock),
        cmocka_unit_test(much_free_space_needs_no_heat),
        cmocka_unit_test(promotions_are_limited_by_the_second),
        cmocka_unit_test(the_threshold_follows_the_candidates),
        cmocka_unit_test(the_first_fault_on_a_slow_page_only_sets_its_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
/* The exact representation of pages, against an array of plain pages, and huge pages. */
#include "kernel/page_set.h"
#include "memory_kit.h"

#include "kernel/numa_quirks.h"
#include "kernel/region.h"

enum { NODES = 3 };

/* What a page should be. */
struct plain {
    int8_t node; /* -1: not there */
    bool marked, own;
    uint32_t tag;
};

struct both {
    struct fixture f;
    struct region *r;
    struct mapping *m[2]; /* of two processes */
    struct plain *pages;
    uint64_t nr;
    struct rng rng;
};

static uint64_t
draw(struct both *b, uint64_t n)
{
    return rng_below(&b->rng, n);
}

static bool *
mark_of(struct both *b, int which, uint64_t page)
{
    return which == 0 ? &b->pages[page].marked : &b->pages[page].own;
}

static void
compare(struct both *b)
{
    for (uint64_t i = 0; i < b->nr; i++) {
        uint32_t word = page_word(b->r, i);
        int node = word == PAGE_NOWHERE ? -1 : page_node(word);

        if (node != b->pages[i].node ||
            (node >= 0 && (word >> PAGE_TAG_SHIFT) != b->pages[i].tag) ||
            kit_marked(b->m[0], i) != b->pages[i].marked ||
            kit_marked(b->m[1], i) != b->pages[i].own)
            fail_msg("page %llu is another", (unsigned long long)i);
    }
    const char *why = b->r->ops->check(b->f.k, b->r);
    if (why != NULL)
        fail_msg("%s", why);
}

static void
claim_some(struct both *b)
{
    uint64_t first = draw(b, b->nr), n = 1 + draw(b, 700), page;
    struct page_stretch st = { .at = first, .end = SIM_MIN(first + n, b->nr) };
    int node = (int)draw(b, NODES);

    while ((n = b->r->ops->absent_run(b->m[0], &st, &page)) > 0) {
        b->f.k->mm->nodes[node].free_pages -= n;
        b->r->ops->claim(b->f.k, b->r, page, n, node, false);
        for (uint64_t i = page; i < page + n; i++)
            b->pages[i] = (struct plain){ .node = (int8_t)node };
    }
}

static void
mark_some(struct both *b)
{
    uint64_t first = draw(b, b->nr), end = first + 1 + draw(b, b->nr - first), huge = 0, n = 0;
    struct mark_how how = { .skip_node = (int)draw(b, 4) - 1, .skip_huge_node = -1 };
    int which = (int)draw(b, 2);

    if (draw(b, 4) == 0) {
        how.timed = 2;
        how.time = 77;
    }
    uint64_t marked = b->r->ops->mark(b->m[which], first, end, &how, &huge);
    for (uint64_t i = first; i < end; i++) {
        struct plain *p = &b->pages[i];
        if (p->node < 0 || p->node == how.skip_node || *mark_of(b, which, i))
            continue;
        *mark_of(b, which, i) = true;
        p->tag = how.timed >> p->node & 1 ? how.time : p->tag;
        n++;
    }
    assert_int_equal(marked, n);
    assert_int_equal(huge, 0);
}

static void
fault_some(struct both *b)
{
    uint64_t first = draw(b, b->nr), end = first + 1 + draw(b, 600);
    struct page_stretch st = { .at = first, .end = SIM_MIN(end, b->nr) };
    int which = (int)draw(b, 2), to = (int)draw(b, NODES);
    struct page_unit u;

    while (b->r->ops->marked_unit(b->m[which], &st, &u)) {
        uint32_t nr = 1 + (uint32_t)draw(b, u.nr), tag = (uint32_t)draw(b, 3);
        int node = draw(b, 2) ? to : u.node;

        for (uint64_t i = u.first; i < u.first + u.nr; i++) {
            struct plain *p = &b->pages[i];
            if (!*mark_of(b, which, i) || p->node != u.node || p->tag != u.tag)
                fail_msg("page %llu is not of its unit", (unsigned long long)i);
            if (i >= u.first + nr)
                continue;
            if (node != p->node)
                p->marked = p->own = false;
            *mark_of(b, which, i) = false;
            p->node = (int8_t)node;
            p->tag = tag;
        }
        b->r->ops->settle(b->f.k, b->m[which], &u, nr, node, tag);
    }
}

static void
move_some(struct both *b)
{
    uint64_t first = draw(b, b->nr), n = 1 + draw(b, b->nr - first), most = draw(b, 800);
    int from = (int)draw(b, NODES + 1) - 1, to = (int)draw(b, NODES);
    uint64_t moved = b->r->ops->move(b->f.k, b->r, first, n, from, to, most), expected = 0;

    for (uint64_t i = first; i < first + n && expected < most; i++) {
        struct plain *p = &b->pages[i];
        if (p->node < 0 || p->node == to || (from >= 0 && p->node != from))
            continue;
        p->node = (int8_t)to;
        p->marked = p->own = false;
        expected++;
    }
    assert_int_equal(moved, expected);
}

static void
look_at_some(struct both *b)
{
    uint64_t first = draw(b, b->nr), n = 1 + draw(b, b->nr - first), want = first + n;
    int which = (int)draw(b, 2);

    for (uint64_t i = first + n; i-- > first;)
        if (b->pages[i].node < 0 || *mark_of(b, which, i))
            want = i;
    assert_int_equal(b->r->ops->next(b->m[which], first, first + n), want);
    if (want == first + n)
        return;
    uint64_t page = page_set_draw(b->m[which], first, n, &b->rng);
    assert_in_range(page, first, first + n - 1);
    assert_true(b->pages[page].node < 0 || *mark_of(b, which, page));
}

static void
pages_do_as_plain_ones_would(void **state)
{
    static void (*const steps[])(struct both *) = { claim_some, mark_some,    mark_some,
                                                    fault_some, look_at_some, move_some };

    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct both b = { .nr = 1300 + seed };

        kit_open(&b.f, NODES, 1, &fixture_memory, NULL);
        struct process *other = process_new(b.f.k, "other", NULL);
        rng_init(&b.rng, seed, "pages", 0);
        b.r = region_new(b.f.k, b.f.process->mm,
                         &(struct region_attr){ .name = "r",
                                                .bytes = b.nr * PAGE_4K,
                                                .page_size = seed % 2 ? PAGE_2M : PAGE_4K,
                                                .sharing = REGION_GLOBAL,
                                                .owner = -1,
                                                .nr_slices = seed % 3 ? 1 + seed : 1 });
        b.m[0] = region_map(b.f.k, b.r, b.f.process->mm);
        b.m[1] = region_map(b.f.k, b.r, other->mm);
        b.pages = arena_new_array(b.f.arena, struct plain, b.nr);
        for (uint64_t i = 0; i < b.nr; i++)
            b.pages[i].node = -1;
        for (int i = 0; i < 300; i++) {
            steps[draw(&b, ARRAY_LEN(steps))](&b);
            compare(&b);
            assert_null(mm_check(b.f.k));
        }
        region_unmap(b.f.k, b.r);
        for (uint64_t i = 0; i < b.nr; i++)
            b.pages[i] = (struct plain){ .node = -1 };
        compare(&b);
        fixture_close(&b.f);
    }
}

/* Chances are equal: 4 of 2048 pages, each drawn 1000 of 4000 times, 27 being one deviation. */
static void
few_pages_are_drawn_with_equal_chances(void **state)
{
    static const uint64_t marked[] = { 3, 700, 701, 1900 };
    uint32_t hits[4] = { 0 };
    struct fixture f;
    struct rng rng;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "r", 2048ull * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    rng_init(&rng, 1, "draw", 0);
    for (int i = 0; i < 4; i++)
        kit_mark(r->maps, marked[i], marked[i] + 1);
    for (int i = 0; i < 4000; i++) {
        uint64_t page = page_set_draw(r->maps, 0, r->nr_pages, &rng);
        for (int j = 0; j < 4; j++)
            hits[j] += page == marked[j];
    }
    for (int j = 0; j < 4; j++)
        assert_in_range(hits[j], 880, 1120);
    fixture_close(&f);
}

/* Of the pages that are left of 600 chunks, which sums of sums lead to, those of a slice are drawn,
 * from chunks that others have a part of, too. */
static void
pages_of_a_slice_are_drawn_among_many(void **state)
{
    enum { CHUNKS = 600, SLICES = 7, DRAWS = 4000 };
    static const uint64_t left[] = { 0, 9000, 43900, 43904, 130000, 131071, 307199 };
    struct fixture f;
    struct rng rng;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "r", (uint64_t)CHUNKS * PAGE_2M, SLICES);
    assert_int_equal(r->nr_pages, 307200);
    for (uint64_t i = 0, at = 0; i < ARRAY_LEN(left); at = left[i++] + 1)
        region_populate(f.k, r, at, left[i] - at, &(struct mempolicy){ .mode = MPOL_LOCAL }, 0);
    rng_init(&rng, 1, "draw", 0);
    for (uint32_t slice = 0; slice < SLICES; slice++) {
        uint64_t first = region_slice_first(r, slice), n = region_slice_pages(r, slice);
        uint32_t here = 0, hits = 0, all = 0;

        for (size_t i = 0; i < ARRAY_LEN(left); i++)
            here += left[i] >= first && left[i] < first + n;
        for (size_t i = 0; here > 0 && i < ARRAY_LEN(left); i++, all += hits, hits = 0) {
            for (uint32_t d = 0; d < DRAWS; d++)
                hits += page_set_draw(r->maps, first, n, &rng) == left[i];
            if (hits > 0)
                assert_in_range(hits, DRAWS / here - 120, DRAWS / here + 120);
        }
        assert_true(here == 0 || (all > DRAWS - 250 && all < DRAWS + 250));
    }
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

/* ---- huge pages ---- */

static struct region *
huge_region(struct fixture *f, uint64_t bytes, uint32_t slices)
{
    return region_new(f->k, f->process->mm,
                      &(struct region_attr){ .name = "huge",
                                             .bytes = bytes,
                                             .page_size = PAGE_2M,
                                             .sharing = REGION_SHARED,
                                             .owner = -1,
                                             .nr_slices = slices });
}

/* numa-balancing.md 2.2: the start node has room for one, below its low watermark; the next are
 * small, from where there is more. */
static void
huge_pages_come_from_the_start_node_or_not_at_all(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct mm_node *node = &f.k->mm->nodes[0];
    struct region *r = huge_region(&f, 3 * PAGE_2M + PAGE_4K, 1);
    struct region *fill = kit_region(&f, "fill", GIB(4), 1);
    const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    region_populate(f.k, fill, 0, node->free_pages - node->min_watermark - 700, &bind, 0);
    task_start(f.k, kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 1000, 0), r->nr_pages * 64),
               NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(f.k->stats.thp_fault_alloc, 1);
    assert_true(f.k->stats.thp_fault_fallback >= 1);
    assert_int_equal(r->ops->nr_huge(r, 0, r->nr_pages), 1);
    assert_int_equal(region_whole(r)->unpopulated, 0);
    assert_int_equal(region_whole(r)->count[0], 512);
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

/* A slice ends in the second huge page, which is in both. */
static void
a_slice_may_end_inside_a_huge_page(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = huge_region(&f, 3 * PAGE_2M, 2);
    struct task *p = kit_task(&f, "1", kit_profile(&f, r, 0, 1000, 0), 768 * 64);
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(r->groups[0].count[1], 768);
    assert_int_equal(r->groups[1].count[1], 256);
    assert_int_equal(f.process->mm->rss_pages, 1024);
    assert_int_equal(kit_mark(r->maps, 0, r->nr_pages), 1024);
    assert_int_equal(r->groups[1].marked, 256);
    /* mbind() inside of it: it is split, and its marks stay */
    const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    region_set_policy(f.k, r, 0, 600, &bind);
    assert_int_equal(f.k->stats.thp_split_page, 1);
    assert_int_equal(r->ops->nr_huge(r, 0, r->nr_pages), 1);
    assert_int_equal(region_whole(r)->marked, 1024);
    assert_null(r->ops->check(f.k, r));
    fixture_close(&f);
}

static void
balancing(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
}

static void
repaired(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->numa.quirks &=
        ~((uint64_t)1 << NUMA_QUIRK_THP_LOCAL_MARKS | (uint64_t)1 << NUMA_QUIRK_THP_COUNTS_ONCE);
}

/* Q8: one thread, all local: 4 KiB pages get no mark, huge pages do; Q9: a huge page is one fault,
 * 512 in the fault arrays and in updates. */
static void
huge_pages_fault_also_where_they_are_local(void **state)
{
    (void)state;
    for (int repair = 0; repair < 2; repair++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, repair ? repaired : balancing);
        struct region *huge = huge_region(&f, 2 * PAGE_2M, 1);
        struct region *small = kit_region(&f, "small", PAGE_2M, 1);
        kit_populate(&f, huge, 0);
        kit_populate(&f, small, 0);
        struct task *p = fixture_hog(&f, "p", 0);
        task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
        task_start(f.k, p, NULL);
        engine_run(&f.k->engine, MSEC(1100));
        assert_int_equal(f.k->stats.numa_pte_updates, repair ? 0 : 1024);
        assert_int_equal(f.k->stats.numa_huge_pte_updates, repair ? 0 : 2);
        assert_int_equal(region_whole(small)->marked, 0);

        kit_mark(huge->maps, 0, huge->nr_pages);
        p->numa->migrate_retry = UINT64_MAX;
        numa_fault_pages(f.k, &f.k->rqs[0], p, huge->maps->vmas[0],
                         (struct page_stretch){ .at = 7, .end = 8 });
        assert_int_equal(f.k->stats.numa_hint_faults, repair ? 512 : 1);
        assert_int_equal(f.k->stats.numa_hint_faults_local, repair ? 512 : 1);
        assert_int_equal(numa_faults(f.k, p->numa, NUMA_MEMBUF, 0)[NUMA_PRIVATE], 512);
        assert_int_equal(p->numa->locality[NUMA_LOCAL], 512);
        assert_int_equal(region_whole(huge)->marked, 512);
        fixture_close(&f);
    }
}

/* A huge page moves whole, or, where there is no room for it, not at all. */
static void
a_huge_page_moves_whole(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, balancing);
    struct region *r = huge_region(&f, 2 * PAGE_2M, 1);
    kit_populate(&f, r, 0);
    struct task *p = fixture_hog(&f, "p", 0);
    task_set_affinity(f.k, p, fixture_cpus(&f, "1"));
    task_start(f.k, p, NULL);
    p->numa->migrate_retry = UINT64_MAX;
    kit_mark(r->maps, 0, r->nr_pages);
    struct mm_node *node = &f.k->mm->nodes[1];
    struct region *fill = kit_region(&f, "fill", GIB(4), 1);
    const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 2 };
    region_populate(f.k, fill, 0, node->free_pages - node->high_watermark - 1000, &bind, 1);
    numa_fault_pages(f.k, &f.k->rqs[1], p, r->maps->vmas[0],
                     (struct page_stretch){ .end = r->nr_pages });
    assert_int_equal(region_whole(r)->count[1], 512);
    assert_int_equal(f.k->stats.thp_migration_success, 1);
    assert_int_equal(f.k->stats.numa_pages_migrated, 512);
    assert_int_equal(p->numa->locality[NUMA_FAILED], 512);
    assert_int_equal(region_whole(r)->marked, 0);
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_do_as_plain_ones_would),
        cmocka_unit_test(few_pages_are_drawn_with_equal_chances),
        cmocka_unit_test(pages_of_a_slice_are_drawn_among_many),
        cmocka_unit_test(huge_pages_come_from_the_start_node_or_not_at_all),
        cmocka_unit_test(a_slice_may_end_inside_a_huge_page),
        cmocka_unit_test(huge_pages_fault_also_where_they_are_local),
        cmocka_unit_test(a_huge_page_moves_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
#include "memory_kit.h"

#include "kernel/madvise.h"
#include "kernel/page_alloc.h"
#include "kernel/region.h"

enum { CHUNKS = 4, PAGES = CHUNKS * CHUNK_PAGES };

static uint32_t wanted_thp, wanted_defrag;

static void
machine_wide(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->mm.thp = wanted_thp;
    kp->mm.thp_defrag = wanted_defrag;
    kp->mm.khugepaged.on = false;
}

static void
open_thp(struct fixture *f, enum thp_mode thp, enum thp_defrag defrag)
{
    wanted_thp = thp;
    wanted_defrag = defrag;
    kit_open(f, 2, 1, &fixture_memory, machine_wide);
}

static struct region *
huge_region(struct fixture *f, enum thp_advice advice)
{
    return region_new(f->k, f->process->mm,
                      &(struct region_attr){ .name = "r",
                                             .bytes = (uint64_t)PAGES * PAGE_4K,
                                             .sharing = REGION_SHARED,
                                             .owner = -1,
                                             .page_size = PAGE_2M,
                                             .advice = advice,
                                             .may_get_huge = true });
}

/* Every page once, by a task on CPU 0. */
static struct task *
touch_all(struct fixture *f, struct region *r)
{
    struct task *p = kit_task(f, "0", kit_profile(f, r, REGION_WHOLE, 1000, 256), PAGES * 64);

    task_start(f->k, p, NULL);
    fixture_run(f, f->k->engine.now + SEC(1));
    assert_int_equal(region_whole(r)->unpopulated, 0);
    return p;
}

/* Documentation of the kernel, transhuge: who gets huge pages under which setting. */
static void
the_setting_and_the_advice_say_who_gets_huge_pages(void **state)
{
    static const bool expected[3][3] = {
        [THP_ALWAYS] = { true, true, false },
        [THP_MADVISE] = { false, true, false },
        [THP_NEVER] = { false, false, false },
    };

    (void)state;
    for (uint32_t thp = THP_ALWAYS; thp <= THP_NEVER; thp++)
        for (uint32_t advice = THP_NO_ADVICE; advice <= THP_NOHUGEPAGE; advice++) {
            struct fixture f;

            open_thp(&f, thp, THP_DEFRAG_MADVISE);
            struct region *r = huge_region(&f, advice);
            touch_all(&f, r);
            uint64_t huge = expected[thp][advice] ? CHUNKS : 0;
            assert_int_equal(f.k->stats.thp_fault_alloc, huge);
            assert_int_equal(f.k->stats.thp_fault_fallback, 0);
            assert_int_equal(r->ops->nr_huge(r, 0, PAGES), huge);
            fixture_close(&f);
        }
}

/* A chunk becomes huge only where all of it lies in one VMA that may have huge pages. */
static void
advice_for_a_part_counts_for_the_chunks_inside(void **state)
{
    struct fixture f;

    (void)state;
    open_thp(&f, THP_MADVISE, THP_DEFRAG_MADVISE);
    struct region *r = huge_region(&f, THP_NO_ADVICE);
    assert_null(madvise_pages(f.k, NULL, r, 100, 2 * CHUNK_PAGES, MADV_HUGEPAGE));
    assert_int_equal(r->maps->nr_vmas, 3);
    touch_all(&f, r);
    assert_int_equal(f.k->stats.thp_fault_alloc, 1);
    assert_int_equal(r->ops->nr_huge(r, CHUNK_PAGES, CHUNK_PAGES), 1);
    assert_null(madvise_pages(f.k, NULL, r, 0, PAGES, MADV_NOHUGEPAGE));
    assert_int_equal(r->maps->nr_vmas, 1);
    assert_int_equal(f.k->stats.thp_split_page, 0); /* what is huge stays so */
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

static void
mprotect_of_a_part_splits_the_vma_and_the_huge_page_across(void **state)
{
    struct fixture f;

    (void)state;
    open_thp(&f, THP_ALWAYS, THP_DEFRAG_MADVISE);
    struct region *r = huge_region(&f, THP_NO_ADVICE);
    kit_populate(&f, r, 0);
    region_set_access(f.k, r, 0, CHUNK_PAGES, (struct vma_access){ .readable = true });
    assert_int_equal(f.k->stats.thp_split_page, 0);
    region_set_access(f.k, r, CHUNK_PAGES + 7, 1, (struct vma_access){ .readable = false });
    assert_int_equal(r->maps->nr_vmas, 4);
    assert_int_equal(f.k->stats.thp_split_page, 1);
    assert_false(mapping_allows(r->maps, 0, 1, true));
    assert_true(mapping_allows(r->maps, 0, CHUNK_PAGES + 7, false));
    assert_false(mapping_allows(r->maps, 0, CHUNK_PAGES + 8, false));
    assert_true(mapping_allows(r->maps, CHUNK_PAGES + 8, 1, true));
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

/* Documentation of the kernel, transhuge: defrag. */
static void
defrag_says_who_reclaims_for_a_huge_page(void **state)
{
    static const struct {
        enum thp_defrag defrag;
        struct thp_effort other, asked;
    } cases[] = {
        { THP_DEFRAG_ALWAYS, { true, false }, { true, false } },
        { THP_DEFRAG_DEFER, { false, true }, { false, true } },
        { THP_DEFRAG_DEFER_MADVISE, { false, true }, { true, false } },
        { THP_DEFRAG_MADVISE, { false, false }, { true, false } },
        { THP_DEFRAG_NEVER, { false, false }, { false, false } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;

        open_thp(&f, THP_ALWAYS, cases[i].defrag);
        struct thp_effort other = thp_effort(f.k, huge_region(&f, THP_NO_ADVICE)->maps->vmas[0]);
        struct thp_effort asked = thp_effort(f.k, huge_region(&f, THP_HUGEPAGE)->maps->vmas[0]);
        assert_int_equal(other.reclaims, cases[i].other.reclaims);
        assert_int_equal(other.wakes, cases[i].other.wakes);
        assert_int_equal(asked.reclaims, cases[i].asked.reclaims);
        assert_int_equal(asked.wakes, cases[i].asked.wakes);
        fixture_close(&f);
    }
}

/* numa-balancing.md 2.2: first the start node alone; who may reclaim looks on the others then. */
static void
a_full_node_means_small_pages_or_another_node(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        struct fixture f;

        open_thp(&f, THP_ALWAYS, THP_DEFRAG_MADVISE);
        struct mm_node *full = &f.k->mm->nodes[0];
        uint64_t left = full->min_watermark + CHUNK_PAGES - 1;
        struct region *fill = kit_region(&f, "fill", (full->free_pages - left) * PAGE_4K, 1);
        kit_populate(&f, fill, 0);
        struct region *r = huge_region(&f, asked ? THP_HUGEPAGE : THP_NO_ADVICE);
        touch_all(&f, r);
        assert_int_equal(f.k->stats.thp_fault_alloc, asked ? CHUNKS : 0);
        assert_int_equal(f.k->stats.thp_fault_fallback, asked ? 0 : CHUNKS);
        assert_int_equal(region_whole(r)->count[1], PAGES);
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_setting_and_the_advice_say_who_gets_huge_pages),
        cmocka_unit_test(advice_for_a_part_counts_for_the_chunks_inside),
        cmocka_unit_test(mprotect_of_a_part_splits_the_vma_and_the_huge_page_across),
        cmocka_unit_test(defrag_says_who_reclaims_for_a_huge_page),
        cmocka_unit_test(a_full_node_means_small_pages_or_another_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
#include "memory_kit.h"

#include "kernel/khugepaged.h"
#include "kernel/madvise.h"
#include "kernel/migrate.h"
#include "kernel/region.h"

enum { CHUNKS = 4, PAGES = CHUNKS * CHUNK_PAGES };

static struct khugepaged_params wanted;

static void
daemon_as_wanted(struct kernel_params *kp, struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        m->nodes[i].mem_bytes = MIB(64);
    kp->mm.khugepaged = wanted;
}

/* The defaults of 6.12. */
static const struct khugepaged_params defaults = { .on = true,
                                                   .scan_sleep = SEC(10),
                                                   .alloc_sleep = SEC(60),
                                                   .pages_to_scan = 4096,
                                                   .max_ptes_none = 511,
                                                   .max_ptes_swap = 64 };

static struct region *
open_small(struct fixture *f, const struct khugepaged_params *params)
{
    wanted = *params;
    kit_open(f, 2, 2, &fixture_memory, daemon_as_wanted);
    return region_new(f->k, f->process->mm,
                      &(struct region_attr){ .name = "r",
                                             .bytes = (uint64_t)PAGES * PAGE_4K,
                                             .page_size = PAGE_2M,
                                             .sharing = REGION_SHARED,
                                             .owner = -1 });
}

/* [first, first + n) as small pages of a node. */
static void
small_pages(struct fixture *f, struct region *r, uint64_t first, uint64_t n, int node)
{
    f->k->mm->nodes[node].free_pages -= n;
    r->ops->claim(f->k, r, first, n, node, false);
}

static void
defaults_are_those_of_the_kernel(void **state)
{
    struct arena *a = arena_new();
    struct kernel_params kp;

    (void)state;
    kernel_params_init(&kp, a);
    assert_memory_equal(&kp.mm.khugepaged, &defaults, sizeof(defaults));
    arena_free(a);
}

static const char *
collapse(struct fixture *f, struct region *r, uint64_t page, bool daemon)
{
    sim_time cost = 0;

    return collapse_chunk(f->k, mapping_vma(r->maps, page), page, daemon, &cost);
}

static void
a_chunk_goes_to_the_node_that_has_most_of_it(void **state)
{
    struct fixture f;

    (void)state;
    struct region *r = open_small(&f, &defaults);
    uint64_t free_pages = f.k->mm->nodes[0].free_pages;
    small_pages(&f, r, 0, 200, 0);
    small_pages(&f, r, 200, 300, 1);
    assert_null(collapse(&f, r, 77, false));
    assert_int_equal(r->ops->nr_huge(r, 0, PAGES), 1);
    assert_int_equal(region_whole(r)->count[1], CHUNK_PAGES); /* what was absent is there */
    assert_int_equal(f.process->mm->rss_pages, CHUNK_PAGES);
    assert_int_equal(f.k->mm->nodes[0].free_pages, free_pages);
    assert_int_equal(f.k->mm->nodes[1].free_pages, free_pages - CHUNK_PAGES);
    assert_int_equal(f.k->stats.thp_collapse_alloc, 1);
    assert_string_equal(collapse(&f, r, 0, false), "pmd_mapped");
    assert_string_equal(collapse(&f, r, CHUNK_PAGES, false), "pmd_null");
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

/* hpage_collapse_scan_pmd(), in the words of its trace events. */
static void
the_daemon_has_limits_that_a_call_has_not(void **state)
{
    struct khugepaged_params strict = defaults;
    struct fixture f;

    (void)state;
    strict.max_ptes_none = 255;
    struct region *r = open_small(&f, &strict);
    small_pages(&f, r, 0, 256, 0);
    small_pages(&f, r, CHUNK_PAGES, 257, 0);
    assert_string_equal(collapse(&f, r, 0, true), "exceed_none_pte");
    region_whole(r)->visits += (uint64_t)PAGES * 4096 * 64; /* all were used */
    assert_string_equal(collapse(&f, r, 0, true), "exceed_none_pte");
    assert_null(collapse(&f, r, CHUNK_PAGES, true));
    small_pages(&f, r, 2 * CHUNK_PAGES, CHUNK_PAGES, 0);
    assert_null(collapse(&f, r, 0, false));
    region_set_access(f.k, r, 2 * CHUNK_PAGES, CHUNK_PAGES,
                      (struct vma_access){ .readable = true });
    assert_string_equal(collapse(&f, r, 2 * CHUNK_PAGES, false), "page_ro");
    fixture_close(&f);
}

static void
memory_that_nobody_uses_is_left_alone(void **state)
{
    struct fixture f;

    (void)state;
    struct region *r = open_small(&f, &defaults);
    small_pages(&f, r, 0, CHUNK_PAGES, 0);
    collapse(&f, r, 0, true); /* what was used until now counts once */
    assert_string_equal(collapse(&f, r, 0, true), "lack_referenced_page");
    region_whole(r)->visits += (uint64_t)PAGES * 4096 * 64;
    assert_null(collapse(&f, r, 0, true));
    fixture_close(&f);
}

/* The memory was touched before its program asked for huge pages. Wake-ups are 10 s apart, and 4096
 * pages each. */
static void
it_collapses_what_the_first_touch_could_not(void **state)
{
    struct fixture f;

    (void)state;
    struct region *r = open_small(&f, &defaults);
    region_set_advice(f.k, r, 0, PAGES, THP_NOHUGEPAGE);
    struct burst_profile *profile = kit_profile(&f, r, REGION_WHOLE, 4, 256);
    struct burst_use use = profile->uses[0];
    use.pattern = ACCESS_RANDOM;
    profile->uses = &use;
    struct task *p = kit_task(&f, "0", profile, SEC(100));
    task_start(f.k, p, NULL);
    engine_run(&f.k->engine, SEC(1));
    assert_int_equal(f.k->stats.thp_fault_alloc, 0);
    assert_null(madvise_pages(f.k, p, r, 0, PAGES, MADV_HUGEPAGE));
    engine_run(&f.k->engine, SEC(11));
    assert_int_equal(f.k->stats.thp_collapse_alloc, 0);
    engine_run(&f.k->engine, SEC(11) + 1);
    assert_int_equal(f.k->stats.thp_collapse_alloc, CHUNKS);
    assert_null(kernel_check(f.k));
    fixture_close(&f);
}

/* ---- madvise() ---- */

static void
dontneed_of_a_part_splits_the_huge_page_and_frees_the_part(void **state)
{
    struct fixture f;

    (void)state;
    struct region *r = open_small(&f, &defaults);
    uint64_t all = f.k->mm->nodes[0].free_pages;
    kit_populate(&f, r, 0);
    struct task *p = fixture_hog(&f, "p", 0);
    assert_null(madvise_pages(f.k, p, r, 100, CHUNK_PAGES, MADV_DONTNEED));
    assert_int_equal(f.k->stats.thp_split_page, 2);
    assert_int_equal(f.k->stats.thp_deferred_split_page, 2);
    assert_int_equal(f.k->mm->nodes[0].free_pages, all - PAGES + CHUNK_PAGES);
    assert_int_equal(r->ops->nr_huge(r, 0, PAGES), CHUNKS - 2);
    assert_int_equal(region_next_attention(r->maps, 0, PAGES), 100);
    assert_null(madvise_pages(f.k, p, r, 2 * CHUNK_PAGES, CHUNK_PAGES, MADV_DONTNEED));
    assert_int_equal(f.k->stats.thp_split_page, 2); /* whole: it just goes */
    assert_null(madvise_pages(f.k, p, r, 0, CHUNK_PAGES, MADV_COLLAPSE));
    assert_int_equal(r->ops->nr_huge(r, 0, PAGES), 2);
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

/* migrate_pages_batch(): no room for a huge page, but for some small ones. */
static void
a_call_splits_a_huge_page_that_finds_no_place_as_one(void **state)
{
    struct fixture f;
    uint64_t failed;

    (void)state;
    struct region *r = open_small(&f, &defaults);
    kit_populate(&f, r, 0);
    struct mm_node *n = &f.k->mm->nodes[1];
    struct region *fill =
        kit_region(&f, "fill", (n->free_pages - n->low_watermark - 300) * PAGE_4K, 1);
    kit_populate(&f, fill, 1);
    struct task *p = fixture_hog(&f, "p", 0);
    move_pages(f.k, p, r, 0, CHUNK_PAGES, 1, false, &failed);
    assert_int_equal(f.k->stats.thp_migration_split, 1);
    assert_int_equal(f.k->stats.thp_migration_fail, 1);
    assert_true(region_whole(r)->count[1] >= 300 && region_whole(r)->count[1] < CHUNK_PAGES);
    assert_int_equal(region_whole(r)->count[1] + failed, CHUNK_PAGES);
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_kernel),
        cmocka_unit_test(a_chunk_goes_to_the_node_that_has_most_of_it),
        cmocka_unit_test(the_daemon_has_limits_that_a_call_has_not),
        cmocka_unit_test(memory_that_nobody_uses_is_left_alone),
        cmocka_unit_test(it_collapses_what_the_first_touch_could_not),
        cmocka_unit_test(dontneed_of_a_part_splits_the_huge_page_and_frees_the_part),
        cmocka_unit_test(a_call_splits_a_huge_page_that_finds_no_place_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

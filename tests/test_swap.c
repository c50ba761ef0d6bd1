/* layer: kernel */
#include "memory_kit.h"

#include "kernel/filemap.h"
#include "kernel/region.h"
#include "kernel/swap.h"
#include "kernel/vmscan.h"

enum { MIB_PAGES = 256 };

static uint64_t wanted_swap;
static uint32_t wanted_swappiness;
static uint64_t wanted_exact = GIB(1);

static void
small_nodes(struct kernel_params *kp, struct machine *m)
{
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        m->nodes[i].mem_bytes = MIB(64);
    kp->mm.swap = wanted_swap;
    kp->mm.swappiness = wanted_swappiness;
    kp->mm.exact_limit = wanted_exact;
    kp->mm.swap_device = (struct backing_params){ .latency = USEC(50), .bandwidth = 4096000000 };
    kp->mm.file_device = kp->mm.swap_device;
}

static void
open_swap(struct fixture *f, uint32_t nodes, uint64_t swap, uint32_t swappiness)
{
    wanted_swap = swap;
    wanted_swappiness = swappiness;
    kit_open(f, nodes, 1, &fixture_memory, small_nodes);
}

/* One task walks `rounds` times over more than its machine has. */
static struct task *
walk_over(struct fixture *f, struct region *r, uint64_t rounds)
{
    struct task *p =
        kit_task(f, "0", kit_profile(f, r, REGION_WHOLE, 1000, 256), rounds * r->nr_pages * 64);

    task_start(f->k, p, NULL);
    fixture_run(f, f->k->engine.now + SEC(100));
    return p;
}

static void
what_does_not_fit_goes_to_swap_and_comes_back(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 2; blocks++) {
        struct fixture f;

        wanted_exact = blocks ? 0 : GIB(1);
        open_swap(&f, 1, MIB(64), 60);
        struct region *r = kit_region(&f, "r", MIB(96), 2);
        assert_string_equal(r->ops->name, blocks ? "block" : "exact");
        struct task *p = walk_over(&f, r, 2);
        const struct kernel_stats *s = &f.k->stats;
        assert_int_equal(p->state, TASK_DEAD);
        assert_int_equal(s->oom_kill, 0);
        /* a walk finds none of its pages a round later */
        assert_true(s->pswpin >= 32 * MIB_PAGES && s->pswpin <= 96 * MIB_PAGES);
        assert_int_equal(s->pgmajfault, s->pswpin);
        assert_int_equal(s->pgsteal_anon, s->pswpout);
        assert_int_equal(s->pgsteal_kswapd + s->pgsteal_direct, s->pswpout);
        assert_int_equal(s->pswpout - s->pswpin, swap_pages(r));
        uint64_t all = region_group_populated(region_whole(r)) + swap_pages(r);
        /* of a block's absent pages, which are in swap is not known: some that were never touched
         * have been taken for such */
        assert_true(all <= r->nr_pages && all >= r->nr_pages - (blocks ? r->nr_pages / 50 : 0));
        assert_true(p->stats.io_wait_ns >= s->pswpin * 1000); /* 4 KiB at 4.096 GB/s */
        assert_null(swap_check(f.k));
        region_unmap(f.k, r);
        assert_int_equal(f.k->mm->swap->free, 64 * MIB_PAGES);
        fixture_close(&f);
    }
    wanted_exact = GIB(1);
}

static void
without_room_in_swap_somebody_is_killed(void **state)
{
    struct fixture f;

    (void)state;
    open_swap(&f, 1, MIB(16), 60);
    struct region *r = kit_region(&f, "r", MIB(96), 1);
    walk_over(&f, r, 1);
    assert_int_equal(f.k->stats.oom_kill, 1);
    assert_true(f.k->stats.pswpout - f.k->stats.pswpin <= 16 * MIB_PAGES);
    fixture_close(&f);
}

/* A huge page goes whole, and comes back in small ones. */
static void
a_huge_page_goes_to_swap_whole(void **state)
{
    struct fixture f;

    (void)state;
    open_swap(&f, 1, MIB(8), 60);
    struct region *r = region_new(f.k, f.process->mm,
                                  &(struct region_attr){ .name = "r",
                                                         .bytes = MIB(8),
                                                         .page_size = PAGE_2M,
                                                         .sharing = REGION_SHARED,
                                                         .owner = -1 });
    kit_populate(&f, r, 0);
    uint64_t before = f.k->mm->nodes[0].free_pages;
    swap_out(f.k, r, 700, CHUNK_PAGES);
    assert_int_equal(f.k->mm->nodes[0].free_pages, before + CHUNK_PAGES);
    assert_int_equal(f.k->stats.thp_swpout, 1);
    assert_int_equal(f.k->stats.pswpout, CHUNK_PAGES);
    assert_int_equal(swap_pages_in(r, CHUNK_PAGES, CHUNK_PAGES), CHUNK_PAGES);
    assert_int_equal(r->ops->nr_huge(r, 0, r->nr_pages), 3);
    assert_null(mm_check(f.k));
    fixture_close(&f);
}

/* Neither is used again, so age says nothing: with the parts of vm.swappiness. */
static void
swappiness_says_whose_pages_go(void **state)
{
    static const struct {
        uint32_t swappiness;
        double anon; /* part of what goes */
    } cases[] = { { 0, 0 }, { 60, 0.3 }, { 100, 0.5 }, { 200, 1 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;

        open_swap(&f, 1, MIB(64), cases[i].swappiness);
        struct region *old = kit_region(&f, "old", MIB(28), 1);
        struct region *file = region_new(f.k, f.process->mm,
                                         &(struct region_attr){ .name = "file",
                                                                .bytes = MIB(28),
                                                                .sharing = REGION_SHARED,
                                                                .owner = -1,
                                                                .kind = VMA_FILE });
        kit_populate(&f, old, 0);
        kit_populate(&f, file, 0);
        walk_over(&f, kit_region(&f, "new", MIB(24), 1), 1);
        const struct kernel_stats *s = &f.k->stats;
        double anon = (double)s->pgsteal_anon / (double)(s->pgsteal_anon + s->pgsteal_file);
        assert_true(s->pgsteal_anon + s->pgsteal_file > 14 * MIB_PAGES);
        assert_true(anon > cases[i].anon - 0.08 && anon < cases[i].anon + 0.08);
        fixture_close(&f);
    }
}

/* Without swap the page cache makes room, and nothing else does. */
static void
files_make_room_without_swap(void **state)
{
    struct fixture f;

    (void)state;
    open_swap(&f, 1, 0, 60);
    struct region *file = region_new(f.k, f.process->mm,
                                     &(struct region_attr){ .name = "file",
                                                            .bytes = MIB(48),
                                                            .sharing = REGION_GLOBAL,
                                                            .owner = -1,
                                                            .kind = VMA_FILE,
                                                            .unmapped = true });
    struct region *own = kit_region(&f, "own", MIB(32), 1);
    kit_populate(&f, file, 0);
    walk_over(&f, own, 1);
    assert_int_equal(f.k->stats.oom_kill, 0);
    assert_int_equal(f.k->stats.pgsteal_anon, 0);
    assert_true(f.k->stats.pgsteal_file >= 16 * MIB_PAGES);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_goes_to_swap_and_comes_back),
        cmocka_unit_test(without_room_in_swap_somebody_is_killed),
        cmocka_unit_test(a_huge_page_goes_to_swap_whole),
        cmocka_unit_test(swappiness_says_whose_pages_go),
        cmocka_unit_test(files_make_room_without_swap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: models */
#include "numa_kit.h"

#include "kernel/filemap.h"
#include "kernel/mempolicy.h"
#include "kernel/region.h"

enum { PAGES = 1024, WINDOW = 32 };

static struct region *
file_of(struct fixture *f, const struct region_attr *attr)
{
    struct region_attr a = *attr;

    a.name = "file";
    a.bytes = (uint64_t)PAGES * PAGE_4K;
    a.owner = -1;
    a.kind = VMA_FILE;
    return region_new(f->k, f->process->mm, &a);
}

static void
run_over(struct fixture *f, struct region *r, const char *cpus, uint32_t write_q8)
{
    task_start(f->k, kit_task(f, cpus, kit_profile(f, r, REGION_WHOLE, 1000, write_q8), PAGES * 64),
               NULL);
    fixture_run(f, f->k->engine.now + SEC(1));
}

static void
drive(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->mm.file_device = (struct backing_params){ .latency = USEC(100), .bandwidth = 1024000000 };
    kp->mm.readahead = WINDOW * PAGE_4K;
}

/* numa-balancing.md 2.1: by who brings the page in, by task policy only. */
static void
a_page_is_on_the_node_of_who_reads_it_first_whatever_the_mapping_says(void **state)
{
    static const struct mempolicy bind = { .mode = MPOL_BIND, .nodes = 1 };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, drive);
    struct region *r = file_of(&f, &(struct region_attr){ .sharing = REGION_SHARED });
    region_set_policy(f.k, r, 0, PAGES, &bind);
    run_over(&f, r, "1", 0);
    assert_int_equal(region_whole(r)->count[1], PAGES);
    uint64_t faults = f.k->stats.pgmajfault;
    assert_int_equal(faults, PAGES / WINDOW);
    run_over(&f, r, "0", 0); /* it is there */
    assert_int_equal(region_whole(r)->count[1], PAGES);
    assert_int_equal(f.k->stats.pgmajfault, faults);
    fixture_close(&f);
}

/* 2.5: the cursor of the task, not the address, and all nodes in turn. */
static void
an_interleaving_task_spreads_what_it_reads_by_its_cursor(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, drive);
    struct region *r =
        file_of(&f, &(struct region_attr){ .sharing = REGION_GLOBAL, .unmapped = true });
    struct task *p = kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 1000, 0), PAGES * 64);
    struct mempolicy interleave = { .mode = MPOL_INTERLEAVE, .nodes = 3 };
    task_set_mempolicy(p, &interleave);
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(region_whole(r)->count[0], PAGES / 2);
    assert_int_equal(f.process->mm->rss_pages, 0); /* in no address space */
    assert_null(f.process->mm->vmas);
    assert_int_equal(f.k->stats.pgmajfault, 0); /* a call takes no fault, but waits */
    fixture_close(&f);
}

/* 64 stretches of 16 pages: 100 us each, and 4 MiB at 1.024 GB/s, which is 4096 us. */
static void
who_reads_sleeps_for_latency_and_bytes(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 1, &fixture_memory, drive);
    struct region *r = file_of(&f, &(struct region_attr){ .sharing = REGION_SHARED });
    struct burst_profile *profile = kit_profile(&f, r, REGION_WHOLE, 1000, 0);
    struct task *p = kit_task(&f, "0", profile, PAGES * 64);
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    uint64_t stretches = PAGES * PAGE_4K / f.k->params.mm.touch_chunk;
    assert_int_equal(p->stats.io_wait_ns, stretches * USEC(100) + USEC(4096));
    assert_int_equal(p->stats.run_ns, PAGES * 64);
    fixture_close(&f);
}

/* What a call writes whole need not be read; it is dirty for 30 s after. */
static void
what_is_written_is_dirty_until_writeback_comes_round(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 2, &fixture_memory, drive);
    struct region *r =
        file_of(&f, &(struct region_attr){ .sharing = REGION_SHARED, .unmapped = true });
    task_start(f.k, fixture_hog(&f, "clock", 0), NULL);
    assert_false(file_is_dirty(f.k, r, 0));
    run_over(&f, r, "0", 256);
    assert_int_equal(f.k->mm->files->device.free_at, 0);
    assert_true(file_is_dirty(f.k, r, 0));
    sim_time stopped = region_whole(r)->written_at - 1;
    fixture_run(&f, stopped + SEC(30) - 1);
    assert_true(file_is_dirty(f.k, r, 0));
    fixture_run(&f, stopped + SEC(30));
    assert_false(file_is_dirty(f.k, r, 0));
    fixture_close(&f);
}

/* change_pte_range and migrate_misplaced_folio_prepare (numa-balancing.md 1.7, 1.12). */
static void
who_else_maps_a_file_says_whether_its_pages_are_marked_and_move(void **state)
{
    static const struct {
        bool private, exec, others, dirty, mark, move;
    } cases[] = {
        { false, false, false, false, true, true }, { false, false, true, false, true, true },
        { false, true, false, false, true, true },  { false, true, true, false, true, false },
        { true, false, false, false, true, true },  { true, false, true, false, false, true },
        { true, true, true, false, false, false },  { false, false, false, true, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;

        kit_open(&f, 2, 2, &fixture_memory, balancing);
        struct region *r = file_of(&f, &(struct region_attr){ .sharing = REGION_GLOBAL,
                                                              .map_private = cases[i].private,
                                                              .exec = cases[i].exec });
        struct process *other = process_new(f.k, "other", NULL);
        region_map(f.k, r, f.process->mm);
        f.process->mm->nr_users = 1;
        if (cases[i].others)
            region_map(f.k, r, other->mm);
        other->mm->nr_users = 1;
        if (cases[i].dirty)
            file_write_begins(f.k, r, 0);
        assert_int_equal(region_nr_mappers(r), 1 + cases[i].others);
        assert_int_equal(file_may_mark(f.k, r->maps->vmas[0], 0), cases[i].mark);
        assert_int_equal(file_may_migrate(f.k, r->maps->vmas[0], 0), cases[i].move);
        fixture_close(&f);
    }
}

static void
pages_stay_when_their_process_ends(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 2, &fixture_memory, drive);
    struct region *r = file_of(&f, &(struct region_attr){ .sharing = REGION_SHARED });
    struct region *own = kit_region(&f, "own", PAGE_4K, 1);
    struct process *process = f.process;
    f.process = process_new(f.k, "stays", NULL);
    task_start(f.k, fixture_hog(&f, "hog", 0), NULL);
    f.process = process;
    kit_populate(&f, own, 0);
    run_over(&f, r, "1", 0);
    assert_int_equal(region_whole(own)->count[0], 0);
    assert_int_equal(region_whole(r)->count[0], PAGES);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_on_the_node_of_who_reads_it_first_whatever_the_mapping_says),
        cmocka_unit_test(an_interleaving_task_spreads_what_it_reads_by_its_cursor),
        cmocka_unit_test(who_reads_sleeps_for_latency_and_bytes),
        cmocka_unit_test(what_is_written_is_dirty_until_writeback_comes_round),
        cmocka_unit_test(who_else_maps_a_file_says_whether_its_pages_are_marked_and_move),
        cmocka_unit_test(pages_stay_when_their_process_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

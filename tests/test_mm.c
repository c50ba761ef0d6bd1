/* layer: kernel */
#include "memory_kit.h"

enum { PAGES = 256, LINES = 64 };

/* 1000 misses per 1000 ns: a line a ns. A walk over all pages takes PAGES x LINES ns of work. */
static void
a_walk_populates_its_region_on_the_node_where_it_runs(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "data", PAGES * PAGE_4K, 1);
    uint64_t before = f.k->mm->nodes[1].free_pages;
    struct task *p = kit_task(&f, "1", kit_profile(&f, r, REGION_WHOLE, 1000, 0), PAGES * LINES);

    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(region_whole(r)->count[0], 0);
    assert_int_equal(region_whole(r)->count[1], PAGES);
    assert_int_equal(f.k->mm->nodes[1].free_pages, before - PAGES);
    assert_int_equal(f.process->mm->rss_pages, PAGES);
    assert_int_equal(f.k->stats.numa_hit, PAGES);
    assert_int_equal(f.k->stats.numa_local, PAGES);
    assert_int_equal(p->stats.accesses_local, PAGES * LINES);
    assert_int_equal(p->stats.accesses_remote, 0);
    fixture_close(&f);
}

/* The last line of a page is not the first of the next: chunks are claimed when they are reached.
 */
static void
a_chunk_is_claimed_when_its_first_line_is_reached(void **state)
{
    static const uint64_t work[] = { 64 * LINES, 64 * LINES + 1 }; /* a chunk is 64 pages */
    static const uint64_t expected[] = { 64, 128 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;

        kit_open(&f, 1, 1, &fixture_memory, NULL);
        struct region *r = kit_region(&f, "data", PAGES * PAGE_4K, 1);
        struct task *p = kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 1000, 0), work[i]);
        task_start(f.k, p, NULL);
        fixture_run(&f, SEC(1));
        assert_int_equal(region_whole(r)->count[0], expected[i]);
        fixture_close(&f);
    }
}

/* 256 pages x (500 ns + 4096 B at 4.096 GB/s) on top of the work. */
static void
costs_of_first_touch(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->cost.minor_fault = 500;
    kp->cost.zero_bandwidth = 4096000000u;
}
static void
the_first_touch_of_a_page_costs_its_fault_and_its_clearing(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 1, &fixture_memory, costs_of_first_touch);
    struct region *r = kit_region(&f, "data", PAGES * PAGE_4K, 1);
    struct task *p = kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 1000, 0), PAGES * LINES);

    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(p->exited_at, PAGES * LINES + PAGES * 1500);
    assert_int_equal(p->stats.kernel_ns, PAGES * 1500);
    fixture_close(&f);
}

static void
two_threads_race_for_the_pages_of_one_region(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, costs_of_first_touch);
    struct region *r = kit_region(&f, "data", 64 * PAGES * PAGE_4K, 1);
    const struct burst_profile *walk = kit_profile(&f, r, REGION_WHOLE, 1000, 0);

    task_start(f.k, kit_task(&f, "0", walk, 64 * PAGES * LINES), NULL);
    task_start(f.k, kit_task(&f, "1", walk, 64 * PAGES * LINES), NULL);
    engine_run(&f.k->engine, SEC(1));
    assert_null(kernel_check(f.k));
    assert_int_equal(region_whole(r)->unpopulated, 0);
    /* each chunk goes to whoever is there first; both are equally fast */
    assert_in_range(region_whole(r)->count[0], 24 * PAGES, 40 * PAGES);
    fixture_close(&f);
}

static void
accesses_split_over_nodes_as_pages_do_and_add_up(void **state)
{
    struct fixture f;
    struct mempolicy third = { .mode = MPOL_BIND, .nodes = NODE_BIT(1) };

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "data", 300 * PAGE_4K, 1);
    region_populate(f.k, r, 0, 100, &third, 1);
    third.nodes = NODE_BIT(0);
    region_populate(f.k, r, 100, 200, &third, 0);
    /* 333 misses per 1000 ns, half of the lines written back */
    struct task *p = kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 333, 128), 1000000);
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    uint64_t misses = (uint64_t)(333 * 1048576ull / 1000) * 1000000 >> 20;
    assert_int_equal(p->stats.accesses_local + p->stats.accesses_remote, misses);
    assert_in_range(p->stats.accesses_remote, misses / 3 - 10, misses / 3 + 10);
    uint64_t reads = p->stats.accesses_remote * 64;
    assert_int_equal(f.k->traffic[1 * 2 + 0], reads);
    assert_in_range(f.k->traffic[0 * 2 + 1], reads / 2 - 64, reads / 2 + 64);
    assert_int_equal(f.k->stats.remote_bytes, f.k->traffic[1] + f.k->traffic[2]);
    assert_int_equal(f.process->stats.remote_bytes, f.k->stats.remote_bytes);
    uint64_t of_links[2] = { 0 };
    mm_link_bytes(f.k, of_links);
    assert_int_equal(of_links[0] + of_links[1], f.k->stats.remote_bytes);
    /* idle latencies of the fixture: 85 ns and 135 ns */
    assert_true(p->stats.latency_ps == (uint64_t)p->stats.accesses_local * 85000 +
                                           (uint64_t)p->stats.accesses_remote * 135000);
    fixture_close(&f);
}

/* Of 4 pages, 1 and 5 on three nodes, and of one miss in a stretch, each node gets its tenths. The
 * latencies of the fixture are 85 ns on the own node, the last, and 135 ns elsewhere. */
static void
stretches_of_one_miss_give_each_node_its_share(void **state)
{
    static const uint32_t pages[] = { 4, 1, 5 };
    struct action acts[1001];
    struct fixture f;
    uint32_t first = 0;

    (void)state;
    kit_open(&f, 3, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "data", 10 * PAGE_4K, 1);
    for (int n = 0; n < 3; first += pages[n++]) {
        struct mempolicy bind = { .mode = MPOL_BIND, .nodes = NODE_BIT(n) };
        region_populate(f.k, r, first, pages[n], &bind, 0);
    }
    const struct burst_profile *profile = kit_profile(&f, r, REGION_WHOLE, 1, 0);
    for (int i = 0; i < 1000; i++)
        acts[i] = (struct action){ .kind = ACTION_RUN, .work = 1001, .profile = profile };
    acts[1000] = (struct action){ .kind = ACTION_EXIT };
    struct task *p = fixture_task(&f, "few", 0, acts, 1001);
    task_set_affinity(f.k, p, fixture_cpus(&f, "2"));
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(p->stats.accesses_local + p->stats.accesses_remote, 1000);
    assert_in_range(f.k->traffic[0 * 3 + 2] / 64, 395, 405);
    assert_in_range(f.k->traffic[1 * 3 + 2] / 64, 95, 105);
    assert_in_range(p->stats.accesses_local, 495, 505);
    assert_true(p->stats.latency_ps == (uint64_t)p->stats.accesses_local * 85000 +
                                           (uint64_t)p->stats.accesses_remote * 135000);
    fixture_close(&f);
}

static void
slices_keep_their_own_counts(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "data", 100 * PAGE_4K, 3); /* 33, 33 and 34 pages */
    struct task *p = kit_task(&f, "1", kit_profile(&f, r, 1, 1000, 0), 33 * LINES);
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(r->groups[0].unpopulated, 33);
    assert_int_equal(r->groups[1].unpopulated, 0);
    assert_int_equal(r->groups[1].count[1], 33);
    assert_int_equal(r->groups[2].unpopulated, 34);
    assert_int_equal(region_whole(r)->count[1], 33);
    for (uint64_t page = 0; page < 100; page++)
        assert_int_equal(region_slice_of(r, page), page < 33 ? 0 : page < 66 ? 1 : 2);
    fixture_close(&f);
}

static void
unmapped_pages_go_back_and_are_touched_anew(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    uint64_t before = f.k->mm->nodes[0].free_pages;
    struct region *r = kit_region(&f, "data", PAGES * PAGE_4K, 4);
    kit_populate(&f, r, 0);
    assert_int_equal(f.k->mm->nodes[0].free_pages, before - PAGES);
    region_unmap(f.k, r);
    assert_int_equal(f.k->mm->nodes[0].free_pages, before);
    assert_int_equal(f.process->mm->rss_pages, 0);
    assert_null(mm_check(f.k));
    struct task *p = kit_task(&f, "1", kit_profile(&f, r, REGION_WHOLE, 1000, 0), PAGES * LINES);
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(region_whole(r)->count[1], PAGES);
    fixture_close(&f);
}

static void
a_huge_page_is_one_entry_and_512_pages(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 1, &fixture_memory, NULL);
    uint64_t before = f.k->mm->nodes[0].free_pages;
    struct region *r = region_new(
        f.k, f.process->mm,
        &(struct region_attr){ .name = "huge", .bytes = 4 * PAGE_2M, .page_size = PAGE_2M });
    kit_populate(&f, r, 0);
    assert_int_equal(r->nr_pages, 4 * 512);
    assert_int_equal(f.k->mm->nodes[0].free_pages, before - 4 * 512);
    assert_int_equal(f.process->mm->rss_pages, 4 * 512);
    assert_int_equal(f.k->mm->nodes[0].numa_hit, 4);
    fixture_close(&f);
}

/* Every second page, then the others: a round begins a line later, a page later after 64 rounds. */
static void
a_stride_leaves_pages_out_until_its_rounds_have_shifted(void **state)
{
    static const uint64_t misses[] = { PAGES / 2, 64 * PAGES / 2, 64 * PAGES / 2 + 1, 64 * PAGES };

    (void)state;
    for (int i = 0; i < 4; i++) {
        static const uint64_t expected[] = { PAGES / 2, PAGES / 2, PAGES / 2 + 32, PAGES };
        struct fixture f;

        kit_open(&f, 1, 1, &fixture_memory, NULL);
        struct region *r = kit_region(&f, "data", PAGES * PAGE_4K, 1);
        struct burst_profile *profile = kit_profile(&f, r, REGION_WHOLE, 1000, 0);
        struct burst_use use = profile->uses[0];
        use.pattern = ACCESS_STRIDED;
        use.shape.stride = 2 * PAGE_4K;
        profile->uses = &use;
        task_start(f.k, kit_task(&f, "0", profile, misses[i]), NULL);
        fixture_run(&f, SEC(1));
        assert_int_equal(region_whole(r)->count[0], expected[i]);
        fixture_close(&f);
    }
}

/* Two phases in turns: each goes on where it was, so both regions are walked to their ends. */
static void
a_walk_goes_on_where_the_task_left_it(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 1, &fixture_memory, NULL);
    struct region *a = kit_region(&f, "a", PAGES * PAGE_4K, 1);
    struct region *b = kit_region(&f, "b", PAGES * PAGE_4K, 1);
    struct action acts[17];
    for (int i = 0; i < 16; i++)
        acts[i] =
            (struct action){ .kind = ACTION_RUN,
                             .work = PAGES * LINES / 8,
                             .profile = kit_profile(&f, i % 2 ? a : b, REGION_WHOLE, 1000, 0) };
    acts[16] = (struct action){ .kind = ACTION_EXIT };
    task_start(f.k, fixture_task(&f, "two", 0, acts, 17), NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(region_whole(a)->unpopulated, 0);
    assert_int_equal(region_whole(b)->unpopulated, 0);
    fixture_close(&f);
}

/* Pages are counted one by one at every 256th check; sums at each. */
static const char *
check_thoroughly(struct kernel *k)
{
    const char *broken = NULL;

    for (int i = 0; i < 256 && broken == NULL; i++)
        broken = mm_check(k);
    return broken;
}

/* exit_mmap(): when the last thread has gone, and not before; shared memory outlives it. A thread
 * that is to begin later keeps the process alive. */
static void
a_process_that_has_exited_gives_its_memory_back(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, NULL);
    struct process *stays = process_new(f.k, "stays", NULL), *goes = f.process;
    struct region *own = kit_region(&f, "own", MIB(1), 1);
    struct region *shared =
        region_new(f.k, goes->mm,
                   &(struct region_attr){
                       .name = "shared", .bytes = MIB(1), .sharing = REGION_GLOBAL, .owner = -1 });
    uint64_t before = f.k->mm->nodes[0].free_pages;
    task_start(f.k, kit_task(&f, "0", kit_profile(&f, own, REGION_WHOLE, 100, 0), MSEC(2)), NULL);
    task_start(f.k, kit_task(&f, "1", kit_profile(&f, shared, REGION_WHOLE, 100, 0), MSEC(6)),
               NULL);
    task_start_at(f.k, kit_task(&f, "0", kit_profile(&f, own, REGION_WHOLE, 100, 0), MSEC(2)),
                  MSEC(10));
    kit_task(&f, "0", kit_profile(&f, own, REGION_WHOLE, 100, 0), MSEC(2)); /* never begins */
    f.process = stays;
    struct region *others = kit_region(&f, "others", MIB(1), 1);
    task_start(f.k, kit_task(&f, "2", kit_profile(&f, others, REGION_WHOLE, 100, 0), SEC(1)), NULL);
    fixture_run(&f, MSEC(9)); /* two threads have gone, one is still to come */
    assert_int_equal(region_whole(own)->unpopulated, 0);
    assert_int_equal(before - f.k->mm->nodes[0].free_pages, 512);
    fixture_run(&f, MSEC(15));
    assert_int_equal(region_whole(own)->unpopulated, own->nr_pages);
    assert_int_equal(before - f.k->mm->nodes[0].free_pages, 256);
    assert_int_equal(region_whole(shared)->unpopulated, 0);
    assert_int_equal(region_whole(others)->unpopulated, 0);
    fixture_close(&f);
}

static void
the_check_finds_a_page_that_is_counted_wrongly(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, NULL);
    struct region *r = kit_region(&f, "data", PAGES * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    assert_null(check_thoroughly(f.k));
    chunk_of(r, 7)->table[7]++; /* node 1 */
    assert_non_null(check_thoroughly(f.k));
    chunk_of(r, 7)->table[7]--;
    assert_null(check_thoroughly(f.k));
    f.k->mm->nodes[0].free_pages--;
    assert_non_null(mm_check(f.k));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_populates_its_region_on_the_node_where_it_runs),
        cmocka_unit_test(a_chunk_is_claimed_when_its_first_line_is_reached),
        cmocka_unit_test(the_first_touch_of_a_page_costs_its_fault_and_its_clearing),
        cmocka_unit_test(two_threads_race_for_the_pages_of_one_region),
        cmocka_unit_test(accesses_split_over_nodes_as_pages_do_and_add_up),
        cmocka_unit_test(stretches_of_one_miss_give_each_node_its_share),
        cmocka_unit_test(slices_keep_their_own_counts),
        cmocka_unit_test(unmapped_pages_go_back_and_are_touched_anew),
        cmocka_unit_test(a_huge_page_is_one_entry_and_512_pages),
        cmocka_unit_test(a_stride_leaves_pages_out_until_its_rounds_have_shifted),
        cmocka_unit_test(a_walk_goes_on_where_the_task_left_it),
        cmocka_unit_test(a_process_that_has_exited_gives_its_memory_back),
        cmocka_unit_test(the_check_finds_a_page_that_is_counted_wrongly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

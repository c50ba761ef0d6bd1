/* layer: models */
#include "memory_kit.h"

#include "kernel/lru_batch.h"

static void
balancing(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_NORMAL;
}

static uint32_t
waiting(struct fixture *f, const struct region *r)
{
    uint32_t n = 0;

    for (uint64_t page = 0; page < r->nr_pages; page++)
        n += lru_on_batch(f->k, r, page);
    return n;
}

/* The oracle's one_proc_fits: of 1024 pages that one CPU touched in a row one is left, 33 batches
 * of 31 having gone. */
static void
the_last_pages_of_a_cpu_wait(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct region *r = kit_region(&f, "data", 1024 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    lru_add(f.k, 0, r, 0, 1024, 0, false);
    assert_int_equal(waiting(&f, r), 1);
    assert_true(lru_on_batch(f.k, r, 1023));
    /* another CPU has a batch of its own; 30 more fill the first one */
    lru_add(f.k, 1, r, 0, 10, 0, false);
    assert_int_equal(waiting(&f, r), 11);
    lru_add(f.k, 0, r, 10, 29, 0, false);
    assert_int_equal(waiting(&f, r), 40);
    lru_add(f.k, 0, r, 39, 1, 0, false);
    assert_int_equal(waiting(&f, r), 10);
    lru_add_drain_all(f.k);
    assert_int_equal(waiting(&f, r), 0);
    fixture_close(&f);
}

/* A huge page goes at once, and the batch with it. */
static void
a_huge_page_drains_the_batch(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct region *r = kit_region(&f, "data", MIB(1), 1);
    kit_populate(&f, r, 0);
    struct region *huge =
        region_new(f.k, f.process->mm,
                   &(struct region_attr){
                       .name = "huge", .bytes = MIB(4), .page_size = PAGE_2M, .owner = -1 });
    lru_add(f.k, 0, r, 0, 5, 0, false);
    lru_add(f.k, 0, huge, 0, 512, 0, true);
    assert_int_equal(waiting(&f, r), 0);
    assert_false(lru_on_batch(f.k, huge, 0));
    fixture_close(&f);
}

/* Many batches at once, drained in another order: the index of pages loses none. */
static void
the_index_finds_every_page(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 8, 8, &fixture_memory, balancing);
    struct region *r = kit_region(&f, "data", MIB(64), 1);
    kit_populate(&f, r, 0);
    for (uint64_t i = 0; i < 64 * 30; i++)
        lru_add(f.k, (int)(i * 13 % 64), r, i * 7 % r->nr_pages, 1, 0, false);
    assert_int_equal(waiting(&f, r), 64 * 30);
    for (int cpu = 63; cpu >= 0; cpu -= 2)
        lru_add(f.k, cpu, r, 16000 + (uint64_t)cpu, 1, 0, false);
    assert_int_equal(waiting(&f, r), 32 * 30);
    fixture_close(&f);
}

/* Runs of pages on many batches, side by side and not: how far pages are alike is what asking for
 * each of them tells. */
static void
pages_alike_end_where_the_next_differs(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 8, 8, &fixture_memory, balancing);
    struct region *r = kit_region(&f, "data", MIB(4), 1);
    kit_populate(&f, r, 0);
    for (uint64_t i = 0, page = 0; page + 40 < r->nr_pages; page += 1 + i * 5 % 17, i++)
        for (uint64_t n = 1 + i * 7 % 9; n > 0; n--, page++)
            lru_add(f.k, (int)(i * 13 % 64), r, page, 1, 0, false);
    for (uint64_t first = 0; first < r->nr_pages; first += 3) {
        uint32_t n = (uint32_t)SIM_MIN(200, r->nr_pages - first), alike = 1;

        while (alike < n &&
               lru_waiting(f.k, r, first + alike, 1, 0, 0) == lru_waiting(f.k, r, first, 1, 0, 0))
            alike++;
        assert_int_equal(lru_alike(f.k, r, first, n), alike);
    }
    fixture_close(&f);
}

static void
in_blocks(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->mm.exact_limit = 0;
}

/* 16 of the 512 pages of a block wait: so do 16 of them all, and of 48 one or two. */
static void
pages_of_a_block_wait_by_their_number(void **state)
{
    struct fixture f;
    uint64_t sum = 0;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, in_blocks);
    struct region *r = kit_region(&f, "data", 1024 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    lru_add(f.k, 0, r, 0, 16, 0, false);
    assert_int_equal(lru_waiting(f.k, r, 0, 512, 0, 0), 16);
    assert_int_equal(lru_waiting(f.k, r, 512, 512, 0, 0), 0);
    assert_int_equal(lru_alike(f.k, r, 0, 512), 512);
    for (int i = 0; i < 1000; i++)
        sum += lru_waiting(f.k, r, 100, 48, 0, 0);
    assert_in_range(sum, 1440, 1560);
    /* seven of the next block end this batch, and begin another one */
    lru_add(f.k, 0, r, 508, 22, 0, false);
    assert_int_equal(lru_waiting(f.k, r, 0, 512, 0, 0), 0);
    assert_int_equal(lru_waiting(f.k, r, 512, 512, 0, 0), 7);
    lru_add_drain_all(f.k);
    assert_int_equal(lru_waiting(f.k, r, 512, 512, 0, 0), 0);
    fixture_close(&f);
}

/* Pages that a task has just moved wait with its tag, and those that have none do not. */
static void
pages_of_a_block_wait_by_their_tag(void **state)
{
    enum { TAG = 77 };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, in_blocks);
    struct region *r = kit_region(&f, "data", 512 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    for (int i = 0; i < 20; i++)
        r->ops->retag(r, 0, TAG);
    lru_add_tagged(f.k, 0, r, 0, 20, 0, TAG);
    assert_int_equal(lru_waiting(f.k, r, 0, 100, 0, 0), 0);
    assert_int_equal(lru_waiting(f.k, r, 0, 100, 0, TAG + 1), 0);
    assert_int_equal(lru_waiting(f.k, r, 0, 20, 0, TAG), 20);
    assert_in_range(waiting(&f, r), 8, 36); /* 20 of 512, each asked by itself */
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_pages_of_a_cpu_wait),
        cmocka_unit_test(a_huge_page_drains_the_batch),
        cmocka_unit_test(the_index_finds_every_page),
        cmocka_unit_test(pages_alike_end_where_the_next_differs),
        cmocka_unit_test(pages_of_a_block_wait_by_their_number),
        cmocka_unit_test(pages_of_a_block_wait_by_their_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

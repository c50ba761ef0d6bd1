/* layer: models */
#include "numa_kit.h"

#include "kernel/group.h"

/* Single hinting faults (do_numa_page, task_numa_fault). */

static uint32_t
tag(int cpu, uint32_t pid)
{
    return (((uint32_t)cpu << 8 | pid) + 1) << PAGE_TAG_SHIFT;
}

/* numa-balancing.md 5.7 without a group: the task has pid 1, on CPU 2 of node 1; pages are on
 * node 0. */
static void
a_page_moves_when_should_migrate_says_so(void **state)
{
    static const struct {
        int cpu; /* of the last fault; -1: unset */
        uint32_t pid;
        uint64_t seq;
        int preferred;
        bool moves;
    } rows[] = {
        { -1, 0, 9, 1, true },  { 0, 7, 9, 1, false }, { 2, 1, 9, 1, true },
        { 2, 7, 9, 1, true },   { 0, 1, 3, 1, true },  { 0, 1, 4, 1, true },
        { 0, 1, 5, 1, false },  { 0, 1, 9, -1, true }, { 0, 7, 3, -1, false },
        { 0, 255, 9, 1, true },
    };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = numa_task(&f, "2", 0);
    struct region *r = kit_region(&f, "data", ARRAY_LEN(rows) * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    p->numa->migrate_retry = UINT64_MAX;
    f.k->params.numa.groups = false;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        p->numa->preferred = rows[i].preferred;
        p->numa->scan_seq = rows[i].seq;
        if (rows[i].cpu >= 0)
            r->ops->retag(r, i, tag(rows[i].cpu, rows[i].pid) >> PAGE_TAG_SHIFT);
        kit_mark(r->maps, i, i + 1);
        numa_fault_pages(f.k, &f.k->rqs[2], p, r->maps->vmas[0],
                         (struct page_stretch){ .at = i, .end = i + 1 });
        if ((page_node(page_word(r, i)) == 1) != rows[i].moves)
            fail_msg("row %zu: node %d", i, page_node(page_word(r, i)));
        assert_int_equal(page_word(r, i) & ~(PAGE_NODE_MASK | PAGE_MARKED), tag(2, 1));
    }
    assert_null(mm_check(f.k));
    p->numa->preferred = NUMA_NO_NODE;
    fixture_close(&f);
}

static sim_time
fault_at(struct fixture *f, int cpu, struct task *p, struct region *r, uint64_t page)
{
    return numa_fault_pages(f->k, &f->k->rqs[cpu], p, r->maps->vmas[0],
                            (struct page_stretch){ .at = page, .end = page + 1 });
}

/* numa-balancing.md 2.11: out of its cpuset's nodes a task fails every migration. That is known
 * only when a new page is asked for: the migration counts as one that failed, and the first write
 * to the page, which is mapped read-only since, unsets its tag. A node that is nearly full is asked
 * before, and no migration is begun. */
static void
pages_do_not_move_out_of_the_cpuset(void **state)
{
    (void)state;
    for (uint32_t writes = 0; writes < 2; writes++) {
        struct fixture f;

        kit_open(&f, 2, 2, &fixture_memory, balancing);
        struct task *p = numa_task(&f, "2", 0);
        struct region *r = kit_region(&f, "data", PAGE_4K, 1);
        kit_populate(&f, r, 0);
        p->profile = kit_profile(&f, r, 0, 1, writes * 128);
        p->numa->migrate_retry = UINT64_MAX;
        p->group->mems = NODE_BIT(0);
        kit_mark(r->maps, 0, 1);
        fault_at(&f, 2, p, r, 0);
        assert_int_equal(page_node(page_word(r, 0)), 0);
        assert_int_equal(p->numa->locality[NUMA_FAILED], 1);
        assert_int_equal(f.k->stats.pgmigrate_fail, 1);
        assert_int_equal(page_word(r, 0) >> PAGE_TAG_SHIFT,
                         writes ? 0 : tag(2, 1) >> PAGE_TAG_SHIFT);
        uint64_t room = f.k->mm->nodes[1].free_pages;
        f.k->mm->nodes[1].free_pages = f.k->mm->nodes[1].high_watermark + 1;
        kit_mark(r->maps, 0, 1);
        fault_at(&f, 2, p, r, 0);
        f.k->mm->nodes[1].free_pages = room;
        assert_int_equal(p->numa->locality[NUMA_FAILED], 2);
        assert_int_equal(f.k->stats.pgmigrate_fail, 1);
        p->group->mems |= NODE_BIT(1);
        kit_mark(r->maps, 0, 1);
        fault_at(&f, 2, p, r, 0);
        assert_int_equal(page_node(page_word(r, 0)), 1);
        assert_int_equal(p->numa->locality[NUMA_FAILED], 2);
        p->profile = NULL;
        fixture_close(&f);
    }
}

static void
slow_second_node(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->numa.mode = NUMA_BALANCING_MEMORY_TIERING;
}

/* 1.11 step 1: what stays on slow memory is not accounted, not even as a failure. */
static void
a_refused_promotion_is_not_accounted(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, slow_second_node);
    f.k->mm->nodes[1].tier = f.k->mm->nodes[0].tier + 128;
    f.k->mm->top_tier = f.k->mm->nodes[0].tier;
    struct task *p = numa_task(&f, "0", 0);
    struct region *r = kit_region(&f, "data", PAGE_4K, 1);
    kit_populate(&f, r, 1);
    p->numa->migrate_retry = UINT64_MAX;
    f.k->mm->nodes[0].free_pages = 0; /* of the hot page's target */
    r->ops->retag(r, 0, 1 + (uint32_t)(jiffies(f.k) * 4));
    kit_mark(r->maps, 0, 1);
    fault_at(&f, 0, p, r, 0);
    assert_int_equal(f.k->stats.numa_hint_faults, 1);
    assert_int_equal(f.k->stats.pgpromote_candidate, 1); /* it was hot enough */
    assert_int_equal(p->numa->locality[NUMA_FAILED], 0);
    assert_int_equal(p->numa->locality[NUMA_REMOTE], 0);
    fixture_close(&f);
}

/* 1.6: the windows of a VMA hold who took a hinting fault, not who was merely there first. */
static void
first_touches_leave_no_trace_in_the_windows(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = numa_task(&f, "0", 0);
    struct region *r = kit_region(&f, "data", 2 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    kit_mark(r->maps, 1, 2);
    const uint64_t *window = &r->maps->vmas[0]->numab.pids_active[1];
    fault_at(&f, 0, p, r, 0);
    assert_int_equal(*window, 0);
    fault_at(&f, 0, p, r, 1);
    assert_int_equal(*window, numa_pid_bit(p));
    fixture_close(&f);
}

/* Under the default policy a local fault is not looked at further: the tag stays. */
static void
a_local_fault_leaves_the_tag_alone(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = numa_task(&f, "0", 0);
    struct region *r = kit_region(&f, "data", PAGE_4K, 1);
    kit_populate(&f, r, 0);
    r->ops->retag(r, 0, tag(3, 9) >> PAGE_TAG_SHIFT);
    kit_mark(r->maps, 0, 1);
    numa_fault_pages(f.k, &f.k->rqs[0], p, r->maps->vmas[0], (struct page_stretch){ .end = 1 });
    assert_int_equal(page_word(r, 0), tag(3, 9));
    assert_int_equal(f.k->stats.numa_hint_faults, 1);
    assert_int_equal(f.k->stats.numa_hint_faults_local, 1);
    assert_int_equal(f.k->stats.numa_pages_migrated, 0);
    assert_int_equal(numa_faults(f.k, p->numa, NUMA_MEMBUF, 0)[NUMA_SHARED], 1);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_moves_when_should_migrate_says_so),
        cmocka_unit_test(pages_do_not_move_out_of_the_cpuset),
        cmocka_unit_test(a_refused_promotion_is_not_accounted),
        cmocka_unit_test(first_touches_leave_no_trace_in_the_windows),
        cmocka_unit_test(a_local_fault_leaves_the_tag_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

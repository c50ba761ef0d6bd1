/* layer: models */
#include "numa_kit.h"

/* numa-balancing.md section 6: each quirk as 6.12 has it, and repaired. Those of page marks, of
 * counters and of policies are tested beside what they belong to. */

static void
repair(struct fixture *f, enum numa_quirk quirk)
{
    f->k->params.numa.quirks &= ~((uint64_t)1 << quirk);
}

/* Q1 */
static void
local_faults_leave_the_tag_alone(void **state)
{
    const struct mempolicy policy = { .mode = MPOL_DEFAULT };

    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (repaired)
            repair(&f, NUMA_QUIRK_LOCAL_TAG);
        struct task *p = running(&f, "0", 5);
        struct numa_fault one = { .rq = &f.k->rqs[0],
                                  .p = p,
                                  .policy = &policy,
                                  .src = 0,
                                  .np = 1,
                                  .tag = (1 << 8 | 9) + 1 };
        assert_false(numa_misplaced(f.k, &one));
        assert_int_equal(one.tag, repaired ? (0 << 8 | 5) + 1 : (1 << 8 | 9) + 1);
        fixture_close(&f);
    }
}

/* Q2 and Q3; the first rows of 5.2, and what a reader of the comments would expect. */
static void
private_remote_faults_slow_the_scan(void **state)
{
    static const struct {
        uint64_t remote, local, failed, shared, private, before, after;
        int repaired; /* -1: none */
    } rows[] = {
        { 5000, 0, 0, 0, 5000, 4000, 8000, -1 },
        /* ps 10 >= 7: still slower, +3 slots of 400 */
        { 5000, 0, 0, 0, 5000, 4000, 5200, NUMA_QUIRK_PRIVATE_BACKOFF },
        { 500, 500, 1, 0, 1000, 8000, 16000, -1 },
        { 500, 500, 1, 0, 1000, 8000, 10400, NUMA_QUIRK_PRIVATE_BACKOFF },
        /* ps 9: +2 slots of 400; repaired lr 2, ps taken as 2: -5 slots */
        { 3000, 1000, 0, 400, 3600, 4000, 4800, -1 },
        { 3000, 1000, 0, 400, 3600, 4000, 2000, NUMA_QUIRK_PRIVATE_SLOW },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (rows[i].repaired >= 0)
            repair(&f, (enum numa_quirk)rows[i].repaired);
        struct task *p = running(&f, "0", 5);
        struct task_numa *n = p->numa;
        numa_faults(f.k, n, NUMA_MEMBUF, 0)[NUMA_SHARED] = rows[i].shared;
        numa_faults(f.k, n, NUMA_MEMBUF, 0)[NUMA_PRIVATE] = rows[i].private;
        n->locality[NUMA_REMOTE] = rows[i].remote;
        n->locality[NUMA_LOCAL] = rows[i].local;
        n->locality[NUMA_FAILED] = rows[i].failed;
        n->scan_period = rows[i].before;
        p->mm->numa_scan_seq++;
        task_numa_placement(f.k, &f.k->rqs[0], p);
        assert_int_equal(n->scan_period, rows[i].after);
        fixture_close(&f);
    }
}

/* Q4: node 1 is preferred and taken. By its distance, 16, node 2 has 300 of 1000 faults, fewer than
 * here; by its own, 28, its neighbour's 300 count as well. */
static void
the_distance_of_the_node_before_is_used(void **state)
{
    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;

        kit_open(&f, 4, 1, &fixture_memory, boxes);
        if (repaired)
            repair(&f, NUMA_QUIRK_SEARCH_DISTANCE);
        struct task *p = running(&f, "0", 5);
        running(&f, "1", 6);
        for (int n = 0; n < 4; n++)
            numa_faults(f.k, p->numa, NUMA_MEM, n)[NUMA_PRIVATE] =
                (uint64_t[]){ 400, 0, 300, 300 }[n];
        p->numa->total_faults = 1000;
        task_numa_group(f.k, p, 3, 77, false);
        numa_set_preferred(f.k, p, 1);
        task_set_affinity(f.k, p, f.machine->online);
        task_numa_migrate(f.k, p);
        assert_int_equal(p->cpu, repaired ? 3 : 0); /* node 3 is like node 2, and comes later */
        /* a group's member prefers what it found */
        assert_int_equal(p->numa->preferred, repaired ? 3 : 0);
        fixture_close(&f);
    }
}

/* Whoever has no group passes over no node, however little it has there. */
static void
tasks_without_a_group_try_every_node(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, balancing);
    struct task *p = running(&f, "0", 5);
    running(&f, "1", 6);
    for (int n = 0; n < 4; n++)
        numa_faults(f.k, p->numa, NUMA_MEM, n)[NUMA_PRIVATE] = (uint64_t[]){ 300, 600, 0, 100 }[n];
    p->numa->total_faults = 1000;
    numa_set_preferred(f.k, p, 1);
    task_set_affinity(f.k, p, f.machine->online);
    task_numa_migrate(f.k, p);
    assert_int_equal(p->cpu, 3); /* the last one that has an idle CPU */
    assert_int_equal(p->numa->preferred, 1);
    fixture_close(&f);
}

/* Q7: a parent with a period of 1000 ms that is alone in its process, for the child does not count
 * yet: min(60000, 1e9) ns and two ticks. */
static void
threads_are_staggered_by_eight_ms(void **state)
{
    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (repaired)
            repair(&f, NUMA_QUIRK_THREAD_STAGGER);
        struct task *p = running(&f, "0", 5), *q = fixture_hog(&f, "q", 0);
        task_start(f.k, q, p);
        assert_int_equal(q->numa->node_stamp, (repaired ? SEC(1) : 60000) + MSEC(8));
        fixture_close(&f);
    }
}

/* Q10: a real-time task alone with remote memory is never scanned. */
static void
only_fair_tasks_scan(void **state)
{
    static const struct action acts[] = { { .kind = ACTION_RUN, .work = SEC(100) } };

    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;
        struct script script = { .actions = acts, .nr = 1 };
        struct task_attr attr = { .name = "rt",
                                  .policy = POLICY_FIFO,
                                  .rt_priority = 10,
                                  .ops = &script_ops,
                                  .prog = &script };

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (repaired)
            repair(&f, NUMA_QUIRK_FAIR_SCANS_ONLY);
        kit_populate(&f, kit_region(&f, "data", MIB(1), 1), 1);
        struct task *p = task_new(f.k, f.process, &attr);
        task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
        task_start(f.k, p, NULL);
        fixture_run(&f, SEC(3));
        assert_int_equal(f.k->stats.numa_pte_updates > 0, repaired);
        /* its preferred node is nobody's who balances fair tasks */
        numa_set_preferred(f.k, p, 1);
        assert_int_equal(f.k->rqs[0].nr_numa_running, 0);
        fixture_close(&f);
    }
}

/* Q11: of two groups of one size the older joins; repaired, the younger. */
static void
equal_groups_are_ordered_by_age(void **state)
{
    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (repaired)
            repair(&f, NUMA_QUIRK_GROUP_TIE);
        struct task *old = running(&f, "0", 10), *young = running(&f, "1", 11);
        task_numa_group(f.k, old, 1, 11, false);
        task_numa_group(f.k, young, 0, 10, false);
        if (repaired) { /* the younger has joined by now */
            assert_int_equal(young->numa->group->gid, 10);
        } else {
            assert_int_equal(young->numa->group->nr_tasks, 1);
            task_numa_group(f.k, old, 1, 11, false);
            assert_int_equal(old->numa->group->gid, 11);
        }
        assert_int_equal(young->numa->group->nr_tasks, 2);
        fixture_close(&f);
    }
}

/* Q12: pids 256 apart look alike, and one that ends in 255 looks as if nobody had been there. */
static void
tags_hold_eight_bits_of_a_pid(void **state)
{
    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (repaired)
            repair(&f, NUMA_QUIRK_PID_BITS);
        struct task p = { .pid = 10 }, q = { .pid = 266 }, r = { .pid = 255 };
        assert_int_equal(numa_tag_matches(f.k, numa_tag(f.k, 1, &p), &q), !repaired);
        assert_int_equal(numa_tag_pid_unset(f.k, numa_tag(f.k, 1, &r)), !repaired);
        assert_int_equal(numa_tag_matches(f.k, 0, &r), !repaired); /* unset: all bits are */
        assert_false(numa_tag_matches(f.k, 0, &p));
        assert_true(numa_tag_matches(f.k, numa_tag(f.k, 1, &p), &p));
        assert_int_equal(numa_tag_cpu(f.k, numa_tag(f.k, 1, &q)), 1);
        fixture_close(&f);
    }
}

/* Q16: exec forgets faults and group, and keeps the preferred node; a thread inherits it. What was
 * counted since the last placement stays: task_numa_free() clears the decayed half of the array
 * only. The new address space has no passes behind it, and its VMAs are new. */
static void
exec_keeps_the_preferred_node(void **state)
{
    (void)state;
    for (int repaired = 0; repaired < 2; repaired++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (repaired)
            repair(&f, NUMA_QUIRK_EXEC_KEEPS_PREFERRED);
        struct task *p = running(&f, "0", 5), *q = fixture_hog(&f, "q", 0);
        numa_set_preferred(f.k, p, 1);
        numa_faults(f.k, p->numa, NUMA_MEM, 1)[NUMA_PRIVATE] = 100;
        numa_faults(f.k, p->numa, NUMA_MEMBUF, 1)[NUMA_PRIVATE] = 7;
        p->numa->total_faults = 100;
        struct region *r = kit_region(&f, "r", PAGE_4K, 1);
        r->maps->vmas[0]->numab.made = true;
        p->mm->numa_scan_seq = 9;
        p->mm->numa_scan_offset = 1;
        task_numa_group(f.k, p, 1, 9, false);
        task_start(f.k, q, p);
        assert_int_equal(q->numa->preferred, repaired ? NUMA_NO_NODE : 1);
        numa_task_exec(f.k, p);
        assert_int_equal(p->numa->preferred, repaired ? NUMA_NO_NODE : 1);
        assert_null(p->numa->group);
        assert_int_equal(p->numa->total_faults, 0);
        assert_int_equal(numa_faults(f.k, p->numa, NUMA_MEM, 1)[NUMA_PRIVATE], 0);
        assert_int_equal(numa_faults(f.k, p->numa, NUMA_MEMBUF, 1)[NUMA_PRIVATE], 7);
        assert_int_equal(p->mm->numa_next_scan, 0);
        assert_int_equal(p->mm->numa_scan_seq, 0);
        assert_int_equal(p->mm->numa_scan_offset, 0);
        assert_false(r->maps->vmas[0]->numab.made);
        fixture_close(&f);
    }
}

/* A page that a fault has moved is mapped read-only (remove_migration_pte: the entry of a marked
 * page is not writable), and the fault of the first write unsets its tag (wp_page_reuse). Nobody
 * takes that fault who only reads, in a shared mapping, or on a huge page. */
static void
the_first_write_forgets_who_used_a_page(void **state)
{
    static const struct {
        enum vma_kind kind;
        uint32_t page_size, write_q8;
        bool repaired, forgets;
    } rows[] = {
        { VMA_ANON, PAGE_4K, 64, false, true },  { VMA_ANON, PAGE_4K, 64, true, false },
        { VMA_ANON, PAGE_4K, 0, false, false },  { VMA_SHMEM, PAGE_4K, 64, false, false },
        { VMA_ANON, PAGE_2M, 64, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;

        kit_open(&f, 2, 1, &fixture_memory, balancing);
        if (rows[i].repaired)
            repair(&f, NUMA_QUIRK_WRITE_FORGETS);
        struct region *r = region_new(f.k, f.process->mm,
                                      &(struct region_attr){ .name = "r",
                                                             .bytes = PAGE_2M,
                                                             .page_size = rows[i].page_size,
                                                             .sharing = REGION_SHARED,
                                                             .owner = -1,
                                                             .kind = rows[i].kind });
        kit_populate(&f, r, 1);
        struct task *p =
            kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 1, rows[i].write_q8), SEC(1));
        p->pid = 5;
        task_start(f.k, p, NULL);
        engine_run(&f.k->engine, MSEC(1));
        kit_mark(r->maps, 0, CHUNK_PAGES);
        p->numa->migrate_retry = UINT64_MAX;
        numa_fault_pages(f.k, &f.k->rqs[0], p, r->maps->vmas[0], (struct page_stretch){ .end = 1 });
        assert_int_equal(page_word(r, 0) & PAGE_NODE_MASK, 0);
        assert_int_equal(page_word(r, 0) >> PAGE_TAG_SHIFT,
                         rows[i].forgets ? 0 : numa_tag(f.k, 0, p));
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_faults_leave_the_tag_alone),
        cmocka_unit_test(the_first_write_forgets_who_used_a_page),
        cmocka_unit_test(private_remote_faults_slow_the_scan),
        cmocka_unit_test(the_distance_of_the_node_before_is_used),
        cmocka_unit_test(tasks_without_a_group_try_every_node),
        cmocka_unit_test(threads_are_staggered_by_eight_ms),
        cmocka_unit_test(only_fair_tasks_scan),
        cmocka_unit_test(equal_groups_are_ordered_by_age),
        cmocka_unit_test(tags_hold_eight_bits_of_a_pid),
        cmocka_unit_test(exec_keeps_the_preferred_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

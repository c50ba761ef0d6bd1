/* layer: models */
#include "numa_kit.h"

enum { GIB_PAGES = 262144 };

static void
set_faults(struct fixture *f, uint64_t *faults, enum numa_faults_kind kind, int node,
           uint64_t shared, uint64_t private)
{
    uint64_t *at = &faults[2 * ((uint32_t)kind * f->k->machine->nr_nodes + (uint32_t)node)];

    at[NUMA_SHARED] = shared;
    at[NUMA_PRIVATE] = private;
}

static void
assert_faults(struct fixture *f, const uint64_t *faults, enum numa_faults_kind kind, int node,
              uint64_t shared, uint64_t private)
{
    const uint64_t *at = &faults[2 * ((uint32_t)kind * f->k->machine->nr_nodes + (uint32_t)node)];

    assert_int_equal(at[NUMA_SHARED], shared);
    assert_int_equal(at[NUMA_PRIVATE], private);
}

/* Two members of one group; what the second has is left empty. */
static struct numa_group *
group_of_two(struct fixture *f, struct task *p, struct task *q)
{
    assert_int_equal(task_numa_group(f->k, q, p->cpu, numa_pid_bits(f->k, p), false), NUMA_SHARED);
    assert_int_equal(task_numa_group(f->k, p, q->cpu, numa_pid_bits(f->k, q), false), NUMA_SHARED);
    if (p->numa->group != q->numa->group)
        task_numa_group(f->k, q, p->cpu, numa_pid_bits(f->k, p), false);
    assert_ptr_equal(p->numa->group, q->numa->group);
    assert_int_equal(p->numa->group->nr_tasks, 2);
    return p->numa->group;
}

/* numa-balancing.md 5.3 */
static void
a_member_is_placed_as_worked_out_by_hand(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = running(&f, "0", 0), *q = running(&f, "2", 0);
    struct numa_group *g = group_of_two(&f, p, q);
    struct task_numa *n = p->numa;
    p->mm->rss_pages = GIB_PAGES;
    set_faults(&f, g->faults, NUMA_MEM, 0, 1200, 800);
    set_faults(&f, g->faults, NUMA_MEM, 1, 600, 200);
    set_faults(&f, g->faults, NUMA_CPU, 0, 30000, 20000);
    set_faults(&f, g->faults, NUMA_CPU, 1, 14000, 4000);
    g->total_faults = 2800;
    g->max_faults_cpu = 50000;
    g->active_nodes = 2;
    set_faults(&f, n->faults, NUMA_MEM, 0, 700, 300);
    set_faults(&f, n->faults, NUMA_MEM, 1, 200, 100);
    set_faults(&f, n->faults, NUMA_CPU, 0, 15000, 9000);
    set_faults(&f, n->faults, NUMA_CPU, 1, 2000, 1000);
    n->total_faults = 1300;
    n->preferred = 0;
    n->scan_period = 500;
    assert_int_equal(numa_scan_min(f.k, p->mm), 250);
    assert_int_equal(numa_scan_start(f.k, p), 321);
    assert_int_equal(numa_scan_max(f.k, p), 19289);
    assert_true(numa_is_active_node(f.k, g, 1));
    set_faults(&f, n->faults, NUMA_MEMBUF, 0, 100, 0);
    set_faults(&f, n->faults, NUMA_MEMBUF, 1, 300, 100);
    set_faults(&f, n->faults, NUMA_CPUBUF, 0, 400, 100);
    n->locality[NUMA_REMOTE] = 100;
    n->locality[NUMA_LOCAL] = 400;
    n->last_placement = p->se.exec_start;
    n->last_sum_exec = p->se.sum_exec;
    p->se.exec_start += SEC(1);
    p->se.sum_exec += MSEC(600);
    p->mm->numa_scan_seq++;
    task_numa_placement(f.k, &f.k->rqs[p->cpu], p);
    assert_faults(&f, n->faults, NUMA_MEM, 0, 450, 150);
    assert_faults(&f, n->faults, NUMA_MEM, 1, 400, 150);
    assert_faults(&f, n->faults, NUMA_CPU, 0, 38894, 12348);
    assert_faults(&f, n->faults, NUMA_CPU, 1, 1000, 500);
    assert_int_equal(n->total_faults, 1150);
    assert_faults(&f, g->faults, NUMA_MEM, 0, 950, 650);
    assert_faults(&f, g->faults, NUMA_MEM, 1, 800, 250);
    assert_faults(&f, g->faults, NUMA_CPU, 0, 53894, 23348);
    assert_faults(&f, g->faults, NUMA_CPU, 1, 13000, 3500);
    assert_int_equal(g->total_faults, 2650);
    assert_int_equal(g->max_faults_cpu, 77242);
    assert_int_equal(g->active_nodes, 1);
    assert_int_equal(n->preferred, 0);
    assert_int_equal(n->scan_period, 550);
    assert_int_equal(numa_scan_max(f.k, p), 19815);
    fixture_close(&f);
}

/* numa-balancing.md 5.5, steps 1 to 4: CPUs 0 and 4 as CPUs 0 and 2 of two nodes with two each. */
static void
threads_join_groups_step_by_step(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = running(&f, "0", 1000), *q = running(&f, "2", 1001),
                *r = running(&f, "1", 1002);
    p->numa->total_faults = 500;
    q->numa->total_faults = 300;
    assert_int_equal(task_numa_group(f.k, p, 2, 233, false), NUMA_SHARED);
    assert_int_equal(p->numa->group->gid, 1000);
    assert_null(q->numa->group);
    assert_int_equal(task_numa_group(f.k, q, 0, 232, false), NUMA_SHARED);
    assert_int_equal(q->numa->group->gid, 1001);
    assert_int_equal(task_numa_group(f.k, p, 2, 233, false), NUMA_SHARED);
    assert_ptr_equal(p->numa->group, q->numa->group);
    assert_int_equal(p->numa->group->gid, 1001);
    assert_int_equal(p->numa->group->nr_tasks, 2);
    assert_int_equal(p->numa->group->total_faults, 800);
    /* a third thread, with a group of its own, meets the first */
    task_numa_group(f.k, r, 3, 77, false);
    assert_int_equal(r->numa->group->nr_tasks, 1);
    task_numa_group(f.k, r, 0, 232, false);
    assert_int_equal(p->numa->group->nr_tasks, 3);
    assert_ptr_equal(r->numa->group, p->numa->group);
    /* exit takes its part out */
    p->numa->total_faults = 500;
    numa_group_leave(f.k, p);
    assert_int_equal(q->numa->group->nr_tasks, 2);
    assert_int_equal(q->numa->group->total_faults, 300);
    fixture_close(&f);
}

/* 5.5, step 5 and the last sentence: other address spaces; somebody else runs on that CPU now. */
static void
strangers_join_only_through_shared_mappings(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = running(&f, "0", 1000);
    f.process = process_new(f.k, "other", NULL);
    struct task *q = running(&f, "2", 1001);
    task_numa_group(f.k, p, 3, 233, false);
    assert_int_equal(p->numa->group->nr_tasks, 1);
    task_numa_group(f.k, q, 3, 233, false);
    assert_int_equal(task_numa_group(f.k, p, 2, 234, false), NUMA_SHARED); /* not who it was */
    assert_int_equal(task_numa_group(f.k, p, 2, 233, false), NUMA_PRIVATE);
    assert_ptr_not_equal(p->numa->group, q->numa->group);
    assert_int_equal(task_numa_group(f.k, p, 2, 233, true), NUMA_SHARED);
    assert_ptr_equal(p->numa->group, q->numa->group);
    fixture_close(&f);
}

/* numa-balancing.md 5.7: src 0, dst 1, cpu(0) = 20000, preferred set, pass 9. The task has pid 1.
 */
static void
a_group_decides_about_pages(void **state)
{
    static const struct {
        int last_cpu; /* -1: unset */
        uint32_t last_pid;
        uint64_t cpu1, mem0, mem1, seq;
        bool moves;
    } rows[] = {
        { -1, 0, 30000, 6000, 4000, 9, true },
        { 0, 7, 30000, 6000, 4000, 9, false },
        { 3, 1, 0, 0, 0, 9, true },
        { 3, 7, 30000, 6000, 9000, 9, false },
        { 3, 7, 70000, 0, 100000, 9, true },
        { 0, 1, 0, 0, 0, 3, true },
        { 0, 1, 100000, 6000, 4000, 9, false },
        { 3, 7, 30000, 6000, 4000, 9, true },
    };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = running(&f, "2", 1), *q = running(&f, "0", 7);
    struct numa_group *g = group_of_two(&f, p, q);
    struct mempolicy policy = { .mode = MPOL_DEFAULT };
    p->numa->preferred = 1;
    set_faults(&f, g->faults, NUMA_CPU, 0, 15000, 5000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct numa_fault one = {
            .rq = &f.k->rqs[2], .p = p, .policy = &policy, .src = 0, .np = 1
        };

        if (rows[i].last_cpu >= 0)
            one.tag = ((uint32_t)rows[i].last_cpu << 8 | rows[i].last_pid) + 1;
        set_faults(&f, g->faults, NUMA_CPU, 1, rows[i].cpu1 / 2, rows[i].cpu1 - rows[i].cpu1 / 2);
        set_faults(&f, g->faults, NUMA_MEM, 0, rows[i].mem0, 0);
        set_faults(&f, g->faults, NUMA_MEM, 1, 0, rows[i].mem1);
        p->numa->scan_seq = rows[i].seq;
        if (should_numa_migrate_memory(f.k, &one) != rows[i].moves)
            fail_msg("row %zu: %s", i, one.rule);
        assert_int_equal(one.tag, (2 << 8 | 1) + 1);
    }
    fixture_close(&f);
}

/* numa-balancing.md 1.6: the bit of a task in the windows of a VMA. */
static void
pids_have_the_bits_of_the_kernel(void **state)
{
    static const struct {
        int32_t pid;
        int bit;
    } rows[] = { { 1000, 61 }, { 1001, 22 }, { 1002, 46 }, { 4242, 19 } };
    struct task p = { .id = 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        p.pid = rows[i].pid;
        assert_int_equal(numa_pid_bit(&p), (uint64_t)1 << rows[i].bit);
    }
}

/* A line of four nodes, 10 16 22 28: a mesh without glue, for between the ends there are others. */
static void
line(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    for (uint32_t a = 0; a < m->nr_nodes; a++)
        for (uint32_t b = 0; b < m->nr_nodes; b++)
            m->distances[a * m->nr_nodes + b] = (uint8_t)(10 + 6 * (a > b ? a - b : b - a));
}

/* 1.18, by hand: M = 28, near(n) = sum over k nearer than 28 of faults(k) * (28 - D) / 18. */
static void
on_a_mesh_nodes_between_count_by_nearness(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, line);
    assert_int_equal(f.k->domains->topology_type, NUMA_GLUELESS_MESH);
    struct task *p = running(&f, "0", 0), *q = running(&f, "1", 0);
    for (int n = 0; n < 4; n++)
        set_faults(&f, p->numa->faults, NUMA_MEM, n, (uint64_t[]){ 600, 100, 200, 100 }[n], 0);
    p->numa->total_faults = 1000;
    /* node 0: 600 + 100*12/18 + 200*6/18 = 600 + 66 + 66; node 1: 100 + 600*12/18 + 200*12/18 +
     * 100*6/18 = 100 + 400 + 133 + 33 */
    assert_int_equal(task_weight(f.k, p, 0, 16), 732);
    assert_int_equal(task_weight(f.k, p, 1, 16), 666);
    /* a group with all at the ends is best off in the middle */
    struct numa_group *g = group_of_two(&f, p, q);
    for (int n = 0; n < 4; n++)
        set_faults(&f, g->faults, NUMA_MEM, n, (uint64_t[]){ 500, 0, 450, 0 }[n], 0);
    g->total_faults = 950;
    /* node 0: 500 + 450/3 = 650; node 1: 333 + 300 = 633; node 2: 450 + 166 = 616; so node 0 */
    assert_int_equal(preferred_group_nid(f.k, p, 2), 0);
    set_faults(&f, g->faults, NUMA_MEM, 2, 500, 0);
    set_faults(&f, g->faults, NUMA_MEM, 0, 480, 0);
    g->total_faults = 980;
    /* node 0: 480 + 166 = 646; node 1: 320 + 333 = 653; node 2: 500 + 160 = 660 */
    assert_int_equal(preferred_group_nid(f.k, p, 0), 2);
    fixture_close(&f);
}

/* 1.18: most faults on node 0, but more in the other box: that box, and within it the fuller node.
 */
static void
on_a_backplane_the_fuller_box_is_preferred(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, boxes);
    assert_int_equal(f.k->domains->topology_type, NUMA_BACKPLANE);
    struct task *p = running(&f, "0", 0), *q = running(&f, "1", 0);
    struct numa_group *g = group_of_two(&f, p, q);
    for (int n = 0; n < 4; n++)
        set_faults(&f, g->faults, NUMA_MEM, n, (uint64_t[]){ 500, 10, 280, 300 }[n], 0);
    g->total_faults = 1090;
    assert_int_equal(preferred_group_nid(f.k, p, 0), 3);
    /* near: the neighbour counts in full if the move goes to the other box, else not at all */
    assert_int_equal(group_weight(f.k, p, 2, 28), 1000 * 580 / 1090);
    assert_int_equal(group_weight(f.k, p, 2, 16), 1000 * 280 / 1090);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_placed_as_worked_out_by_hand),
        cmocka_unit_test(threads_join_groups_step_by_step),
        cmocka_unit_test(strangers_join_only_through_shared_mappings),
        cmocka_unit_test(a_group_decides_about_pages),
        cmocka_unit_test(pids_have_the_bits_of_the_kernel),
        cmocka_unit_test(on_a_mesh_nodes_between_count_by_nearness),
        cmocka_unit_test(on_a_backplane_the_fuller_box_is_preferred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

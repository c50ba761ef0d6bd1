/* layer: models */
#include "numa_kit.h"

#include "models/memory/models.h"

enum { GIB_PAGES = 262144 };

/* numa-balancing.md 1.3, without a group. */
static void
scan_periods_follow_the_resident_set(void **state)
{
    static const struct {
        uint64_t mib, least, most;
    } rows[] = {
        { 64, 1000, 60000 }, { 256, 1000, 60000 }, { 300, 500, 30000 }, { 1024, 250, 15000 },
        { 4096, 100, 3750 }, { 16384, 100, 937 },  { 65536, 100, 234 },
    };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = numa_task(&f, "0", 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f.process->mm->rss_pages = rows[i].mib * 256;
        assert_int_equal(numa_scan_min(f.k, f.process->mm), rows[i].least);
        assert_int_equal(numa_scan_start(f.k, p), rows[i].least);
        assert_int_equal(numa_scan_max(f.k, p), rows[i].most);
    }
    fixture_close(&f);
}

struct pass {
    uint64_t local, remote, failed, period_after;
    uint64_t mem0, mem1, cpu0, total;
    sim_time runtime;
    int preferred;
};

/* One placement after a pass with so many faults on nodes 0 and 1, of kind `priv`, all by node 0.
 */
static void
pass_over(struct fixture *f, struct task *p, const struct pass *s, int priv)
{
    struct task_numa *n = p->numa;
    const struct kernel *k = f->k;

    numa_faults(k, n, NUMA_MEMBUF, 0)[priv] = s->local;
    numa_faults(k, n, NUMA_MEMBUF, 1)[priv] = s->remote;
    numa_faults(k, n, NUMA_CPUBUF, 0)[priv] = s->local + s->remote;
    n->locality[NUMA_LOCAL] = s->local;
    n->locality[NUMA_REMOTE] = s->remote;
    n->locality[NUMA_FAILED] = s->failed;
    p->se.exec_start += SEC(1);
    p->se.sum_exec += s->runtime;
    p->mm->numa_scan_seq++;
    task_numa_placement(f->k, &f->k->rqs[0], p);
    assert_int_equal(n->scan_period, s->period_after);
    assert_int_equal(n->preferred, s->preferred);
    assert_int_equal(numa_faults(k, n, NUMA_MEM, 0)[priv], s->mem0);
    assert_int_equal(numa_faults(k, n, NUMA_MEM, 1)[priv], s->mem1);
    assert_int_equal(n->total_faults, s->total);
    if (s->cpu0 != 0)
        assert_int_equal(numa_faults(k, n, NUMA_CPU, 0)[priv], s->cpu0);
}

/* numa-balancing.md 5.1; pass 1 goes by the load average. */
static void
placement_decays_and_prefers_as_worked_out_by_hand(void **state)
{
    static const struct pass passes[] = {
        { 7000, 3000, 0, 325, 7000, 3000, 52422, 10000, MSEC(800), 0 },
        { 7000, 3000, 0, 424, 10500, 4500, 78633, 15000, MSEC(800), 0 },
        { 7000, 3000, 0, 553, 12250, 5250, 58975, 17500, MSEC(300), 0 },
    };
    static const struct pass turned[] = {
        { 7000, 3000, 0, 325, 7000, 3000, 0, 10000, MSEC(800), 0 },
        { 7000, 3000, 0, 424, 10500, 4500, 0, 15000, MSEC(800), 0 },
        { 2000, 8000, 0, 553, 7250, 10250, 0, 17500, MSEC(800), 1 },
        { 2000, 8000, 0, 721, 5625, 13125, 0, 18750, MSEC(800), 1 },
        { 2000, 8000, 0, 940, 4813, 14563, 0, 19376, MSEC(800), 1 },
    };
    static const struct pass shared[] = {
        { 7000, 3000, 0, 275, 7000, 3000, 52422, 10000, MSEC(800), 0 },
        { 7000, 3000, 0, 303, 10500, 4500, 78633, 15000, MSEC(800), 0 },
        { 7000, 3000, 0, 334, 12250, 5250, 58975, 17500, MSEC(300), 0 },
    };
    static const struct {
        const struct pass *passes;
        size_t nr;
        int priv;
    } runs[] = { { passes, 3, NUMA_PRIVATE },
                 { turned, 5, NUMA_PRIVATE },
                 { shared, 3, NUMA_SHARED } };

    (void)state;
    for (size_t r = 0; r < ARRAY_LEN(runs); r++) {
        struct fixture f;

        kit_open(&f, 2, 2, &fixture_memory, balancing);
        struct task *p = numa_task(&f, "0", 0);
        f.process->mm->rss_pages = GIB_PAGES;
        p->numa->scan_period = 250;
        p->se.avg.load_sum = 38194;
        for (size_t i = 0; i < runs[r].nr; i++)
            pass_over(&f, p, &runs[r].passes[i], runs[r].priv);
        if (r == 0) {
            assert_int_equal(task_weight(f.k, p, 0, 20), 700);
            assert_int_equal(task_weight(f.k, p, 1, 20), 300);
        }
        fixture_close(&f);
    }
}

/* numa-balancing.md 5.2 */
static void
the_scan_period_adapts_as_in_the_table(void **state)
{
    static const struct {
        uint64_t remote, local, failed, shared, private, before, after;
    } rows[] = {
        { 5000, 0, 0, 0, 5000, 1000, 2000 },       { 5000, 0, 0, 0, 5000, 4000, 8000 },
        { 500, 500, 1, 0, 1000, 8000, 16000 },     { 5000, 5000, 0, 4000, 6000, 1000, 1000 },
        { 3000, 1000, 0, 3000, 1000, 4000, 2000 }, { 3000, 1000, 0, 3000, 1000, 2000, 1000 },
        { 1000, 3000, 0, 3000, 1000, 1000, 1100 }, { 0, 4000, 0, 4000, 0, 1100, 1430 },
        { 0, 0, 0, 0, 0, 40000, 60000 },
    };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, balancing);
    struct task *p = numa_task(&f, "0", 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        numa_faults(f.k, p->numa, NUMA_MEMBUF, 0)[NUMA_SHARED] = rows[i].shared;
        numa_faults(f.k, p->numa, NUMA_MEMBUF, 0)[NUMA_PRIVATE] = rows[i].private;
        p->numa->locality[NUMA_REMOTE] = rows[i].remote;
        p->numa->locality[NUMA_LOCAL] = rows[i].local;
        p->numa->locality[NUMA_FAILED] = rows[i].failed;
        p->numa->scan_period = rows[i].before;
        p->mm->numa_scan_seq++;
        task_numa_placement(f.k, &f.k->rqs[0], p);
        assert_int_equal(p->numa->scan_period, rows[i].after);
    }
    fixture_close(&f);
}

/* numa-balancing.md 1.13: from node 0 to node 1, 250 ms to begin with. Only the moves of fair tasks
 * come to the rule (migrate_task_rq_fair). */
static void
a_move_to_another_node_may_reset_the_period(void **state)
{
    static const struct {
        uint64_t seq;
        int preferred;
        bool rt;
        uint64_t after;
    } rows[] = { { 0, 1, false, 250 },  { 3, 1, false, 9000 },           { 3, 0, false, 250 },
                 { 3, 2, false, 9000 }, { 3, NUMA_NO_NODE, false, 250 }, { 3, 0, true, 9000 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;

        kit_open(&f, 3, 2, &fixture_memory, balancing);
        struct task *p = numa_task(&f, "0", 0);
        const struct sched_class *own = p->class;
        p->mm->rss_pages = 4 * 65536;
        p->class = rows[i].rt ? &rt_sched_class : own;
        p->numa->scan_seq = rows[i].seq;
        p->numa->preferred = rows[i].preferred;
        p->numa->scan_period = 9000;
        numa_task_migrated(f.k, p, 0, 2);
        assert_int_equal(p->numa->scan_period, rows[i].after);
        p->class = own;
        p->mm->rss_pages = 0;
        p->numa->preferred = NUMA_NO_NODE;
        fixture_close(&f);
    }
}

static void
shortest_periods(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->numa.scan_size = MIB(16);
    kp->numa.scan_period_min = MSEC(12);
}

/* Shared and remote: shorter by seven slots, each a tenth rounded up. 12 - 7 * 2 is below 0, which
 * an unsigned int of the kernel takes for very long; 14 - 14 is not. */
static void
a_period_below_zero_is_the_longest(void **state)
{
    static const struct {
        uint64_t before, after;
    } rows[] = { { 12, 60000 }, { 14, 12 }, { 40, 12 }, { 60, 18 } };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &fixture_memory, shortest_periods);
    struct task *p = numa_task(&f, "0", 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        numa_faults(f.k, p->numa, NUMA_MEMBUF, 1)[NUMA_SHARED] = 1000;
        p->numa->locality[NUMA_REMOTE] = 1000;
        p->numa->scan_period = rows[i].before;
        p->mm->numa_scan_seq++;
        task_numa_placement(f.k, &f.k->rqs[0], p);
        assert_int_equal(p->numa->scan_period, rows[i].after);
    }
    fixture_close(&f);
}

struct scans {
    uint32_t nr;
    sim_time at[16];
};

static void
note_scan(void *sink, const struct decision *d)
{
    struct scans *s = sink;

    if (s->nr < ARRAY_LEN(s->at))
        s->at[s->nr++] = d->time;
}

/* numa-balancing.md 5.8: HZ 250, 1 GiB and a small stack, all remote, always running, no costs. */
static void
scans_come_at_the_ticks_worked_out_by_hand(void **state)
{
    static const sim_time expected[] = { MSEC(1004), MSEC(1260), MSEC(1520), MSEC(1776),
                                         MSEC(2036) };
    struct scans scans = { .nr = 0 };
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, balancing);
    kit_populate(&f, kit_region(&f, "heap", GIB(1), 1), 1);
    kit_region(&f, "stack", 32 * PAGE_4K, 1);
    struct task *p = fixture_hog(&f, "p", 0);
    task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
    f.k->probe.wanted = 1u << DECISION_SCAN;
    f.k->probe.record = note_scan;
    f.k->probe.sink = &scans;
    task_start(f.k, p, NULL);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        engine_run(&f.k->engine, expected[i] + 1);
        assert_int_equal(scans.nr, i + 1);
        assert_int_equal(scans.at[i], expected[i]);
        assert_int_equal(f.process->mm->numa_scan_seq, i == 4 ? 1 : 0);
    }
    assert_int_equal(f.k->stats.numa_pte_updates, GIB_PAGES);
    fixture_close(&f);
}

/* A process with one thread and local memory is walked, but never marked. */
static void
local_pages_of_a_single_thread_are_not_marked(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, balancing);
    struct region *r = kit_region(&f, "data", MIB(1), 1);
    kit_populate(&f, r, 0);
    struct task *p = fixture_hog(&f, "p", 0);
    task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
    task_start(f.k, p, NULL);
    engine_run(&f.k->engine, SEC(5));
    assert_true(f.process->mm->numa_scan_seq >= 3);
    assert_int_equal(f.k->stats.numa_pte_updates, 0);
    fixture_close(&f);
}

static void
bound_memory_is_neither_scanned_nor_moved(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &memory_loaded, balancing);
    struct region *r = kit_region(&f, "data", MIB(1), 1);
    kit_populate(&f, r, 1);
    struct mempolicy bind = { .mode = MPOL_BIND, .nodes = NODE_BIT(1) };
    region_set_policy(f.k, r, 0, r->nr_pages, &bind);
    task_start(f.k, kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 10, 0), SEC(100)), NULL);
    fixture_run(&f, SEC(5));
    assert_int_equal(f.k->stats.numa_pte_updates, 0);
    assert_int_equal(region_whole(r)->count[1], 256);
    fixture_close(&f);
}

static double
locality(const struct task *p)
{
    uint64_t all = p->stats.accesses_local + p->stats.accesses_remote;

    return (double)p->stats.accesses_local / (double)all;
}

/* One task that may run on node 0 only, with all of its memory on node 1. */
static void
pages_move_to_a_task_that_cannot_move(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, balancing);
    struct region *r = kit_region(&f, "data", MIB(1), 1);
    kit_populate(&f, r, 1);
    struct task *p = kit_task(&f, "0-1", kit_profile(&f, r, REGION_WHOLE, 10, 0), SEC(100));
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(5));
    assert_int_equal(region_whole(r)->count[0], 256);
    assert_int_equal(f.k->stats.numa_pages_migrated, 256);
    assert_int_equal(f.k->stats.pgmigrate_success, 256);
    kernel_reset_stats(f.k);
    fixture_run(&f, SEC(6));
    assert_true(locality(p) == 1);
    fixture_close(&f);
}

static void
tasks_only(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->numa.migrate_pages = false;
}

static void
a_task_moves_to_an_idle_cpu_of_the_node_with_its_memory(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 16, &memory_loaded, tasks_only);
    struct region *r = kit_region(&f, "data", MIB(1), 1);
    kit_populate(&f, r, 1);
    struct task *p = kit_task(&f, NULL, kit_profile(&f, r, REGION_WHOLE, 10, 0), SEC(100));
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(5));
    assert_int_equal(f.k->rqs[p->cpu].node, 1);
    assert_int_equal(p->numa->preferred, 1);
    assert_int_equal(f.k->rqs[p->cpu].nr_numa_running, 1);
    assert_int_equal(f.k->rqs[p->cpu].nr_preferred_running, 1);
    assert_int_equal(region_whole(r)->count[1], 256);
    fixture_close(&f);
}

/* Both nodes are busy, and each of two tasks has its memory where the other runs. */
static void
two_tasks_change_places_when_both_gain(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &memory_loaded, tasks_only);
    struct process *other = process_new(f.k, "other", NULL);
    struct region *a = kit_region(&f, "a", MIB(1), 1);
    kit_populate(&f, a, 1);
    struct task *p = kit_task(&f, "0", kit_profile(&f, a, REGION_WHOLE, 10, 0), SEC(100));
    f.process = other;
    struct region *b = kit_region(&f, "b", MIB(1), 1);
    kit_populate(&f, b, 0);
    struct task *q = kit_task(&f, "1", kit_profile(&f, b, REGION_WHOLE, 10, 0), SEC(100));
    task_start(f.k, p, NULL);
    task_start(f.k, q, NULL);
    task_set_affinity(f.k, p, f.machine->online);
    task_set_affinity(f.k, q, f.machine->online);
    fixture_run(&f, SEC(8));
    assert_int_equal(p->cpu, 1);
    assert_int_equal(q->cpu, 0);
    kernel_reset_stats(f.k);
    fixture_run(&f, SEC(9));
    assert_true(locality(p) > 0.99 && locality(q) > 0.99);
    fixture_close(&f);
}

/* Scans cost 20 ns a page and flushes; the first step of the back-off keeps it near 3 %. */
static void
with_costs(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->cost.scan_per_page = 20;
    kp->cost.tlb_shootdown = 1000;
    kp->cost.hint_fault = 1000;
    kp->cost.page_migration = 2000;
}
static void
scans_and_faults_are_charged_to_the_task(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &memory_loaded, with_costs);
    struct region *r = kit_region(&f, "data", MIB(1), 1);
    kit_populate(&f, r, 1);
    struct task *p = kit_task(&f, "0", kit_profile(&f, r, REGION_WHOLE, 10, 0), SEC(100));
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(5));
    /* all 256 pages are marked, fault and move once; 4 KiB at 1 TB/s are 4 ns a page */
    assert_int_equal(f.k->stats.numa_pte_updates, 256);
    assert_int_equal(p->stats.kernel_ns, 256 * 20 + 1000 + 256 * (1000 + 2000 + 4));
    fixture_close(&f);
}

/* CPU faults are weighted by how long the task had run at its last tick (HZ 250: 100 ms), whether
 * that tick was simulated or is made up for when somebody asks. */
static void
placement_knows_the_ticks_that_were_not_simulated(void **state)
{
    (void)state;
    for (int simulated = 0; simulated < 2; simulated++) {
        struct fixture f;

        kit_open(&f, 2, 2, &fixture_memory, balancing);
        f.k->params.sched.tick = simulated ? TICK_SIMULATED : TICK_COMPUTED;
        struct task *p = numa_task(&f, "0", 0);
        engine_run(&f.k->engine, MSEC(103));
        p->mm->numa_scan_seq++;
        task_numa_placement(f.k, &f.k->rqs[0], p);
        assert_int_equal(p->numa->last_placement, MSEC(100));
        assert_int_equal(p->numa->last_sum_exec, MSEC(100));
        fixture_close(&f);
    }
}

/* Ticks have nothing else to do: with a slice that does not end. */
static void
only_balancing(struct kernel_params *kp, struct machine *m)
{
    balancing(kp, m);
    kp->sched.periodic_balance = false;
    kp->sched.fair_server_runtime = 0;
}

/* When a task scans first that is of the rt class until `leaves`. */
static sim_time
first_scan(enum tick_mode tick, sim_time leaves)
{
    struct scans scans = { .nr = 0 };
    struct fixture f;

    kit_open(&f, 2, 1, &fixture_memory, only_balancing);
    f.k->params.sched.tick = tick;
    kit_populate(&f, kit_region(&f, "heap", GIB(1), 1), 1);
    struct task *p = fixture_hog(&f, "p", 0);
    task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
    f.k->probe.wanted = 1u << DECISION_SCAN;
    f.k->probe.record = note_scan;
    f.k->probe.sink = &scans;
    task_start(f.k, p, NULL);
    engine_run(&f.k->engine, MSEC(1));
    task_set_scheduler(f.k, p, &(struct task_attr){ .policy = POLICY_FIFO, .rt_priority = 1 });
    engine_run(&f.k->engine, leaves);
    assert_int_equal(scans.nr, 0);
    task_set_scheduler(f.k, p,
                       &(struct task_attr){ .policy = POLICY_NORMAL, .slice_ns = MSEC(100) });
    engine_run(&f.k->engine, leaves + MSEC(100));
    assert_true(scans.nr > 0);
    fixture_close(&f);
    return scans.at[0];
}

/* An rt task does not scan; it does from the tick on after it has become one that does, although it
 * goes on running. */
static void
who_leaves_the_rt_class_scans_at_its_next_tick(void **state)
{
    (void)state;
    sim_time at = SEC(2) + MSEC(1);

    /* HZ 250: ticks at 2000 and 2004 ms */
    assert_int_equal(first_scan(TICK_SIMULATED, at), SEC(2) + MSEC(4));
    assert_int_equal(first_scan(TICK_COMPUTED, at), SEC(2) + MSEC(4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan_periods_follow_the_resident_set),
        cmocka_unit_test(placement_decays_and_prefers_as_worked_out_by_hand),
        cmocka_unit_test(the_scan_period_adapts_as_in_the_table),
        cmocka_unit_test(a_period_below_zero_is_the_longest),
        cmocka_unit_test(a_move_to_another_node_may_reset_the_period),
        cmocka_unit_test(scans_come_at_the_ticks_worked_out_by_hand),
        cmocka_unit_test(local_pages_of_a_single_thread_are_not_marked),
        cmocka_unit_test(bound_memory_is_neither_scanned_nor_moved),
        cmocka_unit_test(pages_move_to_a_task_that_cannot_move),
        cmocka_unit_test(a_task_moves_to_an_idle_cpu_of_the_node_with_its_memory),
        cmocka_unit_test(two_tasks_change_places_when_both_gain),
        cmocka_unit_test(scans_and_faults_are_charged_to_the_task),
        cmocka_unit_test(placement_knows_the_ticks_that_were_not_simulated),
        cmocka_unit_test(who_leaves_the_rt_class_scans_at_its_next_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

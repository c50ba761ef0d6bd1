/* layer: kernel */
#include "kernel/fair.h"
#include "select_kit.h"

/* ---- V12: where the children of a task on node 0 go; they never sleep ---- */

/* Two nodes of `cpus` CPUs, threads a core, `llc` CPUs a last-level cache. */
static struct machine *
two_nodes(struct arena *a, uint32_t cpus, uint32_t threads, uint32_t llc)
{
    struct machine *m = fixture_machine(a, 2, cpus / threads, threads, 20);

    for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++)
        m->cpus[cpu].llc = (int32_t)(cpu / llc);
    return m;
}

static void
check_fork_nodes(uint32_t cpus, uint32_t threads, uint32_t llc, uint32_t imb_numa_nr,
                 const char *expected)
{
    struct arena *a = arena_new();
    struct fixture f;
    char got[64] = "";

    kit_open(&f, a, two_nodes(a, cpus, threads, llc), NULL);
    assert_int_equal(f.k->domains->cpus[0].numa->imb_numa_nr, imb_numa_nr);
    struct task *parent = fixture_hog(&f, "parent", 0);
    kit_allow(&f, parent, "0");
    task_start(f.k, parent, NULL);
    fixture_run(&f, MSEC(20));
    for (size_t i = 0; i < strlen(expected); i++) {
        struct task *p = fixture_hog(&f, "child", 0);
        task_start(f.k, p, parent);
        got[i] = (char)('0' + f.machine->cpus[p->cpu].node);
    }
    assert_string_equal(got, expected);
    fixture_close(&f);
}

static void
children_alternate_once_the_tolerance_is_used_up(void **state)
{
    (void)state;
    check_fork_nodes(32, 2, 32, 4, "001011101010");
    check_fork_nodes(128, 2, 16, 8, "00101010101011");
    check_fork_nodes(8, 1, 8, 1, "101010");
}

/* No child shares a CPU while one idles: 4 nodes of 2 CPUs, as the oracle's fork_full. */
static void
the_first_children_fill_the_nodes(void **state)
{
    struct fixture f;
    uint32_t on_cpu[8] = { 0 }, nodes = 0;

    (void)state;
    kit_plain(&f, 4, 2, 1, NULL);
    for (int i = 0; i < 4; i++) {
        struct task *p = fixture_hog(&f, "child", 0);

        task_start(f.k, p, NULL);
        fixture_run(&f, (sim_time)(i + 1) * MSEC(1));
        on_cpu[p->cpu]++;
        nodes |= 1u << f.machine->cpus[p->cpu].node;
    }
    for (int cpu = 0; cpu < 8; cpu++)
        assert_true(on_cpu[cpu] <= 1);
    assert_int_equal(nodes, 0xf);
    fixture_close(&f);
}

/* ---- adjust_numa_imbalance ---- */

static void
an_imbalance_of_two_is_tolerated_while_few_run(void **state)
{
    (void)state;
    assert_int_equal(adjust_numa_imbalance(2, 4, 4), 0);
    assert_int_equal(adjust_numa_imbalance(3, 4, 4), 3);
    assert_int_equal(adjust_numa_imbalance(1, 5, 4), 1);
    assert_int_equal(adjust_numa_imbalance(0, 1, 4), 0);
}

/* ---- types of groups: 4 CPUs, capacity 4096, pct 117 ---- */

static enum dst_type
type_of(uint32_t nr_running, uint64_t util, uint64_t runnable)
{
    struct sched_group_capacity sgc = { .capacity = 4096 };
    struct sched_group sg = { .sgc = &sgc };
    struct dst_stats s = { .group = &sg,
                           .capacity = 4096,
                           .weight = 4,
                           .nr_running = nr_running,
                           .util = util,
                           .runnable = runnable };

    return dst_classify(&s, 117);
}

static void
utilisation_decides_what_a_full_group_is(void **state)
{
    (void)state;
    /* fewer tasks than CPUs: spare, whatever the averages say */
    assert_int_equal(type_of(3, 4096, 9999), DST_HAS_SPARE);
    /* as many: 117 * 3500 < 409600 < 117 * 3501; 100 * 4792 < 479232 < 100 * 4793 */
    assert_int_equal(type_of(4, 3500, 4792), DST_HAS_SPARE);
    assert_int_equal(type_of(4, 3501, 0), DST_FULLY_BUSY);
    assert_int_equal(type_of(4, 0, 4793), DST_FULLY_BUSY);
    /* more */
    assert_int_equal(type_of(5, 3500, 4792), DST_HAS_SPARE);
    assert_int_equal(type_of(5, 3501, 0), DST_OVERLOADED);
    assert_int_equal(type_of(5, 0, 4793), DST_OVERLOADED);
}

static void
the_other_types_come_in_between(void **state)
{
    struct sched_group_capacity sgc = { .capacity = 4096, .imbalance = true };
    struct sched_group sg = { .sgc = &sgc };
    struct dst_stats s = { .group = &sg, .capacity = 4096, .weight = 4, .misfit = true };

    (void)state;
    assert_int_equal(dst_classify(&s, 117), DST_IMBALANCED);
    sgc.imbalance = false;
    assert_int_equal(dst_classify(&s, 117), DST_MISFIT_TASK);
    s.misfit = false;
    assert_int_equal(dst_classify(&s, 117), DST_HAS_SPARE);
}

/* ---- which group: 2 nodes of 8 CPUs ---- */

static int
group_of(struct fixture *f, const struct sched_domain *sd, const struct task *p, int this_cpu)
{
    struct sched_group *sg = sched_balance_find_dst_group(f->k, sd, p, this_cpu);

    return sg != NULL ? cpumask_first(sg->span) : -1;
}

static struct task *
new_task(struct fixture *f, int cpu)
{
    struct task *p = fixture_hog(f, "new", 0);

    p->cpu = cpu;
    set_task_rq(f->k, p, cpu);
    return p;
}

static void
set_preferred(struct fixture *f, struct task *p, int node)
{
    if (p->numa == NULL)
        p->numa = arena_new_object(f->arena, struct task_numa);
    p->numa->preferred = node;
}

static void
the_preferred_node_wins_among_nodes_with_room(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, NULL);
    const struct sched_domain *numa = f.k->domains->cpus[0].numa;
    struct task *p = new_task(&f, 0);
    kit_only_idle(&f, "3-15"); /* 3 of node 0 run: beyond imb_numa_nr 1 */
    set_preferred(&f, p, NUMA_NO_NODE);
    assert_int_equal(group_of(&f, numa, p, 0), 8);
    set_preferred(&f, p, 0);
    assert_int_equal(group_of(&f, numa, p, 0), -1);
    kit_only_idle(&f, "0-7,12-15"); /* node 1 has less room, and is preferred */
    set_preferred(&f, p, 1);
    assert_int_equal(group_of(&f, numa, p, 0), 8);
    set_preferred(&f, p, NUMA_NO_NODE);
    assert_int_equal(group_of(&f, numa, p, 0), -1);
    fixture_close(&f);
}

/* The tolerance counts the CPUs of the local node that the task may use. */
static void
a_pinned_task_lowers_the_tolerance(void **state)
{
    struct arena *a = arena_new();
    struct fixture f;

    (void)state;
    kit_open(&f, a, two_nodes(a, 32, 2, 32), NULL);
    const struct sched_domain *numa = f.k->domains->cpus[0].numa;
    struct task *p = new_task(&f, 0);
    kit_only_idle(&f, "2-63"); /* 2 run: 3 with p, of 4; imbalance 2 */
    assert_int_equal(group_of(&f, numa, p, 0), -1);
    kit_allow(&f, p, "0-2,32-63"); /* 3 with p, of 3 */
    kit_only_idle(&f, "0,32-33");  /* idle 1 against 2 */
    assert_int_equal(group_of(&f, numa, p, 0), -1);
    kit_allow(&f, p, "0-1,32-63"); /* 2 with p (one runs on CPU 1), of 2 */
    assert_int_equal(group_of(&f, numa, p, 0), -1);
    kit_allow(&f, p, "0,32-63"); /* one CPU, and nobody runs on it: 1 of 1 */
    assert_int_equal(group_of(&f, numa, p, 0), -1);
    kit_only_idle(&f, "32-33"); /* 2 of 1 */
    assert_int_equal(group_of(&f, numa, p, 0), 32);
    fixture_close(&f);
}

/* 6.12.0 counts also the CPUs that the task may not use. */
static void
older_kernels_count_all_cpus_of_a_group(void **state)
{
    static const char *const old[] = { "sched.kernel", "6.12.0", NULL };
    struct fixture f;

    (void)state;
    for (int version = 0; version < 2; version++) {
        kit_plain(&f, 1, 4, 2, version == 0 ? old : NULL);
        const struct sched_domain *mc = f.k->domains->cpus[0].llc;
        struct task *p = new_task(&f, 0);
        struct dst_stats s;

        kit_only_idle(&f, "2-3,6-7");
        kit_allow(&f, p, "0,2,4");
        update_sg_wakeup_stats(f.k, mc, mc->groups->next, p, &s);
        assert_int_equal(cpumask_first(s.group->span), 2);
        assert_int_equal(s.idle_cpus, version == 0 ? 2 : 1);
        fixture_close(&f);
    }
}

/* Without a local group (affinity) there is nothing to compare with. */
static void
a_task_that_may_not_stay_goes(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, NULL);
    struct task *p = new_task(&f, 0);
    kit_allow(&f, p, "12");
    kit_only_idle(&f, "0-11");
    assert_int_equal(group_of(&f, f.k->domains->cpus[0].numa, p, 0), 8);
    assert_int_equal(select_task_rq_fair(f.k, p, 0, WF_FORK), 12);
    fixture_close(&f);
}

/* ---- statistics from sums are those of the CPUs ---- */

static void
assert_stats(struct fixture *f, const struct sched_domain *sd, struct sched_group *sg,
             const struct task *p)
{
    struct dst_stats got, want = { .group = sg };

    update_sg_wakeup_stats(f->k, sd, sg, p, &got);
    for_each_cpu (cpu, sg->span) {
        struct rq *rq = &f->k->rqs[cpu];
        uint32_t own = p->on_rq && p->cpu == cpu;

        want.load += cpu_load_without(f->k, rq, p);
        want.util += cpu_util_without(f->k, rq, p);
        want.runnable += cpu_runnable_without(f->k, rq, p);
        want.nr_running += rq->nr_running - own;
        want.h_nr_running += rq->cfs.h_nr_queued - own;
        want.idle_cpus += rq->nr_running == own;
    }
    assert_int_equal(got.load, want.load);
    assert_int_equal(got.util, want.util);
    assert_int_equal(got.runnable, want.runnable);
    assert_int_equal(got.nr_running, want.nr_running);
    assert_int_equal(got.h_nr_running, want.h_nr_running);
    assert_int_equal(got.idle_cpus, want.idle_cpus);
}

static const struct action naps[] = { { .kind = ACTION_RUN, .work = USEC(1700) },
                                      { .kind = ACTION_SLEEP, .until = USEC(900) },
                                      { .kind = ACTION_RUN, .work = USEC(300) },
                                      { .kind = ACTION_SLEEP, .until = USEC(4100) } };

static void
groups_are_the_sums_of_their_cpus(void **state)
{
    struct fixture f;
    struct task *tasks[40];

    (void)state;
    kit_plain(&f, 4, 2, 2, NULL);
    for (int i = 0; i < 40; i++) {
        tasks[i] = fixture_task(&f, "nap", i % 7 - 3, naps, i % 5 == 0 ? 1 : 4);
        task_start(f.k, tasks[i], NULL);
    }
    struct task *fresh = new_task(&f, 3);
    for (int ms = 1; ms < 200; ms += 3) {
        fixture_run(&f, MSEC(ms) + USEC(130 * (sim_time)ms));
        for (int cpu = 0; cpu < 16; cpu += 5)
            for_each_domain (sd, f.k->domains->cpus[cpu].sd)
                for_each_group(sg, sd->groups)
                {
                    assert_stats(&f, sd, sg, fresh);
                    if (f.k->rqs[ms % 16].curr != NULL)
                        assert_stats(&f, sd, sg, f.k->rqs[ms % 16].curr);
                }
    }
    fixture_close(&f);
}

/* ---- which CPU of the group ---- */

static int
cpu_of(struct fixture *f, const struct task *p)
{
    const struct sched_domain *mc = f->k->domains->cpus[0].llc;

    return sched_balance_find_dst_group_cpu(f->k, mc, mc->span, p, 0);
}

static void
the_cpu_that_became_idle_last_is_taken(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *p = new_task(&f, 0);
    kit_only_idle(&f, "2,4-7");
    assert_int_equal(cpu_of(&f, p), 2); /* all alike: the first */
    f.k->rqs[4].idle_since = f.k->rqs[5].idle_since = 20;
    f.k->rqs[6].idle_since = 10;
    f.k->rqs[1].idle_since = 30; /* busy since */
    assert_int_equal(cpu_of(&f, p), 4);
    kit_allow(&f, p, "0-3,5-7");
    assert_int_equal(cpu_of(&f, p), 5);
    kit_sched_idle(&f, 7);
    assert_int_equal(cpu_of(&f, p), 7);
    fixture_close(&f);
}

static void
seeds_draw_who_went_idle_last_before_the_run(void **state)
{
    static const char *const rotor[] = { "noise.tie_rotor", "yes", NULL };
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 64, 1, rotor);
    struct task *p = new_task(&f, 0);
    int drawn = cpu_of(&f, p);
    uint32_t most = f.k->rqs[drawn].idle_rank;
    for (int cpu = 0; cpu < 64; cpu++)
        assert_true(f.k->rqs[cpu].idle_rank <= most);
    f.k->rqs[9].idle_since = 1; /* history before the run does not outlive it */
    assert_int_equal(cpu_of(&f, p), 9);
    fixture_close(&f);
}

/* ---- exec ---- */

static void
exec_stays_where_nothing_is_better(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 4, 1, NULL);
    struct task *p = fixture_hog(&f, "p", 0);
    kit_allow(&f, p, "2");
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(1));
    kit_allow(&f, p, "0-3");
    task_exec(f.k, p);
    fixture_run(&f, MSEC(2));
    assert_int_equal(p->cpu, 2); /* alone: without it, its CPU idles as well */
    fixture_close(&f);
}

static void
exec_leaves_a_crowded_cpu(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 4, 1, NULL);
    struct task *p = fixture_hog(&f, "p", 0), *other = fixture_hog(&f, "other", 0);
    kit_allow(&f, p, "2");
    kit_allow(&f, other, "2");
    f.k->params.sched.newidle_balance = f.k->params.sched.periodic_balance = false;
    task_start(f.k, p, NULL);
    task_start(f.k, other, NULL);
    fixture_run(&f, MSEC(1));
    struct task *running = f.k->rqs[2].curr;
    kit_allow(&f, running, "0-3");
    task_exec(f.k, running);
    assert_int_equal(running->cpu, 2); /* the stopper has still to run */
    fixture_run(&f, MSEC(2));
    assert_int_not_equal(running->cpu, 2);
    assert_int_equal(running->state, TASK_RUNNING);
    fixture_close(&f);
}

/* ---- variants ---- */

static void
a_child_may_be_kept_on_its_parents_node(void **state)
{
    static const char *const settings[] = { "select.fork", "parent_node", NULL };
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 4, 1, settings);
    struct task *p = new_task(&f, 5);
    kit_only_idle(&f, "0-3,6");
    assert_int_equal(select_task_rq_fair(f.k, p, 5, WF_FORK), 6);
    kit_only_idle(&f, "0-3");
    assert_int_equal(f.machine->cpus[select_task_rq_fair(f.k, p, 5, WF_FORK)].node, 1);
    kit_allow(&f, p, "0-3"); /* it may not be kept */
    assert_int_equal(f.machine->cpus[select_task_rq_fair(f.k, p, 5, WF_FORK)].node, 0);
    fixture_close(&f);
}

/* ---- CPUs of unequal capacity ---- */

static void
a_task_that_fits_nowhere_goes_to_the_largest(void **state)
{
    struct arena *a = arena_new();
    struct machine *m = fixture_machine(a, 1, 8, 1, 20);
    struct fixture f;
    struct dst_stats s;

    (void)state;
    for (int cpu = 0; cpu < 4; cpu++)
        m->cpus[cpu].capacity = 446;
    kit_open(&f, a, m, NULL);
    const struct sched_domain *mc = f.k->domains->cpus[0].llc;
    struct task *p = new_task(&f, 0);
    p->se.avg.util_avg = 700; /* 819 is the most that fits 1024, 356 the most that fits 446 */
    update_sg_wakeup_stats(f.k, mc, mc->groups, p, &s);
    assert_int_equal(s.type, DST_MISFIT_TASK);
    assert_int_equal(group_of(&f, mc, p, 0), 4);
    p->se.avg.util_avg = 300;
    update_sg_wakeup_stats(f.k, mc, mc->groups, p, &s);
    assert_int_equal(s.type, DST_HAS_SPARE);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_alternate_once_the_tolerance_is_used_up),
        cmocka_unit_test(the_first_children_fill_the_nodes),
        cmocka_unit_test(an_imbalance_of_two_is_tolerated_while_few_run),
        cmocka_unit_test(utilisation_decides_what_a_full_group_is),
        cmocka_unit_test(the_other_types_come_in_between),
        cmocka_unit_test(the_preferred_node_wins_among_nodes_with_room),
        cmocka_unit_test(a_pinned_task_lowers_the_tolerance),
        cmocka_unit_test(older_kernels_count_all_cpus_of_a_group),
        cmocka_unit_test(a_task_that_may_not_stay_goes),
        cmocka_unit_test(groups_are_the_sums_of_their_cpus),
        cmocka_unit_test(the_cpu_that_became_idle_last_is_taken),
        cmocka_unit_test(seeds_draw_who_went_idle_last_before_the_run),
        cmocka_unit_test(exec_stays_where_nothing_is_better),
        cmocka_unit_test(exec_leaves_a_crowded_cpu),
        cmocka_unit_test(a_child_may_be_kept_on_its_parents_node),
        cmocka_unit_test(a_task_that_fits_nowhere_goes_to_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

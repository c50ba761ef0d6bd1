/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/weight.h"

static void
assert_share(const struct task *p, sim_time of, double share, double tolerance)
{
    double got = (double)p->stats.run_ns / (double)of;

    if (got < share - tolerance || got > share + tolerance)
        fail_msg("%s: share %.4f, expected %.4f +- %.4f", p->name, got, share, tolerance);
}

/* Shares follow weights; the oracle's nice_0_5 measured 0.7534 on a real kernel. */
static void
two_hogs_share_one_cpu_by_weight(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *a = fixture_hog(&f, "nice0", 0), *b = fixture_hog(&f, "nice5", 5);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    fixture_run(&f, SEC(20));
    assert_share(a, SEC(20), 1024.0 / 1359, 0.001);
    assert_share(b, SEC(20), 335.0 / 1359, 0.001);
    assert_int_equal(a->stats.run_ns + b->stats.run_ns, SEC(20));
    assert_int_equal(a->stats.run_ns + a->stats.wait_ns, SEC(20));
    fixture_close(&f);
}

static void
three_nice_levels_share_by_weight(void **state)
{
    static const int nice[] = { -5, 0, 10 };
    struct fixture f;
    struct task *p[3];

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    for (int i = 0; i < 3; i++) {
        p[i] = fixture_hog(&f, "hog", nice[i]);
        task_start(f.k, p[i], NULL);
    }
    fixture_run(&f, SEC(60));
    for (int i = 0; i < 3; i++)
        assert_share(p[i], SEC(60), nice_weight(nice[i]) / (3121.0 + 1024 + 110), 0.002);
    fixture_close(&f);
}

/* A slice of 0.7 ms on one CPU ends at the next tick, 4 ms apart at HZ=250. */
static void
slices_are_rounded_up_to_ticks(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(a->stats.nr_slices + b->stats.nr_slices, 250);
    fixture_close(&f);
}

static void
five_hogs_on_four_cpus_stay_even(void **state)
{
    struct fixture f;
    struct task *p[5];
    uint64_t sum = 0;

    (void)state;
    fixture_open(&f, 2, 2, 1, true);
    for (int i = 0; i < 5; i++) {
        p[i] = fixture_hog(&f, "hog", 0);
        task_start(f.k, p[i], NULL);
    }
    fixture_run(&f, SEC(12));
    for (int i = 0; i < 5; i++) {
        sum += p[i]->stats.run_ns;
        assert_share(p[i], SEC(12), 0.8, 0.08);
    }
    assert_true(sum > SEC(12) * 4 * 99 / 100);
    assert_true(sum <= SEC(12) * 4);
    fixture_close(&f);
}

/* The oracle's spread: 8 hogs on one CPU of 4 are even after 0.2 to 0.35 s; twice that is allowed.
 */
static void
hogs_spread_from_one_cpu(void **state)
{
    struct fixture f;
    struct task *p[8];

    (void)state;
    fixture_open(&f, 2, 2, 1, true);
    for (int i = 0; i < 8; i++) {
        p[i] = fixture_hog(&f, "hog", 0);
        task_set_affinity(f.k, p[i], fixture_cpus(&f, "0"));
        task_start(f.k, p[i], NULL);
    }
    fixture_run(&f, MSEC(100));
    assert_int_equal(f.k->rqs[0].nr_running, 8);
    for (int i = 0; i < 8; i++)
        task_set_affinity(f.k, p[i], f.machine->online);
    fixture_run(&f, MSEC(100) + MSEC(700));
    for (int cpu = 0; cpu < 4; cpu++)
        assert_int_equal(f.k->rqs[cpu].nr_running, 2);
    fixture_close(&f);
}

/* sched-core.md 3.4: parent on node 0, children never sleep. */
static void
check_fork_nodes(uint32_t cores, uint32_t threads, const char *expected)
{
    struct fixture f;
    char got[64] = "";

    fixture_open(&f, 2, cores, threads, false);
    struct task *parent = fixture_hog(&f, "parent", 0);
    task_set_affinity(f.k, parent, fixture_cpus(&f, "0"));
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
forks_go_where_the_kernel_puts_them(void **state)
{
    (void)state;
    check_fork_nodes(16, 2, "001011101010");
    check_fork_nodes(8, 1, "101010");
}

static const struct action block_actions[] = { { .kind = ACTION_BLOCK } };

/* Whoever starts tasks runs somewhere: what is started without a parent does not pile up on its
 * CPU. */
static void
tasks_without_a_parent_are_spread_like_a_shells_children(void **state)
{
    struct fixture f;
    uint32_t on_start_cpu = 0;

    (void)state;
    fixture_open(&f, 2, 2, 1, true);
    for (int i = 0; i < 8; i++) {
        struct task *p = fixture_task(&f, "p", 0, block_actions, 1);

        task_start(f.k, p, NULL);
        fixture_run(&f, (sim_time)(i + 1) * MSEC(1)); /* it blocks at once: all CPUs idle again */
        on_start_cpu += p->cpu == f.k->start_cpu;
    }
    assert_int_equal(on_start_cpu, 0);
    fixture_close(&f);
}

static const struct action wake_actions[] = {
    { .kind = ACTION_RUN, .work = USEC(100) },
    { .kind = ACTION_SLEEP, .until = MSEC(1) },
};

static void
a_wakee_finds_an_idle_cpu_at_once(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 4, 1, false);
    struct task *hog = fixture_hog(&f, "hog", 0);
    struct task *p = fixture_task(&f, "sleeper", 0, wake_actions, 2);
    task_start(f.k, p, NULL);
    task_start(f.k, hog, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(p->stats.wait_ns, 0);
    assert_int_equal(f.process->stats.wakeup.max, 0);
    assert_int_equal(p->stats.nr_wakeups, 909); /* 1 s / 1.1 ms */
    assert_share(hog, SEC(1), 1.0, 0);
    fixture_close(&f);
}

static struct task *waits_for_the_end;

static void
wake_who_waits(struct kernel *k, struct task *p)
{
    task_wake(k, waits_for_the_end, p, false);
}

/* The end of a task wakes another while it still runs: its CPU, where the other slept, is not idle,
 * and the CPU beside it is. */
static void
who_exits_is_in_the_way_of_whom_it_wakes(void **state)
{
    static const struct action wait[] = { { .kind = ACTION_BLOCK },
                                          { .kind = ACTION_RUN, .work = 1 } };
    static const struct action end[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                         { .kind = ACTION_EXIT } };
    struct script script = { .actions = end, .nr = 2 };
    struct task_ops ops = { .next = script_next, .exited = wake_who_waits };
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, false);
    waits_for_the_end = fixture_task(&f, "waiter", 0, wait, 2);
    task_set_affinity(f.k, waits_for_the_end, fixture_cpus(&f, "1"));
    task_start(f.k, waits_for_the_end, NULL);
    fixture_run(&f, MSEC(1));
    task_set_affinity(f.k, waits_for_the_end, f.machine->online);
    struct task *p =
        task_new(f.k, f.process, &(struct task_attr){ .name = "p", .ops = &ops, .prog = &script });
    task_set_affinity(f.k, p, fixture_cpus(&f, "1"));
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(3));
    assert_int_equal(p->state, TASK_DEAD);
    assert_int_equal(waits_for_the_end->stats.nr_wakeups, 1);
    assert_int_equal(waits_for_the_end->cpu, 0);
    fixture_close(&f);
}

/* cost.ipi and cost.context_switch stand between the wake-up and the task's own work. */
static void
a_wake_up_takes_the_interrupt_and_the_switch(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 4, 1, true);
    const struct cost_params *c = &f.k->params.cost;
    struct task *p = fixture_task(&f, "sleeper", 0, wake_actions, 2);
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(100));
    assert_int_equal(f.process->stats.wakeup.min, c->wakeup + c->context_switch_same_mm);
    assert_int_equal(f.process->stats.wakeup.max, c->wakeup + c->context_switch_same_mm);
    fixture_close(&f);
}

static const struct action short_actions[] = {
    { .kind = ACTION_RUN, .work = MSEC(1) },
    { .kind = ACTION_SLEEP, .until = MSEC(9) },
};

/* While the hog is eligible it keeps its CPU; a sleeper that has had less than its share gets it.
 */
static void
a_sleeper_preempts_a_hog_on_its_only_cpu(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *hog = fixture_hog(&f, "hog", 0);
    struct task *p = fixture_task(&f, "sleeper", 0, short_actions, 2);
    task_start(f.k, hog, NULL);
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(10));
    assert_share(p, SEC(10), 0.1, 0.03);
    assert_true(f.process->stats.wakeup.max <= MSEC(8));
    fixture_close(&f);
}

static void
affinity_moves_a_running_and_a_waiting_task(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, true);
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    task_set_affinity(f.k, a, fixture_cpus(&f, "0"));
    task_set_affinity(f.k, b, fixture_cpus(&f, "0"));
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    fixture_run(&f, MSEC(10));
    task_set_affinity(f.k, a, fixture_cpus(&f, "1"));
    task_set_affinity(f.k, b, fixture_cpus(&f, "1"));
    fixture_run(&f, MSEC(20));
    assert_int_equal(a->cpu, 1);
    assert_int_equal(b->cpu, 1);
    assert_int_equal(f.k->rqs[0].nr_running, 0);
    fixture_close(&f);
}

static void
renice_changes_the_share(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    fixture_run(&f, SEC(1));
    task_set_nice(f.k, a, 5);
    fixture_run(&f, SEC(21));
    assert_share(a, SEC(1), 0.5 + 20 * 335.0 / 1359, 0.02);
    fixture_close(&f);
}

/* Stolen time slows the task and is not charged to it. */
static void
interrupts_steal_time_and_faults_do_not(void **state)
{
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(10) },
                                          { .kind = ACTION_EXIT } };
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *p = fixture_task(&f, "p", 0, once, 2);
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(1));
    charge(f.k, 0, MSEC(2), CHARGE_IRQ);
    charge(f.k, 0, MSEC(3), CHARGE_TASK);
    fixture_run(&f, SEC(1));
    assert_int_equal(p->state, TASK_DEAD);
    assert_int_equal(p->exited_at, MSEC(15));
    assert_int_equal(p->stats.run_ns, MSEC(13));
    assert_int_equal(f.k->stats.sched_overhead_ns, MSEC(5));
    fixture_close(&f);
}

/* Two threads of one core and an idle core beside them: one moves over. */
static void
smt_siblings_spread_over_cores(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 2, true);
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    task_set_affinity(f.k, a, fixture_cpus(&f, "0"));
    task_set_affinity(f.k, b, fixture_cpus(&f, "1"));
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    fixture_run(&f, MSEC(5));
    task_set_affinity(f.k, a, f.machine->online);
    task_set_affinity(f.k, b, f.machine->online);
    fixture_run(&f, SEC(2));
    assert_int_not_equal(f.machine->cpus[a->cpu].core, f.machine->cpus[b->cpu].core);
    fixture_close(&f);
}

static void
count_decision(void *sink, const struct decision *d)
{
    (*(uint64_t *)sink)++;
    assert_true(d->cause_seq < d->seq);
    assert_non_null(d->rule);
}

static void
decisions_are_numbered_whoever_listens(void **state)
{
    uint64_t seq[2], heard = 0;

    (void)state;
    for (int listen = 0; listen < 2; listen++) {
        struct fixture f;

        fixture_open(&f, 2, 2, 1, true);
        if (listen) {
            f.k->probe.wanted = UINT32_MAX;
            f.k->probe.record = count_decision;
            f.k->probe.sink = &heard;
        }
        for (int i = 0; i < 5; i++)
            task_start(f.k, fixture_task(&f, "sleeper", 0, short_actions, 2), NULL);
        fixture_run(&f, SEC(1));
        seq[listen] = f.k->probe.seq;
        fixture_close(&f);
    }
    assert_int_equal(seq[0], seq[1]);
    assert_int_equal(heard, seq[1]);
}

static void
a_forced_decision_replaces_the_choice(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 4, 1, false);
    f.k->probe.force_seq = 1; /* the placement of the first fork */
    f.k->probe.force_choice = 3;
    struct task *p = fixture_hog(&f, "p", 0);
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(10));
    assert_true(f.k->probe.forced);
    assert_int_equal(p->cpu, 3);
    fixture_close(&f);
}

static void
a_forced_choice_that_is_none_ends_the_run(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 4, 1, false);
    f.k->probe.force_seq = 1;
    f.k->probe.force_choice = 99;
    task_start(f.k, fixture_hog(&f, "p", 0), NULL);
    assert_non_null(f.k->error);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hogs_share_one_cpu_by_weight),
        cmocka_unit_test(three_nice_levels_share_by_weight),
        cmocka_unit_test(slices_are_rounded_up_to_ticks),
        cmocka_unit_test(five_hogs_on_four_cpus_stay_even),
        cmocka_unit_test(hogs_spread_from_one_cpu),
        cmocka_unit_test(forks_go_where_the_kernel_puts_them),
        cmocka_unit_test(tasks_without_a_parent_are_spread_like_a_shells_children),
        cmocka_unit_test(a_wakee_finds_an_idle_cpu_at_once),
        cmocka_unit_test(who_exits_is_in_the_way_of_whom_it_wakes),
        cmocka_unit_test(a_wake_up_takes_the_interrupt_and_the_switch),
        cmocka_unit_test(a_sleeper_preempts_a_hog_on_its_only_cpu),
        cmocka_unit_test(affinity_moves_a_running_and_a_waiting_task),
        cmocka_unit_test(renice_changes_the_share),
        cmocka_unit_test(interrupts_steal_time_and_faults_do_not),
        cmocka_unit_test(smt_siblings_spread_over_cores),
        cmocka_unit_test(decisions_are_numbered_whoever_listens),
        cmocka_unit_test(a_forced_decision_replaces_the_choice),
        cmocka_unit_test(a_forced_choice_that_is_none_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

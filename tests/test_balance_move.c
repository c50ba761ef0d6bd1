/* layer: kernel */
/*
 * Which tasks a pass moves and which it refuses: hot ones, pinned ones, and how many
 * (sched-core.md 4.5 and 4.8).
 */
#include "balance_kit.h"

/* sched_migration_cost_ns=-1: also what last ran a minute ago is hot. */
static void
with_a_cost_of_minus_one_everything_is_hot(void **state)
{
    struct fixture f;
    struct task *hogs[4];

    (void)state;
    open_still(&f, 1, 2, 1);
    f.k->params.sched.migration_cost_ns = UINT32_MAX;
    pile_up(&f, hogs, 4, "0", MSEC(500));
    for (int i = 0; i < 4; i++)
        hogs[i]->se.exec_start = 0; /* it has not run since it came */
    struct sched_domain *sd = lowest_with(&f, 1, SD_SHARE_LLC);
    assert_int_equal(pass(&f, 1, sd, CPU_IDLE), 0);
    assert_true(hogs[0]->sched.nr_failed_migrations_hot + hogs[1]->sched.nr_failed_migrations_hot +
                    hogs[2]->sched.nr_failed_migrations_hot +
                    hogs[3]->sched.nr_failed_migrations_hot >=
                3);
    fixture_close(&f);
}

/* Hot tasks go after as many failed passes as the domain has patience: MC 2, NUMA 3. */
static void
hot_tasks_wait_for_failures(void **state)
{
    static const struct {
        uint32_t nodes, cores, flag, failures;
    } t[] = { { 1, 2, SD_SHARE_LLC, 2 }, { 2, 1, SD_NUMA, 3 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct fixture f;
        struct task *hogs[4];

        open_still(&f, t[i].nodes, t[i].cores, 1);
        f.k->params.sched.migration_cost_ns = MSEC(100); /* everything is hot */
        pile_up(&f, hogs, 4, "0", MSEC(500));
        struct sched_domain *sd = lowest_with(&f, 1, t[i].flag);
        const struct sd_schedstat *stat = &sd->stat;
        for (uint32_t n = 1; n <= t[i].failures; n++) {
            assert_int_equal(pass(&f, 1, sd, CPU_NEWLY_IDLE), 0);
            assert_int_equal(sd->nr_balance_failed, n - 1); /* that does not count */
            assert_int_equal(pass(&f, 1, sd, CPU_IDLE), 0);
            assert_int_equal(sd->nr_balance_failed, n);
        }
        assert_int_equal(stat->lb[CPU_IDLE].failed, t[i].failures);
        assert_true(pass(&f, 1, sd, CPU_IDLE) > 0);
        assert_int_equal(sd->nr_balance_failed, 0);
        assert_int_equal(stat->lb[CPU_IDLE].count, t[i].failures + 1);
        assert_int_equal(stat->lb[CPU_IDLE].hot_gained, stat->lb[CPU_IDLE].gained);
        assert_int_equal(stat->lb[CPU_NEWLY_IDLE].failed, t[i].failures);
        uint64_t hot = 0, forced = 0, running = 0;
        for (int h = 0; h < 4; h++) {
            hot += hogs[h]->sched.nr_failed_migrations_hot;
            forced += hogs[h]->sched.nr_forced_migrations;
            running += hogs[h]->sched.nr_failed_migrations_running;
        }
        assert_int_equal(forced, stat->lb[CPU_IDLE].gained);
        assert_int_equal(hot, 2 * 3 * t[i].failures); /* three wait, one runs */
        assert_int_equal(running >= 2 * t[i].failures, true);
        fixture_close(&f);
    }
}

/* Between threads of a core nothing is hot. */
static void
nothing_is_hot_inside_a_core(void **state)
{
    struct fixture f;
    struct task *hogs[4];

    (void)state;
    open_still(&f, 1, 1, 2);
    f.k->params.sched.migration_cost_ns = MSEC(100);
    pile_up(&f, hogs, 4, "0", MSEC(500));
    struct sched_domain *sd = lowest_with(&f, 1, SD_SHARE_CPUCAPACITY);
    assert_int_equal(pass(&f, 1, sd, CPU_IDLE), 2); /* half of the difference */
    assert_int_equal(sd->stat.lb[CPU_IDLE].hot_gained, 0);
    fixture_close(&f);
}

/* A CPU that ran dry takes one task, however large the difference. */
static void
newly_idle_takes_one(void **state)
{
    struct fixture f;
    struct task *hogs[8];

    (void)state;
    open_still(&f, 1, 2, 1);
    pile_up(&f, hogs, 8, "0", MSEC(500));
    struct sched_domain *sd = lowest_with(&f, 1, SD_SHARE_LLC);
    sd->nr_balance_failed = 1;
    assert_int_equal(pass(&f, 1, sd, CPU_NEWLY_IDLE), 1);
    assert_int_equal(sd->nr_balance_failed, 0);
    assert_int_equal(sd->stat.lb[CPU_NEWLY_IDLE].imbalance_task, 4);
    fixture_close(&f);
}

/* All tasks pinned: the parent is told, and the interval grows beyond the usual. */
static void
pinned_tasks_are_told_to_the_parent(void **state)
{
    struct fixture f;
    struct task *hogs[3];

    (void)state;
    open_still(&f, 2, 2, 1);
    pile_up(&f, hogs, 3, "0", MSEC(500));
    for (int i = 0; i < 3; i++)
        task_set_affinity(f.k, hogs[i], fixture_cpus(&f, "0"));
    struct sched_domain *sd = lowest_with(&f, 1, SD_SHARE_LLC);
    sd->balance_interval = sd->max_interval;
    assert_int_equal(pass(&f, 1, sd, CPU_IDLE), 0);
    assert_true(sd->parent->groups->sgc->imbalance);
    assert_int_equal(sd->balance_interval, 2 * sd->max_interval);
    assert_int_equal(sd->stat.lb[CPU_IDLE].balanced, 1);
    assert_int_equal(sd->stat.lb[CPU_IDLE].failed, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(hogs[i]->sched.nr_failed_migrations_affine, 1);
    /* seen from the other node, such a group is imbalanced, and one task is wanted */
    for (int i = 0; i < 3; i++)
        task_set_affinity(f.k, hogs[i], f.machine->online);
    assert_int_equal(pass(&f, 1, sd, CPU_NEWLY_IDLE), 1);
    fixture_close(&f);
}

/* Kernel threads of the CPU, pinned as they are, tell the parent nothing and count nothing. */
static void
kernel_threads_of_a_cpu_are_passed_over(void **state)
{
    struct fixture f;
    struct task *hogs[3];

    (void)state;
    open_still(&f, 2, 2, 1);
    pile_up(&f, hogs, 3, "0", MSEC(500));
    for (int i = 0; i < 3; i++) {
        task_set_affinity(f.k, hogs[i], fixture_cpus(&f, "0"));
        hogs[i]->cpu_kthread = true;
    }
    struct sched_domain *sd = lowest_with(&f, 1, SD_SHARE_LLC);
    sd->balance_interval = sd->max_interval;
    assert_int_equal(pass(&f, 1, sd, CPU_IDLE), 0);
    assert_false(sd->parent->groups->sgc->imbalance);
    assert_int_equal(sd->balance_interval, 2 * sd->max_interval); /* all pinned all the same */
    for (int i = 0; i < 3; i++)
        assert_int_equal(hogs[i]->sched.nr_failed_migrations_affine, 0);
    fixture_close(&f);
}

/* A task that may not come here goes to another CPU of the group. */
static void
another_cpu_of_the_group_takes_it(void **state)
{
    struct fixture f;
    struct task *hogs[6];

    (void)state;
    open_still(&f, 2, 2, 1);
    pile_up(&f, hogs, 6, "0", MSEC(500));
    for (int i = 0; i < 6; i++)
        task_set_affinity(f.k, hogs[i], fixture_cpus(&f, "0,3"));
    struct sched_domain *sd = lowest_with(&f, 2, SD_NUMA);
    assert_true(pass(&f, 2, sd, CPU_IDLE) > 0);
    assert_int_equal(f.k->rqs[2].nr_running, 0);
    assert_true(f.k->rqs[3].nr_running > 0);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_cost_of_minus_one_everything_is_hot),
        cmocka_unit_test(hot_tasks_wait_for_failures),
        cmocka_unit_test(nothing_is_hot_inside_a_core),
        cmocka_unit_test(newly_idle_takes_one),
        cmocka_unit_test(pinned_tasks_are_told_to_the_parent),
        cmocka_unit_test(kernel_threads_of_a_cpu_are_passed_over),
        cmocka_unit_test(another_cpu_of_the_group_takes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

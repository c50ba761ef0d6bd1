/* layer: kernel */
/* ---- the kernel's scan, CPU by CPU, as a second opinion ---- */
#include "scan_kit.h"

static void
the_first_hit_wins(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, NULL);
    struct task *p = kit_sleeper(&f, 1);
    p->recent_used_cpu = 5;
    /* target, then prev, which do not touch recent_used_cpu */
    kit_only_idle(&f, "0-7");
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:target"), 3);
    kit_busy(&f, 3);
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:prev"), 1);
    assert_int_equal(p->recent_used_cpu, 5);
    /* then the recent one, and prev is recent from now on */
    kit_busy(&f, 1);
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:recent_used_cpu"), 5);
    assert_int_equal(p->recent_used_cpu, 1);
    /* then the scan from behind the target, wrapping around */
    kit_only_idle(&f, "0,2,6");
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_cpu"), 6);
    kit_only_idle(&f, "0,2");
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_cpu"), 0);
    /* then the target; idle CPUs of other LLCs do not count */
    kit_only_idle(&f, "8-15");
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:no_idle_cpu"), 3);
    fixture_close(&f);
}

/* kworker/1:0 wakes p on CPU 1, where p was. */
static int
choose_by_kthread(struct fixture *f, struct task *p, int prev, const char *rule)
{
    struct wakeup w = { .p = p, .this_cpu = 1, .prev = prev, .target = 1, .kthread = true };
    int cpu = select_idle_sibling(f->k, &w);

    assert_string_equal(w.rule, rule);
    return cpu;
}

static void
a_kernel_thread_of_the_cpu_leaves_it_to_its_wakee(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *p = kit_sleeper(&f, 1);
    p->recent_used_cpu = 5;
    kit_only_idle(&f, "0,5-7");
    assert_int_equal(choose_by_kthread(&f, p, 1, "select_idle_sibling:per_cpu_kthread"), 1);
    assert_int_equal(p->recent_used_cpu, 5);
    /* not if others are queued there, nor for a wakee of another CPU, nor by anybody else */
    f.k->rqs[1].nr_running = 2;
    assert_int_equal(choose_by_kthread(&f, p, 1, "select_idle_sibling:recent_used_cpu"), 5);
    f.k->rqs[1].nr_running = 1;
    p->recent_used_cpu = 5;
    assert_int_equal(choose_by_kthread(&f, p, 2, "select_idle_sibling:recent_used_cpu"), 5);
    p->recent_used_cpu = 5;
    assert_int_equal(choose(&f, p, 1, 1, "select_idle_sibling:recent_used_cpu"), 5);
    fixture_close(&f);
}

static void
prev_and_recent_count_in_the_targets_llc_only(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, NULL);
    struct task *p = kit_sleeper(&f, 9);
    p->recent_used_cpu = 10;
    kit_only_idle(&f, "9-10");
    assert_int_equal(choose(&f, p, 9, 3, "select_idle_sibling:no_idle_cpu"), 3);
    assert_int_equal(p->recent_used_cpu, 9);
    fixture_close(&f);
}

static void
a_recent_cpu_must_be_allowed_and_prev_need_not(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *p = kit_sleeper(&f, 1);
    kit_allow(&f, p, "3,6-7");
    p->recent_used_cpu = 5;
    kit_only_idle(&f, "5,7");
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_cpu"), 7);
    /* core.c would find that 1 is not allowed: the first of the node that is */
    kit_only_idle(&f, "1,7");
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:prev"), 1);
    assert_int_equal(select_task_rq_fair(f.k, p, 1, WF_TTWU), 3);
    fixture_close(&f);
}

static void
sched_idle_cpus_are_as_good_as_idle_ones(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 8, 1, NULL);
    struct task *p = kit_sleeper(&f, 1);
    kit_only_idle(&f, "7");
    kit_sched_idle(&f, 5);
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_cpu"), 5);
    kit_sched_idle(&f, 1);
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:prev"), 1);
    kit_sched_idle(&f, 3);
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:target"), 3);
    fixture_close(&f);
}

/* ---- SMT: 4 cores of 2, siblings next to each other ---- */

static void
a_whole_idle_core_is_preferred(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 4, 2, NULL);
    struct task *p = kit_sleeper(&f, 0);
    struct sched_domain_shared *sds = f.k->domains->cpus[0].llc_shared;
    kit_only_idle(&f, "1,3,6-7");
    assert_true(sds->has_idle_cores);
    assert_int_equal(choose(&f, p, 0, 0, "select_idle_core"), 6);
    assert_true(sds->has_idle_cores);
    /* the sibling that p may use */
    kit_allow(&f, p, "0-5,7");
    assert_int_equal(choose(&f, p, 0, 0, "select_idle_core"), 7);
    /* none left: the first thread that was seen, and has_idle_cores falls */
    kit_busy(&f, 6);
    kit_allow(&f, p, "0-7");
    assert_int_equal(choose(&f, p, 0, 0, "select_idle_core"), 1);
    assert_false(sds->has_idle_cores);
    fixture_close(&f);
}

/* From CPU 2 on: cores {2,3}, {4,5}, ... The scan starts behind the target, with its sibling. */
static void
the_thread_that_is_remembered_is_of_the_first_core(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 4, 2, NULL);
    struct task *p = kit_sleeper(&f, 2);
    kit_only_idle(&f, "5,6");
    assert_int_equal(choose(&f, p, 2, 2, "select_idle_core"), 5);
    fixture_close(&f);
}

static void
without_idle_cores_a_sibling_of_prev_comes_first(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 4, 2, NULL);
    struct task *p = kit_sleeper(&f, 4);
    kit_only_idle(&f, "1,5,9");
    f.k->domains->cpus[0].llc_shared->has_idle_cores = false;
    assert_int_equal(choose(&f, p, 4, 0, "select_idle_smt"), 5);
    kit_allow(&f, p, "0-4");
    assert_int_equal(choose(&f, p, 4, 0, "select_idle_cpu"), 1);
    /* a sibling of prev in another LLC is none of the target's */
    kit_allow(&f, p, "0-15");
    assert_int_equal(choose(&f, p, 8, 0, "select_idle_cpu"), 1);
    fixture_close(&f);
}

static void
a_core_that_goes_idle_is_noticed(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 4, 2, NULL);
    struct sched_domain_shared *sds = f.k->domains->cpus[0].llc_shared;
    sds->has_idle_cores = false;
    kit_only_idle(&f, "2");
    update_idle_core(f.k, &f.k->rqs[2]);
    assert_false(sds->has_idle_cores);
    kit_idle(&f, 3);
    update_idle_core(f.k, &f.k->rqs[3]);
    assert_true(sds->has_idle_cores);
    fixture_close(&f);
}

static const struct action run_once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_EXIT } };

/* The same in a run: the last thread of a core ends. */
static void
the_idle_task_notices_it_in_a_run(void **state)
{
    struct fixture f;

    (void)state;
    kit_plain(&f, 1, 2, 2, NULL);
    struct sched_domain_shared *sds = f.k->domains->cpus[0].llc_shared;
    struct task *hog = fixture_hog(&f, "hog", 0), *p = fixture_task(&f, "p", 0, run_once, 2);
    kit_allow(&f, hog, "0");
    kit_allow(&f, p, "2");
    task_start(f.k, hog, NULL);
    task_start(f.k, p, NULL);
    sds->has_idle_cores = false;
    fixture_run(&f, MSEC(2));
    assert_true(sds->has_idle_cores);
    fixture_close(&f);
}

/* ---- clusters of 4 in one LLC ---- */

static void
with_clusters_prev_must_be_in_the_targets(void **state)
{
    struct fixture f;

    (void)state;
    open_clusters(&f, 16, 4);
    struct task *p = kit_sleeper(&f, 1);
    /* prev in the cluster of the target: at once */
    kit_only_idle(&f, "1,2");
    assert_int_equal(choose(&f, p, 1, 3, "select_idle_sibling:prev"), 1);
    /* in another: an idle CPU of the target's cluster is better */
    kit_only_idle(&f, "1,6");
    assert_int_equal(choose(&f, p, 1, 5, "select_idle_cpu"), 6);
    /* any idle CPU of the LLC is; the scan finds it */
    kit_only_idle(&f, "1,12");
    assert_int_equal(choose(&f, p, 1, 5, "select_idle_cpu"), 12);
    /* but if the scan may look at none, prev */
    f.k->domains->cpus[5].llc_shared->nr_idle_scan = 0;
    assert_int_equal(choose(&f, p, 1, 5, "select_idle_sibling:prev_aff"), 1);
    /* or the recent one */
    p->recent_used_cpu = 12;
    kit_busy(&f, 1);
    assert_int_equal(choose(&f, p, 1, 5, "select_idle_sibling:recent_aff"), 12);
    fixture_close(&f);
}

/* ---- CPUs of unequal capacity: 4 small ones, 4 large ones ---- */

static void
open_big_little(struct fixture *f)
{
    struct arena *a = arena_new();
    struct machine *m = fixture_machine(a, 1, 8, 1, 20);

    for (int cpu = 0; cpu < 4; cpu++)
        m->cpus[cpu].capacity = 446;
    kit_open(f, a, m, NULL);
    assert_non_null(f->k->domains->cpus[0].asym_cpucapacity);
    assert_true(f->k->asym_cpucapacity);
}

/* 446 * 1024 / 1280 = 356.8: up to 356 a task fits a small CPU. */
static void
a_task_goes_where_it_fits(void **state)
{
    struct fixture f;

    (void)state;
    open_big_little(&f);
    struct task *p = kit_sleeper(&f, 1);
    kit_only_idle(&f, "1-7");
    p->se.avg.util_avg = 356;
    assert_int_equal(choose(&f, p, 1, 1, "select_idle_sibling:target"), 1);
    p->se.avg.util_avg = 357;
    assert_int_equal(choose(&f, p, 1, 1, "select_idle_capacity"), 4);
    /* none large enough idles: the largest */
    f.k->rqs[2].cpu_capacity = 440;
    kit_only_idle(&f, "2-3");
    assert_int_equal(choose(&f, p, 1, 1, "select_idle_capacity"), 3);
    kit_only_idle(&f, "");
    assert_int_equal(choose(&f, p, 1, 1, "select_idle_capacity"), 1);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_hit_wins),
        cmocka_unit_test(a_kernel_thread_of_the_cpu_leaves_it_to_its_wakee),
        cmocka_unit_test(prev_and_recent_count_in_the_targets_llc_only),
        cmocka_unit_test(a_recent_cpu_must_be_allowed_and_prev_need_not),
        cmocka_unit_test(sched_idle_cpus_are_as_good_as_idle_ones),
        cmocka_unit_test(a_whole_idle_core_is_preferred),
        cmocka_unit_test(the_thread_that_is_remembered_is_of_the_first_core),
        cmocka_unit_test(without_idle_cores_a_sibling_of_prev_comes_first),
        cmocka_unit_test(a_core_that_goes_idle_is_noticed),
        cmocka_unit_test(the_idle_task_notices_it_in_a_run),
        cmocka_unit_test(with_clusters_prev_must_be_in_the_targets),
        cmocka_unit_test(a_task_goes_where_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/balance_impl.h"
#include "kernel/fair.h"

/* Averages and shares in a running kernel: the numbers of sched-core.md 2.9 and 2.10. */

static const struct action hog[] = { { .kind = ACTION_RUN, .work = SEC(10) } };

static struct task *
start(struct fixture *f, struct task_group *tg, const char *cpus, const struct action *actions,
      uint32_t nr)
{
    struct script *s = arena_new_object(f->arena, struct script);
    const struct task_attr attr = {
        .name = "p", .ops = &script_ops, .prog = s, .group = tg, .allowed = fixture_cpus(f, cpus)
    };

    *s = (struct script){ .actions = actions, .nr = nr };
    struct task *p = task_new(f->k, f->process, &attr);
    task_start(f->k, p, NULL);
    return p;
}

static struct task *
start_hog(struct fixture *f, struct task_group *tg, const char *cpus)
{
    return start(f, tg, cpus, hog, 1);
}

/* ---- 2.10: V9 ---- */

static void
shares_follow_the_table(void **state)
{
    static const struct {
        uint64_t tg_load, weight, load_avg, contrib, shares;
    } vectors[] = {
        { 4096, 3072, 3072, 3072, 786432 }, { 4096, 1024, 1024, 1024, 262144 },
        { 4096, 2048, 1024, 1024, 419430 }, { 0, 1024, 0, 0, 1048576 },
        { 4096, 1024, 0, 0, 209715 },       { 2000000, 1, 0, 0, 2 }, /* never less */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct task_group tg = { .shares = NICE_0_LOAD, .load_avg = vectors[i].tg_load };
        struct cfs_rq q = { .tg = &tg,
                            .load_weight = vectors[i].weight << LOAD_SHIFT,
                            .tg_load_avg_contrib = vectors[i].contrib };
        q.avg.load_avg = vectors[i].load_avg;
        if (vectors[i].shares == 2)
            tg.shares = MIN_SHARES << LOAD_SHIFT;
        assert_int_equal(calc_group_shares(&q), vectors[i].shares);
    }
}

/* Three tasks on CPU 0, one on CPU 1. */
static void
settled_shares_are_those_of_the_table(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, false);
    f.k->params.sched.periodic_balance = f.k->params.sched.newidle_balance = false;
    struct task_group *tg = task_group_new(f.k, NULL, "g");
    start_hog(&f, tg, "0");
    assert_int_equal(tg->se[0]->load_weight, 1048576); /* the group idled everywhere: all of it */
    start_hog(&f, tg, "1");
    assert_int_equal(tg->load_avg, 2048);
    assert_int_equal(tg->se[1]->load_weight, 524288);
    assert_int_equal(tg->se[0]->load_weight, 1048576); /* too much, until CPU 0 looks */
    start_hog(&f, tg, "0");
    start_hog(&f, tg, "0");
    fixture_run(&f, SEC(2));
    assert_in_range(tg->se[0]->load_weight, 786432 - 7864, 786432 + 7864);
    assert_in_range(tg->se[1]->load_weight, 262144 - 2621, 262144 + 2621);
    assert_in_range(tg->load_avg, 4096 - 64, 4096 + 64);
    fixture_close(&f);
}

/* Both groups have a task on CPU 0; one of them has three more on CPU 1. */
static void
a_group_gets_its_share_where_its_load_is(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, false);
    struct task_group *one = task_group_new(f.k, NULL, "one"),
                      *four = task_group_new(f.k, NULL, "four");
    struct task *a = start_hog(&f, one, "0"), *b = start_hog(&f, four, "0");
    for (int i = 0; i < 3; i++)
        start_hog(&f, four, "1");
    fixture_run(&f, SEC(4));
    uint64_t all = a->stats.run_ns + b->stats.run_ns; /* 1024 : 256 */
    assert_in_range(a->stats.run_ns, all * 78 / 100, all * 82 / 100);
    fixture_close(&f);
}

static void
the_load_of_a_task_is_its_part_of_its_groups_parts(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task_group *above = task_group_new(f.k, NULL, "above");
    struct task_group *tg = task_group_new(f.k, above, "below");
    struct task *p = start_hog(&f, tg, "0");
    f.k->rqs[0].cfs.avg.load_avg = 3000;
    above->se[0]->avg.load_avg = 1000;
    above->cfs_rq[0]->avg.load_avg = 2047;
    tg->se[0]->avg.load_avg = 500;
    tg->cfs_rq[0]->avg.load_avg = 1023;
    p->se.avg.load_avg = 512;
    assert_int_equal(task_h_load(f.k, p), 121); /* 3000 -> 999 -> 243 -> 512 * 243 / 1024 */
    p->se.avg.load_avg = 1024;
    above->se[0]->avg.load_avg = 3000; /* not seen before the next jiffy */
    assert_int_equal(task_h_load(f.k, p), 243);
    fixture_close(&f);
}

/* ---- 2.9: new, attached, removed ---- */

static void
new_tasks_halve_what_their_queue_has_left(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task_group *tg = task_group_new(f.k, NULL, "g");
    struct task *p[4];
    for (int i = 0; i < 3; i++)
        p[i] = start_hog(&f, NULL, "0");
    p[3] = start_hog(&f, tg, "0"); /* its own group has all */
    static const uint32_t util[] = { 512, 256, 128, 512 };
    for (int i = 0; i < 4; i++) {
        assert_int_equal(p[i]->se.avg.util_avg, util[i]);
        assert_int_equal(p[i]->se.avg.runnable_avg, util[i]);
        assert_int_equal(p[i]->se.avg.load_avg, 1024);
    }
    assert_int_equal(tg->cfs_rq[0]->avg.util_avg, 512);
    assert_int_equal(f.k->rqs[0].cfs.avg.load_avg, 4 * 1024); /* the group brought its own */
    fixture_close(&f);
}

static const struct action duty[] = { { .kind = ACTION_RUN, .work = MSEC(2) },
                                      { .kind = ACTION_SLEEP, .until = MSEC(5) } };

static void
a_wakee_that_moves_is_removed_from_its_old_queue(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, false);
    f.k->params.sched.features &= ~((uint64_t)1 << SCHED_FEAT_DELAY_DEQUEUE);
    f.k->params.sched.periodic_balance = f.k->params.sched.newidle_balance = false;
    struct task *p = start(&f, NULL, "0", duty, 2);
    start_hog(&f, NULL, "0");
    struct cfs_rq *from = &f.k->rqs[0].cfs, *to = &f.k->rqs[1].cfs;
    fixture_run(&f, MSEC(3));
    assert_false(p->on_rq);
    assert_int_equal(to->avg.util_avg, 0);
    task_set_affinity(f.k, p, fixture_cpus(&f, "1"));
    fixture_run(&f, MSEC(7) + 1); /* just woken */
    assert_int_equal(p->cpu, 1);
    assert_int_equal(from->nr_removed, 1);
    assert_int_equal(from->removed_util, p->se.avg.util_avg);
    assert_int_equal(from->removed_load, p->se.avg.load_avg);
    assert_true(p->se.avg.util_avg > 0);
    assert_int_equal(to->avg.util_avg, p->se.avg.util_avg);
    assert_int_equal(to->avg.load_avg, p->se.avg.load_avg);
    uint32_t both = from->avg.util_avg;
    update_rq_clock(f.k, &f.k->rqs[0]);
    update_cfs_rq_load_avg(f.k, from, from->avg.last_update_time);
    assert_int_equal(from->nr_removed, 0);
    assert_int_equal(from->avg.util_avg, both - p->se.avg.util_avg);
    fixture_close(&f);
}

static void
what_sleeps_decays_in_its_queue(void **state)
{
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(300) },
                                          { .kind = ACTION_SLEEP, .until = SEC(9) } };
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *p = start(&f, NULL, "0", once, 2);
    struct rq *rq = &f.k->rqs[0];
    fixture_run(&f, MSEC(301));
    assert_false(p->on_rq);
    assert_in_range(rq->cfs.avg.util_avg, 1015, 1024);
    engine_run(&f.k->engine, MSEC(300) + (32 << 20)); /* half a life later */
    sched_balance_update_blocked_averages(f.k, rq);
    assert_in_range(rq->cfs.avg.util_avg, 505, 516);
    assert_int_equal(rq->cfs.h_nr_queued, 0);
    fixture_close(&f);
}

static void
estimates_count_while_tasks_are_queued(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *p = start(&f, NULL, "0", duty, 2);
    struct rq *rq = &f.k->rqs[0];
    assert_int_equal(rq->cfs.avg.util_est, 0); /* new: no estimate */
    fixture_run(&f, MSEC(2) + 1);
    uint32_t est = p->se.avg.util_est & ~UTIL_AVG_UNCHANGED;
    assert_false(p->on_rq);
    assert_int_equal(est, 512); /* what it began with: no tick has updated it since */
    assert_int_equal(rq->cfs.avg.util_est, 0);
    fixture_run(&f, MSEC(7) + 1);
    assert_true(p->on_rq);
    assert_int_equal(rq->cfs.avg.util_est, est);
    assert_int_equal(cpu_util_cfs(f.k, rq), est); /* what slept has decayed, the estimate has not */
    assert_true(rq->cfs.avg.util_avg < est);
    fixture_close(&f);
}

static void
set_policy(struct fixture *f, struct task *p, enum task_policy policy)
{
    struct task_attr attr = { .policy = policy, .rt_priority = policy == POLICY_FIFO ? 1 : 0 };

    assert_null(task_set_scheduler(f->k, p, &attr));
}

/* In another class a new weight is only noted: __setscheduler_params() finds no reweight_task().
 * Back in the fair class the old average is divided by the new weight, and a third weight
 * multiplies what that gave. So normal, fifo, idle, normal within a period leaves 1024 * 1024 / 3
 * of a load of 1024, as in the kernel; it fades as any other, and what the queue has of it goes
 * with the task. */
static void
a_load_grows_when_the_weight_changes_in_another_class(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task *p = fixture_hog(&f, "p", 0);
    struct sched_avg *q = &f.k->rqs[0].cfs.avg;
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_in_range(p->se.avg.load_avg, 1020, 1024);
    set_policy(&f, p, POLICY_FIFO);
    assert_in_range(q->load_avg, 0, 2);
    set_policy(&f, p, POLICY_IDLE);
    assert_in_range(q->load_avg, 1019, 1026);
    set_policy(&f, p, POLICY_NORMAL);
    assert_in_range(q->load_avg, 1019 * 1024 / 3, 1025 * 1024 / 3);
    assert_in_range(p->se.avg.load_avg, 1019 * 1024 / 3, 1025 * 1024 / 3);
    set_policy(&f, p, POLICY_FIFO);
    assert_in_range(q->load_avg, 0, 2);
    fixture_close(&f);
}

/* Two CPUs of an LLC, of which one has half the capacity. */
static void
open_with_slow_cpu(struct fixture *f, uint32_t slow)
{
    struct kernel_limits limits = { .max_tasks = 4 };
    struct kernel_params kp;
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, 2, 1, 20);
    f->machine->cpus[slow].capacity = 512;
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

/* Half the capacity: the clock of all averages, those of the higher classes as well, runs half as
 * fast while the CPU is busy. After 32 periods of an rt task, 16 have passed for it: 299 (V6). */
static void
a_slow_cpu_is_used_slowly_by_rt_tasks(void **state)
{
    struct fixture f;

    (void)state;
    open_with_slow_cpu(&f, 1);
    struct script *s = arena_new_object(f.arena, struct script);
    *s = (struct script){ .actions = hog_actions, .nr = 1 };
    struct task_attr attr = {
        .name = "rt", .policy = POLICY_FIFO, .rt_priority = 10, .ops = &script_ops, .prog = s
    };
    attr.allowed = fixture_cpus(&f, "1");
    task_start(f.k, task_new(f.k, f.process, &attr), NULL);
    fixture_run(&f, 32 << 20);
    update_higher_load_avgs(f.k, &f.k->rqs[1]);
    assert_int_equal(f.k->rqs[1].avg_rt.util_avg, 299);
    fixture_close(&f);
}

/* A hog for each CPU: there is nothing to balance, so nobody looks at the small CPU for as long as
 * its ticks are computed. Each of them judges what runs (update_misfit_status): a hog that uses
 * more than 80 % of 512 and might run on 1024 is a misfit with all of its load; whoever runs on the
 * largest CPU fits, and so does who may run on one CPU only. */
static void
computed_ticks_see_misfits(void **state)
{
    (void)state;
    for (uint32_t bound = 0; bound <= 1; bound++) {
        struct fixture f;

        open_with_slow_cpu(&f, 1);
        struct rq *small = &f.k->rqs[1];
        struct task *here = fixture_hog(&f, "here", 0), *there = fixture_hog(&f, "there", 0);
        task_start(f.k, here, NULL);
        task_start(f.k, there, NULL);
        fixture_run(&f, MSEC(1) + 1);
        assert_non_null(small->curr);
        if (bound)
            task_set_affinity(f.k, small->curr, fixture_cpus(&f, "1"));
        fixture_run(&f, SEC(1) + 1);
        cpu_load(f.k, small); /* catches up */
        cpu_load(f.k, &f.k->rqs[0]);
        assert_in_range(small->misfit_task_load, bound ? 0 : 1020, bound ? 0 : 1024);
        assert_int_equal(f.k->rqs[0].misfit_task_load, 0);
        assert_null(kernel_check(f.k));
        fixture_close(&f);
    }
}

/* A hog that was bound to the small CPU may run on the large one from 1 ms after a tick on: the
 * next tick judges that, those before do not, whenever they are computed. */
static void
a_computed_tick_sees_the_affinity_of_its_time(void **state)
{
    struct fixture f;
    (void)state;

    open_with_slow_cpu(&f, 1);
    struct rq *small = &f.k->rqs[1];
    task_start(f.k, fixture_hog(&f, "here", 0), NULL);
    task_start(f.k, fixture_hog(&f, "there", 0), NULL);
    engine_run(&f.k->engine, MSEC(1));
    task_set_affinity(f.k, small->curr, fixture_cpus(&f, "1"));
    engine_run(&f.k->engine, MSEC(1001)); /* HZ 250: the last tick was at 1000 ms */
    task_set_affinity(f.k, small->curr, fixture_cpus(&f, "0-1"));
    cpu_load(f.k, small); /* catches up */
    assert_int_equal(small->misfit_task_load, 0);
    engine_run(&f.k->engine, MSEC(1005));
    cpu_load(f.k, small);
    assert_in_range(small->misfit_task_load, 1020, 1024);
    fixture_close(&f);
}

/* Whatever a task becomes, set_load_weight() is called while it still is of its old class: of lag
 * at a weight of 3, one that is no SCHED_IDLE task any more keeps 3 parts in 1024. */
static void
who_leaves_the_fair_class_takes_its_lag_along(void **state)
{
    static const enum task_policy others[] = { POLICY_FIFO, POLICY_NORMAL };
    (void)state;

    for (uint32_t i = 0; i < ARRAY_LEN(others); i++) {
        struct fixture f;

        fixture_open(&f, 1, 1, 1, false);
        struct task *p = start(&f, NULL, "0", duty, 2);
        set_policy(&f, p, POLICY_IDLE);
        fixture_run(&f, MSEC(2) + 1);
        assert_false(p->on_rq);
        p->se.vlag = -1024 * 1000;
        set_policy(&f, p, others[i]);
        assert_int_equal(p->se.weight, 1024);
        assert_int_equal(p->se.vlag, -3 * 1000);
        assert_null(kernel_check(f.k));
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_follow_the_table),
        cmocka_unit_test(settled_shares_are_those_of_the_table),
        cmocka_unit_test(a_group_gets_its_share_where_its_load_is),
        cmocka_unit_test(the_load_of_a_task_is_its_part_of_its_groups_parts),
        cmocka_unit_test(new_tasks_halve_what_their_queue_has_left),
        cmocka_unit_test(a_wakee_that_moves_is_removed_from_its_old_queue),
        cmocka_unit_test(what_sleeps_decays_in_its_queue),
        cmocka_unit_test(estimates_count_while_tasks_are_queued),
        cmocka_unit_test(a_load_grows_when_the_weight_changes_in_another_class),
        cmocka_unit_test(a_slow_cpu_is_used_slowly_by_rt_tasks),
        cmocka_unit_test(computed_ticks_see_misfits),
        cmocka_unit_test(a_computed_tick_sees_the_affinity_of_its_time),
        cmocka_unit_test(who_leaves_the_fair_class_takes_its_lag_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

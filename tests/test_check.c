/* layer: kernel */
/*
 * --check finds what it is there for: a kernel that has run for a while is fine, and is not once
 * one number in its books has been changed. The least changes that are found show how wide the
 * bounds are where the kernel itself rounds.
 */
#include "sim_fixture.h"

#include "kernel/check.h"
#include "kernel/group.h"

static const struct action nap[] = { { .kind = ACTION_RUN, .work = USEC(700) },
                                     { .kind = ACTION_SLEEP, .until = MSEC(2) } };

struct world {
    struct fixture f;
    struct task_group *tg;
    struct task *hog, *napper, *grouped[2];
};

static struct task *
start_in(struct world *w, struct task *p, struct task_group *tg)
{
    task_set_affinity(w->f.k, p, fixture_cpus(&w->f, "0"));
    task_start(w->f.k, p, NULL);
    if (tg != NULL)
        task_set_group(w->f.k, p, tg);
    return p;
}

/* On CPU 0 a hog, one that sleeps now and then, and two in a group; CPU 1 has had a task that is
 * gone. Nothing has come or gone for ten half-lives. */
static void
open_world(struct world *w)
{
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(20) },
                                          { .kind = ACTION_EXIT } };

    fixture_open(&w->f, 1, 2, 1, false);
    w->tg = task_group_new(w->f.k, NULL, "g");
    w->hog = start_in(w, fixture_hog(&w->f, "hog", 0), NULL);
    w->napper = start_in(w, fixture_task(&w->f, "napper", 0, nap, 2), NULL);
    for (int i = 0; i < 2; i++)
        w->grouped[i] = start_in(w, fixture_hog(&w->f, "grouped", 0), w->tg);
    struct task *gone = fixture_task(&w->f, "gone", 0, once, 2);
    task_set_affinity(w->f.k, gone, fixture_cpus(&w->f, "1"));
    task_start(w->f.k, gone, NULL);
    fixture_run(&w->f, MSEC(400));
    assert_null(check_pelt(w->f.k));
}

static void
assert_found(struct world *w, const char *part_of_rule)
{
    const char *broken = check_pelt(w->f.k);

    assert_non_null(broken);
    assert_non_null(strstr(broken, part_of_rule));
}

/* A task leaves without its averages, or takes them along twice. */
static void
averages_that_stay_or_go_twice_are_found(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        struct world w;

        open_world(&w);
        struct sched_avg *q = &w.f.k->rqs[0].cfs.avg, *se = &w.hog->se.avg;
        int sign = twice ? -1 : 1;
        q->load_avg += (uint64_t)(sign * (int64_t)se->load_avg);
        q->load_sum += (uint64_t)(sign * (int64_t)(se->load_sum * w.hog->se.weight));
        assert_found(&w, "load_sum");
        fixture_close(&w.f);

        open_world(&w);
        q = &w.f.k->rqs[0].cfs.avg, se = &w.hog->se.avg;
        q->util_avg += (uint32_t)(sign * (int32_t)se->util_avg);
        q->util_sum += (uint32_t)(sign * (int32_t)se->util_sum);
        assert_found(&w, "util_sum");
        fixture_close(&w.f);

        open_world(&w); /* a queue whose parts are all tasks */
        q = &w.tg->cfs_rq[0]->avg, se = &w.grouped[0]->se.avg;
        q->runnable_avg += (uint32_t)(sign * (int32_t)se->runnable_avg);
        q->runnable_sum += (uint64_t)(sign * (int64_t)se->runnable_sum);
        assert_found(&w, "runnable_sum");
        fixture_close(&w.f);
    }
}

/* How many units may be added to an average before the check says no. */
static uint32_t
units_until_found(struct world *w, uint64_t *load_sum, uint32_t *util_sum, uint32_t divider)
{
    for (uint32_t n = 1; n < 1024; n++) {
        if (load_sum != NULL)
            *load_sum += divider;
        else
            *util_sum += divider;
        if (check_pelt(w->f.k) != NULL)
            return n;
    }
    return 1024;
}

/* In a queue in which nothing has come or gone lately 64 units are found, and a 16th of its load: a
 * task of nice 0 that runs always has 1024 of each. */
static void
a_sixteenth_of_a_task_is_found_in_a_quiet_queue(void **state)
{
    struct world w;

    (void)state;
    open_world(&w);
    struct sched_avg *q = &w.f.k->rqs[0].cfs.avg;
    assert_in_range(units_until_found(&w, NULL, &q->util_sum, pelt_divider(q)), 8, 64);
    fixture_close(&w.f);
    open_world(&w);
    q = &w.f.k->rqs[0].cfs.avg;
    uint64_t least = 64 + q->load_avg / 16;
    assert_in_range(units_until_found(&w, &q->load_sum, NULL, pelt_divider(q)), 8, least);
    fixture_close(&w.f);
}

/* Nobody is attached to the queue of CPU 1 any more. */
static void
what_nobody_left_behind_is_found(void **state)
{
    struct world w;

    (void)state;
    open_world(&w);
    struct sched_avg *q = &w.f.k->rqs[1].cfs.avg;
    assert_in_range(units_until_found(&w, NULL, &q->util_sum, pelt_divider(q)), 8, 64);
    fixture_close(&w.f);
}

/* The sum over the CPUs of a group is exact. */
static void
a_group_whose_load_is_not_the_sum_of_its_parts_is_found(void **state)
{
    struct world w;

    (void)state;
    open_world(&w);
    w.tg->load_avg++;
    assert_found(&w, "tg->load_avg == published");
    fixture_close(&w.f);
}

/* An average without a sum would never fade. */
static void
an_average_that_outlives_its_sum_is_found(void **state)
{
    struct world w;

    (void)state;
    open_world(&w);
    struct sched_avg *q = &w.f.k->rqs[1].cfs.avg;
    q->load_sum = 0;
    q->load_avg = 1;
    assert_found(&w, "a->load_sum > 0");
    fixture_close(&w.f);
}

/* Asleep for two half-lives, a task gets another nice level: with it the queue gets the average of
 * before back (reweight_entity), which halves in 32 ms, whenever that began. */
static void
an_old_average_with_a_new_weight_is_forgiven_for_as_long_as_it_lasts(void **state)
{
    static const struct action heavy[] = { { .kind = ACTION_RUN, .work = MSEC(100) },
                                           { .kind = ACTION_SLEEP, .until = SEC(10) } };

    (void)state;
    for (sim_time began = MSEC(200); began < MSEC(236); began += MSEC(2)) {
        struct world w;

        fixture_open(&w.f, 1, 1, 1, false);
        struct task *p = start_in(&w, fixture_task(&w.f, "heavy", -13, heavy, 2), NULL);
        start_in(&w, fixture_hog(&w.f, "hog", 0), NULL);
        for (sim_time t = MSEC(10); t < began; t += MSEC(10)) {
            fixture_run(&w.f, t);
            assert_null(check_pelt(w.f.k));
        }
        fixture_run(&w.f, began);
        assert_int_equal(p->state, TASK_SLEEPING);
        task_set_nice(w.f.k, p, -12);
        for (sim_time t = began; t < began + MSEC(120); t += MSEC(1)) {
            fixture_run(&w.f, t);
            assert_null(check_pelt(w.f.k));
        }
        fixture_close(&w.f);
    }
}

/* cgroup.procs: who has not begun has averages nowhere, and begins in the group; the dead are left
 * out, as the kernel leaves out who is exiting. */
static void
a_process_moves_with_those_to_come_and_without_its_dead(void **state)
{
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(5) },
                                          { .kind = ACTION_EXIT } };
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, false);
    struct task_group *tg = task_group_new(f.k, NULL, "g");
    struct task *hog = fixture_hog(&f, "hog", 0), *late = fixture_hog(&f, "late", 0);
    struct task *gone = fixture_task(&f, "gone", 0, once, 2);
    task_start(f.k, hog, NULL);
    task_start(f.k, gone, NULL);
    task_start_at(f.k, late, MSEC(50));
    fixture_run(&f, MSEC(20));
    assert_true(process_set_group(f.k, f.process, tg));
    assert_ptr_equal(hog->group, tg);
    assert_ptr_equal(late->group, tg);
    assert_ptr_equal(gone->group, f.k->groups[0]);
    assert_int_equal(tg->nr_tasks, 2);
    for (sim_time t = MSEC(20); t < MSEC(100); t += MSEC(1)) {
        fixture_run(&f, t);
        assert_null(kernel_check(f.k));
        assert_null(check_pelt(f.k));
    }
    assert_int_equal(tg->cfs_rq[0]->h_nr_queued + tg->cfs_rq[1]->h_nr_queued, 2);
    fixture_close(&f);
}

/* A running task gets a better nice level just when its group has run out: put and queued
 * anew, it throttles the queue (put_prev_entity). Nobody asks the CPU to choose anew, so in
 * the kernel, too, it runs on until somebody does. */
static void
who_throttles_itself_runs_on_and_nobody_else_does(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 1, 1, false);
    struct task_group *tg = task_group_new(f.k, NULL, "g");
    struct task *p = fixture_hog(&f, "p", 0);
    task_start(f.k, p, NULL);
    task_set_group(f.k, p, tg);
    assert_null(task_group_set_bandwidth(f.k, tg, MSEC(50), MSEC(100), 0));
    fixture_run(&f, MSEC(5));
    struct cfs_rq *cfs = tg->cfs_rq[0];
    assert_ptr_equal(f.k->rqs[0].curr, p);
    cfs->runtime_remaining = 0; /* all of it is used up */
    tg->bandwidth.runtime = 0;
    task_set_nice(f.k, p, -5);
    assert_true(cfs->throttled);
    assert_ptr_equal(f.k->rqs[0].curr, p);
    assert_false(f.k->rqs[0].need_resched);
    assert_null(kernel_check(f.k));
    cfs->throttled_itself = NULL; /* as if it had come there in another way */
    assert_non_null(kernel_check(f.k));
    fixture_close(&f);
}

/* Beyond 2^48 ns, and for heavy ones where key times weight nears what 64 bits hold. */
static void
vruntimes_that_nothing_explains_are_found(void **state)
{
    static const struct {
        int nice;
        int64_t farthest;
    } cases[] = { { 19, (int64_t)1 << 48 }, { -20, ((int64_t)1 << 61) / 88761 } };
    (void)state;

    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;

        fixture_open(&f, 1, 1, 1, false);
        struct task *p = fixture_hog(&f, "p", cases[i].nice);
        task_start(f.k, p, NULL);
        fixture_run(&f, MSEC(5));
        for (int sign = -1; sign <= 1; sign += 2) {
            p->se.vruntime = p->se.cfs_rq->zero + sign * (cases[i].farthest - 1);
            assert_null(kernel_check(f.k));
            p->se.vruntime += sign;
            assert_non_null(strstr(kernel_check(f.k), "is_far"));
        }
        fixture_close(&f);
    }
}

/* An rt task becomes a normal one in its sleep: the queue that it is attached to is brought up to
 * now (update_rq_clock in __sched_setscheduler), whatever looked at it last. */
static void
who_joins_the_fair_class_asleep_is_attached_now(void **state)
{
    static const struct action doze[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_SLEEP, .until = SEC(1) } };
    (void)state;
    for (int simulated = 0; simulated < 2; simulated++) {
        struct fixture f;

        fixture_open(&f, 1, 1, 1, false);
        f.k->params.sched.tick = simulated ? TICK_SIMULATED : TICK_COMPUTED;
        struct task *p = fixture_task(&f, "p", 0, doze, 2), *hog = fixture_hog(&f, "hog", 0);
        task_set_scheduler(f.k, p, &(struct task_attr){ .policy = POLICY_FIFO, .rt_priority = 1 });
        task_start(f.k, p, NULL);
        task_start(f.k, hog, NULL);
        engine_run(&f.k->engine, USEC(50300));
        assert_int_equal(p->state, TASK_SLEEPING);
        task_set_scheduler(f.k, p, &(struct task_attr){ .policy = POLICY_NORMAL });
        uint64_t pelt = USEC(50300) + (1 << 20);
        assert_in_range(f.k->rqs[0].cfs.avg.last_update_time, pelt - 1024, pelt);
        assert_in_range(p->se.avg.last_update_time, pelt - 1024, pelt);
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_that_stay_or_go_twice_are_found),
        cmocka_unit_test(a_sixteenth_of_a_task_is_found_in_a_quiet_queue),
        cmocka_unit_test(what_nobody_left_behind_is_found),
        cmocka_unit_test(a_group_whose_load_is_not_the_sum_of_its_parts_is_found),
        cmocka_unit_test(an_average_that_outlives_its_sum_is_found),
        cmocka_unit_test(vruntimes_that_nothing_explains_are_found),
        cmocka_unit_test(who_joins_the_fair_class_asleep_is_attached_now),
        cmocka_unit_test(who_throttles_itself_runs_on_and_nobody_else_does),
        cmocka_unit_test(a_process_moves_with_those_to_come_and_without_its_dead),
        cmocka_unit_test(an_old_average_with_a_new_weight_is_forgiven_for_as_long_as_it_lasts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

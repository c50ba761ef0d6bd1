/* layer: kernel */
/*
 * Passes of the balancer over queues of real tasks: what they count, what they refuse, when they
 * push (sched-core.md 4.2, 4.5 to 4.8 and 6.1).
 */
#include "balance_kit.h"

/* A domain whose passes never succeed is tried twice in 1024 times (NI_RANDOM); 6.12.0 tries. */
static void
newly_idle_is_drawn_but_not_in_6_12_0(void **state)
{
    struct fixture f;
    struct task *hogs[8];

    (void)state;
    open_still(&f, 1, 2, 1);
    pile_up(&f, hogs, 8, "0", MSEC(500));
    struct sched_domain *sd = lowest_with(&f, 1, SD_SHARE_LLC);
    struct rq *rq = &f.k->rqs[1];
    rq->avg_idle = MSEC(1);
    f.k->params.sched.newidle_balance = true;
    f.k->rd_overloaded = true;
    sd->newidle_ratio = 0;
    sd->max_newidle_lb_cost = 0;
    for (int i = 0; i < 20; i++)
        assert_false(sched_balance_newidle(f.k, rq));
    assert_int_equal(sd->stat.lb[CPU_NEWLY_IDLE].count, 0);
    f.k->params.sched.kernel = KERNEL_6_12_0;
    rq->avg_idle = MSEC(1);
    assert_true(sched_balance_newidle(f.k, rq));
    assert_int_equal(sd->stat.lb[CPU_NEWLY_IDLE].count, 1);
    assert_int_equal(rq->nr_running, 1);
    fixture_close(&f);
}

static struct task *
start_idle(struct fixture *f)
{
    struct script *s = arena_new_object(f->arena, struct script);

    *s = (struct script){ .actions = hog_actions, .nr = 1 };
    struct task *p =
        task_new(f->k, f->process,
                 &(struct task_attr){
                     .name = "idle", .policy = POLICY_IDLE, .ops = &script_ops, .prog = s });
    task_set_affinity(f->k, p, fixture_cpus(f, "0"));
    task_start(f->k, p, NULL);
    return p;
}

/* One of two SCHED_IDLE tasks runs when the normal task leaves that has kept the CPU from being
 * sched_idle: the next tick balances. */
static void
a_cpu_with_idle_tasks_alone_balances_early(void **state)
{
    struct fixture f;
    struct task *normal;
    sim_time t = MSEC(20);
    (void)state;

    fixture_open(&f, 1, 2, 1, false);
    start_idle(&f);
    start_idle(&f);
    pile_up(&f, &normal, 1, "0", t);
    task_set_affinity(f.k, normal, fixture_cpus(&f, "0"));
    struct rq *rq = &f.k->rqs[0];
    while (rq->curr == normal && t < SEC(10))
        fixture_run(&f, t += USEC(500));
    assert_ptr_not_equal(rq->curr, normal);
    assert_int_equal(rq->nr_running, 3);
    rq->next_balance = jiffies(f.k) + 100;
    tick_update(f.k, rq);
    task_set_affinity(f.k, normal, fixture_cpus(&f, "1"));
    assert_int_equal(rq->next_balance, jiffies(f.k));
    assert_true(engine_when(&f.k->engine, &rq->tick_ev) <= t + f.k->tick_ns);
    fixture_close(&f);
}

/* A CPU that was busy meant to balance 16 times less often. Once it is idle it may be kicked again
 * after max_interval, 16 ms for 8 CPUs, also where newly idle CPUs do not pull. */
static void
a_cpu_that_runs_dry_balances_as_an_idle_one(void **state)
{
    static const struct action acts[] = { { .kind = ACTION_RUN, .work = USEC(100500) },
                                          { .kind = ACTION_BLOCK } };
    struct fixture f;
    (void)state;

    fixture_open(&f, 1, 8, 1, false);
    f.k->params.sched.newidle_balance = false;
    struct task *p = fixture_task(&f, "p", 0, acts, 2);
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(100));
    const struct rq *rq = &f.k->rqs[p->cpu];
    assert_true(rq->next_balance > 26 + 16 / 4); /* as a busy one; a jiffy is 4 ms */
    fixture_run(&f, MSEC(101));
    assert_true(idle_cpu(f.k, p->cpu));
    assert_true(rq->next_balance <= 26 + 16 / 4);
    fixture_close(&f);
}

/* Two tasks on the threads of one core, the other core idle: nothing waits, so the fourth pass
 * sends the stopper. */
static void
the_stopper_splits_a_core(void **state)
{
    struct fixture f;
    struct task *a[1], *b[1];

    (void)state;
    open_still(&f, 1, 2, 2);
    pile_up(&f, a, 1, "0", MSEC(10));
    pile_up(&f, b, 1, "1", MSEC(200));
    struct sched_domain *mc = f.k->domains->cpus[2].sd->parent;
    for (uint32_t n = 1; n <= 3; n++) {
        assert_int_equal(pass(&f, 2, mc, CPU_IDLE), 0);
        assert_int_equal(mc->nr_balance_failed, n);
        assert_false(f.k->rqs[0].active_balance);
    }
    assert_int_equal(pass(&f, 2, mc, CPU_IDLE), 0);
    assert_true(f.k->rqs[0].active_balance);
    assert_int_equal(f.k->rqs[0].push_cpu, 2);
    fixture_run(&f, MSEC(201));
    assert_int_equal(a[0]->cpu, 2);
    assert_int_equal(mc->stat.alb_count, 1);
    assert_int_equal(mc->stat.alb_pushed, 1);
    assert_int_equal(mc->stat.alb_failed, 0);
    assert_int_equal(mc->nr_balance_failed, 0);
    assert_int_equal(mc->stat.lb[CPU_IDLE].failed, 4);
    fixture_close(&f);
}

/* One CPU of each group balances for it: the first idle one, on an idle core if there is one. */
static void
one_cpu_balances_for_its_group(void **state)
{
    struct fixture f;
    struct task *hogs[3];

    (void)state;
    open_still(&f, 2, 2, 2); /* node 0: cores 0,1 and 2,3 */
    pile_up(&f, hogs, 3, "0", MSEC(200));
    struct sched_domain *numa = lowest_with(&f, 1, SD_NUMA);
    for (int cpu = 0; cpu < 4; cpu++) {
        struct sched_domain *sd = f.k->domains->cpus[cpu].numa;

        pass(&f, cpu, sd, idle_cpu(f.k, cpu) ? CPU_IDLE : CPU_NOT_IDLE);
        /* CPU 1 is idle beside a busy thread; 2 is first on an idle core; its pass finds node 1
         * empty */
        assert_int_equal(sd->stat.lb[CPU_IDLE].nobusyg + sd->stat.lb[CPU_NOT_IDLE].nobusyg,
                         cpu == 2);
    }
    assert_int_equal(numa->stat.lb[CPU_IDLE].balanced, 1);
    fixture_close(&f);
}

/* A CPU leaves the mask of idle CPUs, and is busy to its LLC, at its first busy tick. */
static void
short_work_is_not_seen(void **state)
{
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                          { .kind = ACTION_SLEEP, .until = SEC(1) } };
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 4, 1, false);
    const struct sched_domain_shared *llc = f.k->domains->cpus[0].llc_shared;
    struct task *p = fixture_task(&f, "short", 0, once, 2), *hog = fixture_hog(&f, "hog", 0);
    task_set_affinity(f.k, hog, fixture_cpus(&f, "1"));
    assert_int_equal(llc->nr_busy_cpus, 0);
    task_start_at(f.k, p, MSEC(5));    /* between the ticks at 4 and 8 ms */
    task_start_at(f.k, hog, MSEC(13)); /* over the tick at 16 ms */
    fixture_run(&f, MSEC(7));
    assert_true(idle_cpu(f.k, p->cpu));
    assert_int_equal(llc->nr_busy_cpus, 0);
    fixture_run(&f, MSEC(15));
    assert_false(idle_cpu(f.k, 1));
    assert_int_equal(llc->nr_busy_cpus, 0);
    fixture_run(&f, MSEC(17));
    assert_int_equal(llc->nr_busy_cpus, 1);
    assert_int_equal(f.k->nohz.nr_cpus, 3);
    fixture_close(&f);
}

/* What avg_idle learns from is the time from running dry to the next wake-up, an eighth each. */
static void
idle_time_is_averaged(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, false);
    struct rq *rq = &f.k->rqs[0];
    rq->avg_idle = 400000;
    rq->idle_stamp = 1;
    f.k->engine.now = 1200001;
    update_avg_idle(f.k, rq);
    assert_int_equal(rq->avg_idle, 500000); /* 400 + (1200 - 400) / 8 us */
    assert_int_equal(rq->idle_stamp, 0);
    update_avg_idle(f.k, rq); /* it was not idle since */
    assert_int_equal(rq->avg_idle, 500000);
    rq->idle_stamp = 1;
    f.k->engine.now = SEC(10);
    update_avg_idle(f.k, rq);
    assert_int_equal(rq->avg_idle, 1000000); /* twice max_idle_balance_cost */
    fixture_close(&f);
}

/* The most a level ever cost fades by 3 parts of 256 a second; success by halves. */
static void
costs_fade_and_successes_count(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 1, 2, 1, false);
    struct sched_domain *sd = f.k->domains->cpus[0].sd;
    assert_false(update_newidle_cost(f.k, sd, 25600, 1));
    assert_int_equal(sd->max_newidle_lb_cost, 25600);
    assert_int_equal(sd->newidle_call, 513);
    assert_int_equal(sd->newidle_success, 257);
    f.k->engine.now = SEC(1) + MSEC(8);
    assert_true(update_newidle_cost(f.k, sd, 0, 0));
    assert_int_equal(sd->max_newidle_lb_cost, 25300);
    assert_int_equal(sd->newidle_call, 513);
    assert_false(update_newidle_cost(f.k, sd, 0, 0)); /* once a second */
    for (int i = 0; i < 511; i++)
        update_newidle_cost(f.k, sd, 1, 0);
    assert_int_equal(sd->newidle_ratio, 257);
    assert_int_equal(sd->newidle_call, 512);
    assert_int_equal(sd->newidle_success, 128);
    fixture_close(&f);
}

static const struct action nap_actions[] = { { .kind = ACTION_RUN, .work = USEC(700) },
                                             { .kind = ACTION_SLEEP, .until = USEC(300) },
                                             { .kind = ACTION_RUN, .work = MSEC(3) },
                                             { .kind = ACTION_SLEEP, .until = MSEC(2) } };

/* Every pass ends in exactly one way. */
static void
counters_are_consistent(void **state)
{
    struct fixture f;
    uint64_t passes = 0, gained = 0;

    (void)state;
    fixture_open(&f, 2, 4, 2, true);
    for (int i = 0; i < 40; i++)
        task_start(
            f.k, i % 2 ? fixture_hog(&f, "hog", i % 5) : fixture_task(&f, "nap", 0, nap_actions, 4),
            NULL);
    fixture_run(&f, SEC(1));
    for_each_cpu (cpu, f.machine->online)
        for_each_domain (sd, f.k->domains->cpus[cpu].sd)
            for (int i = 0; i < CPU_IDLE_TYPES; i++) {
                const struct sd_schedstat *s = &sd->stat;
                uint64_t ended = s->lb[i].balanced + s->lb[i].failed;

                assert_true(ended <= s->lb[i].count);
                assert_true(s->lb[i].count - ended <= s->lb[i].gained + s->alb_pushed);
                assert_true(s->lb[i].nobusyg + s->lb[i].nobusyq <= s->lb[i].balanced);
                assert_true(s->lb[i].hot_gained <= s->lb[i].gained);
                assert_int_equal(s->alb_count, s->alb_pushed + s->alb_failed);
                passes += s->lb[i].count;
                gained += s->lb[i].gained;
            }
    assert_true(passes > 100);
    assert_true(gained > 10);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newly_idle_is_drawn_but_not_in_6_12_0),
        cmocka_unit_test(a_cpu_with_idle_tasks_alone_balances_early),
        cmocka_unit_test(a_cpu_that_runs_dry_balances_as_an_idle_one),
        cmocka_unit_test(the_stopper_splits_a_core),
        cmocka_unit_test(one_cpu_balances_for_its_group),
        cmocka_unit_test(short_work_is_not_seen),
        cmocka_unit_test(idle_time_is_averaged),
        cmocka_unit_test(costs_fade_and_successes_count),
        cmocka_unit_test(counters_are_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

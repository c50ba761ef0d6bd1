/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/rt.h"
#include "kernel/sched_change.h"

/* The machine, free of costs, with one parameter changed ("name=value"), or NULL. */
static void
open_free(struct fixture *f, uint32_t cores, const char *key, const char *value)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 64 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, cores, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    if (key != NULL)
        assert_true(kernel_params_set(&kp, key, value, f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static struct task *
rt_task(struct fixture *f, const char *name, enum task_policy policy, uint32_t priority,
        const struct action *actions, uint32_t nr)
{
    struct script *s = arena_new_object(f->arena, struct script);
    struct task_attr attr = {
        .name = name, .policy = policy, .rt_priority = priority, .ops = &script_ops, .prog = s
    };

    s->actions = actions;
    s->nr = nr;
    return task_new(f->k, f->process, &attr);
}

static struct task *
rt_hog(struct fixture *f, const char *name, enum task_policy policy, uint32_t priority)
{
    return rt_task(f, name, policy, priority, hog_actions, 1);
}

/* Sleeps 5 ms, runs 2 ms, ends. */
static const struct action late[] = { { .kind = ACTION_SLEEP, .until = MSEC(5) },
                                      { .kind = ACTION_RUN, .work = MSEC(2) },
                                      { .kind = ACTION_EXIT } };
static const struct action run_20ms[] = { { .kind = ACTION_RUN, .work = MSEC(20) },
                                          { .kind = ACTION_EXIT } };

static void
a_better_priority_preempts_and_the_preempted_stays_first(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, NULL, NULL);
    struct task *low = rt_task(&f, "low", POLICY_FIFO, 10, run_20ms, 2);
    struct task *equal = rt_task(&f, "equal", POLICY_FIFO, 10, run_20ms, 2);
    struct task *high = rt_task(&f, "high", POLICY_FIFO, 11, late, 3);
    task_start(f.k, high, NULL);
    task_start(f.k, low, NULL);
    task_start(f.k, equal, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(high->exited_at, MSEC(7)); /* at once */
    assert_int_equal(low->exited_at, MSEC(22)); /* before its equal, which came later */
    assert_int_equal(equal->exited_at, MSEC(42));
    assert_int_equal(low->stats.nr_involuntary, 1);
    fixture_close(&f);
}

/* A call that changes nothing does nothing, and another policy at the same priority keeps the
 * place: FIFO to RR after 5 ms, and the one that waits goes on waiting. */
static void
the_same_priority_keeps_its_place(void **state)
{
    const struct task_attr same = { .policy = POLICY_FIFO, .rt_priority = 10 };
    const struct task_attr other = { .policy = POLICY_RR, .rt_priority = 10 };
    struct fixture f;

    (void)state;
    open_free(&f, 1, NULL, NULL);
    struct task *first = rt_task(&f, "first", POLICY_FIFO, 10, run_20ms, 2);
    struct task *second = rt_task(&f, "second", POLICY_FIFO, 10, run_20ms, 2);
    task_start(f.k, first, NULL);
    task_start(f.k, second, NULL);
    fixture_run(&f, MSEC(5));
    assert_null(task_set_scheduler(f.k, first, &same));
    fixture_run(&f, MSEC(6));
    assert_null(task_set_scheduler(f.k, first, &other));
    fixture_run(&f, MSEC(7));
    assert_null(task_set_scheduler(f.k, second, &other)); /* so does who waits */
    fixture_run(&f, SEC(1));
    assert_int_equal(first->exited_at, MSEC(20));
    assert_int_equal(second->exited_at, MSEC(40));
    fixture_close(&f);
}

/* A slice of 5 ms is 2 ticks of 4 ms: jiffies are rounded up (msecs_to_jiffies). */
static void
a_slice_is_a_whole_number_of_ticks(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, "sched.rr_timeslice", "5ms");
    struct task *first = rt_task(&f, "first", POLICY_RR, 10, run_20ms, 2);
    struct task *second = rt_task(&f, "second", POLICY_RR, 10, run_20ms, 2);
    task_start(f.k, first, NULL);
    task_start(f.k, second, NULL);
    fixture_run(&f, MSEC(8) - 1);
    assert_ptr_equal(f.k->rqs[0].curr, first);
    fixture_run(&f, MSEC(8) + 1);
    assert_ptr_equal(f.k->rqs[0].curr, second);
    fixture_close(&f);
}

static void
an_equal_priority_waits(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, NULL, NULL);
    struct task *first = rt_task(&f, "first", POLICY_FIFO, 10, run_20ms, 2);
    struct task *woken = rt_task(&f, "woken", POLICY_FIFO, 10, late, 3);
    task_start(f.k, woken, NULL);
    task_start(f.k, first, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(first->exited_at, MSEC(20));
    assert_int_equal(woken->exited_at, MSEC(22));
    fixture_close(&f);
}

/* 100 ms at HZ=250 are 25 ticks; FIFO tasks of the same priority never give way. */
static void
round_robin_rotates_every_100_ms(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, "sched.fair_server_runtime", "0ns");
    struct task *a = rt_hog(&f, "a", POLICY_RR, 10), *b = rt_hog(&f, "b", POLICY_RR, 10),
                *c = rt_hog(&f, "c", POLICY_RR, 10);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    task_start(f.k, c, NULL);
    fixture_run(&f, MSEC(100));
    assert_int_equal(a->stats.run_ns, MSEC(100));
    fixture_run(&f, MSEC(250));
    assert_int_equal(b->stats.run_ns, MSEC(100));
    assert_int_equal(c->stats.run_ns, MSEC(50));
    fixture_run(&f, SEC(3));
    assert_int_equal(a->stats.run_ns, SEC(1));
    assert_int_equal(a->stats.nr_slices, 10);
    fixture_close(&f);
}

static void
fifo_never_gives_way_and_yield_goes_behind_equals(void **state)
{
    static const struct action yields[] = { { .kind = ACTION_RUN, .work = MSEC(10) },
                                            { .kind = ACTION_YIELD } };
    struct fixture f;

    (void)state;
    open_free(&f, 1, "sched.fair_server_runtime", "0ns");
    struct task *a = rt_task(&f, "a", POLICY_FIFO, 10, yields, 2);
    struct task *b = rt_hog(&f, "b", POLICY_FIFO, 10);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(a->stats.run_ns, MSEC(10));
    assert_int_equal(b->stats.run_ns, MSEC(990));
    fixture_close(&f);
}

/* Four CPUs, six tasks: at any time the four best run, wherever they began. */
static void
the_best_run_wherever_they_are(void **state)
{
    struct fixture f;
    struct task *p[6];

    (void)state;
    open_free(&f, 4, "sched.fair_server_runtime", "0ns");
    for (int i = 0; i < 6; i++) {
        p[i] = rt_hog(&f, "hog", POLICY_FIFO, 10 + (uint32_t)i);
        task_set_affinity(f.k, p[i], fixture_cpus(&f, "0"));
        task_start(f.k, p[i], NULL);
        task_set_affinity(f.k, p[i], f.machine->online);
    }
    fixture_run(&f, SEC(1));
    for (int i = 0; i < 6; i++)
        assert_int_equal(p[i]->stats.run_ns, i < 2 ? 0 : SEC(1));
    fixture_close(&f);
}

/* A task that is preempted on its CPU goes where something less important runs; one that waits is
 * fetched by a CPU that has nothing better to do. */
static void
preempted_tasks_are_pushed_and_waiting_ones_pulled(void **state)
{
    static const struct action late_pinned[] = { { .kind = ACTION_SLEEP, .until = MSEC(5) },
                                                 { .kind = ACTION_RUN, .work = MSEC(50) },
                                                 { .kind = ACTION_EXIT } };
    struct fixture f;

    (void)state;
    open_free(&f, 2, NULL, NULL);
    struct task *pinned = rt_task(&f, "pinned", POLICY_FIFO, 50, late_pinned, 3);
    task_set_affinity(f.k, pinned, fixture_cpus(&f, "0"));
    struct task *low = rt_task(&f, "low", POLICY_FIFO, 10, run_20ms, 2);
    task_set_affinity(f.k, low, fixture_cpus(&f, "0"));
    task_start(f.k, pinned, NULL);
    task_start(f.k, low, NULL);
    task_set_affinity(f.k, low, f.machine->online);
    struct task *other = rt_task(&f, "other", POLICY_FIFO, 5, run_20ms, 2);
    task_set_affinity(f.k, other, fixture_cpus(&f, "1"));
    task_start(f.k, other, NULL);
    fixture_run(&f, MSEC(5) + 1);
    assert_int_equal(low->cpu, 1); /* pushed: 10 beats 5 */
    assert_ptr_equal(f.k->rqs[1].curr, low);
    fixture_run(&f, SEC(1));
    assert_int_equal(low->exited_at, MSEC(20));
    assert_int_equal(other->exited_at, MSEC(35));
    assert_int_equal(pinned->exited_at, MSEC(55));
    fixture_close(&f);
}

static void
a_cpu_that_gets_free_pulls(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 2, NULL, NULL);
    struct task *a = rt_task(&f, "a", POLICY_FIFO, 20, run_20ms, 2);
    struct task *b = rt_hog(&f, "b", POLICY_FIFO, 20), *c = rt_hog(&f, "c", POLICY_FIFO, 10);
    task_set_affinity(f.k, a, fixture_cpus(&f, "0"));
    task_set_affinity(f.k, b, fixture_cpus(&f, "1"));
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    task_set_affinity(f.k, c, fixture_cpus(&f, "1"));
    task_start(f.k, c, NULL);
    fixture_run(&f, MSEC(1));
    task_set_affinity(f.k, c, f.machine->online);
    fixture_run(&f, MSEC(30));
    assert_int_equal(c->cpu, 0);
    assert_int_equal(c->stats.run_ns, MSEC(10));
    fixture_close(&f);
}

/* sched-core.md 5.4: the first time after about 950 ms, then 50 ms of each second; at ticks. */
static void
the_fair_server_lets_a_starved_task_run(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, NULL, NULL);
    struct task *hog = rt_hog(&f, "hog", POLICY_FIFO, 50), *fair = fixture_hog(&f, "fair", 0);
    task_start(f.k, hog, NULL);
    task_start(f.k, fair, NULL);
    fixture_run(&f, MSEC(949));
    assert_int_equal(fair->stats.run_ns, 0);
    fixture_run(&f, MSEC(960));
    assert_in_range(fair->stats.run_ns, MSEC(8), MSEC(11));
    fixture_run(&f, MSEC(1940));
    assert_in_range(fair->stats.run_ns, MSEC(50), MSEC(54)); /* rounded up to a tick */
    fixture_run(&f, MSEC(20960));
    /* what it overran is taken off the next budget */
    assert_in_range(fair->stats.run_ns, 20 * MSEC(50), 20 * MSEC(50) + MSEC(14));
    fixture_close(&f);
}

static void
without_the_server_it_starves(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, "sched.fair_server_runtime", "0ns");
    struct task *hog = rt_hog(&f, "hog", POLICY_FIFO, 1), *fair = fixture_hog(&f, "fair", -20);
    task_start(f.k, hog, NULL);
    task_start(f.k, fair, NULL);
    fixture_run(&f, SEC(10));
    assert_int_equal(fair->stats.run_ns, 0);
    fixture_close(&f);
}

/* A CPU where fair tasks get their share anyway never needs it. */
static void
the_server_stays_away_from_a_shared_cpu(void **state)
{
    static const struct action half[] = { { .kind = ACTION_RUN, .work = MSEC(5) },
                                          { .kind = ACTION_SLEEP, .until = MSEC(5) } };
    struct fixture f;

    (void)state;
    open_free(&f, 1, NULL, NULL);
    struct task *rt = rt_task(&f, "rt", POLICY_FIFO, 50, half, 2);
    task_start(f.k, rt, NULL);
    task_start(f.k, fixture_hog(&f, "fair", 0), NULL);
    fixture_run(&f, SEC(10));
    assert_int_equal(rt->stats.wait_ns, 0);
    assert_int_equal(rt->stats.run_ns, SEC(5));
    fixture_close(&f);
}

static void
a_machine_of_fair_tasks_has_no_server_events(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 2, NULL, NULL);
    task_start(f.k, fixture_hog(&f, "fair", 0), NULL);
    fixture_run(&f, SEC(2));
    assert_false(f.k->higher_classes);
    assert_false(f.k->rqs[0].fair_server_active || f.k->rqs[1].fair_server_active);
    fixture_close(&f);
}

/* sched-core.md 5.3, the old rule: 950 ms of each second. */
static void
classic_throttling_stops_at_950_ms(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, "sched.rt_throttling", "classic");
    struct task *hog = rt_hog(&f, "hog", POLICY_FIFO, 50);
    task_start(f.k, hog, NULL);
    fixture_run(&f, MSEC(999));
    assert_in_range(hog->stats.run_ns, MSEC(950), MSEC(954));
    fixture_run(&f, SEC(20));
    assert_in_range(hog->stats.run_ns, 20 * MSEC(950), 20 * MSEC(950) + MSEC(4));
    fixture_close(&f);
}

static void
classes_change_while_tasks_run_and_wait(void **state)
{
    struct fixture f;
    const struct task_attr fifo = { .policy = POLICY_FIFO, .rt_priority = 3 };
    const struct task_attr normal = { .policy = POLICY_NORMAL };

    (void)state;
    open_free(&f, 1, "sched.fair_server_runtime", "0ns");
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    fixture_run(&f, MSEC(100));
    assert_null(task_set_scheduler(f.k, b, &fifo));
    uint64_t had = a->stats.run_ns;
    fixture_run(&f, MSEC(200));
    assert_int_equal(a->stats.run_ns, had);
    assert_null(task_set_scheduler(f.k, b, &normal));
    fixture_run(&f, MSEC(300));
    assert_in_range(a->stats.run_ns - had, MSEC(44), MSEC(56));
    assert_string_equal(
        task_set_scheduler(f.k, b, &(struct task_attr){ .policy = POLICY_RR, .rt_priority = 100 }),
        "the priority of an rt task is from 1 to 99");
    fixture_close(&f);
}

/* What rt tasks use is missing from the capacity for fair tasks: half of the time, about half. */
static void
utilisation_of_rt_tasks_is_tracked(void **state)
{
    struct fixture f;

    (void)state;
    open_free(&f, 1, NULL, NULL);
    task_start(f.k, rt_hog(&f, "hog", POLICY_FIFO, 50), NULL);
    fixture_run(&f, SEC(1));
    update_rt_rq_load_avg(f.k, &f.k->rqs[0], true);
    assert_in_range(f.k->rqs[0].avg_rt.util_avg, 1015, 1024);
    fixture_close(&f);
}

/* Whatever tasks of all classes do on four CPUs, with all invariants checked after every event:
 * they run, sleep, yield, change class and affinity, and inherit priorities of each other. */
struct restless {
    struct fixture *f;
    struct rng rng;
    struct task *other; /* it lends its priority to that one now and then */
    bool lends;
};

static struct task_attr
any_class(struct rng *r)
{
    struct task_attr attr = { .policy = (enum task_policy)rng_below(r, POLICY_DEADLINE + 1) };

    attr.rt_priority =
        attr.policy == POLICY_FIFO || attr.policy == POLICY_RR ? 1 + (uint32_t)rng_below(r, 5) : 0;
    attr.dl_period = MSEC(5 + rng_below(r, 50));
    attr.dl_deadline = attr.dl_period - rng_below(r, 3) * MSEC(1);
    attr.dl_runtime = attr.dl_period * (5 + rng_below(r, 20)) / 100;
    attr.nice = (int)rng_below(r, 40) - 20;
    return attr;
}

static struct action
restless_next(struct kernel *k, struct task *p)
{
    struct restless *me = p->prog;
    struct rng *r = &me->rng;
    uint64_t what = rng_below(r, 20);
    struct task_attr attr = any_class(r);

    if (what < 3)
        task_set_scheduler(k, rng_below(r, 2) ? p : me->other, &attr);
    if (what == 4 && me->other->policy != POLICY_DEADLINE)
        task_set_affinity(k, me->other,
                          fixture_cpus(me->f, (const char *[]){ "0-3", "1", "2-3" }[what % 3]));
    if (what == 5)
        task_set_affinity(k, p, me->f->machine->online);
    if (what == 6 || me->lends) {
        me->lends = !me->lends;
        rt_mutex_setprio(k, me->other, me->lends ? p : NULL);
    }
    if (what < 10)
        return (struct action){ .kind = ACTION_SLEEP,
                                .until = kernel_now(k) + 1 + rng_below(r, MSEC(20)) };
    if (what == 10)
        return (struct action){ .kind = ACTION_YIELD };
    return (struct action){ .kind = ACTION_RUN, .work = 1 + rng_below(r, MSEC(4)) };
}

static void
restless_tasks_break_no_rule(void **state)
{
    static const struct task_ops ops = { .next = restless_next };

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;
        struct task *p[12];
        struct restless *me[12];
        uint64_t ran = 0;

        open_free(&f, 4, NULL, NULL);
        for (int i = 0; i < 12; i++) {
            me[i] = arena_new_object(f.arena, struct restless);
            me[i]->f = &f;
            rng_init(&me[i]->rng, seed, "restless", (uint64_t)i);
            p[i] = task_new(f.k, f.process,
                            &(struct task_attr){ .name = "t", .ops = &ops, .prog = me[i] });
        }
        for (int i = 0; i < 12; i++)
            me[i]->other = p[(i + 1) % 12];
        for (int i = 0; i < 12; i++)
            task_start(f.k, p[i], NULL);
        fixture_run(&f, SEC(3));
        assert_null(f.k->error);
        for (int i = 0; i < 12; i++)
            ran += p[i]->stats.run_ns;
        assert_true(ran > SEC(4) && ran <= SEC(12));
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_better_priority_preempts_and_the_preempted_stays_first),
        cmocka_unit_test(the_same_priority_keeps_its_place),
        cmocka_unit_test(a_slice_is_a_whole_number_of_ticks),
        cmocka_unit_test(an_equal_priority_waits),
        cmocka_unit_test(round_robin_rotates_every_100_ms),
        cmocka_unit_test(fifo_never_gives_way_and_yield_goes_behind_equals),
        cmocka_unit_test(the_best_run_wherever_they_are),
        cmocka_unit_test(preempted_tasks_are_pushed_and_waiting_ones_pulled),
        cmocka_unit_test(a_cpu_that_gets_free_pulls),
        cmocka_unit_test(the_fair_server_lets_a_starved_task_run),
        cmocka_unit_test(without_the_server_it_starves),
        cmocka_unit_test(the_server_stays_away_from_a_shared_cpu),
        cmocka_unit_test(a_machine_of_fair_tasks_has_no_server_events),
        cmocka_unit_test(classic_throttling_stops_at_950_ms),
        cmocka_unit_test(classes_change_while_tasks_run_and_wait),
        cmocka_unit_test(utilisation_of_rt_tasks_is_tracked),
        cmocka_unit_test(restless_tasks_break_no_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

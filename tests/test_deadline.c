/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/deadline.h"

#include <stdio.h>

/* A machine of one node, free of costs. `settings`: "key=value" ended by NULL. */
static void
open_with(struct fixture *f, uint32_t cores, const char *const *settings)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 64 };
    char why[256], key[64];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, cores, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    for (; *settings != NULL; settings++) {
        const char *eq = strchr(*settings, '=');
        snprintf(key, sizeof(key), "%.*s", (int)(eq - *settings), *settings);
        assert_true(kernel_params_set(&kp, key, eq + 1, f->arena, why, sizeof(why)));
    }
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static const char *const defaults[] = { NULL };
/* Nothing but deadline tasks, as many as one likes; budgets end within 1 ms. */
static const char *const bare[] = { "sched.fair_server_runtime=0ns", "sched.rt_runtime=0ns",
                                    "sched.hz=1000", NULL };

/* A periodic job: released every `period` from 0 on, runs for `work`. */
struct job {
    uint64_t work, period, deadline;
    uint64_t release;
    bool running;
    uint64_t done, missed;
};

static struct action
job_next(struct kernel *k, struct task *p)
{
    struct job *j = p->prog;
    sim_time now = kernel_now(k);

    if (j->running) {
        j->done++;
        j->missed += now > j->release + j->deadline;
        j->release += j->period;
        j->running = false;
        if (j->release > now)
            return (struct action){ .kind = ACTION_SLEEP, .until = j->release };
    }
    j->running = true;
    return (struct action){ .kind = ACTION_RUN, .work = j->work };
}
static const struct task_ops job_ops = { .next = job_next };

/* A deadline task whose reservation has `spare` on top of its work, or an rt task (priority). */
static struct job *
start_job(struct fixture *f, uint64_t work, uint64_t period, uint64_t spare, uint32_t priority)
{
    struct job *j = arena_new_object(f->arena, struct job);
    struct task_attr attr = { .name = "job",
                              .policy = priority ? POLICY_FIFO : POLICY_DEADLINE,
                              .rt_priority = priority,
                              .dl_runtime = SIM_MIN(work + spare, period),
                              .dl_deadline = period,
                              .ops = &job_ops,
                              .prog = j };

    *j = (struct job){ .work = work, .period = period, .deadline = period };
    task_start(f->k, task_new(f->k, f->process, &attr), NULL);
    return j;
}

static struct task *
reserve(struct fixture *f, uint64_t runtime, uint64_t period)
{
    return task_new(f->k, f->process,
                    &(struct task_attr){ .name = "r",
                                         .policy = POLICY_DEADLINE,
                                         .dl_runtime = runtime,
                                         .dl_deadline = period,
                                         .ops = &script_ops });
}

/* V15: 996147 a CPU, of which the fair server has 52428. */
static void
admission_counts_in_units_of_a_millionth(void **state)
{
    struct fixture f;

    (void)state;
    open_with(&f, 1, defaults);
    assert_int_equal(f.k->dl_bw->limit, 996147);
    assert_int_equal(f.k->dl_bw->total, 52428);
    reserve(&f, MSEC(90), MSEC(100)); /* 943718 of the 943719 that are left */
    assert_null(f.k->error);
    assert_int_equal(f.k->dl_bw->total, 52428 + 943718);
    reserve(&f, 1024, SEC(4)); /* 268 in 2^30: rounds to nothing */
    assert_null(f.k->error);
    reserve(&f, USEC(4), SEC(1)); /* 4: more than 1 */
    assert_non_null(strstr(f.k->error, "too much is reserved"));
    fixture_close(&f);
}

static void
admission_is_global(void **state)
{
    struct fixture f;

    (void)state;
    open_with(&f, 4, defaults);
    for (int i = 0; i < 4; i++)
        reserve(&f, MSEC(90), MSEC(100));
    assert_null(f.k->error);
    reserve(&f, MSEC(1), MSEC(100));
    assert_non_null(f.k->error);
    fixture_close(&f);
}

static void
parameters_are_checked(void **state)
{
    static const struct {
        uint64_t runtime, deadline, period;
        bool fine;
    } cases[] = {
        { 1024, USEC(100), 0, true },           { 1023, USEC(100), 0, false },
        { MSEC(1), USEC(999), MSEC(1), false }, { MSEC(1), MSEC(2), USEC(1999), false },
        { MSEC(1), MSEC(2), MSEC(2), true },    { 1024, USEC(99), 0, false },
        { MSEC(1), USEC(1) << 22, 0, true },    { MSEC(1), (USEC(1) << 22) + 1, 0, false },
        { MSEC(1), 0, MSEC(10), false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct task_attr attr = { .policy = POLICY_DEADLINE,
                                  .dl_runtime = cases[i].runtime,
                                  .dl_deadline = cases[i].deadline,
                                  .dl_period = cases[i].period };
        if ((dl_check_params(&attr) == NULL) != cases[i].fine)
            fail_msg("case %zu", i);
    }
}

/* What a task held is free again at its zero-lag time: deadline - left x period / runtime. */
static void
bandwidth_returns_at_the_zero_lag_time(void **state)
{
    static const struct action actions[] = { { .kind = ACTION_RUN, .work = MSEC(20) },
                                             { .kind = ACTION_EXIT } };
    struct fixture f;

    (void)state;
    open_with(&f, 1, defaults);
    struct script *s = arena_new_object(f.arena, struct script);
    s->actions = actions, s->nr = 2;
    struct task *p = reserve(&f, MSEC(80), MSEC(100)), *keeps = fixture_hog(&f, "keeps", 0);
    p->prog = s;
    task_start(f.k, keeps, NULL);
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(24)); /* has ended at 20 ms with 60 left: zero-lag at 25 ms */
    const struct task_attr half = { .policy = POLICY_DEADLINE,
                                    .dl_runtime = MSEC(50),
                                    .dl_deadline = MSEC(100) };
    assert_non_null(task_set_scheduler(f.k, keeps, &half));
    fixture_run(&f, MSEC(26));
    assert_null(task_set_scheduler(f.k, keeps, &half));
    fixture_close(&f);
}

/* A budget of 10 ms every 100 ms is kept to, a tick more or less, whatever the task wants. */
static void
budgets_are_enforced_and_overruns_paid_back(void **state)
{
    struct fixture f;

    (void)state;
    open_with(&f, 1, defaults);
    struct task *p = reserve(&f, MSEC(10), MSEC(100)), *fair = fixture_hog(&f, "fair", 0);
    struct script *s = arena_new_object(f.arena, struct script);
    s->actions = hog_actions, s->nr = 1;
    p->prog = s;
    task_start(f.k, p, NULL);
    task_start(f.k, fair, NULL);
    fixture_run(&f, MSEC(99));
    assert_int_equal(p->stats.run_ns, MSEC(12)); /* the first tick at or after 10 ms */
    fixture_run(&f, SEC(100));
    assert_in_range(p->stats.run_ns, SEC(10) - MSEC(4), SEC(10) + MSEC(4));
    assert_in_range(fair->stats.run_ns, SEC(90) - MSEC(4), SEC(90) + MSEC(4));
    fixture_close(&f);
}

static void
yield_gives_up_the_budget_until_the_next_period(void **state)
{
    static const struct action actions[] = { { .kind = ACTION_RUN, .work = MSEC(3) },
                                             { .kind = ACTION_YIELD } };
    struct fixture f;

    (void)state;
    open_with(&f, 1, defaults);
    struct task *p = reserve(&f, MSEC(20), MSEC(100));
    struct script *s = arena_new_object(f.arena, struct script);
    s->actions = actions, s->nr = 2;
    p->prog = s;
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(p->stats.run_ns, MSEC(30));
    assert_int_equal(p->stats.nr_slices, 10);
    fixture_close(&f);
}

/* The wake-up rule: 6 ms left of 10 may be used until 100 ms only if 6/(100-t) <= 10/100: until
 * t = 40 ms. */
static void
a_late_wakeup_gets_a_new_deadline(void **state)
{
    for (int late = 0; late < 2; late++) {
        const struct action actions[] = { { .kind = ACTION_RUN, .work = MSEC(4) },
                                          { .kind = ACTION_SLEEP, .until = MSEC(35 + 2 * late) },
                                          { .kind = ACTION_RUN, .work = MSEC(4) },
                                          { .kind = ACTION_SLEEP, .until = SEC(1) } };
        struct fixture f;

        open_with(&f, 1, defaults);
        struct task *p = reserve(&f, MSEC(10), MSEC(100));
        struct script *s = arena_new_object(f.arena, struct script);
        s->actions = actions, s->nr = 4;
        p->prog = s;
        task_start(f.k, p, NULL);
        fixture_run(&f, MSEC(42));
        assert_int_equal(p->dl.deadline, late ? MSEC(141) : MSEC(100));
        fixture_close(&f);
    }
    (void)state;
}

/* Deadline 50 ms, period 200 ms: awake again at 60 ms, the task waits for 200 ms. */
static void
constrained_deadlines_wait_for_the_next_period(void **state)
{
    static const struct action actions[] = { { .kind = ACTION_RUN, .work = MSEC(4) },
                                             { .kind = ACTION_SLEEP, .until = MSEC(56) },
                                             { .kind = ACTION_RUN, .work = MSEC(4) },
                                             { .kind = ACTION_EXIT } };
    struct fixture f;

    (void)state;
    open_with(&f, 1, defaults);
    struct script *s = arena_new_object(f.arena, struct script);
    s->actions = actions, s->nr = 4;
    struct task *p = task_new(f.k, f.process,
                              &(struct task_attr){ .name = "c",
                                                   .policy = POLICY_DEADLINE,
                                                   .dl_runtime = MSEC(10),
                                                   .dl_deadline = MSEC(50),
                                                   .dl_period = MSEC(200),
                                                   .ops = &script_ops,
                                                   .prog = s });
    task_start(f.k, p, NULL);
    fixture_run(&f, SEC(1));
    assert_int_equal(p->exited_at, MSEC(204));
    fixture_close(&f);
}

/* Random sets of 2 to 8 jobs with the given utilisation (ppm) on one CPU. Reservations are larger
 * than the work by two ticks, so that none is throttled. */
static uint64_t
random_set(uint64_t seed, uint64_t ppm)
{
    struct fixture f;
    struct rng r;
    struct job *jobs[8];
    uint64_t share[8], sum = 0, missed = 0;

    open_with(&f, 1, bare);
    rng_init(&r, seed, "set", 0);
    uint32_t nr = 2 + (uint32_t)rng_below(&r, 7);
    for (uint32_t i = 0; i < nr; i++)
        sum += share[i] = 100 + rng_below(&r, 900);
    for (uint32_t i = 0; i < nr; i++) {
        uint64_t period = MSEC(20) + rng_below(&r, 180) * MSEC(1);
        uint64_t work = period * ppm / 1000000 * share[i] / sum;
        jobs[i] = start_job(&f, work, period, MSEC(2), 0);
    }
    fixture_run(&f, SEC(20));
    for (uint32_t i = 0; i < nr; i++)
        missed += jobs[i]->missed;
    fixture_close(&f);
    return missed;
}

static void
edf_meets_all_deadlines_up_to_full_use(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++)
        if (random_set(seed, 999999) != 0)
            fail_msg("seed %llu misses", (unsigned long long)seed);
}

static void
edf_misses_above_full_use(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        assert_true(random_set(seed, 1050000) > 0);
}

/* Dhall: m light jobs with the shorter deadline take all m CPUs first; the heavy one, whose work
 * is its period, comes too late. Utilisation is little above 1 on 4 CPUs. */
static void
dhalls_example_fails_under_global_edf(void **state)
{
    struct fixture f;

    (void)state;
    open_with(&f, 4, bare);
    for (int i = 0; i < 4; i++)
        start_job(&f, MSEC(1), MSEC(99), MSEC(2), 0);
    struct job *heavy = start_job(&f, USEC(99500), MSEC(100), MSEC(1), 0);
    fixture_run(&f, MSEC(101));
    assert_int_equal(heavy->done, 1);
    assert_int_equal(heavy->missed, 1);
    fixture_close(&f);
}

/* Rate monotonic: shorter period, better priority. The bound for n = 3 is 0.7797. */
static void
rate_monotonic_sets_below_the_bound_never_miss(void **state)
{
    static const double bound[] = { 0, 1.0, 0.82842, 0.77976, 0.75682, 0.74349, 0.73477 };

    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct fixture f;
        struct rng r;
        struct job *jobs[6];

        open_with(&f, 1, bare);
        rng_init(&r, seed, "rm", 0);
        uint32_t nr = 2 + (uint32_t)rng_below(&r, 5);
        uint64_t period = MSEC(10);
        for (uint32_t i = 0; i < nr; i++) {
            period += MSEC(1) + rng_below(&r, 40) * USEC(500);
            uint64_t work = (uint64_t)((double)period * bound[nr] / nr);
            jobs[i] = start_job(&f, work, period, 0, 50 - i);
        }
        fixture_run(&f, SEC(10));
        for (uint32_t i = 0; i < nr; i++)
            if (jobs[i]->missed != 0)
                fail_msg("seed %llu: job %u of %u misses", (unsigned long long)seed, i, nr);
        fixture_close(&f);
    }
}

/* 2/5 + 4/7 = 0.971: by rates the second misses at 7 (2+2 of the first leave 3 for its 4); by
 * deadlines nobody does. */
static void
a_set_that_only_edf_can_serve(void **state)
{
    for (int edf = 0; edf < 2; edf++) {
        struct fixture f;

        open_with(&f, 1, bare);
        struct job *a = start_job(&f, MSEC(20), MSEC(50), MSEC(2), edf ? 0 : 20);
        struct job *b = start_job(&f, MSEC(40), MSEC(70), MSEC(2), edf ? 0 : 10);
        fixture_run(&f, SEC(7));
        assert_int_equal(a->missed, 0);
        if (edf)
            assert_int_equal(b->missed, 0);
        else
            assert_true(b->missed > 0);
        fixture_close(&f);
    }
    (void)state;
}

/* Global: as many CPUs as jobs, each gets its own wherever all began. */
static void
jobs_spread_over_cpus(void **state)
{
    struct fixture f;
    struct job *jobs[4];

    (void)state;
    open_with(&f, 4, bare);
    for (int i = 0; i < 4; i++)
        jobs[i] = start_job(&f, MSEC(90), MSEC(100 + (unsigned)i), MSEC(2), 0);
    fixture_run(&f, SEC(5));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(jobs[i]->missed, 0);
        assert_true(jobs[i]->done >= 47);
    }
    fixture_close(&f);
}

/* A task whose budget comes back is queued where it was, and its CPU, which does not run it yet, at
 * once pushes it to one without deadline tasks (dl_task_timer): of two CPUs it takes turns. */
static void
who_is_replenished_is_pushed_on(void **state)
{
    struct fixture f;

    (void)state;
    open_with(&f, 2, bare);
    struct job *j = arena_new_object(f.arena, struct job);
    *j = (struct job){ .work = SEC(1), .period = SEC(1), .deadline = SEC(1) };
    struct task *p = task_new(f.k, f.process,
                              &(struct task_attr){ .name = "long",
                                                   .policy = POLICY_DEADLINE,
                                                   .dl_runtime = MSEC(5),
                                                   .dl_deadline = MSEC(20),
                                                   .ops = &job_ops,
                                                   .prog = j });
    task_start(f.k, p, NULL);
    fixture_run(&f, MSEC(1));
    int first = p->cpu;
    for (uint32_t i = 1; i < 8; i++) {
        fixture_run(&f, MSEC(20) * i + MSEC(1));
        assert_ptr_equal(f.k->rqs[p->cpu].curr, p);
        assert_int_equal(p->cpu, i % 2 == 0 ? first : 1 - first);
    }
    assert_int_equal(p->stats.run_ns, MSEC(36)); /* 5 ms of each 20 */
    fixture_close(&f);
}

static void
a_deadline_task_keeps_its_affinity(void **state)
{
    struct fixture f;

    (void)state;
    open_with(&f, 2, defaults);
    struct task *p = reserve(&f, MSEC(10), MSEC(100));
    task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
    assert_int_equal(p->nr_allowed, 2);
    struct task *q = fixture_hog(&f, "pinned", 0);
    task_set_affinity(f.k, q, fixture_cpus(&f, "0"));
    const struct task_attr attr = { .policy = POLICY_DEADLINE,
                                    .dl_runtime = MSEC(1),
                                    .dl_deadline = MSEC(100) };
    assert_string_equal(task_set_scheduler(f.k, q, &attr),
                        "a deadline task must be allowed on all CPUs");
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admission_counts_in_units_of_a_millionth),
        cmocka_unit_test(admission_is_global),
        cmocka_unit_test(parameters_are_checked),
        cmocka_unit_test(bandwidth_returns_at_the_zero_lag_time),
        cmocka_unit_test(budgets_are_enforced_and_overruns_paid_back),
        cmocka_unit_test(yield_gives_up_the_budget_until_the_next_period),
        cmocka_unit_test(a_late_wakeup_gets_a_new_deadline),
        cmocka_unit_test(constrained_deadlines_wait_for_the_next_period),
        cmocka_unit_test(edf_meets_all_deadlines_up_to_full_use),
        cmocka_unit_test(edf_misses_above_full_use),
        cmocka_unit_test(dhalls_example_fails_under_global_edf),
        cmocka_unit_test(rate_monotonic_sets_below_the_bound_never_miss),
        cmocka_unit_test(a_set_that_only_edf_can_serve),
        cmocka_unit_test(jobs_spread_over_cpus),
        cmocka_unit_test(who_is_replenished_is_pushed_on),
        cmocka_unit_test(a_deadline_task_keeps_its_affinity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

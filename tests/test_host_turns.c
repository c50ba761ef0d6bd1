/* layer: kernel */
/*
 * A guest's CPUs take turns: what is done takes as long as one CPU of the host needs for all of it,
 * and the guest's clocks do not know.
 */
#include "sim_fixture.h"

#include "kernel/host_turns.h"

static void
open_guest(struct fixture *f, uint32_t cpus, const char *turn)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 20, .nr_groups = 4 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, cpus, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.host_turn", turn, f->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.hz", "250", f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static struct task *
pinned(struct fixture *f, const char *name, const struct action *actions, uint32_t nr,
       const char *cpu)
{
    struct task *p = fixture_task(f, name, 0, actions, nr);

    task_set_affinity(f->k, p, fixture_cpus(f, cpu));
    task_start_at(f->k, p, kernel_now(f->k));
    return p;
}

static const struct action work_20ms[] = { { .kind = ACTION_RUN, .work = MSEC(20) },
                                           { .kind = ACTION_EXIT } };

static void
one_busy_cpu_has_every_turn(void **state)
{
    struct fixture f;

    (void)state;
    open_guest(&f, 4, "4ms");
    struct task *p = pinned(&f, "a", work_20ms, 2, "2");
    fixture_run(&f, MSEC(20) + USEC(10));
    assert_int_equal(p->state, TASK_DEAD);
    fixture_close(&f);
}

static const struct action long_work[] = { { .kind = ACTION_RUN, .work = SEC(10) },
                                           { .kind = ACTION_EXIT } };

/* Runs for 3 ms and sleeps for 2, over and over: more than half of a CPU, if it gets it. */
static struct action
greedy_next(struct kernel *k, struct task *p)
{
    bool *slept = p->prog;

    *slept = !*slept;
    if (*slept)
        return (struct action){ .kind = ACTION_SLEEP, .until = k->engine.now + MSEC(2) };
    return (struct action){ .kind = ACTION_RUN, .work = MSEC(3) };
}

static const struct task_ops greedy = { .next = greedy_next };

/* A sleeper that still works off its lag on the queue moves, and its timer has expired on the CPU
 * where it went to sleep: that CPU wakes it in its turn. */
static void
a_late_timer_stays_where_it_expired(void **state)
{
    bool slept = false;
    struct fixture f;
    sim_time t = 0;

    (void)state;
    open_guest(&f, 2, "4ms");
    pinned(&f, "a", long_work, 2, "0");
    pinned(&f, "b", long_work, 2, "1");
    struct task *p = task_new(
        f.k, f.process,
        &(struct task_attr){
            .name = "p", .ops = &greedy, .prog = &slept, .allowed = fixture_cpus(&f, "1") });
    task_start_at(f.k, p, kernel_now(f.k));
    while (!(host_keeps_timer(f.k, p) && p->se.sched_delayed) && t < SEC(1))
        fixture_run(&f, t += USEC(100));
    assert_int_equal(p->state, TASK_SLEEPING);
    assert_true(p->se.sched_delayed);
    uint64_t wakeups = p->stats.nr_wakeups;
    task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
    assert_int_equal(p->cpu, 0);
    fixture_run(&f, t + MSEC(100));
    assert_false(host_keeps_timer(f.k, p));
    assert_true(p->stats.nr_wakeups > wakeups);
    fixture_close(&f);
}

/* In 40 ms the host does 40 ms of work, and in 80 ms all of 4 x 20; the task that ends
 * last has been running ever since its first turn, by the clock of its CPU. */
static void
busy_cpus_share_the_host(void **state)
{
    static const char *const cpus[] = { "0", "1", "2", "3" };
    uint64_t left = 0;
    struct task *p[4];
    struct fixture f;

    (void)state;
    open_guest(&f, 4, "4ms");
    for (int i = 0; i < 4; i++)
        p[i] = pinned(&f, cpus[i], work_20ms, 2, cpus[i]);
    fixture_run(&f, MSEC(40));
    for (int i = 0; i < 4; i++)
        left += p[i]->stats.nr_slices > 0 ? p[i]->work_left : MSEC(20);
    assert_in_range(left, MSEC(40), MSEC(40) + USEC(10));
    fixture_run(&f, MSEC(80) + USEC(10));
    uint64_t most = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(p[i]->state, TASK_DEAD);
        most = SIM_MAX(most, p[i]->se.sum_exec);
    }
    assert_in_range(most, MSEC(60), MSEC(80) + USEC(10)); /* 20 of them its own */
    fixture_close(&f);
}

/* Of 1000 ticks of each CPU a quarter finds it with the turn. */
static void
ticks_come_in_the_cpus_turn(void **state)
{
    static const char *const cpus[] = { "0", "1", "2", "3" };
    uint64_t ticks = 0;
    struct fixture f;

    (void)state;
    open_guest(&f, 4, "4ms");
    for (int i = 0; i < 4; i++)
        pinned(&f, cpus[i], hog_actions, 1, cpus[i]);
    fixture_run(&f, SEC(4));
    for (int i = 0; i < 4; i++) {
        assert_in_range(f.k->rqs[i].nr_ticks, 200, 300);
        ticks += f.k->rqs[i].nr_ticks;
    }
    assert_in_range(ticks, 990, 1000);
    fixture_close(&f);
}

static const struct action half_idle[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                           { .kind = ACTION_SLEEP, .until = MSEC(1) } };

/* A CPU that idles gives its turn away at once: the hog gets all but the sleeper's milliseconds,
 * and the sleeper's timers end the hog's turns. */
static void
idle_cpus_have_no_turn(void **state)
{
    static const struct action work_1s[] = { { .kind = ACTION_RUN, .work = SEC(1) },
                                             { .kind = ACTION_EXIT } };
    struct fixture f;

    (void)state;
    open_guest(&f, 2, "4ms");
    struct task *sleeper = pinned(&f, "sleeper", half_idle, 2, "0");
    struct task *hog = pinned(&f, "hog", work_1s, 2, "1");
    fixture_run(&f, SEC(1));
    uint64_t rounds = sleeper->stats.nr_voluntary;
    assert_true(rounds > 100);
    assert_in_range(SEC(1) - hog->work_left, MSEC(999 - rounds) - MSEC(1), MSEC(1000 - rounds));
    fixture_close(&f);
}

/* An idle CPU's ticks have stopped: a deferrable timer waits until something else runs there, and
 * a tick comes. */
static void
deferrable_timers_leave_idle_cpus_alone(void **state)
{
    static const struct action nap[] = { { .kind = ACTION_SLEEP, .until = MSEC(5) },
                                         { .kind = ACTION_RUN, .work = USEC(10) } };
    struct fixture f;

    (void)state;
    open_guest(&f, 2, "0ns");
    struct task *p = fixture_task(&f, "kworker", 0, nap, 2);
    p->deferrable = true;
    task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
    task_start_at(f.k, p, kernel_now(f.k));
    fixture_run(&f, MSEC(101));
    assert_int_equal(p->stats.nr_wakeups, 0);
    pinned(&f, "hog", hog_actions, 1, "0");
    fixture_run(&f, MSEC(103));
    assert_int_equal(p->stats.nr_wakeups, 0);
    fixture_run(&f, MSEC(104) + 1);
    assert_int_equal(p->stats.nr_wakeups, 1);
    fixture_close(&f);
}

static sim_time past_the_turn;

static void
ask_when_idle(void *priv, struct kernel *k, int cpu, struct task *prev, struct task *next)
{
    (void)priv;
    (void)prev;
    if (cpu == 0 && next == NULL && past_the_turn == 0)
        past_the_turn = host_elapsed(k, MSEC(8));
}

/* A pass of a CPU that runs dry is cut by the turn of each other CPU that wants one. */
static void
what_a_turn_cuts_waits_for_the_others(void **state)
{
    static const struct action work_1ms[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                              { .kind = ACTION_SLEEP, .until = MSEC(50) } };
    static const char *const cpus[] = { "0", "1", "2" };

    (void)state;
    for (int others = 0; others < 3; others++) {
        struct observer o = { .task_switch = ask_when_idle };
        struct fixture f;

        open_guest(&f, (uint32_t)others + 1, "4ms");
        o.next = f.k->observers;
        f.k->observers = &o;
        past_the_turn = 0;
        pinned(&f, "a", work_1ms, 2, cpus[0]);
        for (int i = 1; i <= others; i++)
            pinned(&f, cpus[i], hog_actions, 1, cpus[i]);
        fixture_run(&f, SEC(1));
        assert_int_equal(past_the_turn, MSEC(8) + (uint64_t)others * MSEC(4));
        fixture_close(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_busy_cpu_has_every_turn),
        cmocka_unit_test(a_late_timer_stays_where_it_expired),
        cmocka_unit_test(busy_cpus_share_the_host),
        cmocka_unit_test(ticks_come_in_the_cpus_turn),
        cmocka_unit_test(idle_cpus_have_no_turn),
        cmocka_unit_test(deferrable_timers_leave_idle_cpus_alone),
        cmocka_unit_test(what_a_turn_cuts_waits_for_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
/*
 * Slack of sleeps, as prctl(2) and hrtimers have it: a range of 50 us in which a sleep of a fair
 * task may end; whatever is due when a timer interrupt comes ends in it.
 */
#include "sim_fixture.h"

#include "kernel/timer_slack.h"

static void
open_slack(struct fixture *f, const char *slack)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 20, .nr_groups = 4 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, 2, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    assert_true(kernel_params_set(&kp, "sched.timer_slack", slack, f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

/* Sleeps on a CPU for so long from now on, and works for long. */
static struct task *
sleeper(struct fixture *f, const char *cpu, sim_time us, enum task_policy policy)
{
    struct action *acts = arena_new_array(f->arena, struct action, 2);
    struct script *s = arena_new_object(f->arena, struct script);

    acts[0] = (struct action){ .kind = ACTION_SLEEP, .until = USEC(us) };
    acts[1] = (struct action){ .kind = ACTION_RUN, .work = SEC(10) };
    *s = (struct script){ .actions = acts, .nr = 2 };
    struct task *p = task_new(f->k, f->process,
                              &(struct task_attr){ .name = "s",
                                                   .policy = policy,
                                                   .rt_priority = policy == POLICY_FIFO ? 1 : 0,
                                                   .ops = &script_ops,
                                                   .prog = s });
    task_set_affinity(f->k, p, fixture_cpus(f, cpu));
    task_start(f->k, p, NULL);
    return p;
}

static void
assert_woke_at(struct fixture *f, const struct task *p, sim_time at)
{
    fixture_run(f, MSEC(100));
    assert_int_equal(p->stats.nr_wakeups, 1);
    assert_int_equal(p->woken_at, at);
}

static void
a_lone_sleep_ends_with_its_slack_and_none_without(void **state)
{
    struct fixture f;

    (void)state;
    open_slack(&f, "50us");
    struct task *fair = sleeper(&f, "0", 1000, POLICY_NORMAL);
    struct task *fifo = sleeper(&f, "1", 1000, POLICY_FIFO);
    assert_woke_at(&f, fair, USEC(1050));
    assert_woke_at(&f, fifo, USEC(1000));
    fixture_close(&f);
    open_slack(&f, "0ns");
    fair = sleeper(&f, "0", 1000, POLICY_NORMAL);
    assert_null(f.k->slack);
    assert_woke_at(&f, fair, USEC(1000));
    fixture_close(&f);
}

/* Due at 1000, 1030 and 1060 us: the first two at 1050, in one interrupt, the third at 1110. One on
 * another CPU has an interrupt of its own. */
static void
sleeps_that_are_due_share_an_interrupt_of_their_cpu(void **state)
{
    struct fixture f;

    (void)state;
    open_slack(&f, "50us");
    struct task *late = sleeper(&f, "0", 1060, POLICY_NORMAL);
    struct task *first = sleeper(&f, "0", 1000, POLICY_NORMAL);
    struct task *second = sleeper(&f, "0", 1030, POLICY_NORMAL);
    struct task *other = sleeper(&f, "1", 1030, POLICY_NORMAL);
    assert_woke_at(&f, first, USEC(1050));
    assert_woke_at(&f, second, USEC(1050));
    assert_woke_at(&f, late, USEC(1110));
    assert_woke_at(&f, other, USEC(1080));
    fixture_close(&f);
}

/* Ticks come every 4 ms where something runs. */
static void
a_tick_takes_what_is_due(void **state)
{
    struct fixture f;

    (void)state;
    open_slack(&f, "50us");
    struct task *hog = fixture_hog(&f, "hog", 0);
    struct task *p = sleeper(&f, "0", 3980, POLICY_NORMAL);
    task_set_affinity(f.k, hog, fixture_cpus(&f, "0"));
    task_start(f.k, hog, NULL);
    assert_woke_at(&f, p, MSEC(4));
    fixture_close(&f);
}

/* Woken by something else, and asleep again when the first sleep would have been due. */
static void
a_sleep_that_was_cut_short_ends_no_other(void **state)
{
    struct fixture f;

    (void)state;
    open_slack(&f, "50us");
    static const struct action nap[] = { { .kind = ACTION_SLEEP, .until = USEC(1000) } };
    struct task *p = fixture_task(&f, "nap", 0, nap, 1);
    task_set_affinity(f.k, p, fixture_cpus(&f, "0"));
    task_start(f.k, p, NULL);
    fixture_run(&f, USEC(500));
    assert_true(task_wake(f.k, p, NULL, false));
    fixture_run(&f, USEC(1549));
    assert_int_equal(p->stats.nr_wakeups, 1);
    fixture_run(&f, USEC(1550) + 1);
    assert_int_equal(p->stats.nr_wakeups, 2);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_sleep_ends_with_its_slack_and_none_without),
        cmocka_unit_test(sleeps_that_are_due_share_an_interrupt_of_their_cpu),
        cmocka_unit_test(a_tick_takes_what_is_due),
        cmocka_unit_test(a_sleep_that_was_cut_short_ends_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

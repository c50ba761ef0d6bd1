/* layer: kernel */
#include "sim_fixture.h"

#include "kernel/group.h"

/* One node of four CPUs, free of costs, with CPU 0 the one on which calls are made. */
static void
open_four(struct fixture *f)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 16, .nr_groups = 2 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, 4, 1, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static struct task *
hog_on(struct fixture *f, const char *cpus)
{
    struct task *p = fixture_hog(f, "hog", 0);

    task_set_affinity(f->k, p, fixture_cpus(f, cpus));
    task_start(f->k, p, NULL);
    return p;
}

/* Asked for CPUs 1 to 3, three that are on CPU 0 go to one each: any CPU of a mask is the one after
 * the last that was drawn there (cpumask_any_and_distribute). */
static void
tasks_sent_away_together_spread(void **state)
{
    struct fixture f;
    struct task *p[3];

    (void)state;
    open_four(&f);
    for (int i = 0; i < 3; i++)
        p[i] = hog_on(&f, "0");
    fixture_run(&f, MSEC(1));
    f.k->this_cpu = 0;
    for (int i = 0; i < 3; i++)
        task_set_affinity(f.k, p[i], fixture_cpus(&f, "1-3"));
    fixture_run(&f, MSEC(1) + 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(p[i]->cpu, i + 1);
    fixture_close(&f);
}

/* The draw goes on behind the last one, which at first is 0; a new mask draws though the task may
 * stay, the same mask again does not. */
static void
each_new_mask_draws(void **state)
{
    struct fixture f;

    (void)state;
    open_four(&f);
    struct task *p = hog_on(&f, "3"), *q = hog_on(&f, "0");
    fixture_run(&f, MSEC(1));
    f.k->this_cpu = 0;
    task_set_affinity(f.k, p, fixture_cpus(&f, "0-1")); /* 1 */
    fixture_run(&f, MSEC(1) + 1);
    assert_int_equal(p->cpu, 1);
    f.k->this_cpu = 0;
    task_set_affinity(f.k, q, fixture_cpus(&f, "0,2")); /* draws 2, and stays */
    task_set_affinity(f.k, q, fixture_cpus(&f, "0,2"));
    assert_int_equal(f.k->rqs[0].distribute_prev, 2);
    task_set_affinity(f.k, p, fixture_cpus(&f, "0,2-3")); /* 3 */
    fixture_run(&f, MSEC(1) + 2);
    assert_int_equal(p->cpu, 3);
    assert_int_equal(q->cpu, 0);
    fixture_close(&f);
}

/* sched_setaffinity fails where the cpuset leaves nothing of the mask, and the old one stays. */
static void
an_affinity_outside_of_the_cpuset_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    open_four(&f);
    struct task_group *tg = task_group_new(f.k, NULL, "g");
    struct task *p = hog_on(&f, "0-3");
    task_group_set_cpus(f.k, tg, fixture_cpus(&f, "0-1"));
    task_set_group(f.k, p, tg);
    task_set_affinity(f.k, p, fixture_cpus(&f, "1"));
    task_set_affinity(f.k, p, fixture_cpus(&f, "2-3"));
    fixture_run(&f, MSEC(1));
    assert_int_equal(p->nr_allowed, 1);
    assert_int_equal(p->cpu, 1);
    assert_string_equal(f.k->notes->text, "hog keeps its affinity: of CPUs 2-3 none is online and "
                                          "in its cpuset (EINVAL)");
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_sent_away_together_spread),
        cmocka_unit_test(each_new_mask_draws),
        cmocka_unit_test(an_affinity_outside_of_the_cpuset_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

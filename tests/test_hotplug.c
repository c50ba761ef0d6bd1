/* layer: kernel */
/* CPUs that leave and come back: where their tasks go, and what is built anew. */
#include "sim_fixture.h"

#include "kernel/group.h"
#include "kernel/hotplug.h"

#include <stdio.h>

/* CPUs that are offline from the start. */
static void
begin_offline(struct machine *m, const struct cpumask *cpus)
{
    for_each_cpu (cpu, cpus) {
        m->cpus[cpu].online = false;
        cpumask_clear(m->online, (uint32_t)cpu);
    }
}

/* As fixture_open(), with CPUs that may go; costs are zero. */
static void
open_hot_without(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads,
                 const char *set, const char *value, const char *without)
{
    struct kernel_params kp;
    struct kernel_limits limits = { .max_tasks = 200, .nr_groups = 8, .nr_hotplug = 16 };
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, nodes, cores, threads, 20);
    if (without != NULL)
        begin_offline(f->machine, fixture_cpus(f, without));
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    if (set != NULL)
        assert_true(kernel_params_set(&kp, set, value, f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 10000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &fixture_memory);
    f->process = process_new(f->k, "test", NULL);
}

static void
open_hot(struct fixture *f, uint32_t nodes, uint32_t cores, uint32_t threads, const char *set,
         const char *value)
{
    open_hot_without(f, nodes, cores, threads, set, value, NULL);
}

static void
offline(struct fixture *f, sim_time at, const char *cpus)
{
    hotplug_at(f->k, at, fixture_cpus(f, cpus), false);
}

static void
online(struct fixture *f, sim_time at, const char *cpus)
{
    hotplug_at(f->k, at, fixture_cpus(f, cpus), true);
}

static struct task *
hog_on(struct fixture *f, const char *name, const char *cpus)
{
    struct task *p = fixture_hog(f, name, 0);

    if (cpus != NULL)
        task_set_affinity(f->k, p, fixture_cpus(f, cpus));
    task_start(f->k, p, NULL);
    return p;
}

/* Two nodes of two CPUs, a hog on each: when CPU 1 goes, its hog goes to the other CPU of the node,
 * not to the other node. Half a second later the four hogs have had all of three CPUs. */
static void
a_task_goes_to_another_cpu_of_the_node(void **state)
{
    struct fixture f;
    struct task *hogs[4];
    uint64_t ran = 0;
    (void)state;

    open_hot(&f, 2, 2, 1, "sched.periodic_balance", "no");
    for (int i = 0; i < 4; i++)
        hogs[i] = hog_on(&f, "hog", NULL);
    offline(&f, MSEC(101), "1");
    fixture_run(&f, MSEC(101));
    struct task *moved = f.k->rqs[1].curr;
    assert_non_null(moved);
    fixture_run(&f, MSEC(102));
    assert_int_equal(moved->cpu, 0);
    fixture_run(&f, MSEC(601));
    for (int i = 0; i < 4; i++)
        ran += hogs[i]->se.sum_exec;
    assert_int_equal(ran, 4 * MSEC(101) + 3 * MSEC(500));
    assert_int_equal(f.k->rqs[1].busy_ns, MSEC(101));
    fixture_close(&f);
}

/* Nothing of the node is left: any CPU will do. */
static void
a_whole_node_leaves_and_its_tasks_go_on_elsewhere(void **state)
{
    struct fixture f;
    struct task *hogs[4];
    (void)state;

    open_hot(&f, 2, 2, 1, NULL, NULL);
    for (int i = 0; i < 4; i++)
        hogs[i] = hog_on(&f, "hog", NULL);
    offline(&f, MSEC(101), "2-3");
    fixture_run(&f, SEC(1));
    for (int i = 0; i < 4; i++) {
        assert_true(hogs[i]->cpu < 2);
        assert_int_equal(hogs[i]->nr_allowed, 2);
    }
    assert_int_equal(f.k->rqs[2].busy_ns + f.k->rqs[3].busy_ns, 2 * MSEC(101));
    assert_null(f.k->domains->cpus[0].numa);
    fixture_close(&f);
}

/* A task that may run on CPU 1 only loses its affinity for good, and a note says so; one that
 * may run on 1 and 2 goes to 2, and may use both again once 1 is back. */
static void
affinity_is_broken_only_where_nothing_is_left(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 2, 2, 1, NULL, NULL);
    struct task *pinned = hog_on(&f, "pinned", "1"), *two = hog_on(&f, "two", "1-2");
    offline(&f, MSEC(50), "1");
    online(&f, MSEC(100), "1");
    fixture_run(&f, MSEC(60));
    assert_int_equal(pinned->nr_allowed, 3);
    assert_int_equal(pinned->cpu, 0); /* of the same node */
    assert_int_equal(two->nr_allowed, 1);
    assert_int_equal(two->cpu, 2);
    assert_string_equal(f.k->notes->text, "hotplug: pinned is no longer affine to CPUs 1: none of "
                                          "them is online");
    assert_null(f.k->notes->next);
    fixture_run(&f, MSEC(200));
    assert_int_equal(pinned->nr_allowed, 4);
    assert_int_equal(two->nr_allowed, 2);
    fixture_close(&f);
}

static struct task_group *
cpuset(struct fixture *f, const char *cpus)
{
    struct task_group *tg = task_group_new(f->k, NULL, "set");

    task_group_set_cpus(f->k, tg, fixture_cpus(f, cpus));
    return tg;
}

/* Of a cpuset of 1 and 2, a task wants 1, which is offline: sched_setaffinity fails (EINVAL), and
 * it may still use what is left of the cpuset. */
static void
an_affinity_that_is_all_offline_within_the_cpuset_is_refused(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 2, 2, 1, NULL, NULL);
    struct task *p = fixture_hog(&f, "hog", 0);
    task_start(f.k, p, NULL);
    task_set_group(f.k, p, cpuset(&f, "1-2"));
    offline(&f, MSEC(50), "1");
    fixture_run(&f, MSEC(60));
    task_set_affinity(f.k, p, fixture_cpus(&f, "0-1"));
    assert_string_equal(f.k->notes->text, "hog keeps its affinity: of CPUs 0-1 none is online and "
                                          "in its cpuset (EINVAL)");
    fixture_run(&f, MSEC(70));
    assert_int_equal(p->cpu, 2);
    fixture_close(&f);
}

/* In a cpuset of 1 and 2, a task is affine to 1. When 1 goes, it has what is left of the cpuset;
 * when 1 is back, its affinity is as it was. So it is with one that sleeps. */
static void
a_cpuset_gives_its_other_cpus_while_an_affinity_is_offline(void **state)
{
    static const struct action wait[] = { { .kind = ACTION_BLOCK } };
    struct fixture f;
    (void)state;

    open_hot(&f, 2, 2, 1, NULL, NULL);
    struct task_group *tg = cpuset(&f, "1-2");
    struct task *p[] = { hog_on(&f, "hog", NULL), fixture_task(&f, "sleeper", 0, wait, 1) };
    task_start(f.k, p[1], NULL);
    fixture_run(&f, MSEC(10));
    for (int i = 0; i < 2; i++) {
        task_set_group(f.k, p[i], tg);
        task_set_affinity(f.k, p[i], fixture_cpus(&f, "1"));
    }
    offline(&f, MSEC(50), "1");
    online(&f, MSEC(100), "1");
    fixture_run(&f, MSEC(60));
    assert_int_equal(p[0]->cpu, 2);
    for (int i = 0; i < 2; i++)
        assert_true(cpumask_equal(p[i]->allowed, fixture_cpus(&f, "2")));
    fixture_run(&f, MSEC(110));
    assert_int_equal(p[0]->cpu, 1);
    for (int i = 0; i < 2; i++)
        assert_true(cpumask_equal(p[i]->allowed, fixture_cpus(&f, "1")));
    assert_null(f.k->notes);
    fixture_close(&f);
}

/* Out of its cpuset, a task whose affinity is offline may run anywhere. */
static void
a_task_that_leaves_its_cpuset_does_not_go_offline(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 2, 2, 1, NULL, NULL);
    struct task *p = hog_on(&f, "hog", NULL);
    task_set_group(f.k, p, cpuset(&f, "1-2"));
    task_set_affinity(f.k, p, fixture_cpus(&f, "1"));
    offline(&f, MSEC(50), "1");
    fixture_run(&f, MSEC(60));
    assert_int_equal(p->cpu, 2);
    task_set_group(f.k, p, f.k->groups[0]);
    fixture_run(&f, MSEC(70));
    assert_int_equal(p->nr_allowed, 3);
    assert_int_equal(p->cpu, 2);
    fixture_close(&f);
}

/* A task is about to go to CPU 1, where its affinity is, and CPU 1 goes first. */
static void
who_is_about_to_go_to_a_cpu_that_leaves_stays(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 1, 2, 1, NULL, NULL);
    struct task *p = hog_on(&f, "hog", "0");
    fixture_run(&f, MSEC(10));
    task_set_affinity(f.k, p, fixture_cpus(&f, "1"));
    assert_true(p->migrate_pending);
    hotplug_now(f.k, fixture_cpus(&f, "1"), false);
    fixture_run(&f, MSEC(20));
    assert_int_equal(p->cpu, 0);
    assert_int_equal(p->nr_allowed, 1);
    assert_int_equal(p->se.sum_exec, MSEC(20));
    fixture_close(&f);
}

static const struct action nap_actions[] = { { .kind = ACTION_RUN, .work = MSEC(1) },
                                             { .kind = ACTION_SLEEP, .until = MSEC(100) } };

/* A sleeper's affinity breaks when it wakes, not before: if its CPU is back by then, it is kept. */
static void
who_sleeps_meanwhile_keeps_its_affinity(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 1, 2, 1, NULL, NULL);
    struct task *p = fixture_task(&f, "napper", 0, nap_actions, 2);
    task_set_affinity(f.k, p, fixture_cpus(&f, "1"));
    task_start(f.k, p, NULL);
    offline(&f, MSEC(20), "1");
    online(&f, MSEC(40), "1");
    offline(&f, MSEC(120), "1");
    fixture_run(&f, MSEC(110));
    assert_int_equal(p->nr_allowed, 1);
    assert_int_equal(p->cpu, 1);
    assert_null(f.k->notes);
    fixture_run(&f, MSEC(210));
    assert_int_equal(p->cpu, 0);
    assert_non_null(f.k->notes);
    fixture_close(&f);
}

static void
assert_same_domains(const struct domains *a, const struct domains *b, uint32_t nr_cpus)
{
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        const struct sched_domain *y = b->cpus[cpu].sd;

        for_each_domain (x, a->cpus[cpu].sd) {
            assert_non_null(y);
            assert_string_equal(x->name, y->name);
            assert_true(cpumask_equal(x->span, y->span));
            assert_int_equal(x->flags, y->flags);
            assert_int_equal(x->min_interval, y->min_interval);
            assert_int_equal(x->imb_numa_nr, y->imb_numa_nr);
            assert_true(cpumask_equal(x->groups->span, y->groups->span));
            y = y->parent;
        }
        assert_null(y);
        assert_int_equal(a->cpus[cpu].llc_id, b->cpus[cpu].llc_id);
    }
}

/* A node is offline from the start: nobody runs there, until it comes. Then the domains are those
 * of a machine that had it all the time, and the hogs have a CPU each. */
static void
cpus_that_were_never_online_may_come(void **state)
{
    struct fixture f;
    struct task *hogs[4];
    (void)state;

    open_hot_without(&f, 2, 2, 1, NULL, NULL, "2-3");
    for (int i = 0; i < 4; i++)
        hogs[i] = hog_on(&f, "hog", i == 0 ? "1-2" : NULL);
    online(&f, MSEC(100), "2-3");
    fixture_run(&f, MSEC(100) - 1);
    assert_int_equal(f.k->nr_online, 2);
    assert_int_equal(f.k->rqs[2].busy_ns + f.k->rqs[3].busy_ns, 0);
    assert_int_equal(hogs[0]->nr_allowed, 1);
    fixture_run(&f, SEC(1));
    assert_int_equal(hogs[0]->nr_allowed, 2);
    uint64_t before = f.k->rqs[2].busy_ns + f.k->rqs[3].busy_ns;
    fixture_run(&f, SEC(2));
    assert_int_equal(f.k->rqs[2].busy_ns + f.k->rqs[3].busy_ns, before + 2 * SEC(1));
    struct machine *whole = fixture_machine(f.arena, 2, 2, 1, 20);
    assert_same_domains(f.k->domains, domains_build(f.arena, whole), 4);
    fixture_close(&f);
}

/* A node leaves and is back: the domains are those of a kernel that never knew otherwise. The base
 * slice follows the CPUs: 2.8 ms with 8 of them, 2.1 ms with 4. */
static void
domains_are_built_anew_and_are_the_same_after_the_return(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 4, 2, 2, NULL, NULL);
    for (int i = 0; i < 20; i++)
        hog_on(&f, "hog", NULL);
    offline(&f, MSEC(50), "4-15");
    offline(&f, MSEC(60), "1");
    online(&f, MSEC(100), "4-15");
    online(&f, MSEC(110), "1");
    assert_int_equal(f.k->params.sched.base_slice_ns, 2800000);
    fixture_run(&f, MSEC(55));
    assert_int_equal(f.k->params.sched.base_slice_ns, 2100000);
    assert_null(f.k->domains->cpus[0].numa);
    assert_null(f.k->domains->cpus[5].sd);
    assert_int_equal(f.k->nr_online, 4);
    fixture_run(&f, SEC(1));
    assert_int_equal(f.k->params.sched.base_slice_ns, 2800000);
    assert_int_equal(f.k->nr_online, 16);
    assert_same_domains(f.k->domains, domains_build(f.arena, f.machine), 16);
    assert_int_equal(f.k->nr_idle, 0); /* and they are used */
    fixture_close(&f);
}

/* The old way: no domain spans nodes after a CPU was away. */
static void
historic_rebuild_leaves_out_the_levels_between_nodes(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 2, 2, 1, "sched.hotplug_rebuild", "missing_numa");
    assert_non_null(f.k->domains->cpus[0].numa);
    hog_on(&f, "hog", NULL);
    offline(&f, MSEC(50), "1");
    online(&f, MSEC(60), "1");
    fixture_run(&f, MSEC(100));
    for (int cpu = 0; cpu < 4; cpu++) {
        assert_null(f.k->domains->cpus[cpu].numa);
        assert_int_equal(f.k->domains->cpus[cpu].sd->span_weight, 2);
    }
    fixture_close(&f);
}

static void
the_last_cpu_stays(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 1, 2, 1, NULL, NULL);
    hog_on(&f, "hog", NULL);
    offline(&f, MSEC(10), "0-1");
    offline(&f, MSEC(20), "0");
    fixture_run(&f, MSEC(50));
    assert_int_equal(f.k->nr_online, 1);
    assert_string_equal(f.k->notes->text, "hotplug: the last CPUs stay online (EBUSY)");
    fixture_close(&f);
}

/* Tasks that a limit holds on the CPU that leaves are let go, and are limited elsewhere again. */
static void
tasks_held_by_a_limit_leave_too(void **state)
{
    struct fixture f;
    struct task *hogs[4];
    uint64_t ran = 0;
    (void)state;

    open_hot(&f, 1, 4, 1, NULL, NULL);
    struct task_group *tg = task_group_new(f.k, NULL, "limited");
    assert_null(task_group_set_bandwidth(f.k, tg, MSEC(20), MSEC(100), 0));
    for (int i = 0; i < 4; i++) {
        struct script *s = arena_new_object(f.arena, struct script);

        s->actions = hog_actions;
        s->nr = 1;
        hogs[i] = task_new(
            f.k, f.process,
            &(struct task_attr){ .name = "hog", .ops = &script_ops, .prog = s, .group = tg });
        task_start(f.k, hogs[i], NULL);
    }
    offline(&f, MSEC(50), "2-3"); /* all are out of runtime */
    online(&f, MSEC(450), "2-3");
    fixture_run(&f, SEC(1));
    for (int i = 0; i < 4; i++)
        ran += hogs[i]->se.sum_exec;
    assert_in_range(ran, MSEC(180), MSEC(240)); /* 20 ms of each 100 ms, and what a tick lets by */
    fixture_close(&f);
}

static struct task *
higher(struct fixture *f, const char *name, struct task_attr attr)
{
    struct script *s = arena_new_object(f->arena, struct script);

    s->actions = nap_actions;
    s->nr = 2;
    attr.name = name;
    attr.ops = &script_ops;
    attr.prog = s;
    struct task *p = task_new(f->k, f->process, &attr);
    task_start(f->k, p, NULL);
    return p;
}

/* Of all classes, CPU after CPU goes and comes back; kernel_check() looks after each event. */
static void
all_classes_survive_a_tour(void **state)
{
    struct fixture f;
    (void)state;

    open_hot(&f, 2, 2, 2, NULL, NULL);
    for (int i = 0; i < 12; i++)
        hog_on(&f, "hog", i % 3 == 0 ? "2-5" : NULL);
    for (int i = 0; i < 6; i++) {
        higher(&f, "fifo", (struct task_attr){ .policy = POLICY_FIFO, .rt_priority = 10 });
        fixture_task(&f, "nap", 0, nap_actions, 2);
        task_start(f.k, f.k->tasks[f.k->nr_tasks - 1], NULL);
    }
    for (int i = 0; i < 3; i++)
        higher(&f, "edf",
               (struct task_attr){ .policy = POLICY_DEADLINE,
                                   .dl_runtime = USEC(500),
                                   .dl_deadline = MSEC(10),
                                   .dl_period = MSEC(10) });
    for (uint32_t i = 0; i < 8; i++) {
        char cpu[8];

        snprintf(cpu, sizeof(cpu), "%u", i);
        offline(&f, MSEC(20) * (i + 1) + USEC(333), cpu);
        online(&f, MSEC(20) * (i + 2) + USEC(777), cpu);
    }
    fixture_run(&f, MSEC(500));
    assert_int_equal(f.k->nr_online, 8);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_goes_to_another_cpu_of_the_node),
        cmocka_unit_test(a_whole_node_leaves_and_its_tasks_go_on_elsewhere),
        cmocka_unit_test(affinity_is_broken_only_where_nothing_is_left),
        cmocka_unit_test(an_affinity_that_is_all_offline_within_the_cpuset_is_refused),
        cmocka_unit_test(a_cpuset_gives_its_other_cpus_while_an_affinity_is_offline),
        cmocka_unit_test(a_task_that_leaves_its_cpuset_does_not_go_offline),
        cmocka_unit_test(who_is_about_to_go_to_a_cpu_that_leaves_stays),
        cmocka_unit_test(who_sleeps_meanwhile_keeps_its_affinity),
        cmocka_unit_test(cpus_that_were_never_online_may_come),
        cmocka_unit_test(domains_are_built_anew_and_are_the_same_after_the_return),
        cmocka_unit_test(historic_rebuild_leaves_out_the_levels_between_nodes),
        cmocka_unit_test(the_last_cpu_stays),
        cmocka_unit_test(tasks_held_by_a_limit_leave_too),
        cmocka_unit_test(all_classes_survive_a_tour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

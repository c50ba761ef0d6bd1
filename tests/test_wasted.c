/* layer: kernel */
/* The wasted cores detector: what it measures, and what the rules allow. */
#include "ext_fixture.h"

#include "kernel/wasted.h"

static struct wasted_stretch seen[64];
static uint32_t nr_seen;

static void
keep(void *priv, const struct wasted_stretch *s)
{
    (void)priv;
    if (nr_seen < ARRAY_LEN(seen))
        seen[nr_seen++] = *s;
}

static void
look(struct engine *eng, struct event *ev)
{
    (void)ev;
    wasted_look(((struct kernel *)eng->owner)->wasted);
}

static void
watch_waste(struct fixture *f, bool balance)
{
    f->k->params.sched.newidle_balance = f->k->params.sched.periodic_balance = balance;
    f->k->wasted = wasted_new(f->k);
    f->k->engine.after = look;
    nr_seen = 0;
    wasted_report_to(f->k->wasted, keep, NULL);
}

/* `nr` hogs, all forced to CPU 0 and free from the returned instant on. */
static sim_time
crowd(struct fixture *f, struct task **hogs, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        hogs[i] = fixture_hog(f, "hog", 0);
        hogs[i]->allowed = fixture_cpus(f, "0");
        hogs[i]->nr_allowed = 1;
        task_start(f->k, hogs[i], NULL);
    }
    engine_run(&f->k->engine, MSEC(10));
    assert_int_equal(wasted_totals(f->k->wasted)->nr_stretches, 0); /* bound tasks waste nothing */
    for (uint32_t i = 0; i < nr; i++)
        task_set_affinity(f->k, hogs[i], f->machine->online);
    wasted_look(f->k->wasted);
    return kernel_now(f->k);
}

/* Two tasks on CPU 0, CPU 1 idle, nobody balances: side by side from 10 ms to the end. */
static void
a_stretch_is_as_long_as_one_idles_and_one_waits(void **state)
{
    struct fixture f;
    struct task *hogs[2];
    (void)state;

    fixture_open(&f, 1, 2, 1, false);
    watch_waste(&f, false);
    assert_int_equal(crowd(&f, hogs, 2), MSEC(10));
    engine_run(&f.k->engine, MSEC(35));
    wasted_finish(f.k->wasted);
    assert_int_equal(nr_seen, 1);
    assert_int_equal(seen[0].cpu, 1);
    assert_int_equal(seen[0].from, MSEC(10));
    assert_int_equal(seen[0].to, MSEC(35));
    assert_int_equal(seen[0].task_cpu, 0);
    assert_int_equal(seen[0].of_task.kind, DECISION_FORK); /* what put it there */
    assert_true(seen[0].allowed == SIM_NEVER); /* balancing is off: nothing was promised */
    assert_int_equal(wasted_totals(f.k->wasted)->ns, MSEC(25));
    assert_null(wasted_broken(f.k->wasted));
    fixture_close(&f);
}

/* The same with balancing: within (1 try + 4) x (4 ms + 2 jiffies of 4 ms) = 60 ms CPU 1 is used.
 */
static void
balancing_ends_a_stretch_within_what_is_allowed(void **state)
{
    struct fixture f;
    struct task *hogs[2];
    (void)state;

    fixture_open(&f, 1, 2, 1, false);
    watch_waste(&f, true);
    crowd(&f, hogs, 2);
    engine_run(&f.k->engine, MSEC(500));
    wasted_finish(f.k->wasted);
    assert_int_equal(nr_seen, 1);
    assert_int_equal(seen[0].from, MSEC(10));
    assert_in_range(seen[0].to, MSEC(10) + 1, MSEC(70));
    assert_int_equal(seen[0].allowed, MSEC(60));
    assert_string_equal(seen[0].level, "MC");
    assert_int_not_equal(hogs[0]->cpu, hogs[1]->cpu);
    assert_null(wasted_broken(f.k->wasted));
    fixture_close(&f);
}

/* Two nodes of four CPUs whose NUMA domains are gone: node 1 idles for ever while eight tasks share
 * node 0. A machine-wide domain would have (2 + 4) x (16 ms + 2 x 4 ms) = 144 ms. */
static void
a_missing_domain_is_found(void **state)
{
    struct fixture f;
    struct task *hogs[8];
    (void)state;

    fixture_open(&f, 2, 4, 1, false);
    watch_waste(&f, true);
    for_each_cpu (cpu, f.machine->online)
        f.k->domains->cpus[cpu].sd->parent = NULL;
    crowd(&f, hogs, 8);
    engine_run(&f.k->engine, MSEC(100));
    assert_null(wasted_broken(f.k->wasted));
    engine_run(&f.k->engine, MSEC(400));
    wasted_finish(f.k->wasted);
    assert_non_null(wasted_broken(f.k->wasted));
    assert_non_null(strstr(wasted_broken(f.k->wasted), "missing domains allow 144000000 ns"));
    assert_int_equal(wasted_totals(f.k->wasted)->nr_beyond, 4); /* each CPU of node 1 */
    for (uint32_t i = 0; i < 8; i++)
        assert_in_range(hogs[i]->cpu, 0, 3);
    fixture_close(&f);
}

/*
 * A policy leaves from 50 to 60 ms, while CPU 1 runs a task of it until 55 ms. At the tick of 51 ms
 * the CPU balances as a busy one does, the next time 63 jiffies later, and as it runs dry nobody
 * asks the fair class. Then a CPU that idles is late: the (1 try + 4) x (4 + 2) jiffies are counted
 * from when its pass is near.
 */
static void
a_cpu_may_idle_at_the_pace_of_a_busy_one(void **state)
{
    static const struct sched_ops plain = { .name = "plain", .abi = SCX_OPS_ABI };
    static const struct action once[] = { { .kind = ACTION_RUN, .work = MSEC(55) },
                                          { .kind = ACTION_EXIT } };
    struct task *hogs[2];
    struct fixture f;
    (void)state;

    open_with(&f, 1, 2, 1, "sched.hz", "1000");
    watch_waste(&f, true);
    f.k->params.ext.unload_time = MSEC(10);
    assert_true(ext_load(f.k, &plain, NULL));
    for (uint32_t i = 0; i < ARRAY_LEN(hogs); i++)
        hogs[i] = start_hog(&f, "hog", "0", 0);
    start_script(&f, "once", "1", once, ARRAY_LEN(once));
    engine_run(&f.k->engine, MSEC(50));
    ext_unload(f.k);
    engine_run(&f.k->engine, MSEC(65));
    for (uint32_t i = 0; i < ARRAY_LEN(hogs); i++)
        task_set_affinity(f.k, hogs[i], f.machine->online);
    engine_run(&f.k->engine, MSEC(200));
    wasted_finish(f.k->wasted);
    assert_int_equal(nr_seen, 1);
    assert_int_equal(seen[0].from, MSEC(65));
    assert_int_equal(seen[0].to, MSEC(113));
    assert_null(wasted_broken(f.k->wasted));
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stretch_is_as_long_as_one_idles_and_one_waits),
        cmocka_unit_test(balancing_ends_a_stretch_within_what_is_allowed),
        cmocka_unit_test(a_missing_domain_is_found),
        cmocka_unit_test(a_cpu_may_idle_at_the_pace_of_a_busy_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

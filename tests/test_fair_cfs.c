/* layer: kernel */
/*
 * The classic CFS: its tunables, slices, shares, and when a turn ends.
 */
#include "cfs_kit.h"

static void
tunables_grow_with_the_logarithm_of_the_cpus(void **state)
{
    static const struct {
        uint32_t cpus;
        uint64_t factor;
    } rows[] = { { 1, 1 }, { 2, 2 }, { 4, 3 }, { 8, 4 }, { 16, 4 } };

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;

        open_cfs(&f, rows[i].cpus, NULL, NULL);
        const struct sched_params *sp = &f.k->params.sched;
        assert_int_equal(sp->latency_ns, MSEC(6) * rows[i].factor);
        assert_int_equal(sp->min_granularity_ns, USEC(750) * rows[i].factor);
        assert_int_equal(sp->wakeup_granularity_ns, MSEC(1) * rows[i].factor);
        assert_int_equal(sp->idle_min_granularity_ns, USEC(750));
        assert_int_equal(sp->nr_latency, 8);
        fixture_close(&f);
    }
}

/* latency / nr up to eight tasks; then everybody gets the minimum and the period stretches. */
static void
slices_divide_the_period_and_then_stretch_it(void **state)
{
    struct task *p[16];
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    for (uint32_t nr = 1; nr <= 16; nr++) {
        p[nr - 1] = started_hog(&f, 0);
        uint64_t expected = nr <= 8 ? MSEC(6) / nr : USEC(750);
        for (uint32_t i = 0; i < nr; i++)
            assert_about(cfs_sched_slice(f.k, &p[i]->se), expected, 8);
    }
    fixture_close(&f);
}

/* 6 ms in the proportion of weights 1024 : 3121 : 335; not below 0.75 ms. */
static void
slices_follow_weights(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task *a = started_hog(&f, 0), *b = started_hog(&f, -5), *c = started_hog(&f, 5);
    uint64_t sum = 1024 + 3121 + 335;
    assert_about(cfs_sched_slice(f.k, &a->se), MSEC(6) * 1024 / sum, 8);
    assert_about(cfs_sched_slice(f.k, &b->se), MSEC(6) * 3121 / sum, 8);
    assert_int_equal(cfs_sched_slice(f.k, &c->se), USEC(750)); /* its part would be 449 us */
    fixture_close(&f);
}

/* A task in a group of two, beside a task: half of half of the period of three tasks. */
static void
slices_are_parts_of_the_groups_slice(void **state)
{
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    struct task_group *tg = task_group_new(f.k, NULL, "g");
    struct task *a = fixture_hog(&f, "a", 0), *b = fixture_hog(&f, "b", 0);
    task_set_group(f.k, a, tg);
    task_set_group(f.k, b, tg);
    task_start(f.k, a, NULL);
    task_start(f.k, b, NULL);
    struct task *c = started_hog(&f, 0);
    assert_about(cfs_sched_slice(f.k, &c->se), MSEC(3), 8);
    assert_about(cfs_sched_slice(f.k, &a->se), USEC(1500), 8);
    fixture_run(&f, SEC(12));
    assert_about(c->stats.run_ns, SEC(6), MSEC(10));
    assert_about(a->stats.run_ns, SEC(3), MSEC(10));
    fixture_close(&f);
}

/* The first tick, of 1 ms, that finds more than the slice used up. Of 5 ms two tasks get 2.5, so
 * they are switched every 3 ms; 12 tasks get 0.75 ms, so each tick switches. */
static void
a_tick_ends_the_slice_once_it_is_used_up(void **state)
{
    static const struct {
        uint32_t nr, turns;
    } rows[] = { { 2, 333 }, { 3, 500 }, { 4, 500 }, { 6, 1000 }, { 7, 1000 }, { 12, 1000 } };

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct task *p[12];
        uint64_t turns = 0;

        open_cfs(&f, 1, "sched.latency", "5ms");
        for (uint32_t j = 0; j < rows[i].nr; j++)
            p[j] = started_hog(&f, 0);
        fixture_run(&f, SEC(1));
        for (uint32_t j = 0; j < rows[i].nr; j++)
            turns += p[j]->stats.nr_slices;
        assert_about(turns, rows[i].turns, rows[i].nr);
        fixture_close(&f);
    }
}

static void
shares_follow_weights(void **state)
{
    static const int nice[] = { -5, 0, 10 };
    struct task *p[3];
    struct fixture f;

    (void)state;
    open_cfs(&f, 1, NULL, NULL);
    for (int i = 0; i < 3; i++)
        p[i] = started_hog(&f, nice[i]);
    fixture_run(&f, SEC(60));
    for (int i = 0; i < 3; i++)
        assert_about(p[i]->stats.run_ns, SEC(60) * nice_weight(nice[i]) / (3121 + 1024 + 110),
                     MSEC(60));
    fixture_close(&f);
}

/* Of two CPUs the latency is 12 ms and the granularity 1.5 ms. A hog of nice 0 (1024) beside 20 of
 * nice 19 (15) may run 31.5 x 1024 / 1324 = 24.4 ms; when 12 of them are gone, 13.5 x 1024 / 1144 =
 * 12.1 ms, and the next tick ends its turn. */
static void
a_turn_gets_shorter_when_others_leave(void **state)
{
    struct task *light[20];
    struct fixture f;

    (void)state;
    open_cfs(&f, 2, NULL, NULL);
    struct task *hog = fixture_hog(&f, "hog", 0);
    task_set_affinity(f.k, hog, fixture_cpus(&f, "0"));
    task_start(f.k, hog, NULL);
    for (int i = 0; i < 20; i++) {
        light[i] = fixture_hog(&f, "light", 19);
        task_set_affinity(f.k, light[i], fixture_cpus(&f, "0"));
        task_start(f.k, light[i], NULL);
    }
    fixture_run(&f, MSEC(5));
    for (int i = 8; i < 20; i++)
        task_set_affinity(f.k, light[i], fixture_cpus(&f, "1"));
    fixture_run(&f, MSEC(13) - 1);
    uint64_t asked = f.k->rqs[0].stat.sched_count;
    fixture_run(&f, MSEC(13) + 1);
    assert_int_equal(hog->se.sum_exec, MSEC(13) + 1);
    assert_int_equal(f.k->rqs[0].stat.sched_count, asked + 1); /* and nobody is before it yet */
    fixture_close(&f);
}

/* A task wakes at the very instant of a tick, by an interrupt that takes time; whoever runs has run
 * too long already. It is this tick that ends its turn, not the next. */
static void
a_turn_that_is_over_ends_at_the_tick_that_an_interrupt_delays(void **state)
{
    static const struct action acts[] = { { .kind = ACTION_SLEEP, .until = MSEC(10) },
                                          { .kind = ACTION_RUN, .work = MSEC(10) } };

    (void)state;
    for (int eevdf = 0; eevdf < 2; eevdf++) {
        struct script script = { .actions = acts, .nr = 2 };
        struct fixture f;

        open_cfs(&f, 1, eevdf ? "sched.fair" : NULL, "eevdf");
        f.k->params.cost.wakeup = USEC(1);
        struct task *p = task_new(
            f.k, f.process,
            &(struct task_attr){
                .name = "batch", .policy = POLICY_BATCH, .ops = &script_ops, .prog = &script });
        task_start(f.k, p, NULL);
        fixture_run(&f, USEC(100));
        started_hog(&f, 0);
        fixture_run(&f, MSEC(10) - 1);
        uint64_t before = f.k->rqs[0].nr_ticks;
        fixture_run(&f, MSEC(10) + USEC(10));
        assert_int_equal(p->stats.nr_wakeups, 1);
        assert_int_equal(f.k->rqs[0].nr_ticks, before + 1);
        fixture_close(&f);
    }
}

/* The protection of slices, which came with 6.17, is EEVDF's: turns end by the old rules. */
static void
versions_after_6_12_change_nothing(void **state)
{
    static const struct action naps[] = { { .kind = ACTION_RUN, .work = USEC(300) },
                                          { .kind = ACTION_SLEEP, .until = USEC(900) } };
    static const char *const versions[] = { "6.12.117", "6.18" };
    uint64_t ran[ARRAY_LEN(versions)][3], switches[ARRAY_LEN(versions)];

    (void)state;
    for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
        struct fixture f;

        open_cfs(&f, 2, "sched.kernel", versions[v]);
        struct task *all[] = { started_hog(&f, 0), started_hog(&f, 3),
                               fixture_task(&f, "napper", 0, naps, 2) };
        task_start(f.k, all[2], NULL);
        for (sim_time t = MSEC(10); t < MSEC(200); t += MSEC(10)) { /* from CPU to CPU */
            task_set_affinity(f.k, all[t / MSEC(10) % 2], fixture_cpus(&f, "0"));
            task_set_affinity(f.k, all[1 - t / MSEC(10) % 2], fixture_cpus(&f, "0-1"));
            fixture_run(&f, t);
        }
        switches[v] = f.k->stats.context_switches;
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            ran[v][i] = all[i]->se.sum_exec;
        fixture_close(&f);
    }
    assert_true(switches[0] > 200);
    assert_int_equal(switches[0], switches[1]);
    assert_memory_equal(ran[0], ran[1], sizeof(ran[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tunables_grow_with_the_logarithm_of_the_cpus),
        cmocka_unit_test(slices_divide_the_period_and_then_stretch_it),
        cmocka_unit_test(slices_follow_weights),
        cmocka_unit_test(slices_are_parts_of_the_groups_slice),
        cmocka_unit_test(a_tick_ends_the_slice_once_it_is_used_up),
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(a_turn_gets_shorter_when_others_leave),
        cmocka_unit_test(a_turn_that_is_over_ends_at_the_tick_that_an_interrupt_delays),
        cmocka_unit_test(versions_after_6_12_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

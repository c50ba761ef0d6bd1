/* layer: models */
#include "caches_kit.h"

/* Expected values of shares were found by bisection of the equations in cache_share.c, in another
 * language; the rest is arithmetic that stands beside it. One cache a node, of 8 MiB
 * here. */

static enum llc_sharing sharing = LLC_SHARING_TRAFFIC;

static void
eight_mib_by(struct kernel_params *kp, struct machine *m)
{
    eight_mib(kp, m);
    kp->cache.llc_sharing = sharing;
}

/* What runs on CPUs 0 and 1, with memory of their own. */
static void
assert_pair(struct burst_profile *(*make)(struct fixture *f, struct region *r, int which), double a,
            double b)
{
    struct fixture f;

    kit_open(&f, 1, 2, &memory_idle, eight_mib_by);
    start(&f, "0", make(&f, memory(&f), 0));
    start(&f, "1", make(&f, memory(&f), 1));
    run(&f, MSEC(1));
    assert_close(rate(&f, 0), a, 1e-4);
    assert_close(rate(&f, 1), b, 1e-4);
    fixture_close(&f);
}

static struct burst_profile *
make_uneven(struct fixture *f, struct region *r, int which)
{
    return which == 0 ? profile(f, r, 20, MIB(8), 0) : profile(f, r, 40, MIB(16), 0.1);
}

static struct burst_profile *
make_stream(struct fixture *f, struct region *r, int which)
{
    return profile(f, r, 20, which == 0 ? MIB(8) : 0, 0);
}

static struct burst_profile *
make_fitting(struct fixture *f, struct region *r, int which)
{
    return which == 0 ? profile(f, r, 20, MIB(3), 0) : profile(f, r, 40, MIB(5), 0);
}

static struct burst_profile *
make_tight(struct fixture *f, struct region *r, int which)
{
    return profile(f, r, which == 0 ? 20 : 60, 4613734, 0); /* 4.4 MiB */
}

static struct burst_profile *
make_same(struct fixture *f, struct region *r, int which)
{
    (void)which;
    return profile(f, r, 20, MIB(8), 0);
}

static void
a_cache_is_divided_by_what_is_missed(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20);

    (void)state;
    assert_pair(make_same, 1 / (1 + mpn * (20 + 85) / 2), 1 / (1 + mpn * (20 + 85) / 2));
    assert_pair(make_uneven, 0.460941, 0.269728);
    assert_pair(make_stream, 0.464472, 0.370376);
    assert_pair(make_fitting, 0.714291, 0.555556);
    assert_pair(make_tight, 0.644453, 0.407510);
}

static void
equal_parts_and_no_sharing_are_choices(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20);

    (void)state;
    sharing = LLC_SHARING_EQUAL; /* half of the set is there */
    assert_pair(make_stream, 1 / (1 + mpn * (20 + 85) / 2), 1 / (1 + mpn * 85));
    sharing = LLC_SHARING_OFF; /* all of it */
    assert_pair(make_stream, 1 / (1 + mpn * 20), 1 / (1 + mpn * 85));
    sharing = LLC_SHARING_TRAFFIC;
}

static void
threads_with_one_set_do_not_push_each_other_out(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20);
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 2, &memory_idle, eight_mib_by);
    struct region *r = memory(&f);
    struct burst_profile *p = profile(&f, r, 20, MIB(8), 0);
    start(&f, "0", p);
    start(&f, "1", p);
    run(&f, MSEC(1));
    assert_close(rate(&f, 0), 1 / (1 + mpn * 20), 1e-4);
    assert_close(rate(&f, 1), 1 / (1 + mpn * 20), 1e-4);
    fixture_close(&f);
}

/* When the neighbour leaves, all of the cache is there again; what missed until then stays booked.
 */
static void
shares_follow_who_runs(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20);
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 2, &memory_idle, eight_mib_by);
    struct task *p = start(&f, "0", profile(&f, memory(&f), 20, MIB(8), 0));
    struct task *q = kit_task(&f, "1", profile(&f, memory(&f), 20, MIB(8), 0), MSEC(1));
    task_start(f.k, q, NULL);
    run(&f, MSEC(1));
    assert_close(rate(&f, 0), 1 / (1 + mpn * (20 + 85) / 2), 1e-4);
    run(&f, MSEC(4));
    assert_close(rate(&f, 0), 1 / (1 + mpn * 20), 1e-4);
    kernel_settle(f.k);
    /* q worked for 1 ms: half of its references missed, and half of p's meanwhile */
    double refs = 1e6 * mpn;
    assert_close((double)q->stats.accesses_local, refs / 2, 1e-3);
    assert_close((double)p->stats.accesses_local, refs / 2, 1e-3);
    assert_int_equal(p->stats.accesses_remote, 0);
    fixture_close(&f);
}

/* 100 % without a cache, 60 % at 4 MiB, 10 % at 16 MiB: at 8 MiB a third of the way between. */
static void
a_table_of_misses_is_read_between_its_points(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20), m = 0.6 - 0.5 / 3;
    struct reuse_point points[] = { { 0, MIX_ALL }, { MIB(4), 39322 }, { MIB(16), 6554 } };
    struct burst_reuse table = { .nr = 3, .points = points };
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 2, &memory_idle, eight_mib_by);
    struct burst_profile *p = kit_profile(&f, memory(&f), REGION_WHOLE, 20, 0);
    p->reuse = &table;
    start(&f, "0", p);
    run(&f, MSEC(1));
    assert_close(rate(&f, 0), 1 / (1 + mpn * ((1 - m) * 20 + m * 85)), 1e-4);
    fixture_close(&f);
}

/* One reference in 10 ns of work, one after the other, over more and more bytes: L1 32 KiB, L2 1
 * MiB (4 ns), last-level cache 8 MiB (20 ns), memory 85 ns. Each level has its part of the set. */
static void
a_chase_climbs_the_stairs_of_the_caches(void **state)
{
    static const struct {
        uint64_t set;
        double l1, l2, llc; /* parts of the set in the first caches */
    } steps[] = {
        { KIB(16), 1, 1, 1 },
        { KIB(64), 1. / 2, 1, 1 },
        { MIB(1), 1. / 32, 1, 1 },
        { MIB(4), 1. / 128, 1. / 4, 1 },
        { MIB(8), 1. / 256, 1. / 8, 1 },
        { MIB(32), 1. / 1024, 1. / 32, 1. / 4 },
        { GIB(1), 1. / 32768, 1. / 1024, 1. / 128 },
    };
    double refs = (double)((100u << 20) / 1000) / (1 << 20), before = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct fixture f;

        kit_open(&f, 1, 2, &memory_idle, eight_mib_by);
        struct burst_profile *p = profile(&f, memory(&f), 100, steps[i].set, 0);
        struct burst_reuse *reuse = arena_new_object(f.arena, struct burst_reuse);
        *reuse = *p->reuse;
        reuse->all_levels = true;
        p->reuse = reuse;
        start(&f, "0", p);
        run(&f, MSEC(1));
        double ns = (steps[i].l2 - steps[i].l1) * 4 + (steps[i].llc - steps[i].l2) * 20 +
                    (1 - steps[i].llc) * 85;
        assert_close(1 / rate(&f, 0), 1 + refs * ns, 1e-4);
        assert_true(ns >= before);
        before = ns;
        fixture_close(&f);
    }
}

/* ---- cold caches ---- */

/* The stall that a task pays which moves from CPU 0, after 1 ms there, less that of staying. */
static double
cost_of_move(uint32_t cpu, uint64_t set)
{
    sim_time work[2];

    for (int move = 0; move < 2; move++) {
        struct fixture f;

        kit_open(&f, 2, 2, &memory_idle, eight_mib_by);
        struct task *p = start(&f, "0", profile(&f, memory(&f), 20, set, 0));
        run(&f, MSEC(1));
        struct cpumask *to = cpumask_new(f.arena, f.machine->nr_cpus);
        cpumask_set(to, move ? cpu : 0);
        task_set_affinity(f.k, p, to);
        run(&f, MSEC(99));
        kernel_settle(f.k);
        work[move] = SEC(1000) - p->work_left;
        fixture_close(&f);
    }
    double mpn = (double)((20u << 20) / 1000) / (1 << 20);
    return (double)(work[0] - work[1]) * (1 + mpn * 20); /* all that it refers to is in the cache */
}

static void
another_core_costs_the_l2_and_another_cache_the_set(void **state)
{
    (void)state;
    /* 512 KiB in the L2: 8192 lines of 20 ns; of 4 MiB 1 MiB is in the L2 */
    assert_close(cost_of_move(1, KIB(512)), 8192 * 20, 1e-3);
    assert_close(cost_of_move(1, MIB(4)), 16384 * 20, 1e-3);
    /* 4 MiB from the other node's memory: 65536 lines of 135 ns */
    assert_close(cost_of_move(2, MIB(4)), 65536 * 135, 1e-3);
}

/* A stream of 1 ms between two stretches of the same task on one core. */
static void
who_ran_in_between_has_pushed_lines_out(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 1, &memory_idle, eight_mib_by);
    struct task *p = start(&f, "0", profile(&f, memory(&f), 20, MIB(4), 0));
    run(&f, MSEC(1));
    assert_int_equal(p->stats.accesses_local, 0); /* all hits */
    struct task *q = kit_task(&f, "0", profile(&f, memory(&f), 20, 0, 0), USEC(100));
    task_start(f.k, q, NULL);
    run(&f, MSEC(20));
    assert_int_equal(q->state, TASK_DEAD);
    run(&f, MSEC(20));
    kernel_settle(f.k);
    /* q missed 2000 times; p had 4 of the 8 MiB, so it lost half as many lines */
    assert_in_range(p->stats.accesses_local, 998, 1002);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cache_is_divided_by_what_is_missed),
        cmocka_unit_test(equal_parts_and_no_sharing_are_choices),
        cmocka_unit_test(threads_with_one_set_do_not_push_each_other_out),
        cmocka_unit_test(shares_follow_who_runs),
        cmocka_unit_test(a_table_of_misses_is_read_between_its_points),
        cmocka_unit_test(a_chase_climbs_the_stairs_of_the_caches),
        cmocka_unit_test(another_core_costs_the_l2_and_another_cache_the_set),
        cmocka_unit_test(who_ran_in_between_has_pushed_lines_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: models */
#include "memory_kit.h"

#include "kernel/caches.h"
#include "models/memory/models.h"

/* Expected values of shares were found by bisection of the equations in cache_share.c, in another
 * language; the rest is arithmetic that stands beside it. Fixture: 85 ns to the own node, 135 ns to
 * the other, a hit in the last-level cache 20 ns; one cache a node, of 8 MiB here. */

static double
rate(const struct fixture *f, int cpu)
{
    return (double)f->k->rqs[cpu].rate / RATE_FULL;
}

static void
assert_close(double got, double expected, double tolerance)
{
    if (got < expected * (1 - tolerance) || got > expected * (1 + tolerance))
        fail_msg("%.6f, expected %.6f within %.4f %%", got, expected, tolerance * 100);
}

static enum llc_sharing sharing = LLC_SHARING_TRAFFIC;

static void
eight_mib(struct kernel_params *kp, struct machine *m)
{
    m->cache.l1d_bytes = KIB(32);
    m->cache.l2_bytes = MIB(1);
    m->cache.llc_bytes = MIB(8);
    kp->cache.llc_sharing = sharing;
}

/* A region on node 0, whether it is used or not. */
static struct region *
memory(struct fixture *f)
{
    struct region *r = kit_region(f, "data", MIB(16), 1);

    kit_populate(f, r, 0);
    return r;
}

/* References, in 1000 ns, spread evenly over `set` bytes; 0: streaming. */
static struct burst_profile *
profile(struct fixture *f, struct region *r, uint32_t refs, uint64_t set, double least)
{
    struct burst_profile *p = kit_profile(f, r, REGION_WHOLE, refs, 0);
    struct burst_reuse *reuse = arena_new_object(f->arena, struct burst_reuse);
    struct reuse_point *points = arena_new_array(f->arena, struct reuse_point, 2);

    points[0].miss_q16 = MIX_ALL;
    points[1] = (struct reuse_point){ set, (uint32_t)(least * MIX_ALL) };
    *reuse = (struct burst_reuse){ .nr = 2, .points = points };
    p->reuse = set > 0 ? reuse : NULL;
    return p;
}

static struct task *
start(struct fixture *f, const char *cpu, const struct burst_profile *p)
{
    struct task *t = kit_task(f, cpu, p, SEC(1000));

    task_start(f->k, t, NULL);
    return t;
}

static void
run(struct fixture *f, sim_time for_ns)
{
    engine_run(&f->k->engine, kernel_now(f->k) + for_ns);
    assert_null(kernel_check(f->k));
}

/* What runs on CPUs 0 and 1, with memory of their own. */
static void
assert_pair(struct burst_profile *(*make)(struct fixture *f, struct region *r, int which), double a,
            double b)
{
    struct fixture f;

    kit_open(&f, 1, 2, &memory_idle, eight_mib);
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
    kit_open(&f, 1, 2, &memory_idle, eight_mib);
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
    kit_open(&f, 1, 2, &memory_idle, eight_mib);
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
    kit_open(&f, 1, 2, &memory_idle, eight_mib);
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

        kit_open(&f, 1, 2, &memory_idle, eight_mib);
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

        kit_open(&f, 2, 2, &memory_idle, eight_mib);
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
    kit_open(&f, 1, 1, &memory_idle, eight_mib);
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

/* ---- cores ---- */

static void
open_threads(struct fixture *f, uint32_t threads)
{
    struct kernel_limits limits = { .max_tasks = 600 };
    struct kernel_params kp;
    char why[256];

    f->arena = arena_new();
    f->machine = fixture_machine(f->arena, 1, 2, threads, 20);
    kernel_params_init(&kp, f->arena);
    assert_true(kernel_params_set(&kp, "noise", "off", f->arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 1000000000000u;
    f->k = kernel_new(f->arena, f->machine, &kp, 1, &limits, &memory_idle);
    f->process = process_new(f->k, "test", NULL);
}

static void
two_threads_of_a_core_do_twice_s(void **state)
{
    struct fixture f;

    (void)state;
    open_threads(&f, 2);
    struct task *p = kit_task(&f, "0", NULL, MSEC(62));
    struct task *q = kit_task(&f, "1", NULL, SEC(1));
    struct task *other = kit_task(&f, "2", NULL, SEC(1));
    task_start(f.k, p, NULL);
    task_start(f.k, q, NULL);
    task_start(f.k, other, NULL);
    run(&f, MSEC(50));
    assert_close(rate(&f, 0), 0.62, 1e-6);
    assert_close(rate(&f, 1), 0.62, 1e-6);
    assert_close(rate(&f, 2), 1, 1e-9);
    run(&f, MSEC(100)); /* p ends after 62 / 0.62 = 100 ms, and q goes on alone for 50 */
    kernel_settle(f.k);
    assert_int_equal(p->state, TASK_DEAD);
    assert_close((double)(SEC(1) - q->work_left), 62e6 + 50e6, 1e-4);
    assert_close((double)(SEC(1) - other->work_left), 150e6, 1e-6);
    fixture_close(&f);
}

static void
four_threads_of_a_core_have_the_square(void **state)
{
    struct fixture f;

    (void)state;
    open_threads(&f, 4);
    static const char *const cpus[] = { "0", "1", "2", "3" };
    for (int i = 0; i < 4; i++) {
        task_start(f.k, kit_task(&f, cpus[i], NULL, SEC(1)), NULL);
        run(&f, MSEC(1));
        assert_close(rate(&f, 0),
                     i == 0   ? 1
                     : i == 1 ? 0.62
                     : i == 2 ? (0.62 + 0.3844) / 2
                              : 0.3844,
                     1e-6);
    }
    fixture_close(&f);
}

/* The memory term stays: tau = 1/0.62 + misses/ns x 85 / in flight; 12 and 12 of 17 in flight. */
static void
threads_of_a_core_share_its_misses_in_flight(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20);
    struct fixture f;

    (void)state;
    open_threads(&f, 2);
    struct burst_profile *chase = kit_profile(&f, memory(&f), REGION_WHOLE, 20, 0);
    struct burst_profile *wide = kit_profile(&f, memory(&f), REGION_WHOLE, 20, 0);
    wide->mlp_q8 = 12 * 256;
    struct task *p = kit_task(&f, "0", wide, SEC(1)), *q = kit_task(&f, "1", wide, SEC(1));
    struct task *r = kit_task(&f, "2", chase, SEC(1)), *s = kit_task(&f, "3", chase, SEC(1));
    task_start(f.k, p, NULL);
    run(&f, MSEC(1));
    assert_close(rate(&f, 0), 1 / (1 + mpn * 85 / 12), 1e-4);
    task_start(f.k, q, NULL);
    task_start(f.k, r, NULL);
    task_start(f.k, s, NULL);
    run(&f, MSEC(1));
    assert_close(rate(&f, 0), 1 / (1 / 0.62 + mpn * 85 / 8.5), 1e-4);
    assert_close(rate(&f, 2), 1 / (1 / 0.62 + mpn * 85), 1e-4);
    /* stall is what memory took, and not what the sibling did */
    run(&f, MSEC(100));
    sim_time before = r->stats.stall_local_ns, left = r->work_left;
    kernel_settle(f.k);
    before = r->stats.stall_local_ns;
    left = r->work_left;
    run(&f, MSEC(100));
    kernel_settle(f.k);
    assert_close((double)(r->stats.stall_local_ns - before),
                 (double)(left - r->work_left) * mpn * 85, 1e-3);
    fixture_close(&f);
}

static void
half_the_capacity_takes_twice_the_time_for_what_is_not_memory(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20);
    struct kernel_limits limits = { .max_tasks = 600 };
    struct kernel_params kp;
    struct fixture f;

    (void)state;
    f.arena = arena_new();
    f.machine = fixture_machine(f.arena, 1, 4, 1, 20);
    f.machine->cpus[1].capacity = f.machine->cpus[3].capacity = 512;
    kernel_params_init(&kp, f.arena);
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 1000000000000u;
    f.k = kernel_new(f.arena, f.machine, &kp, 1, &limits, &memory_loaded);
    f.process = process_new(f.k, "test", NULL);
    struct task *p = kit_task(&f, "1", NULL, SEC(1));
    struct burst_profile *m = kit_profile(&f, memory(&f), REGION_WHOLE, 20, 0);
    task_start(f.k, p, NULL);
    task_start(f.k, kit_task(&f, "2", m, SEC(1)), NULL);
    task_start(f.k, kit_task(&f, "3", m, SEC(1)), NULL);
    run(&f, MSEC(100));
    assert_close(rate(&f, 1), 0.5, 1e-6);
    assert_close(rate(&f, 2), 1 / (1 + mpn * 85), 1e-4);
    assert_close(rate(&f, 3), 1 / (2 + mpn * 85), 1e-4);
    fixture_close(&f);
}

/* ---- lines of other cores ---- */

/* By rule: 0.55 of 85 ns within a cache, 0.85 of 135 ns to the other package; 0 within a core. */
static void
a_word_comes_from_the_core_that_had_it(void **state)
{
    struct fixture f;
    struct shared_word w = { 0 };

    (void)state;
    kit_open(&f, 2, 2, &memory_idle, NULL);
    struct task *p = start(&f, "0", NULL), *q = start(&f, "1", NULL), *r = start(&f, "2", NULL);
    run(&f, MSEC(1));
    caches_take(f.k, p, &w, 0);
    assert_int_equal(p->debt_ns, 0); /* nobody had it */
    caches_take(f.k, q, &w, 0);
    assert_int_equal(q->debt_ns, 47);
    caches_take(f.k, q, &w, 0);
    assert_int_equal(q->debt_ns, 47); /* it has it */
    caches_read(f.k, r, &w, 0);
    assert_int_equal(r->debt_ns, 115);
    assert_int_equal(r->stats.stall_remote_ns, 115);
    caches_take(f.k, p, &w, 0);
    assert_int_equal(p->debt_ns, 47); /* reading took it from nobody */
    caches_take(f.k, r, &w, 640);     /* ten lines more, eight at a time */
    assert_int_equal(r->debt_ns, 115 + 258);
    assert_int_equal(f.k->traffic[1], 640);
    fixture_close(&f);
}

/* A tenth of the references to lines of the others: 46.75 ns from the own node, 114.75 ns from the
 * other one; nothing while nobody else runs. */
static void
lines_that_others_write_take_their_way(void **state)
{
    double mpn = (double)((20u << 20) / 1000) / (1 << 20), near = 46.75, far = 114.75;
    double alone = 1 + mpn * 85, shared = mpn * (6554 / 65536.0);
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_idle, eight_mib);
    struct burst_profile *p = kit_profile(&f, memory(&f), REGION_WHOLE, 20, 0);
    struct burst_use *u = arena_new_object(f.arena, struct burst_use);
    *u = p->uses[0];
    u->shared_q16 = 6554;
    p->uses = u;
    p->shares = true;
    start(&f, "0", p);
    run(&f, MSEC(1));
    assert_close(1 / rate(&f, 0), alone, 1e-4);
    start(&f, "1", p);
    run(&f, MSEC(1));
    assert_close(1 / rate(&f, 0), alone + shared * near, 1e-4);
    struct task *q = kit_task(&f, "2", p, MSEC(1));
    task_start(f.k, q, NULL);
    run(&f, USEC(500));
    assert_close(1 / rate(&f, 0), alone + shared * (near + far) / 2, 1e-4);
    assert_close(1 / rate(&f, 1), alone + shared * (near + far) / 2, 1e-4);
    assert_close(1 / rate(&f, 2), alone + mpn * 50 + shared * far, 1e-4);
    run(&f, MSEC(10));
    assert_int_equal(q->state, TASK_DEAD);
    assert_close(1 / rate(&f, 0), alone + shared * near, 1e-4);
    fixture_close(&f);
}

/* Two uses of one region by one task: nobody else writes there. */
static void
who_writes_in_two_ways_is_one_writer(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_idle, eight_mib);
    struct burst_profile *p = kit_profile(&f, memory(&f), REGION_WHOLE, 20, 0);
    struct burst_use *u = arena_new_array(f.arena, struct burst_use, 2);
    u[0] = u[1] = p->uses[0];
    u[0].shared_q16 = u[1].shared_q16 = 6554;
    p->uses = u;
    p->nr_uses = 2;
    p->shares = true;
    start(&f, "0", p);
    run(&f, MSEC(1));
    assert_close(1 / rate(&f, 0), 1 + (double)((20u << 20) / 1000) / (1 << 20) * 85, 1e-4);
    fixture_close(&f);
}

static void
distances_given_by_the_machine_count(void **state)
{
    struct arena *a = arena_new();
    struct machine *m = fixture_machine(a, 2, 2, 2, 20);

    (void)state;
    m->cache.transfer_llc_ps = 23000;
    m->cache.transfer_package_ps = 107000;
    m->cache.transfer_remote_ps = 197000;
    assert_int_equal(machine_transfer_ps(m, 0, 1), 0);
    assert_int_equal(machine_transfer_ps(m, 0, 2), 23000);
    assert_int_equal(machine_transfer_ps(m, 0, 4), 197000);
    for (uint32_t cpu = 4; cpu < 8; cpu++)
        m->cpus[cpu].package = 0;
    assert_int_equal(machine_transfer_ps(m, 0, 4), 107000);
    arena_free(a);
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
        cmocka_unit_test(two_threads_of_a_core_do_twice_s),
        cmocka_unit_test(four_threads_of_a_core_have_the_square),
        cmocka_unit_test(threads_of_a_core_share_its_misses_in_flight),
        cmocka_unit_test(half_the_capacity_takes_twice_the_time_for_what_is_not_memory),
        cmocka_unit_test(a_word_comes_from_the_core_that_had_it),
        cmocka_unit_test(lines_that_others_write_take_their_way),
        cmocka_unit_test(who_writes_in_two_ways_is_one_writer),
        cmocka_unit_test(distances_given_by_the_machine_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: models */
/* Threads of a core, slow CPUs, and lines that are in caches of other cores. */
#include "caches_kit.h"

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
    kernel_settle(f.k);
    sim_time before = r->stats.stall_local_ns, left = r->work_left;
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

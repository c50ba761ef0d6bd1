/* layer: models */
#include "memory_kit.h"

#include "models/memory/models.h"
#include "models/registry.h"

#include <stdio.h>

static double
rate(const struct fixture *f, int cpu)
{
    return (double)f->k->rqs[cpu].rate / RATE_FULL;
}

/* One region a node, populated there; walkers of `misses` per 1000 ns on the CPUs given. */
static struct region *
on_node(struct fixture *f, int node)
{
    struct region *r = kit_region(f, "data", 64 * PAGE_4K, 1);

    kit_populate(f, r, node);
    return r;
}

static struct task *
start(struct fixture *f, const char *cpu, struct region *r, uint32_t misses, uint32_t write_q8)
{
    struct task *p = kit_task(f, cpu, kit_profile(f, r, REGION_WHOLE, misses, write_q8), SEC(1000));

    task_start(f->k, p, NULL);
    return p;
}

static void
settle(struct fixture *f)
{
    engine_run(&f->k->engine, kernel_now(f->k) + MSEC(1));
    assert_null(kernel_check(f->k));
}

/* The fixture: 85 ns local, 135 ns remote, SLIT 20. tau = 1 + misses/ns x latency. */
static void
latency_slows_by_exactly_its_share(void **state)
{
    static const struct {
        const struct memory_model_ops *model;
        double local_ns, remote_ns;
    } cases[] = {
        { &memory_flat, 85, 85 },
        { &memory_distance, 85, 170 },
        { &memory_idle, 85, 135 },
        { &memory_loaded, 85, 135 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        double mpn = (double)((10u << 20) / 1000) / (1 << 20); /* 10 misses per 1000 ns */

        kit_open(&f, 2, 2, cases[i].model, NULL);
        struct region *r = on_node(&f, 1);
        start(&f, "0", r, 10, 0);
        start(&f, "2", r, 10, 0);
        settle(&f);
        assert_close(rate(&f, 0), 1 / (1 + mpn * cases[i].remote_ns), 1e-6);
        assert_close(rate(&f, 2), 1 / (1 + mpn * cases[i].local_ns), 1e-6);
        assert_int_equal(f.k->rqs[1].rate, RATE_FULL);
        fixture_close(&f);
    }
}

static void
misses_in_flight_hide_each_other(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, NULL);
    struct region *r = on_node(&f, 0);
    struct burst_profile *p = kit_profile(&f, r, REGION_WHOLE, 10, 0);
    p->mlp_q8 = 4 * 256;
    task_start(f.k, kit_task(&f, "0", p, SEC(1000)), NULL);
    settle(&f);
    assert_close(1 / rate(&f, 0), 1 + (double)p->misses_q20 / (1 << 20) * 85 / 4, 1e-6);
    fixture_close(&f);
}

/* Stalls and work fill the time; all of it is local or remote by where the pages are. */
static void
stall_is_what_was_not_work(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, NULL);
    struct task *p = start(&f, "0", on_node(&f, 1), 10, 0);
    engine_run(&f.k->engine, SEC(1));
    kernel_settle(f.k);
    double work = (double)(SEC(1000) - p->work_left);
    assert_close((double)p->stats.stall_remote_ns + work, 1e9, 1e-6);
    assert_int_equal(p->stats.stall_local_ns, 0);
    fixture_close(&f);
}

/* Latency does not grow before saturation here, and rates follow closely. */
static void
slow_controllers(struct kernel_params *kp, struct machine *m)
{
    kp->memory.tolerance_ppm = 10;
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        m->nodes[n].bandwidth = 1000000000; /* 1 byte/ns: one line each 64 ns */
        m->nodes[n].write_derate_ppm = 0;
        m->nodes[n].curve_a = 0;
    }
    for (uint32_t l = 0; l < m->nr_links; l++) {
        m->links[l].bandwidth = 100000000000u;
        m->links[l].curve_a = 0;
    }
}

/* 3 tasks, each could read 64 B / (100 + 85) ns = 0.35 B/ns: 1.04 in all, of 1.0. */
static void
a_saturated_controller_gives_what_it_has(void **state)
{
    struct fixture f;
    static const char *const cpus[] = { "0", "1", "2", "3" };

    (void)state;
    kit_open(&f, 1, 4, &memory_loaded, slow_controllers);
    struct region *r = on_node(&f, 0);
    for (int i = 0; i < 4; i++) {
        double total = 0;

        start(&f, cpus[i], r, 10, 0);
        settle(&f);
        for (int cpu = 0; cpu <= i; cpu++) {
            assert_close(rate(&f, cpu), rate(&f, 0), 1e-6); /* equal tasks, equal shares */
            total += rate(&f, cpu) * (double)((10u << 20) / 1000) / (1 << 20) * 64;
        }
        if (i < 2)
            assert_true(total < 1);
        else
            assert_close(total, 1, 1e-3);
        assert_true(total <= 1.001);
    }
    assert_int_equal(f.k->memory->node_load(f.k, 0), 1000);
    fixture_close(&f);
}

/* Who depends on the controller little is slowed little: factors on stall are the same. */
static void
a_factor_is_common_to_all_users(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 4, &memory_loaded, slow_controllers);
    struct region *r = on_node(&f, 0);
    start(&f, "0", r, 1, 0);
    for (int i = 1; i < 4; i++)
        start(&f, (const char *[]){ "0", "1", "2", "3" }[i], r, 100, 0);
    settle(&f);
    double light = (double)((1u << 20) / 1000) / (1 << 20);
    double heavy = (double)((100u << 20) / 1000) / (1 << 20);
    double lambda = (1 / rate(&f, 1) - 1) / (heavy * 85);
    assert_true(lambda > 1.5);
    assert_close((1 / rate(&f, 0) - 1) / (light * 85), lambda, 1e-4);
    assert_close((double)f.k->memory->latency_ps(f.k, 0, 0, false), lambda * 85000, 1e-4);
    double bytes = (rate(&f, 0) * light + 3 * rate(&f, 1) * heavy) * 64;
    assert_close(bytes, 1, 1e-3);
    fixture_close(&f);
}

static void
nobody_gains_by_a_task_that_is_added(void **state)
{
    struct fixture f;
    uint32_t before[8];

    (void)state;
    kit_open(&f, 1, 8, &memory_loaded, slow_controllers);
    struct region *r = on_node(&f, 0);
    for (int i = 0; i < 8; i++) {
        char cpu[2] = { (char)('0' + i), 0 };

        for (int c = 0; c < i; c++)
            before[c] = f.k->rqs[c].rate;
        start(&f, cpu, r, (uint32_t)(1 + 37 * i % 50), (uint32_t)(i * 30));
        settle(&f);
        for (int c = 0; c < i; c++)
            assert_true(f.k->rqs[c].rate <= before[c] + 2); /* rounding of the rate */
    }
    fixture_close(&f);
}

static void
slow_link(struct kernel_params *kp, struct machine *m)
{
    slow_controllers(kp, m);
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].bandwidth = 100000000000u;
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].bandwidth = 100000000; /* 0.1 byte/ns */
}

/* The link is full; whoever stays on its node does not feel it. */
static void
a_full_link_slows_only_those_who_cross_it(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, slow_link);
    struct region *near = on_node(&f, 0), *far = on_node(&f, 1);
    start(&f, "0", near, 100, 0);
    settle(&f);
    uint32_t alone = f.k->rqs[0].rate;
    start(&f, "1", far, 100, 0);
    settle(&f);
    assert_int_equal(f.k->rqs[0].rate, alone);
    assert_close(rate(&f, 1) * (double)((100u << 20) / 1000) / (1 << 20) * 64, 0.1, 1e-3);
    fixture_close(&f);
}

/* Reads come over one direction, write-backs leave over the other: with as many of both, the
 * links of both directions carry the same. Reads of node 1 by CPU 0 and of node 0 by CPU 2 share
 * each link with the other's write-backs: 0.05 each. */
static void
write_backs_go_the_other_way(void **state)
{
    struct fixture f;
    double mpn = (double)((100u << 20) / 1000) / (1 << 20);

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, slow_link);
    start(&f, "0", on_node(&f, 1), 100, 256);
    settle(&f);
    assert_close(rate(&f, 0) * mpn * 64, 0.1, 1e-3);
    start(&f, "2", on_node(&f, 0), 100, 256);
    settle(&f);
    assert_close(rate(&f, 0) * mpn * 64, 0.05, 1e-3);
    assert_close(rate(&f, 2) * mpn * 64, 0.05, 1e-3);
    fixture_close(&f);
}

static void
derated(struct kernel_params *kp, struct machine *m)
{
    slow_controllers(kp, m);
    m->nodes[0].write_derate_ppm = 400000;
}

/* Half of the bytes are writes: 1 - 0.4/2 of the peak is left, for both together. */
static void
writes_lower_what_a_controller_gives(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 2, &memory_loaded, derated);
    struct region *r = on_node(&f, 0);
    start(&f, "0", r, 100, 256);
    start(&f, "1", r, 100, 256);
    settle(&f);
    double read = 2 * rate(&f, 0) * (double)((100u << 20) / 1000) / (1 << 20) * 64;
    assert_close(2 * read, 0.8, 1e-3);
    fixture_close(&f);
}

/* STREAM on DRAM and CXL, 1:1 interleaved: the slowest share decides, twice what CXL gives
 * (memory-model.md 2.4: 24.4 GB/s > 48.7 measured). */
static void
dram_and_cxl(struct kernel_params *kp, struct machine *m)
{
    slow_controllers(kp, m);
    m->nodes[0].bandwidth = 208500000000u;
    m->nodes[1].bandwidth = 24400000000u;
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].bandwidth = 500000000000u;
}
static void
interleaving_over_a_slow_node_gives_twice_its_bandwidth(void **state)
{
    struct fixture f;
    struct mempolicy inter = { .mode = MPOL_INTERLEAVE, .nodes = 3 };
    double bytes = 0;

    (void)state;
    kit_open(&f, 2, 32, &memory_loaded, dram_and_cxl);
    struct region *r = kit_region(&f, "stream", 64 * PAGE_4K, 1);
    region_populate(f.k, r, 0, 64, &inter, 0);
    struct burst_profile *p = kit_profile(&f, r, REGION_WHOLE, 1000, 0);
    p->mlp_q8 = 10 * 256;
    for (int i = 0; i < 32; i++) {
        char cpu[12];

        snprintf(cpu, sizeof(cpu), "%d", i);
        task_start(f.k, kit_task(&f, cpu, p, SEC(1000)), NULL);
    }
    settle(&f);
    for (int i = 0; i < 32; i++)
        bytes += rate(&f, i) * 64;
    assert_close(bytes, 48.8, 2e-3);
    fixture_close(&f);
}

static void
a_mix_that_changes_changes_the_rate(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 2, &memory_loaded, NULL);
    struct region *r = on_node(&f, 1);
    start(&f, "0", r, 10, 0);
    settle(&f);
    for (uint64_t page = 0; page < 64; page++)
        assert_true(region_move_page(f.k, r, page, 0));
    settle(&f);
    assert_close(rate(&f, 0), 1 / (1 + (double)((10u << 20) / 1000) / (1 << 20) * 85), 1e-6);
    fixture_close(&f);
}

static void
a_machine_that_empties_has_no_load_left(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 4, &memory_loaded, slow_controllers);
    struct region *r = on_node(&f, 0);
    for (int i = 0; i < 4; i++)
        task_start(f.k,
                   kit_task(&f, (const char *[]){ "0", "1", "2", "3" }[i],
                            kit_profile(&f, r, REGION_WHOLE, 100, 0), MSEC(i + 1)),
                   NULL);
    engine_run(&f.k->engine, SEC(10));
    assert_int_equal(f.k->nr_alive, 0);
    engine_run(&f.k->engine, SEC(10)); /* the last exit stopped the engine within its instant */
    assert_int_equal(f.k->memory->node_load(f.k, 0), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(f.k->rqs[i].rate, RATE_FULL);
    fixture_close(&f);
}

static void
models_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(memory_model_find("loaded"), memory_models[0]);
    assert_ptr_equal(memory_model_find("idle"), &memory_idle);
    assert_null(memory_model_find("idel"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency_slows_by_exactly_its_share),
        cmocka_unit_test(misses_in_flight_hide_each_other),
        cmocka_unit_test(stall_is_what_was_not_work),
        cmocka_unit_test(a_saturated_controller_gives_what_it_has),
        cmocka_unit_test(a_factor_is_common_to_all_users),
        cmocka_unit_test(nobody_gains_by_a_task_that_is_added),
        cmocka_unit_test(a_full_link_slows_only_those_who_cross_it),
        cmocka_unit_test(write_backs_go_the_other_way),
        cmocka_unit_test(writes_lower_what_a_controller_gives),
        cmocka_unit_test(interleaving_over_a_slow_node_gives_twice_its_bandwidth),
        cmocka_unit_test(a_mix_that_changes_changes_the_rate),
        cmocka_unit_test(a_machine_that_empties_has_no_load_left),
        cmocka_unit_test(models_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

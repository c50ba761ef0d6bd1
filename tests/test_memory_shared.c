/* layer: models */
/* Who gets how much of a full controller, and when the memory model looks again. */
#include "memory_kit.h"

#include "models/memory/models.h"

#include <stdio.h>

static double
rate(const struct fixture *f, int cpu)
{
    return (double)f->k->rqs[cpu].rate / RATE_FULL;
}

static void
settle(struct fixture *f)
{
    engine_run(&f->k->engine, kernel_now(f->k) + MSEC(1));
    assert_null(kernel_check(f->k));
}

static void
one_slow_node(struct kernel_params *kp, struct machine *m)
{
    kp->memory.tolerance_ppm = 10;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].bandwidth = 10000000000u, m->nodes[n].write_derate_ppm = 0;
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].bandwidth = 6000000000u;
}

static void
start_reader(struct fixture *f, uint32_t cpu, struct region *r, uint32_t misses)
{
    struct burst_profile *p = kit_profile(f, r, REGION_WHOLE, misses, 0);
    char list[12];

    p->mlp_q8 = 8 * 256;
    snprintf(list, sizeof(list), "%u", cpu);
    task_start(f->k, kit_task(f, list, p, SEC(1000)), NULL);
}

/* All are slowed by the same factor: of the stall, not of the whole. */
static void
a_full_controller_is_shared_in_proportion_to_what_is_asked(void **state)
{
    static const uint32_t misses[] = { 20, 200, 400, 800, 800, 800, 800, 800 };
    double slowed[8], total = 0;
    struct fixture f;

    (void)state;
    kit_open(&f, 1, 8, &memory_loaded, one_slow_node);
    struct region *r = kit_region(&f, "data", 64 * PAGE_4K, 1);
    kit_populate(&f, r, 0);
    for (uint32_t i = 0; i < 8; i++)
        start_reader(&f, i, r, misses[i]);
    settle(&f);
    for (int i = 0; i < 8; i++) {
        double mpn = (double)(((uint64_t)misses[i] << 20) / 1000) / (1 << 20);

        slowed[i] = (1 / rate(&f, i) - 1) / (mpn * 85 / 8);
        total += rate(&f, i) * mpn * 64;
        assert_close(slowed[i], slowed[0], 1e-4);
    }
    assert_close(total, 10, 1e-3);
    assert_true(slowed[0] > 2.1); /* above the end of the curve */
    assert_close((double)f.k->memory->latency_ps(f.k, 0, 0, false) / 85000, slowed[0], 1e-3);
    fixture_close(&f);
}

/* GB/s of `nr` readers of node 0's CPUs, with their pages there or dealt to both nodes. */
static double
bandwidth_of(uint32_t nr, bool interleave)
{
    struct mempolicy inter = { .mode = MPOL_INTERLEAVE, .nodes = 3 };
    struct fixture f;
    double sum = 0;

    kit_open(&f, 2, 16, &memory_loaded, one_slow_node);
    struct region *r = kit_region(&f, "data", 64 * PAGE_4K, 1);
    if (interleave)
        region_populate(f.k, r, 0, 64, &inter, 0);
    else
        kit_populate(&f, r, 0);
    for (uint32_t i = 0; i < nr; i++)
        start_reader(&f, i, r, 100);
    settle(&f);
    for (uint32_t i = 0; i < nr; i++)
        sum += rate(&f, (int)i) * (double)((100u << 20) / 1000) / (1 << 20) * 64;
    fixture_close(&f);
    return sum;
}

/* Alone a reader is better off near its memory; where the controller is full, two controllers give
 * more, up to where the link that carries half of it is full: 6 GB/s of 12. There is one crossing.
 */
static void
local_is_better_until_the_controller_is_full(void **state)
{
    bool crossed = false;

    (void)state;
    for (uint32_t nr = 1; nr <= 16; nr++) {
        double local = bandwidth_of(nr, false), inter = bandwidth_of(nr, true);

        if (!crossed && inter > local) {
            assert_true(nr > 1 && local > 7); /* of 10 */
            crossed = true;
        }
        assert_true(crossed == (inter > local));
    }
    assert_true(crossed);
    assert_close(bandwidth_of(16, false), 10, 0.01);
    assert_close(bandwidth_of(16, true), 12, 0.01);
}

/* The way from node 0 to node 1 is all that is ever full, and there is no growth below that. */
static void
narrow_way_back(struct kernel_params *kp, struct machine *m)
{
    kp->memory.tolerance_ppm = 10;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].bandwidth = 1000000000000u, m->nodes[n].write_derate_ppm = 0,
        m->nodes[n].curve_a = 0;
    for (uint32_t l = 0; l < m->nr_links; l++) {
        m->links[l].bandwidth = m->links[l].from == 0 ? 500000000u : 1000000000000u;
        m->links[l].curve_a = 0;
    }
}

/* ns that an access took, by the books. */
static double
mean_latency(const struct task *p)
{
    return (double)p->stats.latency_ps / 1000 / (double)p->stats.accesses_remote;
}

/* Both read memory of node 1 from node 0, where 135 ns is the idle latency, and one also writes
 * each line back: it gets on at 0.5 GB/s, eight lines of 64 bytes in 1024 ns less its own work. */
static void
only_who_writes_waits_for_a_full_way_back(void **state)
{
    struct fixture f;
    struct task *tasks[2];

    (void)state;
    kit_open(&f, 2, 8, &memory_loaded, narrow_way_back);
    struct region *r = kit_region(&f, "data", 64 * PAGE_4K, 1);
    kit_populate(&f, r, 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct burst_profile *p = kit_profile(&f, r, REGION_WHOLE, 100, i * 256);

        p->mlp_q8 = 8 * 256;
        tasks[i] = kit_task(&f, i == 0 ? "0" : "1", p, MSEC(10));
        task_start(f.k, tasks[i], NULL);
    }
    engine_run(&f.k->engine, MSEC(500));
    assert_close(mean_latency(tasks[0]), 135, 1e-3);
    assert_close(mean_latency(tasks[1]), 8 * (64 / 0.5 - 10), 1e-3);
    fixture_close(&f);
}

/* memory-model.md 2.4: STREAM on 208.5 GB/s of DRAM and 24.4 of CXL. */
static void
dram_and_cxl(struct kernel_params *kp, struct machine *m)
{
    kp->memory.tolerance_ppm = 10;
    m->nodes[0].bandwidth = 208500000000u;
    m->nodes[1].bandwidth = 24400000000u;
    m->nodes[0].write_derate_ppm = m->nodes[1].write_derate_ppm = 0;
    for (uint32_t l = 0; l < m->nr_links; l++)
        m->links[l].bandwidth = 500000000000u;
}

static void
a_weighted_interleave_gives_what_its_slowest_share_allows(void **state)
{
    static const struct {
        uint32_t dram, cxl;
        double gb;
    } cases[] = { { 1, 1, 48.8 }, { 9, 1, 231.7 }, { 4, 1, 122.0 }, { 1, 0, 208.5 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mempolicy dram = { .mode = MPOL_BIND, .nodes = 1 };
        struct mempolicy cxl = { .mode = MPOL_BIND, .nodes = 2 };
        uint32_t pages = 64 * (cases[i].dram + cases[i].cxl);
        struct fixture f;
        double sum = 0;

        kit_open(&f, 2, 96, &memory_loaded, dram_and_cxl);
        struct region *r = kit_region(&f, "stream", pages * PAGE_4K, 1);
        region_populate(f.k, r, 0, 64 * cases[i].dram, &dram, 0);
        if (cases[i].cxl > 0)
            region_populate(f.k, r, 64 * cases[i].dram, 64 * cases[i].cxl, &cxl, 0);
        for (uint32_t cpu = 0; cpu < 96; cpu++)
            start_reader(&f, cpu, r, 1000);
        settle(&f);
        for (int cpu = 0; cpu < 96; cpu++)
            sum += rate(&f, cpu) * (double)((1000u << 10) / 1000 << 10) / (1 << 20) * 64;
        assert_close(sum, cases[i].gb, 0.005);
        fixture_close(&f);
    }
}

/* ---- when it looks ---- */

static void
rough(struct kernel_params *kp, struct machine *m)
{
    one_slow_node(kp, m);
    kp->memory.tolerance_ppm = 1000;
    kp->memory.resolve_at_once = 4;
    kp->memory.resolve_interval = MSEC(1);
    kp->memory.resolve_jump_ppm = 1000000;
}

static void
rough_below_a_jump(struct kernel_params *kp, struct machine *m)
{
    rough(kp, m);
    kp->memory.resolve_jump_ppm = 50000;
}

/* Eight CPUs, and what they read. */
static struct region *
open_node(struct fixture *f, void (*set)(struct kernel_params *kp, struct machine *m))
{
    kit_open(f, 1, 8, &memory_loaded, set);
    struct region *r = kit_region(f, "data", 64 * PAGE_4K, 1);
    kit_populate(f, r, 0);
    return r;
}

static uint32_t
run_and_rate(struct fixture *f, sim_time time)
{
    engine_run(&f->k->engine, kernel_now(f->k) + time);
    return f->k->rqs[0].rate;
}

/* Up to four CPUs feel the next at once; more of them after a millisecond, but not later. */
static void
what_many_share_is_looked_at_in_intervals(void **state)
{
    struct fixture f;
    uint32_t before;

    (void)state;
    struct region *r = open_node(&f, rough);
    start_reader(&f, 0, r, 800);
    before = run_and_rate(&f, MSEC(5));
    for (uint32_t i = 1; i < 4; i++) {
        start_reader(&f, i, r, 800);
        uint32_t after = run_and_rate(&f, USEC(1));
        assert_true(after < before);
        before = after;
    }
    start_reader(&f, 4, r, 800);
    assert_int_equal(run_and_rate(&f, USEC(500)), before);
    assert_true(run_and_rate(&f, USEC(501)) < before);
    fixture_close(&f);
}

/* A fifth reader asks for another quarter of what the four ask for, which is all of the capacity.
 */
static void
a_jump_of_load_is_felt_at_once(void **state)
{
    struct fixture f;

    (void)state;
    struct region *r = open_node(&f, rough_below_a_jump);
    for (uint32_t i = 0; i < 4; i++)
        start_reader(&f, i, r, 800);
    uint32_t before = run_and_rate(&f, MSEC(5));
    start_reader(&f, 4, r, 800);
    assert_true(run_and_rate(&f, USEC(1)) < before);
    fixture_close(&f);
}

/* A load too small to matter leaves latency at the idle one, to the picosecond. */
static void
what_stays_within_the_tolerance_changes_nothing(void **state)
{
    struct fixture f;

    (void)state;
    struct region *r = open_node(&f, rough);
    for (uint32_t i = 0; i < 8; i++)
        start_reader(&f, i, r, 1);
    settle(&f);
    assert_int_equal(f.k->memory->latency_ps(f.k, 0, 0, false), 85000);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_controller_is_shared_in_proportion_to_what_is_asked),
        cmocka_unit_test(local_is_better_until_the_controller_is_full),
        cmocka_unit_test(only_who_writes_waits_for_a_full_way_back),
        cmocka_unit_test(a_weighted_interleave_gives_what_its_slowest_share_allows),
        cmocka_unit_test(what_many_share_is_looked_at_in_intervals),
        cmocka_unit_test(a_jump_of_load_is_felt_at_once),
        cmocka_unit_test(what_stays_within_the_tolerance_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
#include "memory_kit.h"

#include "kernel/memory_tiers.h"

/* Two nodes of 64 GiB (numa-balancing.md 5.9). */
static void
two_of_64_gib(struct kernel_params *kp, struct machine *m)
{
    (void)kp;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].mem_bytes = GIB(64);
}

static void
watermarks_follow_the_size_of_the_machine(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, two_of_64_gib);
    for (uint32_t i = 0; i < 2; i++) {
        const struct mm_node *n = &f.k->mm->nodes[i];

        assert_int_equal(n->nr_pages, 16777216);
        assert_int_equal(n->min_watermark, 5792);
        assert_int_equal(n->low_watermark, 22569);
        assert_int_equal(n->high_watermark, 39346);
        assert_int_equal(n->promo_watermark, 56123);
    }
    fixture_close(&f);
}

/* 128 kB: 32 pages, 16 a node, and a gap of a quarter of that. */
static void
two_of_256_kib(struct kernel_params *kp, struct machine *m)
{
    kp->mm.watermark_scale_factor = 1;
    for (uint32_t n = 0; n < m->nr_nodes; n++)
        m->nodes[n].mem_bytes = KIB(256);
}

static void
the_least_minimum_is_128_kb(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, two_of_256_kib);
    assert_int_equal(f.k->mm->nodes[0].min_watermark, 16);
    assert_int_equal(f.k->mm->nodes[0].low_watermark, 20);
    assert_int_equal(f.k->mm->nodes[0].promo_watermark, 28);
    fixture_close(&f);
}

/* Uneven nodes share one minimum by size: 4 MiB are 1024 pages, 1 GiB of 4 and 3 GiB of 4. */
static void
uneven_with_a_given_minimum(struct kernel_params *kp, struct machine *m)
{
    kp->mm.min_free = MIB(4);
    m->nodes[0].mem_bytes = GIB(1);
    m->nodes[1].mem_bytes = GIB(3);
}

static void
the_minimum_is_shared_out_by_size(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, uneven_with_a_given_minimum);
    assert_int_equal(f.k->mm->nodes[0].min_watermark, 256);
    assert_int_equal(f.k->mm->nodes[0].low_watermark, 256 + 262);
    assert_int_equal(f.k->mm->nodes[1].min_watermark, 768);
    assert_int_equal(f.k->mm->nodes[1].low_watermark, 768 + 786);
    fixture_close(&f);
}

/* Two zones, eleven blocks of 2 MiB each. */
static void
with_huge_pages(struct kernel_params *kp, struct machine *m)
{
    (void)m;
    kp->mm.thp_min_free = true;
}

static void
huge_pages_raise_the_minimum(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 2, 1, &fixture_memory, with_huge_pages);
    assert_int_equal(f.k->mm->nodes[0].min_watermark, 11 * 512);
    fixture_close(&f);
}

static void
without_cpus(struct machine *m, uint32_t node)
{
    for_each_cpu (cpu, m->nodes[node].cpus) {
        m->cpus[cpu].present = m->cpus[cpu].online = false;
        cpumask_clear(m->present, (uint32_t)cpu);
        cpumask_clear(m->online, (uint32_t)cpu);
    }
    cpumask_zero(m->nodes[node].cpus);
}

/* Nodes 0, 1 with CPUs; 2 and 3 are expanders, 2 nearer to 0, 3 to 1. */
static void
expanders(struct kernel_params *kp, struct machine *m)
{
    kp->mm.tier_data = false;
    for (uint32_t n = 2; n < 4; n++) {
        m->nodes[n].kind = MEMORY_CXL;
        without_cpus(m, n);
        m->distances[n * 4 + (n - 2)] = m->distances[(n - 2) * 4 + n] = 14;
    }
}

static void
devices_without_data_form_a_slow_tier(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, expanders);
    assert_int_equal(f.k->mm->nodes[0].tier, 512);  /* 576 */
    assert_int_equal(f.k->mm->nodes[2].tier, 2816); /* 2880 */
    for (int n = 0; n < 4; n++)
        assert_int_equal(node_is_toptier(f.k, n), n < 2);
    assert_int_equal(next_demotion_node(f.k, 0), 2);
    assert_int_equal(next_demotion_node(f.k, 1), 3);
    assert_int_equal(next_demotion_node(f.k, 2), -1);
    assert_int_equal(node_lower_tiers(f.k, 0), 0xc);
    assert_int_equal(node_lower_tiers(f.k, 3), 0);
    fixture_close(&f);
}

/* As the expanders, both equally far. */
static void
equal_expanders(struct kernel_params *kp, struct machine *m)
{
    expanders(kp, m);
    for (uint32_t n = 2; n < 4; n++)
        m->distances[n * 4 + (n - 2)] = m->distances[(n - 2) * 4 + n] = 20;
}

static void
equal_targets_are_drawn(void **state)
{
    struct fixture f;
    uint32_t seen[4] = { 0 };

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, equal_expanders);
    for (int i = 0; i < 64; i++)
        seen[next_demotion_node(f.k, 0)]++;
    assert_int_equal(seen[0] + seen[1], 0);
    assert_in_range(seen[2], 16, 48);
    fixture_close(&f);
}

/* Reported: HBM has twice the latency sum of DRAM at eight times its bandwidth, CXL three times the
 * latency at a quarter of it. 576 * 2 / 8 = 144; 576 * 3 * 4 = 6912. */
static void
reported(struct kernel_params *kp, struct machine *m)
{
    expanders(kp, m);
    kp->mm.tier_data = true;
    m->nodes[2].kind = MEMORY_HBM;
    for (uint32_t n = 0; n < 4; n++)
        m->nodes[n].bandwidth = (uint64_t)100 << 30;
    m->nodes[2].bandwidth *= 8;
    m->nodes[3].bandwidth /= 4;
    for (uint32_t from = 0; from < 2; from++) {
        m->latency_ps[from * 4 + from] = 100000;
        m->latency_ps[from * 4 + 2] = 200000;
        m->latency_ps[from * 4 + 3] = from == 0 ? 500000 : 300000;
    }
}

static void
tiers_follow_reported_performance(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, reported);
    assert_int_equal(f.k->mm->nodes[2].tier, 128);
    assert_int_equal(f.k->mm->nodes[3].tier, 6912);
    assert_true(node_is_toptier(f.k, 2));
    assert_false(node_is_toptier(f.k, 3));
    assert_int_equal(next_demotion_node(f.k, 2), 0);
    assert_int_equal(node_lower_tiers(f.k, 2), 0xb);
    fixture_close(&f);
}

static void
reported_and_uneven(struct kernel_params *kp, struct machine *m)
{
    reported(kp, m);
    m->nodes[1].bandwidth = m->nodes[1].bandwidth * 8 / 9;
}

static void
reports_are_dropped_when_dram_differs(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, reported_and_uneven);
    assert_int_equal(f.k->mm->nodes[2].tier, 512);
    assert_int_equal(f.k->mm->nodes[3].tier, 2816);
    fixture_close(&f);
}

static void
plain_dram_without_cpus(struct kernel_params *kp, struct machine *m)
{
    expanders(kp, m);
    m->nodes[2].kind = MEMORY_DRAM;
}

static void
plain_dram_without_cpus_is_as_good_as_any(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, 4, 1, &fixture_memory, plain_dram_without_cpus);
    assert_true(node_is_toptier(f.k, 2));
    assert_int_equal(next_demotion_node(f.k, 2), 3);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watermarks_follow_the_size_of_the_machine),
        cmocka_unit_test(the_least_minimum_is_128_kb),
        cmocka_unit_test(the_minimum_is_shared_out_by_size),
        cmocka_unit_test(huge_pages_raise_the_minimum),
        cmocka_unit_test(devices_without_data_form_a_slow_tier),
        cmocka_unit_test(equal_targets_are_drawn),
        cmocka_unit_test(tiers_follow_reported_performance),
        cmocka_unit_test(reports_are_dropped_when_dram_differs),
        cmocka_unit_test(plain_dram_without_cpus_is_as_good_as_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/*
 * Shipped servers against what is known of them: queueing theory where only CPU time counts, the
 * order of statistics of a fan-out, published mixes, and what a collection or a scan does to tails.
 */
#include "shipped_kit.h"

#include <math.h>

/* ---- key-value stores ---- */

/* M/D/1: mean wait rho / (2 mu (1 - rho)), and the service itself. */
static void
redis_with_constant_service_is_m_d_1(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, "hwloc:core:1 pu:1", "topology", "redis",
                "instances=1 service=10us lines=0 rate=70000 requests=400000 heap=1MiB", NULL,
                true);
    assert_near("M/D/1", shipped_mean_us(shipped_requests(&x, "")), 10 + 0.7 / (2 * 0.3) * 10,
                0.02);
    shipped_close(&x);
}

/* M/M/1: mean response 1 / (mu - lambda), and the same for each of several instances. */
static void
redis_with_exponential_service_is_m_m_1(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, "hwloc:core:2 pu:1", "topology", "redis",
                "instances=2 service=10us lines=0 rate=50000 requests=400000 heap=1MiB "
                "spread=exponential",
                NULL, true);
    for (uint32_t i = 0; i < 2; i++)
        assert_near("M/M/1", shipped_mean_us(x.s->kernel->processes[i]->kinds[0]),
                    1e6 / (100000 - 50000), 0.03);
    shipped_close(&x);
}

/* Erlang's C: the probability to wait for one of c servers at load a = lambda / mu. */
static double
erlang_c(unsigned c, double a)
{
    double term = 1, sum = 0;

    for (unsigned k = 0; k < c; k++) {
        sum += term;
        term *= a / (k + 1);
    }
    return term / (1 - a / c) / (sum + term / (1 - a / c));
}

/* Connections that any worker serves are M/M/4, fixed ones four M/M/1: slower at the same load. */
static void
memcached_is_m_m_4_or_four_times_m_m_1(void **state)
{
    double mu = 100000, lambda = 280000;
    struct shipped shared, fixed;

    (void)state;
    shipped_run(&shared, "hwloc:core:4 pu:1", "topology", "memcached",
                "connections=shared misses=none spread=exponential service=10us rate=280000 "
                "requests=600000 table=1MiB items=2MiB",
                NULL, true);
    shipped_run(&fixed, "hwloc:core:4 pu:1", "topology", "memcached",
                "connections=fixed misses=none spread=exponential service=10us rate=280000 "
                "requests=600000 table=1MiB items=2MiB",
                NULL, true);
    assert_near("M/M/4", shipped_mean_us(shipped_requests(&shared, "")),
                1e6 / mu + erlang_c(4, lambda / mu) / (4 * mu - lambda) * 1e6, 0.02);
    assert_near("M/M/1", shipped_mean_us(shipped_requests(&fixed, "")), 1e6 / (mu - lambda / 4),
                0.04);
    shipped_close(&shared);
    shipped_close(&fixed);
}

/* The published pool: 30 GET to a SET, a request each 16.03 / (1 - 0.155) us. */
static void
memcached_has_the_mix_and_the_arrivals_of_the_published_pool(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, "two-node", "topology", "memcached", "drive=etc requests=120000", NULL, false);
    double gets = (double)shipped_requests(&x, "get")->latency.total;
    double sets = (double)shipped_requests(&x, "set")->latency.total;
    assert_near("requests", gets + sets, 120000, 0);
    assert_near("GET to SET", gets / sets, 30, 0.06);
    assert_near("rate", 120000 / (x.seconds - 0.5), 1e6 / (16.03 / (1 - 0.155)), 0.03);
    shipped_close(&x);
}

/* Little's law for a loop of clients: clients = rate x (response + thinking). */
static void
closed_loops_of_the_stores_obey_the_response_time_law(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, "two-node", "topology", "redis",
                "instances=1 drive=closed clients=16 think=100us requests=100000", NULL, false);
    double rate = 100000 / (x.seconds - 0.5) / 1e6; /* a us */
    assert_near("redis", rate * (shipped_mean_us(shipped_requests(&x, "")) + 100), 16, 0.02);
    assert_above("the only thread is busy", rate * 8, 0.85);
    shipped_close(&x);
}

/* Open loops show queueing: the 99th percentile grows without bound as load comes near capacity. */
static void
latency_of_an_open_loop_rises_with_load(void **state)
{
    static const char *const rates[] = { "40000", "80000", "100000" };
    double last = 0;

    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(rates); i++) {
        g_autofree char *settings =
            g_strdup_printf("instances=1 rate=%s requests=100000", rates[i]);
        struct shipped x;

        shipped_run(&x, "two-node", "topology", "redis", settings, NULL, false);
        double p99 = shipped_percentile_us(shipped_requests(&x, ""), 9900);
        assert_above(rates[i], p99, last * 1.2);
        last = p99;
        shipped_close(&x);
    }
}

/* ---- services ---- */

/*
 * Who waits for f services waits for the slowest: P(all under t) = F(t)^f. So the median from end
 * to end is the leaf's quantile 0.5^(1/f), which for f = 69 is its 99th percentile; with a thread
 * and a CPU for each, nothing else is in it.
 */
static void
the_median_of_a_fan_out_of_69_is_the_99th_percentile_of_a_leaf(void **state)
{
    struct shipped x;

    (void)state;
    shipped_run(&x, "hwloc:core:80 pu:1", "topology", "services",
                "levels=two fanout=69 pool=4 front_pool=1 message=0ns service=100us cv=1.5 "
                "rate=20 requests=6000",
                NULL, true);
    const struct request_kind *front = shipped_requests(&x, "front");
    struct histogram leaf = { 0 };
    histogram_init(&leaf, x.arena);
    for (uint32_t i = 0; i < x.s->kernel->nr_processes; i++)
        for (uint32_t j = 0; j < x.s->kernel->processes[i]->nr_kinds; j++)
            if (strcmp(x.s->kernel->processes[i]->kinds[j]->name, "leaf") == 0)
                histogram_add(&leaf, &x.s->kernel->processes[i]->kinds[j]->latency);
    assert_int_equal(leaf.total, 69 * 6000);
    assert_near("median", shipped_percentile_us(front, 5000),
                (double)histogram_percentile(&leaf, 9900) / 1e3, 0.03);
    /* log-normal of mean 100 us and cv 1.5: sigma^2 = ln 3.25, median 100 / sqrt 3.25; its 99 %
     * quantile is 2.3263 sigma above */
    assert_near("leaf", (double)histogram_percentile(&leaf, 9900) / 1e3,
                100 / sqrt(3.25) * exp(2.3263479 * sqrt(log(3.25))), 0.03);
    shipped_close(&x);
}

/* Three levels: each call to the middle has its own calls in it, each to the front end all. */
static void
a_call_graph_counts_all_its_calls(void **state)
{
    struct shipped x;
    const struct request_kind *front, *middle, *leaf;
    uint64_t middles = 0, leaves = 0;

    (void)state;
    shipped_run(&x, "two-node", "topology", "services", "requests=1000", NULL, false);
    front = shipped_requests(&x, "front");
    middle = shipped_requests(&x, "middle");
    leaf = shipped_requests(&x, "leaf");
    for (uint32_t i = 0; i < x.s->kernel->nr_processes; i++)
        for (uint32_t j = 1; j < x.s->kernel->processes[i]->nr_kinds; j++) {
            const struct request_kind *kind = x.s->kernel->processes[i]->kinds[j];
            middles += strcmp(kind->name, "middle") == 0 ? kind->latency.total : 0;
            leaves += strcmp(kind->name, "leaf") == 0 ? kind->latency.total : 0;
        }
    assert_int_equal(front->latency.total, 1000);
    assert_int_equal(middles, 6000);
    assert_int_equal(leaves, 18000);
    assert_int_equal(x.work, 1000);
    assert_above("middle over leaf", shipped_mean_us(middle), shipped_mean_us(leaf));
    assert_above("front over middle", shipped_mean_us(front), shipped_mean_us(middle));
    shipped_close(&x);
}

/* ---- database ---- */

/* Scans of a pool on one node get one controller; interleaved they get all. */
static void
interleaving_the_buffer_pool_beats_first_touch(void **state)
{
    struct shipped touched, spread;

    (void)state;
    shipped_run(&touched, "two-node", "topology", "database-long", "policy=default workers=4", NULL,
                false);
    shipped_run(&spread, "two-node", "topology", "database-long", "policy=interleave workers=4",
                NULL, false);
    assert_above("seconds of a query",
                 shipped_mean_us(shipped_requests(&touched, "query")) /
                     shipped_mean_us(shipped_requests(&spread, "query")),
                 1.15);
    shipped_close(&touched);
    shipped_close(&spread);
}

/* Long queries beside them cost short transactions their tail, not their number. */
static void
long_queries_cost_short_transactions_their_tail(void **state)
{
    struct shipped alone, mixed;

    (void)state;
    shipped_run(&alone, "two-node", "topology", "database", "mix=short transactions=100", NULL,
                false);
    shipped_run(&mixed, "two-node", "topology", "database",
                "mix=mixed transactions=100 scan=1GiB rounds=1", NULL, false);
    assert_int_equal(shipped_requests(&mixed, "transaction")->latency.total,
                     shipped_requests(&alone, "transaction")->latency.total);
    assert_above("99th percentile",
                 shipped_percentile_us(shipped_requests(&mixed, "transaction"), 9900),
                 1.3 * shipped_percentile_us(shipped_requests(&alone, "transaction"), 9900));
    shipped_close(&alone);
    shipped_close(&mixed);
}

/* Eight statements of 64 us: what was measured, 0.55 ms of backend CPU a transaction. */
static void
a_transaction_takes_the_cpu_time_that_was_measured(void **state)
{
    struct shipped x;
    double cpu = 0;

    (void)state;
    shipped_run(&x, "two-node", "topology", "database", "mix=short backends=6 transactions=120",
                NULL, false);
    for (uint32_t i = 0; i < x.s->kernel->nr_tasks; i++)
        if (strstr(x.s->kernel->tasks[i]->name, "backend") != NULL)
            cpu += (double)x.s->kernel->tasks[i]->stats.run_ns;
    assert_near("ms a transaction", cpu / 720 / 1e6, 0.55, 0.1);
    shipped_close(&x);
}

/* ---- SPECjbb-like ---- */

/* Rates rise step by step, latency with them at last; and a collection stops everybody. */
static void
specjbb_stops_the_world_and_has_a_capacity(void **state)
{
    struct shipped with, without;

    (void)state;
    shipped_run(&with, "two-node", "topology", "specjbb", "groups=1 step=1s gc_every=700ms", NULL,
                false);
    shipped_run(&without, "two-node", "topology", "specjbb", "groups=1 step=1s gc_every=1h", NULL,
                false);
    const struct request_kind *low = shipped_requests(&with, "step2");
    const struct request_kind *calm = shipped_requests(&without, "step2");
    const struct request_kind *last = shipped_requests(&without, "step10");
    assert_above("as long as a pause, 10 ms at least", (double)low->latency.max / 1e6, 10);
    assert_above("below two of the longest pauses", 400, (double)low->latency.max / 1e6);
    assert_above("nobody else waits", 6, (double)calm->latency.max / 1e6);
    assert_near("medians are alike", shipped_percentile_us(low, 5000),
                shipped_percentile_us(calm, 5000), 0.2);
    assert_above("at capacity all wait", shipped_percentile_us(last, 5000),
                 20 * shipped_percentile_us(calm, 5000));
    for (uint32_t i = 1; i <= 10; i++) {
        g_autofree char *name = g_strdup_printf("step%u", i);
        assert_near(name, (double)shipped_requests(&with, name)->arrived, 2000.0 * i, 0.08);
    }
    shipped_close(&with);
    shipped_close(&without);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis_with_constant_service_is_m_d_1),
        cmocka_unit_test(redis_with_exponential_service_is_m_m_1),
        cmocka_unit_test(memcached_is_m_m_4_or_four_times_m_m_1),
        cmocka_unit_test(memcached_has_the_mix_and_the_arrivals_of_the_published_pool),
        cmocka_unit_test(closed_loops_of_the_stores_obey_the_response_time_law),
        cmocka_unit_test(latency_of_an_open_loop_rises_with_load),
        cmocka_unit_test(the_median_of_a_fan_out_of_69_is_the_99th_percentile_of_a_leaf),
        cmocka_unit_test(a_call_graph_counts_all_its_calls),
        cmocka_unit_test(interleaving_the_buffer_pool_beats_first_touch),
        cmocka_unit_test(long_queries_cost_short_transactions_their_tail),
        cmocka_unit_test(a_transaction_takes_the_cpu_time_that_was_measured),
        cmocka_unit_test(specjbb_stops_the_world_and_has_a_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

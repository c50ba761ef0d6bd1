/* layer: config */
/*
 * Shipped memory kernels against what is known of them: latencies of the machine for a chase, lines
 * in flight for GUPS, traffic for STREAM; and of the NAS kernels who reacts to what.
 */
#include "shipped_kit.h"

/* two-node: 85 and 140 ns, 40 GB/s a controller, 16 GB/s a link and direction. */

/* ---- chase ---- */

/* A load waits for the one before: latency, and 1 ns of its own. */
static void
a_chase_takes_the_latency_of_each_node(void **state)
{
    struct shipped local, remote;

    (void)state;
    shipped_run(&local, "two-node", "static:workload", "chase",
                "place=bind node=0 size=1GiB loads=1000000", "idle", true);
    shipped_run(&remote, "two-node", "static:workload", "chase",
                "place=bind node=1 size=1GiB loads=1000000", "idle", true);
    double a = shipped_percentile_us(shipped_requests(&local, ""), 5000);
    double b = shipped_percentile_us(shipped_requests(&remote, ""), 5000);
    assert_near("sum", a + b, 85 + 140 + 2, 0.03); /* of 1000 loads, in us; on either node */
    assert_near("ratio", a > b ? a / b : b / a, 141.0 / 86, 0.03);
    assert_int_equal(local.work, 1000000);
    shipped_close(&local);
    shipped_close(&remote);
}

/* ---- GUPS ---- */

/* Eight lines in flight: 2 ns of work and an eighth of the latency for each update; what the first
 * touch takes is in both runs. */
static void
gups_of_one_thread_are_what_its_lines_in_flight_give(void **state)
{
    struct shipped few, many;

    (void)state;
    shipped_run(&few, "hwloc:pack:1 [numa] core:2 pu:1", "topology", "gups",
                "threads=1 updates=1000000 table=64MiB", "idle", true);
    shipped_run(&many, "hwloc:pack:1 [numa] core:2 pu:1", "topology", "gups",
                "threads=1 updates=5000000 table=64MiB", "idle", true);
    double latency = (double)machine_latency_ps(few.s->kernel->machine, 0, 0) / 1000;
    assert_near("ns an update", (many.seconds - few.seconds) * 1e9 / 4000000, 2 + latency / 8,
                0.01);
    assert_int_equal(many.work, 5000000);
    shipped_close(&few);
    shipped_close(&many);
}

/* ---- STREAM ---- */

static double
stream_gbs(const char *settings, const char *kernel, unsigned elements)
{
    struct shipped x;

    shipped_run(&x, "two-node", "static:workload", "stream", settings, NULL, false);
    double best = (double)shipped_requests(&x, kernel)->latency.min;
    shipped_close(&x);
    return 64.0 * 1048576 * elements / best;
}

/* Copy reads two lines and writes one for 16 bytes that count, triad three and one for 24. */
static void
stream_counts_what_the_benchmark_counts(void **state)
{
    struct shipped x;
    uint64_t array = 16 << 20, rounds = 3;

    (void)state;
    shipped_run(&x, "two-node", "topology", "stream", "array=16MiB rounds=3 threads=4", "idle",
                false);
    assert_int_equal(x.work, rounds * array * (2 + 2 + 3 + 3));
    uint64_t lines =
        x.s->kernel->tasks[0]->stats.accesses_local + x.s->kernel->tasks[0]->stats.accesses_remote;
    /* the first touch of three slices; allocating stores read what they write */
    assert_int_equal(lines, array / 64 / 4 * (3 + rounds * (2 + 2 + 3 + 3)));
    shipped_close(&x);
    shipped_run(&x, "two-node", "topology", "stream",
                "array=16MiB rounds=3 threads=4 stores=nontemporal", "idle", false);
    assert_int_equal(x.work, rounds * array * (2 + 2 + 3 + 3));
    shipped_close(&x);
}

/* All traffic to one controller, half of it over a link: less than that controller has, and owners
 * get more than any one controller could give. */
static void
stream_of_arrays_that_the_main_thread_touched_is_the_classic_mistake(void **state)
{
    double owner = stream_gbs("array=64MiB rounds=3", "triad", 3);
    double wrong = stream_gbs("array=64MiB rounds=3 first_touch=main", "triad", 3);
    double spread = stream_gbs("array=64MiB rounds=3 arrays=interleave", "triad", 3);

    (void)state;
    assert_above("interleaved over main", spread / wrong, 1.1);
    assert_above("owner over interleaved", owner / spread, 1.05);
    /* triad moves 4 lines for 3 that count: no more than 3/4 of one controller */
    assert_above("one controller", 40 * 0.75, wrong);
    assert_above("owner over one controller", owner, 40 * 0.75);
    assert_above("two controllers", 2 * 40 * 0.75, owner);
}

/* ---- NAS ---- */

static double
iteration_ns(const char *machine, const char *policy, const char *name, const char *settings,
             const char *model)
{
    struct shipped x;

    shipped_run(&x, machine, policy, name, settings, model, false);
    const struct request_kind *kind = shipped_requests(&x, "iteration");
    double mean = (double)kind->latency.sum / (double)kind->latency.total;
    shipped_close(&x);
    return mean;
}

static void
ep_scales_with_cpus_whatever_the_policy(void **state)
{
    static const char *const policies[] = { "topology", "autonuma", "static:spread",
                                            "static:interleave", "static:inverse" };
    double one = iteration_ns("two-node", "topology", "nas-ep", "class=A threads=1", NULL);

    (void)state;
    for (guint p = 0; p < G_N_ELEMENTS(policies); p++)
        for (unsigned threads = 2; threads <= 8; threads *= 2) {
            g_autofree char *settings = g_strdup_printf("class=A threads=%u", threads);
            double t = iteration_ns("two-node", policies[p], "nas-ep", settings, NULL);

            assert_near(policies[p], one / t, threads, 0.03);
        }
}

/* How much longer an iteration takes with everything initialised by the main thread. */
static double
price_of_one_node(const char *name)
{
    return iteration_ns("two-node", "topology", name, "class=A first_touch=main", NULL) /
           iteration_ns("two-node", "topology", name, "class=A", NULL);
}

static void
mg_sp_and_is_react_to_where_memory_is_and_ep_does_not(void **state)
{
    static const char *const high[] = { "nas-mg", "nas-sp", "nas-is" };
    double bt = price_of_one_node("nas-bt");

    (void)state;
    assert_near("ep", price_of_one_node("nas-ep"), 1, 0.02);
    assert_above("bt", bt, 1.03);
    for (guint i = 0; i < G_N_ELEMENTS(high); i++)
        assert_above(high[i], price_of_one_node(high[i]), 1 + 1.4 * (bt - 1));
}

/* Bandwidth without end: only latency counts, and of all kernels CG has the fewest lines in flight
 * for its misses. */
static void
cg_reacts_to_latency_more_than_all_others(void **state)
{
    static const char *const names[] = { "nas-bt", "nas-ep", "nas-ft", "nas-is",
                                         "nas-lu", "nas-mg", "nas-sp" };
    double cg = iteration_ns("two-node", "static:inverse", "nas-cg", "class=B", "idle") /
                iteration_ns("two-node", "static:workload", "nas-cg", "class=B", "idle");

    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        double price = iteration_ns("two-node", "static:inverse", names[i], "class=B", "idle") /
                       iteration_ns("two-node", "static:workload", names[i], "class=B", "idle");
        assert_above(names[i], cg - 1, 1.2 * (price - 1));
    }
}

/* Half as many hogs as CPUs take a third of the machine: 1.5 times as long if nobody waited. */
static double
price_of_hogs(const char *name, const char *settings)
{
    g_autofree char *beside = g_strconcat(settings, " beside=hogs", NULL);

    return iteration_ns("two-node", "topology", name, beside, NULL) /
           iteration_ns("two-node", "topology", name, settings, NULL);
}

static void
lu_reacts_to_threads_that_do_not_run_together(void **state)
{
    double ep = price_of_hogs("nas-ep", "class=A"), bt = price_of_hogs("nas-bt", "class=A");
    double lu = price_of_hogs("nas-lu", "class=A");

    (void)state;
    assert_above("ep", ep, 1.4);
    assert_above("ep is done in two rounds", 2.1, ep);
    assert_above("bt over ep", bt, ep * 1.1);
    assert_above("lu over bt", lu, bt * 1.1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chase_takes_the_latency_of_each_node),
        cmocka_unit_test(gups_of_one_thread_are_what_its_lines_in_flight_give),
        cmocka_unit_test(stream_counts_what_the_benchmark_counts),
        cmocka_unit_test(stream_of_arrays_that_the_main_thread_touched_is_the_classic_mistake),
        cmocka_unit_test(ep_scales_with_cpus_whatever_the_policy),
        cmocka_unit_test(mg_sp_and_is_react_to_where_memory_is_and_ep_does_not),
        cmocka_unit_test(cg_reacts_to_latency_more_than_all_others),
        cmocka_unit_test(lu_reacts_to_threads_that_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

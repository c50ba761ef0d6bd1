/* layer: cli */
/*
 * The virtual memory latency checker, on machines whose answers are known by hand: latencies, caps
 * of controllers and links, what cores can ask for, what writes cost.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/mlc.h"
#include "config/load.h"
#include "config/policy_yaml.h"

/* Two nodes of eight cores with two threads, and one without CPUs. */
static const char TEXT[] =
    "vendor: intel\n"
    "frequency: 2GHz\n"
    "shape: {packages: 2, cores_per_llc: 8, threads_per_core: 2}\n"
    "nodes:\n"
    "  - {node: all, memory: 32GiB, bandwidth: 60GB/s, write_derating: 0.4, curve: {a: 0, d: 1}}\n"
    "  - {node: 2, memory: 64GiB, kind: cxl, bandwidth: 20GB/s, curve: {a: 0, d: 1}}\n"
    "latency:\n"
    "  - 80ns 130ns 250ns\n"
    "  - 140ns 90ns 400ns\n"
    "  - none none none\n"
    "links:\n"
    "  - {name: upi, between: [0, 1], bandwidth: 25GB/s, curve: {a: 0, d: 1}}\n"
    "  - {name: cxl, between: [0, 2], bandwidth: 30GB/s, curve: {a: 0, d: 1}}\n";

/* The same, as files say nothing of curves: those of the default. */
static char *
text_with_curves(void)
{
    g_auto(GStrv) parts = g_strsplit(TEXT, ", curve: {a: 0, d: 1}", -1);

    assert_int_equal(g_strv_length(parts), 5);
    return g_strjoinv("", parts);
}

struct fixture {
    struct arena *arena;
    struct mlc mlc;
    struct mlc_results results;
};

static int
open_text(void **state, const char *text)
{
    struct fixture *f = g_new0(struct fixture, 1);
    struct diag d;
    char *why = NULL;

    diag_init(&d);
    f->arena = arena_new();
    f->mlc = (struct mlc){ .in_flight = 16, .from = -1, .to = -1 };
    f->mlc.machine = topology_yaml_load("two", text, strlen(text), f->arena, &d);
    assert_non_null(f->mlc.machine);
    assert_true(policy_preset("topology", f->arena, &f->mlc.policy, &why));
    assert_true(policy_set(&f->mlc.policy, "noise", "off", f->arena, &why));
    f->mlc.delays = g_array_new(FALSE, FALSE, sizeof(guint));
    diag_clear(&d);
    *state = f;
    return 0;
}

static int
set_up(void **state)
{
    return open_text(state, TEXT);
}

static int
set_up_curves(void **state)
{
    g_autofree char *text = text_with_curves();

    return open_text(state, text);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    mlc_results_clear(&f->results);
    g_array_unref(f->mlc.delays);
    arena_free(f->arena);
    g_free(f);
    return 0;
}

static void
model(struct fixture *f, const char *name)
{
    char *why = NULL;

    assert_true(policy_set(&f->mlc.policy, "memory.model", name, f->arena, &why));
}

static void
add_delay(struct fixture *f, guint delay)
{
    g_array_append_val(f->mlc.delays, delay);
}

#define assert_near(got, want, part)                                                               \
    do {                                                                                           \
        double near_got = (got), near_want = (want);                                               \
        if (!(fabs(near_got / near_want - 1) <= (part)))                                           \
            fail_msg("%s: %g, not %g", #got, near_got, near_want);                                 \
    } while (0)

static void
idle_latency_is_what_an_access_takes(void **state)
{
    struct fixture *f = *state;
    static const double want[9] = { 80, 130, 250, 140, 90, 400, NAN, NAN, NAN };

    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .latency = TRUE }, &f->results));
    for (guint i = 0; i < 9; i++) {
        if (isnan(want[i]))
            assert_true(isnan(f->results.latency[i]));
        else
            assert_near(f->results.latency[i], want[i], 0.005);
    }
    assert_null(f->results.bandwidth);
    assert_null(f->results.peak);
    assert_null(f->results.loaded);
}

/* Eight cores of 16 lines ask for far more than there is. */
static void
bandwidth_is_that_of_the_narrowest_on_the_way(void **state)
{
    struct fixture *f = *state;
    static const double want[6] = { 60e9, 25e9, 20e9, 25e9, 60e9, 20e9 };

    model(f, "loaded");
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .bandwidth = TRUE }, &f->results));
    for (guint i = 0; i < 6; i++)
        assert_near(f->results.bandwidth[i], want[i], 0.005);
}

static void
few_lines_in_flight_are_the_limit_before(void **state)
{
    struct fixture *f = *state;

    model(f, "loaded");
    f->mlc.in_flight = 4; /* two a thread; a line costs 0.1 ns besides */
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .bandwidth = TRUE }, &f->results));
    assert_near(f->results.bandwidth[0], 16 * 64 / (80e-9 / 2 + 0.1e-9), 0.005);
    assert_near(f->results.bandwidth[1], 16 * 64 / (130e-9 / 2 + 0.1e-9), 0.005);
}

static void
writes_cost_what_the_machine_says(void **state)
{
    struct fixture *f = *state;

    model(f, "loaded");
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .peak = TRUE }, &f->results));
    assert_near(f->results.peak[0], 120e9, 0.005);
    assert_near(f->results.peak[1], 120e9 * (1 - 0.4 / 4), 0.005);
    assert_near(f->results.peak[2], 120e9 * (1 - 0.4 / 3), 0.005);
    assert_near(f->results.peak[3], 120e9 * (1 - 0.4 / 2), 0.005);
}

/* Seven cores and eight with delays of 2000 cycles for four lines, on one thread each, and one
 * chasing task. Nothing is loaded enough to slow anybody down. */
static void
delays_set_how_much_is_asked_for(void **state)
{
    struct fixture *f = *state;
    double core = 64 / (2000 / 2e9 / 4 + 0.1e-9 + 80e-9 / 16);

    model(f, "loaded");
    add_delay(f, 2000);
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .loaded = TRUE }, &f->results));
    double other = 64 / (2000 / 2e9 / 4 + 0.1e-9 + 90e-9 / 16);
    assert_near(f->results.loaded[0].latency_ns, 80, 0.005);
    assert_near(f->results.loaded[0].bytes_per_s, 7 * core + 8 * other + 64 / 80.1e-9, 0.005);
}

static void
one_node_may_load_another_alone(void **state)
{
    struct fixture *f = *state;

    model(f, "loaded");
    add_delay(f, 0);
    f->mlc.from = 1;
    f->mlc.to = 2;
    f->mlc.in_flight = 40;
    f->mlc.policy.params.cache.misses_in_flight = 40;
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .loaded = TRUE }, &f->results));
    assert_near(f->results.loaded[0].bytes_per_s, 20e9, 0.005);
    /* Little's law: seven cores and one line more, 64 bytes each, at 20 GB/s */
    assert_near(f->results.loaded[0].latency_ns, (7 * 40 + 1) * 64 / 20e9 * 1e9, 0.01);
}

/* ---- under the default curves ---- */

/* memory-model.md 1.1: a controller's latency where `gb` of `of` GB/s pass, without what the one
 * line adds that the idle latency was measured with. */
static double
under_load(double idle, double gb, double of)
{
    double u = fmin(gb / of, 1), one = 64 / idle / of;

    return idle * (1 + fmax(0, 0.225 * u / (1 + 0.20 - u) - 0.225 * one / (1 + 0.20 - one)));
}

/* A closed system, by bisection: the bandwidth, GB/s, at which `lines` that are fetched one behind
 * the other, each in `more` ns and a part of the latency, make just that bandwidth. */
static double
closed(double idle, double of, double tasks, double part, double more)
{
    double low = 0, high = of;

    for (int i = 0; i < 60; i++) {
        double gb = (low + high) / 2;

        *(tasks * 64 / (more + under_load(idle, gb, of) * part) > gb ? &low : &high) = gb;
    }
    return low;
}

/* Whatever the curve: who measures them has one line under way as whoever measured the machine. */
static void
idle_latency_contains_the_own_line(void **state)
{
    struct fixture *f = *state;
    static const double want[6] = { 80, 130, 250, 140, 90, 400 };

    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .latency = TRUE }, &f->results));
    for (guint i = 0; i < 6; i++) /* 0.1 ns of computing; ticks take 0.03 % */
        assert_near(f->results.latency[i] - 0.1, want[i], 0.0006);
}

/* 128 lines in flight: too few for a controller whose latency has doubled at its end, more than
 * enough for a link. */
static void
cores_and_the_curve_find_a_bandwidth_together(void **state)
{
    struct fixture *f = *state;
    double local = closed(80, 60, 16, 1.0 / 8, 0.1), other = closed(90, 60, 16, 1.0 / 8, 0.1);

    assert_true(local > 50 && local < 58); /* the curve decides, not the controller's end */
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .bandwidth = TRUE }, &f->results));
    assert_near(f->results.bandwidth[0], local * 1e9, 0.002);
    assert_near(f->results.bandwidth[4], other * 1e9, 0.002);
    assert_near(f->results.bandwidth[1], 25e9, 0.002);
}

/* The chasing task of the sweep sees the latency that the others make, from nearly none to as much
 * as they can wait for. */
static void
latency_of_a_sweep_follows_the_curve(void **state)
{
    static const guint delays[] = { 0, 50, 100, 200, 400, 2000, 20000 };
    struct fixture *f = *state;

    for (guint i = 0; i < G_N_ELEMENTS(delays); i++)
        add_delay(f, delays[i]);
    f->mlc.from = f->mlc.to = 0;
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ .loaded = TRUE }, &f->results));
    for (guint i = 0; i < G_N_ELEMENTS(delays); i++) {
        double wait = 0.1 + delays[i] / 2.0 / 4, low = 0, high = 60, latency = 0;

        for (int round = 0; round < 60; round++) {
            double gb = (low + high) / 2;

            latency = under_load(80, gb, 60);
            double asked = 7 * 64 / (wait + latency / 16) + 64 / (0.1 + latency);
            *(asked > gb ? &low : &high) = gb;
        }
        assert_near(f->results.loaded[i].latency_ns, latency + 0.1, 0.003);
        assert_near(f->results.loaded[i].bytes_per_s, low * 1e9, 0.003);
    }
    assert_true(f->results.loaded[0].latency_ns > 1.4 * f->results.loaded[6].latency_ns);
}

static void
the_text_has_the_layout_that_people_know(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GString) text = g_string_new(NULL), csv = g_string_new(NULL);

    add_delay(f, 20000);
    assert_true(mlc_measure_parts(&f->mlc, (struct mlc_parts){ 0 }, &f->results));
    mlc_print_text(&f->mlc, &f->results, text);
    static const char *const wanted[] = {
        ("Measuring idle latencies (in ns)...\n\t\tNuma node\nNuma node\t     0\t     1\t     2\t\n"
         "       0\t"),
        "\nALL Reads        :\t",
        "\n3:1 Reads-Writes :\t",
        "\nStream-triad like:\t",
        "Measuring Memory Bandwidths between nodes within system",
        "Inject\tLatency\tBandwidth\nDelay\t(ns)\tMB/sec\n==========================\n 20000\t",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (strstr(text->str, wanted[i]) == NULL)
            fail_msg("the text lacks: %s", wanted[i]);
    mlc_print_csv(&f->mlc, &f->results, csv);
    g_auto(GStrv) rows = g_strsplit(csv->str, "\n", -1);
    assert_int_equal(g_strv_length(rows), 1 + 6 + 5 + 6 + 1 + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(idle_latency_is_what_an_access_takes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bandwidth_is_that_of_the_narrowest_on_the_way, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(few_lines_in_flight_are_the_limit_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(writes_cost_what_the_machine_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(delays_set_how_much_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_node_may_load_another_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(idle_latency_contains_the_own_line, set_up_curves,
                                        tear_down),
        cmocka_unit_test_setup_teardown(cores_and_the_curve_find_a_bandwidth_together,
                                        set_up_curves, tear_down),
        cmocka_unit_test_setup_teardown(latency_of_a_sweep_follows_the_curve, set_up_curves,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_text_has_the_layout_that_people_know, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

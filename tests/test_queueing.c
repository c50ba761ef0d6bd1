/* layer: config */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/policy_yaml.h"
#include "config/workload_yaml.h"
#include "run/simulation.h"

/*
 * Open-loop servers against queueing theory. Kernel work costs nothing here, so that a pool of c
 * workers on c CPUs is a c-server queue; requests are taken in order of arrival.
 */
static const char server[] =
    "version: 1\n"
    "name: queue\n"
    "parameters:\n"
    "  workers: {type: number, default: 1}\n"
    "  rate: {type: number, default: 5000}\n"
    "distributions:\n"
    "  service: {%s}\n"
    "processes:\n"
    "  - name: server\n"
    "    sync:\n"
    "      requests: {kind: queue, arrivals: {poisson: {rate: $rate/s, count: 400000}}}\n"
    "    threads:\n"
    "      - name: worker\n"
    "        count: $workers\n"
    "        program:\n"
    "          - loop:\n"
    "              count: forever\n"
    "              do:\n"
    "                - request: {begin: requests}\n"
    "                - compute: service\n"
    "                - request: end\n";

static void
set_costs_to_zero(struct kernel_params *kp, struct arena *a)
{
    char why[128];

    for (const struct field *f = kernel_param_fields; f->name != NULL; f++)
        if (g_str_has_prefix(f->name, "cost.") && f->type == FIELD_TIME)
            assert_true(kernel_params_set(kp, f->name, "0ns", a, why, sizeof(why)));
}

struct answer {
    double mean_us;
    double beyond_1ms; /* share of requests that took longer */
    uint64_t n;
};

static struct answer
simulate(const char *machine, const char *service, const char *workers, const char *rate,
         uint64_t seed)
{
    struct arena *a = arena_new();
    struct run_spec spec = { .seed = seed, .until = SIM_NEVER };
    g_autofree char *text = g_strdup_printf(server, service);
    g_autofree char *set_workers = g_strdup_printf("workers=%s", workers);
    g_autofree char *set_rate = g_strdup_printf("rate=%s", rate);
    const char *settings[] = { set_workers, set_rate, NULL }, *why = NULL;
    struct answer r = { 0 };
    struct diag d;

    diag_init(&d);
    spec.machine = load_machine(machine, a, &d);
    spec.workload = workload_yaml_load("queue.yaml", text, strlen(text), settings, a, &d);
    if (!load_policy("topology", a, &spec.policy, &d) || diag_failed(&d))
        fail_msg("%s", diag_text(&d));
    set_costs_to_zero(&spec.policy.params, a);
    struct simulation *s = simulation_new(a, &spec, &why);
    if (s == NULL)
        fail_msg("%s", why);
    assert_int_equal(simulation_run(s, SIM_NEVER), SIMULATION_DONE);
    const struct histogram *h = &s->kernel->processes[0]->stats.request;
    uint64_t beyond = 0;
    for (uint32_t i = 0; i < h->nr_slots; i++)
        beyond += histogram_slot_low(i) > MSEC(1) ? histogram_count(h, i) : 0;
    r.n = h->total;
    r.mean_us = (double)h->sum / (double)h->total / 1e3;
    r.beyond_1ms = (double)beyond / (double)h->total;
    diag_clear(&d);
    arena_free(a);
    return r;
}

static void
assert_near(double got, double expected, double relative)
{
    if (got < expected * (1 - relative) || got > expected * (1 + relative))
        fail_msg("%.4f, expected %.4f within %.1f %%", got, expected, 100 * relative);
}

/*
 * Mean response 1 / (mu - lambda); P(T > t) = exp(-(mu - lambda) t), so exp(-5) beyond 1 ms. Long
 * responses come in bunches: the share varies by some 8 % from seed to seed, so four are averaged.
 */
static void
one_exponential_server_is_m_m_1(void **state)
{
    double mean = 0, beyond = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct answer r = simulate("hwloc:core:1 pu:1", "exponential: 100us", "1", "5000", seed);

        assert_int_equal(r.n, 400000);
        mean += r.mean_us / 4;
        beyond += r.beyond_1ms / 4;
    }
    assert_near(mean, 200, 0.01);
    assert_near(beyond, 0.0067379, 0.1);
}

/* Mean wait rho / (2 mu (1 - rho)), and the service itself. */
static void
one_constant_server_is_m_d_1(void **state)
{
    (void)state;
    assert_near(simulate("hwloc:core:1 pu:1", "constant: 100us", "1", "5000", 1).mean_us, 150,
                0.01);
    assert_near(simulate("hwloc:core:1 pu:1", "constant: 100us", "1", "8000", 1).mean_us, 300,
                0.02);
}

/* M/M/2 at rho = 0.7: C = 2 rho^2 / (1 + rho) = 0.576471, T = 1/mu + C / (2 mu - lambda). */
static void
two_servers_are_m_m_2(void **state)
{
    double c = 2 * 0.7 * 0.7 / 1.7, expected = 100 + c / (20000.0 - 14000.0) * 1e6;

    (void)state;
    assert_near(simulate("hwloc:core:2 pu:1", "exponential: 100us", "2", "14000", 1).mean_us,
                expected, 0.02);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_exponential_server_is_m_m_1),
        cmocka_unit_test(one_constant_server_is_m_d_1),
        cmocka_unit_test(two_servers_are_m_m_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

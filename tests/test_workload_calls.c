/* layer: config */
/* Requests that threads make, branches, arrivals that rise, and what is counted of them. */
#include "workload_kit.h"

#include "kernel/requests.h"

static const struct request_kind *
kind_of(const struct run *x, uint32_t process, const char *name)
{
    const struct process *pr = x->f.k->processes[process];

    for (uint32_t i = 0; i < pr->nr_kinds; i++)
        if (strcmp(pr->kinds[i]->name, name) == 0)
            return pr->kinds[i];
    fail_msg("there are no requests '%s'", name);
    return NULL;
}

static void
run_all(struct run *x, const char *text, uint32_t cores)
{
    open_run(x, text, 1, cores, 1);
    engine_run(&x->f.k->engine, SEC(1000));
    if (x->f.k->error != NULL)
        fail_msg("%s", x->f.k->error);
    assert_true(workload_done(x->r));
}

#define SERVICE(count, steps)                                                                      \
    "  - {name: s, count: " count ", background: yes, program: [loop: {count: forever, do: "       \
    "[request: {begin: q}, " steps ", request: {end: served}]}]}\n"

static void
a_call_takes_as_long_as_the_slowest_of_its_requests(void **state)
{
    struct run x;

    (void)state;
    /* Three calls for two servers of 2 ms: 4 ms; then 1 ms of its own. */
    run_all(&x,
            HEAD "  sync: {q: queue}\n"
                 "  threads:\n"
                 "  - {name: a, program: [compute: 1ms, request: begin, call: {to: q, count: 3}, "
                 "request: {end: whole}, compute: 1ms]}\n" SERVICE("2", "compute: 2ms"),
            4);
    g_autofree char *got = history(&x);
    assert_string_equal(got, "p/a@6000");
    assert_int_equal(kind_of(&x, 0, "served")->latency.total, 3);
    assert_int_equal(kind_of(&x, 0, "served")->latency.max, MSEC(4));
    assert_int_equal(kind_of(&x, 0, "served")->latency.min, MSEC(2));
    assert_int_equal(kind_of(&x, 0, "whole")->latency.sum, MSEC(4));
    /* calls are no requests of their own */
    assert_int_equal(kind_of(&x, 0, "")->arrived, 1);
    assert_int_equal(kind_of(&x, 0, "")->latency.total, 1);
    assert_int_equal(x.f.k->processes[0]->stats.request.total, 1);
    assert_int_equal(x.f.k->tasks[0]->stats.work_done, 1);
    assert_int_equal(x.f.k->tasks[1]->stats.work_done, 0);
    fixture_close(&x.f);
}

static void
a_call_that_is_answered_later_runs_beside_its_caller(void **state)
{
    struct run x;

    (void)state;
    run_all(&x,
            HEAD "  sync: {q: queue}\n"
                 "  threads:\n"
                 "  - {name: a, program: [call: {to: q, reply: later}, compute: 1ms, replies, "
                 "call: {to: q, reply: none}, compute: 500us]}\n" SERVICE("1", "compute: 3ms"),
            4);
    g_autofree char *got = history(&x);
    assert_string_equal(got, "p/a@3500");
    fixture_close(&x.f);
}

static void
a_service_may_call_another_and_processes_may_call_each_other(void **state)
{
    struct run x;

    (void)state;
    run_all(&x,
            "version: 1\nname: t\nsync: {front: queue, leaf: queue}\nprocesses:\n"
            "- name: client\n  threads: [{name: c, program: [call: front, call: front]}]\n"
            "- name: mid\n  threads: [{name: m, background: yes, program: [loop: {count: forever, "
            "do: [request: {begin: front}, compute: 1ms, call: {to: leaf, count: 2}, compute: 1ms, "
            "request: {end: mid}]}]}]\n"
            "- name: low\n  threads: [{name: l, count: 2, background: yes, program: [loop: {count: "
            "forever, do: [request: {begin: leaf}, compute: 5ms, request: {end: low}]}]}]\n",
            8);
    assert_int_equal(kernel_now(x.f.k), MSEC(14));
    assert_int_equal(kind_of(&x, 1, "mid")->latency.sum, MSEC(14));
    assert_int_equal(kind_of(&x, 2, "low")->latency.total, 4);
    fixture_close(&x.f);
}

static void
a_full_queue_of_calls_is_an_error(void **state)
{
    struct run x;

    (void)state;
    open_run(&x,
             HEAD "  sync: {q: {kind: queue, capacity: 2}}\n"
                  "  threads: [{name: a, program: [call: {to: q, count: 3}]}]\n",
             1, 1, 1);
    engine_run(&x.f.k->engine, SEC(1));
    assert_non_null(strstr(x.f.k->error, "calls a queue that is full; give it more capacity"));
    fixture_close(&x.f);
}

static void
choices_are_drawn_by_weight(void **state)
{
    struct run x;

    (void)state;
    run_all(&x,
            HEAD
            "  threads:\n"
            "  - name: a\n"
            "    program: [loop: {count: 31000, do: [request: begin, choose: [{weight: 30, do: "
            "[compute: 1us, request: {end: get}]}, {do: [compute: 2us, request: {end: set}]}, "
            "{weight: 0, do: [exit]}]]}]\n",
            1);
    /* 1000 expected, standard deviation 31 */
    assert_in_range(kind_of(&x, 0, "set")->latency.total, 880, 1120);
    assert_int_equal(kind_of(&x, 0, "set")->latency.total + kind_of(&x, 0, "get")->latency.total,
                     31000);
    assert_int_equal(kind_of(&x, 0, "get")->latency.max, USEC(1));
    fixture_close(&x.f);
}

static void
stairs_rise_from_the_first_rate_to_the_last_and_end(void **state)
{
    struct run x;

    (void)state;
    run_all(&x,
            HEAD
            "  sync: {q: {kind: queue, arrivals: {stairs: {first: 1000/s, last: 5000/s, steps: 5, "
            "time: 4s, start: 1s}}}}\n"
            "  threads: [{name: a, program: [loop: {count: forever, do: [request: {begin: q}, "
            "compute: 10us, request: end]}]}]\n",
            1);
    for (guint i = 0; i < 5; i++) {
        g_autofree char *name = g_strdup_printf("step%u", i + 1);
        const struct request_kind *kind = kind_of(&x, 0, name);
        double expected = 4000.0 * (i + 1);

        assert_int_equal(kind->from, SEC(1 + 4 * i));
        assert_int_equal(kind->to, SEC(5 + 4 * i));
        /* five standard deviations of a Poisson count are at most 8 % of it */
        assert_in_range(kind->arrived, expected * 0.92, expected * 1.08);
        assert_int_equal(kind->latency.total, kind->arrived);
    }
    assert_in_range(kernel_now(x.f.k), SEC(21) - MSEC(5), SEC(21) + MSEC(1));
    fixture_close(&x.f);
}

static void
intervals_of_arrivals_may_have_any_distribution(void **state)
{
    struct run x;

    (void)state;
    /* the published pool: a mean of 16.03 / (1 - 0.155) us */
    run_all(&x,
            HEAD "  sync: {q: {kind: queue, arrivals: {renewal: {count: 100000, interval: "
                 "{generalized_pareto: {location: 0ns, scale: 16.03us, shape: 0.155}}}}}}\n"
                 "  threads: [{name: a, program: [loop: {count: forever, do: [request: {begin: q}, "
                 "compute: 1us, request: end]}]}]\n",
            1);
    double mean = (double)kernel_now(x.f.k) / 100000, expected = 16030 / (1 - 0.155);
    assert_true(mean > expected * 0.98 && mean < expected * 1.02);
    fixture_close(&x.f);
}

/* A value decides about words, steps and lists of steps; 1 + 2 + 4 ms. */
static void
cases_stand_for_what_a_value_chooses(void **state)
{
    (void)state;
    assert_history(
        "version: 1\nname: t\n"
        "parameters: {how: {type: choice, of: [fast, slow], default: slow}}\n"
        "processes:\n- name: p\n  threads:\n"
        "  - name: {$case: $how, slow: s, fast: f}\n"
        "    program:\n"
        "    - {$case: $how, slow: [compute: 1ms, compute: 2ms], fast: []}\n"
        "    - {$case: $how, fast: [nothing], else: {compute: {$case: $how, slow: 4ms}}}\n",
        1, "p/s@7000");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_takes_as_long_as_the_slowest_of_its_requests),
        cmocka_unit_test(a_call_that_is_answered_later_runs_beside_its_caller),
        cmocka_unit_test(a_service_may_call_another_and_processes_may_call_each_other),
        cmocka_unit_test(a_full_queue_of_calls_is_an_error),
        cmocka_unit_test(choices_are_drawn_by_weight),
        cmocka_unit_test(stairs_rise_from_the_first_rate_to_the_last_and_end),
        cmocka_unit_test(intervals_of_arrivals_may_have_any_distribution),
        cmocka_unit_test(cases_stand_for_what_a_value_chooses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

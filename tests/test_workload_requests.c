/* layer: config */
/* Requests, deadlines, and hints about memory; programs that fail. */
#include "workload_kit.h"

#include "kernel/pages.h"

static void
an_absolute_timer_catches_up_and_a_relative_one_does_not(void **state)
{
    /* Rounds of 5, 1, 1, 1 ms every 2 ms. Absolute: the releases at 2, 4 and 6 are late by 3, 2, 1
     * ms; relative: the second begins at 5, the next ones every 2 ms. */
#define ROUND "[compute: 1ms, {loop: {count: 4 / (1 + 4 * loop), do: [compute: 1ms]}}]"
    assert_history(HEAD "  threads:\n"
                        "  - name: a\n"
                        "    program: [period: {every: 2ms, count: 4, do: " ROUND "}]\n",
                   1, "p/a@8000");
    assert_history(HEAD "  threads:\n"
                        "  - name: a\n"
                        "    program: [period: {every: 2ms, count: 4, mode: relative, do: " ROUND
                        "}]\n",
                   1, "p/a@10000");
}

static void
deadlines_that_are_missed_are_counted(void **state)
{
    struct run x;

    open_run(&x,
             HEAD "  threads:\n"
                  "  - name: a\n"
                  "    program: [period: {every: 2ms, deadline: 1ms, count: 4, do: [loop: {count: "
                  "1 + loop, do: [compute: 400us]}]}]\n",
             1, 1, 1);
    fixture_run(&x.f, SEC(1));
    /* `loop` in the count is the round of the period: 0.4, 0.8, 1.2, 1.6 ms */
    assert_int_equal(x.f.k->processes[0]->stats.deadline_total, 4);
    assert_int_equal(x.f.k->processes[0]->stats.deadline_misses, 2);
    fixture_close(&x.f);
}

static void
requests_wait_in_a_queue_and_their_latency_counts_from_their_arrival(void **state)
{
    struct run x;

    /* Four arrivals at 1, 2, 3, 4 ms, one worker, 2 ms each: done at 3, 5, 7, 9. */
    open_run(&x,
             HEAD
             "  sync: {q: {kind: queue, arrivals: {deterministic: {interval: 1ms, count: 4}}}}\n"
             "  threads:\n"
             "  - name: a\n"
             "    program: [loop: {count: forever, do: [request: {begin: q}, compute: 2ms, "
             "request: end]}]\n",
             1, 1, 1);
    fixture_run(&x.f, SEC(1));
    const struct histogram *h = &x.f.k->processes[0]->stats.request;
    assert_int_equal(h->total, 4);
    assert_int_equal(h->min, MSEC(2));
    assert_int_equal(h->max, MSEC(5));
    assert_int_equal(h->sum, MSEC(2 + 3 + 4 + 5));
    assert_int_equal(x.f.k->tasks[0]->stats.work_done, 4);
    assert_int_equal(x.f.k->tasks[0]->exited_at, MSEC(9));
    assert_true(workload_done(x.r));
    assert_null(workload_remark(x.r));
    fixture_close(&x.f);
}

static void
requests_that_find_no_room_are_dropped_and_reported(void **state)
{
    struct run x;

    open_run(&x,
             HEAD
             "  sync: {q: {kind: queue, capacity: 1, arrivals: {times: [1ms, 1ms, 1ms, 1ms]}}}\n"
             "  threads:\n"
             "  - name: a\n"
             "    program: [loop: {count: forever, do: [request: {begin: q}, compute: 2ms, "
             "request: end]}]\n",
             1, 1, 1);
    fixture_run(&x.f, SEC(1));
    assert_int_equal(x.f.k->tasks[0]->stats.work_done, 2);
    assert_string_equal(workload_remark(x.r), "2 requests found their queue full and were dropped; "
                                              "they are in no latency");
    fixture_close(&x.f);
}

static void
clients_of_a_closed_loop_think_ask_and_wait(void **state)
{
    struct run x;

    /* One client: thinks 1 ms, is served 1 ms: five requests are done after 10 ms. */
    open_run(&x,
             HEAD
             "  sync: {q: {kind: queue, arrivals: {closed: {clients: 1, think: 1ms, count: 5}}}}\n"
             "  threads:\n"
             "  - name: a\n"
             "    program: [loop: {count: forever, do: [request: {begin: q}, compute: 1ms, "
             "request: end]}]\n",
             1, 1, 1);
    fixture_run(&x.f, SEC(1));
    assert_int_equal(x.f.k->tasks[0]->stats.work_done, 5);
    assert_int_equal(x.f.k->tasks[0]->exited_at, MSEC(10));
    fixture_close(&x.f);
}

static void
a_queue_waits_as_long_as_m_d_1_says(void **state)
{
    struct run x;

    /* rho 0.8: rho / (2 mu (1 - rho)) = 0.8 / 0.4 * 100 us = 200 us */
    open_run(&x,
             HEAD "  sync: {q: {kind: queue, arrivals: {poisson: {rate: 8000/s, count: 400000}}}}\n"
                  "  threads:\n"
                  "  - name: a\n"
                  "    program: [loop: {count: forever, do: [request: {begin: q}, compute: 100us, "
                  "request: end]}]\n",
             1, 1, 1);
    engine_run(&x.f.k->engine, SEC(1000));
    const struct histogram *h = &x.f.k->processes[0]->stats.request;
    assert_int_equal(h->total, 400000);
    assert_in_range(h->sum / h->total - USEC(100), 192000, 208000);
    fixture_close(&x.f);
}

static void
hints_of_steps_win_over_hints_of_threads(void **state)
{
    struct run x;

    open_run(&x,
             HEAD "  threads:\n"
                  "  - {name: a, hint: {query: short, kind: web}, program: [compute: 1ms, hint: "
                  "{query: long}, compute: 1ms]}\n",
             1, 1, 1);
    engine_run(&x.f.k->engine, USEC(500));
    assert_string_equal(workload_hint(x.f.k->tasks[0], "query"), "short");
    assert_null(workload_hint(x.f.k->tasks[0], "quer"));
    engine_run(&x.f.k->engine, USEC(1500));
    assert_string_equal(workload_hint(x.f.k->tasks[0], "query"), "long");
    assert_string_equal(workload_hint(x.f.k->tasks[0], "kind"), "web");
    fixture_close(&x.f);
}

/* ---- bindings ---- */

static void
hard_bind_deals_nodes_to_processes_and_slices_to_threads(void **state)
{
    struct run x;
    static const char text[] = "version: 1\nname: t\nprocesses:\n"
                               "- name: p\n  count: 2\n  bind: hard\n"
                               "  regions: [{name: d, size: 1MiB, slices: w}]\n"
                               "  threads: [{name: w, count: 4, program: [compute: 1ms]}]\n";

    open_run(&x, text, 4, 2, 1);
    struct region *r = x.f.k->processes[1]->mm->regions;
    g_autoptr(GString) s = g_string_new(NULL);
    for (guint i = 0; i < 4; i++) {
        char cpus[64];
        cpumask_format(x.f.k->processes[1]->members[i]->allowed, cpus, sizeof(cpus));
        g_string_append_printf(s, "%s:%" G_GINT64_MODIFIER "x ", cpus,
                               region_policy(r, region_slice_first(r, (uint32_t)i))->nodes);
    }
    assert_string_equal(s->str, "4-5:4 4-5:4 6-7:8 6-7:8 ");
    assert_int_equal(region_policy(r, 0)->mode, MPOL_BIND);
    assert_int_equal(r->maps->nr_vmas, 2);
    fixture_close(&x.f);
}

static void
inverse_bind_puts_each_slice_on_the_farthest_node(void **state)
{
    struct run x;
    static const char text[] = "version: 1\nname: t\nprocesses:\n"
                               "- name: p\n  bind: inverse\n"
                               "  regions: [{name: d, size: 1MiB, slices: w}]\n"
                               "  threads: [{name: w, count: 4, program: [compute: 1ms]}]\n";

    /* All remote nodes are equally far: (node + N/2) mod N. */
    open_run(&x, text, 4, 1, 1);
    struct region *r = x.f.k->processes[0]->mm->regions;
    for (guint i = 0; i < 4; i++) {
        assert_int_equal(region_policy(r, region_slice_first(r, (uint32_t)i))->nodes,
                         1u << ((i + 2) % 4));
        assert_true(cpumask_test(x.f.k->processes[0]->members[i]->allowed, i));
        assert_int_equal(cpumask_weight(x.f.k->processes[0]->members[i]->allowed), 1);
    }
    fixture_close(&x.f);
}

static void
one_node_touches_put_all_pages_on_the_same_random_node(void **state)
{
    uint64_t seen = 0;

    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct run x;
        open_run(&x,
                 "version: 1\nname: t\nprocesses:\n"
                 "- name: p\n  count: 2\n"
                 "  regions: [{name: d, size: 1MiB}]\n"
                 "  threads: [{name: w, count: 2, program: [touch: {region: d, first_touch: "
                 "one_node}, sleep: 5s]}]\n",
                 4, 1, seed);
        engine_run(&x.f.k->engine, SEC(4));
        const struct region *a = x.f.k->processes[0]->mm->regions;
        const struct region *b = x.f.k->processes[1]->mm->regions;
        int node = page_node(page_word(a, 0));
        for (uint32_t i = 0; i < 256; i++) {
            assert_int_equal(page_node(page_word(a, i)), node);
            assert_int_equal(page_node(page_word(b, i)), node);
        }
        seen |= UINT64_C(1) << node;
        fixture_close(&x.f);
    }
    assert_int_equal(seen, 15); /* 4 * 0.75^12 = 13 % for a miss; these seeds see all */
}

static void
a_stream_works_two_ns_a_line_and_misses_each(void **state)
{
    struct run x;

    open_run(&x,
             HEAD "  regions: [{name: d, size: 1MiB, slices: a}]\n"
                  "  threads:\n"
                  "  - {name: a, count: 2, program: [touch: d, stream: {region: d, slice: own, "
                  "loops: 3, work: 1}]}\n",
             1, 2, 1);
    engine_run(&x.f.k->engine, SEC(5));
    assert_true(workload_done(x.r));
    const struct task_stats *st = &x.f.k->tasks[0]->stats;
    /* 16384 lines, then three times half of them */
    assert_int_equal(st->accesses_local + st->accesses_remote, 16384 + 3 * 8192);
    assert_int_equal(st->work_done, 3);
    fixture_close(&x.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_timer_catches_up_and_a_relative_one_does_not),
        cmocka_unit_test(deadlines_that_are_missed_are_counted),
        cmocka_unit_test(requests_wait_in_a_queue_and_their_latency_counts_from_their_arrival),
        cmocka_unit_test(requests_that_find_no_room_are_dropped_and_reported),
        cmocka_unit_test(clients_of_a_closed_loop_think_ask_and_wait),
        cmocka_unit_test(a_queue_waits_as_long_as_m_d_1_says),
        cmocka_unit_test(hints_of_steps_win_over_hints_of_threads),
        cmocka_unit_test(hard_bind_deals_nodes_to_processes_and_slices_to_threads),
        cmocka_unit_test(inverse_bind_puts_each_slice_on_the_farthest_node),
        cmocka_unit_test(one_node_touches_put_all_pages_on_the_same_random_node),
        cmocka_unit_test(a_stream_works_two_ns_a_line_and_misses_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

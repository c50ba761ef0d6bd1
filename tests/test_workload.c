/* layer: config */
/*
 * Workloads as they run: programs against a kernel whose own work is free, so that every time can
 * be told in advance. A history is who ended when, in microseconds.
 */
#include <glib.h>

#include "config/workload_yaml.h"
#include "sim_fixture.h"

struct run {
    struct fixture f;
    struct diag diag;
    struct workload *w;
    struct workload_run *r;
};

static char *
messages_of(struct diag *d)
{
    char *text = diag_text(d);

    diag_clear(d);
    return text;
}

/* Processes with one CPU a thread unless the test wants less. */
static void
open_run(struct run *x, const char *text, uint32_t nodes, uint32_t cores, uint64_t seed)
{
    struct kernel_params kp;
    struct kernel_limits limits = { 0 };
    char why[256];
    const char *error;

    x->f.arena = arena_new();
    x->f.machine = fixture_machine(x->f.arena, nodes, cores, 1, 20);
    diag_init(&x->diag);
    x->w = workload_yaml_load("w.yaml", text, strlen(text), NULL, x->f.arena, &x->diag);
    g_autofree char *messages = messages_of(&x->diag);
    assert_string_equal(messages, "");
    error = workload_limits(x->w, x->f.machine, &limits);
    assert_null(error);
    kernel_params_init(&kp, x->f.arena);
    assert_true(kernel_params_set(&kp, "noise", "off", x->f.arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 1000000000000u;
    x->f.k = kernel_new(x->f.arena, x->f.machine, &kp, seed, &limits, &fixture_memory);
    /* forked from the last CPU, thread i of a process comes to CPU i: who is first is known */
    x->f.k->start_cpu = (int)x->f.machine->nr_cpus - 1;
    x->r = workload_build(x->f.k, x->w, &error);
    assert_non_null(x->r);
    workload_start(x->r);
}

static char *
history(struct run *x)
{
    GString *s = g_string_new(NULL);
    struct kernel *k = x->f.k;

    for (uint64_t last = 0;;) { /* by time of exit, then by number */
        uint64_t next = UINT64_MAX;
        for (uint32_t i = 0; i < k->nr_tasks; i++)
            if (k->tasks[i]->state == TASK_DEAD && k->tasks[i]->exited_at + 1 > last)
                next = MIN(next, k->tasks[i]->exited_at);
        if (next == UINT64_MAX)
            break;
        for (uint32_t i = 0; i < k->nr_tasks; i++)
            if (k->tasks[i]->state == TASK_DEAD && k->tasks[i]->exited_at == next)
                g_string_append_printf(s, "%s%s@%" G_GUINT64_FORMAT, s->len ? " " : "",
                                       k->tasks[i]->name, (guint64)next / 1000);
        last = next + 2;
    }
    return g_string_free(s, FALSE);
}

/* Runs to the end and compares who ended when. */
static void
assert_history(const char *text, uint32_t cores, const char *expected)
{
    struct run x;

    open_run(&x, text, 1, cores, 1);
    fixture_run(&x.f, SEC(10));
    if (x.f.k->error != NULL)
        fail_msg("%s", x.f.k->error);
    g_autofree char *got = history(&x);
    assert_string_equal(got, expected);
    fixture_close(&x.f);
}

#define HEAD "version: 1\nname: t\nprocesses:\n- name: p\n"

static void
steps_follow_each_other_and_loops_go_round(void **state)
{
    assert_history(HEAD
                   "  threads:\n"
                   "  - name: a\n"
                   "    program: [compute: 1ms, sleep: 2ms, loop: {count: 3, do: [compute: 100us, "
                   "{loop: {count: loop, do: [sleep: 10us]}}]}, compute: 1ms]\n",
                   1, "p/a@4330");
}

static void
a_barrier_opens_when_the_last_has_come(void **state)
{
    static const char *const waits[] = { "block", "spin", "spin_then_block" };

    for (guint i = 0; i < G_N_ELEMENTS(waits); i++) {
        g_autofree char *text =
            g_strdup_printf(HEAD "  sync: {b: {kind: barrier, size: 3}}\n"
                                 "  threads:\n"
                                 "  - name: a\n"
                                 "    count: 3\n"
                                 "    program:\n"
                                 "    - loop: {count: 1 + thread, do: [compute: 1ms]}\n"
                                 "    - barrier: {name: b, wait: %s}\n"
                                 "    - loop: {count: 1 + thread, do: [compute: 1ms]}\n",
                            waits[i]);
        /* a poller looks every eighth of its 20 us */
        assert_history(text, 3, "p/a-0@4000 p/a-1@5000 p/a-2@6000");
    }
}

static void
a_lock_is_held_by_one_at_a_time(void **state)
{
    assert_history(HEAD "  sync: {l: lock}\n"
                        "  threads:\n"
                        "  - name: a\n"
                        "    count: 3\n"
                        "    program: [compute: 1ms, lock: l, compute: 2ms, unlock: l]\n",
                   3, "p/a-0@3000 p/a-1@5000 p/a-2@7000");
}

static void
a_spinning_waiter_is_handed_the_lock(void **state)
{
    assert_history(HEAD "  sync: {l: lock}\n"
                        "  threads:\n"
                        "  - name: a\n"
                        "    count: 3\n"
                        "    program: [lock: {name: l, wait: spin}, compute: 2ms, unlock: l]\n",
                   3, "p/a-0@2000 p/a-1@4000 p/a-2@6000");
}

static void
a_condition_releases_its_lock_and_takes_it_again(void **state)
{
    assert_history(HEAD
                   "  sync: {l: lock, c: {kind: condition, lock: l}}\n"
                   "  threads:\n"
                   "  - name: w\n"
                   "    count: 2\n"
                   "    program: [lock: l, wait: c, compute: 1ms, unlock: l]\n"
                   "  - name: s\n"
                   "    program: [sleep: 1ms, lock: l, broadcast: c, compute: 2ms, unlock: l]\n",
                   3, "p/s@3000 p/w-0@4000 p/w-1@5000");
}

static void
a_signal_wakes_one_and_is_lost_if_nobody_waits(void **state)
{
    assert_history(HEAD "  sync: {l: lock, c: {kind: condition, lock: l}}\n"
                        "  threads:\n"
                        "  - name: w\n"
                        "    start: 1ms\n"
                        "    program: [lock: l, wait: c, unlock: l]\n"
                        "  - name: s\n"
                        "    program: [signal: c, sleep: 2ms, signal: c]\n",
                   2, "p/w@2000 p/s@2000");
}

static void
a_semaphore_lets_so_many_in(void **state)
{
    assert_history(HEAD "  sync: {s: {kind: semaphore, value: 2}}\n"
                        "  threads:\n"
                        "  - name: a\n"
                        "    count: 5\n"
                        "    program: [down: s, sleep: 1ms, up: s]\n",
                   5, "p/a-0@1000 p/a-1@1000 p/a-2@2000 p/a-3@2000 p/a-4@3000");
}

static void
a_channel_holds_a_sender_back_when_it_is_full(void **state)
{
    /* Room for two: the third goes in when the first is taken at 1 ms, the fourth at 2 ms. */
    assert_history(
        HEAD "  sync: {c: {kind: channel, capacity: 200B}}\n"
             "  threads:\n"
             "  - name: s\n"
             "    program: [loop: {count: 4, do: [send: {to: c, bytes: 100B, cost: 0ns}]}]\n"
             "  - name: r\n"
             "    program: [loop: {count: 4, do: [sleep: 1ms, receive: {from: c, bytes: 100B, "
             "cost: 0ns}]}]\n",
        2, "p/s@2000 p/r@4000");
}

static void
a_message_costs_both_ends(void **state)
{
    assert_history(HEAD "  sync: {c: channel}\n"
                        "  threads:\n"
                        "  - name: r\n"
                        "    program: [receive: {from: c, bytes: 100B, cost: 20us}]\n"
                        "  - name: s\n"
                        "    program: [send: {to: c, bytes: 100B, cost: 10us}, sleep: 5us]\n",
                   2, "p/s@15 p/r@30");
}

static void
fork_starts_threads_and_join_waits_for_them(void **state)
{
    assert_history(HEAD "  threads:\n"
                        "  - name: w\n"
                        "    count: 2\n"
                        "    start: fork\n"
                        "    program: [compute: 3ms]\n"
                        "  - name: m\n"
                        "    program: [compute: 1ms, fork: w, join: w, compute: 1ms]\n",
                   3, "p/w-0@4000 p/w-1@4000 p/m@5000");
}

static void
a_fork_waits_for_a_free_thread_and_the_thread_is_a_new_task(void **state)
{
    /* make -j2 of five jobs of 1 ms */
    assert_history(HEAD
                   "  threads:\n"
                   "  - name: j\n"
                   "    count: 2\n"
                   "    start: fork\n"
                   "    program: [compute: 1ms]\n"
                   "  - name: make\n"
                   "    program: [loop: {count: 5, do: [fork: {threads: j, count: 1}]}, join: j]\n",
                   3, "p/j-0@1000 p/j-1@1000 p/j-0@2000 p/j-1@2000 p/make@3000 p/j-0@3000");
}

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
a_program_that_never_does_anything_fails_the_run(void **state)
{
    struct run x;

    open_run(&x,
             HEAD "  threads:\n"
                  "  - {name: a, program: [loop: {count: forever, do: [work: 1]}]}\n",
             1, 1, 1);
    engine_run(&x.f.k->engine, SEC(1));
    assert_non_null(x.f.k->error);
    assert_non_null(strstr(x.f.k->error, "of p/a goes round and round without doing anything"));
    fixture_close(&x.f);
}

static void
releasing_a_lock_that_is_not_held_fails_the_run(void **state)
{
    struct run x;

    open_run(&x,
             HEAD "  sync: {l: lock}\n"
                  "  threads:\n"
                  "  - {name: a, program: [compute: 1ms, unlock: l]}\n",
             1, 1, 1);
    engine_run(&x.f.k->engine, SEC(1));
    assert_string_equal(x.f.k->error,
                        "w.yaml:7: step unlock of p/a releases a lock that it does not hold");
    fixture_close(&x.f);
}

static void
background_threads_do_not_hold_up_the_end(void **state)
{
    struct run x;

    open_run(&x,
             HEAD "  threads:\n"
                  "  - {name: a, program: [compute: 5ms]}\n"
                  "  - {name: n, background: yes, program: [loop: {count: forever, do: [compute: "
                  "1ms]}]}\n",
             1, 2, 1);
    assert_false(workload_endless(x.w));
    assert_int_equal(engine_run(&x.f.k->engine, SEC(1)), ENGINE_STOPPED);
    assert_true(workload_done(x.r));
    assert_int_equal(kernel_now(x.f.k), MSEC(5));
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
        g_string_append_printf(s, "%s:%" G_GINT64_MODIFIER "x ", cpus, r->slice_policy[i].nodes);
    }
    assert_string_equal(s->str, "4-5:4 4-5:4 6-7:8 6-7:8 ");
    assert_int_equal(r->policy.mode, MPOL_BIND);
    assert_int_equal(r->policy.nodes, 0xc);
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
        assert_int_equal(r->slice_policy[i].nodes, 1u << ((i + 2) % 4));
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
                 "one_node}]}]\n",
                 4, 1, seed);
        engine_run(&x.f.k->engine, SEC(5));
        assert_true(workload_done(x.r));
        const struct region *a = x.f.k->processes[0]->mm->regions;
        const struct region *b = x.f.k->processes[1]->mm->regions;
        int node = page_node(a->pages[0]);
        for (uint32_t i = 0; i < 256; i++) {
            assert_int_equal(page_node(a->pages[i]), node);
            assert_int_equal(page_node(b->pages[i]), node);
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
        cmocka_unit_test(steps_follow_each_other_and_loops_go_round),
        cmocka_unit_test(a_barrier_opens_when_the_last_has_come),
        cmocka_unit_test(a_lock_is_held_by_one_at_a_time),
        cmocka_unit_test(a_spinning_waiter_is_handed_the_lock),
        cmocka_unit_test(a_condition_releases_its_lock_and_takes_it_again),
        cmocka_unit_test(a_signal_wakes_one_and_is_lost_if_nobody_waits),
        cmocka_unit_test(a_semaphore_lets_so_many_in),
        cmocka_unit_test(a_channel_holds_a_sender_back_when_it_is_full),
        cmocka_unit_test(a_message_costs_both_ends),
        cmocka_unit_test(fork_starts_threads_and_join_waits_for_them),
        cmocka_unit_test(a_fork_waits_for_a_free_thread_and_the_thread_is_a_new_task),
        cmocka_unit_test(an_absolute_timer_catches_up_and_a_relative_one_does_not),
        cmocka_unit_test(deadlines_that_are_missed_are_counted),
        cmocka_unit_test(requests_wait_in_a_queue_and_their_latency_counts_from_their_arrival),
        cmocka_unit_test(requests_that_find_no_room_are_dropped_and_reported),
        cmocka_unit_test(clients_of_a_closed_loop_think_ask_and_wait),
        cmocka_unit_test(a_queue_waits_as_long_as_m_d_1_says),
        cmocka_unit_test(a_program_that_never_does_anything_fails_the_run),
        cmocka_unit_test(releasing_a_lock_that_is_not_held_fails_the_run),
        cmocka_unit_test(background_threads_do_not_hold_up_the_end),
        cmocka_unit_test(hints_of_steps_win_over_hints_of_threads),
        cmocka_unit_test(hard_bind_deals_nodes_to_processes_and_slices_to_threads),
        cmocka_unit_test(inverse_bind_puts_each_slice_on_the_farthest_node),
        cmocka_unit_test(one_node_touches_put_all_pages_on_the_same_random_node),
        cmocka_unit_test(a_stream_works_two_ns_a_line_and_misses_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/*
 * Workloads as they run: programs against a kernel whose own work is free, so that every time can
 * be told in advance. A history is who ended when, in microseconds.
 */
#include "workload_kit.h"

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
        cmocka_unit_test(a_program_that_never_does_anything_fails_the_run),
        cmocka_unit_test(releasing_a_lock_that_is_not_held_fails_the_run),
        cmocka_unit_test(background_threads_do_not_hold_up_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

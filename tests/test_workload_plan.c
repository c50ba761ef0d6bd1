/* layer: config */
#include "workload_kit.h"

#include "kernel/task_plan.h"

static struct task_plan
plan_of(struct run *x, const char *text)
{
    struct task_plan plan = { 0 };

    open_run(x, text, 1, 4, 1);
    x->f.k->tasks[0]->ops->plan(x->f.k, x->f.k->tasks[0], &plan);
    return plan;
}

static void
assert_near(double got, double expected)
{
    if (got < expected * 0.999 || got > expected * 1.001)
        fail_msg("%g, expected %g", got, expected);
}

#define TEXT "version: 1\nname: w\nprocesses:\n- name: p\n  regions: [{name: data, size: 1MiB}]\n"

/* 1 MiB is 16384 lines, 2 ns each; written once by the touch and ten times by the loops. */
static void
loops_multiply(void **state)
{
    struct run x;

    (void)state;
    struct task_plan p = plan_of(
        &x, TEXT "  threads: [{name: t, program: [touch: data, loop: {count: 5, do: [stream: "
                 "{region: data, writes: 50%, mlp: 8, loops: 2, work: 1}]}, compute: 3ms]}]\n");
    assert_near(p.work_ns, 11 * 16384 * 2 + 3e6);
    assert_int_equal(p.nr_uses, 1);
    assert_near(p.uses[0].misses, 11 * 16384);
    assert_near(p.uses[0].written, 16384 + 5 * 16384);
    assert_near(p.uses[0].stalls, 16384 / 12.0 + 10 * 16384 / 8.0);
    assert_near(p.units, 10);
    assert_false(p.endless);
    fixture_close(&x.f);
}

/* 40 misses in 1000 instructions of 0.4 ns: 1 in 10 ns. */
static void
a_loop_without_end_is_one_round(void **state)
{
    struct run x;

    (void)state;
    struct task_plan p = plan_of(
        &x, TEXT "  threads: [{name: t, program: [touch: data, compute: 9ms, loop: {count: "
                 "forever, do: [sleep: {exponential: 3ms}, compute: {time: {uniform: {min: 1ms, "
                 "max: 3ms}}, mpki: 40, region: data, mlp: 2}, work: 7]}]}]\n");
    assert_true(p.endless);
    assert_near(p.work_ns, 2e6);
    assert_near(p.idle_ns, 3e6);
    assert_near(p.units, 7);
    assert_near(p.uses[0].misses, 2e5);
    assert_near(p.uses[0].stalls, 1e5);
    fixture_close(&x.f);
}

/* 3 of 4 times 1 ms, else 5 ms and a stream: on the average 2 ms and a quarter of the lines. */
static void
choices_count_by_their_chance(void **state)
{
    struct run x;

    (void)state;
    struct task_plan p = plan_of(
        &x, TEXT "  threads: [{name: t, program: [loop: {count: 8, do: [choose: [{weight: 3, do: "
                 "[compute: 1ms]}, {weight: 1, do: [compute: 5ms, stream: {region: data}]}], work: "
                 "1]}, compute: 1ms]}]\n");
    assert_near(p.work_ns, 8 * (2e6 + 16384 * 2 / 4.0) + 1e6);
    assert_near(p.uses[0].misses, 8 * 16384 / 4.0);
    assert_near(p.units, 8);
    fixture_close(&x.f);
}

/* Barriers divide what the loop does five times: 2 ms before, a stream and 1 ms between, 4 ms
 * behind. */
static void
barriers_begin_parts(void **state)
{
    struct run x;

    (void)state;
    struct task_plan p = plan_of(
        &x, TEXT "  sync: {b: {kind: barrier, size: 1}}\n  threads: [{name: t, program: [loop: "
                 "{count: 5, do: [compute: 2ms, barrier: b, stream: {region: data}, compute: 1ms, "
                 "barrier: b, sleep: 3ms, compute: 4ms]}]}]\n");
    assert_int_equal(p.nr_parts, 3);
    assert_near(p.parts[0].work_ns, 5 * 2e6);
    assert_near(p.parts[1].work_ns, 5 * (16384 * 2 + 1e6));
    assert_near(p.parts[2].work_ns, 5 * 4e6);
    assert_near(p.parts[2].idle_ns, 5 * 3e6);
    assert_near(p.work_ns, 5 * (7e6 + 16384 * 2));
    assert_int_equal(p.nr_uses, 1);
    assert_int_equal(p.uses[0].part, 1);
    fixture_close(&x.f);
}

/* A quarter of the main thread's work is before the fork. */
static void
who_is_forked_comes_after(void **state)
{
    struct run x;

    (void)state;
    struct task_plan p = plan_of(
        &x, TEXT "  threads: [{name: t, start: fork, program: [compute: 1ms]}, {name: main, "
                 "program: [compute: 2ms, fork: t, compute: 6ms]}]\n");
    assert_ptr_equal(p.after, x.f.k->tasks[1]);
    assert_near(p.after_part, 0.25);
    assert_near(p.work_ns, 1e6);
    fixture_close(&x.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_multiply),
        cmocka_unit_test(a_loop_without_end_is_one_round),
        cmocka_unit_test(choices_count_by_their_chance),
        cmocka_unit_test(barriers_begin_parts),
        cmocka_unit_test(who_is_forked_comes_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

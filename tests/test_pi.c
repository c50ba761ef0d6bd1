/* layer: config */
#include <glib.h>

#include "config/workload_yaml.h"
#include "sim_fixture.h"
#include "workload/run.h"

struct run {
    struct fixture f;
    struct diag diag;
};

/* Runs a workload on one CPU, free of costs, with all invariants checked. */
static void
run_text(struct run *x, const char *text)
{
    struct kernel_params kp;
    struct kernel_limits limits = { 0 };
    char why[256];
    const char *error;

    x->f.arena = arena_new();
    x->f.machine = fixture_machine(x->f.arena, 1, 1, 1, 20);
    diag_init(&x->diag);
    struct workload *w =
        workload_yaml_load("w.yaml", text, strlen(text), NULL, x->f.arena, &x->diag);
    assert_non_null(w);
    assert_null(workload_limits(w, x->f.machine, &limits));
    kernel_params_init(&kp, x->f.arena);
    assert_true(kernel_params_set(&kp, "noise", "off", x->f.arena, why, sizeof(why)));
    memset(&kp.cost, 0, sizeof(kp.cost));
    kp.cost.zero_bandwidth = kp.cost.copy_bandwidth = 1000000000000u;
    x->f.k = kernel_new(x->f.arena, x->f.machine, &kp, 1, &limits, &fixture_memory);
    struct workload_run *r = workload_build(x->f.k, w, &error);
    assert_non_null(r);
    workload_start(r);
    fixture_run(&x->f, SEC(10));
    assert_null(x->f.k->error);
}

static void
close_run(struct run *x)
{
    diag_clear(&x->diag);
    fixture_close(&x->f);
}

static sim_time
end_of(const struct run *x, const char *name)
{
    for (uint32_t i = 0; i < x->f.k->nr_tasks; i++)
        if (g_str_has_suffix(x->f.k->tasks[i]->name, name))
            return x->f.k->tasks[i]->exited_at;
    fail_msg("no task %s", name);
    return 0;
}

/* The classic inversion: low has the lock for 20 ms, high wants it at 5 ms, middle, which does not,
 * runs from 6 ms on for 50 ms. */
static void
inversion(struct run *x, const char *pi)
{
    g_autofree char *text = g_strdup_printf(
        "version: 1\nname: w\nprocesses:\n  - name: p\n    sync: {l: lock}\n    threads:\n"
        "      - {name: low, class: fifo, priority: 10, program: [{lock: {name: l, pi: %s}}, "
        "{compute: 20ms}, {unlock: l}]}\n"
        "      - {name: high, class: fifo, priority: 30, start: 5ms, program: "
        "[{lock: {name: l, pi: %s}}, {compute: 1ms}, {unlock: l}]}\n"
        "      - {name: middle, class: fifo, priority: 20, start: 6ms, program: "
        "[{compute: 50ms}]}\n",
        pi, pi);

    run_text(x, text);
}

static void
without_inheritance_the_middle_goes_first(void **state)
{
    struct run x;

    (void)state;
    inversion(&x, "no");
    assert_int_equal(end_of(&x, "middle"), MSEC(56));
    assert_int_equal(end_of(&x, "high"), MSEC(71));
    close_run(&x);
}

static void
the_holder_inherits_until_it_lets_go(void **state)
{
    struct run x;

    (void)state;
    inversion(&x, "yes");
    assert_int_equal(end_of(&x, "high"), MSEC(21));
    assert_int_equal(end_of(&x, "middle"), MSEC(71));
    assert_int_equal(end_of(&x, "low"), MSEC(20)); /* to leave takes no time */
    close_run(&x);
}

/* c has m; b has l and waits for m; a waits for l: c runs as if it were a, before d. */
static void
priorities_go_along_a_chain(void **state)
{
    struct run x;

    (void)state;
    run_text(&x, "version: 1\nname: w\nprocesses:\n  - name: p\n    sync: {l: lock, m: lock}\n"
                 "    threads:\n"
                 "      - {name: c, program: [{lock: {name: m, pi: yes}}, {compute: 30ms}, "
                 "{unlock: m}]}\n"
                 "      - {name: b, class: fifo, priority: 10, start: 5ms, program: "
                 "[{lock: {name: l, pi: yes}}, {lock: {name: m, pi: yes}}, {compute: 2ms}, "
                 "{unlock: m}, {unlock: l}]}\n"
                 "      - {name: d, class: fifo, priority: 20, start: 10ms, program: "
                 "[{compute: 50ms}]}\n"
                 "      - {name: a, class: fifo, priority: 30, start: 15ms, program: "
                 "[{lock: {name: l, pi: yes}}, {compute: 1ms}, {unlock: l}]}\n");
    /* c runs 0-10, d 10-15, c 15-35, b 35-37, a 37-38, d 38-83 */
    assert_int_equal(end_of(&x, "a"), MSEC(38));
    assert_int_equal(end_of(&x, "d"), MSEC(83));
    close_run(&x);
}

/* A fair holder runs with the deadline of the deadline task that waits. */
static void
a_fair_holder_inherits_a_deadline(void **state)
{
    struct run x;

    (void)state;
    run_text(&x, "version: 1\nname: w\nprocesses:\n  - name: p\n    sync: {l: lock}\n    threads:\n"
                 "      - {name: low, nice: 19, program: [{lock: {name: l, pi: yes}}, "
                 "{compute: 10ms}, {unlock: l}]}\n"
                 "      - {name: dl, class: deadline, runtime: 20ms, period: 100ms, start: 2ms, "
                 "program: [{lock: {name: l, pi: yes}}, {compute: 1ms}, {unlock: l}]}\n"
                 "      - {name: rt, class: fifo, priority: 99, start: 4ms, program: "
                 "[{compute: 50ms}]}\n");
    assert_int_equal(end_of(&x, "dl"), MSEC(11));
    assert_int_equal(end_of(&x, "rt"), MSEC(61));
    close_run(&x);
}

/* Of those that wait the most important is next, whoever came first. */
static void
the_most_important_waiter_is_next(void **state)
{
    struct run x;

    (void)state;
    run_text(&x,
             "version: 1\nname: w\nprocesses:\n  - name: p\n    sync: {l: lock}\n    threads:\n"
             "      - {name: low, class: fifo, priority: 1, program: [{lock: {name: l, pi: yes}}, "
             "{compute: 10ms}, {unlock: l}]}\n"
             "      - {name: first, class: fifo, priority: 5, start: 1ms, program: "
             "[{lock: {name: l, pi: yes}}, {compute: 1ms}, {unlock: l}]}\n"
             "      - {name: best, class: fifo, priority: 9, start: 2ms, program: "
             "[{lock: {name: l, pi: yes}}, {compute: 1ms}, {unlock: l}]}\n");
    assert_int_equal(end_of(&x, "best"), MSEC(11));
    assert_int_equal(end_of(&x, "first"), MSEC(12));
    close_run(&x);
}

/* set_class in a program: the same thread goes from fair to fifo and back. */
static void
a_program_changes_its_class(void **state)
{
    struct run x;

    (void)state;
    run_text(&x, "version: 1\nname: w\nprocesses:\n  - name: p\n    threads:\n"
                 "      - {name: a, program: [{set_class: {class: fifo, priority: 5}}, "
                 "{compute: 100ms}, {set_class: {class: normal}}, {compute: 10ms}]}\n"
                 "      - {name: b, program: [{compute: 10ms}]}\n");
    assert_true(end_of(&x, "b") > MSEC(105));
    assert_int_equal(SIM_MAX(end_of(&x, "a"), end_of(&x, "b")), MSEC(120));
    close_run(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_inheritance_the_middle_goes_first),
        cmocka_unit_test(the_holder_inherits_until_it_lets_go),
        cmocka_unit_test(priorities_go_along_a_chain),
        cmocka_unit_test(a_fair_holder_inherits_a_deadline),
        cmocka_unit_test(the_most_important_waiter_is_next),
        cmocka_unit_test(a_program_changes_its_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

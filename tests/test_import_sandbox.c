/* layer: config */
/* The sandbox: whatever a function does in there, the caller gets an answer in time. */
#include "config/import_sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct sandbox_limits limits = {
    .wall_seconds = 2,
    .cpu_seconds = 1,
    .memory_bytes = (guint64)1 << 30,
    .output_bytes = 100000,
};

static void
answer(void *argument, GString *out)
{
    g_string_append(out, argument);
}

static void
answer_at_length(void *argument, GString *out)
{
    for (gsize i = 0; i < *(gsize *)argument; i++)
        g_string_append_c(out, 'x');
}

static void
print_and_crash(void *argument, GString *out)
{
    g_string_append(out, "half an answer");
    fprintf(stderr, "noise\n");
    abort();
}

static void
leave(void *argument, GString *out)
{
    _exit(3);
}

static void
spin(void *argument, GString *out)
{
    for (volatile unsigned i = 0;; i++) /* may overflow before it is ended */
        continue;
}

static void
hang(void *argument, GString *out)
{
    for (;;)
        sleep(60);
}

static void
change_our_memory(void *argument, GString *out)
{
    *(int *)argument = 1;
}

static enum sandbox_end
run(sandbox_function f, void *argument, gsize *len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    enum sandbox_end end = sandbox_run(f, argument, &limits, out);

    *len = out->len;
    assert_true(strlen(sandbox_end_text(end)) > 5);
    return end;
}

static void
an_answer_comes_back_in_full_up_to_the_limit(void **state)
{
    gsize len, most = limits.output_bytes, more = most + 1;

    assert_int_equal(run(answer, (char[]){ "yes" }, &len), SANDBOX_DONE);
    assert_int_equal(len, 3);
    assert_int_equal(run(answer_at_length, &most, &len), SANDBOX_DONE);
    assert_int_equal(len, most);
    assert_int_equal(run(answer_at_length, &more, &len), SANDBOX_TOO_MUCH);
    assert_int_equal(len, 0);
}

static void
a_crash_or_an_exit_is_told_and_leaves_no_answer(void **state)
{
    gsize len;

    assert_int_equal(run(print_and_crash, NULL, &len), SANDBOX_CRASHED);
    assert_int_equal(len, 0);
    assert_int_equal(run(leave, NULL, &len), SANDBOX_CRASHED);
}

static void
work_and_sleep_without_end_are_ended(void **state)
{
    gint64 start = g_get_monotonic_time();
    gsize len;

    assert_int_equal(run(spin, NULL, &len), SANDBOX_TOO_LONG);
    assert_int_equal(run(hang, NULL, &len), SANDBOX_TOO_LONG);
    assert_true(g_get_monotonic_time() - start < 30 * G_USEC_PER_SEC);
}

static void
what_is_changed_inside_stays_inside(void **state)
{
    int ours = 0;
    gsize len;

    assert_int_equal(run(change_our_memory, &ours, &len), SANDBOX_DONE);
    assert_int_equal(ours, 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back_in_full_up_to_the_limit),
        cmocka_unit_test(a_crash_or_an_exit_is_told_and_leaves_no_answer),
        cmocka_unit_test(work_and_sleep_without_end_are_ended),
        cmocka_unit_test(what_is_changed_inside_stays_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

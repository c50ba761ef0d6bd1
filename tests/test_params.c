/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/features.h"
#include "kernel/params.h"

/* The defaults are written twice: as the text of the field, and in the list of switches. */
static void
features_begin_as_they_are_listed(void **state)
{
    struct arena *a = arena_new();
    struct kernel_params kp;

    (void)state;
    kernel_params_init(&kp, a);
#define X(name, on) assert_int_equal(kp.sched.features >> SCHED_FEAT_##name & 1, on);
    SCHED_FEATURES(X)
#undef X
    arena_free(a);
}

/* What a write to sysctl or debugfs refuses: a runtime above its period; an rt share below that of
 * the fair server, 50 ms of 1 s by default. Without a limit, or a server, there is nothing to agree
 * on. */
static void
what_linux_would_refuse_does_not_go_together(void **state)
{
    static const struct {
        const char *runtime, *period, *server, *every, *part;
    } cases[] = {
        { "950ms", "1s", "50ms", "1s", NULL },
        { "1s", "1s", "50ms", "1s", NULL },
        { "1001ms", "1s", "50ms", "1s", "sched.rt_runtime is above sched.rt_period" },
        { "0ns", "1s", "1s", "1s", NULL },
        { "950ms", "1s", "2ms", "1ms", "sched.fair_server_runtime is above" },
        { "50ms", "1s", "50ms", "1s", NULL },
        { "49ms", "1s", "50ms", "1s", "the share of the fair server" },
        { "49ms", "1s", "0ns", "1s", NULL },
        { "49ms", "500ms", "50ms", "1s", NULL },
    };
    struct arena *a = arena_new();
    char why[256];
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const set[][2] = { { "sched.rt_runtime", cases[i].runtime },
                                       { "sched.rt_period", cases[i].period },
                                       { "sched.fair_server_runtime", cases[i].server },
                                       { "sched.fair_server_period", cases[i].every } };
        struct kernel_params kp;

        kernel_params_init(&kp, a);
        for (size_t j = 0; j < ARRAY_LEN(set); j++)
            assert_true(kernel_params_set(&kp, set[j][0], set[j][1], a, why, sizeof(why)));
        const char *conflict = kernel_params_conflict(&kp);
        if (cases[i].part == NULL)
            assert_null(conflict);
        else
            assert_memory_equal(conflict, cases[i].part, strlen(cases[i].part));
    }
    arena_free(a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_begin_as_they_are_listed),
        cmocka_unit_test(what_linux_would_refuse_does_not_go_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

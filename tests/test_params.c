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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_begin_as_they_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

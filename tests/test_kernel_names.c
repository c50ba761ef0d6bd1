/* layer: config */
/*
 * Parameters by the kernel's names: debugfs' sched/base_slice_ns, sysctl's sched_rt_runtime_us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/kernel_names.h"
#include "config/policy_yaml.h"

static bool
set(struct policy_spec *p, struct arena *a, const char *key, const char *value)
{
    char *why = NULL;
    bool done = policy_set(p, key, value, a, &why);

    if (!done)
        print_message("%s\n", why);
    g_free(why);
    return done;
}

static void
the_units_are_those_of_the_names(void **state)
{
    struct arena *a = arena_new();
    struct policy_spec p;
    char *why = NULL;
    (void)state;

    assert_true(policy_preset("topology", a, &p, &why));
    assert_true(set(&p, a, "sched.base_slice_ns", "3000000"));
    assert_int_equal(p.params.sched.base_slice_ns, 3000000);
    assert_true(set(&p, a, "sched.migration_cost_ns", "0"));
    assert_int_equal(p.params.sched.migration_cost_ns, 0);
    assert_true(set(&p, a, "sched.rt_runtime_us", "900000"));
    assert_int_equal(p.params.sched.rt_runtime, 900000000);
    assert_true(set(&p, a, "numa_balancing.scan_delay_ms", "500"));
    assert_int_equal(p.params.numa.scan_delay, 500000000);
    assert_true(set(&p, a, "numa_balancing.scan_size_mb", "64"));
    assert_int_equal(p.params.numa.scan_size, 64 << 20);
    arena_free(a);
}

/* An unsigned int of the kernel: all are hot, and newly idle CPUs look around all the less. */
static void
a_migration_cost_of_minus_one_is_the_largest(void **state)
{
    struct arena *a = arena_new();
    struct policy_spec p;
    char *why = NULL;
    (void)state;

    assert_true(policy_preset("topology", a, &p, &why));
    assert_true(set(&p, a, "sched.migration_cost_ns", "-1"));
    assert_int_equal(p.params.sched.migration_cost_ns, UINT32_MAX);
    arena_free(a);
}

/* -1 is no limit; 0 is less than what the fair servers hold already (sched_dl_global_validate). */
static void
a_runtime_of_minus_one_is_no_limit_and_0_is_refused(void **state)
{
    struct arena *a = arena_new();
    struct policy_spec p;
    char *why = NULL;
    (void)state;

    assert_true(policy_preset("topology", a, &p, &why));
    assert_true(set(&p, a, "sched.rt_runtime_us", "-1"));
    assert_int_equal(p.params.sched.rt_runtime, 0);
    assert_false(policy_set(&p, "sched.rt_runtime_us", "0", a, &why));
    assert_string_equal(why,
                        "the kernel refuses 0 while fair servers hold bandwidth (EBUSY); write "
                        "-1 for no limit");
    g_free(why);
    arena_free(a);
}

static void
what_is_no_number_is_refused_and_so_is_what_is_out_of_range(void **state)
{
    struct arena *a = arena_new();
    struct policy_spec p;
    char *why = NULL;
    (void)state;

    assert_true(policy_preset("topology", a, &p, &why));
    assert_false(policy_set(&p, "sched.base_slice_ns", "3ms", a, &why));
    assert_string_equal(why, "'3ms' is not a number of ns; write one, or use sched.base_slice, "
                             "which takes a unit");
    g_free(why);
    assert_false(set(&p, a, "sched.base_slice_ns", "-1"));
    assert_false(set(&p, a, "sched.base_slice_ns", ""));
    assert_false(set(&p, a, "sched.base_slice_ns", "200000000"));
    assert_false(set(&p, a, "sched.base_slice_us", "1"));
    arena_free(a);
}

static void
what_is_not_modelled_is_said_by_name(void **state)
{
    static const char *const keys[] = { "sched.util_clamp_min", "sched.uclamp", "sched.dl_reclaim",
                                        "sched.energy_aware", "sched.core" };
    struct arena *a = arena_new();
    struct policy_spec p;
    char *why = NULL;
    (void)state;

    assert_true(policy_preset("topology", a, &p, &why));
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        assert_false(policy_set(&p, keys[i], "1", a, &why));
        assert_non_null(strstr(why, "is not modelled; leave it out"));
        g_free(why);
    }
    arena_free(a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_units_are_those_of_the_names),
        cmocka_unit_test(a_migration_cost_of_minus_one_is_the_largest),
        cmocka_unit_test(a_runtime_of_minus_one_is_no_limit_and_0_is_refused),
        cmocka_unit_test(what_is_no_number_is_refused_and_so_is_what_is_out_of_range),
        cmocka_unit_test(what_is_not_modelled_is_said_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
/* Older and textbook rules of CPU selection (select.affinity, select.wake, select.idle_sibling). */
#include "affine_kit.h"

/* ---- variants ---- */

static void
queue(struct fixture *f, int cpu, uint64_t weight)
{
    f->k->rqs[cpu].cfs.load_weight = weight << 10;
}

static bool
variant_pulls(const char *rule, uint64_t here, uint64_t there, int prev)
{
    const char *const settings[] = { "select.affinity", rule, NULL };
    struct fixture f;

    kit_plain(&f, 2, 8, 1, settings);
    struct task *p = kit_sleeper(&f, prev);
    struct wakeup w = { .p = p, .this_cpu = 0, .prev = prev };
    kit_only_idle(&f, "");
    queue(&f, 0, here);
    queue(&f, prev, there);
    wake_affine(f.k, f.k->domains->cpus[0].numa, &w);
    fixture_close(&f);
    return w.target == 0;
}

/* 100 * (here + 1024) <= 108 * there */
static void
raw_load_compares_what_is_queued(void **state)
{
    (void)state;
    assert_true(variant_pulls("load", 1024, 1897, 8));
    assert_false(variant_pulls("load", 1024, 1896, 8));
    assert_true(variant_pulls("load", 1024, 1897, 1));
}

/* Far: 120 * (here + 1024) <= 110 * there; near: 110 on both sides. */
static void
distance_makes_the_waker_look_heavier(void **state)
{
    (void)state;
    assert_true(variant_pulls("distance", 1024, 2235, 8));
    assert_false(variant_pulls("distance", 1024, 2234, 8));
    assert_true(variant_pulls("distance", 1024, 2048, 1));
    assert_false(variant_pulls("distance", 1024, 2047, 1));
}

static void
same_node_never_crosses(void **state)
{
    static const char *const settings[] = { "select.affinity", "same_node", NULL };
    static const struct affine_case near = { "0", 0, 1, false, 0, 0, 0, AFFINE_IDLE },
                                    far = { "8", 0, 8, true, 1, 0, 8, AFFINE_VARIANT };
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, settings);
    assert_target(&f, &near);
    assert_target(&f, &far);
    fixture_close(&f);
}

/* topology-early: the target is taken as it is. */
static void
without_a_search_the_target_is_the_choice(void **state)
{
    static const char *const settings[] = { "select.affinity", "load", "select.idle_sibling", "no",
                                            NULL };
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, settings);
    struct task *p = kit_sleeper(&f, 8);
    run_on(&f, 0);
    kit_only_idle(&f, "1-7,9-15");
    queue(&f, 0, 1024);
    queue(&f, 8, 1024);
    assert_int_equal(wake(&f, p, 0, 0), 8);
    queue(&f, 8, 3072);
    assert_int_equal(wake(&f, p, 0, 0), 0);
    fixture_close(&f);
}

static void
a_wakee_may_go_to_its_preferred_node(void **state)
{
    static const char *const settings[] = { "select.wake", "preferred_node", NULL };
    struct fixture f;

    (void)state;
    kit_plain(&f, 2, 8, 1, settings);
    struct task *p = kit_sleeper(&f, 2);
    struct task_numa *numa =
        p->numa != NULL ? p->numa : arena_new_object(f.arena, struct task_numa);
    p->numa = numa;
    run_on(&f, 0);
    kit_only_idle(&f, "1-7,10,12");
    f.k->rqs[12].idle_since = MSEC(5);
    f.k->rqs[10].idle_since = MSEC(4);
    numa->preferred = NUMA_NO_NODE;
    assert_int_equal(wake(&f, p, 0, 0), 2);
    numa->preferred = 1;
    assert_int_equal(wake(&f, p, 0, 0), 12);
    p->cpu = 10; /* it idles and is on the node */
    assert_int_equal(wake(&f, p, 0, 0), 10);
    kit_allow(&f, p, "0-7"); /* nothing of that node: the kernel's rule, and its fallback */
    p->cpu = 3;
    assert_int_equal(wake(&f, p, 0, 0), 3);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_load_compares_what_is_queued),
        cmocka_unit_test(distance_makes_the_waker_look_heavier),
        cmocka_unit_test(same_node_never_crosses),
        cmocka_unit_test(without_a_search_the_target_is_the_choice),
        cmocka_unit_test(a_wakee_may_go_to_its_preferred_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

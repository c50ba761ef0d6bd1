/* layer: kernel */
#include "memory_kit.h"

#include "kernel/mempolicy.h"
#include "kernel/numa_quirks.h"

enum { NODES = 8 };

/* The examples of Documentation/admin-guide/mm/numa_memory_policy: a set folded onto what is
 * allowed, and moved by position. */
static void
sets_move_by_position(void **state)
{
    (void)state;
    assert_int_equal(nodes_fold(0x29, 4), 0xb);    /* 0,3,5 modulo 4: 0,3,1 */
    assert_int_equal(nodes_onto(0x5, 0xf0), 0x50); /* first and third of 4-7 */
    assert_int_equal(nodes_onto(0x9, 0x70), 0x10); /* there is no fourth */
    assert_int_equal(nodes_remap(0x3, 0xf, 0xf0), 0x30);
    assert_int_equal(nodes_remap(0xc, 0xf, 0x30), 0x30); /* modulo the new size: 2, 3 are 0, 1 */
    assert_int_equal(nodes_remap(0x12, 0x3, 0xc), 0x18); /* 4 is not in the old set, and stays */
    assert_int_equal(node_remap(2, 0x1f, 0x300), 8);
    assert_int_equal(node_remap(6, 0x1f, 0x300), 6);
}

struct rebind_case {
    const char *what;
    enum mempolicy_mode mode;
    bool fixed, relative;
    nodemask user, allowed[3]; /* when set, after a first and a second change */
    nodemask nodes[3];
};

static const struct rebind_case cases[] = {
    { "by position", MPOL_BIND, false, false, 0x5, { 0xf, 0xf0, 0x3 }, { 0x5, 0x50, 0x1 } },
    { "outside: not at all",
      MPOL_INTERLEAVE,
      false,
      false,
      0x31,
      { 0xf, 0xe, 0xf },
      { 0x1, 0x2, 0x1 } },
    { "static", MPOL_BIND, true, false, 0x3, { 0xf, 0x2, 0xff }, { 0x3, 0x2, 0x3 } },
    { "static, nothing left",
      MPOL_INTERLEAVE,
      true,
      false,
      0x3,
      { 0xf, 0xc, 0x1 },
      { 0x3, 0xc, 0x1 } },
    { "relative", MPOL_BIND, false, true, 0x6, { 0xf0, 0x3, 0xff }, { 0x60, 0x3, 0x6 } },
    { "weighted",
      MPOL_WEIGHTED_INTERLEAVE,
      false,
      false,
      0x6,
      { 0xf, 0x5, 0x5 },
      { 0x6, 0x5, 0x5 } },
    { "preferred stays",
      MPOL_PREFERRED,
      false,
      false,
      0x6,
      { 0xf, 0xf0, 0xf0 },
      { 0x2, 0x2, 0x2 } },
    { "preferred_many stays",
      MPOL_PREFERRED_MANY,
      true,
      false,
      0x6,
      { 0xf, 0xf0, 0xf0 },
      { 0x6, 0x6, 0x6 } },
};

static void
check_case(struct fixture *f, const struct rebind_case *c, const nodemask *expected)
{
    struct mempolicy p = { .mode = c->mode,
                           .static_nodes = c->fixed,
                           .relative_nodes = c->relative,
                           .user_nodes = c->user };

    assert_true(mempolicy_apply(&p, c->allowed[0]));
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            mempolicy_rebind(f->k, &p, c->allowed[i]);
        if (p.nodes != expected[i])
            fail_msg("%s, %d: nodes %llx, not %llx", c->what, i, (unsigned long long)p.nodes,
                     (unsigned long long)expected[i]);
    }
}

static void
a_policy_follows_its_cpuset(void **state)
{
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_case(&f, &cases[i], cases[i].nodes);
    fixture_close(&f);
}

/* NO_PREFERRED_KEPT: as the documentation has it. */
static void
repaired_preferred_policies_move(void **state)
{
    static const nodemask one[] = { 0x2, 0x20, 0x20 }, many[] = { 0x6, 0xf0, 0xf0 };
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    f.k->params.numa.quirks &= ~((uint64_t)1 << NUMA_QUIRK_PREFERRED_KEPT);
    check_case(&f, &cases[6], one);
    check_case(&f, &cases[7], many); /* static: nothing of 1,2 is left */
    fixture_close(&f);
}

/* The flag of balancing is one of MPOL_MODE_FLAGS, so that the nodes of the program stand where
 * mpol_rebind_nodemask() looks for those that were allowed: 1 and 3 of 1 and 3 become the first and
 * the second of 2 and 3; as second and fourth of 0-3 both would become the second. From the second
 * change on those are the allowed ones. */
static void
nodes_with_balancing_are_taken_for_all_at_first(void **state)
{
    static const nodemask kept[] = { 0xa, 0xc, 0x30 }, repaired[] = { 0xa, 0x8, 0x20 };

    (void)state;
    for (int repair = 0; repair < 2; repair++) {
        struct mempolicy p = { .mode = MPOL_BIND, .numa_balancing = true, .user_nodes = 0xa };
        const nodemask *expected = repair ? repaired : kept;
        struct fixture f;

        kit_open(&f, NODES, 1, &fixture_memory, NULL);
        if (repair)
            f.k->params.numa.quirks &= ~((uint64_t)1 << NUMA_QUIRK_BALANCED_REBIND);
        assert_true(mempolicy_apply(&p, 0xf));
        assert_int_equal(p.nodes, expected[0]);
        mempolicy_rebind(f.k, &p, 0xc);
        assert_int_equal(p.nodes, expected[1]);
        mempolicy_rebind(f.k, &p, 0x30);
        assert_int_equal(p.nodes, expected[2]);
        fixture_close(&f);
    }
}

static void
a_policy_without_an_allowed_node_is_refused(void **state)
{
    struct mempolicy bind = { .mode = MPOL_BIND, .user_nodes = 0x3 };
    struct mempolicy local = { .mode = MPOL_LOCAL };

    (void)state;
    assert_false(mempolicy_apply(&bind, 0xc));
    assert_true(mempolicy_apply(&local, 0xc));
}

/* Page-cache allocations: from the lowest on, whatever the node of the CPU; weighted ones stay for
 * as long as the weight says, at 2:1 over nodes 1 and 3. */
static void
allocations_without_address_take_turns(void **state)
{
    static const struct mempolicy inter = { .mode = MPOL_INTERLEAVE, .nodes = 0xb };
    static const struct mempolicy weighted = { .mode = MPOL_WEIGHTED_INTERLEAVE,
                                               .nodes = 0xa,
                                               .weights = { [1] = 2 } };
    static const int turns[] = { 0, 1, 3, 0, 1 }, by_weight[] = { 1, 1, 3, 1, 1, 3 };
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, NULL);
    struct task *p = fixture_hog(&f, "p", 0);
    task_set_mempolicy(p, &inter);
    for (size_t i = 0; i < ARRAY_LEN(turns); i++)
        assert_int_equal(mempolicy_cursor_node(f.k, p->mem, &inter), turns[i]);
    task_set_mempolicy(p, &weighted);
    for (size_t i = 0; i < ARRAY_LEN(by_weight); i++)
        assert_int_equal(mempolicy_cursor_node(f.k, p->mem, &weighted), by_weight[i]);
    fixture_close(&f);
}

static void
weights_3_and_1(struct kernel_params *kp, struct machine *m)
{
    char why[256];
    struct arena *a = m->arena;

    assert_true(kernel_params_set(kp, "mm.interleave_weights", "3,1", a, why, sizeof(why)));
    assert_false(kernel_params_set(kp, "mm.interleave_weights", "3,256", a, why, sizeof(why)));
    assert_string_equal(why, "'3,256' are not weights; write numbers from 1 to 255 by node, as in "
                             "4,1");
    assert_false(kernel_params_set(kp, "mm.interleave_weights", "3,,1", a, why, sizeof(why)));
    assert_true(kernel_params_set(kp, "mm.interleave_weights", "3,1", a, why, sizeof(why)));
}

/* ilx modulo 3+1+1: 0,0,0,1,2. A weight of the policy's own goes before the machine's. */
static void
weights_are_the_machines(void **state)
{
    static const int expected[] = { 0, 0, 0, 1, 2, 0 };
    struct mempolicy p = { .mode = MPOL_WEIGHTED_INTERLEAVE, .nodes = 0x7 };
    struct fixture f;

    (void)state;
    kit_open(&f, NODES, 1, &fixture_memory, weights_3_and_1);
    for (uint64_t i = 0; i < ARRAY_LEN(expected); i++)
        assert_int_equal(mempolicy_interleave_node(f.k, &p, i), expected[i]);
    p.weights[0] = 1;
    assert_int_equal(mempolicy_interleave_node(f.k, &p, 1), 1);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_move_by_position),
        cmocka_unit_test(a_policy_follows_its_cpuset),
        cmocka_unit_test(repaired_preferred_policies_move),
        cmocka_unit_test(nodes_with_balancing_are_taken_for_all_at_first),
        cmocka_unit_test(a_policy_without_an_allowed_node_is_refused),
        cmocka_unit_test(allocations_without_address_take_turns),
        cmocka_unit_test(weights_are_the_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: kernel */
#include "domains_kit.h"

/* ---- distances */

static void
topology_types_follow_the_first_farthest_pair(void **state)
{
    assert_int_equal(build("2x2: 10 21/21 10")->topology_type, NUMA_DIRECT);
    assert_int_equal(build("4x2: " RING)->topology_type, NUMA_GLUELESS_MESH);
    assert_int_equal(build("4x2: " PAIRS)->topology_type, NUMA_BACKPLANE);
    assert_int_equal(build("8x2: " TWO_SOCKETS_OF_FOUR)->topology_type, NUMA_BACKPLANE);
    assert_int_equal(build("4x2: " LINE)->topology_type, NUMA_GLUELESS_MESH);
    assert_int_equal(build("1x2")->topology_type, NUMA_DIRECT);
}

static void
a_machine_with_two_remote_distances_is_not_direct(void **state)
{
    /* Node 1 is nearer to both 0 and 2 than they are to each other. */
    assert_int_equal(build("3x2: 10 21 31/21 10 21/31 21 10")->topology_type, NUMA_GLUELESS_MESH);
    /* Fully connected, 0-1 near, all else far: nobody is between 0 and 2. */
    assert_int_equal(build("3x2: 10 21 31/21 10 31/31 31 10")->topology_type, NUMA_BACKPLANE);
}

static void
memory_only_nodes_make_no_level(void **state)
{
    struct domains *d = build("2x2 memory 2: 10 21 17 28/21 10 28 17/17 28 10 28/28 17 28 10");

    assert_int_equal(d->nr_distance_levels, 2);
    assert_int_equal(d->distance_levels[1], 21);
    assert_int_equal(d->max_distance, 21);
    assert_string_equal(names_of(d, 0), "MC NUMA");
}

static void
nodes_whose_cpus_are_offline_make_no_level(void **state)
{
    struct machine *m = machine_from_text(a, "3x2: 10 20 30/20 10 40/30 40 10");

    m->cpus[4].online = m->cpus[5].online = false;
    assert_string_equal(groups_of(build_machine(m), 0), "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}");
    assert_int_equal(domains_build(a, m)->nr_distance_levels, 2);
}

static void
a_table_with_a_remote_distance_of_10_is_refused_whole(void **state)
{
    struct domains *d = build("3x1: 10 10 30/10 10 30/30 30 10");

    assert_int_equal(d->distances[1], 20);
    assert_int_equal(d->distances[2], 20);
    assert_int_equal(d->max_distance, 20);
    assert_string_equal(d->messages[0], "ACPI: SLIT table looks invalid. Not used.");
    assert_int_equal(build("3x1: 10 11 30/11 10 30/30 30 10")->nr_messages, 0);
    assert_int_equal(build("2x1: 11 20/20 10")->nr_messages, 1);
}

/*
 * Node 0 reaches all at 21 and ends there; node 1 reaches node 0 a level later, where node 0 has no
 * domain to make a group of. What is left is one group, and that is kept only for affine wakeups.
 */
static void
a_node_uses_its_own_row(void **state)
{
    struct domains *d = build("2x2: 10 21/30 10");

    assert_int_equal(d->nr_distance_levels, 3);
    assert_string_equal(d->messages[0], "ERROR: Node-distance not symmetric");
    assert_string_equal(groups_of(d, 0), "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}");
    assert_string_equal(groups_of(d, 2), "MC 2-3 {2}{3}; NUMA 0-3 {2-3}");
    d = build("2x2: 10 21/31 10");
    assert_string_equal(groups_of(d, 0), "MC 0-1 {0}{1}; NUMA 0-3 {0-1}{2-3}");
    assert_string_equal(groups_of(d, 2), "MC 2-3 {2}{3}");
}

static void
beyond_the_reclaim_distance_nothing_is_placed(void **state)
{
    static const struct {
        const char *machine;
        bool placed;
    } cases[] = {
        { "2x2: 10 30/30 10", true },     { "2x2: 10 31/31 10", false },
        { "2x2 amd: 10 32/32 10", true }, { "2x2 amd: 10 33/33 10", false },
        { "2x2 arm: 10 30/30 10", true }, { "2x2 arm: 10 31/31 10", false },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t flags = domain_named(build(cases[i].machine), 0, "NUMA", 0)->flags;

        assert_int_equal((flags & SD_BALANCE_EXEC) != 0, cases[i].placed);
        assert_int_equal((flags & SD_BALANCE_FORK) != 0, cases[i].placed);
        assert_int_equal((flags & SD_WAKE_AFFINE) != 0, cases[i].placed);
        assert_true(flags & SD_BALANCE_NEWIDLE);
    }
}

static void
an_old_amd_machine_and_a_setting_have_their_own_reclaim_distance(void **state)
{
    struct machine *m = machine_from_text(a, "2x2 amd");

    m->amd_pre_zen = true;
    assert_int_equal(build_machine(m)->node_reclaim_distance, 30);
    m->node_reclaim_distance = 40;
    assert_int_equal(domains_build(a, m)->node_reclaim_distance, 40);
}

/* ---- levels */

static void
levels_that_add_nothing_are_removed(void **state)
{
    assert_string_equal(names_of(build("2x8 smt 2: 10 21/21 10"), 0), "SMT MC NUMA");
    assert_string_equal(names_of(build("2x8: 10 21/21 10"), 0), "MC NUMA");
    assert_string_equal(names_of(build("2x16 smt 2 llc 4: 10 21/21 10"), 0), "SMT MC PKG NUMA");
    assert_string_equal(names_of(build("4x8 llc 1: " RING), 0), "PKG NUMA NUMA");
    assert_string_equal(names_of(build("1x8 smt 2"), 0), "SMT MC");
    assert_string_equal(names_of(build("1x8 smt 2 llc 4"), 0), "SMT MC PKG");
    assert_string_equal(names_of(build("1x1"), 0), "");
}

static void
nodes_within_a_package_drop_pkg_on_the_whole_machine(void **state)
{
    assert_string_equal(names_of(build("8x32 smt 2 llc 16 package 4 amd: " TWO_SOCKETS_OF_FOUR), 0),
                        "SMT MC NODE NUMA NUMA");
    assert_string_equal(names_of(build("8x4 smt 2 package 4: " TWO_SOCKETS_OF_FOUR), 0),
                        "SMT MC NUMA NUMA");
    /* The generic code of other architectures keeps the level. */
    assert_string_equal(names_of(build("8x8 llc 4 package 4 arm: " TWO_SOCKETS_OF_FOUR), 0),
                        "MC PKG NUMA NUMA");
}

static void
only_cpus_that_are_up_decide_whether_a_package_has_several_nodes(void **state)
{
    struct machine *m = machine_from_text(a, "2x4 llc 2 package 2: 10 21/21 10");

    assert_string_equal(names_of(build_machine(m), 0), "MC NODE NUMA");
    for (uint32_t i = 4; i < 8; i++)
        m->cpus[i].online = false;
    assert_string_equal(names_of(build_machine(m), 0), "MC PKG");
}

static void
a_shared_l2_is_a_level_but_not_on_amd(void **state)
{
    struct domains *d = build("1x8 l2 4 llc 8");

    assert_string_equal(groups_of(d, 5), "CLS 4-7 {5}{6}{7}{4}; MC 0-7 {4-7}{0-3}");
    assert_true(d->cluster_active);
    assert_int_equal(d->cpus[5].share_id, 4);
    assert_int_equal(d->cpus[5].llc_id, 0);
    d = build("1x8 l2 4 llc 8 amd");
    assert_string_equal(names_of(d, 5), "MC");
    assert_false(d->cluster_active);
    assert_int_equal(d->cpus[5].share_id, 0);
}

static void
without_an_l3_the_l2_is_the_last_level_except_on_amd(void **state)
{
    static const char *const machines[] = { "1x8 l2 4", "1x8 l2 4 amd" };
    static const char *const want[] = { "CLS PKG", "PKG" };

    for (size_t k = 0; k < ARRAY_LEN(machines); k++) {
        struct machine *m = machine_from_text(a, machines[k]);

        for (uint32_t i = 0; i < 8; i++)
            m->cpus[i].llc = MACHINE_NONE;
        assert_string_equal(names_of(build_machine(m), 0), want[k]);
    }
}

static void
a_cache_that_spans_nodes_is_cut_at_the_node(void **state)
{
    struct domains *d = build("2x4 llc 8 package 2 amd: 10 12/12 10");

    assert_string_equal(groups_of(d, 0), "MC 0-3 {0}{1}{2}{3}; NUMA 0-7 {0-3}{4-7}");
    assert_int_equal(d->cpus[5].llc_id, 4);
    assert_string_equal(d->messages[0], "sched: CPU #4's llc-sibling CPU #0 is not on the same "
                                        "node! [node: 1 != 0]. Ignoring dependency.");
    /* Sub-NUMA clusters of an Intel package are cut silently. */
    assert_int_equal(build("2x4 llc 8 package 2: 10 12/12 10")->nr_messages, 0);
}

static void
masks_that_overlap_leave_the_machine_without_domains(void **state)
{
    struct machine *m = machine_from_text(a, "1x4 smt 2");
    struct domains *d;

    m->cpus[1].l2 = MACHINE_NONE; /* its L2 is its core, {0,1}, but CPU 0's is {0} */
    d = build_machine(m);
    assert_true(d->refused);
    assert_string_equal(names_of(d, 0), "");
    assert_string_equal(names_of(d, 3), "");
    assert_int_equal(d->nr_messages, 1);
    m->cpus[0].l2 = MACHINE_NONE;
    assert_false(domains_build(a, m)->refused);
}

static void
the_generic_last_level_is_the_package_or_node_where_no_cache_is_known(void **state)
{
    struct machine *m = machine_from_text(a, "1x8 arm");

    for (uint32_t i = 0; i < 8; i++) {
        m->cpus[i].llc = MACHINE_NONE;
        m->cpus[i].cluster = (int32_t)i / 4;
        m->cpus[i].package = (int32_t)i / 4;
    }
    assert_string_equal(names_of(build_machine(m), 0), "MC PKG"); /* the cluster is all of MC */
    for (uint32_t i = 0; i < 8; i++)
        m->cpus[i].package = 0;
    assert_string_equal(names_of(build_machine(m), 0), "CLS MC");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(topology_types_follow_the_first_farthest_pair),
        CASE(a_machine_with_two_remote_distances_is_not_direct),
        CASE(memory_only_nodes_make_no_level),
        CASE(nodes_whose_cpus_are_offline_make_no_level),
        CASE(a_table_with_a_remote_distance_of_10_is_refused_whole),
        CASE(a_node_uses_its_own_row),
        CASE(beyond_the_reclaim_distance_nothing_is_placed),
        CASE(an_old_amd_machine_and_a_setting_have_their_own_reclaim_distance),
        CASE(levels_that_add_nothing_are_removed),
        CASE(nodes_within_a_package_drop_pkg_on_the_whole_machine),
        CASE(only_cpus_that_are_up_decide_whether_a_package_has_several_nodes),
        CASE(a_shared_l2_is_a_level_but_not_on_amd),
        CASE(without_an_l3_the_l2_is_the_last_level_except_on_amd),
        CASE(a_cache_that_spans_nodes_is_cut_at_the_node),
        CASE(masks_that_overlap_leave_the_machine_without_domains),
        CASE(the_generic_last_level_is_the_package_or_node_where_no_cache_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

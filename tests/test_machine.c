/* layer: machine */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_text.h"

static struct arena *a;

static int
setup(void **state)
{
    a = arena_new();
    return 0;
}

static int
teardown(void **state)
{
    arena_free(a);
    return 0;
}

static bool
has_note(const struct machine *m, const char *part)
{
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (strstr(m->notes[i], part) != NULL)
            return true;
    return false;
}

static void
counts_follow_from_ids(void **state)
{
    struct machine *m = machine_from_text(a, "4x16 llc 8 smt 2 package 2");

    assert_null(machine_finish(m));
    assert_int_equal(m->nr_cores, 32);
    assert_int_equal(m->nr_llcs, 8);
    assert_int_equal(m->nr_packages, 2);
    assert_int_equal(m->nr_dies, 2);
    assert_int_equal(m->smt, 2);
    assert_int_equal(cpumask_weight(m->online), 64);
    assert_int_equal(cpumask_first(m->nodes[3].cpus), 48);
}

static void
the_core_with_most_threads_tells_smt_wherever_its_cpus_are(void **state)
{
    struct machine *m = machine_from_text(a, "1x8");

    m->cpus[7].core = m->cpus[2].core = m->cpus[0].core;
    assert_null(machine_finish(m));
    assert_int_equal(m->smt, 3);
    assert_int_equal(m->nr_cores, 6);
}

static void
holes_in_cpu_numbers_are_allowed(void **state)
{
    struct machine *m = machine_from_text(a, "2x4");

    m->cpus[1].present = m->cpus[1].online = false;
    assert_null(machine_finish(m));
    assert_false(cpumask_test(m->present, 1));
    assert_int_equal(m->nr_cores, 7);
}

static void
distances_are_assumed_by_package(void **state)
{
    static const uint8_t want[] = {
        10, 12, 20, 20, 12, 10, 20, 20, 20, 20, 10, 12, 20, 20, 12, 10
    };
    struct machine *m = machine_from_text(a, "4x2 package 2");

    assert_null(machine_finish(m));
    assert_memory_equal(m->distances, want, sizeof(want));
    assert_true(has_note(m, "assumed: distances"));
}

static void
given_distances_are_kept_and_make_no_note(void **state)
{
    struct machine *m = machine_from_text(a, "2x2: 10 31 / 21 10");

    assert_null(machine_finish(m));
    assert_int_equal(machine_distance(m, 0, 1), 31);
    assert_int_equal(machine_distance(m, 1, 0), 21);
    assert_false(has_note(m, "assumed: distances"));
}

static void
latency_is_assumed_from_distance(void **state)
{
    struct machine *m = machine_from_text(a, "2x2 memory 1: 10 21 17 / 21 10 28 / 17 28 10");

    m->nodes[2].kind = MEMORY_CXL;
    assert_null(machine_finish(m));
    assert_int_equal(machine_latency_ps(m, 0, 0), 85000);
    assert_int_equal(machine_latency_ps(m, 0, 1), 140000);
    assert_int_equal(machine_latency_ps(m, 0, 2), 85000 + 35000 + 150000);
    assert_true(has_note(m, "assumed: latency of 9 of 9"));
}

static void
only_gaps_in_given_latencies_are_filled(void **state)
{
    struct machine *m = machine_from_text(a, "2x2: 10 21 / 21 10");

    m->has_latency = true;
    m->latency_ps[0] = 70000;
    m->latency_ps[1] = 120000;
    m->latency_ps[3] = 71000;
    assert_null(machine_finish(m));
    assert_int_equal(machine_latency_ps(m, 0, 1), 120000);
    assert_int_equal(machine_latency_ps(m, 1, 0), 140000);
    assert_true(has_note(m, "assumed: latency of 1 of 4"));
}

static void
nodes_of_a_package_share_its_assumed_bandwidth(void **state)
{
    struct machine *m = machine_from_text(a, "4x2 package 2");

    m->nodes[3].bandwidth = 50000000000u;
    assert_null(machine_finish(m));
    assert_int_equal(m->nodes[0].bandwidth, 54000000000u);
    assert_int_equal(m->nodes[3].bandwidth, 50000000000u);
    assert_true(has_note(m, "assumed: memory bandwidth of 3 of 4"));
}

static void
without_links_each_ordered_pair_has_one(void **state)
{
    struct machine *m = machine_from_text(a, "3x1");

    assert_null(machine_finish(m));
    assert_int_equal(m->nr_links, 6);
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t j = 0; j < 3; j++) {
            const struct machine_route *r = machine_route(m, i, j);

            assert_int_equal(r->nr_links, i != j);
            if (i == j)
                continue;
            assert_int_equal(m->links[r->links[0]].from, j); /* data flows memory -> CPU */
            assert_int_equal(m->links[r->links[0]].to, i);
            assert_int_equal(m->links[r->links[0]].bandwidth, 108000000000u / 100 * 47);
        }
}

/* A ring 0-1-2-3-0: between opposite nodes two ways are equally short. */
static struct machine *
ring(uint32_t nr_links)
{
    static struct machine_link links[] = {
        { .from = 0, .to = 1 }, { .from = 1, .to = 0 }, { .from = 1, .to = 2 },
        { .from = 2, .to = 1 }, { .from = 2, .to = 3 }, { .from = 3, .to = 2 },
        { .from = 3, .to = 0 }, { .from = 0, .to = 3 },
    };
    struct machine *m = machine_from_text(a, "4x1");

    m->nr_links = nr_links;
    m->links = arena_new_array(a, struct machine_link, nr_links);
    memcpy(m->links, links, sizeof(*links) * nr_links);
    return m;
}

static void
routes_take_the_fewest_links_and_then_the_lowest(void **state)
{
    struct machine *m = ring(8);
    const struct machine_route *r;

    assert_null(machine_finish(m));
    r = machine_route(m, 0, 1);
    assert_int_equal(r->nr_links, 1);
    assert_int_equal(r->links[0], 1);
    r = machine_route(m, 2, 0); /* 0 > 1 > 2 by links 0, 2; 0 > 3 > 2 by links 7, 5 */
    assert_int_equal(r->nr_links, 2);
    assert_int_equal(r->links[0], 0);
    assert_int_equal(r->links[1], 2);
    r = machine_route(m, 0, 2); /* 2 > 1 > 0 by links 3, 1; 2 > 3 > 0 by links 4, 6 */
    assert_int_equal(r->links[0], 3);
    assert_int_equal(r->links[1], 1);
}

static void
a_pair_that_no_links_connect_is_refused(void **state)
{
    /* Six links leave a line, four leave node 3 alone. */
    assert_null(machine_finish(ring(6)));
    assert_string_equal(machine_finish(ring(4)), "no links lead from node 3 to node 0");
}

static void
a_route_that_is_no_chain_is_refused(void **state)
{
    static uint32_t broken[] = { 0, 4 };
    struct machine *m = ring(8);

    m->routes = arena_new_array(a, struct machine_route, 16);
    m->routes[2 * 4 + 0] = (struct machine_route){ 2, broken };
    assert_string_equal(machine_finish(m),
                        "the route from node 0 to node 2 is not a chain of links");
}

static void
what_does_not_fit_together_is_named(void **state)
{
    struct machine *m = machine_from_text(a, "2x2");

    m->cpus[1].node = 2;
    assert_string_equal(machine_finish(m), "CPU 1 is in no node");
    m = machine_from_text(a, "2x2");
    m->nodes[1].os_index = 0;
    assert_string_equal(machine_finish(m), "node 0 comes after node 0; nodes ascend");
    m = machine_from_text(a, "2x2");
    m->nodes[1].online = false;
    assert_string_equal(machine_finish(m), "CPU 2 is online, but its node 1 is offline");
    m = machine_from_text(a, "2x2");
    m->cpus[2].core = m->cpus[0].core;
    assert_string_equal(machine_finish(m), "core 0 is in package 0 and in package 1");
    m = machine_from_text(a, "1x1");
    m->cpus[0].online = false;
    assert_string_equal(machine_finish(m), "no CPU is online");
}

static void
sixty_four_nodes_are_possible_and_no_more(void **state)
{
    assert_null(machine_finish(machine_from_text(a, "64x1")));
    assert_string_equal(machine_finish(machine_from_text(a, "65x1")),
                        "65 nodes; at most 64 are possible");
}

static void
a_capacity_is_from_1_to_1024(void **state)
{
    static const uint32_t values[] = { 0, 1, 1024, 1025 };

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct machine *m = machine_from_text(a, "1x1");

        m->cpus[0].capacity = values[i];
        assert_int_equal(machine_finish(m) == NULL, i == 1 || i == 2);
    }
}

static void
nodes_are_found_by_the_machines_own_numbers(void **state)
{
    struct machine *m = machine_from_text(a, "2x1 memory 1");

    m->nodes[1].os_index = 8;
    m->nodes[2].os_index = 252;
    assert_null(machine_finish(m));
    assert_int_equal(machine_node_by_os(m, 252), 2);
    assert_int_equal(machine_node_by_os(m, 1), -1);
    assert_int_equal(machine_cpu_nodes(m), 0x3);
    assert_int_equal(machine_memory_nodes(m), 0x7);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counts_follow_from_ids),
        CASE(the_core_with_most_threads_tells_smt_wherever_its_cpus_are),
        CASE(holes_in_cpu_numbers_are_allowed),
        CASE(distances_are_assumed_by_package),
        CASE(given_distances_are_kept_and_make_no_note),
        CASE(latency_is_assumed_from_distance),
        CASE(only_gaps_in_given_latencies_are_filled),
        CASE(nodes_of_a_package_share_its_assumed_bandwidth),
        CASE(without_links_each_ordered_pair_has_one),
        CASE(routes_take_the_fewest_links_and_then_the_lowest),
        CASE(a_pair_that_no_links_connect_is_refused),
        CASE(a_route_that_is_no_chain_is_refused),
        CASE(what_does_not_fit_together_is_named),
        CASE(sixty_four_nodes_are_possible_and_no_more),
        CASE(a_capacity_is_from_1_to_1024),
        CASE(nodes_are_found_by_the_machines_own_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

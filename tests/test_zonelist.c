/* layer: kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/domains.h"
#include "machine_text.h"

/* "0123 1230": each node's order as digits. */
static const char *
orders(struct arena *a, const struct machine *m, nodemask cpu_nodes)
{
    int32_t **lists = zonelist_build(a, m, m->distances, cpu_nodes);
    char *text = arena_alloc(a, 8192), *at = text;

    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        if (n > 0)
            *at++ = ' ';
        if (lists[n] == NULL)
            *at++ = '-';
        for (const int32_t *node = lists[n]; node != NULL && *node >= 0; node++)
            *at++ = (char)('0' + *node);
    }
    return text;
}

static void
expect_orders(const char *machine, nodemask cpu_nodes, const char *want)
{
    struct arena *a = arena_new();
    struct machine *m = machine_from_text(a, machine);

    assert_null(machine_finish(m));
    assert_string_equal(orders(a, m, cpu_nodes), want);
    arena_free(a);
}

static void
equidistant_nodes_follow_their_number_and_wrap(void **state)
{
    expect_orders("4x1: 10 20 20 20/20 10 20 20/20 20 10 20/20 20 20 10", 0, "0123 1230 2301 3012");
}

static void
nearer_nodes_come_first(void **state)
{
    expect_orders("4x1: 10 16 32 33/16 10 25 32/32 25 10 16/33 32 16 10", 0, "0123 1023 2310 3210");
}

#define TWO_CPU_TWO_MEMORY "2x1 memory 2: 10 21 17 28/21 10 28 17/17 28 10 28/28 17 28 10"

static void
lists_built_at_boot_know_of_no_cpu(void **state)
{
    expect_orders(TWO_CPU_TWO_MEMORY, 0, "0213 1302 2031 3102");
}

static void
lists_built_again_prefer_nodes_without_cpus(void **state)
{
    expect_orders(TWO_CPU_TWO_MEMORY, 0x3, "0213 1302 2031 3120");
}

static void
the_load_spreads_who_leads_a_distant_socket(void **state)
{
    expect_orders("8x1: 10 12 12 12 32 32 32 32/12 10 12 12 32 32 32 32/12 12 10 12 32 32 32 32/"
                  "12 12 12 10 32 32 32 32/32 32 32 32 10 12 12 12/32 32 32 32 12 10 12 12/"
                  "32 32 32 32 12 12 10 12/32 32 32 32 12 12 12 10",
                  0, "01234567 12305674 23016745 30127456 45670123 56741230 67452301 74563012");
}

static void
a_node_without_memory_is_in_no_list_but_has_one(void **state)
{
    struct arena *a = arena_new();
    struct machine *m = machine_from_text(a, "3x1: 10 20 20/20 10 20/20 20 10");

    m->nodes[1].mem_bytes = 0;
    assert_null(machine_finish(m));
    assert_string_equal(orders(a, m, 0), "02 20 20");
    arena_free(a);
}

static void
an_offline_node_has_no_list_and_is_in_none(void **state)
{
    struct arena *a = arena_new();
    struct machine *m = machine_from_text(a, "2x1 memory 1: 10 20 20/20 10 20/20 20 10");

    m->nodes[2].online = false;
    assert_null(machine_finish(m));
    assert_string_equal(orders(a, m, 0), "01 10 -");
    arena_free(a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equidistant_nodes_follow_their_number_and_wrap),
        cmocka_unit_test(nearer_nodes_come_first),
        cmocka_unit_test(lists_built_at_boot_know_of_no_cpu),
        cmocka_unit_test(lists_built_again_prefer_nodes_without_cpus),
        cmocka_unit_test(the_load_spreads_who_leads_a_distant_socket),
        cmocka_unit_test(a_node_without_memory_is_in_no_list_but_has_one),
        cmocka_unit_test(an_offline_node_has_no_list_and_is_in_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

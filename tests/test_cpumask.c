/* layer: base */
#include "base/cpumask.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena *arena;

static int
setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct cpumask *
mask(const char *list)
{
    struct cpumask *m = cpumask_new(arena, 192);
    const char *bad = "";

    if (!cpumask_parse(m, list, &bad))
        fail_msg("'%s' is refused at '%s'", list, bad);
    return m;
}

static void
reads_as(const char *list, const char *same)
{
    assert_string_equal(cpumask_text(arena, mask(list)), same);
}

/* The forms of Documentation/admin-guide/kernel-parameters: ranges, and groups "0-20:2/5". */
static void
lists_are_read_and_written_as_linux_writes_them(void **state)
{
    (void)state;
    reads_as("", "");
    reads_as("0", "0");
    reads_as("0-3,8,10-12", "0-3,8,10-12");
    reads_as("0,1", "0-1");
    reads_as("3,1,2", "1-3");
    reads_as("5,5,5", "5");
    reads_as("63,64", "63-64");
    reads_as("60-130,191", "60-130,191");
    reads_as("0-20:2/5", "0-1,5-6,10-11,15-16,20");
    reads_as("10-14:2/4", "10-11,14");
    reads_as("0-3:1/1", "0-3");
    reads_as(" 0-1, 4 ", "0-1,4");
}

static void
what_is_no_list_is_refused_where_it_goes_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        int at;
    } bad[] = {
        { "a", 0 },       { "0,", 2 },    { "0-", 2 },      { "3-1", 3 },   { "0,,1", 2 },
        { "-1", 0 },      { "0 1", 2 },   { "192", 0 },     { "0-192", 2 }, { "0-9:0/2", 5 },
        { "0-9:3/2", 7 }, { "0-9:2", 5 }, { "0-9:1/0", 6 }, { "1.5", 1 },
    };

    for (uint32_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cpumask *m = cpumask_new(arena, 192);
        const char *at = NULL;

        if (cpumask_parse(m, bad[i].list, &at))
            fail_msg("'%s' is accepted", bad[i].list);
        assert_in_range(at - bad[i].list, SIM_MAX(bad[i].at - 2, 0), bad[i].at + 1);
        assert_false(cpumask_parse(m, bad[i].list, NULL));
    }
    assert_string_equal(cpumask_text(arena, mask("191")), "191");
}

static void
text_that_does_not_fit_is_cut_and_its_length_told(void **state)
{
    (void)state;
    struct cpumask *m = mask("0-3,8,10-12");
    char text[8];

    assert_int_equal(cpumask_format(m, NULL, 0), 11);
    assert_int_equal(cpumask_format(m, text, sizeof(text)), 11);
    assert_true(strlen(text) < sizeof(text));
    assert_int_equal(strncmp(text, "0-3,8,10-12", strlen(text)), 0);
}

static void
sets_combine(void **state)
{
    (void)state;
    struct cpumask *a = mask("0-9,100"), *b = mask("5-20,100,150"), *r = mask("");

    cpumask_and(r, a, b);
    assert_string_equal(cpumask_text(arena, r), "5-9,100");
    assert_true(cpumask_subset(r, a));
    assert_false(cpumask_subset(a, r));
    cpumask_or(r, a, b);
    assert_string_equal(cpumask_text(arena, r), "0-20,100,150");
    cpumask_andnot(r, a, b);
    assert_string_equal(cpumask_text(arena, r), "0-4");
    assert_false(cpumask_intersects(r, b));
    assert_true(cpumask_intersects(a, b));
    cpumask_copy(r, b);
    assert_true(cpumask_equal(r, b));
    assert_true(cpumask_equal(cpumask_clone(arena, a), a));
    assert_false(cpumask_equal(a, b));
    assert_int_equal(cpumask_weight(a), 11);
    cpumask_zero(r);
    assert_true(cpumask_empty(r));
    assert_true(cpumask_subset(r, a));
    assert_int_equal(cpumask_weight(r), 0);
}

static void
bits_are_set_and_cleared_at_word_borders(void **state)
{
    (void)state;
    struct cpumask *m = mask("");

    for (uint32_t cpu = 0; cpu < 192; cpu += 21) {
        cpumask_set(m, cpu);
        assert_true(cpumask_test(m, cpu));
    }
    cpumask_set(m, 63);
    cpumask_set(m, 64);
    cpumask_clear(m, 63);
    assert_false(cpumask_test(m, 63));
    assert_true(cpumask_test(m, 64));
}

static void
the_next_member_is_found_and_wraps(void **state)
{
    (void)state;
    struct cpumask *m = mask("3,63-64,150"), *even = mask("64,150");

    assert_int_equal(cpumask_first(m), 3);
    assert_int_equal(cpumask_next(m, 3), 3);
    assert_int_equal(cpumask_next(m, 4), 63);
    assert_int_equal(cpumask_next(m, 64), 64);
    assert_int_equal(cpumask_next(m, 65), 150);
    assert_int_equal(cpumask_next(m, 151), -1);
    assert_int_equal(cpumask_next(m, 192), -1);
    assert_int_equal(cpumask_next_wrap(m, 151), 3);
    assert_int_equal(cpumask_next_wrap(m, 150), 150);
    assert_int_equal(cpumask_next_and(m, even, 0), 64);
    assert_int_equal(cpumask_next_and(m, even, 65), 150);
    assert_int_equal(cpumask_next_and(m, even, 151), -1);
    assert_int_equal(cpumask_first(mask("")), -1);
    assert_int_equal(cpumask_next_wrap(mask(""), 5), -1);
}

static void
loops_visit_every_member_once(void **state)
{
    (void)state;
    struct cpumask *seen = mask(""), *m = mask("0,63-65,127-128,191");
    nodemask nodes = NODE_BIT(0) | NODE_BIT(5) | NODE_BIT(63), visited = 0;

    for_each_cpu (cpu, m) {
        assert_false(cpumask_test(seen, (uint32_t)cpu));
        cpumask_set(seen, (uint32_t)cpu);
    }
    assert_true(cpumask_equal(seen, m));
    for_each_node (node, nodes) {
        if (node == 5)
            continue;
        assert_false(visited & NODE_BIT(node));
        visited |= NODE_BIT(node);
    }
    assert_true(visited == (nodes & ~NODE_BIT(5)));
    visited = 0;
    for_each_node (node, nodes) {
        if (node == 5)
            break;
        visited |= NODE_BIT(node);
    }
    assert_true(visited == NODE_BIT(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(lists_are_read_and_written_as_linux_writes_them),
        CASE(what_is_no_list_is_refused_where_it_goes_wrong),
        CASE(text_that_does_not_fit_is_cut_and_its_length_told),
        CASE(sets_combine),
        CASE(bits_are_set_and_cleared_at_word_borders),
        CASE(the_next_member_is_found_and_wraps),
        CASE(loops_visit_every_member_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

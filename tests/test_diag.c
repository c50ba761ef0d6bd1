/* layer: config */
/* Messages: sorted by place, bounded, and with a suggestion where one is near. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/diag.h"

static void
messages_are_sorted_by_place_and_then_by_discovery(void **state)
{
    (void)state;
    struct diag d;

    diag_init(&d);
    assert_false(diag_failed(&d));
    diag_error(&d, "b.yaml", 2, 1, NULL, "five");
    diag_error(&d, "a.yaml", 10, 3, "x.y", "four");
    diag_error(&d, "a.yaml", 9, 30, NULL, "three");
    diag_error(&d, "a.yaml", 9, 4, NULL, "one");
    diag_error(&d, "a.yaml", 9, 4, NULL, "two");
    diag_error(&d, "a.yaml", 0, 0, NULL, "whole file");
    g_autofree char *text = diag_text(&d);
    assert_string_equal(text, "a.yaml: whole file\n"
                              "a.yaml:9:4: one\n"
                              "a.yaml:9:4: two\n"
                              "a.yaml:9:30: three\n"
                              "a.yaml:10:3: x.y: four\n"
                              "b.yaml:2:1: five\n");
    assert_true(diag_failed(&d));
    diag_clear(&d);
}

static void
the_fiftieth_message_is_kept_and_the_rest_are_counted(void **state)
{
    (void)state;
    struct diag d;

    diag_init(&d);
    for (unsigned i = 1; i <= 53; i++)
        diag_error(&d, "f", i, 1, NULL, "bad");
    g_autofree char *text = diag_text(&d);
    assert_non_null(strstr(text, "f:50:1: bad\nand 3 more\n"));
    assert_null(strstr(text, "f:51"));
    diag_clear(&d);
}

static void
what_a_terminal_would_obey_is_not_shown(void **state)
{
    (void)state;
    struct diag d;

    diag_init(&d);
    diag_error(&d, "f", 1, 1, NULL, "name \033[2J\n\377x");
    g_autofree char *text = diag_text(&d);
    assert_string_equal(text, "f:1:1: name ?[2J?\357\277\275x\n");
    diag_clear(&d);
}

static void
a_near_name_is_suggested_and_otherwise_all_are_listed(void **state)
{
    (void)state;
    static const char *const names[] = { "near_first", "threads", "cpus", NULL };
    static const char *const none[] = { NULL };
    static const struct {
        const char *wrong, *says;
    } cases[] = {
        { "near_frist", "; did you mean 'near_first'?" }, /* a swap is one edit */
        { "thread", "; did you mean 'threads'?" },
        { "cpsu", "; did you mean 'cpus'?" },
        { "memory", "; known: near_first, threads, cpus" },
        { "", "; known: near_first, threads, cpus" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *hint = did_you_mean(cases[i].wrong, names);
        assert_string_equal(hint, cases[i].says);
    }
    g_autofree char *nothing = did_you_mean("x", none);
    assert_string_equal(nothing, "");
}

static void
an_excerpt_ends_at_a_whole_character(void **state)
{
    (void)state;
    g_autofree char *sixty = g_strnfill(60, 'a');
    g_autofree char *longer = g_strnfill(61, 'a');
    g_autofree char *umlauts = g_strconcat("123456789012345678901234567890123456789012345678901234",
                                           "56\303\244\303\244\303\244\303\244", NULL);
    g_autofree char *a = diag_excerpt(sixty), *b = diag_excerpt(longer), *c = diag_excerpt(umlauts);

    assert_string_equal(a, sixty);
    assert_int_equal(strlen(b), 60);
    assert_true(g_str_has_suffix(b, "a..."));
    assert_true(g_utf8_validate(c, -1, NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_sorted_by_place_and_then_by_discovery),
        cmocka_unit_test(the_fiftieth_message_is_kept_and_the_rest_are_counted),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_shown),
        cmocka_unit_test(a_near_name_is_suggested_and_otherwise_all_are_listed),
        cmocka_unit_test(an_excerpt_ends_at_a_whole_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: base */
/* Against the C library's own formats, and against buffers that are too small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/text.h"

static void
numbers_read_as_printf_writes_them(void **state)
{
    static const int64_t numbers[] = { 0,  1,   -1,        9,         10,        99,       100,
                                       -7, 255, 999999999, -10000000, INT64_MAX, INT64_MIN };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char text[32], expected[32];
        char *end = text_add_int(text, text + sizeof(text), numbers[i]);

        snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);
        assert_string_equal(text, expected);
        assert_ptr_equal(end, text + strlen(expected));
    }
}

static void
pieces_follow_each_other(void **state)
{
    char text[32], *end = text + sizeof(text), *at = text_add(text, end, "cpu");
    (void)state;

    at = text_add_int(at, end, 17);
    at = text_add_int(text_add(at, end, "="), end, -4);
    assert_string_equal(text, "cpu17=-4");
    assert_ptr_equal(at, text + 8);
}

static void
what_has_no_room_is_left_out(void **state)
{
    (void)state;

    for (size_t size = 1; size < 12; size++) {
        char text[12], expected[12];

        memset(text, '#', sizeof(text));
        char *at = text_add(text, text + size, "abc");
        at = text_add_int(at, text + size, 12345);
        snprintf(expected, size, "abc%d", 12345);
        assert_string_equal(text, expected);
        assert_ptr_equal(at, text + strlen(expected));
        for (size_t i = size; i < sizeof(text); i++)
            assert_int_equal(text[i], '#');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_read_as_printf_writes_them),
        cmocka_unit_test(pieces_follow_each_other),
        cmocka_unit_test(what_has_no_room_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: base */
#include "base/arena.h"

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

static void
memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 7, 16, 63, 64, 65, 1000, 4096, 70000, 1 };
    unsigned char *last[1000] = { NULL };
    size_t last_size[1000];

    for (uint32_t i = 0; i < ARRAY_LEN(last); i++) {
        size_t size = last_size[i] = sizes[i % ARRAY_LEN(sizes)];

        last[i] = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)last[i] % (size >= 64 ? 64 : 16), 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(last[i][k], 0);
        memset(last[i], (int)(i % 255) + 1, size);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(last); i++)
        for (size_t k = 0; k < last_size[i]; k++)
            assert_int_equal(last[i][k], i % 255 + 1);
}

static void
more_than_a_chunk_fits(void **state)
{
    (void)state;
    char *small = arena_alloc(arena, 10);
    size_t size = 40u << 20;
    char *large = arena_alloc(arena, size);

    large[0] = large[size - 1] = 1;
    small[9] = 1;
    assert_int_equal(arena_used(arena), size + 10);
}

static void
strings_are_copied_and_printed(void **state)
{
    (void)state;
    char text[] = "abc";
    char *copy = arena_strdup(arena, text);

    text[0] = 'x';
    assert_string_equal(copy, "abc");
    assert_string_equal(arena_printf(arena, "%s-%d", copy, 42), "abc-42");
    assert_string_equal(arena_printf(arena, "%s", ""), "");
    assert_int_equal(strlen(arena_printf(arena, "%0100000d", 7)), 100000);
}

static void
a_grown_array_keeps_its_head_and_is_zero_behind(void **state)
{
    (void)state;
    uint32_t *a = arena_grow(arena, NULL, 0, 4 * sizeof(uint32_t));

    for (uint32_t i = 0; i < 4; i++)
        a[i] = i + 1;
    a = arena_grow(arena, a, 4 * sizeof(uint32_t), 1000 * sizeof(uint32_t));
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(a[i], i < 4 ? i + 1 : 0);
}

static void
nothing_is_freed_by_freeing_nothing(void **state)
{
    (void)state;
    arena_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(memory_is_zeroed_aligned_and_apart),
        CASE(more_than_a_chunk_fits),
        CASE(strings_are_copied_and_printed),
        CASE(a_grown_array_keeps_its_head_and_is_zero_behind),
        CASE(nothing_is_freed_by_freeing_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

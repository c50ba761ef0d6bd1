/* layer: base */
#include "base/field.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct thing {
    bool on;
    uint32_t count, ratio, kind;
    uint64_t big, slice, latency, size, rate, clock;
    int32_t offset;
    double factor;
    const char *name;
};

static const char *const kinds[] = { "first_touch", "interleave", "bind", NULL };

static const struct field table[] = {
    FIELD(FIELD_BOOL, struct thing, on, .def = "yes"),
    FIELD(FIELD_U32, struct thing, count, .def = "2", .min = "1", .max = "64"),
    FIELD(FIELD_U64, struct thing, big, .def = "18446744073709551615"),
    FIELD(FIELD_I32, struct thing, offset, .def = "-3", .min = "-20", .max = "19"),
    FIELD(FIELD_TIME, struct thing, slice, .def = "20ms", .min = "100us", .max = "1s"),
    FIELD(FIELD_TIME_PS, struct thing, latency, .def = "61.7ns"),
    FIELD(FIELD_SIZE, struct thing, size, .def = "16GiB"),
    FIELD(FIELD_BANDWIDTH, struct thing, rate, .def = "25GB/s"),
    FIELD(FIELD_FREQ, struct thing, clock, .def = "2.6GHz"),
    FIELD(FIELD_RATIO, struct thing, ratio, .def = "35%", .max = "100%"),
    FIELD(FIELD_REAL, struct thing, factor, .def = "0.1", .min = "0", .max = "1e3"),
    FIELD(FIELD_STRING, struct thing, name, .def = "x"),
    FIELD_NAMED(FIELD_ENUM, "memory.kind", struct thing, kind, .def = "bind", .names = kinds),
    FIELD_END,
};

struct fixture {
    struct arena *arena;
    struct thing thing;
    char why[256];
};

static int
setup(void **state)
{
    static struct fixture fx;

    fx = (struct fixture){ .arena = arena_new() };
    fields_init(table, &fx.thing, fx.arena);
    *state = &fx;
    return 0;
}

static int
teardown(void **state)
{
    arena_free(((struct fixture *)*state)->arena);
    return 0;
}

static bool
set(struct fixture *fx, const char *name, const char *text)
{
    strcpy(fx->why, "");
    return field_set(fields_find(table, name), &fx->thing, text, fx->arena, fx->why,
                     sizeof(fx->why));
}

static void
refuses(struct fixture *fx, const char *name, const char *text, const char *why)
{
    struct thing before = fx->thing;

    assert_false(set(fx, name, text));
    assert_string_equal(fx->why, why);
    assert_memory_equal(&before, &fx->thing, sizeof(before));
}

static void
defaults_are_read_in_the_users_notation(void **state)
{
    const struct thing *t = &((struct fixture *)*state)->thing;

    assert_true(t->on);
    assert_int_equal(t->count, 2);
    assert_true(t->big == UINT64_MAX);
    assert_int_equal(t->offset, -3);
    assert_int_equal(t->slice, 20000000);
    assert_int_equal(t->latency, 61700);
    assert_true(t->size == UINT64_C(17179869184));
    assert_true(t->rate == UINT64_C(25000000000));
    assert_true(t->clock == UINT64_C(2600000000));
    assert_int_equal(t->ratio, 350000);
    assert_true(t->factor == 0.1);
    assert_string_equal(t->name, "x");
    assert_int_equal(t->kind, 2);
}

static void
every_default_reads_back_from_its_own_text(void **state)
{
    struct fixture *fx = *state;
    static const char *const texts[] = { "yes",   "2",      "18446744073709551615",
                                         "-3",    "20ms",   "61.7ns",
                                         "16GiB", "25GB/s", "2.6GHz",
                                         "0.35",  "0.1",    "x",
                                         "bind" };

    for (uint32_t i = 0; table[i].name != NULL; i++) {
        char *text = field_text(&table[i], &fx->thing, fx->arena);

        assert_string_equal(text, texts[i]);
        assert_true(set(fx, table[i].name, text));
        assert_string_equal(field_text(&table[i], &fx->thing, fx->arena), texts[i]);
    }
}

static void
a_bare_number_is_no_time(void **state)
{
    refuses(*state, "slice", "5", "'5' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "slice", "0", "'0' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "slice", "ms", "'ms' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "slice", "", "'' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "slice", "-1ms", "'-1ms' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "slice", "1.ms", "'1.ms' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "slice", "1e3ms",
            "'1e3ms' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "slice", "5 parsecs",
            "'5 parsecs' is not a time; write a number and a unit, as in 20ms");
    refuses(*state, "size", "16", "'16' is not a size; write a number and a unit, as in 16GiB");
    refuses(*state, "rate", "25GB",
            "'25GB' is not a bandwidth; write a number and a unit, as in 25GB/s");
    refuses(*state, "clock", "2600",
            "'2600' is not a frequency; write a number and a unit, as in 2.6GHz");
    refuses(*state, "count", "2.0", "'2.0' is not a number; write a whole number, as in 4");
    refuses(*state, "count", "0x10", "'0x10' is not a number; write a whole number, as in 4");
    refuses(*state, "ratio", "a third",
            "'a third' is not a ratio; write a fraction or a percentage, as in 0.35 or 35%");
}

static void
limits_belong_to_the_range(void **state)
{
    struct fixture *fx = *state;

    refuses(fx, "slice", "99999ns", "99999ns is too small; the least is 100us");
    assert_true(set(fx, "slice", "100us"));
    assert_true(set(fx, "slice", "1s"));
    refuses(fx, "slice", "1000000001ns", "1000000001ns is too large; the most is 1s");
    refuses(fx, "count", "0", "0 is too small; the least is 1");
    assert_true(set(fx, "count", "64"));
    refuses(fx, "count", "65", "65 is too large; the most is 64");
    refuses(fx, "offset", "-21", "-21 is too small; the least is -20");
    assert_true(set(fx, "offset", "-20"));
    assert_int_equal(fx->thing.offset, -20);
    refuses(fx, "ratio", "1.000001", "1.000001 is too large; the most is 100%");
    refuses(fx, "factor", "-0.5", "-0.5 is too small; the least is 0");
    refuses(fx, "factor", "1000.5", "1000.5 is too large; the most is 1e3");
}

static void
fractions_are_exact(void **state)
{
    struct fixture *fx = *state;

    assert_true(set(fx, "slice", "100.1us"));
    assert_int_equal(fx->thing.slice, 100100);
    assert_true(set(fx, "slice", "0.000300000000000000000000s"));
    assert_int_equal(fx->thing.slice, 300000);
    refuses(fx, "slice", "100.0001us", "100.0001us is too fine; write a whole number of ns");
    refuses(fx, "slice", "0.0003000000000000000001s",
            "0.0003000000000000000001s is too fine; write a whole number of ns");
    assert_true(set(fx, "latency", "0.001ns"));
    assert_int_equal(fx->thing.latency, 1);
    refuses(fx, "latency", "0.0001ns", "0.0001ns is too fine; write a whole number of ps");
    assert_true(set(fx, "ratio", "33.3333%"));
    assert_int_equal(fx->thing.ratio, 333333);
    refuses(fx, "ratio", "33.33333%", "33.33333% is too fine; write a whole number of millionths");
    assert_true(set(fx, "size", "1.5KiB"));
    assert_int_equal(fx->thing.size, 1536);
    assert_true(set(fx, "size", "0.1KiB")); /* 102.4 bytes */
    assert_int_equal(fx->thing.size, 102);
    assert_true(set(fx, "rate", "1 KB/s"));
    assert_int_equal(fx->thing.rate, 1000);
}

static void
what_does_not_fit_is_refused(void **state)
{
    struct fixture *fx = *state;
    uint64_t v = 0;

    assert_true(set(fx, "big", "18446744073709551615"));
    refuses(fx, "big", "18446744073709551616",
            "18446744073709551616 is too large; the most is 18446744073709551615");
    refuses(fx, "big", "99999999999999999999999",
            "99999999999999999999999 is too large; the most is 18446744073709551615");
    assert_true(parse_quantity(FIELD_U32, "4294967295", &v, fx->why, sizeof(fx->why)));
    assert_false(parse_quantity(FIELD_U32, "4294967296", &v, fx->why, sizeof(fx->why)));
    assert_true(parse_quantity(FIELD_SIZE, "16777215TiB", &v, fx->why, sizeof(fx->why)));
    assert_false(parse_quantity(FIELD_SIZE, "16777216TiB", &v, fx->why, sizeof(fx->why)));
    /* 2^64 - 1 ns means never, so the longest time is one less. */
    assert_true(parse_quantity(FIELD_TIME, "18446744073709551614ns", &v, fx->why, sizeof(fx->why)));
    assert_false(
        parse_quantity(FIELD_TIME, "18446744073709551615ns", &v, fx->why, sizeof(fx->why)));
    assert_false(parse_quantity(FIELD_RATIO, "4294.967296", &v, fx->why, sizeof(fx->why)));
    assert_true(parse_quantity(FIELD_RATIO, "4294.967295", &v, fx->why, sizeof(fx->why)));
}

static void
quantities_are_written_short_and_read_back(void **state)
{
    struct fixture *fx = *state;
    static const struct {
        enum field_type type;
        uint64_t value;
        const char *text;
    } cases[] = {
        { FIELD_TIME, 0, "0ns" },
        { FIELD_TIME, 999, "999ns" },
        { FIELD_TIME, 1000, "1us" },
        { FIELD_TIME, 1500, "1.5us" },
        { FIELD_TIME, 1234567, "1234567ns" },
        { FIELD_TIME, 61700000, "61.7ms" },
        { FIELD_TIME, SEC(90), "90s" },
        { FIELD_TIME_PS, 80000, "80ns" },
        { FIELD_SIZE, 4096, "4KiB" },
        { FIELD_SIZE, 102, "102B" },
        { FIELD_SIZE, UINT64_MAX, "18446744073709551615B" },
        { FIELD_BANDWIDTH, 800000000, "800MB/s" },
        { FIELD_FREQ, 1, "1Hz" },
        { FIELD_RATIO, 1000000, "1" },
        { FIELD_RATIO, 1, "0.000001" },
        { FIELD_U32, 7, "7" },
    };

    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t again = 1;

        assert_string_equal(format_quantity(cases[i].type, cases[i].value, fx->arena),
                            cases[i].text);
        assert_true(parse_quantity(cases[i].type, cases[i].text, &again, fx->why, sizeof(fx->why)));
        assert_true(again == cases[i].value);
    }
}

static void
any_number_of_base_units_reads_back(void **state)
{
    struct fixture *fx = *state;
    static const enum field_type types[] = { FIELD_TIME, FIELD_TIME_PS, FIELD_SIZE, FIELD_BANDWIDTH,
                                             FIELD_FREQ };
    uint64_t x = 1;

    for (uint32_t i = 0; i < 5000; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t value = (x >> (i % 64)) / 1000 * (i % 2 ? 1000 : 1), again = 0;
        enum field_type type = types[i % ARRAY_LEN(types)];
        char *text = format_quantity(type, value, fx->arena);

        assert_true(parse_quantity(type, text, &again, fx->why, sizeof(fx->why)));
        if (again != value)
            fail_msg("%s: %llu", text, (unsigned long long)value);
    }
}

static void
words_are_known_or_refused(void **state)
{
    struct fixture *fx = *state;

    for (uint32_t i = 0; i < 3; i++) {
        assert_true(set(fx, "on", ((const char *[]){ "no", "false", "off" })[i]));
        assert_false(fx->thing.on);
        assert_true(set(fx, "on", ((const char *[]){ "yes", "true", "on" })[i]));
        assert_true(fx->thing.on);
    }
    refuses(fx, "on", "maybe", "'maybe' is not a truth value; write yes or no");
    assert_true(set(fx, "memory.kind", "first_touch"));
    assert_int_equal(fx->thing.kind, 0);
    refuses(fx, "memory.kind", "bound",
            "'bound' is not known here; write one of first_touch, interleave, bind");
    assert_null(fields_find(table, "kind"));
}

static void
reals_are_plain_and_finite(void **state)
{
    struct fixture *fx = *state;

    assert_true(set(fx, "factor", "1e-3"));
    assert_true(fx->thing.factor == 1e-3);
    refuses(fx, "factor", "inf", "'inf' is not a number; write one as in 0.35");
    refuses(fx, "factor", "nan", "'nan' is not a number; write one as in 0.35");
    refuses(fx, "factor", "0x1p3", "'0x1p3' is not a number; write one as in 0.35");
    refuses(fx, "factor", "1.5x", "'1.5x' is not a number; write one as in 0.35");
    refuses(fx, "factor", "1e999", "1e999 is too large");
    fx->thing.factor = 1.0 / 3;
    assert_true(set(fx, "factor", field_text(fields_find(table, "factor"), &fx->thing, fx->arena)));
    assert_true(fx->thing.factor == 1.0 / 3);
}

static void
types_have_names(void **state)
{
    (void)state;
    assert_string_equal(field_type_name(FIELD_TIME), "time");
    assert_string_equal(field_type_name(FIELD_SIZE), "size");
    assert_string_equal(field_type_name(FIELD_BOOL), "yes or no");
    for (int type = 0; type < FIELD_NR_TYPES; type++)
        assert_non_null(field_type_name((enum field_type)type));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(defaults_are_read_in_the_users_notation),
        CASE(every_default_reads_back_from_its_own_text),
        CASE(a_bare_number_is_no_time),
        CASE(limits_belong_to_the_range),
        CASE(fractions_are_exact),
        CASE(what_does_not_fit_is_refused),
        CASE(quantities_are_written_short_and_read_back),
        CASE(any_number_of_base_units_reads_back),
        CASE(words_are_known_or_refused),
        CASE(reals_are_plain_and_finite),
        CASE(types_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

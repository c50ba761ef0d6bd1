/* layer: script */
/* The box of scripts: nothing gets out, every limit stops, and everything is the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "script/box.h"

static struct box_limits
limits_by_default(void)
{
    struct box_limits l;
    struct arena *a = arena_new();

    fields_init(box_limit_fields, &l, a);
    arena_free(a);
    return l;
}

/* Loads the text; returns the message, or "" and leaves what it returned on the stack. */
static const char *
load(struct box **b, const char *text)
{
    struct box_limits l = limits_by_default();

    *b = box_new(&l);
    assert_non_null(*b);
    return box_load(*b, "test.lua", text, strlen(text)) ? "" : (*b)->message;
}

static void
expect(const char *text, const char *result)
{
    struct box *b;
    const char *why = load(&b, text);

    assert_string_equal(why, "");
    assert_string_equal(luaL_tolstring(b->L, -1, NULL), result);
    box_free(b);
}

static void
refused(const char *text, const char *message, enum box_over over)
{
    struct box *b;
    const char *why = load(&b, text);

    if (strstr(why, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, message);
    assert_int_equal(b->over, over);
    box_free(b);
}

static void
the_language_works(void **state)
{
    (void)state;
    expect("local s = 0 for i = 1, 10 do s = s + i end return s", "55");
    expect("return ('x'):rep(3) .. string.format('%05.2f|%s|%d', 3.14159, true, 7)",
           "xxx03.14|true|7");
    expect("local t = {5, 2, 9} table.sort(t) return table.concat(t, ' ')", "2 5 9");
    expect("local t = {5, 2, 9} table.sort(t, function(a, b) return a > b end) return "
           "table.concat(t, ' ')",
           "9 5 2");
    expect("local ok, why = pcall(error, 'no') return tostring(ok) .. why", "falseno");
    expect("return math.max(1, 7, 3) // 2 + math.floor(2.5)", "5");
    expect("return (('a.b'):find('.', 1))", "2"); /* plain: not any character */
}

static void
there_is_no_way_out(void **state)
{
    (void)state;
    static const char *const names[] = { "io",
                                         "os",
                                         "package",
                                         "debug",
                                         "require",
                                         "load",
                                         "loadstring",
                                         "loadfile",
                                         "dofile",
                                         "collectgarbage",
                                         "setmetatable",
                                         "getmetatable",
                                         "coroutine",
                                         "print",
                                         "rawset",
                                         "xpcall",
                                         "utf8",
                                         "math.random",
                                         "math.randomseed",
                                         "string.dump",
                                         "string.match",
                                         "string.gmatch",
                                         "string.gsub",
                                         "string.pack",
                                         "math.sin" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char text[128];
        snprintf(text, sizeof text, "return %s", names[i]);
        expect(text, "nil");
    }
    expect("return _G.io or _G._G.os", "nil");
    expect("return ('x').dump or ('x').match", "nil");
}

static void
bytecode_is_not_taken(void **state)
{
    (void)state;
    refused("\x1bLua", "test.lua: this is bytecode", BOX_WITHIN);
    refused("return (", "test.lua:1:", BOX_WITHIN);
    refused("x = = 1", "test.lua:1:", BOX_WITHIN);
}

static void
instructions_end_a_script(void **state)
{
    (void)state;
    const char *const over = "more instructions";
    refused("while true do end", over, BOX_INSTRUCTIONS);
    refused("\n\nwhile true do end", "test.lua:3:", BOX_INSTRUCTIONS);
    refused("while true do pcall(function() while true do end end) end", over, BOX_INSTRUCTIONS);
    refused("local function f() pcall(f) while true do end end f()", "too deeply", BOX_DEPTH);
    refused("table.move({}, 1, math.maxinteger, 2)", over, BOX_INSTRUCTIONS);
    refused("for i = 1, 1e9 do local t = {} end", over, BOX_INSTRUCTIONS);
    refused("local s = ('a'):rep(8000) while true do local t = s:reverse() end", over,
            BOX_INSTRUCTIONS);
    refused("local s = ('a'):rep(8000) while true do s:find(('a'):rep(4000) .. 'b') end", over,
            BOX_INSTRUCTIONS);
    refused("table.sort({3, 2, 1}, function() while true do end end)", over, BOX_INSTRUCTIONS);
}

static void
memory_ends_a_script(void **state)
{
    (void)state;
    refused("local t = {} for i = 1, 1e7 do t[i] = i end", "more memory", BOX_MEMORY);
    refused("local t = {} pcall(function() for i = 1, 1e7 do t[i] = i end end) return 1",
            "more memory", BOX_MEMORY);
    refused("return ('x'):rep(1 << 40)", "", BOX_INSTRUCTIONS);
    refused("return ('x'):rep(100000)", "longer than 16 KiB", BOX_STRING);
    refused("local s = 'x' while true do s = s .. s end", "longer than 16 KiB", BOX_STRING);
}

static void
memory_is_counted_to_the_byte(void **state)
{
    (void)state;
    struct box_limits l = limits_by_default();
    uint64_t peak = 0;

    for (int i = 0; i < 2; i++) {
        struct box *b = box_new(&l);
        const char *text = "local t = {} for i = 1, 1000 do t[i] = {i} end return #t";
        bool fits = box_load(b, "m.lua", text, strlen(text));
        assert_int_equal(fits, i == 0);
        peak = i == 0 ? b->peak : peak;
        assert_true(b->peak <= l.memory);
        box_free(b);
        l.memory = peak - 16 * 1024; /* now a sixth of it is missing */
    }
}

static void
deep_calls_end_a_script(void **state)
{
    (void)state;
    refused("local function f(n) return 1 + f(n + 1) end f(1)", "too deeply", BOX_DEPTH);
    expect("local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(40)",
           "40");
}

static void
the_text_has_limits(void **state)
{
    (void)state;
    refused("for a=1,2 do for b=1,2 do while x do repeat\nfor c=1,2 do for d=1,2 do for e=1,2 do "
            "end end end until true end end end",
            "test.lua:2: loops are nested 7 deep; at most 6", BOX_WITHIN);
    /* words in strings and comments are no loops */
    expect("local s = 'for do for do for do for do for do for do for do' --[[ for do while do ]]\n"
           "return #[==[ while while while while while while while while ]==]",
           "49");

    struct box_limits l = limits_by_default();
    struct box *b = box_new(&l);
    char *big = calloc(1, 65 * 1024);
    memset(big, ' ', 65 * 1024);
    assert_false(box_load(b, "big.lua", big, 65 * 1024));
    assert_string_equal(b->message, "big.lua: 66560 bytes long; at most 65536");
    free(big);
    box_free(b);
}

static void
tables_are_walked_in_the_order_of_their_keys(void **state)
{
    (void)state;
    expect("local t, s = {b = 1, a = 2, [3] = 3, [-1.5] = 4, [true] = 5, aa = 6}, '' "
           "for k, v in pairs(t) do s = s .. tostring(k) .. '=' .. v .. ' ' end return s",
           "true=5 -1.5=4 3=3 a=2 aa=6 b=1 ");
    expect("local t, s, k = {z = 1, y = 2, x = 3}, '' "
           "repeat local v k, v = next(t, k) if k then s = s .. k .. v end until k == nil return s",
           "x3y2z1");
    expect("local t = {a = 1, b = 2, c = 3} local s = '' "
           "for k in pairs(t) do s = s .. k t.b = nil end return s",
           "ac");
    refused("for k in pairs({[{}] = 1}) do end", "no order to walk it in", BOX_WITHIN);
}

static void
no_address_can_be_seen(void **state)
{
    (void)state;
    expect("return tostring({}) .. tostring(print) .. tostring(pairs)", "tablenilfunction");
    expect("return string.format('%s %s', {}, pairs)", "table function");
    refused("return string.format('%p', {})", "would show an address", BOX_WITHIN);
    refused("return string.format('%-20p', {})", "would show an address", BOX_WITHIN);
}

static void
a_sort_is_stable_and_survives_a_senseless_order(void **state)
{
    (void)state;
    expect("local t = {} for i = 1, 200 do t[i] = {k = i % 3, i = i} end "
           "table.sort(t, function(a, b) return a.k < b.k end) "
           "local bad = 0 for i = 2, 200 do local a, b = t[i - 1], t[i] "
           "if a.k > b.k or (a.k == b.k and a.i > b.i) then bad = bad + 1 end end return bad",
           "0");
    expect("local t = {} for i = 1, 100 do t[i] = i end "
           "table.sort(t, function(a, b) return true end) return #t",
           "100");
}

static void
calls_have_their_own_budget_and_say_what_they_cost(void **state)
{
    (void)state;
    struct box *b;

    assert_string_equal(
        load(&b, "return function(n) local s = 0 for i = 1, n do s = s + i end return s end"), "");
    for (int round = 0; round < 2; round++) {
        uint64_t few, many;
        lua_pushvalue(b->L, 1);
        lua_pushinteger(b->L, 100);
        assert_true(box_call(b, 1, 1));
        assert_int_equal(lua_tointeger(b->L, -1), 5050);
        lua_pop(b->L, 1);
        few = b->work;
        lua_pushvalue(b->L, 1);
        lua_pushinteger(b->L, 1100);
        assert_true(box_call(b, 1, 1));
        lua_pop(b->L, 1);
        many = b->work;
        /* two instructions a turn of this loop: the addition and the loop itself */
        assert_in_range(many - few, 2000 - BOX_STEP, 2000 + BOX_STEP);
        lua_pushvalue(b->L, 1);
        lua_pushinteger(b->L, 1000000);
        assert_false(box_call(b, 1, 1));
        assert_int_equal(b->over, BOX_INSTRUCTIONS);
        assert_in_range(b->work, b->limits.instructions, b->limits.instructions + 4 * BOX_STEP);
        assert_int_equal(lua_gettop(b->L), 1);
    }
    box_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_language_works),
        cmocka_unit_test(there_is_no_way_out),
        cmocka_unit_test(bytecode_is_not_taken),
        cmocka_unit_test(instructions_end_a_script),
        cmocka_unit_test(memory_ends_a_script),
        cmocka_unit_test(memory_is_counted_to_the_byte),
        cmocka_unit_test(deep_calls_end_a_script),
        cmocka_unit_test(the_text_has_limits),
        cmocka_unit_test(tables_are_walked_in_the_order_of_their_keys),
        cmocka_unit_test(no_address_can_be_seen),
        cmocka_unit_test(a_sort_is_stable_and_survives_a_senseless_order),
        cmocka_unit_test(calls_have_their_own_budget_and_say_what_they_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

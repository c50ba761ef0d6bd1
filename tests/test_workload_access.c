/* layer: config */
/* Workload YAML: how a step uses memory, and what becomes of it on a machine. */
#include <glib.h>

#include "config/workload_yaml.h"
#include "sim_fixture.h"
#include "workload/run.h"

#define HEAD "version: 1\nname: t\nprocesses:\n- name: p\n"
#define DATA "  regions: [{name: d, size: 16MiB, slices: a}, {name: e, size: 1MiB}]\n"
#define STEP(use)                                                                                  \
    HEAD DATA "  threads:\n  - name: a\n    count: 4\n    program: [stream: {" use "}]\n"

static struct workload *
load(struct arena *arena, const char *text)
{
    struct diag d;

    diag_init(&d);
    struct workload *w = workload_yaml_load("w", text, strlen(text), NULL, arena, &d);
    g_autofree char *messages = diag_text(&d);
    diag_clear(&d);
    assert_string_equal(messages, "");
    return w;
}

/* The message ends so. */
static void
refuse(struct arena *arena, const char *text, const char *expected)
{
    struct diag d;

    diag_init(&d);
    workload_yaml_load("w", text, strlen(text), NULL, arena, &d);
    g_autofree char *messages = diag_text(&d);
    diag_clear(&d);
    if (!g_str_has_suffix(messages, expected))
        assert_string_equal(messages, expected);
}

static const struct wuse *
use_of(struct arena *arena, const char *text)
{
    return load(arena, text)->groups[0].steps[0].mem->uses;
}

static void
patterns_come_with_what_they_need(void **state)
{
    struct arena *arena = arena_new();
    const struct wuse *u = use_of(arena, STEP("region: e, pattern: strided, stride: 8KiB"));

    (void)state;
    assert_int_equal(u->pattern, ACCESS_STRIDED);
    assert_int_equal(u->shape.stride, 8192);
    u = use_of(arena, STEP("region: e, pattern: uniform"));
    assert_int_equal(u->pattern, ACCESS_RANDOM);
    u = use_of(arena, STEP("region: e, pattern: zipf"));
    assert_int_equal(u->pattern, ACCESS_ZIPF);
    assert_int_equal(u->shape.skew_ppm, 990000);
    assert_int_equal(u->shape.scattered, 0);
    u = use_of(arena, STEP("region: e, pattern: hot, hot: 5%, accesses: 95%, layout: scattered"));
    assert_int_equal(u->pattern, ACCESS_HOT);
    assert_int_equal(u->shape.hot_ppm, 50000);
    assert_int_equal(u->shape.skew_ppm, 950000);
    assert_int_equal(u->shape.scattered, 1);
    u = use_of(arena, STEP("region: e, pattern: random, block: 8KiB"));
    assert_int_equal(u->shape.block, 8192);
    u = use_of(arena, STEP("region: d, slice: all_to_all"));
    assert_int_equal(u->slice, WSLICE_WHOLE);
    assert_int_equal(u->pattern, ACCESS_RANDOM);
    u = use_of(arena, STEP("region: d, slice: neighbours"));
    assert_int_equal(u->share_ppm, 100000);
    arena_free(arena);
}

static void
keys_of_other_patterns_are_refused(void **state)
{
    static const char *const wrong[][2] = {
        { STEP("region: e, stride: 8KiB"), "only the pattern 'strided' has a stride\n" },
        { STEP("region: e, block: 8KiB"), "only random patterns have a block\n" },
        { STEP("region: e, pattern: strided, stride: 8B"),
          "out of range; write a size from 64B to 4GiB\n" },
        { STEP("region: e, pattern: hot, skew: 1"), "only the pattern 'zipf' has a skew\n" },
        { STEP("region: e, pattern: zipf, skew: 4"),
          "out of range; write a number from 0.01 to 3\n" },
        { STEP("region: e, pattern: random, layout: scattered"),
          "only the patterns 'zipf' and 'hot' have a layout\n" },
        { STEP("region: d, slice: own, share: 10%"), "only 'slice: neighbours' has a share\n" },
        { STEP("region: e, slice: neighbours"), "the region 'e' has no 'slices'\n" },
        { STEP("share: 10%, uses: [{region: d}]"),
          "write 'share' beside 'uses' or in it, not both\n" },
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        refuse(arena, wrong[i][0], wrong[i][1]);
    refuse(
        arena, wrong[0][0], /* 23 columns before the use, 19 to the value */
        "w:9:43: processes[0].threads[0].program[0].stream.stride: only the pattern 'strided' has "
        "a stride\n");
    arena_free(arena);
}

/* Four threads, 20 % of the accesses beside: an inner thread has 10 % on each side, one at an edge
 * keeps what has no slice. */
static void
neighbours_have_their_share(void **state)
{
    static const uint32_t expected[4][3] = {
        { 900, 100, 0 }, { 800, 100, 100 }, { 800, 100, 100 }, { 900, 100, 0 }
    };
    struct arena *arena = arena_new();
    struct machine *m = fixture_machine(arena, 2, 2, 1, 20);
    struct workload *w = load(arena, STEP("region: d, slice: neighbours, share: 20%"));
    struct kernel_limits limits = { 0 };
    struct kernel_params kp;
    const char *why;

    (void)state;
    assert_null(workload_limits(w, m, &limits));
    kernel_params_init(&kp, arena);
    struct kernel *k = kernel_new(arena, m, &kp, 1, &limits, &fixture_memory);
    struct workload_run *r = workload_build(k, w, &why);
    assert_non_null(r);
    for (int t = 0; t < 4; t++) {
        const struct burst *b = &r->instances[0].crews[0].threads[t].bursts[0];

        assert_int_equal(b->profile.nr_uses, expected[t][2] > 0 ? 3 : 2);
        for (uint32_t i = 0; i < b->profile.nr_uses; i++)
            assert_int_equal(b->profile.uses[i].weight, expected[t][i]);
        assert_int_equal(b->profile.uses[0].slice, t);
        assert_int_equal(b->profile.uses[1].slice, t > 0 ? t - 1 : 1);
        /* all of its own slice: 4 MiB, a line in 2 ns */
        assert_int_equal(b->work, (4u << 20) / 64 * 2);
    }
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_come_with_what_they_need),
        cmocka_unit_test(keys_of_other_patterns_are_refused),
        cmocka_unit_test(neighbours_have_their_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

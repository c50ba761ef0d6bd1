/* layer: config */
/* Grids: which points there are, what each is, and what makes a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/grid_impl.h"

struct fixture {
    struct arena *arena;
    struct diag diag;
    struct grid grid;
};

static int
set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->arena = arena_new();
    diag_init(&f->diag);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    grid_clear(&f->grid);
    diag_clear(&f->diag);
    arena_free(f->arena);
    g_free(f);
    return 0;
}

static const struct grid *
load(struct fixture *f, const char *text)
{
    grid_clear(&f->grid);
    if (grid_parse("t.yaml", text, strlen(text), f->arena, &f->grid, &f->diag))
        grid_load_inputs(&f->grid);
    if (diag_failed(&f->diag)) {
        g_autofree char *messages = diag_text(&f->diag);
        fail_msg("%s", messages);
    }
    return &f->grid;
}

/* "topology workload ... seed" of all points, a line each. */
static char *
points(const struct grid *g)
{
    GString *all = g_string_new(NULL);

    for (guint i = 0; i < g->nr_points; i++)
        for (guint axis = 0; axis < g->nr_axes; axis++)
            g_string_append_printf(all, "%s%c", grid_label(g, i, axis),
                                   axis + 1 < g->nr_axes ? ' ' : '\n');
    return g_string_free(all, FALSE);
}

static void
assert_points(const struct grid *g, const char *expected)
{
    g_autofree char *got = points(g);

    assert_string_equal(got, expected);
}

static void
the_last_axis_is_the_fastest(void **state)
{
    assert_points(load(*state, "topologies: [two-node, uma]\n"
                               "workloads: [numa02]\n"
                               "set: {workload.loops: [5, 7], sched.base_slice: 3ms}\n"
                               "policies: [topology]\n"
                               "seeds: [4, 8-9]\n"),
                  "two-node numa02 5 topology 4\n"
                  "two-node numa02 5 topology 8\n"
                  "two-node numa02 5 topology 9\n"
                  "two-node numa02 7 topology 4\n"
                  "two-node numa02 7 topology 8\n"
                  "two-node numa02 7 topology 9\n"
                  "uma numa02 5 topology 4\n"
                  "uma numa02 5 topology 8\n"
                  "uma numa02 5 topology 9\n"
                  "uma numa02 7 topology 4\n"
                  "uma numa02 7 topology 8\n"
                  "uma numa02 7 topology 9\n");
}

static void
what_is_not_said_is_as_in_compare(void **state)
{
    const struct grid *g = load(*state, "doc: nothing");

    assert_int_equal(g->nr_points, 4 * 5);
    assert_string_equal(g->name, "t");
    assert_string_equal(grid_label(g, 0, GRID_TOPOLOGY), "four-node");
    assert_string_equal(grid_label(g, 5, grid_policy_axis(g)), "static:pack");
}

static void
excluded_points_are_not_there(void **state)
{
    assert_points(load(*state, "topologies: [two-node, uma]\n"
                               "workloads: [numa02, {base: hackbench, as: chat}]\n"
                               "policies: [topology, autonuma]\n"
                               "seeds: 1\n"
                               "exclude:\n"
                               "  - {topology: uma, policy: autonuma}\n"
                               "  - {topology: two-node, workload: [numa02, hackbench], policy: "
                               "topology}\n"),
                  "two-node numa02 autonuma 1\n"
                  "two-node chat autonuma 1\n"
                  "uma numa02 topology 1\n"
                  "uma chat topology 1\n");
}

static void
policies_that_do_not_fit_are_left_out_if_so_said(void **state)
{
    const struct grid *g = load(*state, "topologies: [two-node, cxl-2s]\nworkloads: [numa02]\n"
                                        "policies: [topology, tiering]\nunfit: skip\nseeds: 1\n");

    assert_points(g, "two-node numa02 topology 1\n"
                     "cxl-2s numa02 topology 1\n"
                     "cxl-2s numa02 tiering 1\n");
}

/* Values as they reach the run. */
static void
a_point_has_its_settings(void **state)
{
    struct fixture *f = *state;
    const struct grid *g =
        load(f, "topologies: [{base: two-node, as: small}]\n"
                "workloads: [{base: numa02, as: short, set: {loops: 3}}, numa02]\n"
                "policies: [topology, {base: autonuma, as: wide, set: "
                "{numa_balancing.scan_size: 1GiB}}]\n"
                "variants: {a: {sched.base_slice: 5ms}, b: {sched: {base_slice: 7ms}}}\n"
                "set: {numa_balancing: {scan_delay: 100ms}}\n"
                "seeds: [3]\nuntil: 9s\nwarmup: 1s\ncheck: yes\n");
    struct resolved run;

    assert_int_equal(g->nr_points, 8);
    grid_resolve(g, 3, f->arena, &run); /* small short b wide 3 */
    assert_string_equal(run.spec.machine->name, "small");
    assert_string_equal(run.spec.workload->name, "short");
    assert_string_equal(run.spec.policy.name, "wide");
    assert_int_equal(run.spec.policy.params.numa.scan_size, GIB(1));
    assert_int_equal(run.spec.policy.params.numa.scan_delay, MSEC(100));
    assert_int_equal(run.spec.policy.params.sched.base_slice_ns, MSEC(7));
    assert_int_equal(run.spec.seed, 3);
    assert_int_equal(run.spec.until, SEC(9));
    assert_int_equal(run.spec.warmup, SEC(1));
    assert_true(run.spec.check);
    grid_resolve(g, 0, f->arena, &run);
    assert_int_equal(run.spec.policy.params.sched.base_slice_ns, MSEC(5));
    assert_ptr_equal(g->points[0].workload, g->points[3].workload); /* loaded once */
    assert_ptr_not_equal(g->points[0].workload, g->points[4].workload);
}

static void
key_of(struct fixture *f, const char *text, guint point, const char *version,
       char key[GRID_KEY_SIZE])
{
    grid_key(load(f, text), point, version, key);
}

#define GRID(policies, set, rest)                                                                  \
    "topologies: [two-node]\nworkloads: [numa02]\npolicies: " policies "\nset: " set "\n" rest "\n"

static void
a_key_is_of_the_run_and_not_of_the_grid(void **state)
{
    char base[GRID_KEY_SIZE], other[GRID_KEY_SIZE];
    static const struct {
        const char *text;
        guint point;
        const char *version;
        bool same;
    } cases[] = {
        { GRID("[topology]", "{workload.loops: 5}", "seeds: 1"), 0, "1", true },
        { GRID("[autonuma, topology]", "{workload.loops: [4, 5]}", "seeds: 1"), 3, "1", true },
        { GRID("[topology]", "{sched.base_slice: 0ns}",
               "variants: {v: {workload.loops: 5}}\nseeds: [7, 1]"),
          1, "1", true },
        { GRID("[topology]", "{workload.loops: 5}", "seeds: [2]"), 0, "1", false },
        { GRID("[topology]", "{workload.loops: 6}", "seeds: 1"), 0, "1", false },
        { GRID("[autonuma]", "{workload.loops: 5}", "seeds: 1"), 0, "1", false },
        { GRID("[topology]", "{workload.loops: 5, mm.exact_limit: 2GiB}", "seeds: 1"), 0, "1",
          false },
        { GRID("[topology]", "{workload.loops: 5}", "seeds: 1\nuntil: 99s"), 0, "1", false },
        { GRID("[topology]", "{workload.loops: 5}", "seeds: 1\nwarmup: 1ms"), 0, "1", false },
        { GRID("[topology]", "{workload.loops: 5}", "seeds: 1\nkeep: folders"), 0, "1", false },
        { GRID("[topology]", "{workload.loops: 5}", "seeds: 1"), 0, "2", false },
        { "topologies: [uma]\nworkloads: [numa02]\npolicies: [topology]\nset: {workload.loops: 5}\n"
          "seeds: 1",
          0, "1", false },
    };

    key_of(*state, cases[0].text, 0, "1", base);
    assert_int_equal(strlen(base), 64);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        key_of(*state, cases[i].text, cases[i].point, cases[i].version, other);
        if ((strcmp(base, other) == 0) != cases[i].same)
            fail_msg("case %u", i);
    }
}

static void
the_canonical_text_has_no_layout(void **state)
{
    const struct grid *g = load(*state, "seeds: 2 # few\npolicies:\n  - topology\n"
                                        "  - {base: autonuma, as: 'x y'}\n");

    assert_string_equal(g->canonical, "name: \"t\"\nseeds: \"2\"\n"
                                      "policies: [\"topology\", {\"base\": \"autonuma\", \"as\": "
                                      "\"x y\"}]\n");
}

/* Every tests/bad/grid_NAME.yaml has its messages in NAME.txt beside it. */
static void
files_that_are_wrong_get_exactly_their_messages(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GDir) dir = g_dir_open(SOURCE_DIR "/tests/bad", 0, NULL);
    const char *name;
    guint nr = 0;

    assert_non_null(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(SOURCE_DIR "/tests/bad", name, NULL);
        g_autofree char *text = NULL, *golden = NULL;
        gsize len;

        if (!g_str_has_prefix(name, "grid_") || !g_str_has_suffix(name, ".yaml"))
            continue;
        nr++;
        assert_true(g_file_get_contents(path, &text, &len, NULL));
        strcpy(strrchr(path, '.'), ".txt");
        diag_clear(&f->diag);
        diag_init(&f->diag);
        grid_clear(&f->grid);
        grid_parse(name, text, len, f->arena, &f->grid, &f->diag);
        grid_load_inputs(&f->grid);
        g_autofree char *messages = diag_text(&f->diag);
        assert_true(g_file_get_contents(path, &golden, NULL, NULL));
        assert_string_equal(messages, golden);
    }
    assert_int_equal(nr, 5);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_last_axis_is_the_fastest),
        CASE(what_is_not_said_is_as_in_compare),
        CASE(excluded_points_are_not_there),
        CASE(policies_that_do_not_fit_are_left_out_if_so_said),
        CASE(a_point_has_its_settings),
        CASE(a_key_is_of_the_run_and_not_of_the_grid),
        CASE(the_canonical_text_has_no_layout),
        CASE(files_that_are_wrong_get_exactly_their_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

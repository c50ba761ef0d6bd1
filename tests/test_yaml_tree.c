/* layer: config */
/* The YAML tree: places and paths, limits against hostile files, structs by their field tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/yaml_tree.h"

struct fixture {
    struct arena *arena;
    struct diag diag;
    struct yaml_doc doc;
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

    diag_clear(&f->diag);
    arena_free(f->arena);
    g_free(f);
    return 0;
}

static bool
load(struct fixture *f, const char *text)
{
    return yaml_load_text(&f->doc, "f", text, strlen(text), f->arena, &f->diag);
}

static void
assert_says(struct fixture *f, const char *expected)
{
    g_autofree char *text = diag_text(&f->diag);

    assert_string_equal(text, expected);
}

static void
every_node_knows_its_place_and_path(void **state)
{
    struct fixture *f = *state;

    assert_true(load(f, "name: x\nprocesses:\n  - name: a\n  - threads:\n      count: '4'\n"));
    const struct ynode *list = ynode_get(f->doc.root, "processes");
    const struct ynode *n = ynode_get(ynode_get(list->values[1], "threads"), "count");
    assert_string_equal(n->text, "4");
    assert_true(n->quoted);
    assert_int_equal(n->line, 5);
    assert_int_equal(n->column, 14);
    g_autofree char *path = ynode_path(n);
    assert_string_equal(path, "processes[1].threads.count");
    assert_null(ynode_get(f->doc.root, "nam"));
    assert_null(ynode_get(n, "name"));
}

static void
a_key_that_stands_twice_is_an_error_and_the_first_counts(void **state)
{
    struct fixture *f = *state;

    assert_true(load(f, "a: 1\nb: {c: 1, c: 2}\na: 3\n"));
    assert_string_equal(ynode_get(f->doc.root, "a")->text, "1");
    assert_says(f, "f:2:11: b.c: this key stands on line 2 already; keep one of them\n"
                   "f:3:1: a: this key stands on line 1 already; keep one of them\n");
}

static void
an_alias_is_a_copy_with_a_path_of_its_own(void **state)
{
    struct fixture *f = *state;

    assert_true(load(f, "a: &x {k: 5}\nb: *x\nc: [*x]\n"));
    const struct ynode *k = ynode_get(ynode_get(f->doc.root, "c")->values[0], "k");
    g_autofree char *path = ynode_path(k);
    assert_string_equal(path, "c[0].k");
    assert_int_equal(k->line, 1);
}

static void
an_alias_cannot_name_itself_or_nothing(void **state)
{
    struct fixture *f = *state;

    assert_false(load(f, "a: &x [*x]\n"));
    assert_says(f, "f:1:8: '*x' names no anchor that ends before this line; "
                   "write '&x' at the value that it repeats\n");
}

/* "[" n times and as many "]". */
static char *
brackets(guint n)
{
    g_autofree char *open = g_strnfill(n, '['), *close = g_strnfill(n, ']');

    return g_strconcat(open, close, NULL);
}

static void
depth_forty_eight_loads_and_forty_nine_does_not(void **state)
{
    struct fixture *f = *state;
    g_autofree char *most = brackets(48), *more = brackets(49), *huge = brackets(100000);

    assert_true(load(f, most));
    assert_false(load(f, more));
    assert_says(f, "f:1:49: lists and maps are nested deeper than 48 levels\n");
    assert_false(load(f, huge));
}

/* Each line ten times the one before: line 4 stands for 10^4 scalars and more. */
static void
aliases_unfold_to_twenty_thousand_values_at_most(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GString) s = g_string_new("a0: &a0 1\n");

    for (int i = 1; i <= 4; i++) {
        g_string_append_printf(s, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            g_string_append_printf(s, "%s*a%d", j > 0 ? "," : "", i - 1);
        g_string_append(s, "]\n");
    }
    assert_true(load(f, s->str)); /* 12340 copies */
    g_string_append(s, "b: [*a4]\n");
    assert_false(load(f, s->str));
    assert_says(f, "f:6:5: aliases ('*name') unfold to more than 20000 values\n");
}

static void
what_is_not_plain_yaml_is_said_with_its_place(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "a:\n\tb: 1\n", "f:2:1: a tab cannot stand here; indent with spaces\n" },
        { "a: \377\n", "f:1:4: the text is not UTF-8; save the file as UTF-8\n" },
        { "a: !!int 5\n", "f:1:4: tags ('!...') have no meaning here; leave the tag out\n" },
        { "? [a, b]\n: c\n", "f:1:3: a key must be a word, not a list or a map\n" },
        { "a: 1\n---\nb: 2\n", "f:2:1: a second document begins; one a file\n" },
        { "a: \"x\\0y\"\n", "f:1:4: a text holds a NUL character\n" },
        { "", "f:1:1: the file is empty\n" },
        { "# nothing\n", "f:1:1: the file is empty\n" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        diag_clear(&f->diag);
        diag_init(&f->diag);
        assert_false(load(f, cases[i].text));
        assert_says(f, cases[i].says);
    }
    assert_false(load(f, "a: [1, 2\n"));
    assert_false(load(f, "a: b: c\n"));
}

struct thing {
    uint64_t slice, l2;
    uint32_t count, mode;
    const char *name;
};

static const char *const modes[] = { "fast", "slow", NULL };
static const struct field thing_fields[] = {
    FIELD(FIELD_TIME, struct thing, slice, .def = "20ms", .min = "1ms", .doc = "how long"),
    FIELD_NAMED(FIELD_SIZE, "caches.l2", struct thing, l2, .def = "1MiB", .doc = "a cache"),
    FIELD(FIELD_U32, struct thing, count, .required = true, .doc = "how many"),
    FIELD(FIELD_ENUM, struct thing, mode, .names = modes, .def = "slow", .doc = "how"),
    FIELD(FIELD_STRING, struct thing, name, .doc = "what it is called"),
    FIELD_END,
};
static const char *const thing_others[] = { "list", NULL };

static void
a_struct_is_filled_by_its_table(void **state)
{
    struct fixture *f = *state;
    struct thing t = { 0 };

    assert_true(load(f, "count: 3\nlist: [1]\ncaches: {l2: 512KiB}\nmode: fast\n"));
    assert_true(ynode_load_fields(&f->doc, f->doc.root, thing_fields, thing_others, &t));
    assert_int_equal(t.slice, MSEC(20));
    assert_int_equal(t.l2, KIB(512));
    assert_int_equal(t.count, 3);
    assert_int_equal(t.mode, 0);
    assert_null(t.name);
    assert_true(load(f, "count: 3\ncaches.l2: 2MiB\n"));
    assert_true(ynode_load_fields(&f->doc, f->doc.root, thing_fields, NULL, &t));
    assert_int_equal(t.l2, MIB(2));
    assert_int_equal(t.mode, 1);
}

static void
all_that_is_wrong_with_a_struct_is_said_at_once(void **state)
{
    struct fixture *f = *state;
    struct thing t = { 0 };

    assert_true(load(f, "slice: 5\ncaches: {l3: 1MiB}\nmod: fast\nmode: fats\nname: [x]\n"));
    assert_false(ynode_load_fields(&f->doc, f->doc.root, thing_fields, NULL, &t));
    assert_says(f, "f:1:1: 'count' is missing: how many\n"
                   "f:1:8: slice: '5' is not a time; write a number and a unit, as in 20ms\n"
                   "f:2:10: caches.l3: unknown key 'l3'; did you mean 'l2'?\n"
                   "f:3:1: mod: unknown key 'mod'; did you mean 'mode'?\n"
                   "f:4:7: mode: there is no 'fats'; did you mean 'fast'?\n"
                   "f:5:7: name: expected a value, but this is a list\n");
}

static void
cpulists_are_texts_or_lists(void **state)
{
    struct fixture *f = *state;
    struct cpumask *m = cpumask_new(f->arena, 128);

    assert_true(load(f, "a: 0-3,8\nb: [0-3, 8]\nc: 7\nd: 0-128\ne: {x: 1}\n"));
    for (guint i = 0; i < 2; i++) {
        assert_true(ynode_cpulist(&f->doc, f->doc.root->values[i], m));
        assert_string_equal(cpumask_text(f->arena, m), "0-3,8");
    }
    assert_true(ynode_cpulist(&f->doc, f->doc.root->values[2], m));
    assert_string_equal(cpumask_text(f->arena, m), "7");
    assert_false(ynode_cpulist(&f->doc, f->doc.root->values[3], m));
    assert_false(ynode_cpulist(&f->doc, f->doc.root->values[4], m));
    assert_int_equal(f->diag.errors->len, 2);
}

static void
a_missing_file_is_an_error_that_names_it(void **state)
{
    struct fixture *f = *state;

    assert_false(yaml_load_file(&f->doc, "there/is/none.yaml", f->arena, &f->diag));
    assert_says(f, "there/is/none.yaml: cannot be opened: No such file or directory\n");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(every_node_knows_its_place_and_path),
        CASE(a_key_that_stands_twice_is_an_error_and_the_first_counts),
        CASE(an_alias_is_a_copy_with_a_path_of_its_own),
        CASE(an_alias_cannot_name_itself_or_nothing),
        CASE(depth_forty_eight_loads_and_forty_nine_does_not),
        CASE(aliases_unfold_to_twenty_thousand_values_at_most),
        CASE(what_is_not_plain_yaml_is_said_with_its_place),
        CASE(a_struct_is_filled_by_its_table),
        CASE(all_that_is_wrong_with_a_struct_is_said_at_once),
        CASE(cpulists_are_texts_or_lists),
        CASE(a_missing_file_is_an_error_that_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

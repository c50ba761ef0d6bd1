/* layer: config */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/load.h"

/* Two nodes of two CPUs each, one number a line so that messages can be told apart. */
static const char good[] =
    "{\"name\": \"two nodes\", \"online\": \"0-3\",\n"
    " \"machine\": {\"vendor\": \"amd\", \"sockets\": 2, \"dies\": 1,"
    " \"cores\": 3, \"threads\": 1},\n"
    " \"obtained\": {\"append\": \"quiet\"},\n"
    " \"nodes\": [\n"
    "  {\"id\": 4, \"cpus\": \"2-3\", \"mem_total_kb\": 8, \"distance\": [21, 10]},\n"
    "  {\"id\": 1, \"cpus\": \"0-1\", \"mem_total_kb\": 4, \"distance\": [10, 20]}],\n"
    " \"cpus\": [\n"
    "  {\"cpu\": 0, \"node\": 1, \"package\": 0, \"threads\": \"0-1\", \"l2\": \"0-1\", \"l3\": "
    "\"0-1\"},\n"
    "  {\"cpu\": 1, \"node\": 1, \"package\": 0, \"threads\": \"0-1\", \"l2\": \"0-1\", \"l3\": "
    "\"0-1\"},\n"
    "  {\"cpu\": 2, \"node\": 4, \"package\": 1, \"threads\": \"2\", \"l2\": \"2\", \"l3\": "
    "null},\n"
    "  {\"cpu\": 3, \"node\": 4, \"package\": 1, \"threads\": \"3\"}]}\n";

struct import {
    struct arena *arena;
    struct diag diag;
    struct machine *m;
    char *errors;
};

static struct import *
import_text(const char *text, gsize len)
{
    struct import *i = g_new0(struct import, 1);

    i->arena = arena_new();
    diag_init(&i->diag);
    i->m = import_golden("g.json", text, len, i->arena, &i->diag);
    i->errors = diag_text(&i->diag);
    return i;
}

/* The good file with one piece replaced. */
static struct import *
import_with(const char *piece, const char *by)
{
    g_autoptr(GString) text = g_string_new(good);

    assert_int_equal(g_string_replace(text, piece, by, 1), 1);
    return import_text(text->str, text->len);
}

static void
import_free(struct import *i)
{
    g_free(i->errors);
    diag_clear(&i->diag);
    arena_free(i->arena);
    g_free(i);
}

static void
a_file_becomes_the_machine_that_it_describes(void **state)
{
    struct import *i = import_text(good, strlen(good));
    const struct machine *m = i->m;

    assert_non_null(m);
    assert_int_equal(m->vendor, VENDOR_AMD);
    assert_int_equal(m->nr_cpus, 4);
    assert_int_equal(m->nr_nodes, 2);
    assert_int_equal(m->nodes[0].os_index, 1); /* nodes ascend, whatever their order in the file */
    assert_int_equal(m->nodes[1].os_index, 4);
    assert_int_equal(m->nodes[1].mem_bytes, 8192);
    assert_int_equal(machine_distance(m, 0, 1), 20);
    assert_int_equal(machine_distance(m, 1, 0), 21);
    assert_int_equal(m->smt, 2);
    assert_int_equal(m->cpus[1].llc, m->cpus[0].llc);
    assert_int_equal(m->cpus[2].llc, MACHINE_NONE);
    assert_int_equal(m->cpus[3].l2, MACHINE_NONE);
    assert_true(cpumask_empty(m->isolated));
    import_free(i);
}

static void
maxcpus_tells_of_cpus_that_stayed_offline(void **state)
{
    struct import *i = import_with("quiet", "maxcpus=4 quiet");

    assert_int_equal(i->m->nr_cpus, 6);
    assert_int_equal(cpumask_weight(i->m->present), 6);
    assert_int_equal(cpumask_weight(i->m->online), 4);
    import_free(i);
}

static void
isolcpus_isolates_unless_its_flags_are_others(void **state)
{
    static const struct {
        const char *append, *isolated;
    } cases[] = {
        { "isolcpus=1,3", "1,3" },
        { "a isolcpus=domain,2-3 b", "2-3" },
        { "isolcpus=nohz,domain,managed_irq,2", "2" },
        { "isolcpus=nohz,2-3", "" },
        { "xisolcpus=2-3", "" },
        { "isolcpus=1-9", "1-3" },
        { "isolcpus=0-3", "1-3" }, /* the boot CPU stays */
        { "isolcpus=0-3 maxcpus=4",
          "1-3" }, /* CPUs 4 and 5 are not isolated, but will never be up */
        { "isolcpus=what", "" },
    };

    for (gsize k = 0; k < ARRAY_LEN(cases); k++) {
        struct import *i = import_with("quiet", cases[k].append);

        assert_non_null(i->m);
        assert_string_equal(cpumask_text(i->arena, i->m->isolated), cases[k].isolated);
        import_free(i);
    }
}

static void
what_is_wrong_is_said_with_its_place(void **state)
{
    static const struct {
        const char *piece, *by, *starts, *says;
    } cases[] = {
        { "\"id\": 4", "\"id\": true", "g.json:5:", "nodes[0].id: expected a whole number" },
        { "\"id\": 4", "\"id\": 1", "g.json:6:", "node 1 is there twice" },
        { "\"id\": 4,", "", "g.json:5:", "nodes[0].id: is missing" },
        { "[21, 10]", "[21]", "g.json:5:", "has 1 values, but there are 2 nodes" },
        { "[21, 10]", "[256, 10]", "g.json:5:", "from 10 to 255" },
        { "[21, 10]", "7", "g.json:5:", "nodes[0].distance: expected a list" },
        { "\"2-3\", \"mem", "\"2\", \"mem", "g.json:5:", "CPU 3 says it is on node 4" },
        { "\"node\": 4", "\"node\": 2", "g.json:10:", "there is no node 2" },
        { "\"cpu\": 2", "\"cpu\": 1", "g.json:10:", "CPU 1 is there twice" },
        { "\"cpu\": 2", "\"cpu\": 8192", "g.json:10:", "from 0 to 8191" },
        { "\"online\": \"0-3\"", "\"online\": \"0-4\"", "g.json:1:", "CPU 4 is online" },
        { "\"online\": \"0-3\"", "\"online\": \"\"", "g.json:1:", "no CPU is online" },
        { "\"online\": \"0-3\"", "\"online\": \"0-x\"",
          "g.json:1:", "online: '0-x' is not a CPU list" },
        { "\"online\": \"0-3\"", "\"online\": 3", "g.json:1:", "online: expected a string" },
        { "\"threads\": \"2\"", "\"threads\": \"1-2\"",
          "g.json:10:", "threads of CPU 2 does not agree" },
        { "\"threads\": \"2\"", "\"threads\": \"3\"",
          "g.json:10:", "threads of CPU 2 does not agree" },
        { "\"machine\"", "\"mochine\"", "g.json:1:1", "machine: expected an object" },
        { "\"nodes\": [", "\"nodes\": [[],", "g.json:4:", "nodes[0]: expected an object" },
        { "\"vendor\": ", "\"vendor\" ", "g.json:2:", "not JSON" },
    };

    for (gsize k = 0; k < ARRAY_LEN(cases); k++) {
        struct import *i = import_with(cases[k].piece, cases[k].by);

        assert_null(i->m);
        if (!g_str_has_prefix(i->errors, cases[k].starts) ||
            strstr(i->errors, cases[k].says) == NULL)
            fail_msg("'%s' should begin with '%s' and say '%s'", i->errors, cases[k].starts,
                     cases[k].says);
        import_free(i);
    }
}

static void
text_that_is_no_topology_is_refused(void **state)
{
    static const char *const texts[] = { "", "[]", "3", "null", "{}", "{\"cpus\": []", "\xff\xfe" };

    for (gsize k = 0; k < ARRAY_LEN(texts); k++) {
        struct import *i = import_text(texts[k], strlen(texts[k]));

        assert_null(i->m);
        if (!g_str_has_prefix(i->errors, "g.json:"))
            fail_msg("%s: %s", texts[k], i->errors);
        import_free(i);
    }
}

static void
every_truncation_of_a_file_is_refused_and_none_crashes(void **state)
{
    for (gsize len = 0; len < strlen(good) - 2; len++) {
        struct import *i = import_text(good, len);

        assert_null(i->m);
        import_free(i);
    }
}

static void
deep_nesting_is_refused_before_it_can_do_harm(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct import *i;

    for (int k = 0; k < 100000; k++)
        g_string_append_c(text, '[');
    i = import_text(text->str, text->len);
    assert_null(i->m);
    assert_non_null(strstr(i->errors, "nested"));
    import_free(i);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_becomes_the_machine_that_it_describes),
        cmocka_unit_test(maxcpus_tells_of_cpus_that_stayed_offline),
        cmocka_unit_test(isolcpus_isolates_unless_its_flags_are_others),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(text_that_is_no_topology_is_refused),
        cmocka_unit_test(every_truncation_of_a_file_is_refused_and_none_crashes),
        cmocka_unit_test(deep_nesting_is_refused_before_it_can_do_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

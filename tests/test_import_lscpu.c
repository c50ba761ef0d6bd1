/* layer: config */
/*
 * The output of lscpu in its forms, by small examples; whole machines are in test_machine_formats.c
 * and, against lscpu's own reading of snapshots, in test_import_sysfs.c.
 */
#include "config/import_lscpu.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct loaded {
    struct arena *arena;
    struct diag diag;
    struct machine *m;
    char *messages;
};

static struct loaded
import(const char *text)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = import_lscpu("box.txt", text, strlen(text), l.arena, &l.diag);
    l.messages = diag_text(&l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
    return l;
}

static void
unload(struct loaded *l)
{
    arena_free(l->arena);
    diag_clear(&l->diag);
    g_free(l->messages);
}

static bool
noted(const struct machine *m, const char *words)
{
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (strstr(m->notes[i], words) != NULL)
            return true;
    return false;
}

/* Two cores with two threads, one L3 each; the same machine in four tables. */
static const char *const tables[] = {
    "# comment, with a comma\n# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n"
    "0,0,0,0,,0,0,0,0\n1,0,0,0,,0,0,0,0\n2,1,1,4,,1,1,1,1\n3,1,1,4,,1,1,1,1\n",
    "# Node,L3,CPU,Core,Socket\n0,0,0,0,0\n0,0,1,0,0\n4,1,2,1,1\n4,1,3,1,1\n",
    "CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE MAXMHZ\n"
    "  0    0      0    0 0:0:0:0          yes 3000.0000\n"
    "  1    0      0    0 0:0:0:0          yes 3000.0000\n"
    "  2    4      1    1 1:1:1:1          yes 3000.0000\n"
    "  3    4      1    1 1:1:1:1          yes 3000.0000\n",
    "{\"cpus\": [{\"cpu\": 0, \"core\": 0, \"socket\": 0, \"node\": 0, \"l1d:l1i:l2:l3\": "
    "\"0:0:0:0\"},"
    "{\"cpu\": \"1\", \"core\": \"0\", \"socket\": \"0\", \"node\": \"0\", \"l1d:l1i:l2:l3\": "
    "\"0:0:0:0\"},"
    "{\"cpu\": 2, \"core\": 1, \"socket\": 1, \"node\": 4, \"l1d:l1i:l2:l3\": \"1:1:1:1\"},"
    "{\"cpu\": 3, \"core\": 1, \"socket\": 1, \"node\": 4, \"l1d:l1i:l2:l3\": \"1:1:1:1\"}]}",
    "0,0,0,0,,0,0,0,0\n1,0,0,0,,0,0,0,0\n2,1,1,4,,1,1,1,1\n3,1,1,4,,1,1,1,1\n",
};

static void
tables_of_any_columns_say_who_shares_what(void **state)
{
    for (gsize i = 0; i < ARRAY_LEN(tables); i++) {
        assert_true(looks_like_lscpu(tables[i], strlen(tables[i])));
        struct loaded l = import(tables[i]);
        assert_non_null(l.m);
        assert_int_equal(l.m->nr_nodes, 2);
        assert_int_equal(l.m->nodes[1].os_index, 4);
        assert_int_equal(l.m->nr_cores, 2);
        assert_int_equal(l.m->nr_packages, 2);
        assert_int_equal(l.m->nr_llcs, 2);
        assert_int_equal(l.m->cpus[0].core, l.m->cpus[1].core);
        assert_int_equal(l.m->cpus[3].node, 1);
        assert_true(noted(l.m, "assumed: 16 GiB of memory"));
        assert_true(noted(l.m, "assumed: distances 10"));
        unload(&l);
    }
}

/* Other files speak of CPUs too, in their comments and keys. */
static void
other_texts_are_not_taken_for_lscpu(void **state)
{
    static const char *const texts[] = {
        "# assumed: two threads a core, CPU k and k + 4 (every node holds both)\nname: box\n",
        "name: box\ncpus:\n  - {cpus: 0-3, package: 0}\n",
        "available: 1 nodes (0)\nnode 0 cpus: 0 1\n",
        "<topology version=\"2.0\"/>",
        "{\"cpus\": [{\"cpu\": 0}], \"nodes\": [], \"online\": \"0\"}",
        "",
    };

    for (gsize i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(looks_like_lscpu(texts[i], strlen(texts[i])));
}

static void
what_a_cell_leaves_out_is_unknown_or_offline(void **state)
{
    struct loaded l = import("CPU NODE SOCKET CORE L1d:L1i:L2 ONLINE MAXMHZ\n"
                             "0 0 0 0 0:0:0 yes 4000.0\n"
                             "1 0 0 1 1:1:1 yes 2000.0\n"
                             "2 - - - - no -\n");

    assert_non_null(l.m);
    assert_int_equal(cpumask_weight(l.m->present), 3);
    assert_int_equal(cpumask_weight(l.m->online), 2);
    assert_int_equal(l.m->cpus[1].capacity, 512); /* half the frequency */
    assert_int_equal(l.m->nr_llcs, 2);            /* the L2s: there is no L3 */
    unload(&l);
}

/* Nodes 0 and 1 hold 0,2 and 1,3 as cores, 4-7 as their second threads. */
static void
a_summary_only_counts_and_the_rest_is_assumed(void **state)
{
    struct loaded l = import("Architecture: x86_64\nCPU(s): 8\nOn-line CPU(s) list: 0-7\n"
                             "Vendor ID: AuthenticAMD\nCPU family: 25\nThread(s) per core: 2\n"
                             "Core(s) per socket: 2\nSocket(s): 2\nL2 cache: 4 MiB (4 instances)\n"
                             "L3 cache: 64 MiB (2 instances)\n"
                             "NUMA node0 CPU(s): 0,2,4,6\nNUMA node1 CPU(s): 1,3,5,7\n");

    assert_non_null(l.m);
    assert_int_equal(l.m->nr_cores, 4);
    assert_int_equal(l.m->cpus[1].core, l.m->cpus[5].core);
    assert_int_equal(l.m->nr_packages, 2);
    assert_int_equal(l.m->nr_llcs, 2);
    assert_int_equal(l.m->cache.llc_bytes, MIB(32));
    assert_int_equal(l.m->cache.l2_bytes, MIB(1));
    assert_int_equal(l.m->vendor, VENDOR_AMD);
    assert_false(l.m->amd_pre_zen);
    assert_true(noted(l.m, "assumed: the 2 threads of a core"));
    unload(&l);
}

/* The size of one cache, as versions before 2.34 wrote it. */
static void
old_summaries_give_the_size_of_one_cache(void **state)
{
    struct loaded l =
        import("CPU(s): 2\nOn-line CPU(s) list: 0,1\nThread(s) per core: 1\n"
               "Core(s) per socket: 2\nSocket(s): 1\nL2 cache: 256K\nL3 cache: 8192K\n");

    assert_non_null(l.m);
    assert_int_equal(l.m->cache.l2_bytes, KIB(256));
    assert_int_equal(l.m->cache.llc_bytes, MIB(8));
    assert_int_equal(l.m->nr_nodes, 1);
    unload(&l);
}

static void
listings_that_contradict_themselves_are_refused(void **state)
{
    static const char *const cases[][2] = {
        { "# CPU,Core\n0,0,0\n0,1,0\n", "no CPU is listed" }, /* three cells for two columns */
        { "# CPU,Core,Socket\n0,0,0\n0,1,0\n", "a CPU is listed twice" },
        { "# CPU,Core,Socket\n8192,0,0\n", "a CPU has a number above 8191" },
        { "CPU(s): 0\n", "no CPU is listed" },
        { "# CPU,Core,Node\n0,0,0\n1,1,0\navailable: 2 nodes (0-1)\nnode 0 cpus: 0\n"
          "node 1 cpus: 1\nnode distances:\nnode 0 1\n 0: 10 20\n 1: 20 10\n",
          "numactl and lscpu disagree on CPU 1; expected listings of one machine" },
        { "{\"lscpu\": [", "box.txt" },
    };

    for (gsize i = 0; i < ARRAY_LEN(cases); i++) {
        struct loaded l = import(cases[i][0]);
        assert_null(l.m);
        if (strstr(l.messages, cases[i][1]) == NULL)
            fail_msg("%s: %s", cases[i][0], l.messages);
        unload(&l);
    }
}

static void
the_last_cpu_number_that_works_is_8191(void **state)
{
    struct loaded l = import("# CPU,Core,Socket\n0,0,0\n8191,1,0\n");

    assert_non_null(l.m);
    assert_int_equal(cpumask_weight(l.m->online), 2);
    unload(&l);
}

static void
endless_lines_and_deep_nesting_are_refused(void **state)
{
    g_autofree char *filler = g_strnfill(1 << 20, '7'), *deep = g_strnfill(100000, '[');
    g_autofree char *line = g_strconcat("# CPU,Core,Socket\n0,0,0\n", filler, "\n", NULL);
    g_autofree char *json = g_strconcat("{\"lscpu\":", deep, NULL);
    struct loaded l = import(line);

    assert_null(l.m);
    assert_non_null(strstr(l.messages, "box.txt:3:1: a line of 1048576 bytes"));
    unload(&l);
    l = import(json);
    assert_null(l.m);
    assert_non_null(strstr(l.messages, "levels deep"));
    unload(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_any_columns_say_who_shares_what),
        cmocka_unit_test(other_texts_are_not_taken_for_lscpu),
        cmocka_unit_test(what_a_cell_leaves_out_is_unknown_or_offline),
        cmocka_unit_test(a_summary_only_counts_and_the_rest_is_assumed),
        cmocka_unit_test(old_summaries_give_the_size_of_one_cache),
        cmocka_unit_test(listings_that_contradict_themselves_are_refused),
        cmocka_unit_test(the_last_cpu_number_that_works_is_8191),
        cmocka_unit_test(endless_lines_and_deep_nesting_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

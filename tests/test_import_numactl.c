/* layer: config */
/*
 * numactl listings: the twelve of the corpus against numbers that were read from them by eye, the
 * three emulated machines, and small listings of our own for the rules and the messages.
 */
#include "config/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct loaded {
    struct arena *arena;
    struct diag diag;
    struct machine *m;
};

static struct loaded
load(const char *name, const char *text, gsize len)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = import_numactl(name, text, len, l.arena, &l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
    return l;
}

static void
unload(struct loaded *l)
{
    arena_free(l->arena);
    diag_clear(&l->diag);
}

static bool
noted(const struct machine *m, const char *words)
{
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (strstr(m->notes[i], words) != NULL)
            return true;
    return false;
}

/* From the text of each file: nodes, CPUs, MiB, threads a core, distance of the first two nodes, of
 * the first and the last. */
static const struct expected {
    const char *file;
    uint32_t nr_nodes, nr_cpus, smt;
    uint64_t mib;
    uint32_t first_two, first_last;
} corpus[] = {
    { "aws-c5n-18xlarge-2node", 2, 72, 2, 94590 + 94710, 21, 21 },
    { "epyc-naples-2s-8node-128cpu", 8, 128, 2,
      15298 + 16047 + 16035 + 16033 + 15995 + 15947 + 15975 + 15991, 16, 28 },
    { "fujitsu-16node-2008-no-cpus-no-distances", 16, 8, 1, 3872 + 4032, 20, 20 },
    { "grace-hopper-9node-hbm-wrapped-lines", 9, 72, 1, 490037 + 97280, 80, 80 },
    { "kunpeng-4s-8node-distances-only", 8, 32, 1, 8 * 16384, 11, 25 },
    { "opteron-4node-squeezed-blanks", 4, 24, 1, 8190 + 8192 + 8192 + 8176, 16, 16 },
    { "power9-2node-plus-4gpu-sparse-ids", 6, 128, 1, 260788 + 261747 + 4 * 16128, 40, 80 },
    { "threadripper-3960x-4node-2memoryless", 4, 48, 2, 64307 + 64472, 12, 12 },
    { "xeon-2node-evenodd-memoryless-node1", 2, 72, 1, 128702, 20, 20 },
    { "xeon-80cpu-2node-timestamped-log", 2, 80, 2, 257592 + 258027, 21, 21 },
    { "xeon-cascadelake-4s-snc2-8node-224cpu", 8, 224, 2, 63939 + 6 * 64506 + 64483, 11, 21 },
    { "xeon-e5-cod-2s-4node-56cpu", 4, 56, 2, 15932 + 16125 + 16125 + 16124, 21, 31 },
};

static void
check_machine(const struct expected *want, const struct machine *m)
{
    uint64_t bytes = 0;

    assert_int_equal(m->nr_nodes, want->nr_nodes);
    assert_int_equal(cpumask_weight(m->present), want->nr_cpus);
    assert_int_equal(m->smt, want->smt);
    for (uint32_t i = 0; i < m->nr_nodes; i++) {
        bytes += m->nodes[i].mem_bytes;
        assert_int_equal(machine_distance(m, i, i), 10);
    }
    assert_int_equal(bytes, MIB(want->mib));
    assert_int_equal(machine_distance(m, 0, 1), want->first_two);
    assert_int_equal(machine_distance(m, 0, m->nr_nodes - 1), want->first_last);
}

static void
numactl_listings_of_the_corpus_are_imported(void **state)
{
    guint imported = 0;

    for (gsize i = 0; i < ARRAY_LEN(corpus); i++) {
        g_autofree char *path =
            g_strdup_printf("%s/corpus/numactl/%s.txt", SHARED_DIR, corpus[i].file);
        g_autofree char *text = NULL;
        gsize len;

        if (!g_file_get_contents(path, &text, &len, NULL)) {
            print_message("no corpus beside the checkout: skipped\n");
            skip();
        }
        assert_true(looks_like_numactl(text, len));
        struct loaded l = load(path, text, len);
        if (l.m == NULL) {
            g_autofree char *why = diag_text(&l.diag);
            print_message("%s", why);
        }
        assert_non_null(l.m);
        assert_string_equal(l.m->name, corpus[i].file);
        check_machine(&corpus[i], l.m);
        imported++;
        unload(&l);
    }
    print_message("corpus/numactl: %u imported, 0 refused\n", imported);
}

/* A reader of ten lines that knows only well-formed listings. */
static void
check_against_plain_reader(const struct machine *m, char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint row = 0;

    for (char **line = lines; *line != NULL; line++) {
        unsigned k;
        int n = 0;

        if (sscanf(*line, "node %u cpus:%n", &k, &n) == 1 && n > 0) {
            g_auto(GStrv) words = g_strsplit(g_strstrip(*line + n), " ", -1);
            guint nr = words[0] != NULL && *words[0] != '\0' ? g_strv_length(words) : 0;

            assert_int_equal(cpumask_weight(m->nodes[k].cpus), nr);
            for (guint i = 0; i < nr; i++)
                assert_true(cpumask_test(m->nodes[k].cpus, (uint32_t)atoi(words[i])));
        } else if (sscanf(*line, " %u:%n", &k, &n) == 1 && n > 0) {
            char *c = *line + n;

            for (guint i = 0; i < m->nr_nodes; i++)
                assert_int_equal(machine_distance(m, row, i), strtol(c, &c, 10));
            row++;
        }
    }
    assert_int_equal(row, m->nr_nodes);
}

static void
numactl_listings_of_emulated_machines_agree_with_a_plain_reader(void **state)
{
    static const char *const names[] = { "ring4", "hmat3", "mesh8" };

    for (gsize i = 0; i < ARRAY_LEN(names); i++) {
        g_autofree char *path = g_strdup_printf(
            "%s/corpus/numa-guest/%s/machine/numactl-hardware.txt", SHARED_DIR, names[i]);
        g_autofree char *text = NULL;
        gsize len;

        if (!g_file_get_contents(path, &text, &len, NULL)) {
            print_message("no corpus beside the checkout: skipped\n");
            skip();
        }
        struct loaded l = load(path, text, len);
        assert_non_null(l.m);
        check_against_plain_reader(l.m, text);
        unload(&l);
    }
}

static void
sparse_node_numbers_are_kept(void **state)
{
    static const char text[] = "available: 2 nodes (8,252)\nnode 8 cpus: 0 1\nnode 8 size: 100 MB\n"
                               "node 252 cpus:\nnode 252 size: 50 MB\nnode distances:\n"
                               "node 8 252\n8: 10 80\n252: 80 10\n";
    struct loaded l = load("x", text, strlen(text));

    assert_non_null(l.m);
    assert_int_equal(l.m->nodes[0].os_index, 8);
    assert_int_equal(l.m->nodes[1].os_index, 252);
    assert_true(cpumask_empty(l.m->nodes[1].cpus));
    unload(&l);
}

static void
prefixes_quotes_tabs_and_wrapped_tables_are_read(void **state)
{
    static const char text[] =
        "> [  12.5] available: 3 nodes (0-2)\r\n> [  12.5] node 0 cpus: 0 1\r\n"
        "> 2 3\r\n> [  12.6] node\t1\tcpus: 4 5 6 7\r\n"
        "> [  12.6] node 2 cpus:\r\n> [  12.6] node distances:\r\n"
        "> [  12.7] node   0   1\r\n>  2\r\n> [  12.7]   0:  10  20\r\n> 30\r\n"
        "> [  12.7]   1:\t20\t10  30\r\n> [  12.7]   2:  30  30  10  \r\n";
    struct loaded l = load("x", text, strlen(text));

    assert_non_null(l.m);
    assert_int_equal(cpumask_weight(l.m->nodes[0].cpus), 4);
    assert_int_equal(cpumask_weight(l.m->nodes[1].cpus), 4);
    assert_int_equal(machine_distance(l.m, 0, 2), 30);
    assert_int_equal(machine_distance(l.m, 2, 1), 30);
    assert_true(noted(l.m, "16 GiB of memory on 3 nodes"));
    unload(&l);
}

static void
what_is_missing_is_assumed_and_noted(void **state)
{
    static const char text[] = "hello\nworld\nnode 0 size: 10 MB\nnode 0 free: 1 MB\n"
                               "node 1 cpus: 2 3\nnode 1 size: 10 MB\n"
                               "No distance information available.\n";
    struct loaded l = load("x", text, strlen(text));

    assert_non_null(l.m);
    assert_int_equal(machine_distance(l.m, 0, 1), 20);
    assert_true(cpumask_test(l.m->nodes[0].cpus, 0) && cpumask_test(l.m->nodes[0].cpus, 1));
    assert_int_equal(l.m->nr_llcs, 2);
    assert_true(noted(l.m, "2 unused CPU numbers"));
    assert_true(noted(l.m, "no distances: the listing says so"));
    assert_true(noted(l.m, "2 unknown lines skipped"));
    assert_int_equal(l.diag.notes->len, l.m->nr_notes);
    unload(&l);
}

static void
listings_that_contradict_themselves_are_refused_at_their_place(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "available: 2 nodes (0-2)\n",
          "f:1:12: 2 nodes are announced, but the list names 3; expected "
          "as many\n" },
        { "available: 2 nodes (0-1)\nnode 2 cpus: 1\n",
          "f:2:6: node 2 is not in the list of available nodes; expected one of that list\n" },
        { "node 0 cpus: 1 2\nnode 1 cpus: 3 2\n",
          "f:2:16: CPU 2 is listed twice; expected each CPU on one node\n" },
        { "node 0 cpus: 8192\n", "f:1:14: CPU 8192 is too high; expected numbers up to 8191\n" },
        { "node 0 cpus: 1 x\n", "f:1:16: not a CPU number; expected numbers between blanks\n" },
        { "node 0 size: 5 GB\n",
          "f:1:14: cannot read the size of node 0; expected a number and MB\n" },
        { "node distances:\nnode 0 1\n0: 10 20\n", "f:3:1: the table of distances has 1 rows and 2 "
                                                   "columns; expected a row for each node\n" },
        { "node distances:\nnode 0 1\n0: 10\n1: 20 10\n",
          "f:3:1: the row of node 0 has 1 distances; expected 2\n" },
        { "node distances:\nnode 0 1\n0: 10 20 20\n1: 20 10\n",
          "f:3:10: the row of node 0 is too long; expected 2 distances\n" },
        { "node distances:\nnode 0 1\n0: 20 10\n1: 20 10\n",
          "f:3:1: node 0 is nearer to node 1 than to itself; expected the diagonal to be the "
          "smallest "
          "of its row\n" },
        { "node distances:\nnode 0 1\n0: 10 9\n1: 20 10\n",
          "f:3:7: not a distance; expected a number from 10 to 255\n" },
        { "node distances:\nnode 0 1\n0: 10 256\n1: 20 10\n",
          "f:3:7: not a distance; expected a number from 10 to 255\n" },
        { "node distances:\nnode 0 1\n0: 10 20\n2: 20 10\n",
          "f:4:1: a row for node 2; expected the rows in the order of the columns\n" },
        { "node 0 cpus: 0\nnode 1 cpus: 1\nnode 2 cpus: 2\nnode distances:\nnode 0 1\n0: 10 20\n1: "
          "20 "
          "10\n",
          "f:6:1: the table of distances has 2 nodes, the listing 3; expected the same nodes\n" },
        { "nothing\n", "f:1:1: no node is listed; expected the output of 'numactl --hardware'\n" },
        { "", "f:1:1: no node is listed; expected the output of 'numactl --hardware'\n" },
    };

    for (gsize i = 0; i < ARRAY_LEN(cases); i++) {
        struct loaded l = load("f", cases[i].text, strlen(cases[i].text));
        g_autofree char *text = diag_text(&l.diag);

        assert_null(l.m);
        assert_string_equal(text, cases[i].message);
        unload(&l);
    }
}

static void
sixty_four_nodes_are_read_and_one_more_is_refused(void **state)
{
    for (unsigned nr = 64; nr <= 65; nr++) {
        g_autoptr(GString) s = g_string_new(NULL);

        for (unsigned i = 0; i < nr; i++)
            g_string_append_printf(s, "node %u cpus: %u\n", i, i);
        struct loaded l = load("x", s->str, s->len);
        assert_true((l.m != NULL) == (nr == 64));
        unload(&l);
    }
}

static void
threads_are_told_only_where_the_numbers_show_them(void **state)
{
    static const struct {
        const char *text;
        uint32_t smt;
    } cases[] = {
        { "node 0 cpus: 0 1 4 5\nnode 1 cpus: 2 3 6 7\n", 2 },
        { "node 0 cpus: 0 2 4 6\nnode 1 cpus: 1 3 5 7\n", 1 }, /* dealt in turn */
        { "node 0 cpus: 0 1 2 3\nnode 1 cpus: 4 5 6 7\n", 1 }, /* one run each */
        { "node 0 cpus: 0 1 2 3\n", 1 },
        { "node 0 cpus: 0 1 4 6\nnode 1 cpus: 2 3 5 7\n", 1 },
    };

    for (gsize i = 0; i < ARRAY_LEN(cases); i++) {
        struct loaded l = load("x", cases[i].text, strlen(cases[i].text));

        assert_non_null(l.m);
        assert_int_equal(l.m->smt, cases[i].smt);
        unload(&l);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numactl_listings_of_the_corpus_are_imported),
        cmocka_unit_test(numactl_listings_of_emulated_machines_agree_with_a_plain_reader),
        cmocka_unit_test(sparse_node_numbers_are_kept),
        cmocka_unit_test(prefixes_quotes_tabs_and_wrapped_tables_are_read),
        cmocka_unit_test(what_is_missing_is_assumed_and_noted),
        cmocka_unit_test(listings_that_contradict_themselves_are_refused_at_their_place),
        cmocka_unit_test(sixty_four_nodes_are_read_and_one_more_is_refused),
        cmocka_unit_test(threads_are_told_only_where_the_numbers_show_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* layer: config */
/*
 * The shipped machines against the shared data they were made from: shapes, caches, bandwidths
 * between nodes, mixes of reads and writes, curves. A number whose source is a rule ("assumed:
 * ...") is not held to anything. Distances and latencies are in test_topologies.c.
 */
#include <math.h>

#include "topologies_kit.h"

#define DATA SHARED_DIR "/data/"

/* Fields of a line of CSV; a field in quotes may hold commas. */
static GStrv
split(const char *line)
{
    g_autoptr(GPtrArray) out = g_ptr_array_new();
    g_autoptr(GString) field = g_string_new(NULL);
    bool quoted = false;

    for (const char *at = line; *at != '\0' && *at != '\r'; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (*at == ',' && !quoted) {
            g_ptr_array_add(out, g_strdup(field->str));
            g_string_truncate(field, 0);
        } else
            g_string_append_c(field, *at);
    }
    g_ptr_array_add(out, g_strdup(field->str));
    g_ptr_array_add(out, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&out), FALSE);
}

/* Calls check for each row of a shipped machine; the number of rows. */
static guint
for_each_row(const char *file, void (*check)(const struct machine *, char **row))
{
    g_autofree char *path = g_strconcat(DATA, file, NULL);
    g_auto(GStrv) rows = lines_of(path);
    guint nr = 0;

    if (rows == NULL) {
        print_message("skipped: the shared data is absent\n");
        skip();
    }
    for (guint i = 1; rows[i] != NULL; i++) {
        g_auto(GStrv) row = split(rows[i]);
        struct arena *a = arena_new();

        if (row[0] != NULL && g_strv_contains((const char *const *)names, row[0])) {
            check(load(row[0], a), row);
            nr++;
        }
        arena_free(a);
    }
    return nr;
}

/* Whether the machine's file says that this part comes from a source and not from a rule; what a
 * rule adds to a source are numbers that the data lacks. */
static bool
is_sourced(const struct machine *m, const char *key)
{
    for (uint32_t i = 0; i < m->nr_notes; i++) {
        const char *note = m->notes[i];
        g_autofree char *head = g_strdup_printf("source %s: ", key);

        if (g_str_has_prefix(note, head))
            return !g_str_has_prefix(note + strlen(head), "assumed: ");
    }
    return false;
}

static void
assert_number(const struct machine *m, const char *what, double got, const char *want, double part)
{
    if (!g_ascii_isdigit(want[0]) || strpbrk(want, "-+ ") != NULL) /* missing, 64-128, "381 ..." */
        return;
    double number = g_ascii_strtod(want, NULL);

    if (!(fabs(got - number) <= part * number))
        fail_msg("%s: %s is %g, the data has %s", m->name, what, got, want);
}

/* id,name,sockets,nodes,cpu_nodes,cores_total,smt,base_GHz,llc_groups,cores_per_llc,L1d_KiB,L2_KiB,
 * L3_MiB_per_group,mem_per_node_GB,... */
static void
check_shape(const struct machine *m, char **row)
{
    bool shape = is_sourced(m, "shape") || is_sourced(m, "cpus");

    if (is_sourced(m, "frequency"))
        assert_number(m, "frequency", (double)m->freq_hz / 1e9, row[7], 1e-6);
    assert_number(m, "number of nodes", m->nr_nodes, row[3], 0);
    assert_number(m, "number of nodes with CPUs", __builtin_popcountll(machine_cpu_nodes(m)),
                  row[4], 0);
    if (shape) {
        assert_number(m, "sockets", m->nr_packages, row[2], 0);
        assert_number(m, "cores", m->nr_cores, row[5], 0);
        assert_number(m, "threads", m->smt, row[6], 0);
        assert_number(m, "last-level caches", m->nr_llcs, row[8], 0);
    }
    if (is_sourced(m, "caches")) {
        assert_number(m, "L1d", (double)m->cache.l1d_bytes / 1024, row[10], 1e-6);
        assert_number(m, "L2", (double)m->cache.l2_bytes / 1024, row[11], 1e-6);
        assert_number(m, "last-level cache", (double)m->cache.llc_bytes / 1024 / 1024, row[12],
                      0.003); /* 17.9 of 17.875 */
    }
    if (is_sourced(m, "nodes.memory")) /* of an expander, where there is one */
        assert_number(m, "memory", (double)m->nodes[m->nr_nodes - 1].mem_bytes / 1e9, row[13],
                      1e-6);
}

static void
shapes_are_those_of_the_data(void **state)
{
    (void)state;
    assert_true(for_each_row("machines.csv", check_shape) >= 40);
}

/* What a pair of nodes can get: the narrowest of controllers, links and limits on the way. */
static double
narrowest(const struct machine *m, uint32_t cpu, uint32_t mem)
{
    const struct machine_route *r = machine_route(m, cpu, mem);
    uint64_t least = m->nodes[mem].bandwidth;

    for (uint32_t i = 0; cpu != mem && i < r->nr_links; i++)
        least = MIN(least, m->links[r->links[i]].bandwidth);
    if (m->nodes[cpu].injection > 0)
        least = MIN(least, m->nodes[cpu].injection);
    return (double)least / 1e9;
}

static guint nr_pairs;

/* machine,from_node,to_node,GB_per_s,method: from is the node of the CPUs. Other methods measure
 * what one core gets, or what STREAM counts. */
static void
check_pair(const struct machine *m, char **row)
{
    if (strcmp(row[4], "all cores of the source node, reads") != 0 &&
        strcmp(row[4], "MLC reads") != 0)
        return;
    uint32_t from = (uint32_t)atoi(row[1]), to = (uint32_t)atoi(row[2]);
    double want = g_ascii_strtod(row[3], NULL), got = narrowest(m, from, to);

    nr_pairs++;
    if (fabs(got / want - 1) > (from == to ? 1e-6 : 0.05))
        fail_msg("%s: node %u reads node %u with %g GB/s, the data has %g", m->name, from, to, got,
                 want);
}

static void
bandwidths_between_nodes_are_those_of_the_data(void **state)
{
    (void)state;
    for_each_row("bandwidth_gbs.csv", check_pair);
    assert_true(nr_pairs >= 130);
}

static void
check_mix(const struct machine *m, char **row)
{
    static const struct {
        const char *name;
        double written;
    } mixes[] = { { "ALL Reads", 0 },
                  { "3:1 Reads-Writes", 0.25 },
                  { "2:1 Reads-Writes", 1 / 3.0 },
                  { "1:1 Reads-Writes", 0.5 } };
    double got = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(mixes); i++) {
        if (strcmp(row[2], mixes[i].name) != 0)
            continue;
        for (uint32_t n = 0; n < m->nr_nodes; n++)
            got += (double)m->nodes[n].bandwidth / 1e9 *
                   (1 - m->nodes[n].write_derate_ppm / 1e6 * mixes[i].written);
        double want = g_ascii_strtod(row[3], NULL);
        if (fabs(got / want - 1) > 0.05)
            fail_msg("%s: %s come to %g GB/s, the data has %g", m->name, row[2], got, want);
    }
}

static void
mixes_are_within_5_per_cent_of_the_data(void **state)
{
    (void)state;
    assert_true(for_each_row("peak_bandwidth_gbs.csv", check_mix) >= 60);
}

/* machine,scope,L0_ns,Bmax_GB_per_s,A,d */
static void
check_curve(const struct machine *m, char **row)
{
    double a = g_ascii_strtod(row[4], NULL), d = g_ascii_strtod(row[5], NULL), peak = 0;

    if (strstr(row[1], "->") != NULL) {
        assert_float_equal(m->links[0].curve_a, a, 1e-9);
        assert_float_equal(m->links[0].curve_d, d, 1e-9);
        assert_number(m, "the link's peak", (double)m->links[0].bandwidth / 1e9, row[3], 0.005);
        return;
    }
    for (uint32_t n = 0; n < m->nr_nodes; n++) {
        assert_float_equal(m->nodes[n].curve_a, a, 1e-9);
        assert_float_equal(m->nodes[n].curve_d, d, 1e-9);
        peak += (double)m->nodes[n].bandwidth / 1e9;
    }
    if (g_str_has_prefix(row[1], "one socket"))
        peak /= m->nr_packages;
    assert_number(m, "the peak of all nodes", peak, row[3], 0.01);
}

static void
curves_are_the_fits_of_the_data(void **state)
{
    (void)state;
    assert_true(for_each_row("loaded_latency_fits.csv", check_curve) >= 14);
}

/* Every machine with a row that tells shape and a measurement is shipped; see topologies/README.md
 * for those that are not. */
static void
at_least_25_machines_of_the_data_are_shipped(void **state)
{
    (void)state;
    g_auto(GStrv) rows = lines_of(DATA "machines.csv");
    guint nr = 0;

    if (rows == NULL) {
        print_message("skipped: the shared data is absent\n");
        skip();
    }
    for (guint i = 1; rows[i] != NULL; i++) {
        g_auto(GStrv) row = split(rows[i]);
        nr += row[0] != NULL && g_strv_contains((const char *const *)names, row[0]);
    }
    assert_true(nr >= 25);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_those_of_the_data),
        cmocka_unit_test(bandwidths_between_nodes_are_those_of_the_data),
        cmocka_unit_test(mixes_are_within_5_per_cent_of_the_data),
        cmocka_unit_test(curves_are_the_fits_of_the_data),
        cmocka_unit_test(at_least_25_machines_of_the_data_are_shipped),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

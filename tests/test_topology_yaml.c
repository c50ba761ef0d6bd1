/* layer: config */
/* Topology YAML: what the grammar means, its limits, and the messages for files that are wrong. */
#include "loader_kit.h"

#include "config/load.h"
#include "config/topology_yaml.h"

static struct machine *
try_load(struct fixture *f, const char *text)
{
    diag_clear(&f->diag);
    diag_init(&f->diag);
    return topology_yaml_load("t.yaml", text, strlen(text), f->arena, &f->diag);
}

static struct machine *
load(struct fixture *f, const char *text)
{
    struct machine *m = try_load(f, text);
    g_autofree char *messages = diag_text(&f->diag);

    assert_string_equal(messages, "");
    assert_non_null(m);
    return m;
}

/* "0-3/8-11": the CPUs that share an id, for each id in order. */
static char *
sharing(const struct machine *m, size_t offset)
{
    GString *s = g_string_new(NULL);

    for (int32_t id = 0; id < (int32_t)m->nr_cpus; id++) {
        struct cpumask *set = cpumask_new(m->arena, m->nr_cpus);
        for (uint32_t cpu = 0; cpu < m->nr_cpus; cpu++)
            if (*(const int32_t *)(const void *)((const char *)&m->cpus[cpu] + offset) == id)
                cpumask_set(set, cpu);
        if (!cpumask_empty(set))
            g_string_append_printf(s, "%s%s", s->len > 0 ? "/" : "", cpumask_text(m->arena, set));
    }
    return g_string_free(s, FALSE);
}

#define assert_sharing(m, member, expected)                                                        \
    do {                                                                                           \
        g_autofree char *text_ = sharing(m, offsetof(struct machine_cpu, member));                 \
        assert_string_equal(text_, expected);                                                      \
    } while (0)

static void
a_shape_numbers_cpus_as_linux_on_x86_does(void **state)
{
    struct machine *m = load(*state, "shape: {packages: 2, nodes_per_package: 2, cores_per_llc: 2, "
                                     "threads_per_core: 2}");

    assert_int_equal(m->nr_cpus, 16);
    assert_int_equal(m->smt, 2);
    assert_sharing(m, node, "0-1,8-9/2-3,10-11/4-5,12-13/6-7,14-15");
    assert_sharing(m, package, "0-3,8-11/4-7,12-15");
    assert_sharing(m, core, "0,8/1,9/2,10/3,11/4,12/5,13/6,14/7,15");
    assert_sharing(m, llc, "0-1,8-9/2-3,10-11/4-5,12-13/6-7,14-15");
}

static void
threads_may_come_first_and_nodes_may_take_turns(void **state)
{
    struct machine *m = load(*state, "shape: {packages: 2, cores_per_llc: 2, threads_per_core: 2, "
                                     "cpu_numbering: threads-first}");

    assert_sharing(m, core, "0-1/2-3/4-5/6-7");
    assert_sharing(m, node, "0-3/4-7");
    m = load(*state, "shape: {packages: 2, cores_per_llc: 2, threads_per_core: 2, "
                     "cpu_numbering: round-robin}");
    assert_sharing(m, node, "0,2,4,6/1,3,5,7");
    assert_sharing(m, core, "0,4/2,6/1,5/3,7");
}

static void
dies_clusters_and_caches_divide_a_package(void **state)
{
    struct machine *m = load(*state, "shape: {dies_per_package: 2, nodes_per_package: 2, "
                                     "llcs_per_node: 2, cores_per_llc: 4, cores_per_cluster: 2}");

    assert_sharing(m, die, "0-7/8-15");
    assert_sharing(m, node, "0-7/8-15");
    assert_sharing(m, llc, "0-3/4-7/8-11/12-15");
    assert_sharing(m, cluster, "0-1/2-3/4-5/6-7/8-9/10-11/12-13/14-15");
    m = load(*state, "shape: {nodes_per_package: 2, llcs_per_package: 1, cores_per_node: 4}");
    assert_sharing(m, node, "0-3/4-7");
    assert_sharing(m, llc, "0-7");
}

static void
the_full_form_says_everything(void **state)
{
    struct machine *m = load(*state, "nodes:\n"
                                     "  - {node: 8, memory: 1GiB, cpus: 2-5}\n"
                                     "  - {node: 0, memory: 2GiB, cpus: [0, 1, 9]}\n"
                                     "  - {node: 252, memory: 16GB, kind: hbm}\n"
                                     "  - {node: 30, memory: 0B, online: no}\n"
                                     "cpus:\n"
                                     "  - {cpus: 2-5, core: [1, 1, 2, 2], l2: 1-4, llc: 0}\n"
                                     "  - {cpus: 3, capacity: 446}\n"
                                     "offline_cpus: 9\n"
                                     "isolated_cpus: 4-5\n");

    assert_int_equal(m->nr_nodes, 4);
    assert_int_equal(m->nodes[1].os_index, 8);
    assert_int_equal(m->nodes[2].os_index, 30);
    assert_false(m->nodes[2].online);
    assert_int_equal(m->nodes[3].kind, MEMORY_HBM);
    assert_int_equal(m->nodes[3].mem_bytes, 16000000000);
    assert_int_equal(m->nr_cpus, 10);
    assert_string_equal(cpumask_text(m->arena, m->present), "0-5,9");
    assert_string_equal(cpumask_text(m->arena, m->online), "0-5");
    assert_string_equal(cpumask_text(m->arena, m->isolated), "4-5");
    assert_sharing(m, llc, "2-5");
    assert_int_equal(m->cpus[2].core, m->cpus[3].core);
    assert_int_not_equal(m->cpus[3].core, m->cpus[4].core);
    assert_int_equal(m->cpus[3].capacity, 446);
    assert_int_equal(m->cpus[4].capacity, 1024);
    assert_int_equal(machine_memory_nodes(m), NODE_BIT(0) | NODE_BIT(1) | NODE_BIT(3));
}

static void
a_later_entry_corrects_a_shape(void **state)
{
    struct machine *m = load(*state, "shape: {packages: 3, cores_per_llc: 2}\n"
                                     "nodes:\n"
                                     "  - {node: all, memory: 8GiB, bandwidth: 20GB/s}\n"
                                     "  - {node: 1-2, memory: 4GiB}\n"
                                     "  - {node: 7, memory: 64GiB, kind: cxl}\n");

    assert_int_equal(m->nr_nodes, 4);
    assert_int_equal(m->nodes[0].mem_bytes, GIB(8));
    assert_int_equal(m->nodes[2].mem_bytes, GIB(4));
    assert_int_equal(m->nodes[2].bandwidth, 20000000000);
    assert_int_equal(m->nodes[3].os_index, 7);
    assert_int_equal(machine_cpu_nodes(m), 7);
}

static void
tables_have_the_cpu_in_the_row_and_the_memory_in_the_column(void **state)
{
    struct machine *m = load(*state, "shape: {packages: 2, cores_per_llc: 1}\n"
                                     "distances:\n"
                                     "  - 10 21\n"
                                     "  - [22, 10]\n"
                                     "latency:\n"
                                     "  - 85ns 140.5ns\n"
                                     "  - [none, 86ns]\n"
                                     "bandwidth:\n"
                                     "  - 40GB/s 17GB/s\n"
                                     "  - 16GB/s 41GB/s\n");

    assert_int_equal(machine_distance(m, 1, 0), 22);
    assert_int_equal(machine_latency_ps(m, 0, 1), 140500);
    assert_int_equal(machine_latency_ps(m, 1, 0), 85000 + 12 * 5000); /* the rule for gaps */
    assert_int_equal(m->nodes[1].bandwidth, 41000000000);
    const struct machine_route *r = machine_route(m, 0, 1);
    assert_int_equal(r->nr_links, 1);
    assert_int_equal(m->links[r->links[0]].from, 1); /* data flows from the memory */
    assert_int_equal(m->links[r->links[0]].bandwidth, 17000000000);
}

static void
three_kinds_of_pairs_need_three_numbers(void **state)
{
    struct machine *m =
        load(*state, "shape: {packages: 2, nodes_per_package: 2, cores_per_llc: 1}\n"
                     "distances: {package: 12, remote: 32}\n");

    assert_memory_equal(
        m->distances,
        ((const uint8_t[16]){ 10, 12, 32, 32, 12, 10, 32, 32, 32, 32, 10, 12, 32, 32, 12, 10 }),
        16);
}

/* "a>b": names of the links from the memory of one node to the CPU of another. */
static char *
route_text(const struct machine *m, uint32_t cpu, uint32_t mem)
{
    const struct machine_route *r = machine_route(m, cpu, mem);
    GString *s = g_string_new(NULL);

    for (uint32_t i = 0; i < r->nr_links; i++)
        g_string_append_printf(s, "%s%s", i > 0 ? " " : "", m->links[r->links[i]].name);
    return g_string_free(s, FALSE);
}

static void
a_route_walks_links_from_the_memory_to_the_cpu(void **state)
{
    struct machine *m = load(*state, "shape: {packages: 4, cores_per_llc: 1}\n"
                                     "links:\n"
                                     "  - {name: a, between: [0, 1], bandwidth: 16GB/s}\n"
                                     "  - {name: b, between: [1, 2]}\n"
                                     "  - {name: c, from: 2, to: 3}\n"
                                     "  - {name: d, from: 3, to: 0, curve: {a: 0.1, d: 0.2}}\n"
                                     "routes:\n"
                                     "  - {from: 0, to: 2, via: [a, b]}\n"
                                     "  - {from: 2, to: 0, via: [c, d]}\n");
    g_autofree char *there = route_text(m, 2, 0), *back = route_text(m, 0, 2);
    g_autofree char *found = route_text(m, 1, 3);

    assert_int_equal(m->nr_links, 6);
    assert_string_equal(there, "a.0>1 b.1>2");
    assert_string_equal(back, "c d");
    assert_string_equal(found, "d a.0>1"); /* the shortest */
    assert_true(m->links[5].has_curve);
    assert_false(m->links[0].has_curve);
}

static void
devices_caches_and_power_are_kept(void **state)
{
    struct machine *m =
        load(*state, "shape: {packages: 2, cores_per_llc: 2}\n"
                     "caches: {l1d: 32KiB, l2: 1.25MiB, llc: 54MiB, line_bytes: 128}\n"
                     "power: {core_active_w: 4.5, node_w: 20}\n"
                     "devices:\n"
                     "  - {name: eth0, kind: nic, node: 1, queues: 8, bandwidth: 12.5GB/s,\n"
                     "     irq_cpus: [2-3]}\n"
                     "  - {name: x, node: 0}\n");

    assert_int_equal(m->cache.l2_bytes, 1310720);
    assert_int_equal(m->cache.line_bytes, 128);
    assert_true(m->power.given);
    assert_true(m->power.core_active_w > 4.4 && m->power.core_active_w < 4.6);
    assert_int_equal(m->nr_devices, 2);
    assert_int_equal(m->devices[0].kind, DEVICE_NIC);
    assert_int_equal(m->devices[0].nr_queues, 8);
    assert_string_equal(cpumask_text(m->arena, m->devices[0].irq_cpus), "2-3");
    assert_int_equal(m->devices[1].kind, DEVICE_OTHER);
}

static void
the_last_size_that_loads_and_the_first_that_does_not(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        bool loads;
    } cases[] = {
        { "shape: {packages: 64, cores_per_llc: 128}", true },
        { "shape: {packages: 64, cores_per_llc: 129}", false },
        { "shape: {packages: 65, cores_per_llc: 1}", false },
        { "shape: {packages: 16, nodes_per_package: 4, cores_per_llc: 1}", true },
        { "nodes:\n  - {node: 1023, memory: 1GiB, cpus: 8191}", true },
        { "nodes:\n  - {node: 1024, memory: 1GiB, cpus: 0}", false },
        { "nodes:\n  - {node: 0, memory: 1GiB, cpus: 8192}", false },
        { "nodes:\n  - {node: 0-63, memory: 1GiB}\ncpus:\n  - {cpus: 0, node: 0}", true },
        { "nodes:\n  - {node: 0-64, memory: 1GiB}\ncpus:\n  - {cpus: 0, node: 0}", false },
        { "shape: {cores_per_llc: 1}\ncpus:\n  - {cpus: 0, capacity: 1024}", true },
        { "shape: {cores_per_llc: 1}\ncpus:\n  - {cpus: 0, capacity: 1025}", false },
        { "shape: {packages: 2, cores_per_llc: 1}\ndistances: {remote: 255}", true },
        { "shape: {packages: 2, cores_per_llc: 1}\ndistances: {remote: 256}", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bool loads = try_load(f, cases[i].text) != NULL;
        if (loads != cases[i].loads)
            fail_msg("%s", cases[i].text);
        assert_int_equal(diag_failed(&f->diag), !loads);
    }
}

static void
a_name_is_made_fit_for_folders(void **state)
{
    struct machine *m = load(*state, "name: ../a b/my machine.yaml\nshape: {cores_per_llc: 1}");

    assert_string_equal(m->name, "my_machine");
    m = load(*state, "shape: {cores_per_llc: 1}");
    assert_string_equal(m->name, "t");
}

/* Every tests/bad/topology_NAME.yaml has its messages in NAME.txt beside it. */
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

        if (!g_str_has_prefix(name, "topology_") || !g_str_has_suffix(name, ".yaml"))
            continue;
        nr++;
        assert_true(g_file_get_contents(path, &text, &len, NULL));
        strcpy(strrchr(path, '.'), ".txt");
        assert_true(g_file_get_contents(path, &golden, NULL, NULL));
        diag_clear(&f->diag);
        diag_init(&f->diag);
        assert_null(topology_yaml_load(name, text, len, f->arena, &f->diag));
        g_autofree char *messages = diag_text(&f->diag);
        assert_string_equal(messages, golden);
    }
    assert_true(nr >= 10);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_shape_numbers_cpus_as_linux_on_x86_does),
        CASE(threads_may_come_first_and_nodes_may_take_turns),
        CASE(dies_clusters_and_caches_divide_a_package),
        CASE(the_full_form_says_everything),
        CASE(a_later_entry_corrects_a_shape),
        CASE(tables_have_the_cpu_in_the_row_and_the_memory_in_the_column),
        CASE(three_kinds_of_pairs_need_three_numbers),
        CASE(a_route_walks_links_from_the_memory_to_the_cpu),
        CASE(devices_caches_and_power_are_kept),
        CASE(the_last_size_that_loads_and_the_first_that_does_not),
        CASE(a_name_is_made_fit_for_folders),
        CASE(files_that_are_wrong_get_exactly_their_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

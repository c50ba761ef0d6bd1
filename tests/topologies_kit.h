/*
 * For tests of the machines that are shipped.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "config/load.h"
#include "config/topology_yaml.h"

static char **names;
static char **sources; /* keys of sources.csv; NULL without the shared data */

static inline char **
lines_of(const char *path)
{
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_strsplit(text, "\n", -1) : NULL;
}

static inline int
set_up(void **state)
{
    (void)state;
    g_setenv("NUMASIM_DATA", SOURCE_DIR, TRUE);
    names = shipped_names(NUMASIM_DATA_DIR, "topologies");
    sources = lines_of(SHARED_DIR "/data/sources.csv");
    return 0;
}

static inline int
tear_down(void **state)
{
    (void)state;
    g_strfreev(names);
    g_strfreev(sources);
    return 0;
}

static inline struct machine *
load(const char *name, struct arena *a)
{
    struct diag d;

    diag_init(&d);
    struct machine *m = load_machine(name, a, &d);
    g_autofree char *messages = diag_text(&d);
    if (m == NULL)
        fail_msg("%s: %s", name != NULL ? name : "(none)", messages);
    diag_clear(&d);
    return m;
}

static inline bool
arrays_equal(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

static inline bool
nodes_equal(const struct machine_node *a, const struct machine_node *b)
{
    return a->os_index == b->os_index && a->online == b->online &&
           cpumask_equal(a->cpus, b->cpus) && a->mem_bytes == b->mem_bytes && a->kind == b->kind &&
           a->bandwidth == b->bandwidth && a->write_derate_ppm == b->write_derate_ppm &&
           a->injection == b->injection && a->has_curve == b->has_curve &&
           a->nr_points == b->nr_points &&
           arrays_equal(a->points, b->points, a->nr_points * sizeof(*a->points)) &&
           arrays_equal(&a->curve_a, &b->curve_a, sizeof(double)) &&
           arrays_equal(&a->curve_d, &b->curve_d, sizeof(double));
}

static inline bool
cpus_equal(const struct machine_cpu *a, const struct machine_cpu *b)
{
    return a->present == b->present && a->online == b->online && a->node == b->node &&
           a->package == b->package && a->die == b->die && a->core == b->core &&
           a->cluster == b->cluster && a->l2 == b->l2 && a->llc == b->llc &&
           a->capacity == b->capacity;
}

static inline bool
links_equal(const struct machine_link *a, const struct machine_link *b)
{
    return strcmp(a->name, b->name) == 0 && a->from == b->from && a->to == b->to &&
           a->bandwidth == b->bandwidth && a->has_curve == b->has_curve &&
           a->nr_points == b->nr_points &&
           arrays_equal(a->points, b->points, a->nr_points * sizeof(*a->points)) &&
           arrays_equal(&a->curve_a, &b->curve_a, sizeof(double)) &&
           arrays_equal(&a->curve_d, &b->curve_d, sizeof(double));
}

static inline void
assert_machines_equal(const struct machine *a, const struct machine *b)
{
    uint32_t nr = a->nr_nodes;

    assert_string_equal(a->name, b->name);
    assert_string_equal(a->title, b->title);
    assert_int_equal(a->vendor, b->vendor);
    assert_int_equal(a->amd_pre_zen, b->amd_pre_zen);
    assert_int_equal(a->freq_hz, b->freq_hz);
    assert_int_equal(a->node_reclaim_distance, b->node_reclaim_distance);
    assert_int_equal(a->nr_cpus, b->nr_cpus);
    assert_int_equal(nr, b->nr_nodes);
    for (uint32_t i = 0; i < nr; i++)
        assert_true(nodes_equal(&a->nodes[i], &b->nodes[i]));
    for (uint32_t i = 0; i < a->nr_cpus; i++)
        assert_true(cpus_equal(&a->cpus[i], &b->cpus[i]));
    assert_true(cpumask_equal(a->isolated, b->isolated));
    assert_int_equal(a->has_distances, b->has_distances);
    assert_memory_equal(a->distances, b->distances, nr * nr);
    assert_memory_equal(a->latency_ps, b->latency_ps, nr * nr * sizeof(uint32_t));
    assert_int_equal(a->nr_links, b->nr_links);
    for (uint32_t i = 0; i < a->nr_links; i++)
        assert_true(links_equal(&a->links[i], &b->links[i]));
    for (uint32_t i = 0; i < nr * nr; i++) {
        assert_int_equal(a->routes[i].nr_links, b->routes[i].nr_links);
        assert_true(arrays_equal(a->routes[i].links, b->routes[i].links,
                                 a->routes[i].nr_links * sizeof(uint32_t)));
    }
    assert_memory_equal(&a->cache, &b->cache, sizeof(a->cache));
    assert_int_equal(a->smt, b->smt);
    assert_int_equal(a->nr_llcs, b->nr_llcs);
    assert_int_equal(a->nr_devices, b->nr_devices);
    for (uint32_t i = 0; i < a->nr_devices; i++) {
        assert_string_equal(a->devices[i].name, b->devices[i].name);
        assert_int_equal(a->devices[i].kind, b->devices[i].kind);
        assert_int_equal(a->devices[i].node, b->devices[i].node);
        assert_int_equal(a->devices[i].nr_queues, b->devices[i].nr_queues);
        assert_int_equal(a->devices[i].bandwidth, b->devices[i].bandwidth);
        assert_true(cpumask_equal(a->devices[i].irq_cpus, b->devices[i].irq_cpus));
    }
    assert_int_equal(a->power.given, b->power.given);
}

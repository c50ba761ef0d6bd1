/*
 * For tests of snapshots of /proc and /sys.
 */
#pragma once

#include "config/import_archive.h"
#include "config/import_lscpu.h"
#include "config/import_sysfs.h"
#include "machine_compare.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct loaded {
    struct arena *arena;
    struct diag diag;
    struct machine *m;
};

static inline struct loaded
load(const char *spec)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = load_machine(spec, l.arena, &l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
    if (l.m == NULL) {
        g_autofree char *why = diag_text(&l.diag);
        print_message("%s", why);
    }
    return l;
}

static inline void
unload(struct loaded *l)
{
    arena_free(l->arena);
    diag_clear(&l->diag);
}

static inline bool
noted(const struct machine *m, const char *words)
{
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (strstr(m->notes[i], words) != NULL)
            return true;
    return false;
}

/* ---- lstopo's text ---- */

enum { DEPTH_MOST = 64, TYPES = 4 };

/* ---- by hand ---- */

/* tests/import/two_nodes.sysfs: "=PATH", then the content. */
static inline char **
sample_files(void)
{
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(SOURCE_DIR "/tests/import/two_nodes.sysfs", &text, NULL, NULL));
    return g_strsplit(text + 1, "\n=", -1);
}

static inline void
check_sample(const struct machine *m)
{
    assert_int_equal(m->nr_nodes, 3);
    assert_int_equal(m->nodes[1].os_index, 8);
    assert_int_equal(m->nodes[0].mem_bytes, GIB(8));
    assert_int_equal(m->nodes[2].mem_bytes, GIB(2));
    assert_true(cpumask_empty(m->nodes[2].cpus));
    assert_int_equal(m->nodes[2].kind, MEMORY_CXL); /* made from a DAX device */
    assert_int_equal(m->nodes[2].bandwidth, MIB(20480));
    assert_int_equal(machine_latency_ps(m, 0, 2), 250000);
    assert_int_equal(machine_latency_ps(m, 0, 0), 90000);
    assert_int_equal(machine_distance(m, 1, 2), 28);
    assert_int_equal(cpumask_weight(m->present), 6);
    assert_false(cpumask_test(m->online, 5));
    assert_int_equal(m->cpus[5].node, 1); /* where CPU 4 is */
    assert_int_equal(m->cpus[0].core, m->cpus[1].core);
    assert_int_not_equal(m->cpus[2].core, m->cpus[3].core);
    assert_int_equal(m->cpus[2].cluster, m->cpus[3].cluster); /* they share an L2 */
    assert_int_equal(m->cpus[2].llc, m->cpus[3].llc);
    assert_int_not_equal(m->cpus[2].llc, m->cpus[4].llc);
    assert_int_equal(m->cache.l2_bytes, MIB(1));
    assert_int_equal(m->cpus[0].capacity, 1024);
    assert_int_equal(m->cpus[4].capacity, 512);
    assert_int_equal(m->vendor, VENDOR_AMD);
    assert_false(m->amd_pre_zen);
    assert_true(noted(m, "1 CPUs are offline"));
    assert_true(noted(m, "latency: 2 of 9 pairs of nodes from HMAT in /sys"));
}

static inline struct machine *
import_files(char **files, struct loaded *l)
{
    struct snapshot s;

    *l = (struct loaded){ .arena = arena_new() };
    diag_init(&l->diag);
    snapshot_init(&s, NULL);
    for (; *files != NULL; files++) {
        char *content = strchr(*files, '\n');
        g_autofree char *path = g_strndup(*files, strcspn(*files, "\n"));

        assert_true(snapshot_wants(path));
        snapshot_add(&s, path, content != NULL ? content + 1 : "");
    }
    l->m = import_sysfs("box", &s, l->arena, &l->diag);
    snapshot_clear(&s);
    assert_true((l->m == NULL) == diag_failed(&l->diag));
    return l->m;
}

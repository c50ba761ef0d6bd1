/*
 * For tests of the hwloc importer: files, texts and strings become machines.
 */
#pragma once

#include "config/import.h"
#include "config/import_archive.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct loaded {
    struct arena *arena;
    struct diag diag;
    struct machine *m;
};

static inline struct loaded
load_text(const char *name, const char *text, gsize len)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = import_hwloc_xml(name, text, len, l.arena, &l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
    return l;
}

static inline struct loaded
load_file(const char *path)
{
    g_autofree char *text = NULL;
    gsize len;

    assert_true(g_file_get_contents(path, &text, &len, NULL));
    assert_true(looks_like_hwloc_xml(text, len) || looks_like_compressed(text, len));
    assert_false(looks_like_numactl(text, len));
    return load_text(path, text, len);
}

static inline struct loaded
load_string(const char *spec)
{
    struct loaded l = { .arena = arena_new() };

    diag_init(&l.diag);
    l.m = import_hwloc_synthetic(spec, l.arena, &l.diag);
    assert_true((l.m == NULL) == diag_failed(&l.diag));
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

/* nodes, packages, cores, CPUs, LLCs, GiB in all, distance of the first two nodes, first and last.
 */
static const struct {
    const char *spec;
    uint32_t nodes, packages, cores, cpus, llcs;
    double gib;
    uint32_t first_two, first_last;
} trees[] = {
    { "hwloc:pack:2 [numa] l3:2 core:4 pu:2", 2, 2, 16, 32, 4, 32, 21, 21 },
    { "hwloc:pack:2 [numa(memory=8GiB)] l3:2 core:4 pu:2", 2, 2, 16, 32, 4, 16, 21, 21 },
    { "hwloc:node:4 core:2 pu:1", 4, 4, 8, 8, 4, 4, 21, 21 },
    { "hwloc:pack:2 [numa] [numa(memory=16GiB)] core:2 pu:1", 4, 2, 4, 4, 2, 64, 11, 21 },
    { "hwloc:pack:2 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)", 1, 2, 4, 8, 2, 1, 10, 10 },
    { "hwloc:pack:2 die:2 [numa(memory=1GiB)] l3:1 l2:2 core:2 pu:1", 4, 2, 16, 16, 4, 4, 11, 21 },
    { "hwloc:Package:4 [NUMANode(memory=790970368)] L3Cache:1(size=16777216) "
      "L2Cache:2(size=524288) L1dCache:1(size=65536) L1iCache:1(size=65536) Core:1 PU:1",
      4, 4, 8, 8, 4, 4 * 790970368.0 / (double)GIB(1), 21, 21 },
};

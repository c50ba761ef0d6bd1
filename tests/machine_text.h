/*
 * Machines in a line of text, for tests:
 *
 *     "4x8 llc 8 smt 2 package 2 amd memory 1: 10 20 / 20 10"
 *
 * 4 nodes of 8 CPUs, of which 8 share a last-level cache and 2 a core; 2 nodes make a package; one
 * more node has memory only. Without `llc` a node is one, without `package` too. What follows the
 * colon are the distances, row by row; without it there are none. CPUs are numbered node by node.
 * The machine is not finished: the test may still change it.
 */
#pragma once

#include <stdlib.h>

#include "machine/machine.h"

struct machine_shape {
    uint32_t nodes, cpus, llc, smt, l2, package, memory;
    enum machine_vendor vendor;
};

static inline struct machine_shape
machine_shape_parse(const char *text)
{
    struct machine_shape s = { .smt = 1, .package = 1, .vendor = VENDOR_INTEL };
    char *at;

    s.nodes = (uint32_t)strtoul(text, &at, 10);
    s.cpus = (uint32_t)strtoul(at + 1, &at, 10);
    s.llc = s.cpus;
    while (*at == ' ') {
        const char *word = ++at;
        size_t len = strcspn(word, " :");

        at += len;
        if (len == 3 && strncmp(word, "amd", 3) == 0)
            s.vendor = VENDOR_AMD;
        else if (len == 3 && strncmp(word, "arm", 3) == 0)
            s.vendor = VENDOR_ARM;
        else {
            uint32_t value = (uint32_t)strtoul(at, &at, 10);

            *(word[0] == 'm'                     ? &s.memory
              : word[0] == 'p'                   ? &s.package
              : word[0] == 's'                   ? &s.smt
              : word[0] == 'l' && word[1] == '2' ? &s.l2
                                                 : &s.llc) = value;
        }
    }
    return s;
}

static inline void
machine_text_distances(struct machine *m, const char *text)
{
    const char *at = strchr(text, ':');

    if (at == NULL)
        return;
    m->has_distances = true;
    at++;
    for (uint32_t i = 0; i < m->nr_nodes * m->nr_nodes; i++) {
        char *end;

        at += strspn(at, " /");
        m->distances[i] = (uint8_t)strtoul(at, &end, 10);
        sim_assert(end != at);
        at = end;
    }
}

static inline struct machine *
machine_from_text(struct arena *a, const char *text)
{
    struct machine_shape s = machine_shape_parse(text);
    struct machine *m = machine_new(a, s.nodes * s.cpus, s.nodes + s.memory);

    m->vendor = s.vendor;
    for (uint32_t i = 0; i < m->nr_cpus; i++) {
        struct machine_cpu *c = &m->cpus[i];

        c->present = c->online = true;
        c->node = (int32_t)(i / s.cpus);
        c->package = c->node / (int32_t)s.package;
        c->core = (int32_t)(i / s.smt);
        c->l2 = (int32_t)(i / (s.l2 > 0 ? s.l2 : s.smt));
        c->llc = (int32_t)(i / s.llc);
    }
    for (uint32_t i = 0; i < m->nr_nodes; i++)
        m->nodes[i].mem_bytes = GIB(1);
    machine_text_distances(m, text);
    return m;
}

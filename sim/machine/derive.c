/*
 * Ids and counts of a machine.
 *
 * An id that a file does not tell is replaced by the plainest structure: a CPU is a core of its
 * own, a node is a package of its own, a package is one die. Caches stay unknown: inventing a
 * shared cache would change the scheduling domains, and the kernel, too, treats such a CPU as
 * alone.
 */
#include "machine/derive.h"

#include <stdlib.h>

/* New ids begin above those in use. */
static int32_t
first_free_id(const struct machine *m, size_t offset)
{
    int32_t free_id = 0;

    for (uint32_t i = 0; i < m->nr_cpus; i++) {
        int32_t id = *(const int32_t *)(const void *)((const char *)&m->cpus[i] + offset);

        if (m->cpus[i].present && id >= free_id && id < INT32_MAX - CPU_MAX)
            free_id = id + 1;
    }
    return free_id;
}

void
machine_derive_ids(struct machine *m)
{
    int32_t core = first_free_id(m, offsetof(struct machine_cpu, core));
    int32_t package = first_free_id(m, offsetof(struct machine_cpu, package));
    int32_t die = first_free_id(m, offsetof(struct machine_cpu, die));
    uint32_t nr_cores = 0, nr_packages = 0;

    for (uint32_t i = 0; i < m->nr_cpus; i++) {
        struct machine_cpu *c = &m->cpus[i];

        if (!c->present)
            continue;
        if (c->core < 0) {
            c->core = core + (int32_t)i;
            nr_cores++;
        }
        if (c->package < 0) {
            c->package = package + c->node;
            nr_packages++;
        }
        if (c->die < 0)
            c->die = die + c->package;
    }
    if (nr_cores > 0)
        machine_note(m, "assumed: each of %u CPUs is a core of its own", nr_cores);
    if (nr_packages > 0)
        machine_note(m, "assumed: a package is a node (%u CPUs)", nr_packages);
    if (m->cache.line_bytes == 0)
        m->cache.line_bytes = 64;
    if (m->name == NULL)
        m->name = "machine";
}

static int
compare_ids(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* How many different known ids there are; *most: CPUs of the largest. */
static uint32_t
count_ids(const struct machine *m, size_t offset, uint32_t *most)
{
    int32_t *ids = arena_new_array(m->arena, int32_t, m->nr_cpus + 1);
    uint32_t nr = 0, distinct = 0, run = 0;

    for (uint32_t i = 0; i < m->nr_cpus; i++) {
        int32_t id = *(const int32_t *)(const void *)((const char *)&m->cpus[i] + offset);

        if (m->cpus[i].present && id >= 0)
            ids[nr++] = id;
    }
    qsort(ids, nr, sizeof(*ids), compare_ids);
    *most = 0;
    for (uint32_t i = 0; i < nr; i++) {
        run = i > 0 && ids[i] == ids[i - 1] ? run + 1 : 1;
        distinct += run == 1;
        *most = SIM_MAX(*most, run);
    }
    return distinct;
}

void
machine_derive_counts(struct machine *m)
{
    uint32_t most;

    m->nr_packages = count_ids(m, offsetof(struct machine_cpu, package), &most);
    m->nr_dies = count_ids(m, offsetof(struct machine_cpu, die), &most);
    m->nr_llcs = count_ids(m, offsetof(struct machine_cpu, llc), &most);
    m->nr_cores = count_ids(m, offsetof(struct machine_cpu, core), &m->smt);
}

static int
compare_pairs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Catches loaders that number cores anew in every package. */
const char *
machine_check_cores(const struct machine *m)
{
    uint64_t *pairs = arena_new_array(m->arena, uint64_t, m->nr_cpus + 1);
    uint32_t nr = 0;

    for_each_cpu (cpu, m->present)
        pairs[nr++] = (uint64_t)m->cpus[cpu].core << 32 | (uint32_t)m->cpus[cpu].package;
    qsort(pairs, nr, sizeof(*pairs), compare_pairs);
    for (uint32_t i = 1; i < nr; i++)
        if (pairs[i] != pairs[i - 1] && pairs[i] >> 32 == pairs[i - 1] >> 32)
            return arena_printf(m->arena, "core %u is in package %u and in package %u",
                                (uint32_t)(pairs[i] >> 32), (uint32_t)pairs[i - 1],
                                (uint32_t)pairs[i]);
    return NULL;
}

static int32_t
only_package(const struct machine *m, uint32_t node)
{
    int32_t package = MACHINE_NONE;

    for_each_cpu (cpu, m->nodes[node].cpus) {
        if (package >= 0 && m->cpus[cpu].package != package)
            return MACHINE_NONE;
        package = m->cpus[cpu].package;
    }
    return package;
}

bool
machine_same_package(const struct machine *m, uint32_t a, uint32_t b)
{
    int32_t package = only_package(m, a);

    return package >= 0 && package == only_package(m, b);
}
